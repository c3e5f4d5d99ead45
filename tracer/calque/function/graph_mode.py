"""What code can ask of, and tell, the graph being traced."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from calque_runtime.constants import constant_value

from ..context import state
from ..tensor import EagerTensor, SymbolicTensor

__all__ = ["control_dependencies", "get_static_value", "inside_function"]


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """What is added to a graph inside runs after `control_inputs`. Eagerly everything runs in order anyway."""
    if state.trace is None or not control_inputs:
        return contextlib.nullcontext()
    return state.trace.control_dependencies([c for c in control_inputs if c is not None])


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The numpy value of a tensor, where it is known while tracing; else None."""
    if isinstance(tensor, EagerTensor):
        return tensor.numpy()
    return constant_value(tensor._value) if isinstance(tensor, SymbolicTensor) else tensor


def inside_function() -> bool:
    """Is a function being traced?"""
    return state.trace is not None
