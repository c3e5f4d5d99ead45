"""Ragged tensors from tensors."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType

from ...api import array_ops, indexing_ops, math_ops, reduce_ops
from ...api.raw import raw
from ...tensor import Tensor, convert_to_tensor

__all__ = ["from_tensor"]


def from_tensor(cls: Any, tensor: Any, lengths: Any, padding: Any, ragged_rank: int, splits: DType) -> Any:
    """See `RaggedTensor.from_tensor`."""
    if lengths is not None and padding is not None:
        raise ValueError("Specify argument `lengths` or `padding`, but not both.")
    if not isinstance(ragged_rank, int):
        raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank!r}.")
    if ragged_rank <= 0:
        raise ValueError(f"Argument `ragged_rank` must be greater than 0. Received {ragged_rank}.")
    value = convert_to_tensor(tensor)
    rank = value.shape.rank
    if rank is not None and ragged_rank >= rank:
        raise ValueError(f"ragged_rank={ragged_rank} must be less than the rank of the tensor, {rank}.")
    if isinstance(lengths, (list, tuple)) and any(not isinstance(n, int) for n in lengths):
        if isinstance(lengths[0], (int, float)):
            raise TypeError("row_lengths must be integers")
        if ragged_rank not in (1, len(lengths)):
            raise ValueError(
                f"If Tensor is specified as a list of nested row lengths, then ragged_rank ({ragged_rank}) must be "
                f"its length ({len(lengths)})."
            )
        return _nested(cls, value, list(lengths), splits)
    return _from_tensor(cls, value, lengths, padding, ragged_rank, splits)


def _nested(cls: Any, tensor: Tensor, lengths: list[Any], splits: DType) -> Any:
    """Cut to `lengths`, one for each ragged dimension, the outermost first."""
    outer = math_ops.cast(convert_to_tensor(lengths[0], dtype_hint=dtypes.int64), splits)
    kept = _front(tensor, outer)
    values = _nested(cls, kept, lengths[1:], splits) if len(lengths) > 1 else kept
    return cls.from_row_lengths(values, outer, validate=False)


def _front(tensor: Tensor, lengths: Tensor) -> Tensor:
    """The first elements of each row, as many as `lengths` says, one row behind the other."""
    width = raw("Shape")(tensor, out_type=lengths.dtype)[1]
    mask = indexing_ops.sequence_mask(lengths, width)
    return indexing_ops.boolean_mask(tensor, mask)  # type: ignore[no-any-return]


def _from_tensor(
    cls: Any, tensor: Tensor, lengths: Any, padding: Any, ragged_rank: int, splits: DType
) -> Any:
    if ragged_rank > 1:
        sizes = raw("Shape")(tensor, out_type=splits)
        rows = reduce_ops.reduce_prod(sizes[:ragged_rank])
        flat = array_ops.reshape(
            tensor, array_ops.concat([array_ops.reshape(rows, [1]), sizes[ragged_rank:]], 0)
        )
        known = tensor.shape
        result = _from_tensor(cls, flat, lengths, padding, 1, splits)
        for axis in range(ragged_rank - 1, 0, -1):
            size = known[axis] if known.rank is not None and known[axis] is not None else sizes[axis]
            count = reduce_ops.reduce_prod(sizes[:axis])
            result = cls.from_uniform_row_length(result, size, nrows=count, validate=False)
        return result
    sizes = raw("Shape")(tensor, out_type=splits)
    if padding is not None:
        lengths = _lengths_without(tensor, padding, splits)
    if lengths is not None:
        lengths = math_ops.cast(convert_to_tensor(lengths, dtype_hint=dtypes.int64), splits)
        lengths = _clipped(lengths, sizes[1])
        return cls.from_row_lengths(_front(tensor, lengths), lengths, validate=False)
    rest = array_ops.concat([array_ops.reshape(sizes[0] * sizes[1], [1]), sizes[2:]], 0)
    values = array_ops.reshape(tensor, rest)
    width = tensor.shape[1] if tensor.shape.rank is not None else None
    result = cls.from_uniform_row_length(
        values, sizes[1] if width is None else width, nrows=sizes[0], validate=False
    )
    return result.with_row_splits_dtype(splits)


def _clipped(lengths: Tensor, width: Tensor) -> Tensor:
    nothing = convert_to_tensor(0, lengths.dtype)
    return math_ops.minimum(math_ops.maximum(lengths, nothing), width)  # type: ignore[no-any-return]


def _lengths_without(tensor: Tensor, padding: Any, splits: DType) -> Tensor:
    """How much of each row stands before its trailing `padding`."""
    fill = convert_to_tensor(padding, tensor.dtype)
    same = math_ops.equal(tensor, fill)
    rank = tensor.shape.rank
    if rank is not None and rank > 2:
        same = reduce_ops.reduce_all(same, axis=list(range(2, rank)))
    width = raw("Shape")(tensor, out_type=splits)[1]
    place = array_ops.range(1, width + 1, dtype=splits)
    kept = math_ops.cast(math_ops.logical_not(same), splits) * place
    filled = array_ops.pad(kept, [[0, 0], [1, 0]])  # no elements: length 0
    return reduce_ops.reduce_max(filled, axis=1)  # type: ignore[no-any-return]
