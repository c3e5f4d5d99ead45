"""`keras.backend`: what layers compute: convolutions, pooling, normalization, padding, resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

import calque as tf

from .. import config
from .tensors import repeat_elements

__all__ = [
    "batch_normalization",
    "bias_add",
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "depthwise_conv2d",
    "dropout",
    "normalize_batch_in_training",
    "pool2d",
    "pool3d",
    "random_bernoulli",
    "random_normal",
    "random_normal_variable",
    "random_uniform",
    "random_uniform_variable",
    "resize_images",
    "resize_volumes",
    "separable_conv2d",
    "spatial_2d_padding",
    "spatial_3d_padding",
    "temporal_padding",
    "truncated_normal",
]


def _channels_first(data_format: str | None) -> bool:
    given = config.image_data_format() if data_format is None else data_format
    if given not in ("channels_first", "channels_last"):
        raise ValueError(f"Unknown data_format: {given}")
    return given == "channels_first"


def _in_last(x: Any, data_format: str | None, run: Any) -> Any:
    """``run(x)`` with channels last, the result with channels where they were: executors convolve in this order."""
    if not _channels_first(data_format):
        return run(x)
    rank = x.shape.rank
    y = run(tf.transpose(x, [0, *range(2, rank), 1]))
    return tf.transpose(y, [0, rank - 1, *range(1, rank - 1)])


def _padding(padding: str) -> str:
    if padding not in ("same", "valid"):
        raise ValueError(f"Invalid padding: {padding}")
    return padding.upper()


def _convolved(x: Any, kernel: Any, strides: Any, padding: str, data_format: Any, dilation: Any) -> Any:
    known = _padding(padding)

    def run(last: Any) -> Any:
        return tf.nn.convolution(last, kernel, strides=strides, padding=known, dilations=dilation)

    return _in_last(x, data_format, run)


def conv1d(
    x: Any,
    kernel: Any,
    strides: int = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int = 1,
) -> Any:
    """A convolution over one dimension; padding "valid", "same" or "causal"."""
    if padding == "causal":
        ahead = dilation_rate * (kernel.shape[0] - 1)
        steps = 2 if _channels_first(data_format) else 1
        x = tf.pad(x, [[ahead, 0] if axis == steps else [0, 0] for axis in range(3)])
        padding = "valid"
    return _convolved(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution over two dimensions; padding "valid" or "same"."""
    return _convolved(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:
    """A convolution over three dimensions; padding "valid" or "same"."""
    return _convolved(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """The transpose of a convolution over two dimensions.

    Args:
        x: the input.
        kernel: the kernel, of shape (rows, columns, outputs, inputs).
        output_shape: that of the result; None for the batch.
        strides, padding, data_format, dilation_rate: of the convolution.
    """
    sizes = list(output_shape)
    if _channels_first(data_format):
        sizes = [sizes[0], sizes[2], sizes[3], sizes[1]]
    sizes[0] = tf.shape(x)[0] if sizes[0] is None else sizes[0]
    known = _padding(padding)

    def run(last: Any) -> Any:
        shape = tf.stack(sizes)
        return tf.nn.conv2d_transpose(last, kernel, shape, strides, padding=known, dilations=dilation_rate)

    return _in_last(x, data_format, run)


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution over two dimensions, of each channel alone."""
    steps, known = [1, *_pair(strides), 1], _padding(padding)

    def run(last: Any) -> Any:
        return tf.nn.depthwise_conv2d(last, depthwise_kernel, steps, known, dilations=_pair(dilation_rate))

    return _in_last(x, data_format, run)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution of each channel alone, and then one of all channels at each point."""
    each = depthwise_conv2d(x, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv2d(each, pointwise_kernel, data_format=data_format)


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """The largest elements ("max") or means ("avg") of windows over two dimensions.

    Raises:
        ValueError: an argument is none of these.
    """
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """The same over three dimensions."""
    return _pooled(x, pool_size, strides, padding, data_format, pool_mode)


def _pooled(x: Any, size: Any, strides: Any, padding: str, data_format: Any, mode: str) -> Any:
    space, known = x.shape.rank - 2, _padding(padding)
    for name, value in (("pool_size", size), ("strides", strides)):
        if len(value) != space:
            raise ValueError(f"`{name}` must be a tuple of {space} integers.")
    pools = {
        ("max", 2): tf.nn.max_pool2d,
        ("avg", 2): tf.nn.avg_pool2d,
        ("max", 3): tf.nn.max_pool3d,
        ("avg", 3): tf.nn.avg_pool3d,
    }
    if (mode, space) not in pools:
        raise ValueError(f"Invalid pooling mode: {mode}")
    return _in_last(x, data_format, lambda last: pools[mode, space](last, list(size), list(strides), known))


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """A bias added to channels, or to all places but the batch.

    Raises:
        ValueError: the bias has neither one dimension nor all but the batch's.
    """
    first, rank = _channels_first(data_format), bias.shape.rank
    if rank not in (1, x.shape.rank - 1):
        raise ValueError(
            f"Unexpected bias dimensions {rank}, expect to be 1 or {x.shape.rank - 1} dimensions"
        )
    if rank == 1:
        return tf.nn.bias_add(x, bias, data_format="NCHW" if first and x.shape.rank > 2 else "NHWC")
    return x + tf.expand_dims(tf.transpose(bias, [rank - 1, *range(rank - 1)]) if first else bias, 0)


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """``(x - mean) / sqrt(var + epsilon) * gamma + beta``; None: without that.

    Args:
        x: the input.
        mean, var, beta, gamma: vectors along `axis`, or what broadcasts to x.
        axis: the axis.
        epsilon: keeps the division from zero.
    """
    axis %= x.shape.rank
    shape = [-1 if i == axis else 1 for i in range(x.shape.rank)]
    mean, var, beta, gamma = (
        tf.reshape(v, shape) if v is not None and v.shape.rank == 1 else v for v in (mean, var, beta, gamma)
    )
    return tf.nn.batch_normalization(x, mean, var, beta, gamma, epsilon)


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: float = 1e-3
) -> tuple[Any, Any, Any]:
    """A batch normalized by its own mean and variance.

    Returns:
        The normalized batch, the mean and the variance.
    """
    axes = [axis % x.shape.rank for axis in reduction_axes]
    mean, variance = tf.nn.moments(x, axes)
    shape = [1 if i in axes else tf.shape(x)[i] for i in range(x.shape.rank)]
    wide, spread, offset, scale = (
        None if v is None else tf.reshape(v, tf.stack(shape)) for v in (mean, variance, beta, gamma)
    )
    return tf.nn.batch_normalization(x, wide, spread, offset, scale, epsilon), mean, variance


# Padding and sizes


def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Zeros before and after the steps of time."""
    return tf.pad(x, [[0, 0], list(padding), [0, 0]])


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros around images."""
    return _padded(x, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Any:
    """Zeros around volumes."""
    return _padded(x, padding, data_format)


def _padded(x: Any, padding: Any, data_format: str | None) -> Any:
    space = [list(pair) for pair in padding]
    none = [[0, 0]]
    return tf.pad(x, none + none + space if _channels_first(data_format) else none + space + none)


def resize_images(
    x: Any,
    height_factor: int,
    width_factor: int,
    data_format: str | None,
    interpolation: str = "nearest",
) -> Any:
    """Images made larger by whole factors.

    Args:
        x: images.
        height_factor, width_factor: the factors.
        data_format: where the channels are.
        interpolation: a method of `tf.image.resize`, such as "nearest" or "bilinear".

    Raises:
        ValueError: there is no such method.
    """
    methods = ("area", "bicubic", "bilinear", "gaussian", "lanczos3", "lanczos5", "mitchellcubic", "nearest")
    if interpolation not in methods:
        raise ValueError(
            f'`interpolation` argument should be one of: {methods}. Received: "{interpolation}".'
        )

    def run(last: Any) -> Any:
        known = last.shape[1:3]
        sizes = known.as_list() if known.is_fully_defined() else tf.shape(last)[1:3]
        factors = np.array([height_factor, width_factor], dtype=np.int32)
        return tf.image.resize(last, sizes * factors, method=interpolation)

    return _in_last(x, data_format, run)


def resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str | None
) -> Any:
    """Volumes made larger by whole factors: each element again and again."""
    first = 2 if _channels_first(data_format) else 1
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), first):
        x = repeat_elements(x, factor, axis)
    return x


