"""Parts of images: crops of boxes, patches, and projective transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..errors import OutOfRangeError
from ..op import Array, Call, Kernel, Op, Site, op, register
from ..record import record
from ..shapes import Shape, format_shape, merge_dim
from .array import shape
from .common import check_size
from .windows import Windows

__all__: list[str] = []

_F = np.float32
_IMAGE = "T: type in [uint8, uint16, int8, int16, int32, int64, half, float, double]"


def _round(x: Array) -> Array:
    """To the nearest integer, halves away from zero."""
    return np.copysign(np.floor(np.abs(x) + _F(0.5)), x)


@record(frozen=True)
class _Axis:
    """Where the samples of crops lie along one axis.

    Attributes:
        places: in pixels of the image, (boxes, samples).
        inside: which of them are in the image.
        first, last: the pixels before and after, clipped to the image.
        along: how far each sample is from `first` to `last`.
        size: of the image.
    """

    places: Array
    inside: Array
    first: Array
    last: Array
    along: Array
    size: int


def _axis(begin: Array, end: Array, size: int, samples: int) -> _Axis:
    """Samples from `begin` to `end`, which are fractions of the axis's length less one."""
    most = _F(size - 1)
    if samples > 1:
        step = (end - begin) * most / _F(samples - 1)
        places = (begin * most)[:, None] + np.arange(samples, dtype=_F) * step[:, None]
    else:
        places = (_F(0.5) * (begin + end) * most)[:, None]
    inside = (places >= 0) & (places <= most)
    safe = np.where(inside, places, _F(0))
    low = np.floor(safe)
    return _Axis(safe, inside, low.astype(np.int64), np.ceil(safe).astype(np.int64), safe - low, size)


def _check_boxes(s: Site, boxes: Array, box_ind: Array, batch: int) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise s.error(f"boxes must have the shape [num_boxes, 4], but have {format_shape(boxes.shape)}")
    if box_ind.shape != (len(boxes),):
        raise s.error(
            f"box_index has incompatible shape {format_shape(box_ind.shape)}: a number for each box"
        )
    if len(box_ind) and not (box_ind.min() >= 0 and box_ind.max() < batch):
        raise s.error("box_index has values outside [0, batch_size)", OutOfRangeError)


def _axes(boxes: Array, height: int, width: int, rows: int, columns: int) -> tuple[_Axis, _Axis]:
    y1, x1, y2, x2 = boxes.astype(_F).T
    return _axis(y1, y2, height, rows), _axis(x1, x2, width, columns)


def _corners(down: _Axis, along: _Axis) -> list[tuple[Array, Array, Array]]:
    """Rows, columns and weights of the four pixels around each sample, each (boxes, rows, columns)."""
    out = []
    for y, wy in ((down.first, 1 - down.along), (down.last, down.along)):
        for x, wx in ((along.first, 1 - along.along), (along.last, along.along)):
            weights = wy[:, :, None] * wx[:, None, :]
            out.append((y[:, :, None], x[:, None, :], weights))
    return out


@op(
    "CropAndResize(image: T, boxes: float, box_ind: int32, crop_size: int32) -> (crops: float) | "
    f"{_IMAGE}; method: string='bilinear' in ['bilinear', 'nearest']; extrapolation_value: float=0.0"
)
def crop_and_resize(s: Site) -> Kernel:
    """The boxes (y1, x1, y2, x2 in fractions of the image) of images, all resampled to the size `crop_size`."""
    nearest, outside = s["method"] == b"nearest", _F(s["extrapolation_value"])
    dtype = s.out_dtypes[0]

    def run(image: Array, boxes: Array, box_ind: Array, crop_size: Array) -> Array:
        if image.ndim != 4:
            raise s.error(f"input image must be 4-D, but has shape {format_shape(image.shape)}")
        if 0 in image.shape[1:3]:
            raise s.error("image dimensions must be positive")
        _check_boxes(s, boxes, box_ind, len(image))
        if crop_size.shape != (2,):
            raise s.error(
                f"crop_size must be height and width, but has shape {format_shape(crop_size.shape)}"
            )
        rows, columns = crop_size.tolist()
        if rows <= 0 or columns <= 0:
            raise s.error(f"crop dimensions must be positive, but are {[rows, columns]}")
        check_size(s, (len(boxes), rows, columns, image.shape[3]), dtype)
        down, along = _axes(boxes, image.shape[1], image.shape[2], rows, columns)
        which = box_ind[:, None, None]
        if nearest:
            y, x = (_round(a.places).astype(np.int64) for a in (down, along))
            crops = image[which, y[:, :, None], x[:, None, :]].astype(_F)
        else:
            tl, tr, bl, br = (image[which, y, x].astype(_F) for y, x, _ in _corners(down, along))
            share = along.along[:, None, :, None]
            top = tl + (tr - tl) * share
            crops = top + (bl + (br - bl) * share - top) * down.along[:, :, None, None]
        crops[~(down.inside[:, :, None] & along.inside[:, None, :])] = outside
        return crops

    return run


