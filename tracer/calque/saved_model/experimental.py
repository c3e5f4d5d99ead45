"""`tf.saved_model.experimental`."""

from __future__ import annotations

from .options import VariablePolicy

__all__ = ["VariablePolicy"]
