"""Python's indexing notation as the arguments of StridedSlice."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["slice_spec"]


def slice_spec(key: tuple[Any, ...]) -> tuple[list[Any], list[Any], list[Any], dict[str, int]]:
    """``x[key]`` as (begin, end, strides, masks); entries may be tensors, masks hold only those that are not 0.

    Raises:
        TypeError: an entry is no integer, slice, ``...``, newaxis or scalar integer tensor.
    """
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    masks = dict.fromkeys(("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0)
    for i, entry in enumerate(key):
        bit = 1 << i
        if isinstance(entry, slice):
            if entry.start is None:
                masks["begin_mask"] |= bit
            if entry.stop is None:
                masks["end_mask"] |= bit
            parts = (0 if entry.start is None else entry.start, 0 if entry.stop is None else entry.stop)
            step = 1 if entry.step is None else entry.step
            for part in (*parts, step):
                _check(part)
            begin.append(parts[0])
            end.append(parts[1])
            strides.append(step)
            continue
        if entry is Ellipsis:
            masks["ellipsis_mask"] |= bit
            begin.append(0)
            end.append(0)
        elif entry is None:
            masks["new_axis_mask"] |= bit
            begin.append(0)
            end.append(1)
        else:
            _check(entry)
            masks["shrink_axis_mask"] |= bit
            begin.append(entry)
            end.append(entry + 1)
        strides.append(1)
    return begin, end, strides, {k: v for k, v in masks.items() if v}


def _check(entry: Any) -> None:
    if type(entry) is int:
        return
    dtype = getattr(entry, "dtype", None)
    name = getattr(dtype, "name", "")
    integer = isinstance(entry, (int, np.integer)) and not isinstance(entry, bool)
    scalar_tensor = name.startswith(("int", "uint")) and (
        not hasattr(entry, "ndim") or entry.ndim in (0, None)
    )
    if not integer and not scalar_tensor:
        raise TypeError(
            "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors "
            f"are valid indices, got {entry!r}"
        )
