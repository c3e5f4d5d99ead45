"""`tf.sets`: rows of tensors (or of sparse ones) as sets."""

from __future__ import annotations

from .api.set_ops import difference, intersection, size, union

__all__ = ["difference", "intersection", "size", "union"]
