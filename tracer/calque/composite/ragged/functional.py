"""Functions applied to the elements of ragged tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes

from ... import nest
from ...api import array_ops, indexing_ops, math_ops, reduce_ops
from ...errors import InvalidArgumentError
from ...tensor import EagerTensor, Tensor, convert_to_tensor
from .from_dense import from_tensor
from .ragged_tensor import RaggedTensor
from .row_partition import RowPartition, static_value

__all__ = ["aligned", "map_flat_values", "on_elements"]


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A ragged tensor of what `op` gives for the flat values of ragged tensors, with their rows.

    Args:
        op: a function; it is called with the flat values in place of each ragged tensor, and gives as many.
        *args: its arguments, nested in any way; ragged tensors among them have the same row splits.
        **kwargs: the same by name.

    Returns:
        A ragged tensor; what `op` gives, where no argument is ragged.

    Raises:
        ValueError: `op` does not give as many values.
        InvalidArgumentError: the row splits differ.
    """
    found = [v for v in nest.flatten([args, kwargs]) if isinstance(v, RaggedTensor)]
    if not found:
        return op(*args, **kwargs)
    first = found[0]
    if any(other.row_splits.dtype is not first.row_splits.dtype for other in found):
        found = [one.with_row_splits_dtype(dtypes.int64) for one in found]
        first = found[0]
    for other in found[1:]:
        _check_same_rows(first, other)

    def flat(value: Any) -> Any:
        return value.flat_values if isinstance(value, RaggedTensor) else value

    made = op(*nest.map_structure(flat, args), **nest.map_structure(flat, kwargs))
    if not isinstance(made, RaggedTensor):
        made = convert_to_tensor(made)
    count = first.flat_values.shape[0]
    if made.shape.rank == 0 or (
        count is not None and made.shape.rank is not None and made.shape[0] not in (None, count)
    ):
        raise ValueError(
            "tf.ragged.map_flat_values requires that the output of `op` have the same outer-dimension size as "
            f"flat_values of any ragged inputs. (output shape: {made.shape}; expected outer dimension size: {count})"
        )
    return first.with_flat_values(made)


def _check_same_rows(a: RaggedTensor, b: RaggedTensor) -> None:
    problem = "Inputs must have identical ragged splits"
    if a.ragged_rank != b.ragged_rank:
        raise ValueError(f"{problem}: they have {a.ragged_rank} and {b.ragged_rank} ragged dimensions.")
    for mine, theirs in zip(a.nested_row_splits, b.nested_row_splits, strict=True):
        _check_equal(mine, theirs, problem)


def _check_equal(mine: Tensor, theirs: Tensor, problem: str) -> None:
    if mine is theirs:
        return
    if isinstance(mine, EagerTensor) and isinstance(theirs, EagerTensor):
        if not np.array_equal(np.asarray(mine), np.asarray(theirs)):
            raise InvalidArgumentError(None, None, problem)
        return
    from ...api.debugging_ops import Assert

    if not mine.shape.is_compatible_with(theirs.shape):
        raise ValueError(f"{problem}: there are {mine.shape} and {theirs.shape} of them.")
    Assert(reduce_ops.reduce_all(math_ops.equal(mine, theirs)), [problem, mine, theirs])


def on_elements(op: Callable[..., Any], values: Sequence[Any]) -> Any:
    """What `op` gives for tensors and ragged tensors that broadcast, element by element."""
    if all(_is_scalar(v) or isinstance(v, RaggedTensor) for v in values):
        ragged = [v for v in values if isinstance(v, RaggedTensor)]
        if all(one is ragged[0] or _shares_rows(one, ragged[0]) for one in ragged):
            flat = [v.flat_values if isinstance(v, RaggedTensor) else v for v in values]
            return ragged[0].with_flat_values(op(*flat))
    outer, flat = aligned(values)
    result = op(*flat)
    for partition in reversed(outer):
        result = RaggedTensor._of(result, partition)
    return result


def _is_scalar(value: Any) -> bool:
    if isinstance(value, (int, float, complex, bool, str, bytes)):
        return True
    return isinstance(value, (Tensor, np.ndarray, np.generic)) and len(value.shape) == 0


def _shares_rows(a: RaggedTensor, b: RaggedTensor) -> bool:
    return a.ragged_rank == b.ragged_rank and all(
        x is y for x, y in zip(a.nested_row_splits, b.nested_row_splits, strict=True)
    )


def aligned(values: Sequence[Any]) -> tuple[list[RowPartition], list[Any]]:
    """Tensors and ragged tensors broadcast against each other as far as they are ragged.

    Returns:
        The rows they have in common, the outermost first, and their values: tensors that broadcast as tensors do.
    """
    level: list[Any] = [v if isinstance(v, RaggedTensor) else convert_to_tensor(v) for v in values]
    kinds = {v.row_splits.dtype for v in level if isinstance(v, RaggedTensor)}
    kind = dtypes.int64 if len(kinds) > 1 else next(iter(kinds), dtypes.int64)
    level = [v.with_row_splits_dtype(kind) if isinstance(v, RaggedTensor) else v for v in level]
    ranks = [v.shape.rank for v in level]
    if None in ranks:
        raise ValueError("Unable to broadcast: unknown rank")
    rank = max(r for r in ranks if r is not None)
    for i, value in enumerate(level):
        for _ in range(rank - (ranks[i] or 0)):
            value = _with_outer(value)
        level[i] = value
    level = _same_count(level)
    outer = []
    while any(isinstance(v, RaggedTensor) for v in level):
        rows = [
            v if isinstance(v, RaggedTensor) else from_tensor(RaggedTensor, v, None, None, 1, kind)
            for v in level
        ]
        # Rows of length 1 are repeated; of what is left, those that are not known to be uniform say how long rows are.
        long = [v for v in rows if _length(v) != 1]
        lead = next((v for v in long if _length(v) is None), long[0] if long else rows[0])
        outer.append(lead._row_partition)
        level = []
        for one in rows:
            if one is lead:
                level.append(one.values)
            elif _length(one) == 1 and lead in long:
                level.append(_at(one.values, lead.value_rowids()))
            else:
                _check_equal(lead.row_splits, one.row_splits, "Unable to broadcast: dimension size mismatch")
                level.append(one.values)
    return outer, level


def _length(value: RaggedTensor) -> int | None:
    return value._row_partition.static_uniform_row_length


def _with_outer(value: Any) -> Any:
    if isinstance(value, RaggedTensor):
        return RaggedTensor.from_uniform_row_length(value, value.nrows(), nrows=1, validate=False)
    return array_ops.expand_dims(value, 0)


def _same_count(values: list[Any]) -> list[Any]:
    """With the rows of those that have one repeated as often as the others have rows."""
    counts = [v.shape[0] for v in values]
    many = next((v for v, n in zip(values, counts, strict=True) if n != 1), None)
    if many is None or 1 not in counts:
        return values
    count = many.nrows() if isinstance(many, RaggedTensor) else array_ops.shape(many, dtypes.int64)[0]
    zeros = array_ops.fill([count], math_ops.cast(0, dtypes.int64))
    static = static_value(count)
    if static is not None and not isinstance(zeros, EagerTensor):
        zeros.set_shape([static])
    return [_at(v, zeros) if n == 1 else v for v, n in zip(values, counts, strict=True)]


def _at(values: Any, places: Tensor) -> Any:
    from .getitem import rows_at

    return (
        rows_at(values, places) if isinstance(values, RaggedTensor) else indexing_ops.gather(values, places)
    )
