"""Makes public functions take composite tensors, when all of calque has been imported."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..api import math_ops
from .dispatch import NOT_SUPPORTED, add_target, bound_arguments
from .dispatch import install as _install
from .ragged import dispatch as ragged
from .sparse_tensor import SparseTensor

__all__ = ["install"]

# Those that leave zero zero, and that TensorFlow lets take sparse tensors.
_SPARSE = (
    math_ops.abs,
    math_ops.negative,
    math_ops.sign,
    math_ops.square,
    math_ops.sqrt,
    math_ops.erf,
    math_ops.tanh,
    math_ops.cast,
)


def _on_sparse(function: Any) -> Any:
    def target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = bound_arguments(function, args, kwargs, 1)
        if found is None or not isinstance(found[0], SparseTensor):
            return NOT_SUPPORTED
        return found[0].with_values(function(found[0].values, *found[1], **found[2]))

    return target


def install(*modules: ModuleType) -> None:
    """Let the functions in `modules` take ragged and sparse tensors, where they do in TensorFlow."""
    for function in _SPARSE:
        add_target(function, _on_sparse(function))
    ragged.register()
    ragged.install_operators()
    _install(modules, dict.fromkeys(ragged.UNARY), dict.fromkeys(ragged.BINARY))
