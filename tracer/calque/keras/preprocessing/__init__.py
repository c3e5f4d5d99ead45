"""`keras.preprocessing`: sequences of numbers and of words."""

from __future__ import annotations

from . import sequence, text

__all__ = ["sequence", "text"]