@crop_and_resize.shape
def _(s: Site) -> list[Shape]:
    image, boxes, box_ind, _ = s.shapes
    size = s.const(3)
    for what, known, rank in (("image", image, 4), ("boxes", boxes, 2), ("box_index", box_ind, 1)):
        if known is not None and len(known) != rank:
            raise s.error(f"{what} must have rank {rank}, but has shape {format_shape(known)}")
    rows, columns = (None, None) if size is None or size.shape != (2,) else size.tolist()
    count = merge_dim(None if boxes is None else boxes[0], None if box_ind is None else box_ind[0])
    return [(count, rows, columns, None if image is None else image[3])]


@op(
    "CropAndResizeGradImage(grads: float, boxes: float, box_ind: int32, image_size: int32) -> (output: T) | "
    "T: type in [float, half, double]; method: string='bilinear' in ['bilinear', 'nearest']"
)
def crop_and_resize_grad_image(s: Site) -> Kernel:
    """The gradient of CropAndResize for its image."""
    nearest, dtype = s["method"] == b"nearest", s["T"]

    def run(grads: Array, boxes: Array, box_ind: Array, image_size: Array) -> Array:
        if grads.ndim != 4 or image_size.shape != (4,):
            raise s.error("grads must be 4-D and image_size must be a vector of 4 sizes")
        batch, height, width, depth = check_size(s, image_size.tolist(), dtype)
        if 0 in (height, width):
            raise s.error("image dimensions must be positive")
        _check_boxes(s, boxes, box_ind, batch)
        if len(grads) != len(boxes) or grads.shape[3] != depth:
            raise s.error(
                "grads must have the number of boxes as its first size and the image's depth as its last"
            )
        down, along = _axes(boxes, height, width, grads.shape[1], grads.shape[2])
        inside = down.inside[:, :, None] & along.inside[:, None, :]
        out = np.zeros((batch, height, width, depth), np.float64)
        if nearest:
            y, x = (_round(a.places).astype(np.int64) for a in (down, along))
            corners = [(y[:, :, None], x[:, None, :], np.ones((), _F))]
        else:
            corners = _corners(down, along)
        for y, x, weights in corners:
            np.add.at(out, (box_ind[:, None, None], y, x), grads * (weights * inside)[..., None])
        return out.astype(dtype.np)

    return run


@crop_and_resize_grad_image.shape
def _(s: Site) -> list[Shape]:
    return [s.const_shape(3) or (None,) * 4]


@op(
    "CropAndResizeGradBoxes(grads: float, image: T, boxes: float, box_ind: int32) -> (output: float) | "
    f"{_IMAGE}; method: string='bilinear' in ['bilinear']"
)
def crop_and_resize_grad_boxes(s: Site) -> Kernel:
    """The gradient of CropAndResize for its boxes."""

    def run(grads: Array, image: Array, boxes: Array, box_ind: Array) -> Array:
        if grads.ndim != 4 or image.ndim != 4 or len(grads) != len(boxes):
            raise s.error(
                "grads and image must be 4-D, and grads must have the number of boxes as its first size"
            )
        _check_boxes(s, boxes, box_ind, len(image))
        _, rows, columns, _ = grads.shape
        down, along = _axes(boxes, image.shape[1], image.shape[2], rows, columns)
        which = box_ind[:, None, None]
        tl, tr, bl, br = (image[which, y, x].astype(_F) for y, x, _ in _corners(down, along))
        wy, wx = down.along[:, :, None, None], along.along[:, None, :, None]
        inside = (down.inside[:, :, None] & along.inside[:, None, :])[..., None]
        gy = (grads * ((1 - wx) * (bl - tl) + wx * (br - tr)) * inside).sum((2, 3))
        gx = (grads * ((1 - wy) * (tr - tl) + wy * (br - bl)) * inside).sum((1, 3))
        (y1, y2), (x1, x2) = _ends(gy, image.shape[1]), _ends(gx, image.shape[2])
        return np.stack([y1, x1, y2, x2], axis=1).astype(_F)

    return run


