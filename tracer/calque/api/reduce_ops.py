"""Reductions, running sums, segments, counting and ranking."""

from __future__ import annotations

import builtins
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..tensor import Tensor
from .arguments import record, shape_tensor, static_rank, tensor
from .math_ops import (
    add,
    cast,
    conj,
    divide,
    equal,
    exp,
    is_finite,
    log,
    maximum,
    minimum,
    multiply,
    not_equal,
    real,
    rsqrt,
    sqrt,
    square,
)
from .raw import raw

__all__ = [
    "argmax",
    "argmin",
    "bincount",
    "confusion_matrix",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_logsumexp",
    "in_top_k",
    "l2_normalize",
    "reduce_all",
    "reduce_any",
    "reduce_euclidean_norm",
    "reduce_logsumexp",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "top_k",
    "unsorted_segment_max",
    "unsorted_segment_mean",
    "unsorted_segment_min",
    "unsorted_segment_prod",
    "unsorted_segment_sqrt_n",
    "unsorted_segment_sum",
    "zero_fraction",
]


def _reduce(op: str, input_tensor: Any, axis: Any, keepdims: bool, name: str | None) -> Any:
    x = tensor(input_tensor)
    return raw(op)(x, _axes(x, axis), keep_dims=builtins.bool(keepdims), name=name)


def _axes(x: Tensor, axis: Any) -> Tensor:
    """The axes of a reduction as a tensor; all of them for None."""
    if axis is None:
        rank = static_rank(x)
        if rank is None:
            return raw("Range")(tensor(0), raw("Rank")(x), tensor(1))  # type: ignore[no-any-return]
        return shape_tensor(list(range(rank)))
    if isinstance(axis, (list, tuple)) and not axis:
        return shape_tensor([])
    return tensor(axis, hint=dtypes.int32)


