"""`tensorflow.python.eager`."""

from __future__ import annotations

from . import context

__all__ = ["context"]
