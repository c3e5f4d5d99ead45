"""`keras.preprocessing.image`: images and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

import calque as tf

__all__ = ["img_to_array", "smart_resize"]


def smart_resize(x: Any, size: Any, interpolation: str = "bilinear") -> Any:
    """Resize images without distorting them: what is too high or too wide is cut off at both sides first.

    Args:
        x: an image or a batch of images, channels last; an array gives an array.
        size: height and width of the result.
        interpolation: see `tf.image.resize`.

    Raises:
        ValueError: `size` are not two numbers; the rank of `x` is not 3 or 4.
    """
    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    images = tf.convert_to_tensor(x)
    rank = images.shape.rank
    if rank is not None and rank not in (3, 4):
        raise ValueError(
            "Expected an image array with shape `(height, width, channels)`, or `(batch_size, height, width, "
            f"channels)`, but got input with incorrect rank, of shape {images.shape}."
        )
    sizes = tf.shape(images)
    height, width = sizes[-3], sizes[-2]
    box = []
    for own, other, wanted, matching in (
        (height, width, size[0], size[1]),
        (width, height, size[1], size[0]),
    ):
        fitting = tf.cast(tf.cast(other * wanted, tf.float32) / matching, tf.int32)
        kept = tf.minimum(own, fitting)
        box.append((tf.cast(tf.cast(own - kept, tf.float32) / 2, tf.int32), kept))
    (top, high), (left, wide) = box
    cut = images[..., top : top + high, left : left + wide, :]
    resized = tf.image.resize(cut, size=size, method=interpolation)
    resized.set_shape([*images.shape[:-3], *size, images.shape[-1]])
    return resized.numpy() if isinstance(x, np.ndarray) else resized


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Any:
    """An image (of PIL, or an array) as an array of three dimensions.

    Args:
        img: the image.
        data_format: "channels_last" or "channels_first"; None: that of `keras.backend`.
        dtype: the array's; None: that of `keras.backend`.

    Raises:
        ValueError: the data format is unknown; the image has not two or three dimensions.
    """
    from ..config import floatx, image_data_format

    data_format = data_format or image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"Unknown data_format: {data_format}")
    array = np.asarray(img, dtype=dtype or floatx())
    if array.ndim == 3:
        return array.transpose(2, 0, 1) if data_format == "channels_first" else array
    if array.ndim == 2:
        return array[None] if data_format == "channels_first" else array[..., None]
    raise ValueError(f"Unsupported image shape: {array.shape}")