def reduce_sum(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The sum over `axis` (None: all of them); `keepdims` leaves them with size 1."""
    return _reduce("Sum", input_tensor, axis, keepdims, name)


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The mean over `axis` (None: all of them); of integers an integer."""
    return _reduce("Mean", input_tensor, axis, keepdims, name)


def reduce_prod(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The product over `axis` (None: all of them)."""
    return _reduce("Prod", input_tensor, axis, keepdims, name)


def reduce_max(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The largest element along `axis` (None: all of them)."""
    return _reduce("Max", input_tensor, axis, keepdims, name)


def reduce_min(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The smallest element along `axis` (None: all of them)."""
    return _reduce("Min", input_tensor, axis, keepdims, name)


def reduce_all(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Are all elements along `axis` true?"""
    return _reduce("All", input_tensor, axis, keepdims, name)


def reduce_any(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Is any element along `axis` true?"""
    return _reduce("Any", input_tensor, axis, keepdims, name)


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """The square root of the sum of squares over `axis`."""
    return _reduce("EuclideanNorm", input_tensor, axis, keepdims, name)


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """The mean squared distance from the mean over `axis`."""
    x = tensor(input_tensor)
    distance = x - reduce_mean(x, axis, keepdims=True)
    squared = real(distance * conj(distance)) if x.dtype.is_complex else square(distance)
    return reduce_mean(squared, axis, keepdims, name)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The standard deviation over `axis`."""
    return sqrt(reduce_variance(input_tensor, axis, keepdims), name=name)


def reduce_logsumexp(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """log(sum(exp(x))) over `axis`, without overflow."""
    from .array_ops import reshape, shape, stop_gradient, zeros_like
    from .indexing_ops import where

    x = tensor(input_tensor)
    top = reduce_max(x, axis, keepdims=True)
    top = stop_gradient(where(is_finite(top), top, zeros_like(top)))
    total = log(reduce_sum(exp(x - top), axis, keepdims=keepdims))
    return add(total, top if keepdims else reshape(top, shape(total)), name=name)


def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """How many elements along `axis` are not zero (or empty strings)."""
    x = tensor(input)
    zero = tensor(b"" if x.dtype is dtypes.string else False if x.dtype.is_bool else 0, x.dtype)
    return cast(reduce_sum(cast(not_equal(x, zero), dtypes.int64), axis, keepdims), dtype, name)


def argmax(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """Where along `axis` (None: 0) the largest element stands; the first one of equals."""
    return raw("ArgMax")(
        tensor(input), tensor(0 if axis is None else axis), output_type=as_dtype(output_type), name=name
    )


def argmin(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """Where along `axis` (None: 0) the smallest element stands; the first one of equals."""
    return raw("ArgMin")(
        tensor(input), tensor(0 if axis is None else axis), output_type=as_dtype(output_type), name=name
    )


def cumsum(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Any:
    """Running sums along `axis`; `exclusive` leaves each element's own value out, `reverse` starts at the end."""
    return raw("Cumsum")(tensor(x), tensor(axis), exclusive=exclusive, reverse=reverse, name=name)


def cumprod(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Any:
    """Running products along `axis` (see `cumsum`)."""
    return raw("Cumprod")(tensor(x), tensor(axis), exclusive=exclusive, reverse=reverse, name=name)


def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Any:
    """Running `reduce_logsumexp` along `axis` (see `cumsum`)."""
    return raw("CumulativeLogsumexp")(
        tensor(x), tensor(axis), exclusive=exclusive, reverse=reverse, name=name
    )


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Any:
    """x / sqrt(max(sum(x ** 2), epsilon)) along `axis` (`dim` is its older name)."""
    a = tensor(x)
    total = reduce_sum(square(a), dim if axis is None else axis, keepdims=True)
    return multiply(a, rsqrt(maximum(total, tensor(epsilon, a.dtype))), name=name)


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The share of elements that are zero, a float32."""
    from .array_ops import size

    a = tensor(value)
    zeros = size(a, out_type=dtypes.int64) - count_nonzero(a)
    return divide(
        cast(zeros, dtypes.float32), cast(size(a, out_type=dtypes.int64), dtypes.float32), name=name
    )


def top_k(
    input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32, name: str | None = None
) -> Any:
    """The k largest elements along the last axis and their places, as a pair (values, indices)."""
    values, indices = raw("TopKV2")(
        tensor(input), tensor(k), sorted=sorted, index_type=as_dtype(index_type), name=name
    )
    return record("TopKV2", values=values, indices=indices)


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Any:
    """Is each target among the k largest predictions of its row?"""
    at = tensor(targets)
    return raw("InTopKV2")(tensor(predictions), at, tensor(k, at.dtype), name=name)


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """How often each integer from 0 occurs; with `weights`, the sum of its weights.

    Args:
        arr: integers, a tensor; with ``axis=-1`` also a ragged or sparse one of two dimensions.
        weights: what each of them counts, structured as `arr`; None: 1.
        minlength, maxlength: the least and the largest size of the result; integers beyond it are left out.
        dtype: that of the counts, without weights.
        name: the op's.
        axis: -1: counts for each row; None or 0: for all of `arr`.
        binary_output: is the result 1 for all integers that occur?
    """
    from .array_ops import reshape

    a = tensor(arr)
    a = a if a.dtype is dtypes.int64 else cast(a, dtypes.int32)
    size = _bincount_size(a, minlength, maxlength)
    w = tensor([], dtype) if weights is None else tensor(weights)
    if axis in (None, 0):
        a, w = reshape(a, [-1]), reshape(w, [-1])
    return raw("DenseBincount")(a, size, w, binary_output=binary_output, name=name)


def _bincount_size(values: Any, minlength: Any, maxlength: Any) -> Any:
    """The size of the counts of `values`: one more than the largest of them, within bounds."""
    size = cast(reduce_any(equal(values, values)), values.dtype) * (
        reduce_max(values) + 1
    )  # 0 of no elements
    if minlength is not None:
        size = maximum(cast(tensor(minlength), values.dtype), size)
    return size if maxlength is None else minimum(cast(tensor(maxlength), values.dtype), size)


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """How often each (label, prediction) pair of classes occurs, [classes, classes]."""
    from .array_ops import ones_like, stack
    from .indexing_ops import scatter_nd

    a, b = cast(tensor(labels), dtypes.int64), cast(tensor(predictions), dtypes.int64)
    n = (
        maximum(reduce_max(a), reduce_max(b)) + 1
        if num_classes is None
        else cast(tensor(num_classes), dtypes.int64)
    )
    values = ones_like(a, dtype) if weights is None else cast(tensor(weights), dtype)
    return scatter_nd(stack([a, b], axis=1), values, stack([n, n]), name=name)


def _segment(op: str, public: str, doc: str) -> Any:
    def function(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        return raw(op)(tensor(data), tensor(segment_ids), name=name)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = f"{doc} over the rows of each segment; `segment_ids` is sorted."
    return function


def _unsorted(op: str, public: str, doc: str) -> Any:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        return raw(op)(tensor(data), tensor(segment_ids), tensor(num_segments), name=name)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = f"{doc} over the rows of each of `num_segments` segments; negative ids are left out."
    return function


segment_max = _segment("SegmentMax", "segment_max", "The maximum")


segment_mean = _segment("SegmentMean", "segment_mean", "The mean")


segment_min = _segment("SegmentMin", "segment_min", "The minimum")


segment_prod = _segment("SegmentProd", "segment_prod", "The product")


segment_sum = _segment("SegmentSum", "segment_sum", "The sum")


unsorted_segment_max = _unsorted("UnsortedSegmentMax", "unsorted_segment_max", "The maximum")


unsorted_segment_min = _unsorted("UnsortedSegmentMin", "unsorted_segment_min", "The minimum")


unsorted_segment_prod = _unsorted("UnsortedSegmentProd", "unsorted_segment_prod", "The product")


unsorted_segment_sum = _unsorted("UnsortedSegmentSum", "unsorted_segment_sum", "The sum")


def _counts(x: Tensor, ids: Tensor, num_segments: Any) -> Tensor:
    """How many rows each segment has, at least 1, shaped to divide the segments' sums."""
    from .array_ops import concat, ones_like, reshape, shape

    count = maximum(unsorted_segment_sum(ones_like(ids, x.dtype), ids, num_segments), tensor(1, x.dtype))
    extra = (static_rank(x) or 0) - (static_rank(ids) or 0)
    return reshape(count, concat([shape(count), shape_tensor([1] * extra)], 0))  # type: ignore[no-any-return]


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The mean over the rows of each of `num_segments` segments; negative ids are left out."""
    x, ids = tensor(data), tensor(segment_ids)
    return divide(unsorted_segment_sum(x, ids, num_segments), _counts(x, ids, num_segments), name=name)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The sum over the rows of each of `num_segments` segments, over the square root of how many they are."""
    x, ids = tensor(data), tensor(segment_ids)
    return divide(unsorted_segment_sum(x, ids, num_segments), sqrt(_counts(x, ids, num_segments)), name=name)
