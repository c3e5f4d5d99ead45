"""Convolutions and pooling over one, two and three dimensions of space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .arguments import shape_tensor, static_rank, tensor
from .array_ops import expand_dims, squeeze
from .raw import raw

__all__ = [
    "atrous_conv2d",
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "conv_transpose",
    "convolution",
    "depthwise_conv2d",
    "local_response_normalization",
    "lrn",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "separable_conv2d",
]

_FORMATS = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW"), 3: ("NDHWC", "NCDHW")}


def _format(data_format: str | None, n: int) -> tuple[str, int]:
    """The op's data format for `n` dimensions of space, and where the first of them stands."""
    last, first = _FORMATS[n]
    found = last if data_format is None else data_format
    if found not in (last, first):
        raise ValueError(f"`data_format` must be '{last}' or '{first}', got {data_format!r}.")
    return found, 1 if found == last else 2


def _sizes(value: Any, n: int, at: int, what: str) -> list[int]:
    """A size for each dimension of the input, from one, one for each dimension of space, or all of them."""
    given = [1] if value is None else [int(value)] if isinstance(value, int) else [int(v) for v in value]
    if len(given) == n + 2:
        return given
    if len(given) not in (1, n):
        raise ValueError(f"`{what}` should be of length 1, {n} or {n + 2}, got {value!r}.")
    out = [1] * (n + 2)
    out[at : at + n] = given * n if len(given) == 1 else given
    return out


def _padding(padding: Any) -> dict[str, Any]:
    """SAME, VALID, or pairs of widths for each dimension, as attributes."""
    if isinstance(padding, str):
        return {"padding": padding.upper()}
    return {"padding": "EXPLICIT", "explicit_paddings": [int(v) for pair in padding for v in pair]}


def _only_named(padding: Any, what: str) -> dict[str, Any]:
    if not isinstance(padding, str):
        raise ValueError(f"{what} takes 'SAME' or 'VALID' as `padding`, got {padding!r}.")
    return _padding(padding)


def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Two-dimensional convolution.

    Args:
        input: [batch, height, width, channels], or as `data_format` says.
        filters: [height, width, channels in, channels out].
        strides: one step, or one for each of height and width, or for each dimension.
        padding: "SAME", "VALID", or a pair of widths for each dimension.
        data_format: "NHWC" or "NCHW".
        dilations: the distance between the filter's elements, given as the strides are.
        name: the node's name.
    """
    kind, at = _format(data_format, 2)
    x = tensor(input)
    return raw("Conv2D")(
        x,
        tensor(filters, x.dtype),
        strides=_sizes(strides, 2, at, "strides"),
        data_format=kind,
        dilations=_sizes(dilations, 2, at, "dilations"),
        name=name,
        **_padding(padding),
    )


def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: Any,
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """One-dimensional convolution of [batch, width, channels] with [width, channels in, channels out]."""
    kind, at = _format(data_format, 1)
    x = tensor(input)
    wide = _padding(padding)
    if "explicit_paddings" in wide:
        pads = wide["explicit_paddings"]
        wide["explicit_paddings"] = pads[: 2 * at] + [0, 0] + pads[2 * at :]
    step, gap = _sizes(stride, 1, at, "stride"), _sizes(dilations, 1, at, "dilations")
    step.insert(at, 1)
    gap.insert(at, 1)
    result = raw("Conv2D")(
        expand_dims(x, at),
        expand_dims(tensor(filters, x.dtype), 0),
        strides=step,
        data_format="NHWC" if kind == "NWC" else "NCHW",
        dilations=gap,
        **wide,
    )
    return squeeze(result, [at], name=name)


def conv3d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Three-dimensional convolution (see `conv2d`)."""
    kind, at = _format(data_format, 3)
    x = tensor(input)
    return raw("Conv3D")(
        x,
        tensor(filters, x.dtype),
        strides=_sizes(strides, 3, at, "strides"),
        data_format=kind,
        dilations=_sizes(dilations, 3, at, "dilations"),
        name=name,
        **_only_named(padding, "conv3d"),
    )


def _space(rank: int | None, what: str) -> int:
    if rank not in (3, 4, 5):
        raise ValueError(f"{what} needs an input of rank 3, 4 or 5, got one of rank {rank}.")
    return rank - 2


