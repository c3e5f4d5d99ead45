"""Boxes on images: drawing them, looking at one place, drawing random crops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import float64
from ..op import Array, Kernel, Op, Site, register, registered
from ..shapes import Shape
from .common import check_size, same_shape
from .philox import uniform
from .streams import STATEFUL, Reserved

__all__: list[str] = []

# The colors that boxes get in turn where none are given.
_COLORS = (
    (1, 1, 0, 1), (0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 0, 1), (0.5, 0, 0.5, 1), (0.5, 0.5, 0, 1), (0.5, 0, 0, 1),
    (0, 0, 0.5, 1), (0, 1, 1, 1), (1, 0, 1, 1),
)  # fmt: skip


def _draw(name: str, colored: bool, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        def run(images: Array, boxes: Array, colors: Array | None = None) -> Array:
            if images.ndim != 4 or images.shape[3] not in (1, 3, 4):
                raise s.error(
                    f"images must be [batch, height, width, 1, 3 or 4], but are {list(images.shape)}"
                )
            if boxes.ndim != 3 or boxes.shape[0] != images.shape[0] or boxes.shape[2] != 4:
                raise s.error(f"boxes must be [{images.shape[0]}, boxes, 4], but are {list(boxes.shape)}")
            batch, depth = images.shape[0], images.shape[3]
            table = np.array(_COLORS, np.float32)
            if colors is not None and colors.size:
                if colors.ndim != 2 or colors.shape[1] < depth:
                    raise s.error(f"colors must be [colors, {depth} or more], but are {list(colors.shape)}")
                table = colors
            if depth == 1:
                table = np.ones((len(table), 1), np.float32)
            out = np.array(images)
            for b in range(batch):
                for n, box in enumerate(boxes[b].tolist()):
                    _outline(out[b], box, table[n % len(table), :depth])
            return out

        return run

    made = register(
        Op(
            f"{name}(images: T, boxes: float{', colors: float' if colored else ''}) -> (output: T) | "
            "T: type=float in float half",
            kernel,
            doc,
        )
    )
    made.shape_rule = same_shape
    return made


def _outline(image: Array, box: list[float], color: Array) -> None:
    height, width, _ = image.shape
    if any(np.isnan(box)):
        return
    top, bottom = (int(box[i] * (height - 1)) for i in (0, 2))
    left, right = (int(box[i] * (width - 1)) for i in (1, 3))
    if top > bottom or left > right or top >= height or bottom < 0 or left >= width or right < 0:
        return
    rows = slice(max(top, 0), min(bottom, height - 1) + 1)
    columns = slice(max(left, 0), min(right, width - 1) + 1)
    for y in (top, bottom):
        if 0 <= y < height:
            image[y, columns] = color
    for x in (left, right):
        if 0 <= x < width:
            image[rows, x] = color


draw_bounding_boxes: Op = _draw(
    "DrawBoundingBoxes", False, "The images with the outlines of boxes (y1, x1, y2, x2, in [0, 1]) on them."
)
draw_bounding_boxes_v2: Op = _draw(
    "DrawBoundingBoxesV2", True, "The images with the outlines of boxes on them, in given colors."
)


def _glimpse(name: str, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        centered, normalized = s["centered"], s["normalized"]
        noise = b"uniform" if s["uniform_noise"] and s["noise"] == b"uniform" else s["noise"]
        if noise not in (b"uniform", b"gaussian", b"zero"):
            raise s.error(
                f"noise should be uniform, gaussian or zero, but is {noise.decode(errors='replace')}"
            )
        random = np.random.default_rng()
        by_middle = name == "ExtractGlimpse" or (normalized and centered)

        def run(images: Array, size: Array, offsets: Array) -> Array:
            if images.ndim != 4 or size.shape != (2,) or offsets.shape != (len(images), 2):
                raise s.error(
                    f"input {list(images.shape)}, size {list(size.shape)} and offsets {list(offsets.shape)} must be "
                    "[batch, height, width, depth], [2] and [batch, 2]"
                )
            batch, height, width, depth = images.shape
            shape = check_size(s, (batch, *size, depth), s.dtypes[0])
            out = _filled(noise, shape, images, random)
            for b in range(batch):
                top, left = _corner(
                    offsets[b].tolist(), height, width, shape[1:3], normalized, centered, by_middle
                )
                rows = slice(max(top, 0), max(min(top + shape[1], height), 0))
                columns = slice(max(left, 0), max(min(left + shape[2], width), 0))
                part = images[b, rows, columns]
                if part.size:
                    at = rows.start - top, columns.start - left
                    out[b, at[0] : at[0] + part.shape[0], at[1] : at[1] + part.shape[1]] = part
            return out

        return run

    made = register(
        Op(
            f"{name}(input: float, size: int32, offsets: float) -> (glimpse: float) | centered: bool=true; "
            "normalized: bool=true; uniform_noise: bool=true; noise: string='uniform'",
            kernel,
            doc,
        )
    )
    made.shape_rule = _glimpse_shape
    return made


def _corner(
    offset: list[float],
    height: int,
    width: int,
    size: Sequence[int],
    normalized: bool,
    centered: bool,
    by_middle: bool,
) -> tuple[int, int]:
    """The upper left corner of a glimpse: its offset says where its middle is, or the corner itself."""
    y, x = (offset[0] * height, offset[1] * width) if normalized else offset
    if by_middle:
        y, x = ((y + height) / 2, (x + width) / 2) if centered else (y, x)
        return int(y - size[0] / 2), int(x - size[1] / 2)
    return (int(y + height / 2), int(x + width / 2)) if centered else (int(y), int(x))


def _filled(noise: bytes, shape: tuple[int, ...], images: Array, random: Any) -> Array:
    """What stands where a glimpse is outside of its image."""
    if noise == b"zero":
        return np.zeros(shape, np.float32)
    if noise == b"uniform":
        low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 1.0)
        return random.uniform(low, high, shape).astype(np.float32)
    return random.normal(images.mean(), images.std(), shape).astype(np.float32)


def _glimpse_shape(s: Site) -> list[Shape]:
    images, size = s.shapes[0], s.const_shape(1)
    if images is None or len(images) != 4:
        return [None]
    known = size if size is not None and len(size) == 2 else (None, None)
    return [(images[0], *known, images[3])]


extract_glimpse: Op = _glimpse(
    "ExtractGlimpse",
    "A window of each image whose middle is at an offset; noise where it is outside of the image.",
)
extract_glimpse_v2: Op = _glimpse(
    "ExtractGlimpseV2", "A window of each image around a place; noise where it is outside of the image."
)


def _distorted(name: str, extra: str, attrs: str) -> Op:
    def kernel(s: Site) -> Kernel:
        stream = Reserved.of(s)
        ratios, areas, attempts = s["aspect_ratio_range"], s["area_range"], s["max_attempts"]
        whole = s["use_image_if_no_bounding_boxes"]
        covered = 0.0 if extra else s["min_object_covered"]
        if len(ratios) != 2 or not 0 < ratios[0] <= ratios[1]:
            raise s.error(f"aspect_ratio_range must be two numbers over 0 in order, but is {ratios}")
        if len(areas) != 2 or not 0 < areas[0] <= areas[1] <= 1:
            raise s.error(f"area_range must be two numbers in (0, 1] in order, but is {areas}")
        if attempts < 1:
            raise s.error(f"max_attempts must be positive, but is {attempts}")

        def run(size: Array, boxes: Array, least: Array | None = None) -> list[Array]:
            if size.shape != (3,) or boxes.ndim != 3 or boxes.shape[2] != 4:
                raise s.error(
                    f"image_size {list(size.shape)} and bounding_boxes {list(boxes.shape)} must be "
                    "[3] and [batch, boxes, 4]"
                )
            height, width = int(size[0]), int(size[1])
            flat = boxes.reshape(-1, 4)
            if not len(flat) and not whole:
                raise s.error(
                    "No bounding boxes provided as input; use_image_if_no_bounding_boxes takes the image"
                )
            need = float(covered if least is None else least)
            given = flat if len(flat) else np.array([[0, 0, 1, 1]], np.float32)
            uniforms = uniform(stream.take(2 * attempts), 4 * attempts, float64).reshape(-1, 4).tolist()
            top, left, rows, columns = 0, 0, height, width
            for u in uniforms:
                found = _candidate(u, height, width, ratios, areas)
                if found is not None and _covers(found, given, height, width, need):
                    top, left, rows, columns = found
                    break
            box = np.array(
                [top / height, left / width, (top + rows) / height, (left + columns) / width], np.float32
            )
            return [
                np.array([top, left, 0], size.dtype), np.array([rows, columns, -1], size.dtype), box.reshape(1, 1, 4),
            ]  # fmt: skip

        return run

    made = register(
        Op(
            f"{name}(image_size: T, bounding_boxes: float{extra}) -> (begin: T, size: T, bboxes: float) | "
            f"T: type in uint8 int8 int16 int32 int64; seed: int=0; seed2: int=0; {attrs}"
            "aspect_ratio_range: list(float)=[0.75, 1.3300000429153442]; "
            "area_range: list(float)=[0.05000000074505806, 1.0]; max_attempts: int=100; "
            "use_image_if_no_bounding_boxes: bool=false | stateful",
            kernel,
            "A random crop of an image that covers enough of some box; the whole image where none is found.",
        )
    )
    made.shape_rule = lambda s: [(3,), (3,), (1, 1, 4)]
    STATEFUL.append(made)
    return made


def _candidate(
    u: list[float], height: int, width: int, ratios: tuple[float, ...], areas: tuple[float, ...]
) -> tuple[int, int, int, int] | None:
    """A window of a random form, size and place, or None where it does not fit into the image."""
    ratio = ratios[0] + u[0] * (ratios[1] - ratios[0])
    area = (areas[0] + u[1] * (areas[1] - areas[0])) * height * width
    rows = round((area / ratio) ** 0.5)
    columns = round(rows * ratio)
    if not (0 < rows <= height and 0 < columns <= width):
        return None
    return int(u[2] * (height - rows + 1)), int(u[3] * (width - columns + 1)), rows, columns


def _covers(window: tuple[int, int, int, int], boxes: Array, height: int, width: int, least: float) -> bool:
    top, left, rows, columns = window
    scale = np.array([height, width, height, width], np.float64)
    y1, x1, y2, x2 = (boxes.astype(np.float64) * scale).T
    tall = np.clip(np.minimum(y2, top + rows) - np.maximum(y1, top), 0, None)
    wide = np.clip(np.minimum(x2, left + columns) - np.maximum(x1, left), 0, None)
    area = (y2 - y1) * (x2 - x1)
    return bool(np.any((area > 0) & (tall * wide >= least * area)))


sample_distorted_bounding_box: Op = _distorted(
    "SampleDistortedBoundingBox", "", "min_object_covered: float=0.10000000149011612; "
)
sample_distorted_bounding_box_v2: Op = _distorted(
    "SampleDistortedBoundingBoxV2", ", min_object_covered: float", ""
)

# What docs/ops.md says of limits.
for _names, _words in (
    (
        "ExtractGlimpse ExtractGlimpseV2 SampleDistortedBoundingBox SampleDistortedBoundingBoxV2",
        "random numbers are not TensorFlow's",
    ),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
