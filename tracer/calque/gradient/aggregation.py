"""Adding up the gradients that reach one tensor on several ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calque_runtime import dtypes, ops

from ..indexed_slices import IndexedSlices
from ..tensor import Tensor, convert_to_tensor

__all__ = ["dense", "ones_like", "total", "zeros_like"]


def dense(gradient: Any) -> Any:
    """A gradient as one tensor; None as it is."""
    return gradient if gradient is None or isinstance(gradient, Tensor) else convert_to_tensor(gradient)


def total(parts: Sequence[Any]) -> Any:
    """The sum of gradients: rows that all are rows are put behind each other, anything else becomes one tensor."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, IndexedSlices) for part in parts):
        return _together(parts)
    return ops.require("AddN")([dense(part) for part in parts])


def _together(parts: Sequence[IndexedSlices]) -> IndexedSlices:
    indices = [convert_to_tensor(part.indices) for part in parts]
    if len({one.dtype for one in indices}) > 1:
        indices = [ops.require("Cast")(one, DstT=dtypes.int64) for one in indices]
    concat, axis = ops.require("ConcatV2"), convert_to_tensor(0)
    return IndexedSlices(
        concat([convert_to_tensor(part.values) for part in parts], axis),
        concat(indices, axis),
        parts[0].dense_shape,
    )


def _filled_like(tensor: Any, op: str, value: int) -> Any:
    if hasattr(tensor, "_state"):  # a variable, which need not be read for that
        from ..api.array_ops import fill

        if tensor.shape.is_fully_defined():
            return fill(tensor.shape, convert_to_tensor(value, tensor.dtype))
        tensor = tensor.read_value()
    return ops.require(op)(dense(tensor))


def zeros_like(tensor: Any) -> Any:
    """Zeros in the shape of a tensor or variable."""
    return _filled_like(tensor, "ZerosLike", 0)


def ones_like(tensor: Any) -> Any:
    """Ones in the shape of a tensor or variable."""
    return _filled_like(tensor, "OnesLike", 1)
