"""`tf.math`."""

from __future__ import annotations

from .api import math_ops as _elementwise
from .api import reduce_ops as _reductions
from .api.math_ops import *  # noqa: F403
from .api.reduce_ops import *  # noqa: F403

__all__ = sorted(
    {*_elementwise.__all__, *_reductions.__all__, "invert_permutation", "log_softmax", "softmax", "softsign"}
)
