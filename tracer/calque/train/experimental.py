"""`tf.train.experimental`."""

from __future__ import annotations

from .python_state import PythonState

__all__ = ["PythonState"]
