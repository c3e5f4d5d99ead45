"""`tf.quantization`."""

from __future__ import annotations

from .api.quantization_ops import *  # noqa: F403
from .api.quantization_ops import __all__ as _names

__all__ = list(_names)
