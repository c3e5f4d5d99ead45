"""`tf.image`: other sizes, other places: resizing, cropping, padding, flipping.

An image is a tensor of shape [height, width, channels]; most functions also take a batch of them.
"""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes

from ..tensor import Tensor
from .arguments import shape_tensor, static_rank, tensor
from .array_ops import expand_dims, pad, reverse, shape, squeeze, stack, zeros
from .array_ops import transpose as transpose_axes
from .indexing_ops import slice
from .math_ops import cast, divide, maximum, minimum
from .math_ops import round as round_
from .raw import raw

__all__ = [
    "ResizeMethod",
    "at_least_3d",
    "batched",
    "central_crop",
    "crop_and_resize",
    "crop_to_bounding_box",
    "extract_patches",
    "flip_left_right",
    "flip_up_down",
    "pad_to_bounding_box",
    "resize",
    "resize_with_crop_or_pad",
    "resize_with_pad",
    "rot90",
    "transpose",
]


class ResizeMethod:
    """How `resize` finds values between pixels."""

    BILINEAR = "bilinear"
    NEAREST_NEIGHBOR = "nearest"
    BICUBIC = "bicubic"
    AREA = "area"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    GAUSSIAN = "gaussian"
    MITCHELLCUBIC = "mitchellcubic"


# The kernels of those methods that ScaleAndTranslate does: always, or where antialiasing is asked for.
_KERNELS = {name: name for name in ("lanczos3", "lanczos5", "gaussian", "mitchellcubic")}
_ANTIALIASED = _KERNELS | {"bilinear": "triangle", "bicubic": "keyscubic"}
_PLAIN = {"bilinear": "ResizeBilinear", "nearest": "ResizeNearestNeighbor", "bicubic": "ResizeBicubic"}


def batched(images: Any) -> tuple[Tensor, bool]:
    """Images as a batch, and whether they were one already.

    Raises:
        ValueError: they have neither 3 nor 4 axes.
    """
    x = tensor(images)
    rank = static_rank(x)
    if rank is None:
        raise ValueError("'images' contains no shape.")
    if rank not in (3, 4):
        raise ValueError("'images' must have either 3 or 4 dimensions.")
    return (x, True) if rank == 4 else (expand_dims(x, 0), False)


def _like_before(images: Any, was_batch: bool) -> Any:
    return images if was_batch else squeeze(images, [0])


