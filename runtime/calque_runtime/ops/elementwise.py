"""Elementwise arithmetic: one output element for each (broadcast) input element."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, op
from ..shapes import Shape, broadcast, format_shape, merge
from .common import as_strings, binary, broadcast_shape, conjugate, sum_to

__all__: list[str] = []

_DIVIDEND = "floatcomplex uint8 int8 uint16 int16 int32 uint32 uint64 int64"


def _same(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return g, g


# --- sums and products

# AddV2's own list of types leaves strings to Add.
add: Op = binary("AddV2", "numeric", np.add, "x + y.", _same, "commutative aggregate")


@op("Add(x: T, y: T) -> (z: T) | T: type in floatcomplex uint8 int8 int16 int32 int64 string")
def add_v1(s: Site) -> Kernel:
    """x + y, which for strings means x followed by y."""
    return _concat_strings if s.dtypes[0].kind == "s" else np.add


add_v1.shape_rule = add.shape_rule
add_v1.gradient = add.gradient


def _concat_strings(x: Array, y: Array) -> Array:
    out = np.add(x, y)
    return out if isinstance(out, np.ndarray) else as_strings(out, ())


sub: Op = binary("Sub", "numeric", np.subtract, "x - y.", lambda g, z, x, y: (g, -g))
mul: Op = binary(
    "Mul",
    "numeric",
    np.multiply,
    "x * y.",
    lambda g, z, x, y: (g * conjugate(y), g * conjugate(x)),
    "commutative",
)


def _zero(x: Array) -> Any:
    return x.dtype.type(0)


def _mul_no_nan(x: Array, y: Array) -> Any:
    return np.where(y == 0, _zero(x), np.multiply(x, y))


mul_no_nan: Op = binary(
    "MulNoNan",
    "floatcomplex",
    _mul_no_nan,
    "x * y, but 0 wherever y is 0, even if x is infinite or NaN.",
    lambda g, z, x, y: (mul_no_nan(g, y), mul_no_nan(x, g)),
)


def _squared_difference(x: Array, y: Array) -> Any:
    d = np.subtract(x, y)
    return np.multiply(np.conjugate(d), d) if d.dtype.kind == "c" else np.multiply(d, d)


def _squared_difference_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    gx = g * (x - y) * 2.0
    return gx, -gx


squared_difference: Op = binary(
    "SquaredDifference",
    "floatcomplex int32 int64",
    _squared_difference,
    "(x - y)², with the conjugate of the one factor for complex numbers.",
    _squared_difference_grad,
    "commutative",
)


@op("AddN(inputs: N*T) -> (sum: T) | N: int >=1; T: type in numeric variant | commutative aggregate")
def add_n(s: Site) -> Kernel:
    """The sum of tensors that all have the same shape."""
    if s.dtypes[0].kind == "o":
        from ..lists import add

        return lambda *lists: reduce(add, lists)
    return _sum_of


@add_n.shape
def _(s: Site) -> list[Shape]:
    shape = s.shapes[0]
    for i, other in enumerate(s.shapes[1:], 1):
        try:
            shape = merge(shape, other)
        except InvalidArgumentError:
            raise s.error(
                "Inputs must have the same size and shape. "
                f"Input 0: {format_shape(s.shapes[0])} != input {i}: {format_shape(other)}"
            ) from None
    return [shape]


@add_n.grad
def _(c: Call, g: Any) -> list[Any]:
    return [g] * len(c.inputs)


def _sum_of(first: Array, *rest: Array) -> Any:
    for other in rest:
        if other.shape != first.shape:
            raise InvalidArgumentError(None, None, "Inputs must have the same size and shape")
    total = first
    for i, other in enumerate(rest):
        # The first addition makes a new array, which the later ones may write to.
        total = (
            np.add(total, other)
            if i == 0 or not isinstance(total, np.ndarray)
            else np.add(total, other, out=total)
        )
    return total


@op(
    "AccumulateNV2(inputs: N*T) -> (sum: T) | N: int >=1; T: type in numeric; shape: shape | commutative aggregate"
)
def accumulate_n(s: Site) -> Kernel:
    """The sum of tensors that all have the shape `shape`; the form in which TF1 graphs hold `accumulate_n`."""
    return _sum_of


accumulate_n.shape_rule = add_n.shape_rule
accumulate_n.gradient = add_n.gradient


# --- quotients and remainders


def _checked(run: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An integer division that raises where TensorFlow does."""

    def divide(x: Array, y: Array) -> Any:
        if not y.all():
            # Shapes that do not fit are the more basic mistake; an empty result divides nothing.
            if 0 not in np.broadcast_shapes(x.shape, y.shape):
                raise InvalidArgumentError(None, None, "Integer division by zero")
            return run(x, np.ones_like(y))
        return run(x, y)

    return divide


