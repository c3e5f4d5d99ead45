"""`tf.signal`."""

from __future__ import annotations

from .api import fft_ops as _transforms
from .api import signal_ops as _frames
from .api import window_ops as _windows
from .api.fft_ops import *  # noqa: F403
from .api.signal_ops import *  # noqa: F403
from .api.window_ops import *  # noqa: F403

__all__ = sorted({*_transforms.__all__, *_frames.__all__, *_windows.__all__})
