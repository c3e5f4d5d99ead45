"""Reductions: sums, means, extremes and the like over some of a tensor's axes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ..dtypes import DType, as_dtype
from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape, known_size, normalize_axis
from .common import conjugate, known_value, scalar, static_rank

__all__: list[str] = []

Reduce = Callable[[Array, "tuple[int, ...]", bool], Any]
# As Any: numpy's stubs tell apart what `keepdims` is only where it is written out.
_ADD: Any = np.add
_MULTIPLY: Any = np.multiply
_AND: Any = np.logical_and
_OR: Any = np.logical_or


def reduced_axes(indices: Array, rank: int) -> tuple[int, ...]:
    """The axes that `indices` (a scalar or vector) names, counted from the front.

    Raises:
        InvalidArgumentError: one is out of range, or named twice.
    """
    axes = []
    for axis in np.ravel(indices).tolist():
        if not -rank <= axis < rank:
            raise InvalidArgumentError(
                None, None, f"Invalid reduction dimension ({axis} for input with {rank} dimension(s))"
            )
        axes.append(axis + rank if axis < 0 else axis)
    if len(set(axes)) < len(axes):
        twice = next(a for a in axes if axes.count(a) > 1)
        raise InvalidArgumentError(
            None, None, f"Invalid reduction arguments: Axes contains duplicate dimension: {twice}"
        )
    return tuple(axes)


def _reduction_shape(s: Site) -> list[Shape]:
    known, indices = s.shapes[0], s.const(1)
    if known is None:
        return [None]
    if indices is None:
        count = known_size(s.shapes[1])
        if s["keep_dims"]:
            return [(None,) * len(known)]
        return [None if count is None else (None,) * max(len(known) - count, 0)]
    axes = reduced_axes(indices, len(known))
    if s["keep_dims"]:
        return [tuple(1 if i in axes else d for i, d in enumerate(known))]
    return [tuple(d for i, d in enumerate(known) if i not in axes)]


def _reduction(
    name: str,
    types: str | None,
    make: Callable[[DType], Reduce],
    doc: str,
    grad: Callable[[Any, Any, Any, Any, bool], Any] | None = None,
) -> Op:
    """Declare a reduction: ``make(dtype)(x, axes, keep_dims)`` computes it.

    ``grad(g, y, x, axes, keep_dims)`` is the gradient for x. `types` None: the input is bool.
    """

    def bind(s: Site) -> Kernel:
        run, keep = make(s.dtypes[0]), s["keep_dims"]
        known, indices = s.shapes[0], s.const(1)
        if known is not None and indices is not None:
            with suppress(InvalidArgumentError):  # wrong axes are an error only where this runs
                axes = reduced_axes(indices, len(known))
                return lambda x, _: run(x, axes, keep)
        return lambda x, at: run(x, reduced_axes(at, x.ndim), keep)

    kind, attr = ("bool", "") if types is None else ("T", f"T: type in {types}; ")
    one = register(
        Op(
            f"{name}(input: {kind}, reduction_indices: Tidx) -> (output: {kind}) | "
            f"keep_dims: bool=false; {attr}Tidx: type=int32 in index",
            bind,
            doc,
        )
    )
    one.shape_rule = _reduction_shape
    if grad is not None:
        rule = grad
        one.gradient = lambda c, g: [rule(g, c.outputs[0], c.inputs[0], c.inputs[1], c["keep_dims"]), None]
    return one


def _summed(x: Array, axes: tuple[int, ...], keep: bool) -> Any:
    return _ADD.reduce(x, axis=axes, dtype=x.dtype, keepdims=keep)


def _widened(run: Reduce, dtype: DType) -> Reduce:
    """`run`, with 16-bit floats summed up in float32."""
    if not (dtype.is_floating and dtype.size == 2):
        return run
    narrow = dtype.np
    return lambda x, axes, keep: run(x.astype(np.float32), axes, keep).astype(narrow)


def _count(x: Array, axes: tuple[int, ...]) -> int:
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return count


def _mean(dtype: DType) -> Reduce:
    def run(x: Array, axes: tuple[int, ...], keep: bool) -> Any:
        return np.divide(_summed(x, axes, keep), np.array(_count(x, axes), x.dtype))

    def whole(x: Array, axes: tuple[int, ...], keep: bool) -> Any:
        wide = np.uint64 if dtype.is_unsigned else np.int64
        total, count = _ADD.reduce(x, axis=axes, dtype=wide, keepdims=keep), max(_count(x, axes), 1)
        quotient = np.absolute(total) // wide(count) * np.sign(total)  # without its fraction
        return quotient.astype(x.dtype)

    return whole if dtype.is_integer else _widened(run, dtype)


def _product(dtype: DType) -> Reduce:
    return _widened(
        lambda x, axes, keep: _MULTIPLY.reduce(x, axis=axes, dtype=x.dtype, keepdims=keep),
        dtype,
    )


def _extreme(ufunc: Any, of_nothing: Callable[[DType], Any]) -> Callable[[DType], Reduce]:
    def make(dtype: DType) -> Reduce:
        def run(x: Array, axes: tuple[int, ...], keep: bool) -> Any:
            if x.size:
                return ufunc.reduce(x, axis=axes, keepdims=keep)
            shape = tuple(1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes)
            return np.full(shape, of_nothing(dtype), x.dtype)

        return run

    return make


def _euclidean_norm(dtype: DType) -> Reduce:
    def run(x: Array, axes: tuple[int, ...], keep: bool) -> Any:
        return np.sqrt(_summed(np.conjugate(x) * x if x.dtype.kind == "c" else x * x, axes, keep))

    def whole(x: Array, axes: tuple[int, ...], keep: bool) -> Any:
        return np.sqrt(_summed(x * x, axes, keep).astype(np.float64)).astype(x.dtype)

    return whole if dtype.is_integer else _widened(run, dtype)


# --- gradients


def _kept(y: Any, x: Any, indices: Any, keep: bool) -> Any:
    """`y`, a reduction of x or its gradient, with the reduced axes back in as axes of size 1."""
    from .array import expand_dims, reshape, shape

    if keep:
        return y
    axes, rank = known_value(indices), static_rank(x)
    if axes is None or rank is None:
        return reshape(y, shape(sum_(x, indices, keep_dims=True)))
    for axis in sorted(reduced_axes(axes, rank)):
        y = expand_dims(y, axis)
    return y


def _spread(g: Any, x: Any, indices: Any, keep: bool) -> Any:
    """`g` repeated along the axes that were reduced: each element of x has a part in one element of the result."""
    from .array import shape
    from .sized import broadcast_to

    return broadcast_to(_kept(g, x, indices, keep), shape(x))


def _mean_grad(g: Any, y: Any, x: Any, indices: Any, keep: bool) -> Any:
    from .array import size
    from .cast import cast
    from .elementwise import floor_div, maximum

    one = np.int32(1)
    count = floor_div(maximum(size(x), one), maximum(size(y), one))
    return _spread(g / cast(count, DstT=as_dtype(g.dtype)), x, indices, keep)


def _extreme_grad(g: Any, y: Any, x: Any, indices: Any, keep: bool) -> Any:
    """Elements that are the extreme share the gradient."""
    from .cast import cast
    from .compare import equal

    chosen = cast(equal(_kept(y, x, indices, keep), x), DstT=as_dtype(g.dtype))
    return chosen / sum_(chosen, indices, keep_dims=True) * _kept(g, x, indices, keep)


def _prod_grad(g: Any, y: Any, x: Any, indices: Any, keep: bool) -> Any:
    """Each element's gradient is the product of all others: of those before it and those after it."""
    from .array import reshape, shape, transpose
    from .cumulative import cumprod

    axes, rank = known_value(indices), static_rank(x)
    if axes is None or rank is None:  # the order of axes is not known: right where no element is zero
        return _spread(g * y, x, indices, keep) / x
    reduced = reduced_axes(axes, rank)
    order = np.array([*reduced, *(i for i in range(rank) if i not in reduced)], np.int32)
    moved = transpose(x, order)
    if not reduced:
        return g
    flat = moved
    if len(reduced) > 1:
        rest = shape(sum_(moved, np.arange(len(reduced), dtype=np.int32)))
        from .join import concat_v2

        flat = reshape(moved, concat_v2([np.array([-1], np.int32), rest], np.int32(0)))
    flat = conjugate(flat)
    others = cumprod(flat, np.int32(0), exclusive=True) * cumprod(
        flat, np.int32(0), exclusive=True, reverse=True
    )
    back = transpose(reshape(others, shape(moved)), np.argsort(order).astype(np.int32))
    return _kept(g, x, indices, keep) * back


