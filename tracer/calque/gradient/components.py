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

__all__ = ["differentiable_parts", "replaced_parts", "with_parts"]


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

    filled = [
        zeros_like(p) if g is None else dense(g)
        for p, g in zip(differentiable_parts(leaf), gradients, strict=True)
    ]
    return replaced_parts(leaf, filled)


def replaced_parts(leaf: Any, parts: Sequence[Any]) -> Any:
    """A leaf with others in place of its `differentiable_parts`."""
    if not isinstance(leaf, CompositeTensor) or isinstance(leaf, IndexedSlices):
        return parts[0]
    remaining = iter(parts)
    flat = [
        next(remaining) if is_trainable(p.dtype) else p for p in nest.flatten(leaf, expand_composites=True)
    ]
    return nest.pack_sequence_as(leaf, flat, expand_composites=True)
