"""How the public functions take their arguments: tensors, variables, arrays and Python values alike."""

from __future__ import annotations

from collections import namedtuple
from functools import cache
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType, int32
from calque_runtime.shapes import Shape

from ..context import state
from ..convert import number
from ..tensor import EagerTensor, Tensor, convert_to_tensor

__all__ = ["like", "pair", "record", "shape_tensor", "static_rank", "static_shape", "tensor"]


_INTEGERS = frozenset({int})


def tensor(value: Any, dtype: Any = None, hint: Any = None) -> Tensor:
    """`value` as a tensor (see `convert_to_tensor`)."""
    return (
        value
        if isinstance(value, Tensor) and dtype is None
        else convert_to_tensor(value, dtype, dtype_hint=hint)
    )


def like(value: Any, dtype: DType) -> Tensor:
    """`value` as a tensor to stand beside one of `dtype`: Python values and arrays take that type.

    Raises:
        TypeError: it cannot have that type.
        ValueError: no tensor can hold it.
    """
    kind = type(value)
    if kind is float or kind is int:
        quick = number(value, kind, dtype)
        if quick is not None:
            trace = state.trace
            return EagerTensor(*quick) if trace is None else trace.constant(*quick)
    if hasattr(value, "__tf_tensor__"):
        return convert_to_tensor(value)
    return convert_to_tensor(value, dtype)


def pair(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors: a Python value or array takes the type of the tensor beside it (see `like`)."""
    if isinstance(x, Tensor):
        return x, y if isinstance(y, Tensor) else like(y, x._dtype)
    if isinstance(y, Tensor):
        return like(x, y._dtype), y
    if hasattr(x, "__tf_tensor__") or not hasattr(y, "__tf_tensor__"):
        a = convert_to_tensor(x)
        return a, like(y, a._dtype)
    b = convert_to_tensor(y)
    return like(x, b._dtype), b


def shape_tensor(shape: Any, dtype: Any = None) -> Tensor:
    """A shape argument (a tensor, list of sizes and scalar tensors, or TensorShape) as a vector of int32 (or int64)."""
    if isinstance(shape, Tensor):
        return shape
    if (
        dtype is None
        and type(shape) in (list, tuple)
        and _INTEGERS.issuperset(map(type, shape))
        and min(shape, default=0) >= -1
        and max(shape, default=0) < 2**31
    ):
        array = np.array(shape, np.int32)
        return EagerTensor(array, int32) if state.trace is None else state.trace.constant(array, int32)
    return convert_to_tensor(shape, dtype=dtype, dtype_hint=dtype or int32)


def static_shape(x: Tensor) -> Shape:
    """The static shape of a tensor as a tuple, None where the rank is not known."""
    if type(x) is EagerTensor:
        return np.shape(x._array)
    return x._value.shape


def static_rank(x: Tensor) -> int | None:
    """The rank of a tensor where it is known."""
    shape = static_shape(x)
    return None if shape is None else len(shape)


def record(name: str, **values: Any) -> Any:
    """An op's results under their names: a named tuple of the class `name`."""
    return _record(name, tuple(values))(**values)


@cache
def _record(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)
