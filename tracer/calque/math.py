"""`tf.math`."""

from __future__ import annotations

from .api import math_ops as _elementwise
from .api import reduce_ops as _reductions
from .api import special_ops as _special
from .api.array_ops import invert_permutation as invert_permutation
from .api.math_ops import *  # noqa: F403
from .api.nn_ops import log_softmax as log_softmax
from .api.nn_ops import softmax as softmax
from .api.nn_ops import softsign as softsign
from .api.order_ops import is_non_decreasing as is_non_decreasing
from .api.order_ops import is_strictly_increasing as is_strictly_increasing
from .api.reduce_ops import *  # noqa: F403
from .api.special_ops import *  # noqa: F403

# In `tf` itself, but not in `tf.math`.
_OUTSIDE = {
    "cast",
    "complex",
    "matmul",
    "realdiv",
    "saturate_cast",
    "tensordot",
    "truncatediv",
    "truncatemod",
}

__all__ = sorted(
    {
        *_elementwise.__all__,
        *_reductions.__all__,
        *_special.__all__,
        "invert_permutation",
        "is_non_decreasing",
        "is_strictly_increasing",
        "log_softmax",
        "softmax",
        "softsign",
    }
    - _OUTSIDE
)
for _name in _OUTSIDE:
    del globals()[_name]
