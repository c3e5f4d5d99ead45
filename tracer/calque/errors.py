"""`tf.errors`: the runtime's exceptions, and those that only tracing can raise."""

from __future__ import annotations

from calque_runtime.errors import *  # noqa: F403
from calque_runtime.errors import __all__ as _runtime_names

__all__ = sorted([*_runtime_names, "InaccessibleTensorError", "OperatorNotAllowedInGraphError"])


class OperatorNotAllowedInGraphError(TypeError):
    """A symbolic tensor was used where Python needs a value: as a bool, an int, an iterator."""


class InaccessibleTensorError(TypeError):
    """A symbolic tensor was used outside of the graph it belongs to."""
