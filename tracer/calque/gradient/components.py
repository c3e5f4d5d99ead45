"""The parts of composite tensors that gradients are taken of, and gradients put together from those of the parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nest
from ..composite.composite import CompositeTensor
from ..indexed_slices import IndexedSlices
from ..tensor import Tensor, convert_to_tensor
from ..variable import Variable
from .recording import is_trainable

__all__ = ["differentiable_parts", "with_parts"]


def differentiable_parts(leaf: Any) -> list[Any]:
    """The tensors and variables in a leaf of targets or sources; None stays None, other values become tensors."""
    if leaf is None or isinstance(leaf, (Tensor, Variable)):
        return [leaf]
    if isinstance(leaf, IndexedSlices):
        return [convert_to_tensor(leaf)]
    if isinstance(leaf, CompositeTensor):
        return [p for p in nest.flatten(leaf, expand_composites=True) if is_trainable(p.dtype)]
    return [convert_to_tensor(leaf)]


def with_parts(leaf: Any, gradients: Sequence[Any]) -> Any:
    """The gradient of a leaf, from those of its parts; None where none of them has one."""
    if not isinstance(leaf, CompositeTensor) or isinstance(leaf, IndexedSlices):
        return gradients[0]
    if all(g is None for g in gradients):
        return None
    from .aggregation import dense, zeros_like

    remaining = iter(gradients)

    def changed(part: Any) -> Any:
        if not is_trainable(part.dtype):
            return part
        gradient = next(remaining)
        return zeros_like(part) if gradient is None else dense(gradient)

    parts = [changed(p) for p in nest.flatten(leaf, expand_composites=True)]
    return nest.pack_sequence_as(leaf, parts, expand_composites=True)
