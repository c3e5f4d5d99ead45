"""Numbers scaled to integers, rounded and scaled back: quantization and its error in one op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape
from .common import same_shape

__all__: list[str] = []

_F = np.float32


def _there_and_back(s: Site, x: Array, low: Array, high: Array, bits: int, round_up: bool) -> Array:
    axis = s["axis"]
    if not 1 <= bits < 64:
        raise s.error(f"num_bits must be in [1, 63], but is {bits}")
    if not -1 <= axis < x.ndim:
        raise s.error(f"axis must be in [-1, {x.ndim}), but is {axis}")
    wide = x.astype(_F) if x.dtype.itemsize < 4 else x
    if s["range_given"]:
        along = (x.shape[axis],) if axis >= 0 else ()
        if low.size != int(np.prod(along)) or high.size != low.size:
            raise s.error(f"input_min and input_max must have a number for each of {along or 1} ranges")
        low, high = (a.astype(wide.dtype).reshape(along) for a in (low, high))
        if not (low <= high).all():
            raise s.error("Invalid range: input_min > input_max")
    elif x.size == 0:
        return x
    else:
        others = tuple(a for a in range(x.ndim) if a != axis)
        low, high = wide.min(axis=others), wide.max(axis=others)
    if axis >= 0:
        low, high = (a.reshape(-1, *(1,) * (x.ndim - axis - 1)) for a in (low, high))
    signed, narrow = s["signed_input"], s["narrow_range"]
    first = -(1 << (bits - 1)) + narrow if signed else 0
    last = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    kind = wide.dtype.type
    most, least = kind(last), kind(first)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.finfo(wide.dtype).max
        from_low = np.where(least * low > 0, least / low, far)
        from_high = np.where(most * high > 0, most / high, far)
        of_low = from_low < from_high
        scale = np.where(of_low, from_low, from_high)
        step = np.where(of_low, low / least, high / most)
        low, high = np.where(of_low, low, least * step), np.where(of_low, most * step, high)
        scaled = np.clip(wide, low, high) * scale
        out = (np.floor(scaled + kind(0.5)) if round_up else np.rint(scaled)) * step
    return out.astype(x.dtype)


_FLOATS = "T: type in floats"
_ROUND = (
    "round_mode: string='HALF_TO_EVEN' in ['HALF_TO_EVEN', 'HALF_UP']; narrow_range: bool=false; axis: int=-1"
)
_DOC = "The input, scaled to integers of `num_bits`, rounded and scaled back."


def _quantize_and_dequantize(name: str, args: str, attrs: str, gradient: Callable[..., list[Any]]) -> Op:
    def kernel(s: Site) -> Kernel:
        round_up = "round_mode" in s.op.signature.attrs and s["round_mode"] == b"HALF_UP"

        def run(x: Array, low: Array, high: Array, bits: Array | None = None) -> Array:
            return _there_and_back(
                s, x, low, high, s["num_bits"] if bits is None else int(bits.item()), round_up
            )

        return run

    one = register(
        Op(f"{name}(input: T, input_min: T, input_max: T{args}) -> (output: T) | {attrs}", kernel, _DOC)
    )
    one.shape_rule = same_shape
    one.gradient = gradient
    return one


@op(
    "QuantizeAndDequantizeV4Grad(gradients: T, input: T, input_min: T, input_max: T) -> (input_backprop: T, "
    f"input_min_backprop: T, input_max_backprop: T) | {_FLOATS}; axis: int=-1"
)
def quantize_and_dequantize_v4_grad(s: Site) -> Kernel:
    """The gradient of QuantizeAndDequantizeV4: that of the output where the input is in the range."""
    axis = s["axis"]

    def run(g: Array, x: Array, low: Array, high: Array) -> list[Array]:
        if g.shape != x.shape:
            raise s.error("gradient and input must be the same size")
        wanted = (x.shape[axis],) if axis >= 0 else ()
        ends = [a.reshape(wanted) for a in (low, high)]
        if axis >= 0:
            ends = [a.reshape(-1, *(1,) * (x.ndim - axis - 1)) for a in ends]
        inside = (x >= ends[0]) & (x <= ends[1])
        return [
            np.where(inside, g, x.dtype.type(0)),
            np.zeros(low.shape, x.dtype),
            np.zeros(high.shape, x.dtype),
        ]

    return run


@quantize_and_dequantize_v4_grad.shape
def _(s: Site) -> list[Shape]:
    return [s.shapes[0], s.shapes[2], s.shapes[3]]


quantize_and_dequantize_v2: Op = _quantize_and_dequantize(
    "QuantizeAndDequantizeV2",
    "",
    f"signed_input: bool=true; num_bits: int=8; range_given: bool=false; {_FLOATS}; {_ROUND}",
    lambda c, g: [g, None, None],
)
quantize_and_dequantize_v3: Op = _quantize_and_dequantize(
    "QuantizeAndDequantizeV3",
    ", num_bits: int32",
    f"signed_input: bool=true; range_given: bool=true; {_FLOATS}; narrow_range: bool=false; axis: int=-1",
    lambda c, g: [g, None, None, None],
)
quantize_and_dequantize_v4: Op = _quantize_and_dequantize(
    "QuantizeAndDequantizeV4",
    "",
    f"signed_input: bool=true; num_bits: int=8; range_given: bool=false; {_FLOATS}; {_ROUND}",
    lambda c, g: list(quantize_and_dequantize_v4_grad(g, *c.inputs, axis=c["axis"])),
)
