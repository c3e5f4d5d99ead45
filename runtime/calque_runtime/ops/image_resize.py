"""Images in another size: nearest, bilinear, bicubic and area sampling, crops of boxes, and their gradients.

Where a sample lies is TensorFlow's: ``align_corners`` lets the corner pixels coincide, ``half_pixel_centers`` counts
from the centers of pixels, and neither of both counts from their corners. Places and weights are float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, register
from ..shapes import Shape, fixed, format_shape, is_static
from .array import shape
from .common import check_size
from .indexing import strided_slice

__all__: list[str] = []

_IMAGES = "[int8, uint8, int16, uint16, int32, int64, half, float, double, bfloat16]"
_ATTRS = "align_corners: bool=false; half_pixel_centers: bool=false"
_F = np.float32
Sampler = Callable[[Site, Array, int, int], Array]


def _scale(size: int, out: int, align: bool) -> Any:
    """How far apart the samples are, in pixels of the input."""
    return _F(size - 1) / _F(out - 1) if align and out > 1 else _F(size) / _F(out)


def _places(s: Site, size: int, out: int) -> Array:
    """Where along an axis of `size` pixels each of `out` samples lies."""
    scale, at = _scale(size, out, s["align_corners"]), np.arange(out, dtype=_F)
    return (at + _F(0.5)) * scale - _F(0.5) if s["half_pixel_centers"] else at * scale


def _between(places: Array, size: int) -> tuple[Array, Array, Array]:
    """For each place the pixel before it, the one after it, and how far it is from the first to the second."""
    low = np.floor(places)
    first = np.clip(low.astype(np.int64), 0, size - 1)
    last = np.clip(np.ceil(places).astype(np.int64), 0, size - 1)
    return first, last, places - low


def _nearest(s: Site, size: int, out: int) -> Array:
    """The pixel that each of `out` samples takes."""
    scale, at = _scale(size, out, s["align_corners"]), np.arange(out, dtype=_F)
    places = (at + _F(0.5)) * scale if s["half_pixel_centers"] else at * scale
    low = np.floor(places)
    if s["align_corners"]:
        low += places - low >= 0.5
    return np.clip(low.astype(np.int64), 0, size - 1)


def _check(s: Site, known: Shape, size: Array | None) -> None:
    if known is not None and len(known) != 4:
        raise s.error(f"input must be 4-dimensional, but has shape {format_shape(known)}")
    if known is not None and 0 in known[1:]:
        raise s.error(f"input image must be of non-zero size, but has shape {format_shape(known)}")
    if size is not None and size.shape != (2,):
        raise s.error(f"size must be a vector of height and width, but has shape {format_shape(size.shape)}")
    if size is not None and size.min() <= 0:
        raise s.error(f"output dimensions must be positive, but are {size.tolist()}")


def _resized(s: Site) -> list[Shape]:
    known, size = s.shapes[0], s.const(1)
    _check(s, known, size)
    first, last = (None, None) if known is None else (known[0], known[3])
    height, width = (None, None) if size is None else (int(size[0]), int(size[1]))
    return [(first, height, width, last)]


def _resize(name: str, sample: Sampler, doc: str, out: str = "float", attrs: str = _ATTRS) -> Op:
    def kernel(s: Site) -> Kernel:
        dtype = s.out_dtypes[0]
        if "half_pixel_centers" in attrs and s["half_pixel_centers"] and s["align_corners"]:
            raise s.error("If half_pixel_centers is True, align_corners must be False.")
        blocked = _blocked(s, sample)
        if blocked is not None:
            return blocked

        def run(images: Array, size: Array) -> Array:
            _check(s, images.shape, size)
            height, width = size.tolist()
            check_size(s, (len(images), height, width, images.shape[3]), dtype)
            return sample(s, images, height, width).astype(dtype.np, copy=False)

        return run

    one = register(
        Op(
            f"{name}(images: T, size: int32) -> (resized_images: {out}) | T: type in {_IMAGES}; {attrs}",
            kernel,
            doc,
        )
    )
    one.shape_rule = _resized
    return one


def _sample_nearest(s: Site, images: Array, height: int, width: int) -> Array:
    rows, columns = _nearest(s, images.shape[1], height), _nearest(s, images.shape[2], width)
    return images[:, rows[:, None], columns]


def _sample_bilinear(s: Site, images: Array, height: int, width: int) -> Array:
    x = images.astype(_F)
    if x.shape[1:3] == (height, width):
        return x
    top, bottom, down = _between(_places(s, x.shape[1], height), x.shape[1])
    left, right, along = _between(_places(s, x.shape[2], width), x.shape[2])
    used, place = np.unique(
        np.concatenate([top, bottom]), return_inverse=True
    )  # no more rows than are needed
    x, place = x[:, used], place.reshape(-1)
    first = x[:, :, left]
    rows = first + (x[:, :, right] - first) * along[:, None]
    first = rows[:, place[:height]]
    out: Array = first + (rows[:, place[height:]] - first) * down[:, None, None]
    return out


def _blocked(s: Site, sample: Sampler) -> Kernel | None:
    """The kernel for images and a size that are known, where there is a special one."""
    known, size = s.shapes[0], s.const(1)
    if sample not in (_sample_nearest, _sample_bilinear) or size is None or not is_static(known):
        return None
    if size.shape != (2,) or size.min() <= 0 or len(fixed(known)) != 4 or 0 in fixed(known):
        return None  # the plain kernel says what is wrong when it runs
    (batch, *image, channels), (height, width) = fixed(known), size.tolist()
    if s.dtypes[0].np.kind not in "fiu" or image == [height, width]:
        return None
    from ..kernels.resize import linear, nearest

    dtype = s.out_dtypes[0]
    pick: Callable[[Array], Array]
    if sample is _sample_nearest:
        rows, columns = _nearest(s, image[0], height), _nearest(s, image[1], width)
        pick = nearest(fixed(known), rows, columns, dtype.np)
    else:
        pick = linear(
            fixed(known),
            _between(_places(s, image[0], height), image[0]),
            _between(_places(s, image[1], width), image[1]),
        )

    def run(images: Array, _: Array) -> Array:
        check_size(s, (batch, height, width, channels), dtype)
        return pick(images)

    run.shares = pick.shares  # type: ignore[attr-defined]
    return run


_STEPS = 1 << 10  # TensorFlow reads the cubic's weights from a table with that many steps to a pixel


def _cubic(a: float) -> tuple[Array, Array]:
    """Weights of the pixels within a pixel's distance and of those a pixel farther, by distance in steps."""
    near = (np.arange(_STEPS + 1) / _STEPS).astype(_F).astype(np.float64)
    far = near + 1
    return (
        (((a + 2) * near - (a + 3)) * near * near + 1).astype(_F),
        (((a * far - 5 * a) * far + 8 * a) * far - 4 * a).astype(_F),
    )


