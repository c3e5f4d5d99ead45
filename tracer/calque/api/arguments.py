"""How the public functions take their arguments: tensors, variables, arrays and Python values alike."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor, convert_to_tensor

__all__ = ["pair", "shape_tensor", "tensor"]


def tensor(value: Any, dtype: Any = None, hint: Any = None) -> Tensor:
    """`value` as a tensor (see `convert_to_tensor`)."""
    return (
        value
        if isinstance(value, Tensor) and dtype is None
        else convert_to_tensor(value, dtype, dtype_hint=hint)
    )


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "__tf_tensor__")


def pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors: a Python value or array takes the type of the tensor beside it.

    Raises:
        TypeError: it cannot have that type.
    """
    if _is_tensor(x):
        a = tensor(x)
        return a, tensor(y) if _is_tensor(y) else convert_to_tensor(y, dtype=a.dtype)
    if _is_tensor(y):
        b = tensor(y)
        return convert_to_tensor(x, dtype=b.dtype), b
    a = convert_to_tensor(x)
    return a, convert_to_tensor(y, dtype_hint=a.dtype)


def shape_tensor(shape: Any, dtype: Any = None) -> Tensor:
    """A shape argument (a tensor, list of sizes and scalar tensors, or TensorShape) as a vector of int32 (or int64)."""
    if isinstance(shape, Tensor):
        return shape
    return convert_to_tensor(shape, dtype=dtype, dtype_hint=dtype or "int32")
