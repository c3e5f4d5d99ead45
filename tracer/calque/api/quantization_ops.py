"""`tf.quantization`: floats as they would be after being quantized."""

from __future__ import annotations

from typing import Any

from .arguments import tensor
from .raw import raw

__all__ = [
    "fake_quant_with_min_max_args",
    "fake_quant_with_min_max_args_gradient",
    "fake_quant_with_min_max_vars",
    "fake_quant_with_min_max_vars_gradient",
    "fake_quant_with_min_max_vars_per_channel",
    "fake_quant_with_min_max_vars_per_channel_gradient",
]


def fake_quant_with_min_max_args(
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """`inputs` rounded to one of 2 ** num_bits numbers from `min` to `max` (one less if `narrow_range`)."""
    return raw("FakeQuantWithMinMaxArgs")(
        tensor(inputs),
        min=float(min),
        max=float(max),
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def fake_quant_with_min_max_args_gradient(
    gradients: Any,
    inputs: Any,
    min: float = -6,
    max: float = 6,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """The gradient of `fake_quant_with_min_max_args` for its inputs."""
    return raw("FakeQuantWithMinMaxArgsGradient")(
        tensor(gradients),
        tensor(inputs),
        min=float(min),
        max=float(max),
        num_bits=num_bits,
        narrow_range=narrow_range,
        name=name,
    )


def _with_bounds(op: str, inputs: list[Any], num_bits: int, narrow_range: bool, name: str | None) -> Any:
    return raw(op)(*[tensor(x) for x in inputs], num_bits=num_bits, narrow_range=narrow_range, name=name)


def fake_quant_with_min_max_vars(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Any:
    """As `fake_quant_with_min_max_args`; the bounds are tensors, for which there is a gradient too."""
    return _with_bounds("FakeQuantWithMinMaxVars", [inputs, min, max], num_bits, narrow_range, name)


def fake_quant_with_min_max_vars_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """The gradients of `fake_quant_with_min_max_vars` for its inputs and bounds."""
    return _with_bounds(
        "FakeQuantWithMinMaxVarsGradient", [gradients, inputs, min, max], num_bits, narrow_range, name
    )


def fake_quant_with_min_max_vars_per_channel(
    inputs: Any, min: Any, max: Any, num_bits: int = 8, narrow_range: bool = False, name: str | None = None
) -> Any:
    """As `fake_quant_with_min_max_vars`, with bounds for each channel."""
    return _with_bounds("FakeQuantWithMinMaxVarsPerChannel", [inputs, min, max], num_bits, narrow_range, name)


def fake_quant_with_min_max_vars_per_channel_gradient(
    gradients: Any,
    inputs: Any,
    min: Any,
    max: Any,
    num_bits: int = 8,
    narrow_range: bool = False,
    name: str | None = None,
) -> Any:
    """The gradients of `fake_quant_with_min_max_vars_per_channel` for its inputs and bounds."""
    return _with_bounds(
        "FakeQuantWithMinMaxVarsPerChannelGradient",
        [gradients, inputs, min, max],
        num_bits,
        narrow_range,
        name,
    )
