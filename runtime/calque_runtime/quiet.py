"""Floating-point results without numpy's warnings: infinities and NaN are values, as in TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["loud", "quiet"]

try:
    # What np.errstate does, for a fifth of its price; the names are numpy 2's own, so they may go.
    from numpy._core.umath import _extobj_contextvar, _make_extobj

    _IGNORE = _make_extobj(all="ignore")

    def quiet() -> Any:
        """Ignore floating-point conditions from now on; what it returns goes to `loud`."""
        return _extobj_contextvar.set(_IGNORE)

    def loud(token: Any) -> None:
        """Treat floating-point conditions as before the call of `quiet` that gave `token`."""
        _extobj_contextvar.reset(token)

except ImportError:

    def quiet() -> Any:
        """Ignore floating-point conditions from now on; what it returns goes to `loud`."""
        return np.seterr(all="ignore")

    def loud(token: Any) -> None:
        """Treat floating-point conditions as before the call of `quiet` that gave `token`."""
        np.seterr(**token)
