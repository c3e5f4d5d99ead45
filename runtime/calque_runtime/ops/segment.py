"""Reductions over the rows that share a segment id, and counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import DType, as_dtype
from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, op
from ..shapes import Shape, compatible, format_shape, merge
from .common import check_size

__all__: list[str] = []


def _combined(ufunc: Any, rows: Array, ids: Array, count: int, default: Any) -> Array:
    """`ufunc` over the rows of each id in [0, count), which come sorted; `default` for ids that have no rows."""
    out = np.full((count, *rows.shape[1:]), default, rows.dtype)
    if ids.size:
        starts = np.concatenate(([0], np.flatnonzero(ids[1:] != ids[:-1]) + 1))
        out[ids[starts]] = ufunc.reduceat(rows, starts, axis=0, dtype=rows.dtype)
    return out


def _lowest(dtype: DType) -> Any:
    return dtype.min


def _highest(dtype: DType) -> Any:
    return dtype.max


def _wide(rows: Array, dtype: DType, ufunc: Any) -> Array:
    """16-bit floats are added and multiplied in float32."""
    narrow = dtype.is_floating and dtype.size == 2 and ufunc in (np.add, np.multiply)
    return rows.astype(np.float32) if narrow else rows


# --- sorted ids


def _sorted_segments(ufunc: Any, default: float, mean: bool = False) -> Callable[[Site], Kernel]:
    def bind(s: Site) -> Kernel:
        dtype = s.dtypes[0]

        def run(data: Array, ids: Array) -> Any:
            if ids.ndim != 1:
                raise s.error("segment_ids should be a vector.")
            if not data.ndim or len(ids) != len(data):
                raise s.error("segment_ids should be the same size as dimension 0 of input.")
            if not ids.size:
                return np.zeros((0, *data.shape[1:]), data.dtype)
            if (ids[1:] < ids[:-1]).any():
                raise s.error("segment ids are not increasing")
            if ids[0] < 0:
                raise s.error(f"segment id {ids[0]} is out of range: it must not be negative")
            count = check_size(s, (int(ids[-1]) + 1, *data.shape[1:]), dtype)[0]
            out = _combined(ufunc, _wide(data, dtype, ufunc), ids, count, default)
            if mean:
                sizes = np.maximum(np.bincount(ids, minlength=count), 1).reshape(-1, *(1,) * (data.ndim - 1))
                out = _quotient(out, sizes.astype(out.dtype))
            return out.astype(data.dtype, copy=False)

        return run

    return bind


def _quotient(total: Array, count: Array) -> Any:
    if total.dtype.kind in "iu":
        return np.floor_divide(np.subtract(total, np.fmod(total, count)), count)
    return np.divide(total, count)


def _sorted_shape(s: Site) -> list[Shape]:
    data, ids = s.shapes
    if ids is not None and len(ids) != 1:
        raise s.error("segment_ids should be a vector.")
    if data is None:
        return [None]
    if not data or (ids is not None and not compatible(ids, data[:1])):
        raise s.error("segment_ids should be the same size as dimension 0 of input.")
    known = s.const(1)
    return [(None if known is None else int(known[-1]) + 1 if known.size else 0, *data[1:])]


def _sorted_op(name: str, types: str, kernel: Callable[[Site], Kernel], what: str) -> Op:
    one = op(
        f"{name}(data: T, segment_ids: Tindices) -> (output: T) | T: type in {types}; Tindices: type in index"
    )(kernel)
    one.__doc__ = f"{what} of the rows of each segment id; the ids are sorted."
    one.shape_rule = _sorted_shape
    return one


segment_sum = _sorted_op("SegmentSum", "numeric", _sorted_segments(np.add, 0), "The sum")
segment_mean = _sorted_op("SegmentMean", "numeric", _sorted_segments(np.add, 0, mean=True), "The mean")
segment_prod = _sorted_op("SegmentProd", "numeric", _sorted_segments(np.multiply, 1), "The product")
segment_max = _sorted_op("SegmentMax", "real", _sorted_segments(np.maximum, 0), "The largest")
segment_min = _sorted_op("SegmentMin", "real", _sorted_segments(np.minimum, 0), "The smallest")


def _rows(x: Any, ids: Any) -> Any:
    from .indexing import gather

    return gather(x, ids)


def _quotients(g: Any, counts: Any) -> Any:
    """g / counts; segments without rows, whose count is 0, are read by nobody."""
    from .elementwise import div_no_nan

    return div_no_nan(g, counts)


@segment_sum.grad
def _(c: Call, g: Any) -> list[Any]:
    return [_rows(g, c.inputs[1]), None]


@segment_mean.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import ones_like

    data, ids = c.inputs
    return [_rows(_quotients(g, segment_sum(ones_like(data), ids)), ids), None]


def _sorted_extreme_grad(c: Call, g: Any) -> list[Any]:
    """Rows that are the extreme share the gradient."""
    from .cast import cast
    from .compare import equal

    data, ids = c.inputs
    chosen = cast(equal(_rows(c.outputs[0], ids), data), DstT=as_dtype(g.dtype))
    return [chosen * _rows(_quotients(g, segment_sum(chosen, ids)), ids), None]


segment_max.gradient = segment_min.gradient = _sorted_extreme_grad


# --- ids in any order


def _unsorted_segments(ufunc: Any, default: Callable[[DType], Any]) -> Callable[[Site], Kernel]:
    def bind(s: Site) -> Kernel:
        dtype = s.dtypes[0]

        def run(data: Array, ids: Array, number: Array) -> Any:
            if data.shape[: ids.ndim] != ids.shape:
                raise s.error(
                    f"data.shape = {format_shape(data.shape)} does not start with "
                    f"segment_ids.shape = {format_shape(ids.shape)}"
                )
            count = int(number.item())
            if count < 0:
                raise s.error(f"Input num_segments == {count} must not be negative.")
            rest = data.shape[ids.ndim :]
            check_size(s, (count, *rest), dtype)
            flat = ids.reshape(-1)
            over = np.flatnonzero(flat >= count)
            if over.size:
                raise s.error(f"segment_ids[{over[0]}] = {flat[over[0]]} is out of range [0, {count})")
            order = np.argsort(flat, kind="stable")
            order = order[np.searchsorted(flat[order], 0) :]  # rows with a negative id count nowhere
            rows = _wide(data.reshape(flat.size, *rest)[order], dtype, ufunc)
            return _combined(ufunc, rows, flat[order], count, default(dtype)).astype(data.dtype, copy=False)

        return run

    return bind


def _unsorted_shape(s: Site) -> list[Shape]:
    data, ids, number = s.shapes[0], s.shapes[1], s.const(2)
    if data is None or ids is None:
        return [None]
    merge(data[: len(ids)], ids)
    if number is not None and number.item() < 0:
        raise s.error(f"Input num_segments == {number.item()} must not be negative.")
    return [(None if number is None else int(number.item()), *data[len(ids) :])]


def _unsorted_op(name: str, types: str, indices: str, kernel: Callable[[Site], Kernel], what: str) -> Op:
    one = op(
        f"{name}(data: T, segment_ids: Tindices, num_segments: Tnumsegments) -> (output: T) | "
        f"T: type in {types}; Tindices: type in {indices}; Tnumsegments: type=int32 in index"
    )(kernel)
    one.__doc__ = (
        f"{what} of the rows of each segment id, in any order; rows with a negative id count nowhere."
    )
    one.shape_rule = _unsorted_shape
    return one


unsorted_segment_sum = _unsorted_op(
    "UnsortedSegmentSum",
    "numeric",
    "[int16, int32, int64]",
    _unsorted_segments(np.add, lambda d: 0),
    "The sum",
)
unsorted_segment_prod = _unsorted_op(
    "UnsortedSegmentProd", "numeric", "index", _unsorted_segments(np.multiply, lambda d: 1), "The product"
)
unsorted_segment_max = _unsorted_op(
    "UnsortedSegmentMax", "real", "index", _unsorted_segments(np.maximum, _lowest), "The largest"
)
unsorted_segment_min = _unsorted_op(
    "UnsortedSegmentMin", "real", "index", _unsorted_segments(np.minimum, _highest), "The smallest"
)


def _rows_or_zero(x: Any, ids: Any, like: Any) -> Any:
    """The rows of x that `ids` names, in the shape of `like`; zeros for negative ids."""
    from .array import expand_dims, shape, zeros_like
    from .common import static_rank
    from .compare import greater_equal, select_v2
    from .elementwise import maximum
    from .sized import broadcast_to

    zeros = zeros_like(ids)
    rows = _rows(x, maximum(ids, zeros))
    wanted = greater_equal(ids, zeros)
    ranks = static_rank(like), static_rank(ids)
    if ranks[0] is None or ranks[1] is None:
        raise InvalidArgumentError(
            None, None, "the gradient of an unsorted segment op needs inputs of known rank"
        )
    for _ in range(ranks[0] - ranks[1]):
        wanted = expand_dims(wanted, -1)
    return select_v2(broadcast_to(wanted, shape(rows)), rows, zeros_like(rows))


@unsorted_segment_sum.grad
def _(c: Call, g: Any) -> list[Any]:
    return [_rows_or_zero(g, c.inputs[1], c.inputs[0]), None, None]


def _unsorted_extreme_grad(c: Call, g: Any) -> list[Any]:
    """Rows that are the extreme share the gradient."""
    from .array import zeros_like
    from .cast import cast
    from .compare import equal, select_v2

    data, ids, number = c.inputs
    same = equal(_rows_or_zero(c.outputs[0], ids, data), data)
    chosen = cast(same, DstT=as_dtype(g.dtype))
    share = _rows_or_zero(_quotients(g, unsorted_segment_sum(chosen, ids, number)), ids, data)
    return [select_v2(same, share, zeros_like(share)), None, None]


unsorted_segment_max.gradient = unsorted_segment_min.gradient = _unsorted_extreme_grad


def _product_grad(
    data: Any, y: Any, g: Any, total: Callable[[Any], Any], product: Callable[[Any], Any], rows: Any
) -> Any:
    """The gradient of a product by segments; `total`, `product` reduce by segment, `rows` spreads over the rows again.

    Where a segment has one zero, only that element has a gradient; where it has more, none has.
    """
    from .array import ones_like, zeros_like
    from .cast import cast
    from .compare import equal, greater, select_v2

    ones = ones_like(data)
    is_zero = equal(data, zeros_like(data))
    zeros = total(cast(is_zero, DstT="int32"))
    g = select_v2(greater(zeros, ones_like(zeros)), zeros_like(g), g)
    nonzero = select_v2(is_zero, ones, data)
    return rows(g) * select_v2(is_zero, rows(product(nonzero)), rows(y) / nonzero)


@segment_prod.grad
def _(c: Call, g: Any) -> list[Any]:
    data, ids = c.inputs
    grad = _product_grad(
        data,
        c.outputs[0],
        g,
        lambda x: segment_sum(x, ids),
        lambda x: segment_prod(x, ids),
        lambda x: _rows(x, ids),
    )
    return [grad, None]


@unsorted_segment_prod.grad
def _(c: Call, g: Any) -> list[Any]:
    data, ids, number = c.inputs
    grad = _product_grad(
        data,
        c.outputs[0],
        g,
        lambda x: unsorted_segment_sum(x, ids, number),
        lambda x: unsorted_segment_prod(x, ids, number),
        lambda x: _rows_or_zero(x, ids, data),
    )
    return [grad, None, None]


# --- counting


def _counted(s: Site, values: Array, size: int, weights: Array, binary: bool) -> Array:
    flat = values.reshape(-1)
    if flat.size and flat.min() < 0:
        raise s.error("Input arr must be non-negative!")
    inside = flat < size
    flat = flat[inside]
    out = np.zeros(size, weights.dtype)
    if binary:
        out[flat] = 1
    elif weights.size:
        np.add.at(out, flat, weights.reshape(-1)[inside])
    else:
        out += np.bincount(flat, minlength=size).astype(out.dtype)
    return out


def _bincount_size(s: Site, size: Array) -> int:
    if size.size != 1:
        raise s.error(f"size must be a scalar, but has shape {list(size.shape)}")
    number = int(size.item())
    if number < 0:
        raise s.error(f"size ({number}) must be non-negative")
    return number


@op("Bincount(arr: int32, size: int32, weights: T) -> (bins: T) | T: type in [int32, int64, float, double]")
def bincount(s: Site) -> Kernel:
    """How often each of the numbers below `size` occurs, or the sum of its weights where there are any."""

    def run(values: Array, size: Array, weights: Array) -> Array:
        if weights.size and weights.shape != values.shape:
            raise s.error(
                f"weights {list(weights.shape)} must be empty or of the shape of arr, {list(values.shape)}"
            )
        count = check_size(s, (_bincount_size(s, size),), s.dtypes[2])[0]
        return _counted(s, values, count, weights, False)

    return run


@bincount.shape
def _(s: Site) -> list[Shape]:
    size = s.const(1)
    return [(None if size is None else _bincount_size(s, size),)]


bincount.not_differentiable()


@op(
    "DenseBincount(input: Tidx, size: Tidx, weights: T) -> (output: T) | Tidx: type in index; "
    "T: type in [int32, int64, float, double]; binary_output: bool=false"
)
def dense_bincount(s: Site) -> Kernel:
    """`Bincount` of a vector, or of each row of a matrix; `binary_output` only says whether a number occurs."""
    binary = s["binary_output"]

    def run(values: Array, size: Array, weights: Array) -> Array:
        if values.ndim > 2:
            raise s.error(f"Shape must be at most rank 2 but is rank {values.ndim}")
        if weights.size and weights.shape != values.shape:
            raise s.error(
                f"weights {list(weights.shape)} must be empty or of the shape of input, {list(values.shape)}"
            )
        count = _bincount_size(s, size)
        check_size(s, (*values.shape[:-1], count), s.dtypes[2])
        if values.ndim < 2:
            return _counted(s, values, count, weights, binary)
        out = np.zeros((len(values), count), weights.dtype)
        for i, row in enumerate(values):
            out[i] = _counted(s, row, count, weights[i] if weights.size else weights, binary)
        return out

    return run


@dense_bincount.shape
def _(s: Site) -> list[Shape]:
    known, size = s.shapes[0], s.const(1)
    count = None if size is None else _bincount_size(s, size)
    if known is None:
        return [None]
    if len(known) > 2:
        raise s.error(f"Shape must be at most rank 2 but is rank {len(known)}")
    return [(count,) if len(known) < 2 else (known[0], count)]


dense_bincount.not_differentiable()
