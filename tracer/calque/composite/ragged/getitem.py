"""Indexing ragged tensors."""

from __future__ import annotations

from typing import Any

from ...api import array_ops, indexing_ops, math_ops
from ...api.raw import raw
from ...tensor import Tensor, convert_to_tensor
from .ragged_tensor import RaggedTensor
from .row_partition import RowPartition, static_value

__all__ = ["getitem", "rows_at", "value_ranges"]


def getitem(ragged: RaggedTensor, key: Any) -> Any:
    """``ragged[key]``: integers, slices, Ellipsis and newaxis, as on tensors.

    Raises:
        ValueError: an integer indexes a ragged dimension other than the outermost: its rows may be too short.
        TypeError: a key is of no such kind.
    """
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    for one in keys:
        if isinstance(one, (bool, float, str)):
            raise TypeError(
                f"A ragged tensor is indexed with integers, slices, Ellipsis and newaxis, got {one!r}."
            )
    return _rows(ragged, keys)


def _rows(value: Any, keys: list[Any]) -> Any:
    """`keys` applied from the outermost dimension on."""
    if not keys:
        return value
    if not isinstance(value, RaggedTensor):
        return value[tuple(keys)]
    key, rest = keys[0], keys[1:]
    if key is Ellipsis:
        return value if not rest else _rows(value, _spread(value, rest))
    if key is None:
        inner = _rows(value, rest)
        if not isinstance(inner, RaggedTensor):
            return array_ops.expand_dims(inner, 0)
        return RaggedTensor.from_uniform_row_length(inner, inner.nrows(), nrows=1, validate=False)
    if isinstance(key, slice):
        return _inside(_slice_of_rows(value, key), rest)
    splits = value.row_splits
    place = _index(key, splits.dtype)
    known, count = static_value(place), value._row_partition.static_nrows
    if known is not None and count is not None and not -count <= known < count:
        raise IndexError(f"Row key {key} out of bounds")
    if known is None or known < 0:
        zero = convert_to_tensor(0, splits.dtype)
        place = indexing_ops.where(place < zero, place + value.nrows(), place)
    row = _range_of(value.values, splits[:-1][place], splits[1:][place])
    return _rows(row, rest)


def _index(key: Any, dtype: Any) -> Any:
    return math_ops.cast(convert_to_tensor(key), dtype)


def _range_of(values: Any, begin: Any, end: Any) -> Any:
    return (
        _slice_of_rows(values, slice(begin, end)) if isinstance(values, RaggedTensor) else values[begin:end]
    )


def _spread(value: Any, rest: list[Any]) -> list[Any]:
    """The keys that an Ellipsis before `rest` stands for, and `rest`."""
    rank = value.shape.rank
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    used = sum(1 for k in rest if k is not None)
    return [slice(None)] * max(rank - used, 0) + rest


def _slice_of_rows(ragged: RaggedTensor, key: slice) -> RaggedTensor:
    if key.start is None and key.stop is None and key.step in (None, 1):
        return ragged
    splits = ragged.row_splits
    if key.step is None or static_value(key.step) == 1:
        begins, ends = splits[:-1][key], splits[1:][key]
        first = array_ops.concat([begins, splits[-1:]], 0)[0]
        new = array_ops.concat([array_ops.reshape(first, [1]), ends], 0)
        values = _range_of(ragged.values, new[0], new[-1])
        return RaggedTensor._of(
            values, RowPartition(new - first, uniform_row_length=ragged.uniform_row_length)
        )
    numbers = array_ops.range(ragged.nrows(), dtype=splits.dtype)[key]
    return rows_at(ragged, numbers)


