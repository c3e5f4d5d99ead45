"""Matrices that say from where in an image each pixel of another one comes: eight numbers for each image.

A pixel ``(x, y)`` of the result is that at ``((a x + b y + c) / k, (d x + e y + f) / k)``, with
``k = g x + h y + 1``, of the image, for the numbers ``a`` to ``h``.
"""

from __future__ import annotations

from typing import Any

import calque as tf

__all__ = [
    "check_fill_mode_and_interpolation",
    "rotation_matrix",
    "transform",
    "translation_matrix",
    "zoom_matrix",
]

_FILL_MODES = ("reflect", "wrap", "constant", "nearest")


def check_fill_mode_and_interpolation(fill_mode: str, interpolation: str) -> None:
    """Check two arguments of `transform`.

    Raises:
        NotImplementedError: one is unknown.
    """
    if fill_mode not in _FILL_MODES:
        raise NotImplementedError(
            f"Unknown `fill_mode` {fill_mode}. Only `reflect`, `wrap`, `constant` and `nearest` are supported."
        )
    if interpolation not in ("nearest", "bilinear"):
        raise NotImplementedError(
            f"Unknown `interpolation` {interpolation}. Only `nearest` and `bilinear` are supported."
        )


def transform(images: Any, matrices: Any, fill_mode: str, fill_value: float, interpolation: str) -> Any:
    """Images transformed by a matrix each.

    Args:
        images: ``(batch, height, width, channels)``.
        matrices: ``(batch, 8)``.
        fill_mode: what is beyond the edges: the image reflected, wrapped around, or with its nearest pixels; or
            "constant".
        fill_value: what is there with "constant".
        interpolation: "nearest" or "bilinear".
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrices,
        output_shape=tf.shape(images)[1:3],
        fill_value=tf.cast(fill_value, tf.float32),
        fill_mode=fill_mode.upper(),
        interpolation=interpolation.upper(),
    )


def _matrix(*numbers: Any) -> Any:
    """The matrices of six columns, each a vector with a number for each image."""
    zeros = tf.zeros_like(numbers[0])
    return tf.stack([*numbers, zeros, zeros], axis=1)


def translation_matrix(moves: Any) -> Any:
    """For images moved by so many pixels to the right and down: ``(batch, 2)``."""
    right, down = moves[:, 0], moves[:, 1]
    ones, zeros = tf.ones_like(right), tf.zeros_like(right)
    return _matrix(ones, zeros, -right, zeros, ones, -down)


def rotation_matrix(angles: Any, height: Any, width: Any) -> Any:
    """For images of this size turned around their middles, by angles ``(batch,)`` counterclockwise."""
    cos, sin = tf.cos(angles), tf.sin(angles)
    x, y = width - 1, height - 1
    right = (x - (cos * x - sin * y)) / 2.0
    down = (y - (sin * x + cos * y)) / 2.0
    return _matrix(cos, -sin, right, sin, cos, down)


def zoom_matrix(zooms: Any, height: Any, width: Any) -> Any:
    """For images of this size zoomed around their middles, by factors for x and y: ``(batch, 2)``."""
    x, y = zooms[:, 0], zooms[:, 1]
    zeros = tf.zeros_like(x)
    return _matrix(x, zeros, (width - 1.0) / 2.0 * (1.0 - x), zeros, y, (height - 1.0) / 2.0 * (1.0 - y))
