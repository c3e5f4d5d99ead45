"""`tf.types`: names for type annotations and checks."""

from __future__ import annotations

from . import experimental

__all__ = ["experimental"]
