"""Colors of images: hue and saturation, contrast, and local response normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape
from .common import same_shape

__all__: list[str] = []

_F = np.float32


def _check_colors(known: Shape, rank: int) -> None:
    if known is None:
        return
    if len(known) < rank:
        raise InvalidArgumentError(
            None, None, f"input must be at least {rank}-D, but has shape {format_shape(known)}"
        )
    if known[-1] not in (None, 3):
        raise InvalidArgumentError(
            None, None, f"input must have 3 channels in its last axis, but has shape {format_shape(known)}"
        )


def _parts(rgb: Array) -> tuple[Array, Array, Array]:
    """Hue in [0, 1), greatest and least of the three colors (Smith, Color gamut transform pairs, 1978)."""
    r, g, b = (rgb[..., i] for i in range(3))
    high, low = rgb.max(-1), rgb.min(-1)
    spread = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        norm = 1 / (6 * spread)
        hue = np.where(
            r == high,
            norm * (g - b),
            np.where(
                g == high, norm * (b - r) + rgb.dtype.type(2 / 6), norm * (r - g) + rgb.dtype.type(4 / 6)
            ),
        )
    hue = np.where(spread > 0, hue, 0)
    return np.where(hue < 0, hue + 1, hue), high, low


def _to_hsv(rgb: Array) -> Array:
    hue, high, low = _parts(rgb)
    with np.errstate(divide="ignore", invalid="ignore"):
        saturation = np.where(high > 0, (high - low) / high, 0)
    return np.stack([hue, saturation, high], axis=-1)


def _pure(hue: Array) -> Array:
    """The color of a hue at full saturation, each part in [0, 1]."""
    six = hue * 6
    parts = [np.abs(six - 3) - 1, 2 - np.abs(six - 2), 2 - np.abs(six - 4)]
    return np.clip(np.stack(parts, axis=-1), 0, 1)


def _to_rgb(hsv: Array) -> Array:
    saturation, value = hsv[..., 1:2], hsv[..., 2:3]
    out: Array = ((1 - saturation) + saturation * _pure(hsv[..., 0])) * value
    return out


def _wide(images: Array) -> Array:
    return images.astype(_F) if images.dtype.itemsize < 4 else images


def _of_colors(name: str, args: str, types: str, run: Callable[..., Array], doc: str) -> Op:
    """Declare an op of images whose last axis is red, green, blue (or hue, saturation, value)."""
    rank = 3 if args else 1

    def kernel(s: Site) -> Kernel:
        def checked(images: Array, *amount: Array) -> Array:
            _check_colors(images.shape, rank)
            if amount and amount[0].ndim:
                raise s.error(f"the amount must be a scalar, but has shape {format_shape(amount[0].shape)}")
            return run(_wide(images), *amount).astype(images.dtype)

        return checked

    one = register(Op(f"{name}(images: T{args}) -> (output: T) | T: type=float in {types}", kernel, doc))

    def shape_rule(s: Site) -> list[Shape]:
        _check_colors(s.shapes[0], rank)
        return [s.shapes[0]]

    one.shape_rule = shape_rule
    return one


def _with_hue(images: Array, delta: Array) -> Array:
    hue, high, low = _parts(images)
    turned = hue + images.dtype.type(delta)
    turned = turned - np.floor(turned)
    out: Array = low[..., None] + (high - low)[..., None] * _pure(turned)
    return out


def _with_saturation(images: Array, scale: Array) -> Array:
    hsv = _to_hsv(images)
    hsv[..., 1] = np.clip(hsv[..., 1] * images.dtype.type(scale), 0, 1)
    return _to_rgb(hsv)


rgb_to_hsv: Op = _of_colors(
    "RGBToHSV", "", "floats", _to_hsv, "Hue, saturation and value, each in [0, 1], of red, green and blue."
)
hsv_to_rgb: Op = _of_colors(
    "HSVToRGB", "", "floats", _to_rgb, "Red, green and blue of hue, saturation and value, each in [0, 1]."
)
adjust_hue: Op = _of_colors(
    "AdjustHue",
    ", delta: float",
    "[half, float]",
    _with_hue,
    "RGB images whose hue is turned by `delta` of the circle.",
)
adjust_saturation: Op = _of_colors(
    "AdjustSaturation",
    ", scale: float",
    "[half, float]",
    _with_saturation,
    "RGB images whose saturation is multiplied by `scale`.",
)


@op("AdjustContrastv2(images: T, contrast_factor: float) -> (output: T) | T: type=float in [half, float]")
def adjust_contrast(s: Site) -> Kernel:
    """Images (..., height, width, channels) whose distance from each channel's mean is multiplied by a factor."""

    def run(images: Array, factor: Array) -> Array:
        if images.ndim < 3:
            raise s.error(f"input must be at least 3-D, got shape {format_shape(images.shape)}")
        if factor.ndim:
            raise s.error(f"contrast_factor must be scalar: {format_shape(factor.shape)}")
        if images.size == 0:
            return images
        x = _wide(images)
        mean = x.mean((-3, -2), keepdims=True, dtype=np.float64).astype(x.dtype)
        out: Array = ((x - mean) * _F(factor) + mean).astype(images.dtype)
        return out

    return run