def convolution(
    input: Any,
    filters: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution over as many dimensions of space as `input` has."""
    x = tensor(input)
    n = _space(static_rank(x), "convolution")
    run: Callable[..., Any] = (conv1d, conv2d, conv3d)[n - 1]
    return run(
        x, filters, 1 if strides is None else strides, padding, data_format or _FORMATS[n][0], dilations, name
    )


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The transpose (the gradient) of `conv2d`; filters are [height, width, channels out, channels in]."""
    kind, at = _format(data_format, 2)
    x = tensor(input)
    return raw("Conv2DBackpropInput")(
        shape_tensor(output_shape),
        tensor(filters, x.dtype),
        x,
        strides=_sizes(strides, 2, at, "strides"),
        data_format=kind,
        dilations=_sizes(dilations, 2, at, "dilations"),
        name=name,
        **_padding(padding),
    )


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The transpose of `conv1d`; filters are [width, channels out, channels in]."""
    from .array_ops import concat

    kind, at = _format(data_format, 1)
    x, sizes = tensor(input), shape_tensor(output_shape)
    step, gap = _sizes(strides, 1, at, "strides"), _sizes(dilations, 1, at, "dilations")
    step.insert(at, 1)
    gap.insert(at, 1)
    result = raw("Conv2DBackpropInput")(
        concat([sizes[:at], [1], sizes[at:]], 0),
        expand_dims(tensor(filters, x.dtype), 0),
        expand_dims(x, at),
        strides=step,
        data_format="NHWC" if kind == "NWC" else "NCHW",
        dilations=gap,
        **_only_named(padding, "conv1d_transpose"),
    )
    return squeeze(result, [at], name=name)


def conv3d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The transpose of `conv3d` (see `conv2d_transpose`)."""
    kind, at = _format(data_format, 3)
    x = tensor(input)
    return raw("Conv3DBackpropInputV2")(
        shape_tensor(output_shape),
        tensor(filters, x.dtype),
        x,
        strides=_sizes(strides, 3, at, "strides"),
        data_format=kind,
        dilations=_sizes(dilations, 3, at, "dilations"),
        name=name,
        **_only_named(padding, "conv3d_transpose"),
    )


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """The transpose of `convolution`."""
    x = tensor(input)
    n = _space(static_rank(x), "conv_transpose")
    run: Callable[..., Any] = (conv1d_transpose, conv2d_transpose, conv3d_transpose)[n - 1]
    return run(x, filters, output_shape, strides, padding, data_format or _FORMATS[n][0], dilations, name)


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Sequence[int],
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolution of each channel with filters of its own, [height, width, channels in, filters for each]."""
    kind, at = _format(data_format, 2)
    x = tensor(input)
    return raw("DepthwiseConv2dNative")(
        x,
        tensor(filter, x.dtype),
        strides=_sizes(strides, 2, at, "strides"),
        data_format=kind,
        dilations=_sizes(dilations, 2, at, "dilations"),
        name=name,
        **_padding(padding),
    )


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Sequence[int],
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """A `depthwise_conv2d`, and a convolution of its result with a filter of one point."""
    between = depthwise_conv2d(input, depthwise_filter, strides, padding, data_format, dilations)
    return conv2d(between, pointwise_filter, 1, "VALID", data_format or "NHWC", name=name)


def atrous_conv2d(value: Any, filters: Any, rate: int, padding: str, name: str | None = None) -> Any:
    """`conv2d` with `rate` - 1 holes between the filter's elements."""
    return conv2d(value, filters, 1, padding, dilations=rate, name=name)


def _pooled(
    op: str, input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None, n: int, name: Any
) -> Any:
    kind, at = _format(data_format, n)
    x = tensor(input)
    window, step = _sizes(ksize, n, at, "ksize"), _sizes(strides, n, at, "strides")
    if n == 1:
        window.insert(at, 1)
        step.insert(at, 1)
        kind, x = "NHWC" if kind == "NWC" else "NCHW", expand_dims(x, at)
    how = _padding(padding) if op == "MaxPool" and n == 2 else _only_named(padding, op)
    result = raw(op + ("3D" if n == 3 else ""))(
        x, ksize=window, strides=step, data_format=kind, name=None if n == 1 else name, **how
    )
    return squeeze(result, [at], name=name) if n == 1 else result


def _pool(op: str, n: int, public: str, doc: str) -> Any:
    default = _FORMATS[n][0]

    def function(
        input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = default, name: Any = None
    ) -> Any:
        return _pooled(op, input, ksize, strides, padding, data_format, n, name)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = f"{doc} in each window of size `ksize` over {n} dimension(s) of space."
    return function


def _pool_any(op: str, public: str, doc: str) -> Any:
    def function(
        input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = None, name: Any = None
    ) -> Any:
        x = tensor(input)
        n = _space(static_rank(x), public)
        return _pooled(op, x, ksize, strides, padding, data_format, n, name)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = f"{doc} in each window of size `ksize`, over as many dimensions of space as there are."
    return function


max_pool = _pool_any("MaxPool", "max_pool", "The maximum")
max_pool1d = _pool("MaxPool", 1, "max_pool1d", "The maximum")
max_pool2d = _pool("MaxPool", 2, "max_pool2d", "The maximum")
max_pool3d = _pool("MaxPool", 3, "max_pool3d", "The maximum")
avg_pool = _pool_any("AvgPool", "avg_pool", "The mean")
avg_pool1d = _pool("AvgPool", 1, "avg_pool1d", "The mean")
avg_pool2d = _pool("AvgPool", 2, "avg_pool2d", "The mean")
avg_pool3d = _pool("AvgPool", 3, "avg_pool3d", "The mean")


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Any:
    """Each element over (bias + alpha * the sum of squares of its neighbors in the last axis) to the power of beta."""
    return raw("LRN")(
        tensor(input),
        depth_radius=depth_radius,
        bias=float(bias),
        alpha=float(alpha),
        beta=float(beta),
        name=name,
    )


lrn = local_response_normalization
