"""What kinds of values the operators tell apart."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from calque_runtime.dtypes import variant

from ...context import state
from ...function.trace import Trace
from ...tensor import SymbolicTensor, Tensor, convert_to_tensor
from ...variable import Variable

__all__ = ["as_static", "is_dense", "is_range", "is_tensor_list", "scratch"]


def is_dense(value: Any) -> bool:
    """Is `value` a tensor or a variable (not a composite of tensors)?"""
    return isinstance(value, (Tensor, Variable))


def is_tensor_list(value: Any) -> bool:
    """Is `value` a list of tensors kept in the graph?"""
    return isinstance(value, Tensor) and value.dtype is variant


def is_range(value: Any) -> bool:
    """Is `value` what `tf.range` makes in a graph?"""
    return isinstance(value, SymbolicTensor) and value._value.node.op.name == "Range"


def as_static(value: Any) -> Any:
    """A Python constant or array as a tensor, to compare types; what else there is as it is."""
    if isinstance(value, (bool, int, float, complex, str, bytes, np.ndarray, np.generic)):
        return convert_to_tensor(value)
    return value


@contextlib.contextmanager
def scratch() -> Iterator[Trace]:
    """Op calls inside make nodes of a graph that is thrown away."""
    outer = state.trace
    trace = Trace("scratch", outer is not None and outer.may_create_variables)
    with trace.as_current():
        yield trace
