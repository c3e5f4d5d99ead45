"""Images scaled and moved by any factor, sampled with a kernel as wide as the pixels need: Lanczos, Gauss, cubics.

A sample of the output at ``x`` stands for the place ``(x + 0.5 - translation) / scale`` of the input; every pixel
whose center is within the kernel's radius of it counts. Where the image shrinks and `antialias` is set, the kernel is
as much wider. Weights are float32 and sum to one; a sample outside the image is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, register
from ..shapes import Shape, format_shape
from .common import check_size
from .image_resize import _spread, _weighted

__all__: list[str] = []

_F = np.float32
_ATTRS = "kernel_type: string='lanczos3'; antialias: bool=true"
_TINY = 1000 * np.finfo(_F).tiny  # a sum of weights below it is not divided by


def _lanczos(radius: int) -> tuple[float, Callable[[Array], Array]]:
    def weight(x: Array) -> Array:
        r, angle = _F(radius), _F(np.pi) * np.where(x <= 1e-3, _F(1), x)
        value = r * np.sin(angle) * np.sin(angle / r) / (angle * angle)
        return np.where(x > r, 0, np.where(x <= 1e-3, 1, value))

    return radius, weight


def _gaussian(x: Array) -> Array:
    return np.where(x >= 1.5, 0, np.exp(-x * x / _F(2 * 0.5**2)))


def _box(x: Array) -> Array:
    return np.where(x < 0.5, 1, np.where(x == 0.5, 0.5, 0))


def _triangle(x: Array) -> Array:
    return np.where(x < 1, 1 - x, 0)


def _keys_cubic(x: Array) -> Array:
    near = (_F(1.5) * x - _F(2.5)) * x * x + 1
    far = ((_F(-0.5) * x + _F(2.5)) * x - 4) * x + 2
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _mitchell_cubic(x: Array) -> Array:
    near = (_F(7 / 6) * x - 2) * x * x + _F(8 / 9)
    far = ((_F(-7 / 18) * x + 2) * x - _F(10 / 3)) * x + _F(16 / 9)
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


# By name: the radius and the weight at a distance from the center.
_KERNELS: dict[str, tuple[float, Callable[[Array], Array]]] = {
    "lanczos1": _lanczos(1),
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
    "gaussian": (1.5, _gaussian),
    "box": (0.5, _box),
    "triangle": (1, _triangle),
    "keyscubic": (2, _keys_cubic),
    "mitchellcubic": (2, _mitchell_cubic),
}


def _taps(s: Site, size: int, out: int, scale: Any, translation: Any) -> tuple[Array, Array]:
    """The pixels and weights of each sample along an axis: (taps, out) both."""
    radius, weigh = _kernel_of(s)
    if not size or not out:
        return np.zeros((0, out), np.int64), np.zeros((0, out), _F)
    with np.errstate(all="ignore"):  # a scale near zero has an infinite step: then no sample is inside
        step = _F(1) / scale
        wider = max(step, _F(1)) if s["antialias"] else _F(1)
        reach = _F(radius) * wider
        places = np.nan_to_num((np.arange(out, dtype=_F) + _F(0.5)) * step - step * translation, nan=-1)
        first = np.clip(np.ceil(places - reach - _F(0.5)), 0, size - 1).astype(np.int64)
        last = np.clip(np.floor(places + reach - _F(0.5)), 0, size - 1).astype(np.int64)
    taps = min(2 * ceil(min(reach, size)) + 1, size)
    check_size(s, (taps, out), s.out_dtypes[0])
    pixels = first + np.arange(taps)[:, None]
    distance = np.abs((pixels.astype(_F) + _F(0.5) - places) * (_F(1) / wider))
    counts = (pixels <= last) & (places >= 0) & (places <= size)
    weights = np.where(counts, weigh(distance), 0).astype(_F)
    total = weights.sum(0, dtype=_F)
    divisor = np.where(np.abs(total) >= _TINY, total, _F(1))
    return np.minimum(pixels, size - 1), weights * (_F(1) / divisor)


def _kernel_of(s: Site) -> tuple[float, Callable[[Array], Array]]:
    kind = s["kernel_type"]
    name = kind.decode(errors="replace") if isinstance(kind, bytes) else kind
    if name not in _KERNELS:
        raise s.error(f"Unrecognized kernel type: {name}; there are {', '.join(_KERNELS)}")
    return _KERNELS[name]


def _check(s: Site, images: Shape, scale: Array, translation: Array) -> None:
    if images is not None and len(images) != 4:
        raise s.error(f"images must be 4-dimensional, but has shape {format_shape(images)}")
    for what, pair in (("scale", scale), ("translation", translation)):
        if pair.shape != (2,):
            raise s.error(f"{what} must be a vector of 2 elements, but has shape {format_shape(pair.shape)}")
    if not np.all(np.isfinite(scale) & (scale > 0)):
        raise s.error(f"scale must be greater than zero and finite, but is {scale.tolist()}")
    if not np.all(np.isfinite(translation)):
        raise s.error(f"translation must be finite, but is {translation.tolist()}")


def _scale_and_translate(s: Site) -> Kernel:
    _kernel_of(s)

    def run(images: Array, size: Array, scale: Array, translation: Array) -> Array:
        _check(s, images.shape, scale, translation)
        if size.shape != (2,):
            raise s.error(f"size must be a vector of 2 elements, but has shape {format_shape(size.shape)}")
        height, width = size.tolist()
        if height <= 0 or width <= 0:
            raise s.error(f"output dimensions must be positive, but are {size.tolist()}")
        if not images.shape[1] or not images.shape[2]:
            raise s.error(f"input image must be of non-zero size, but has shape {format_shape(images.shape)}")
        check_size(s, (len(images), height, width, images.shape[3]), s.out_dtypes[0])
        x = images.astype(_F, copy=False)
        rows = _weighted(x, _taps(s, x.shape[1], height, scale[0], translation[0]), 1)
        return _weighted(rows, _taps(s, x.shape[2], width, scale[1], translation[1]), 2)

    return run


scale_and_translate: Op = register(
    Op(
        "ScaleAndTranslate(images: T, size: int32, scale: float, translation: float) -> (resized_images: float) | "
        f"T: type in [int8, uint8, int16, uint16, int32, int64, bfloat16, half, float, double]; {_ATTRS}",
        _scale_and_translate,
        "Images of `size`, scaled and then moved by `translation` pixels, sampled with a kernel.",
    )
)


@scale_and_translate.shape
def _(s: Site) -> list[Shape]:
    known, size = s.shapes[0], s.const(1)
    if known is not None and len(known) != 4:
        raise s.error(f"images must be 4-dimensional, but has shape {format_shape(known)}")
    first, last = (None, None) if known is None else (known[0], known[3])
    height, width = (None, None) if size is None or size.shape != (2,) else map(int, size)
    return [(first, height, width, last)]


def _scale_gradient(s: Site) -> Kernel:
    _kernel_of(s)

    def run(g: Array, images: Array, scale: Array, translation: Array) -> Array:
        _check(s, images.shape, scale, translation)
        if g.ndim != 4:
            raise s.error(f"grads must be 4-dimensional, but has shape {format_shape(g.shape)}")
        _, height, width, _ = images.shape
        rows = _spread(g, _taps(s, height, g.shape[1], scale[0], translation[0]), height, 1)
        return np.ascontiguousarray(
            _spread(rows, _taps(s, width, g.shape[2], scale[1], translation[1]), width, 2)
        )

    return run


scale_gradient: Op = register(
    Op(
        "ScaleAndTranslateGrad(grads: T, original_image: T, scale: float, translation: float) -> (output: T) | "
        f"T: type in [float]; {_ATTRS}",
        _scale_gradient,
        "The gradient of ScaleAndTranslate for its images.",
    )
).not_differentiable()
scale_gradient.shape_rule = lambda s: [s.shapes[1]]


@scale_and_translate.grad
def _(c: Any, g: Any) -> list[Any]:
    images, _, scale, translation = c.inputs
    attrs = {name: c[name] for name in ("kernel_type", "antialias")}
    return [scale_gradient(g, images, scale, translation, **attrs), None, None, None]
