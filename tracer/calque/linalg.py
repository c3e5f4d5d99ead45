"""`tf.linalg`."""

from __future__ import annotations

from .api.linalg_ops import *  # noqa: F403
from .api.linalg_ops import __all__ as _names

__all__ = list(_names)
