"""What code can ask of, and tell, the graph being traced."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from calque_runtime.constants import constant_value

from ..context import current_scope, state
from ..tensor import EagerTensor, SymbolicTensor

__all__ = [
    "control_dependencies",
    "device",
    "get_current_name_scope",
    "get_static_value",
    "inside_function",
    "is_symbolic_tensor",
]


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


def is_symbolic_tensor(tensor: Any) -> bool:
    """Is it a tensor of a graph, without a value yet?"""
    return isinstance(tensor, SymbolicTensor)


def get_current_name_scope() -> str:
    """The name scope in force, "outer/inner"."""
    return current_scope().rstrip("/")


def device(device_name: Any) -> AbstractContextManager[None]:
    """Accepted, and of no effect: there is one processor."""
    return contextlib.nullcontext()


def inside_function() -> bool:
    """Is a function being traced?"""
    return state.trace is not None
