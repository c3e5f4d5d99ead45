"""The mask that goes with a tensor: an attribute of it, so that layers in between need not know."""

from __future__ import annotations

from typing import Any

__all__ = ["mask_of", "set_mask"]


def mask_of(tensor: Any) -> Any:
    """The mask of a tensor, or None."""
    return getattr(tensor, "_keras_mask", None)


def set_mask(tensor: Any, mask: Any) -> None:
    """Let a tensor carry a mask, unless that is None or the object takes no attributes."""
    if mask is None:
        return
    try:
        tensor._keras_mask = mask
    except AttributeError:
        return