def resize(
    images: Any,
    size: Any,
    method: str = ResizeMethod.BILINEAR,
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Images of another size, as float32 (nearest: of their own dtype).

    Args:
        images: one image or a batch.
        size: the new height and width.
        method: one of `ResizeMethod`.
        preserve_aspect_ratio: are the sides to keep their ratio, and `size` to be the most they may have?
        antialias: is the image smoothed where it becomes smaller?
        name: the node's name.

    Raises:
        ValueError: the images have neither 3 nor 4 axes, `size` is no pair, or there is no such method.
    """
    x, was_batch = batched(images)
    wanted = shape_tensor(size)
    if wanted.shape.rank is not None and wanted.shape.as_list() not in ([2], [None]):
        raise ValueError("'size' must be a 1-D Tensor of 2 elements: new_height, new_width")
    if preserve_aspect_ratio:
        now = cast(shape(x)[1:3], dtypes.float32)
        scale = divide(cast(wanted, dtypes.float32), now)
        wanted = cast(round_(now * minimum(scale[0], scale[1])), dtypes.int32)
    wanted = cast(wanted, dtypes.int32)
    if method in _KERNELS or (antialias and method in _ANTIALIASED):
        scale = divide(cast(wanted, dtypes.float32), cast(shape(x)[1:3], dtypes.float32))
        out = raw("ScaleAndTranslate")(
            x, wanted, scale, zeros([2]), kernel_type=_ANTIALIASED[method], antialias=antialias, name=name
        )
    elif method in _PLAIN:
        out = raw(_PLAIN[method])(x, wanted, half_pixel_centers=True, name=name)
    elif method == "area":
        out = raw("ResizeArea")(x, wanted, name=name)
    else:
        raise ValueError(f"Resize method is not implemented: {method}")
    return _like_before(out, was_batch)


def flip_left_right(image: Any) -> Any:
    """The images as in a mirror."""
    return _flip(image, -2)


def flip_up_down(image: Any) -> Any:
    """The images upside down."""
    return _flip(image, -3)


def at_least_3d(image: Any) -> Tensor:
    """Images as a tensor.

    Raises:
        ValueError: it has less than 3 axes.
    """
    x = tensor(image)
    rank = static_rank(x)
    if rank is not None and rank < 3:
        raise ValueError(f"'image' (shape {x.shape}) must be at least three-dimensional.")
    return x


def _flip(image: Any, axis: int) -> Any:
    x, was_batch = batched(at_least_3d(image))
    return _like_before(reverse(x, [axis % 4]), was_batch)


def transpose(image: Any, name: str | None = None) -> Any:
    """The images with rows and columns exchanged."""
    x, was_batch = batched(at_least_3d(image))
    return _like_before(transpose_axes(x, [0, 2, 1, 3], name=name), was_batch)


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Any:
    """The images turned left by a right angle, `k` times.

    Raises:
        ValueError: `k` is a tensor whose value is not known.
    """
    from ..function.graph_mode import get_static_value

    turns = get_static_value(tensor(k))
    if turns is None:
        raise ValueError("`k`, how often the image is turned, must be known when the function is traced.")
    x, was_batch = batched(at_least_3d(image))
    turns = int(turns) % 4
    if turns % 2:
        x = transpose_axes(x, [0, 2, 1, 3])
    axes = {0: [], 1: [1], 2: [1, 2], 3: [2]}[turns]
    return _like_before(reverse(x, axes, name=name) if axes else x, was_batch)


def _sizes(x: Tensor) -> tuple[Any, Any]:
    """Height and width of a batch: numbers where they are known, else tensors."""
    known = x.shape.as_list()
    now = None if None not in known[1:3] else shape(x)
    return tuple(known[i] if now is None else now[i] for i in (1, 2))  # type: ignore[return-value]


def _refuse(problem: Any, message: str) -> None:
    """Raise ValueError where a condition that is known to hold says so; a tensor is for the op to find out."""
    if not isinstance(problem, Tensor) and problem:
        raise ValueError(message)


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """The part of the images of that size, beginning at that row and column.

    Raises:
        ValueError: it is not inside, as far as that is known.
    """
    x, was_batch = batched(at_least_3d(image))
    height, width = _sizes(x)
    _refuse(offset_width < 0, "offset_width must be >= 0.")
    _refuse(offset_height < 0, "offset_height must be >= 0.")
    _refuse(target_width <= 0, "target_width must be > 0.")
    _refuse(target_height <= 0, "target_height must be > 0.")
    _refuse(width < target_width + offset_width, "width must be >= target + offset.")
    _refuse(height < target_height + offset_height, "height must be >= target + offset.")
    begin = stack([0, offset_height, offset_width, 0])
    cropped = slice(x, begin, stack([-1, target_height, target_width, -1]))
    return _like_before(cropped, was_batch)


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """The images on a black ground of that size, beginning at that row and column.

    Raises:
        ValueError: they do not fit, as far as that is known.
    """
    x, was_batch = batched(at_least_3d(image))
    height, width = _sizes(x)
    below = target_height - offset_height - height
    right = target_width - offset_width - width
    _refuse(offset_height < 0, "offset_height must be >= 0.")
    _refuse(offset_width < 0, "offset_width must be >= 0.")
    _refuse(below < 0, "height must be <= target - offset.")
    _refuse(right < 0, "width must be <= target - offset.")
    widths = stack([[0, 0], [offset_height, below], [offset_width, right], [0, 0]])
    return _like_before(pad(x, widths), was_batch)


def _larger(a: Any, b: Any) -> Any:
    return maximum(a, b) if isinstance(a, Tensor) or isinstance(b, Tensor) else max(a, b)


def _smaller(a: Any, b: Any) -> Any:
    return minimum(a, b) if isinstance(a, Tensor) or isinstance(b, Tensor) else min(a, b)


def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """The middle of the images, or the images in the middle of a black ground, to be of that size.

    Raises:
        ValueError: a size is not positive, as far as that is known.
    """
    x, was_batch = batched(at_least_3d(image))
    _refuse(target_width <= 0, "target_width must be > 0.")
    _refuse(target_height <= 0, "target_height must be > 0.")
    height, width = _sizes(x)
    more_rows, more_columns = target_height - height, target_width - width
    cropped = crop_to_bounding_box(
        x,
        _larger(-more_rows // 2, 0),
        _larger(-more_columns // 2, 0),
        _smaller(target_height, height),
        _smaller(target_width, width),
    )
    padded = pad_to_bounding_box(
        cropped, _larger(more_rows // 2, 0), _larger(more_columns // 2, 0), target_height, target_width
    )
    return _like_before(padded, was_batch)


def resize_with_pad(
    image: Any,
    target_height: Any,
    target_width: Any,
    method: str = ResizeMethod.BILINEAR,
    antialias: bool = False,
) -> Any:
    """The images as large as they can be with their sides' ratio, in the middle of a black ground of that size."""
    x, was_batch = batched(at_least_3d(image))
    _refuse(target_width <= 0, "target_width must be > 0.")
    _refuse(target_height <= 0, "target_height must be > 0.")
    height, width = (cast(v, dtypes.float64) for v in _sizes(x))
    most_rows, most_columns = cast(target_height, dtypes.float64), cast(target_width, dtypes.float64)
    ratio = maximum(width / most_columns, height / most_rows)
    rows, columns = height / ratio, width / ratio
    above = cast(maximum(cast(0, dtypes.float64), _floor_half(most_rows - rows)), dtypes.int32)
    left = cast(maximum(cast(0, dtypes.float64), _floor_half(most_columns - columns)), dtypes.int32)
    smaller = resize(
        x, stack([cast(rows, dtypes.int32), cast(columns, dtypes.int32)]), method, antialias=antialias
    )
    return _like_before(pad_to_bounding_box(smaller, above, left, target_height, target_width), was_batch)


def _floor_half(x: Any) -> Any:
    from .math_ops import floor

    return floor(x / 2)


def central_crop(image: Any, central_fraction: Any) -> Any:
    """The middle of the images: that fraction of each side.

    Raises:
        ValueError: the fraction is not in (0, 1].
    """
    x, was_batch = batched(at_least_3d(image))
    if not isinstance(central_fraction, Tensor):
        if not 0.0 < central_fraction <= 1.0:
            raise ValueError("central_fraction must be within (0, 1]")
        if central_fraction == 1.0:
            return _like_before(x, was_batch)
    begins = []
    lengths = []
    for size in _sizes(x):
        if isinstance(size, Tensor) or isinstance(central_fraction, Tensor):
            whole = cast(size, dtypes.float64)
            begin = cast((whole - whole * cast(central_fraction, dtypes.float64)) / 2, dtypes.int32)
        else:
            begin = int((float(size) - float(size * central_fraction)) / 2)
        begins.append(begin)
        lengths.append(size - begin * 2)
    cropped = slice(x, stack([0, *begins, 0]), stack([-1, *lengths, -1]))
    return _like_before(cropped, was_batch)


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_indices: Any,
    crop_size: Any,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Any:
    """Parts of images, all resized to one size.

    Args:
        image: a batch of images.
        boxes: [number, 4]: y1, x1, y2, x2 of each part, 0 to 1 for the whole image.
        box_indices: of which image each part is.
        crop_size: the new height and width.
        method: "bilinear" or "nearest".
        extrapolation_value: what is outside of an image.
        name: the node's name.
    """
    return raw("CropAndResize")(
        tensor(image),
        tensor(boxes),
        tensor(box_indices),
        shape_tensor(crop_size),
        method=method,
        extrapolation_value=extrapolation_value,
        name=name,
    )


def extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Any:
    """Windows of a batch of images, each with its pixels one behind the other in the last axis.

    Args:
        images: a batch of images.
        sizes: [1, rows, columns, 1] of a window.
        strides: how far apart the windows are.
        rates: how far apart the pixels of a window are.
        padding: "VALID" or "SAME".
        name: the node's name.
    """
    return raw("ExtractImagePatches")(
        tensor(images),
        ksizes=tuple(sizes),
        strides=tuple(strides),
        rates=tuple(rates),
        padding=padding,
        name=name,
    )
