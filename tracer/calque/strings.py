"""`tf.strings`."""

from __future__ import annotations

from .api import string_ops as _whole
from .api import text_ops as _pieces
from .api.string_ops import *  # noqa: F403
from .api.text_ops import *  # noqa: F403

__all__ = sorted({*_whole.__all__, *_pieces.__all__})
