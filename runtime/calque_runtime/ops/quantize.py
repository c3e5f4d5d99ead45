"""Fake quantization: floats rounded to the values that a few bits can tell apart between two limits.

The limits are moved a little, so that zero is one of those values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, register
from ..shapes import Shape, format_shape
from .common import same_shape

__all__: list[str] = []

_F = np.float32
_BITS = "num_bits: int=8; narrow_range: bool=false"
_LIMITS = f"min: float=-6.0; max: float=6.0; {_BITS}"


def _levels(s: Site) -> tuple[Any, Any]:
    """The lowest and the highest quantized value."""
    bits = s["num_bits"]
    if not 2 <= bits <= 16:
        raise s.error(f"num_bits must be between 2 and 16, inclusive, but is {bits}")
    return _F(1 if s["narrow_range"] else 0), _F((1 << bits) - 1)


def _nudged(s: Site, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """The limits so moved that zero is a quantized value, and the distance between two values."""
    first, last = _levels(s)
    step = (high - low) / (last - first)
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = first - low / step
    zero = np.clip(np.floor(zero + _F(0.5)), first, last)
    return (first - zero) * step, (last - zero) * step, step


def _quantized(s: Site, x: Array, low: Array, high: Array) -> Array:
    bottom, top, step = _nudged(s, low, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        per = _F(1) / step
        zero = np.floor(-bottom * per + _F(0.5))
        out = (np.floor((np.clip(x, bottom, top) - bottom) * per + _F(0.5)) - zero) * step
    return np.where((low == 0) & (high == 0), _F(0), out).astype(_F, copy=False)


def _check(s: Site, x: Array, low: Array, high: Array, channels: bool) -> None:
    want = x.shape[-1:] if channels else ()
    if channels and not x.ndim:
        raise s.error("inputs must have a dimension of channels, but is a scalar")
    for what, limit in (("min", low), ("max", high)):
        if limit.shape != want:
            raise s.error(f"{what} must have shape {format_shape(want)}, but has {format_shape(limit.shape)}")


def _constants(s: Site) -> tuple[Any, Any]:
    low, high = _F(s["min"]), _F(s["max"])
    _levels(s)
    if low >= high:
        raise s.error(f"min has to be smaller than max, was: {low} >= {high}")
    return low, high


def _with_constants(s: Site) -> Kernel:
    low, high = _constants(s)
    return lambda x: _quantized(s, x, low, high)


def _constants_gradient(s: Site) -> Kernel:
    bottom, top, _ = _nudged(s, *_constants(s))
    return lambda g, x: np.where((x >= bottom) & (x <= top), g, _F(0))


args: Op = register(
    Op(
        f"FakeQuantWithMinMaxArgs(inputs: float) -> (outputs: float) | {_LIMITS}",
        _with_constants,
        "`inputs` rounded to `num_bits` bits between two constants.",
    )
)
args.shape_rule = same_shape
args_gradient: Op = register(
    Op(
        f"FakeQuantWithMinMaxArgsGradient(gradients: float, inputs: float) -> (backprops: float) | {_LIMITS}",
        _constants_gradient,
        "The gradient of FakeQuantWithMinMaxArgs: that of the identity between the limits.",
    )
).not_differentiable()
args_gradient.shape_rule = same_shape


@args.grad
def _(c: Call, g: Any) -> list[Any]:
    attrs = {name: c[name] for name in ("min", "max", "num_bits", "narrow_range")}
    return [args_gradient(g, c.inputs[0], **attrs)]


def _with_variables(name: str, channels: bool, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        _levels(s)

        def run(x: Array, low: Array, high: Array) -> Array:
            _check(s, x, low, high, channels)
            return _quantized(s, x, low, high)

        return run

    def backward(s: Site) -> Kernel:
        _levels(s)

        def run(g: Array, x: Array, low: Array, high: Array) -> tuple[Array, Array, Array]:
            if g.shape != x.shape:
                raise s.error(
                    f"gradients and inputs must be of the same shape, but are {format_shape(g.shape)} and "
                    f"{format_shape(x.shape)}"
                )
            _check(s, x, low, high, channels)
            bottom, top, _ = _nudged(s, low, high)
            nothing = (low == 0) & (high == 0)
            below, above = (x < bottom) & ~nothing, (x > top) & ~nothing
            axes = tuple(range(x.ndim - 1)) if channels else None
            return (
                np.where(below | above, _F(0), g),
                np.where(below, g, _F(0)).sum(axes, dtype=_F),
                np.where(above, g, _F(0)).sum(axes, dtype=_F),
            )

        return run

    one = register(
        Op(f"{name}(inputs: float, min: float, max: float) -> (outputs: float) | {_BITS}", kernel, doc)
    )
    one.shape_rule = _first
    back = register(
        Op(
            f"{name}Gradient(gradients: float, inputs: float, min: float, max: float) -> "
            f"(backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float) | {_BITS}",
            backward,
            f"The gradients of {name}: that of the identity between the limits, and of these beyond them.",
        )
    ).not_differentiable()
    back.shape_rule = lambda s: [s.shapes[1], s.shapes[2], s.shapes[3]]
    one.gradient = lambda c, g: list(
        back(g, *c.inputs, num_bits=c["num_bits"], narrow_range=c["narrow_range"])
    )
    return one


def _first(s: Site) -> list[Shape]:
    return [s.shapes[0]]


variables: Op = _with_variables(
    "FakeQuantWithMinMaxVars", False, "`inputs` rounded to `num_bits` bits between two scalars."
)
per_channel: Op = _with_variables(
    "FakeQuantWithMinMaxVarsPerChannel",
    True,
    "`inputs` rounded to `num_bits` bits between limits for each channel, which is the last dimension.",
)
