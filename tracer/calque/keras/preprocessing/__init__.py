"""`keras.preprocessing`: images, sequences of numbers and of words."""

from __future__ import annotations

from . import image, sequence, text

__all__ = ["image", "sequence", "text"]
