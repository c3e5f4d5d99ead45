"""`tf.image`."""

from __future__ import annotations

from .api import image_box_ops as _boxes
from .api import image_codec_ops as _files
from .api import image_color_ops as _colors
from .api import image_random_ops as _random
from .api import image_size_ops as _sizes
from .api.image_box_ops import *  # noqa: F403
from .api.image_codec_ops import *  # noqa: F403
from .api.image_color_ops import *  # noqa: F403
from .api.image_random_ops import *  # noqa: F403
from .api.image_size_ops import *  # noqa: F403

_SHARED = {"at_least_3d", "batched"}  # what the modules above need of each other
for _name in _SHARED:
    del globals()[_name]

__all__ = sorted(
    {*_boxes.__all__, *_files.__all__, *_colors.__all__, *_random.__all__, *_sizes.__all__} - _SHARED
)
