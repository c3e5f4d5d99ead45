"""Reductions of ragged tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from calque_runtime import dtypes

from ...api import array_ops, indexing_ops, math_ops, reduce_ops, string_ops
from ...api.raw import raw
from ...function.graph_mode import get_static_value
from ...tensor import Tensor, convert_to_tensor
from .arrays import expand_dims, range
from .functional import on_elements
from .making import real_axis
from .ragged_tensor import RaggedTensor
from .row_partition import RowPartition

__all__ = [
    "add_n",
    "reduce_all",
    "reduce_any",
    "reduce_join",
    "reduce_max",
    "reduce_mean",
    "reduce_min",
    "reduce_prod",
    "reduce_std",
    "reduce_sum",
    "reduce_variance",
    "softmax",
]

_Segments = Callable[
    [Any, Any, Any], Any
]  # (values, segment of each, number of segments) -> one for each segment


def _segments(op: _Segments, values: Any, ids: Tensor, count: Any) -> Any:
    """One for each segment; of ragged values, element by element as far as the longest reaches."""
    if not isinstance(values, RaggedTensor):
        return op(values, ids, count)
    kind = values.row_splits.dtype
    lengths = values.row_lengths()
    longest = reduce_ops.unsorted_segment_max(lengths, ids, count)
    nothing = convert_to_tensor(0, kind)
    splits = array_ops.concat(
        [array_ops.zeros([1], kind), reduce_ops.cumsum(math_ops.maximum(longest, nothing))], 0
    )
    begins = indexing_ops.gather(splits[:-1], ids)
    places = range(begins, begins + lengths, row_splits_dtype=kind).values
    return RaggedTensor._of(_segments(op, values.values, places, splits[-1]), RowPartition(splits))


def _reduced(whole: Callable[..., Any], op: _Segments, value: Any, axis: Any, keepdims: bool) -> Any:
    if not isinstance(value, RaggedTensor):
        return whole(value, axis, keepdims)
    if axis is None:
        result = whole(value.flat_values, None, False)
        for _ in [0] * (value.shape.rank or 0) if keepdims else ():
            result = array_ops.expand_dims(result, 0)
        return result
    axes: Any = (
        get_static_value(convert_to_tensor(axis)) if not isinstance(axis, (int, list, tuple)) else axis
    )
    if axes is None:
        raise ValueError("axis must be known at graph construction time.")
    if not isinstance(axes, int) and getattr(axes, "ndim", 1) != 0:
        numbers = sorted({real_axis(a, value.shape.rank, "axis") for a in axes}, reverse=True)
        for one in numbers:
            value = _reduced(whole, op, value, one, keepdims)
        return value
    at = real_axis(axes, value.shape.rank, "axis")
    if at == 0:
        lengths = value.row_lengths()
        columns = range(lengths, row_splits_dtype=value.row_splits.dtype).values
        most = reduce_ops.reduce_max(array_ops.concat([lengths, array_ops.zeros([1], lengths.dtype)], 0))
        result = _segments(op, value.values, columns, most)
        return expand_dims(result, 0) if keepdims else result
    if at == 1:
        result = _segments(op, value.values, value.value_rowids(), value.nrows())
        return expand_dims(result, 1) if keepdims else result
    return value.with_values(_reduced(whole, op, value.values, at - 1, keepdims))


def reduce_sum(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The sum along axes; without one, of all elements."""
    return _reduced(
        reduce_ops.reduce_sum, reduce_ops.unsorted_segment_sum, input_tensor, axis, bool(keepdims)
    )


def reduce_prod(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The product along axes; without one, of all elements."""
    return _reduced(
        reduce_ops.reduce_prod, reduce_ops.unsorted_segment_prod, input_tensor, axis, bool(keepdims)
    )


def reduce_min(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The least along axes; of an empty row the largest number of the type."""
    return _reduced(
        reduce_ops.reduce_min, reduce_ops.unsorted_segment_min, input_tensor, axis, bool(keepdims)
    )


def reduce_max(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The largest along axes; of an empty row the least number of the type."""
    return _reduced(
        reduce_ops.reduce_max, reduce_ops.unsorted_segment_max, input_tensor, axis, bool(keepdims)
    )


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The mean along axes; of an empty row NaN."""
    total = reduce_sum(input_tensor, axis, keepdims)
    ones = input_tensor.with_flat_values(array_ops.ones_like(input_tensor.flat_values))
    count = reduce_sum(ones, axis, keepdims)
    divide = math_ops.truediv if total.dtype.is_floating or total.dtype.is_complex else math_ops.floordiv
    return on_elements(divide, [total, count]) if isinstance(total, RaggedTensor) else divide(total, count)


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """The variance along axes."""
    squares = input_tensor.with_flat_values(math_ops.square(input_tensor.flat_values))
    of_squares = reduce_mean(squares, axis, keepdims)
    mean = reduce_mean(input_tensor, axis, keepdims)
    return _elementwise(lambda s, m: s - m * m, of_squares, mean)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The standard deviation along axes."""
    return _elementwise(math_ops.sqrt, reduce_variance(input_tensor, axis, keepdims))


def _elementwise(op: Callable[..., Any], *values: Any) -> Any:
    return on_elements(op, values) if isinstance(values[0], RaggedTensor) else op(*values)


def _as_counts(input_tensor: RaggedTensor) -> RaggedTensor:
    return input_tensor.with_flat_values(math_ops.cast(input_tensor.flat_values, dtypes.int32))


def reduce_all(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Are all elements along axes True?"""
    product = reduce_prod(_as_counts(input_tensor), axis, keepdims)
    return _elementwise(lambda n: math_ops.cast(n, dtypes.bool), product)


def reduce_any(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Is an element along axes True?"""
    total = reduce_sum(_as_counts(input_tensor), axis, keepdims)
    return _elementwise(lambda n: math_ops.cast(n, dtypes.bool), total)


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of ragged tensors with the same rows."""
    return on_elements(lambda *flat: math_ops.add_n(list(flat)), list(inputs))


def softmax(logits: RaggedTensor, axis: int | None = None, name: str | None = None) -> Any:
    """Softmax along an axis, by default the last."""
    at = -1 if axis is None else axis
    highest = reduce_max(logits, at, keepdims=True)
    weights = on_elements(lambda x, m: math_ops.exp(x - m), [logits, highest])
    return on_elements(math_ops.truediv, [weights, reduce_sum(weights, at, keepdims=True)])


def reduce_join(
    inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: str | None = None
) -> Any:
    """The strings along an axis joined.

    Raises:
        ValueError: no axis is given: in what order rows are joined must be said.
    """
    if axis is None:
        raise ValueError("tf.strings.reduce_join of a ragged tensor needs an axis.")
    whole = functools.partial(_whole_join, separator)
    join = raw("UnsortedSegmentJoin")
    return _reduced(
        whole, lambda v, ids, n: join(v, ids, n, separator=separator.encode()), inputs, axis, bool(keepdims)
    )


def _whole_join(separator: str, value: Any, axis: Any, keepdims: bool) -> Any:
    return string_ops.reduce_join(value, axis, keepdims, separator)
