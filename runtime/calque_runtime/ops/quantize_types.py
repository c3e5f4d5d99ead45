"""Between floats and quantized types: numbers on a grid, with the range that the grid spans."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import DType, quint8
from ..op import Array, Kernel, Site, op, registered
from ..shapes import Shape
from .common import same_shape

__all__: list[str] = []

_QUANTIZED = "qint8 quint8 qint32 qint16 quint16"
_MODES = "mode: string='MIN_COMBINED' in ['MIN_COMBINED', 'MIN_FIRST', 'SCALED']"


def _limits(dtype: DType) -> tuple[int, int]:
    info = np.iinfo(dtype.np)
    return int(info.min), int(info.max)


def _ranges(s: Site, x: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """The range of each element's slice, in a shape that broadcasts with `x`."""
    axis = s["axis"]
    if not -1 <= axis < x.ndim:
        raise s.error(f"axis must be in [-1, {x.ndim}), but is {axis}")
    wanted = 1 if axis < 0 else x.shape[axis]
    if low.size != wanted or high.size != wanted:
        raise s.error(
            f"min_range and max_range must have {wanted} numbers, but have {low.size} and {high.size}"
        )
    shape = () if axis < 0 else (-1, *(1,) * (x.ndim - axis - 1))
    return low.reshape(shape), high.reshape(shape)


@op(
    "QuantizeV2(input: float, min_range: float, max_range: float) -> (output: T, output_min: float, output_max: float)"
    f" | T: type in {_QUANTIZED}; {_MODES}; round_mode: string='HALF_AWAY_FROM_ZERO' in ['HALF_AWAY_FROM_ZERO', "
    "'HALF_TO_EVEN']; narrow_range: bool=false; axis: int=-1; ensure_minimum_range: float=0.009999999776482582"
)
def quantize_v2(s: Site) -> Kernel:
    """Floats as the nearest numbers on the grid of a quantized type, and the range which that spans."""
    dtype, mode, axis = s["T"], s["mode"], s["axis"]
    least, most = _limits(dtype)
    even = s["round_mode"] == b"HALF_TO_EVEN"
    narrow, needed = s["narrow_range"], s["ensure_minimum_range"]
    if even and mode != b"SCALED":
        raise s.unsupported("QuantizeV2 rounds half to even in mode SCALED only")
    if mode == b"MIN_FIRST" and axis >= 0:
        raise s.unsupported("QuantizeV2 in mode MIN_FIRST with an axis is not supported")

    def rounded(x: Array) -> Array:
        return np.rint(x) if even else np.trunc(x + np.copysign(x.dtype.type(0.5), x))

    def run(x: Array, low: Array, high: Array) -> Any:
        first, last = _ranges(s, x, low, high)
        if np.any(first > last):
            raise s.error("min_range must be <= max_range")
        first = np.minimum(first, np.float32(0))
        smallest = np.maximum(np.float32(1), np.maximum(np.abs(first), np.abs(last))) * np.float32(needed)
        last = np.maximum(np.maximum(last, first + smallest), np.float32(0))
        if mode == b"SCALED":
            bottom = least + 1 if narrow else least
            ratio = np.float32(most) / last if least == 0 else _scale(first, last, bottom, most)
            out = rounded(x * ratio)
            out = np.clip(out, bottom, most)
            lowest, highest = np.float32(bottom) / ratio, np.float32(most) / ratio
        elif mode == b"MIN_COMBINED":
            ratio = np.float32(most - least) / (last - first)
            values = (np.clip(x, first, last) - first) * ratio
            if least < 0:
                values = values - np.float32((most - least + 1) / 2)
            out = np.clip(np.trunc(values + np.copysign(np.float32(0.5), values)), least, most)
            lowest, highest = first, last
        else:
            # The grid: as many steps as the type has numbers less one, placed so that zero is on it.
            steps = 2.0 ** (8 * dtype.size) - 1
            ratio = steps / (last.astype(np.float64) - first)
            if dtype is quint8:  # for which TensorFlow's kernel does without
                out = np.clip(np.floor((x - first) * ratio + 0.5), least, most)
            else:
                out = np.clip(np.floor(x * ratio + 0.5) - np.rint(first * ratio) + least, least, most)
            lowest, highest = first, last
        shape = low.shape if axis >= 0 else ()
        return (
            out.astype(np.float64).astype(dtype.np),
            np.asarray(lowest, np.float32).reshape(shape),
            np.asarray(highest, np.float32).reshape(shape),
        )

    return run


def _scale(low: Array, high: Array, least: int, most: int) -> Array:
    """Steps for each unit, so that both ends of the range are on the grid."""
    far = np.float32(np.finfo(np.float32).max)
    with np.errstate(divide="ignore", invalid="ignore"):
        from_low = np.where(least * low > 0, np.float32(least) / low, far)
        from_high = np.where(most * high > 0, np.float32(most) / high, far)
    return np.minimum(from_low, from_high).astype(np.float32)


@quantize_v2.shape
def _(s: Site) -> list[Shape]:
    ends: Shape = () if s["axis"] < 0 else (None,)
    return [s.shapes[0], ends, ends]


@op(
    f"Dequantize(input: T, min_range: float, max_range: float) -> (output: dtype) | T: type in {_QUANTIZED}; {_MODES}; "
    "narrow_range: bool=false; axis: int=-1; dtype: type=float in bfloat16 float"
)
def dequantize(s: Site) -> Kernel:
    """The floats that numbers of a quantized type stand for."""
    dtype, mode, target = s["T"], s["mode"], s["dtype"].np
    least, most = _limits(dtype)
    narrow = s["narrow_range"]

    def run(x: Array, low: Array, high: Array) -> Array:
        first, last = _ranges(s, x, low, high)
        wide = x.astype(np.float32)
        if mode == b"SCALED":
            bottom = least + 1 if narrow else least
            step = last / np.float32(most)
            if least < 0:
                step = np.maximum(step, first / np.float32(bottom))
            out = wide * step
        elif mode == b"MIN_COMBINED":
            step = (last - first) / np.float32(most - least)
            out = (wide + np.float32((most - least + 1) / 2 if least < 0 else 0)) * step + first
        else:
            steps = 2.0 ** (8 * dtype.size) - 1
            step = ((last - first) / np.float64(steps)) if np.any(first != last) else np.float64(0)
            origin = np.rint(first / step) * step if np.all(step) else first
            out = (x.astype(np.float64) - least) * step + origin
        return out.astype(target)

    return run


dequantize.shape_rule = same_shape

# What docs/ops.md says of limits.
for _names, _words in (("QuantizeV2", "refused: HALF_TO_EVEN but for SCALED; an axis in MIN_FIRST"),):
    for _name in _names.split():
        registered()[_name].limited(_words)