def _ends(g: Array, size: int) -> tuple[Array, Array]:
    """The gradients of a box's begin and end along an axis, from those of its samples: (boxes, samples)."""
    samples, most = g.shape[1], size - 1
    if samples == 1:
        half = 0.5 * most * g[:, 0]
        return half, half
    toward_end = np.arange(samples) * (most / (samples - 1))
    return (g * (most - toward_end)).sum(1), (g * toward_end).sum(1)


@crop_and_resize_grad_boxes.shape
def _(s: Site) -> list[Shape]:
    return [(None if s.shapes[2] is None else s.shapes[2][0], 4)]


@crop_and_resize.grad
def _(c: Call, g: Any) -> list[Any]:
    image, boxes, box_ind, _ = c.inputs
    of_image = None
    if as_dtype(image.dtype).is_floating:
        of_image = crop_and_resize_grad_image(
            g, boxes, box_ind, shape(image), T=as_dtype(image.dtype), method=c["method"]
        )
    return [of_image, crop_and_resize_grad_boxes(g, image, boxes, box_ind), None, None]


_PATCHED = (
    "[bfloat16, half, float, double, int8, int16, int32, int64, uint8, uint16, uint32, uint64, complex64, complex128, "
    "bool]"
)


def _patches_of(s: Site) -> Windows:
    def spatial(name: str) -> tuple[int, ...]:
        values = s[name] if name in s.op.signature.attrs else (1,) * len(s["ksizes"])
        if len(values) != len(s["ksizes"]) or values[0] != 1 or values[-1] != 1:
            raise s.unsupported(f"{name} {list(values)}: only 1 is supported for batch and channels")
        if min(values) < 1:
            raise s.error(f"{name} must be positive, but is {list(values)}")
        return tuple(values[1:-1])

    return Windows(False, spatial("ksizes"), spatial("strides"), spatial("rates"), s["padding"], (), s)