def _truncated_quotient(x: Array, y: Array) -> Any:
    return np.floor_divide(np.subtract(x, np.fmod(x, y)), y)


def _quotient_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    x, y = conjugate(x), conjugate(y)
    return real_div(g, y), g * real_div(real_div(-x, y), y)


div: Op = binary(
    "Div",
    _DIVIDEND,
    np.divide,
    "x / y; of integers the quotient without its fraction.",
    _quotient_grad,
    integers=_checked(_truncated_quotient),
)
real_div: Op = binary("RealDiv", _DIVIDEND, np.divide, "x / y.", _quotient_grad)
truncate_div: Op = binary(
    "TruncateDiv",
    _DIVIDEND,
    lambda x, y: np.trunc(np.divide(x, y)),
    "x / y, rounded toward zero.",
    integers=_checked(_truncated_quotient),
).not_differentiable()
floor_div: Op = binary(
    "FloorDiv",
    _DIVIDEND,
    lambda x, y: np.floor(np.divide(x, y)),
    "x / y, rounded down.",
    integers=_checked(np.floor_divide),
).not_differentiable()
floor_mod: Op = binary(
    "FloorMod",
    "real",
    np.remainder,
    "The remainder of the division rounded down: it has the sign of y.",
    lambda g, z, x, y: (g, -(g * floor_div(x, y))),
    integers=_checked(np.remainder),
)
truncate_mod: Op = binary(
    "TruncateMod",
    "floats int32 int64",
    np.fmod,
    "The remainder of the division rounded toward zero: it has the sign of x.",
    integers=_checked(np.fmod),
)
mod: Op = binary(
    "Mod",
    "floats int32 int64",
    np.fmod,
    "The remainder of the division rounded toward zero: it has the sign of x.",
    integers=_checked(np.fmod),
)


def _div_no_nan(x: Array, y: Array) -> Any:
    return np.where(y == 0, _zero(x), np.divide(x, y))


def _div_no_nan_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    x, y = conjugate(x), conjugate(y)
    return div_no_nan(g, y), g * div_no_nan(div_no_nan(-x, y), y)


div_no_nan: Op = binary(
    "DivNoNan", "floatcomplex", _div_no_nan, "x / y, but 0 wherever y is 0.", _div_no_nan_grad
)


# --- products with a logarithm or a quotient, 0 where the first factor is


def _unless_zero(x: Array, value: Any) -> Any:
    return np.where(x == 0, _zero(x), value)


def _not_zero(x: Any) -> Any:
    """1 where `x` is not zero, else 0, in its dtype."""
    from .array import ones_like, zeros_like
    from .compare import not_equal, select_v2

    zeros = zeros_like(x)
    return select_v2(not_equal(x, zeros), ones_like(x), zeros)


def _xdivy_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    x, y = conjugate(x), conjugate(y)
    return g * xdivy(_not_zero(x), y), g * xdivy(-x, y * y)


def _xlogy_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    x, y = conjugate(x), conjugate(y)
    return g * xlogy(_not_zero(x), y), g * xdivy(x, y)


def _xlog1py_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    x, y = conjugate(x), conjugate(y)
    return g * xlog1py(_not_zero(x), y), g * xdivy(x, y + 1.0)


xdivy: Op = binary(
    "Xdivy",
    "floatcomplex",
    lambda x, y: _unless_zero(x, np.divide(x, y)),
    "x / y, but 0 wherever x is 0.",
    _xdivy_grad,
)
xlogy: Op = binary(
    "Xlogy",
    "floatcomplex",
    lambda x, y: _unless_zero(x, np.multiply(x, np.log(y))),
    "x * log(y), but 0 wherever x is 0.",
    _xlogy_grad,
)
xlog1py: Op = binary(
    "Xlog1py",
    "floatcomplex",
    lambda x, y: _unless_zero(x, np.multiply(x, np.log1p(y))),
    "x * log(1 + y), but 0 wherever x is 0.",
    _xlog1py_grad,
)


# --- powers


def _integer_power(x: Array, y: Array) -> Any:
    if y.size and y.min() < 0:
        raise InvalidArgumentError(None, None, "Integers to negative integer powers are not allowed")
    return np.power(x, y)