def rows_at(ragged: RaggedTensor, numbers: Tensor) -> RaggedTensor:
    """The rows of those numbers."""
    splits, kind = ragged.row_splits, ragged.row_splits.dtype
    numbers = numbers if numbers.dtype is kind else math_ops.cast(numbers, kind)
    begins, ends = indexing_ops.gather(splits[:-1], numbers), indexing_ops.gather(splits[1:], numbers)
    made = value_ranges(begins, ends, None, ragged.values)
    return RaggedTensor._of(
        made.values, RowPartition(made.row_splits, uniform_row_length=ragged.uniform_row_length)
    )


def value_ranges(begins: Tensor, ends: Tensor, step: Any, values: Any) -> RaggedTensor:
    """Rows ``values[begin:end:step]`` for each begin and end."""
    kind = begins.dtype
    stride = convert_to_tensor(1 if step is None else step, kind)
    splits, places = raw("RaggedRange")(begins, ends, stride, Tsplits=kind)
    if isinstance(values, RaggedTensor):
        picked: Any = rows_at(values, places)
    else:
        picked = indexing_ops.gather(values, places)
    return RaggedTensor._of(picked, RowPartition(splits))


def _inside(value: Any, keys: list[Any]) -> Any:
    """`keys` applied to each row."""
    if not keys:
        return value
    if not isinstance(value, RaggedTensor):
        index = slice(None), *keys
        return value[index]
    key, rest = keys[0], keys[1:]
    if key is Ellipsis:
        if not rest:
            return value
        spread = _spread(value, rest)
        return _inside(value, spread[1:] if len(spread) > len(rest) else rest)
    if key is None:
        inner = _inside(value, rest)
        count = inner.nrows() if isinstance(inner, RaggedTensor) else raw("Shape")(inner)[0]
        return RaggedTensor.from_uniform_row_length(inner, 1, nrows=count, validate=False)
    if isinstance(key, slice):
        if not (key.start is None and key.stop is None and key.step is None):
            value = _slice_of_columns(value, key)
        return value.with_values(_inside(value.values, rest))
    return _inside(_column(value, key), rest)


def _column(value: RaggedTensor, key: Any) -> Any:
    if value.uniform_row_length is None:
        raise ValueError("Cannot index into an inner ragged dimension.")
    place = _index(key, value.row_splits.dtype)
    zero = convert_to_tensor(0, place.dtype)
    inside = indexing_ops.where(place < zero, place + value.uniform_row_length, place)
    places = value.row_splits[:-1] + inside
    if isinstance(value.values, RaggedTensor):
        return rows_at(value.values, places)
    return indexing_ops.gather(value.values, places)


def _slice_of_columns(value: RaggedTensor, key: slice) -> RaggedTensor:
    splits = value.row_splits
    kind = splits.dtype
    step = 1 if key.step is None else static_value(key.step)
    if step is None or step == 0:
        raise ValueError("A slice of an inner ragged dimension needs a step that is known and not 0.")
    lengths = splits[1:] - splits[:-1]
    zero = convert_to_tensor(0, kind)
    lowest, highest = (zero, lengths) if step > 0 else (zero - 1, lengths - 1)

    def bound(given: Any, default: Any) -> Any:
        if given is None:
            return default
        place = _index(given, kind)
        place = indexing_ops.where(place < zero, place + lengths, place + array_ops.zeros_like(lengths))
        return math_ops.minimum(math_ops.maximum(place, lowest), highest)

    first, last = (lowest, highest) if step > 0 else (highest, lowest)
    begins = splits[:-1] + bound(key.start, first)
    ends = splits[:-1] + bound(key.stop, last)
    made = value_ranges(begins, ends, step, value.values)
    if value.uniform_row_length is None or value._row_partition.static_uniform_row_length is None:
        return made
    size = len(range(value._row_partition.static_uniform_row_length)[_static_slice(key)])
    length = convert_to_tensor(size, kind)
    return RaggedTensor._of(made.values, RowPartition(made.row_splits, uniform_row_length=length))


def _static_slice(key: slice) -> slice:
    return slice(*(None if k is None else static_value(k) for k in (key.start, key.stop, key.step)))