def _patches(name: str, rank: int, attrs: str, types: str, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        windows = _patches_of(s)

        def run(images: Array) -> Array:
            check_size(s, (d or 0 for d in _patches_shape(s, images.shape, windows) or ()), s.dtypes[0])
            view = windows.view(images, windows.size, 0)
            return view.reshape(*view.shape[: rank - 1], int(np.prod(view.shape[rank - 1 :])))

        return run

    def _patches_shape(s: Site, known: Shape, windows: Windows) -> Shape:
        if known is None:
            return (None,) * rank
        if len(known) != rank:
            raise s.error(f"input must be {rank}-dimensional, but has shape {format_shape(known)}")
        depth = None if known[-1] is None else known[-1] * int(np.prod(windows.size))
        return (known[0], *windows.out(known[1:-1], windows.size), depth)

    arg = "images" if rank == 4 else "input"
    one = register(
        Op(
            f"{name}({arg}: T) -> (patches: T) | ksizes: list(int) >={rank}; strides: list(int) >={rank}; {attrs}"
            f"T: type in {types}; padding: string in ['SAME', 'VALID']",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: [_patches_shape(s, s.shapes[0], _patches_of(s))]
    return one


extract_image_patches: Op = _patches(
    "ExtractImagePatches",
    4,
    "rates: list(int) >=4; ",
    _PATCHED,
    "Every window of the images, its pixels laid out in the last axis.",
)
extract_volume_patches: Op = _patches(
    "ExtractVolumePatches",
    5,
    "",
    "real",
    "Every window of the volumes, its elements laid out in the last axis.",
)


def _reflected(at: Array, size: int) -> Array:
    """Coordinates mirrored at the image's edges: d c b a | a b c d | d c b a."""
    if size <= 1:
        return np.zeros_like(at)
    period = 2 * size
    below = np.where(at < -period, at + period * np.trunc(-at / period), at)
    below = np.where(below < -size, below + period, -below - 1)
    above = at - period * np.trunc(at / period)
    above = np.where(above >= size, period - above - 1, above)
    return np.clip(np.where(at < 0, below, np.where(at > size - 1, above, at)), 0, size - 1)


def _wrapped(at: Array, size: int) -> Array:
    """Coordinates that go on at the opposite edge: a b c d | a b c d | a b c d."""
    if size <= 1:
        return np.zeros_like(at)
    below = at + size * (np.trunc(-at / (size - 1)) + 1)
    above = at - size * np.trunc(at / (size - 1))
    return np.clip(np.where(at < 0, below, np.where(at > size - 1, above, at)), 0, size - 1)


_FILL: dict[bytes, Callable[[Array, int], Array]] = {
    b"CONSTANT": lambda at, size: at,
    b"REFLECT": _reflected,
    b"WRAP": _wrapped,
    b"NEAREST": lambda at, size: np.clip(at, 0, size - 1),
}


def _read(images: Array, y: Array, x: Array, fill: Any) -> Array:
    """The pixels at rows `y` and columns `x` (float), each (batch, height, width); `fill` outside the image."""
    height, width = images.shape[1:3]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    rows = np.where(inside, y, 0).astype(np.int64)
    columns = np.where(inside, x, 0).astype(np.int64)
    return np.where(inside[..., None], images[np.arange(len(images))[:, None, None], rows, columns], fill)


def _transformed(
    s: Site, images: Array, transforms: Array, output_shape: Array, fill: Any, smooth: bool
) -> Array:
    if images.ndim != 4:
        raise s.error(f"Input images must have rank 4, but have shape {format_shape(images.shape)}")
    if transforms.ndim != 2 or transforms.shape[1] != 8 or len(transforms) not in (1, len(images)):
        raise s.error(
            "Input transform should be num_images x 8 or 1 x 8, but has shape "
            + format_shape(transforms.shape)
        )
    if output_shape.shape != (2,) or output_shape.min() <= 0:
        raise s.error(f"output_shape must be two positive sizes, but is {output_shape.tolist()}")
    rows, columns = output_shape.tolist()
    check_size(s, (len(images), rows, columns, images.shape[3]), s.out_dtypes[0])
    if 0 in images.shape[1:3]:
        return np.full((len(images), rows, columns, images.shape[3]), fill, images.dtype)
    t = np.broadcast_to(transforms.astype(_F), (len(images), 8)).T[:, :, None, None]
    oy, ox = np.arange(rows, dtype=_F)[:, None], np.arange(columns, dtype=_F)
    depth = t[6] * ox + t[7] * oy + _F(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = (t[0] * ox + t[1] * oy + t[2]) / depth
        y = (t[3] * ox + t[4] * oy + t[5]) / depth
    inside_out = _FILL[s["fill_mode"]]
    valid = depth != 0
    x = inside_out(np.where(valid, x, _F(0)), images.shape[2])
    y = inside_out(np.where(valid, y, _F(0)), images.shape[1])
    if smooth:
        wide = images.astype(_F) if images.dtype.itemsize < 4 or images.dtype.kind in "iu" else images
        left, top = np.floor(x), np.floor(y)
        right, bottom = left + 1, top + 1
        wl, wr, wt, wb = ((a)[..., None] for a in (right - x, x - left, bottom - y, y - top))
        upper = wl * _read(wide, top, left, fill) + wr * _read(wide, top, right, fill)
        lower = wl * _read(wide, bottom, left, fill) + wr * _read(wide, bottom, right, fill)
        out = wt * upper + wb * lower
    else:
        out = _read(images, _round(y), _round(x), fill)
    return np.where(valid[..., None], out, fill).astype(images.dtype)


def _transform(name: str, filled: bool) -> Op:
    def kernel(s: Site) -> Kernel:
        how, mode = s["interpolation"], s["fill_mode"]
        if how not in (b"NEAREST", b"BILINEAR"):
            raise s.error(f"Invalid interpolation {how.decode()}. Supported types: NEAREST, BILINEAR")
        if mode not in _FILL:
            raise s.error(
                f"Invalid mode {mode.decode()}. Supported types: {', '.join(k.decode() for k in _FILL)}"
            )
        smooth = how == b"BILINEAR"

        def run(images: Array, transforms: Array, output_shape: Array, fill: Any = 0) -> Array:
            return _transformed(
                s, images, transforms, output_shape, np.asarray(fill).astype(images.dtype), smooth
            )

        return run

    one = register(
        Op(
            f"{name}(images: dtype, transforms: float, output_shape: int32{', fill_value: float' * filled}) -> "
            "(transformed_images: dtype) | dtype: type in [uint8, int32, int64, half, bfloat16, float, double]; "
            "interpolation: string; fill_mode: string='CONSTANT'",
            kernel,
            "Images seen through projective transforms: of each output pixel, where in the input it lies.",
        )
    )

    def shape_rule(s: Site) -> list[Shape]:
        known, size = s.shapes[0], s.const_shape(2) or (None, None)
        if known is not None and len(known) != 4:
            raise s.error(f"Input images must have rank 4, but have shape {format_shape(known)}")
        return [(None, *size, None) if known is None else (known[0], *size, known[3])]

    one.shape_rule = shape_rule
    return one


image_projective_transform_v2: Op = _transform("ImageProjectiveTransformV2", False)
image_projective_transform_v3: Op = _transform("ImageProjectiveTransformV3", True)