def _euclidean_norm_grad(g: Any, y: Any, x: Any, indices: Any, keep: bool) -> Any:
    return x / _kept(y / g, x, indices, keep)


# --- the ops

sum_: Op = _reduction(
    "Sum", "numeric", lambda d: _widened(_summed, d), "The sum.", lambda g, y, x, i, k: _spread(g, x, i, k)
)
mean: Op = _reduction("Mean", "numeric", _mean, "The mean; of integers without its fraction.", _mean_grad)
prod: Op = _reduction("Prod", "numeric", _product, "The product.", _prod_grad)
max_: Op = _reduction(
    "Max",
    "real",
    _extreme(np.maximum, lambda d: -np.inf if d.is_floating else d.min),
    "The largest element; NaN if there is one, the lowest number if there is none.",
    _extreme_grad,
)
min_: Op = _reduction(
    "Min",
    "real",
    _extreme(np.minimum, lambda d: np.inf if d.is_floating else d.max),
    "The smallest element; NaN if there is one, the highest number if there is none.",
    _extreme_grad,
)
all_: Op = _reduction(
    "All",
    None,
    lambda d: lambda x, axes, keep: _AND.reduce(x, axis=axes, keepdims=keep),
    "Are all true?",
).not_differentiable()
any_: Op = _reduction(
    "Any",
    None,
    lambda d: lambda x, axes, keep: _OR.reduce(x, axis=axes, keepdims=keep),
    "Is one true?",
).not_differentiable()
euclidean_norm: Op = _reduction(
    "EuclideanNorm",
    "numeric",
    _euclidean_norm,
    "The square root of the sum of squares.",
    _euclidean_norm_grad,
)


