"""Comparisons, logic, and the choice between two tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, op
from ..shapes import Shape, broadcast, compatible, format_shape, merge
from .common import broadcast_shape, comparison, same_shape, sum_to

__all__: list[str] = []

less: Op = comparison("Less", "real", np.less, "x < y.")
less_equal: Op = comparison("LessEqual", "real", np.less_equal, "x <= y.")
greater: Op = comparison("Greater", "real", np.greater, "x > y.")
greater_equal: Op = comparison("GreaterEqual", "real", np.greater_equal, "x >= y.")


def _equality(compare: Callable[[Array, Array], Any], if_incompatible: bool) -> Callable[[Site], Kernel]:
    """Kernels of Equal and NotEqual: shapes that do not fit are an error or, by the attribute, an answer."""

    def bind(s: Site) -> Kernel:
        run: Callable[[Array, Array], Any] = compare
        if s.dtypes[0].kind in "so":
            # Objects answer with objects, and a single one with a bare bool.
            run = lambda x, y: np.asarray(compare(x, y), bool)  # noqa: E731
        if s["incompatible_shape_error"]:
            return run

        def lenient(x: Array, y: Array) -> Any:
            try:
                broadcast(x.shape, y.shape)
            except InvalidArgumentError:
                return np.array(if_incompatible)
            return run(x, y)

        return lenient

    return bind


def _equality_shape(s: Site) -> list[Shape]:
    try:
        known = broadcast_shape(s)
    except InvalidArgumentError:
        if s["incompatible_shape_error"]:
            raise
        return [()]
    # Unknown sizes may turn out not to fit, and then the answer is a scalar.
    return (
        known
        if s["incompatible_shape_error"] or all(x is not None and None not in x for x in s.shapes)
        else [None]
    )


equal: Op = op("Equal(x: T, y: T) -> (z: bool) | T: type; incompatible_shape_error: bool=true | commutative")(
    _equality(np.equal, False)
)
not_equal: Op = op(
    "NotEqual(x: T, y: T) -> (z: bool) | T: type; incompatible_shape_error: bool=true | commutative"
)(_equality(np.not_equal, True))
for _one, _doc in ((equal, "x == y."), (not_equal, "x != y.")):
    _one.__doc__ = _doc
    _one.shape_rule = _equality_shape
    _one.not_differentiable()


@op(
    "ApproximateEqual(x: T, y: T) -> (z: bool) | T: type in numeric; "
    "tolerance: float=9.999999747378752e-06 | commutative"
)
def approximate_equal(s: Site) -> Kernel:
    """|x - y| < tolerance, of tensors of the same shape."""
    tolerance = s["tolerance"]

    def run(x: Array, y: Array) -> Any:
        if x.shape != y.shape:
            raise s.error(
                f"x and y must be of the same shape, but are {format_shape(x.shape)} and {format_shape(y.shape)}"
            )
        return np.absolute(np.subtract(x, y)) < x.dtype.type(tolerance)

    if s.dtypes[0].is_integer:
        # Of whole numbers only the equal ones are nearer than the usual tolerance; unsigned differences would wrap.
        return lambda x, y: np.absolute(x.astype(np.float64) - y.astype(np.float64)) < tolerance
    return run


@approximate_equal.shape
def _(s: Site) -> list[Shape]:
    return [merge(*s.shapes)]


approximate_equal.not_differentiable()


# --- logic


@op("LogicalAnd(x: bool, y: bool) -> (z: bool) | commutative")
def logical_and(s: Site) -> Kernel:
    """True where both x and y are."""
    return np.logical_and


@op("LogicalOr(x: bool, y: bool) -> (z: bool) | commutative")
def logical_or(s: Site) -> Kernel:
    """True where x or y is."""
    return np.logical_or


@op("LogicalNot(x: bool) -> (y: bool)")
def logical_not(s: Site) -> Kernel:
    """True where x is not."""
    return np.logical_not


logical_and.shape_rule = logical_or.shape_rule = broadcast_shape
logical_not.shape_rule = same_shape
logical_and.not_differentiable()
logical_or.not_differentiable()
logical_not.not_differentiable()


# --- choices


def _choose(condition: Array, t: Array, e: Array) -> Any:
    return np.where(condition, t, e)


def _choose_object(condition: Array, t: Any, e: Any) -> Any:
    """The choice between two resources or variants, which need not be arrays."""
    if isinstance(t, np.ndarray) and t.ndim:
        return np.where(condition, t, e)
    return t if bool(condition) else e


@op("SelectV2(condition: bool, t: T, e: T) -> (output: T) | T: type")
def select_v2(s: Site) -> Kernel:
    """The elements of t where `condition` holds, else those of e; all three broadcast."""
    return _choose_object if s.dtypes[1].kind == "o" else _choose


@select_v2.shape
def _(s: Site) -> list[Shape]:
    return broadcast_shape(s)


@select_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like

    condition, t, e = c.inputs
    zeros = zeros_like(g)
    return [None, sum_to(select_v2(condition, g, zeros), t), sum_to(select_v2(condition, zeros, g), e)]


@op("Select(condition: bool, t: T, e: T) -> (output: T) | T: type")
def select(s: Site) -> Kernel:
    """The elements of t where `condition` holds, else those of e, which have the same shape.

    `condition` has that shape too, or is a scalar, or a vector that chooses along the first axis.
    """
    if s.dtypes[1].kind == "o":
        return _choose_object

    def run(condition: Array, t: Array, e: Array) -> Any:
        if condition.shape != t.shape or e.shape != t.shape:
            _check_select(condition.shape, t.shape, e.shape)
            condition = condition.reshape(
                condition.shape + (1,) * (t.ndim - condition.ndim) if condition.ndim else ()
            )
        return np.where(condition, t, e)

    return run


def _check_select(condition: Shape, t: Shape, e: Shape) -> None:
    if not compatible(t, e):
        raise InvalidArgumentError(
            None,
            None,
            f"'t' and 'e' must have the same size, but received: {format_shape(t)} vs. {format_shape(e)}",
        )
    if condition is None or t is None or condition == () or compatible(condition, t):
        return
    if len(condition) == 1 and t and compatible(condition, t[:1]):
        return
    raise InvalidArgumentError(
        None,
        None,
        "'condition' must be a scalar, a vector as long as the first axis of 't', or of the shape of 't', "
        f"but is of shape {format_shape(condition)} where 't' is {format_shape(t)}",
    )


@select.shape
def _(s: Site) -> list[Shape]:
    _check_select(*s.shapes)
    return [merge(s.shapes[1], s.shapes[2])]


@select.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like

    zeros = zeros_like(g)
    return [None, select(c.inputs[0], g, zeros), select(c.inputs[0], zeros, g)]
