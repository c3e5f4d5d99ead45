"""Jacobians: a gradient for each element of the target, put side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import nest
from ..api.array_ops import concat, reshape, shape, stack, transpose, zeros
from ..api.indexing_ops import gather
from ..tensor import Tensor, convert_to_tensor
from .aggregation import dense

if TYPE_CHECKING:
    from .tape import GradientTape

__all__ = ["batch_jacobian", "jacobian"]


def jacobian(tape: GradientTape, target: Any, sources: Any, unconnected: Any) -> Any:
    """See `GradientTape.jacobian`; the tape may be asked again and again."""
    flat_sources = nest.flatten(sources)
    with tape._ensure_recording():
        whole = convert_to_tensor(target)
        flat = reshape(whole, [-1])
    rows = [_gradients_of(tape, flat, 0, i, flat_sources, unconnected) for i in range(_count(flat, 0))]
    found: list[Any] = []
    for k, source in enumerate(flat_sources):
        parts = [row[k] for row in rows]
        if all(part is None for part in parts) and rows:
            found.append(None)
            continue
        sizes = concat([shape(whole), shape(source)], 0)
        found.append(reshape(stack(parts), sizes) if rows else zeros(sizes, source.dtype))
    return nest.pack_sequence_as(sources, found)


def _gradients_of(
    tape: GradientTape, flat: Tensor, axis: int, i: int, sources: list[Any], unconnected: Any
) -> list[Any]:
    with tape._ensure_recording():
        one = gather(flat, i, axis=axis)
    return [dense(g) for g in tape.gradient(one, sources, unconnected_gradients=unconnected)]


def _count(tensor: Tensor, axis: int) -> int:
    count = tensor.shape[axis]
    if count is None:
        raise ValueError(
            "A jacobian needs a target whose number of elements is known while the function is traced, but its shape "
            f"is {tensor.shape}. Give the function an input signature with known sizes."
        )
    return int(count)


def batch_jacobian(tape: GradientTape, target: Any, source: Any, unconnected: Any) -> Any:
    """See `GradientTape.batch_jacobian`; the tape may be asked again and again."""
    outer = target.shape.with_rank_at_least(2)
    if not outer[:1].is_compatible_with(source.shape.with_rank_at_least(2)[:1]):
        raise ValueError(
            f"Need first dimension of target shape ({outer}) and source shape ({source.shape}) to match."
        )
    with tape._ensure_recording():
        whole = convert_to_tensor(target)
        n = whole.shape[0] if whole.shape[0] is not None else shape(whole)[0]
        per_row = outer[1:].num_elements()
        flat = reshape(whole, [n, -1] if per_row is None else [n, per_row])
    columns = [_gradients_of(tape, flat, 1, i, [source], unconnected)[0] for i in range(_count(flat, 1))]
    sizes = concat([shape(whole), shape(source)[1:]], 0)
    if not columns or any(column is None for column in columns):
        return zeros(sizes, whole.dtype)
    stacked = reshape(stack(columns), [len(columns), n, -1])
    return reshape(transpose(stacked, [1, 0, 2]), sizes)
