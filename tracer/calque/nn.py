"""`tf.nn`."""

from __future__ import annotations

from .api import conv_ops as _convolutions
from .api import morphology_ops as _windows
from .api import nn_ops as _layers
from .api import norm_ops as _normalization
from .api import sparse_lookup_ops as _lookups
from .api.array_ops import depth_to_space as depth_to_space
from .api.array_ops import space_to_batch as space_to_batch
from .api.array_ops import space_to_depth as space_to_depth
from .api.conv_ops import *  # noqa: F403
from .api.morphology_ops import *  # noqa: F403
from .api.nn_ops import *  # noqa: F403
from .api.norm_ops import *  # noqa: F403
from .api.reduce_ops import in_top_k as in_top_k
from .api.sparse_lookup_ops import *  # noqa: F403

del edit_distance  # noqa: F821  (a function of tf itself)

__all__ = sorted(
    {
        *_convolutions.__all__,
        *_layers.__all__,
        *_lookups.__all__,
        *_normalization.__all__,
        *_windows.__all__,
        "depth_to_space",
        "in_top_k",
        "space_to_batch",
        "space_to_depth",
    }
    - {"edit_distance"}
)
