"""Makes public functions take composite tensors, when all of calque has been imported."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from calque_runtime import dtypes

from ..api import array_ops, math_ops, reduce_ops
from .dispatch import NOT_SUPPORTED, add_target, bound_arguments
from .dispatch import install as _install
from .ragged import dispatch as ragged
from .ragged.ragged_tensor import RaggedTensor
from .sparse_count import counts_of_rows
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


def _instead(function: Any, own: Any, kinds: Any) -> Any:
    def target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = bound_arguments(function, args, kwargs, 1)
        return own(*args, **kwargs) if found is not None and isinstance(found[0], kinds) else NOT_SUPPORTED

    return target


def _shape(input: SparseTensor, out_type: Any = None, name: str | None = None) -> Any:
    return math_ops.cast(input.dense_shape, out_type or dtypes.int32, name=name)


def install(*modules: ModuleType) -> None:
    """Let the functions in `modules` take ragged and sparse tensors, where they do in TensorFlow."""
    for function in _SPARSE:
        add_target(function, _on_sparse(function))
    add_target(
        reduce_ops.bincount, _instead(reduce_ops.bincount, counts_of_rows, (RaggedTensor, SparseTensor))
    )
    add_target(array_ops.shape, _instead(array_ops.shape, _shape, SparseTensor))
    ragged.register()
    ragged.install_operators()
    _install(modules, dict.fromkeys(ragged.UNARY), dict.fromkeys(ragged.BINARY))