# Random numbers: where no seed is given, one is drawn from numpy's generator, which `set_random_seed` seeds.


def _seed(seed: int | None) -> int:
    return int(np.random.randint(10_000_000)) if seed is None else seed


def dropout(x: Any, level: Any, noise_shape: Any = None, seed: int | None = None) -> Any:
    """A tensor with a part of its elements, `level`, set to 0, and the others made larger."""
    return tf.nn.dropout(x, rate=level, noise_shape=noise_shape, seed=_seed(seed))


def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Normally distributed numbers."""
    return tf.random.normal(shape, mean, stddev, dtype or config.floatx(), seed=_seed(seed))


def random_uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Numbers uniformly distributed in ``[minval, maxval)``."""
    return tf.random.uniform(shape, minval, maxval, dtype or config.floatx(), seed=_seed(seed))


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: int | None = None
) -> Any:
    """Normally distributed numbers, without what is more than two standard deviations off the mean."""
    return tf.random.truncated_normal(shape, mean, stddev, dtype or config.floatx(), seed=_seed(seed))


def random_bernoulli(shape: Any, p: Any = 0.0, dtype: Any = None, seed: int | None = None) -> Any:
    """1 with probability `p`, else 0."""
    dtype = dtype or config.floatx()
    return tf.cast(tf.random.uniform(shape, dtype=dtype, seed=_seed(seed)) <= p, dtype)


def random_normal_variable(
    shape: Any,
    mean: Any,
    scale: Any,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Any:
    """A variable that starts with normally distributed numbers."""
    return tf.Variable(random_normal(shape, mean, scale, dtype, seed), name=name)


def random_uniform_variable(
    shape: Any,
    low: Any,
    high: Any,
    dtype: Any = None,
    name: str | None = None,
    seed: int | None = None,
) -> Any:
    """A variable that starts with uniformly distributed numbers."""
    return tf.Variable(random_uniform(shape, low, high, dtype, seed), name=name)