def _cubic_taps(s: Site, size: int, out: int) -> tuple[Array, Array]:
    """The four pixels and weights of each sample: (4, out) both."""
    keys = s["half_pixel_centers"]
    places = _places(s, size, out)
    low = np.floor(places)
    step = np.rint((places - low) * _F(_STEPS)).astype(np.int64)
    near, far = _cubic(-0.5 if keys else -0.75)
    pixels = low.astype(np.int64) + np.arange(-1, 3)[:, None]
    weights = np.stack([far[step], near[step], near[_STEPS - step], far[_STEPS - step]])
    inside = np.clip(pixels, 0, size - 1)
    if keys:  # pixels outside count nothing; otherwise the edge's pixel stands for them
        weights = np.where(inside == pixels, weights, _F(0))
        total = weights[0] + weights[1] + weights[2] + weights[3]
        weights = weights * (_F(1) / total)
    return inside, weights


def _area_taps(size: int, out: int, align: bool) -> tuple[Array, Array]:
    """The pixels that each sample covers, and how much of each: (taps, out) both."""
    scale = _scale(size, out, align)
    begin, end = (np.arange(out + 1, dtype=_F) * scale)[:-1], (np.arange(1, out + 1, dtype=_F) * scale)
    first, last = np.floor(begin).astype(np.int64), np.ceil(end).astype(np.int64) - 1
    pixels = first + np.arange(int((last - first).max()) + 1)[:, None]
    covered = np.minimum(pixels + 1, end) - np.maximum(pixels, begin)
    weights = np.where(pixels <= last, covered, 0).astype(_F)
    return np.clip(np.minimum(pixels, last), 0, size - 1), weights / scale


def _weighted(x: Array, taps: tuple[Array, Array], axis: int) -> Array:
    """The weighted sums of an axis's pixels."""
    tail = (1,) * (x.ndim - 1 - axis)
    total: Any = None
    for pixels, weights in zip(*taps, strict=True):
        part = np.take(x, pixels, axis) * weights.reshape(-1, *tail).astype(x.dtype)
        total = part if total is None else total + part
    return total


def _sample_bicubic(s: Site, images: Array, height: int, width: int) -> Array:
    rows = _weighted(images.astype(_F), _cubic_taps(s, images.shape[1], height), 1)
    return _weighted(rows, _cubic_taps(s, images.shape[2], width), 2)


def _sample_area(s: Site, images: Array, height: int, width: int) -> Array:
    align = s["align_corners"]
    rows = _weighted(images.astype(_F), _area_taps(images.shape[1], height, align), 1)
    return _weighted(rows, _area_taps(images.shape[2], width, align), 2)


