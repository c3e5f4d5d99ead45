"""Finding: where a condition holds, distinct values, places in sorted values, one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape, merge_dim
from .common import check_size, same_shape

__all__: list[str] = []


def _comparable(x: Array) -> Array:
    """`x`, or, where numpy cannot sort its type, the same values in one that it can."""
    return x.astype(np.float32) if x.dtype.kind == "V" or x.dtype.name in ("bfloat16",) else x


@op(
    "OneHot(indices: TI, depth: int32, on_value: T, off_value: T) -> (output: T) | axis: int=-1; T: type; "
    "TI: type=int64 in [uint8, int8, int32, int64]"
)
def one_hot(s: Site) -> Kernel:
    """`off_value` with a new axis of size `depth`, along which `on_value` stands at the index (nowhere if outside)."""
    axis, dtype = s["axis"], s["T"]

    def run(indices: Array, depth: Array, on: Array, off: Array) -> Array:
        at, n = _one_hot_axis(axis, indices.ndim), depth.item()
        if n < 0:
            raise s.error(f"depth must be non-negative, got: {n}")
        check_size(s, (*indices.shape, n), dtype)
        wide = indices.reshape(*indices.shape[:at], 1, *indices.shape[at:])
        numbers = np.arange(n).reshape([n if i == at else 1 for i in range(wide.ndim)])
        return np.where(wide == numbers, on, off)

    return run


def _one_hot_axis(axis: int, rank: int) -> int:
    if not -1 <= axis <= rank:
        raise InvalidArgumentError(
            None, None, f"Expected axis to be -1 or between [0, {rank + 1}).  But received: {axis}"
        )
    return rank if axis == -1 else axis


@one_hot.shape
def _(s: Site) -> list[Shape]:
    known, depth = s.shapes[0], s.const(1)
    if depth is not None and int(depth.item()) < 0:
        raise s.error(f"depth must be non-negative, got: {int(depth.item())}")
    if known is None:
        return [None]
    at = _one_hot_axis(s["axis"], len(known))
    return [(*known[:at], None if depth is None else int(depth.item()), *known[at:])]


one_hot.not_differentiable()


@op(
    "Where(input: T) -> (index: int64) | T: type=bool in [numeric, qint8, quint8, qint32, qint16, quint16, bool]"
)
def where(s: Site) -> Kernel:
    """The indices of all elements that are not zero (or are true), a row each, in row-major order."""

    def run(x: Array) -> Array:
        if x.ndim == 0:
            raise s.error("the condition must be a vector at least, but is a scalar")
        return np.argwhere(x != 0 if x.dtype != bool else x).astype(np.int64, copy=False)

    return run


@where.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    return [(None, None if known is None else len(known))]


where.not_differentiable()


def _search(name: str, side: Any, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        dtype = s["out_type"].np

        def run(sorted_inputs: Array, values: Array) -> Array:
            out = np.empty(values.shape, dtype)
            rows, wanted = _comparable(sorted_inputs), _comparable(values)
            if rows.ndim != 2 or wanted.ndim != 2 or len(rows) != len(wanted):
                raise s.error(
                    "sorted_inputs and values must be matrices of the same number of rows, but have the shapes "
                    f"{format_shape(rows.shape)} and {format_shape(wanted.shape)}"
                )
            for row, value, place in zip(rows, wanted, out, strict=True):
                place[...] = np.searchsorted(row, value, side)
                if (
                    side == "left"
                ):  # nothing is less than NaN, so TensorFlow finds its lower bound at the front
                    place[value != value] = 0
            return out

        return run

    one = register(
        Op(
            f"{name}(sorted_inputs: T, values: T) -> (output: out_type) | T: type; out_type: type=int32 in index",
            kernel,
            doc,
        )
    )

    def shape_rule(s: Site) -> list[Shape]:
        for what, known in zip(("sorted_inputs", "values"), s.shapes, strict=True):
            if known is not None and len(known) != 2:
                raise s.error(f"Shape must be rank 2 but is rank {len(known)} for `{what}` argument")
        rows, values = s.shapes
        if values is None:
            return [None if rows is None else (rows[0], None)]
        return [values if rows is None else (merge_dim(rows[0], values[0]), values[1])]

    one.shape_rule = shape_rule
    return one.not_differentiable()


lower_bound: Op = _search(
    "LowerBound", "left", "For each value the first place in its sorted row whose element is not less."
)
upper_bound: Op = _search(
    "UpperBound", "right", "For each value the first place in its sorted row whose element is greater."
)


def _unique(x: Array) -> tuple[Array, Array, Array]:
    """Where each distinct element of a vector first stands, which of them each element is, and how often each is there.

    In order of first appearance; every NaN is distinct, as in TensorFlow.
    """
    if x.dtype == object:
        return _unique_keys(x.tolist())
    _, first, inverse, count = np.unique(
        _comparable(x), return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return first[order], place[inverse.reshape(-1)], count[order]


def _unique_keys(keys: list[Any]) -> tuple[Array, Array, Array]:
    found: dict[Any, int] = {}
    which = np.array([found.setdefault(key, len(found)) for key in keys], np.int64)
    first = np.full(len(found), len(keys), np.int64)
    np.minimum.at(first, which, np.arange(len(keys)))
    return first, which, np.bincount(which, minlength=len(found))


def _unique_op(name: str, v2: bool, counts: bool, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        dtype = s["out_idx"].np

        def result(y: Array, which: Array, count: Array) -> list[Array]:
            return [y, which.astype(dtype), count.astype(dtype)] if counts else [y, which.astype(dtype)]

        def run(x: Array, axis: Array | None = None) -> list[Array]:
            if axis is not None and axis.ndim != 1:
                raise s.error("axis expects a 1D vector.")
            if axis is not None and axis.size > 1:
                raise s.error(f"axis must have one element at most, but is {axis.tolist()}")
            if x.ndim == 1:
                first, which, count = _unique(x)
                return result(x[first], which, count)
            if axis is None or axis.size == 0:
                raise s.error("unique expects a 1D vector.")
            at = int(axis[0])
            if not -x.ndim <= at < x.ndim:
                raise s.error(f"axis must be in the range [{-x.ndim}, {x.ndim}), but is {at}")
            rows = np.moveaxis(x, at, 0)
            flat = rows.reshape(len(rows), int(np.prod(rows.shape[1:])))
            first, which, count = _unique_keys([tuple(row) for row in flat.tolist()])
            return result(np.moveaxis(rows[first], 0, at), which, count)

        return run

    inputs = "x: T, axis: Taxis" if v2 else "x: T"
    outputs = "y: T, idx: out_idx" + (", count: out_idx" if counts else "")
    axis = "Taxis: type=int64 in index; " if v2 else ""
    one = register(
        Op(f"{name}({inputs}) -> ({outputs}) | T: type; {axis}out_idx: type=int32 in index", kernel, doc)
    )

    def shape_rule(s: Site) -> list[Shape]:
        known = s.shapes[0]
        along = s.const(1) if v2 else np.zeros(0)
        rest: list[Shape] = [(None,)] * counts
        if known is None or along is None:
            return [None if known is None else (None,) * len(known), (None,), *rest]
        if along.size == 0 or len(known) == 1:
            if len(known) != 1:
                raise s.error("unique expects a 1D vector.")
            return [(None,), known, *rest]
        at = int(along[0]) % len(known)
        return [(*known[:at], None, *known[at + 1 :]), (known[at],), *rest]

    one.shape_rule = shape_rule
    return one


_DISTINCT = "The distinct elements in order of first appearance, and for each element which of them it is"
unique: Op = _unique_op("Unique", False, False, f"{_DISTINCT}.")
unique_v2: Op = _unique_op("UniqueV2", True, False, f"{_DISTINCT}; whole slices where `axis` names one.")
unique_with_counts: Op = _unique_op(
    "UniqueWithCounts", False, True, f"{_DISTINCT}; and how often each is there."
)
unique_with_counts_v2: Op = _unique_op(
    "UniqueWithCountsV2",
    True,
    True,
    f"{_DISTINCT}; and how often each is there; whole slices where `axis` names one.",
)


@op("ListDiff(x: T, y: T) -> (out: T, idx: out_idx) | T: type; out_idx: type=int32 in index")
def list_diff(s: Site) -> Kernel:
    """The elements of `x` that are not in `y`, in their order, and their places in `x`."""
    dtype = s["out_idx"].np

    def run(x: Array, y: Array) -> list[Array]:
        for what, one in (("x", x), ("y", y)):
            if one.ndim != 1:
                raise s.error(f"{what} should be a 1D vector.")
        if x.dtype == object:
            gone = set(y.tolist())
            left = np.array([i for i, v in enumerate(x.tolist()) if v not in gone], np.int64)
        else:
            left = np.flatnonzero(~np.isin(_comparable(x), _comparable(y)))
        return [x[left], left.astype(dtype)]

    return run


@list_diff.shape
def _(s: Site) -> list[Shape]:
    for what, known in zip("xy", s.shapes, strict=True):
        if known is not None and len(known) != 1:
            raise s.error(f"{what} should be a 1D vector.")
    return [(None,), (None,)]


list_diff.not_differentiable()


@op(
    "Bucketize(input: T) -> (output: int32) | T: type in [int32, int64, float, double]; boundaries: list(float)"
)
def bucketize(s: Site) -> Kernel:
    """For each element the number of boundaries that are not greater."""
    boundaries = np.array(s["boundaries"], np.float32).astype(np.float64)
    if (np.diff(boundaries) < 0).any():
        raise s.error("Expected sorted boundaries")
    return lambda x: np.asarray(np.searchsorted(boundaries, x, "right")).astype(np.int32)


bucketize.shape_rule = same_shape
bucketize.not_differentiable()


@op(
    "BoostedTreesBucketize(float_values: num_features*float, bucket_boundaries: num_features*float) -> "
    "(buckets: num_features*int32) | num_features: int >=0"
)
def boosted_trees_bucketize(s: Site) -> Kernel:
    """For each feature and value the first bucket whose boundary is not less; the last one where all are."""
    count = s["num_features"]

    def run(*arrays: Array) -> list[Array]:
        out = []
        for values, boundaries in zip(arrays[:count], arrays[count:], strict=True):
            if boundaries.ndim != 1 or not boundaries.size:
                raise s.error(f"bucket boundaries must be a vector, but have shape {list(boundaries.shape)}")
            found = np.searchsorted(boundaries, values, "left")
            out.append(np.minimum(found, len(boundaries) - 1).astype(np.int32))
        return out

    return run


@boosted_trees_bucketize.shape
def _(s: Site) -> list[Shape]:
    return list(s.shapes[: s["num_features"]])


boosted_trees_bucketize.not_differentiable()


@op(
    "HistogramFixedWidth(values: T, value_range: T, nbins: int32) -> (out: dtype) | T: type in [int32, int64, float, "
    "double]; dtype: type=int32 in index"
)
def histogram_fixed_width(s: Site) -> Kernel:
    """How many values fall into each of `nbins` equal parts of a range; the first and last take what is outside."""
    dtype = s["dtype"]

    def run(values: Array, value_range: Array, nbins: Array) -> Array:
        if np.ndim(nbins) or int(nbins) <= 0:
            raise s.error(f"nbins should be a positive number, but is {nbins}")
        if value_range.shape != (2,) or not value_range[0] < value_range[1]:
            raise s.error(f"value_range should be two numbers in order, but is {value_range.tolist()}")
        (count,) = check_size(s, (int(nbins),), dtype)
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise s.error("values must not be NaN")
        low, high = value_range.astype(np.float64)
        above = np.maximum(values, value_range[0]) - value_range[0]
        places = np.minimum(above.astype(np.float64) / ((high - low) / count), count - 1).astype(np.int64)
        return np.bincount(places.ravel(), minlength=count).astype(dtype.np)

    return run


@histogram_fixed_width.shape
def _(s: Site) -> list[Shape]:
    known = s.const(2)
    return [(None if known is None or known.ndim else int(known),)]


histogram_fixed_width.not_differentiable()
