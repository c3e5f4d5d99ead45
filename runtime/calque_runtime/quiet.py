"""Floating-point results without numpy's warnings: infinities and NaN are values, as in TensorFlow.

`quiet()` ignores floating-point conditions from now on, and returns what `loud` takes to go back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

__all__ = ["loud", "quiet"]

try:
    # What np.errstate does, for a fifth of its price; the names are numpy 2's own, so they may go.
    from numpy._core.umath import _extobj_contextvar, _make_extobj

    quiet: Callable[[], Any] = partial(_extobj_contextvar.set, _make_extobj(all="ignore"))
    loud: Callable[[Any], None] = _extobj_contextvar.reset
except ImportError:
    quiet = partial(np.seterr, all="ignore")

    def loud(token: Any) -> None:
        """Treat floating-point conditions as before the call of `quiet` that gave `token`."""
        np.seterr(**token)
