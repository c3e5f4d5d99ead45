"""Bringing values and norms into a range. Of an `IndexedSlices`, the rows are taken and given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..indexed_slices import IndexedSlices
from .arguments import tensor
from .array_ops import identity, ones_like
from .indexing_ops import where
from .raw import raw

__all__ = [
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
]


def _on_rows(t: Any, change: Callable[[Any], Any]) -> Any:
    """`change` of a tensor, or of an IndexedSlices' rows."""
    if isinstance(t, IndexedSlices):
        return IndexedSlices(change(tensor(t.values)), t.indices, t.dense_shape)
    return change(tensor(t))


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """`t` with every element brought into the range."""

    def clipped(x: Any) -> Any:
        lowered = raw("Minimum")(x, tensor(clip_value_max, x.dtype))
        return raw("Maximum")(lowered, tensor(clip_value_min, x.dtype), name=name)

    return _on_rows(t, clipped)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """`t`, scaled down where its 2-norm (over `axes`) is above `clip_norm`."""
    from .math_ops import maximum, multiply, sqrt
    from .reduce_ops import reduce_sum

    def clipped(x: Any) -> Any:
        limit = tensor(clip_norm, x.dtype)
        total = reduce_sum(x * x, axes, keepdims=True)
        positive = total > 0
        norm = where(positive, sqrt(where(positive, total, ones_like(total))), total)
        return identity(multiply(x, limit) / maximum(norm, limit), name=name)

    return _on_rows(t, clipped)


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The 2-norm of all tensors taken together; None entries are left out."""
    from .math_ops import add_n, sqrt
    from .reduce_ops import reduce_sum

    rows = [t.values if isinstance(t, IndexedSlices) else t for t in t_list if t is not None]
    tensors = [tensor(t) for t in rows]
    return sqrt(add_n([reduce_sum(t * t) for t in tensors]), name=name)


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """The tensors, scaled down together where their `global_norm` is above `clip_norm`; and that norm."""
    from .math_ops import minimum

    norm = global_norm(t_list) if use_norm is None else use_norm
    limit = tensor(clip_norm, norm.dtype)
    scale = limit * minimum(1.0 / norm, tensor(1.0, norm.dtype) / limit)
    return [None if t is None else _on_rows(t, lambda x: x * scale) for t in t_list], norm
