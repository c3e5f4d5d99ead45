"""Numbers rounded as if they had been quantized: what quantization-aware training leaves in a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, op, register
from ..record import record
from ..shapes import Shape, format_shape
from .common import same_shape

__all__: list[str] = []

_F = np.float32
_BITS = "num_bits: int=8; narrow_range: bool=false"


@record(frozen=True)
class _Range:
    """A range moved so that zero is one of its steps, and its steps' size; arrays, an element a channel."""

    low: Array
    high: Array
    step: Array


def _range(s: Site, low: Array, high: Array) -> _Range:
    bits = s["num_bits"]
    if not 2 <= bits <= 16:
        raise s.error(f"num_bits must be between 2 and 16, inclusive, but is {bits}")
    first, last = _F(1 if s["narrow_range"] else 0), _F((1 << bits) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = (high - low) / (last - first)
        zero = first - low / step
        zero = np.where(zero < first, first, np.where(zero > last, last, np.floor(zero + _F(0.5))))
    return _Range((first - zero) * step, (last - zero) * step, step)


def _quantized(s: Site, x: Array, low: Array, high: Array) -> Array:
    to = _range(s, low, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = _F(1) / to.step
        zero = np.floor(-to.low * inverse + _F(0.5))
        shifted = np.maximum(np.minimum(x, to.high), to.low) - to.low
        out = np.floor(shifted * inverse - zero + _F(0.5)) * to.step
    return np.where((low == 0) & (high == 0), _F(0), out).astype(_F, copy=False)


def _inside(s: Site, x: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Where `x` is in the range, below it, above it; everywhere in it where the range is empty."""
    to, empty = _range(s, low, high), (low == 0) & (high == 0)
    below, above = (x < to.low) & ~empty, (x > to.high) & ~empty
    return ~below & ~above, below, above


def _check_limits(s: Site, x: Array, low: Array, high: Array, channels: bool) -> None:
    wanted = x.shape[-1:] if channels else ()
    if channels and x.ndim == 0:
        raise s.error("inputs must have a last axis of channels, but is a scalar")
    if low.shape != wanted or high.shape != wanted:
        raise s.error(
            f"min and max must have shape {format_shape(wanted)}, but have {format_shape(low.shape)} and "
            f"{format_shape(high.shape)}"
        )


def _fixed(s: Site) -> tuple[Array, Array]:
    low, high = np.asarray(_F(s["min"])), np.asarray(_F(s["max"]))
    if not low < high:
        raise s.error(f"min has to be smaller than max, was: {low:g} >= {high:g}")
    return low, high


_ARGS = f"min: float=-6.0; max: float=6.0; {_BITS}"


@op(f"FakeQuantWithMinMaxArgs(inputs: float) -> (outputs: float) | {_ARGS}")
def fake_quant_args(s: Site) -> Kernel:
    """The inputs, clipped to a range and rounded to one of its 2**num_bits steps."""
    low, high = _fixed(s)
    _range(s, low, high)
    return lambda x: _quantized(s, x, low, high)


fake_quant_args.shape_rule = same_shape


@op(f"FakeQuantWithMinMaxArgsGradient(gradients: float, inputs: float) -> (backprops: float) | {_ARGS}")
def fake_quant_args_gradient(s: Site) -> Kernel:
    """The gradient of FakeQuantWithMinMaxArgs: that of the output where the input is in the range."""
    low, high = _fixed(s)

    def run(g: Array, x: Array) -> Array:
        if g.shape != x.shape:
            raise s.error("gradient and input must be the same size")
        return np.where(_inside(s, x, low, high)[0], g, _F(0))

    return run


fake_quant_args_gradient.shape_rule = same_shape


@fake_quant_args.grad
def _(c: Call, g: Any) -> list[Any]:
    attrs = {name: c[name] for name in ("min", "max", "num_bits", "narrow_range")}
    return [fake_quant_args_gradient(g, c.inputs[0], **attrs)]


def _by_variables(suffix: str, channels: bool) -> Op:
    """Declare the op whose range is an input, for the whole or for each channel (the last axis), and its gradient."""
    name = f"FakeQuantWithMinMaxVars{suffix}"

    def kernel(s: Site) -> Kernel:
        def run(x: Array, low: Array, high: Array) -> Array:
            _check_limits(s, x, low, high, channels)
            return _quantized(s, x, low, high)

        return run

    def gradient_kernel(s: Site) -> Kernel:
        def run(g: Array, x: Array, low: Array, high: Array) -> list[Array]:
            if g.shape != x.shape:
                raise s.error("gradient and input must be the same size")
            _check_limits(s, x, low, high, channels)
            inside, below, above = _inside(s, x, low, high)
            axes = tuple(range(x.ndim - channels))
            ends = [np.asarray(np.where(part, g, _F(0)).sum(axis=axes, dtype=_F)) for part in (below, above)]
            return [np.where(inside, g, _F(0)), *ends]

        return run

    whose = "each channel's range" if channels else "a range"
    one = register(
        Op(
            f"{name}(inputs: float, min: float, max: float) -> (outputs: float) | {_BITS}",
            kernel,
            f"The inputs, clipped to {whose} and rounded to one of its 2**num_bits steps.",
        )
    )
    one.shape_rule = same_shape
    two = register(
        Op(
            f"{name}Gradient(gradients: float, inputs: float, min: float, max: float) -> "
            f"(backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float) | {_BITS}",
            gradient_kernel,
            f"The gradients of {name} for its inputs and the ends of the range.",
        )
    )
    two.shape_rule = lambda s: [s.shapes[0], s.shapes[2], s.shapes[3]]
    one.gradient = lambda c, g: list(
        two(g, *c.inputs, num_bits=c["num_bits"], narrow_range=c["narrow_range"])
    )
    return one


fake_quant_vars: Op = _by_variables("", False)
fake_quant_vars_per_channel: Op = _by_variables("PerChannel", True)


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
