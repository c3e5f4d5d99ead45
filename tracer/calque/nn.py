"""`tf.nn`."""

from __future__ import annotations

from .api.nn_ops import *  # noqa: F403
from .api.nn_ops import __all__ as _names

__all__ = list(_names)