def _arg_shape(s: Site) -> list[Shape]:
    known, axis = s.shapes[0], s.const(1)
    if known is None:
        return [None]
    if axis is None:
        return [(None,) * max(len(known) - 1, 0)]
    at = _arg_axis(axis, known)
    return [tuple(d for i, d in enumerate(known) if i != at)]


def _arg_axis(axis: Array, shape: tuple[Any, ...]) -> int:
    if np.size(axis) != 1:
        raise InvalidArgumentError(
            None, None, f"dim must be a scalar, but received tensor of shape: {list(axis.shape)}"
        )
    at, rank = int(axis.item()), len(shape)
    if not -rank <= at < rank:
        raise InvalidArgumentError(
            None, None, f"Expected dimension in the range [{-rank}, {rank}), but got {at}"
        )
    at = normalize_axis(at, rank)
    if shape[at] == 0:
        raise InvalidArgumentError(None, None, f"Reduction axis {at} is empty in shape {format_shape(shape)}")
    return at


def _arg_extreme(find: Callable[..., Any], worst: float) -> Callable[[Site], Kernel]:
    """Kernels of ArgMax and ArgMin: the first of equals; NaN is never it."""

    def bind(s: Site) -> Kernel:
        out, real = s["output_type"].np, s.dtypes[0].is_floating

        def run(x: Array, axis: Array) -> Any:
            at = _arg_axis(axis, x.shape)
            if real:
                nan = np.isnan(x)
                if nan.any():
                    x = np.where(nan, x.dtype.type(worst), x)
            return find(x, axis=at).astype(out)

        return run

    return bind


_ARG_TYPES = "T: type in real bool; Tidx: type=int32 in {}; output_type: type=int64 in {}"
arg_max: Op = op(
    "ArgMax(input: T, dimension: Tidx) -> (output: output_type) | "
    + _ARG_TYPES.format("[int16, int32, int64]", "[int16, uint16, int32, int64]")
)(_arg_extreme(np.argmax, -np.inf))
arg_min: Op = op(
    "ArgMin(input: T, dimension: Tidx) -> (output: output_type) | " + _ARG_TYPES.format("index", "index")
)(_arg_extreme(np.argmin, np.inf))
for _one, _what in ((arg_max, "largest"), (arg_min, "smallest")):
    _one.__doc__ = f"Where along the axis `dimension` the {_what} element is; the first of equal ones."
    _one.shape_rule = _arg_shape
    _one.not_differentiable()


@op("L2Loss(t: T) -> (output: T) | T: type in floats")
def l2_loss(s: Site) -> Kernel:
    """Half the sum of squares of all elements."""
    dtype = s.dtypes[0].np
    wide = np.float64 if dtype == np.float64 else np.float32

    def run(x: Array) -> Any:
        flat = x.astype(wide, copy=False).reshape(-1)
        return (np.dot(flat, flat) * wide(0.5)).astype(dtype)

    return run


l2_loss.shape_rule = scalar


@l2_loss.grad
def _(c: Call, g: Any) -> list[Any]:
    return [c.inputs[0] * g]
