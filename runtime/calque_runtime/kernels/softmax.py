"""exp(x) / sum(exp(x)) along rows, without a look at each row's largest element where that can be spared.

Subtracting its maximum from each row keeps exp from overflowing. To find all maxima and subtract them takes as long as
exp itself; to find the largest element of all a tenth of that. Unless it is far from 0, elements are raised as they
are; a row that is nearly nothing beside it is found by its sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["exponentials", "shifted_exponentials", "softmax"]

_NEAR = 30.0  # elements below it are raised as they are: no sum of exp(30) is beyond what float32 holds
_LEAST = 1e-12  # of a row's sum: its elements are at most 28 below, where exp keeps all digits but one


def exponentials(x: Any, out: Any, ones: Any) -> Any:
    """What the rows of the softmax of `x` are in proportion to, in `out`.

    Args:
        x: a matrix with at least one element.
        out: of the same shape; may be `x` itself.
        ones: as many as there are columns.

    Returns:
        The sums of the rows; None where this way loses digits and `shifted_exponentials` has to be taken.
    """
    largest = np.maximum.reduce(x, axis=None)
    if -_NEAR < largest < _NEAR:
        np.exp(x, out=out)
    else:
        np.subtract(x, largest, out=out)
        np.exp(out, out=out)
    sums = np.dot(out, ones)
    return sums if np.minimum.reduce(sums) > _LEAST else None


def shifted_exponentials(x: Any, out: Any, ones: Any) -> Any:
    """The same for any rows: each less its largest element. Returns the sums."""
    np.subtract(x, np.maximum.reduce(x, axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    return np.dot(out, ones)


def softmax(x: Any, out: Any, ones: Any) -> None:
    """The softmax of the rows of `x`, in `out`, which is not `x`; `ones` as in `exponentials`."""
    sums = exponentials(x, out, ones)
    if sums is None:
        sums = shifted_exponentials(x, out, ones)
    np.multiply(out, np.reciprocal(sums).reshape(-1, 1), out=out)