@adjust_contrast.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is not None and len(known) < 3:
        raise s.error(f"input must be at least 3-D, got shape {format_shape(known)}")
    return [known]


_LRN = (
    "depth_radius: int=5; bias: float=1.0; alpha: float=1.0; beta: float=0.5; "
    "T: type=float in [half, bfloat16, float]"
)


def _around(x: Array, radius: int) -> Array:
    """The sums over the channels no farther than `radius`."""
    sums = np.concatenate([np.zeros((*x.shape[:-1], 1)), np.cumsum(x, -1, dtype=np.float64)], -1)
    at = np.arange(x.shape[-1])
    last, first = np.minimum(at + radius + 1, x.shape[-1]), np.maximum(at - radius, 0)
    out: Array = (sums[..., last] - sums[..., first]).astype(x.dtype)
    return out


def _norms(s: Site, x: Array) -> Array:
    """What each element is divided by, before the power."""
    if x.ndim != 4:
        raise s.error(f"in must be 4-dimensional, but has shape {format_shape(x.shape)}")
    if s["depth_radius"] < 0:
        raise s.error(f"depth_radius must not be negative, but is {s['depth_radius']}")
    out: Array = _F(s["bias"]) + _F(s["alpha"]) * _around(x * x, s["depth_radius"])
    return out


@op(f"LRN(input: T) -> (output: T) | {_LRN}")
def lrn(s: Site) -> Kernel:
    """Each element by a power of the squares' sum around it among the channels (Krizhevsky and others, 2012)."""
    power = _F(-s["beta"])

    def run(x: Array) -> Array:
        wide = _wide(x)
        return (wide * _norms(s, wide) ** power).astype(x.dtype)

    return run


lrn.shape_rule = same_shape


@op(f"LRNGrad(input_grads: T, input_image: T, output_image: T) -> (output: T) | {_LRN}")
def lrn_grad(s: Site) -> Kernel:
    """The gradient of LRN."""
    beta = _F(s["beta"])
    factor = _F(-2) * _F(s["alpha"]) * beta

    def run(grads: Array, image: Array, output: Array) -> Array:
        if not grads.shape == image.shape == output.shape:
            raise s.error("input_grads, input_image, and out_image should have the same shape")
        g, x, y = _wide(grads), _wide(image), _wide(output)
        norms = _norms(s, x)
        shared = _around(g * y / norms, s["depth_radius"])
        return (g * norms**-beta + factor * x * shared).astype(grads.dtype)

    return run


lrn_grad.shape_rule = same_shape


@lrn.grad
def _(c: Call, g: Any) -> list[Any]:
    attrs = {name: c[name] for name in ("depth_radius", "bias", "alpha", "beta")}
    return [lrn_grad(g, c.inputs[0], c.outputs[0], **attrs)]
