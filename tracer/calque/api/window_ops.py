"""`tf.signal`: windows to multiply frames with."""

from __future__ import annotations

import builtins
import math
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from ..tensor import constant
from .arguments import tensor
from .array_ops import concat, range, reverse
from .math_ops import cast, cos, equal, maximum, sin, sqrt
from .reduce_ops import cumsum

__all__ = [
    "hamming_window",
    "hann_window",
    "kaiser_bessel_derived_window",
    "kaiser_window",
    "vorbis_window",
]


def _float(dtype: Any, name: str) -> DType:
    kind = as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {kind!r}")
    return kind


def _raised_cosine(window_length: Any, periodic: bool, dtype: Any, a: float, b: float) -> Any:
    """``a - b * cos``, over a period, of which the last point is left out where the window is periodic."""
    from .indexing_ops import where

    kind = _float(dtype, "window")
    length = cast(tensor(window_length), dtypes.int32)
    even = 1 - length % 2
    steps = cast(length + (even if periodic else 0) - 1, kind)
    steps = where(equal(length, 1), constant(1.0, kind), steps)
    angle = cast(2 * math.pi * cast(range(length), kind) / steps, kind)
    single = cast(equal(length, 1), kind)
    return (a - b * cos(angle)) * (1 - single) + single


def hann_window(
    window_length: Any, periodic: bool = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Hann's window, a raised cosine: [window_length]."""
    return _raised_cosine(window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(
    window_length: Any, periodic: bool = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Hamming's window, a cosine on a pedestal: [window_length]."""
    return _raised_cosine(window_length, periodic, dtype, 0.54, 0.46)


def _bessel_i0(x: Any) -> Any:
    """The modified Bessel function of order 0, by its power series."""
    quarter = x * x / 4
    term = total = 1 + 0 * x
    for k in builtins.range(1, 60):
        term = term * quarter / (k * k)
        total = total + term
    return total


def kaiser_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Kaiser's window: [window_length]; a larger `beta` makes it narrower."""
    kind = _float(dtype, "kaiser_window")
    length = cast(tensor(window_length), dtypes.int32)
    last = cast(maximum(length - 1, 1), dtypes.float64)
    at = 2 * cast(range(length), dtypes.float64) / last - 1
    wide = cast(tensor(beta, hint=dtypes.float64), dtypes.float64)
    inside = maximum(1 - at * at, constant(0.0, dtypes.float64))
    single = cast(equal(length, 1), dtypes.float64)
    window = _bessel_i0(wide * sqrt(inside)) / _bessel_i0(wide)
    return cast(window * (1 - single) + single, kind)


def kaiser_bessel_derived_window(
    window_length: Any, beta: Any = 12.0, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """The window that Kaiser's derives for `mdct`: [window_length], which must be even."""
    half = cast(tensor(window_length), dtypes.int32) // 2
    sums = cumsum(kaiser_window(half + 1, beta, dtype))
    rising = sqrt(sums[:-1] / sums[-1])
    return concat([rising, reverse(rising, [0])], 0)


def vorbis_window(window_length: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """The window of the Vorbis codec: [window_length]."""
    kind = _float(dtype, "vorbis_window")
    length = cast(tensor(window_length), kind)
    at = sin((cast(range(cast(length, dtypes.int32)), kind) + 0.5) * math.pi / length)
    return sin(math.pi / 2 * at * at)
