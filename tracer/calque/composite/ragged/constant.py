"""`ragged.constant`: a ragged tensor from nested Python lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ... import tensor as tensors
from .making import from_row_lengths
from .ragged_tensor import RaggedTensor

__all__ = ["constant"]


def constant(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """A ragged tensor of nested lists, whose scalars are all equally deep.

    Args:
        pylist: nested lists, tuples or arrays of numbers, strings or bools.
        dtype: the type of the elements; default: as `tf.constant` finds it, int32 for none at all.
        ragged_rank: how many dimensions are ragged; default: all but the outermost and those of `inner_shape`. The
            rest must be of one length.
        inner_shape: the shape of the innermost values; default: by `ragged_rank`.
        name: accepted.
        row_splits_dtype: the type of the row splits.

    Returns:
        A ragged tensor; a tensor where the result has no ragged dimension.

    Raises:
        ValueError: the scalars are not equally deep, or `ragged_rank` or `inner_shape` do not fit.
    """
    splits = as_dtype(row_splits_dtype)
    if np.ndim(pylist) == 0 if not isinstance(pylist, (list, tuple)) else False:
        if ragged_rank:
            raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}")
        if inner_shape is not None and tuple(inner_shape):
            raise ValueError(
                f"Invalid pylist={pylist!r}: incompatible with dim(inner_shape)={len(inner_shape)}"
            )
        return tensors.constant(pylist, dtype)
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(f"Invalid ragged_rank={ragged_rank}: must be nonnegative")
    scalars, depth = _scalar_depth(pylist), _depth(pylist)
    if scalars is not None and depth > scalars:
        raise ValueError(
            f"Invalid pylist={pylist!r}: empty list nesting is greater than scalar value nesting"
        )
    given = inner_shape is not None
    if given:
        shape: Any = tuple(inner_shape)
        least = 1 if scalars is None else scalars - len(shape)
        expected = least - 1 if scalars is not None else depth - 1 - len(shape)
        if ragged_rank is not None and (
            (scalars is not None and ragged_rank != expected) or ragged_rank + len(shape) + 1 < depth
        ):
            raise ValueError(
                f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank} and dim(inner_shape)="
                f"{len(shape)}"
            )
        ragged_rank = max(expected, 0) if ragged_rank is None else ragged_rank
    else:
        if ragged_rank is None:
            ragged_rank = max(1, depth) - 1 if scalars is None else scalars - 1
        elif scalars is not None and ragged_rank >= scalars:
            raise ValueError(
                f"Invalid pylist={pylist!r}: pylist has scalar values depth {scalars}, but ragged_rank="
                f"{ragged_rank} requires scalar value depth greater than {ragged_rank}"
            )
        shape = _inner_shape(pylist, ragged_rank)
    return _built(pylist, dtype, ragged_rank, shape, splits)


def _built(pylist: Any, dtype: Any, ragged_rank: int, inner_shape: tuple[int, ...], splits: Any) -> Any:
    """Rows of rows, one list of lengths for each ragged dimension."""
    level, lengths = pylist, []
    for _ in range(ragged_rank):
        lengths.append([len(row) for row in level])
        level = [item for row in level for item in row]
    array = np.asarray(level, dtype=object) if not len(level) else level
    shape = (len(level), *inner_shape)
    kind = dtypes.float32 if dtype is None and not len(level) else dtype
    value: Any = tensors.constant(array if len(level) else [], kind, shape=shape if 0 in shape else None)
    if value.shape.as_list() != list(shape):
        raise ValueError(f"inner values of shape {value.shape} do not have the shape {shape}")
    for each in reversed(lengths):
        rows = tensors.constant(np.asarray(each, splits.np), splits)
        value = from_row_lengths(RaggedTensor, value, rows, validate=False)
    return value


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def _scalar_depth(value: Any) -> int | None:
    """How deep its scalars are; None where there are none.

    Raises:
        ValueError: they are not equally deep.
    """
    if not _is_list(value):
        return 0
    depths = {d for d in map(_scalar_depth, value) if d is not None}
    if len(depths) > 1:
        raise ValueError(f"all scalar values must have the same nesting depth: {value!r}")
    return depths.pop() + 1 if depths else None


def _depth(value: Any) -> int:
    return 1 + max(map(_depth, value), default=0) if _is_list(value) else 0


def _inner_shape(pylist: Any, ragged_rank: int) -> tuple[int, ...]:
    """The shape of what is left when `ragged_rank` dimensions and the outermost one are taken off."""
    level: Sequence[Any] = pylist
    for _ in range(ragged_rank):
        level = [item for row in level if _is_list(row) for item in row]
    shape: list[int] = []
    while any(map(_is_list, level)):
        sizes = {len(row) for row in level}
        if len(sizes) != 1:
            raise ValueError(f"inner values have inconsistent shape: lengths {sorted(sizes)}")
        shape.append(sizes.pop())
        level = [item for row in level for item in row]
    return tuple(shape)