def _pow_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    from .array import ones_like, zeros_like
    from .compare import greater, not_equal, select_v2
    from .functions import log

    x, y, z = conjugate(x), conjugate(y), conjugate(z)
    zeros = zeros_like(x)
    # The logarithm of what is not positive (complex: of zero) is taken as 0, so that no NaN gets into the sum.
    defined = (not_equal if as_dtype(x.dtype).is_complex else greater)(x, zeros)
    log_x = select_v2(defined, log(select_v2(defined, x, ones_like(x))), zeros)
    return g * y * pow_(x, y - 1.0), g * z * log_x


pow_: Op = binary(
    "Pow",
    "floatcomplex int8 int16 int32 int64",
    np.power,
    "x to the power y; integers to no negative one.",
    _pow_grad,
    integers=_integer_power,
)


# --- the larger, the smaller, the clipped


def _to_chosen(first: Any, g: Any) -> tuple[Any, Any]:
    """Gradients of a choice: `g` to the first input where `first`, else to the second."""
    from .array import zeros_like
    from .compare import select_v2

    zeros = zeros_like(g)
    return select_v2(first, g, zeros), select_v2(first, zeros, g)


def _maximum_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    from .compare import greater_equal

    return _to_chosen(greater_equal(x, y), g)


def _minimum_grad(g: Any, z: Any, x: Any, y: Any) -> tuple[Any, Any]:
    from .compare import less_equal

    return _to_chosen(less_equal(x, y), g)


maximum: Op = binary(
    "Maximum", "real", np.maximum, "The larger of x and y; NaN if one of them is.", _maximum_grad
)
minimum: Op = binary(
    "Minimum", "real", np.minimum, "The smaller of x and y; NaN if one of them is.", _minimum_grad
)


@op("ClipByValue(t: T, clip_value_min: T, clip_value_max: T) -> (output: T) | T: type in numeric")
def clip_by_value(s: Site) -> Kernel:
    """The larger of `clip_value_min` and the smaller of t and `clip_value_max`, which are scalars or of t's shape."""
    if s.dtypes[0].is_complex:
        raise s.unsupported("complex numbers have no order to clip by")

    def run(t: Array, low: Array, high: Array) -> Any:
        for bound in (low, high):
            if bound.ndim and bound.shape != t.shape:
                raise s.error(
                    "clip_value_min and clip_value_max must be either of the same shape as input, or a scalar. "
                    f"input shape: {format_shape(t.shape)}, got {format_shape(bound.shape)}"
                )
        return np.maximum(np.minimum(t, high), low)

    return run


@clip_by_value.shape
def _(s: Site) -> list[Shape]:
    for bound in s.shapes[1:]:
        if bound != ():
            broadcast(s.shapes[0], bound)
    return [s.shapes[0]]


@clip_by_value.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like
    from .compare import greater, less, logical_or, select_v2

    x, low, high = c.inputs
    zeros = zeros_like(g)
    below, above = less(x, low), greater(x, high)
    return [
        select_v2(logical_or(below, above), zeros, g),
        sum_to(select_v2(below, g, zeros), low),
        sum_to(select_v2(above, g, zeros), high),
    ]


# --- others


def _atan2_grad(g: Any, z: Any, y: Any, x: Any) -> tuple[Any, Any]:
    scaled = g / (x * x + y * y)
    return x * scaled, -y * scaled


atan2: Op = binary(
    "Atan2",
    "floats",
    np.arctan2,
    "The angle, in radians, between the positive x axis and the point (x, y).",
    _atan2_grad,
    args="y: T, x: T",
)


@op("NextAfter(x1: T, x2: T) -> (output: T) | T: type=float in [double, float]")
def next_after(s: Site) -> Kernel:
    """The next number after x1 in the direction of x2."""
    return np.nextafter


next_after.shape_rule = broadcast_shape


@next_after.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like

    return [sum_to(g, c.inputs[0]), zeros_like(c.inputs[1])]


@op("BroadcastGradientArgs(s0: T, s1: T) -> (r0: T, r1: T) | T: type=int32 in index")
def broadcast_gradient_args(s: Site) -> Kernel:
    """The axes along which each of two shapes is broadcast against the other."""

    def run(a: Any, b: Any) -> tuple[Any, Any]:
        n = max(len(a), len(b))
        x = np.concatenate([np.ones(n - len(a), a.dtype), a])
        y = np.concatenate([np.ones(n - len(b), b.dtype), b])
        # Sizes of 1 on both sides are summed over too: it costs nothing and keeps the rule simple.
        return np.flatnonzero(x == 1).astype(a.dtype), np.flatnonzero(y == 1).astype(a.dtype)

    return run


@broadcast_gradient_args.shape
def _(s: Site) -> list[Shape]:
    return [(None,), (None,)]


broadcast_gradient_args.not_differentiable()