resize_nearest: Op = _resize(
    "ResizeNearestNeighbor",
    _sample_nearest,
    "Images of another size: each pixel is the nearest one of the input.",
    out="T",
)
resize_bilinear: Op = _resize(
    "ResizeBilinear", _sample_bilinear, "Images of another size, interpolated linearly between four pixels."
)
resize_bicubic: Op = _resize(
    "ResizeBicubic", _sample_bicubic, "Images of another size, interpolated by a cubic of sixteen pixels."
)
resize_area: Op = _resize(
    "ResizeArea",
    _sample_area,
    "Images of another size: each pixel is the mean of the area that it covers in the input.",
    attrs="align_corners: bool=false",
)


def _spread(g: Array, taps: tuple[Array, Array], size: int, axis: int) -> Array:
    """What `_weighted` has as its gradient: each sample's share laid back to its pixels."""
    moved = np.moveaxis(g, axis, 0)
    out = np.zeros((size, *moved.shape[1:]), g.dtype)
    tail = (1,) * (g.ndim - 1)
    for pixels, weights in zip(*taps, strict=True):
        np.add.at(out, pixels, moved * weights.reshape(-1, *tail).astype(g.dtype))
    return np.moveaxis(out, 0, axis)


def _linear_taps(s: Site, size: int, out: int) -> tuple[Array, Array]:
    first, last, along = _between(_places(s, size, out), size)
    return np.stack([first, last]), np.stack([1 - along, along])


def _nearest_taps(s: Site, size: int, out: int) -> tuple[Array, Array]:
    return _nearest(s, size, out)[None], np.ones((1, out), _F)


Taps = Callable[[Site, int, int], "tuple[Array, Array]"]


def _gradient(s: Site, g: Array, height: int, width: int, taps: Taps) -> Array:
    if g.ndim != 4:
        raise s.error(f"grads must be 4-dimensional, but has shape {format_shape(g.shape)}")
    if height <= 0 or width <= 0:
        raise s.error(f"the image must have a positive size, but is {height} by {width}")
    dtype = s.out_dtypes[0]
    check_size(s, (len(g), height, width, g.shape[3]), dtype)
    wide = g.astype(np.float64 if dtype.name == "float64" else np.float32)
    rows = _spread(wide, taps(s, height, g.shape[1]), height, 1)
    return np.ascontiguousarray(_spread(rows, taps(s, width, g.shape[2]), width, 2)).astype(
        dtype.np, copy=False
    )


def _resize_gradient(name: str, types: str, taps: Taps, of: Op) -> Op:
    def kernel(s: Site) -> Kernel:
        return lambda g, image: _gradient(s, g, image.shape[1], image.shape[2], taps)

    one = register(
        Op(
            f"{name}(grads: float, original_image: T) -> (output: T) | T: type in {types}; {_ATTRS}",
            kernel,
            f"The gradient of {of.name} for its image.",
        )
    )
    one.shape_rule = lambda s: [s.shapes[1]]
    of.gradient = lambda c, g: [one(g, c.inputs[0], **_both(c)), None]
    one.gradient = lambda c, g: [of(g, _height_and_width(c.inputs[0]), **_both(c)), None]
    return one


def _both(c: Call) -> dict[str, Any]:
    return {name: c[name] for name in ("align_corners", "half_pixel_centers")}


def _height_and_width(images: Any) -> Any:
    begin, end, ones = (np.array([n], np.int32) for n in (1, 3, 1))
    return strided_slice(shape(images), begin, end, ones)


resize_bilinear_grad: Op = _resize_gradient(
    "ResizeBilinearGrad", "[float, bfloat16, half, double]", _linear_taps, resize_bilinear
)
resize_bicubic_grad: Op = _resize_gradient(
    "ResizeBicubicGrad", "[float, double]", _cubic_taps, resize_bicubic
)


def _nearest_gradient(s: Site) -> Kernel:
    def run(g: Array, size: Array) -> Array:
        height, width = size.tolist()
        return _gradient(s, g, height, width, _nearest_taps)

    return run


resize_nearest_grad: Op = register(
    Op(
        "ResizeNearestNeighborGrad(grads: T, size: int32) -> (output: T) | "
        f"T: type in [uint8, int8, int32, half, float, double, bfloat16]; {_ATTRS}",
        _nearest_gradient,
        "The gradient of ResizeNearestNeighbor for an image of the height and width `size`.",
    )
)
resize_nearest_grad.shape_rule = _resized


@resize_nearest.grad
def _(c: Call, g: Any) -> list[Any]:
    return [resize_nearest_grad(g, _height_and_width(c.inputs[0]), **_both(c)), None]


@resize_nearest_grad.grad
def _(c: Call, g: Any) -> list[Any]:
    return [resize_nearest(g, _height_and_width(c.inputs[0]), **_both(c)), None]
