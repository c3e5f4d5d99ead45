"""`tf.io`."""

from __future__ import annotations

from . import gfile as gfile
from .api import example_ops as _examples
from .api import image_codec_ops as _images
from .api import io_ops as _bytes
from .api.example_ops import *  # noqa: F403
from .api.image_codec_ops import *  # noqa: F403
from .api.io_ops import *  # noqa: F403

del adjust_jpeg_quality  # noqa: F821  (a function of tf.image alone)

__all__ = sorted({*_examples.__all__, *_images.__all__, *_bytes.__all__, "gfile"} - {"adjust_jpeg_quality"})
