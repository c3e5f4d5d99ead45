"""`tf.quantization`: floats as they would be after being quantized."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from .arguments import record, tensor
from .raw import raw

__all__ = [
    "dequantize",
    "fake_quant_with_min_max_args",
    "fake_quant_with_min_max_args_gradient",
    "fake_quant_with_min_max_vars",
    "fake_quant_with_min_max_vars_gradient",
    "fake_quant_with_min_max_vars_per_channel",
    "fake_quant_with_min_max_vars_per_channel_gradient",
    "quantize",
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


def quantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    T: Any,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    name: str | None = None,
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
) -> Any:
    """Floats as quantized numbers of dtype `T`, and the least and the largest float that these stand for.

    Args:
        input: floats.
        min_range, max_range: the range wanted; with `axis`, one for each slice.
        T: a quantized dtype, such as qint8.
        mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED".
        round_mode: "HALF_AWAY_FROM_ZERO" or, with SCALED, "HALF_TO_EVEN".
        name: the node's name.
        narrow_range: is the least number left out?
        axis: along which axis each slice has a range of its own; None: all has one.
        ensure_minimum_range: how far apart the ends of the range are at least.
    """
    output, low, high = raw("QuantizeV2")(
        tensor(input),
        tensor(min_range),
        tensor(max_range),
        T=as_dtype(T),
        mode=mode,
        round_mode=round_mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        ensure_minimum_range=ensure_minimum_range,
        name=name,
    )
    return record("QuantizeV2", output=output, output_min=low, output_max=high)


def dequantize(
    input: Any,
    min_range: Any,
    max_range: Any,
    mode: str = "MIN_COMBINED",
    name: str | None = None,
    axis: int | None = None,
    narrow_range: bool = False,
    dtype: Any = dtypes.float32,
) -> Any:
    """Quantized numbers as floats: see `quantize`."""
    return raw("Dequantize")(
        tensor(input),
        tensor(min_range),
        tensor(max_range),
        mode=mode,
        narrow_range=narrow_range,
        axis=-1 if axis is None else axis,
        dtype=as_dtype(dtype),
        name=name,
    )
