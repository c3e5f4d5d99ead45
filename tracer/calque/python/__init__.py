"""Modules that are internal in TensorFlow, as far as well-known packages import them nevertheless."""

from __future__ import annotations

from . import eager

__all__ = ["eager"]
