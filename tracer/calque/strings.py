"""`tf.strings`."""

from __future__ import annotations

from .api.string_ops import *  # noqa: F403
from .api.string_ops import __all__ as _names

__all__ = list(_names)
