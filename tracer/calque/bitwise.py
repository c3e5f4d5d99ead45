"""`tf.bitwise`."""

from __future__ import annotations

from .api.bitwise_ops import *  # noqa: F403
from .api.bitwise_ops import __all__ as _names

__all__ = list(_names)
