"""`tf.image`: colors, brightness, contrast, and how much two images differ."""

from __future__ import annotations

import math
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..tensor import Tensor
from .arguments import static_rank, tensor
from .array_ops import concat, expand_dims, pad, reshape, shape, stack, tile, zeros_like
from .conv_ops import depthwise_conv2d
from .image_size_ops import at_least_3d
from .math_ops import abs as absolute
from .math_ops import cast, floordiv, log, maximum, pow, rsqrt, saturate_cast, squared_difference, tensordot
from .raw import raw
from .reduce_ops import reduce_mean, reduce_prod, reduce_std, reduce_sum

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "convert_image_dtype",
    "grayscale_to_rgb",
    "hsv_to_rgb",
    "image_gradients",
    "per_image_standardization",
    "psnr",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "rgb_to_yiq",
    "rgb_to_yuv",
    "sobel_edges",
    "total_variation",
    "yiq_to_rgb",
    "yuv_to_rgb",
]

_SINGLE = (dtypes.float16, dtypes.float32)


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Any:
    """Images in another dtype: 0 to 1 for floats stand for 0 to the largest integer.

    Args:
        image: images.
        dtype: the dtype wanted.
        saturate: do values out of its range become the nearest in it?
        name: the node's name.

    Raises:
        AttributeError: a dtype is neither an integer's nor a float's.
    """
    x, to = tensor(image), as_dtype(dtype)
    for kind in (x.dtype, to):
        if not (kind.is_floating or kind.is_integer):
            raise AttributeError("dtype must be either floating point or integer")
    if x.dtype is to:
        return x
    if x.dtype.is_integer and to.is_integer:
        most, wanted = x.dtype.max, to.max
        if most > wanted:
            return cast(floordiv(x, tensor((most + 1) // (wanted + 1), x.dtype)), to, name=name)
        wide = saturate_cast(x, to) if saturate else cast(x, to)
        return raw("Mul")(wide, tensor((wanted + 1) // (most + 1), to), name=name)
    if x.dtype.is_floating and to.is_floating:
        return cast(x, to, name=name)
    if x.dtype.is_integer:
        return raw("Mul")(cast(x, to), tensor(1.0 / x.dtype.max, to), name=name)
    scaled = x * tensor(to.max + 0.5, x.dtype)  # half of a step more: what rounding down takes away
    return saturate_cast(scaled, to, name=name) if saturate else cast(scaled, to, name=name)


def _as_float(image: Any) -> tuple[Tensor, Any]:
    """Images as floats, and the dtype that they had."""
    x = tensor(image)
    return (x if x.dtype in _SINGLE else convert_image_dtype(x, dtypes.float32)), x.dtype


def _adjusted(op: str, image: Any, amount: Any, name: str | None) -> Any:
    x, before = _as_float(image)
    out = raw(op)(cast(x, dtypes.float32), cast(tensor(amount), dtypes.float32), name=name)
    return convert_image_dtype(cast(out, x.dtype), before, saturate=True)


def adjust_brightness(image: Any, delta: Any) -> Any:
    """Images with `delta` added, which counts in floats of 0 to 1."""
    x, before = _as_float(image)
    return convert_image_dtype(x + cast(delta, x.dtype), before, saturate=True)


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Images whose differences from their channels' means are multiplied by a factor."""
    return _adjusted("AdjustContrastv2", images, contrast_factor, None)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """``gain * image ** gamma``.

    Raises:
        ValueError: `gamma` is negative.
    """
    if not isinstance(gamma, Tensor) and gamma < 0:
        raise ValueError("Gamma should be a non-negative real number.")
    x, before = _as_float(image)
    return convert_image_dtype(tensor(gain, x.dtype) * pow(x, tensor(gamma, x.dtype)), before, saturate=True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """RGB images whose hue is turned by `delta`, 1 being all the way round.

    Raises:
        ValueError: `delta` is not in [-1, 1].
    """
    if not isinstance(delta, Tensor) and not -1 <= delta <= 1:
        raise ValueError("delta must be in the interval [-1, 1]")
    return _adjusted("AdjustHue", image, delta, name)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """RGB images whose saturation is multiplied by a factor."""
    return _adjusted("AdjustSaturation", image, saturation_factor, name)


def rgb_to_hsv(images: Any, name: str | None = None) -> Any:
    """Red, green and blue to hue, saturation and value; all of them 0 to 1."""
    return raw("RGBToHSV")(tensor(images), name=name)


def hsv_to_rgb(images: Any, name: str | None = None) -> Any:
    """Hue, saturation and value to red, green and blue; all of them 0 to 1."""
    return raw("HSVToRGB")(tensor(images), name=name)


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """One channel, the brightness, in place of three."""
    x, before = _as_float(images)
    weights = tensor([0.2989, 0.5870, 0.1140], x.dtype)
    gray = expand_dims(tensordot(x, weights, [[-1], [-1]]), -1)
    return convert_image_dtype(gray, before, name=name)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """The one channel three times.

    Raises:
        ValueError: there are more channels.
    """
    x = tensor(images)
    rank = static_rank(x)
    if rank is not None and x.shape.as_list()[-1] not in (1, None):
        raise ValueError("Last dimension of a grayscale image should be size 1.")
    times = (
        [1] * (rank - 1) + [3]
        if rank is not None
        else concat([tensor([1]) * (shape(x)[:-1] * 0 + 1), [3]], 0)
    )
    return tile(x, times, name=name)


_YIQ = (
    (0.299, 0.59590059, 0.2115),
    (0.587, -0.27455667, -0.52273617),
    (0.114, -0.32134392, 0.31119955),
)
_FROM_YIQ = (
    (1.0, 1.0, 1.0),
    (0.95598634, -0.27201283, -1.10674021),
    (0.6208248, -0.64720424, 1.70423049),
)
_YUV = (
    (0.299, -0.14714119, 0.61497538),
    (0.587, -0.28886916, -0.51496512),
    (0.114, 0.43601035, -0.10001026),
)
_FROM_YUV = (
    (1.0, 1.0, 1.0),
    (0.0, -0.394642334, 2.03206185),
    (1.13988303, -0.58062185, 0.0),
)


def _by(images: Any, matrix: Any) -> Any:
    x = tensor(images)
    last = x.shape.rank - 1 if x.shape.rank is not None else -1
    return tensordot(x, tensor(matrix, x.dtype), [[last], [0]])


def rgb_to_yiq(images: Any) -> Any:
    """Red, green and blue to the YIQ of analog television."""
    return _by(images, _YIQ)


def yiq_to_rgb(images: Any) -> Any:
    """YIQ to red, green and blue."""
    return _by(images, _FROM_YIQ)


def rgb_to_yuv(images: Any) -> Any:
    """Red, green and blue to YUV."""
    return _by(images, _YUV)


def yuv_to_rgb(images: Any) -> Any:
    """YUV to red, green and blue."""
    return _by(images, _FROM_YUV)


def per_image_standardization(image: Any) -> Any:
    """Each image with mean 0 and variance 1, as floats; one of a single color becomes 0."""
    x = at_least_3d(image)
    x = x if x.dtype in (dtypes.float16, dtypes.float32, dtypes.float64) else cast(x, dtypes.float32)
    count = reduce_prod(shape(x)[-3:])
    mean = reduce_mean(x, [-1, -2, -3], keepdims=True)
    spread = reduce_std(x, [-1, -2, -3], keepdims=True)
    least = cast(rsqrt(cast(count, dtypes.float32)), x.dtype)
    return (x - mean) / maximum(spread, least)


def image_gradients(image: Any) -> tuple[Any, Any]:
    """Differences to the next row, and to the next column, of a batch of images; 0 at the end.

    Raises:
        ValueError: it is no batch of images.
    """
    x = tensor(image)
    if x.shape.rank != 4:
        raise ValueError(
            f"image_gradients expects a 4D tensor [batch_size, h, w, d], not {x.shape.as_list()}."
        )
    down = x[:, 1:, :, :] - x[:, :-1, :, :]
    right = x[:, :, 1:, :] - x[:, :, :-1, :]
    return (
        concat([down, zeros_like(x[:, :1, :, :])], 1),
        concat([right, zeros_like(x[:, :, :1, :])], 2),
    )


def sobel_edges(image: Any) -> Any:
    """Sobel's edges of a batch of images: [..., channels, 2], across rows and across columns."""
    x = tensor(image)
    kernels = [
        [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
        [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    ]
    filters = expand_dims(
        tensor([[[k[r][c] for k in kernels] for c in range(3)] for r in range(3)], "float32"), 2
    )
    bordered = pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="REFLECT")
    edges = depthwise_conv2d(bordered, tile(filters, stack([1, 1, shape(x)[-1], 1])), [1, 1, 1, 1], "VALID")
    return reshape(edges, concat([shape(x), [2]], 0))


def total_variation(images: Any, name: str | None = None) -> Any:
    """The sum of the absolute differences between neighboring pixels, of one image or each of a batch.

    Raises:
        ValueError: it is neither.
    """
    x = tensor(images)
    if x.shape.rank not in (3, 4):
        raise ValueError("'images' must be either 3 or 4-dimensional.")
    axes = None if x.shape.rank == 3 else [1, 2, 3]
    down = x[..., 1:, :, :] - x[..., :-1, :, :]
    right = x[..., :, 1:, :] - x[..., :, :-1, :]
    return raw("AddV2")(reduce_sum(absolute(down), axes), reduce_sum(absolute(right), axes), name=name)


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """The peak signal-to-noise ratio of images to others, in decibels: one number for each image.

    Args:
        a, b: images.
        max_val: the difference between the largest value there may be and the smallest.
        name: the node's name.
    """

    most = convert_image_dtype(tensor(max_val, tensor(a).dtype), dtypes.float32)
    x, y = convert_image_dtype(a, dtypes.float32), convert_image_dtype(b, dtypes.float32)
    error = reduce_mean(squared_difference(x, y), [-3, -2, -1])
    decibel = tensor(10 / math.log(10), dtypes.float32)
    return raw("Sub")(2 * decibel * log(most), decibel * log(error), name=name)
