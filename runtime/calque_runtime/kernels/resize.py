"""Images in another size, a piece of rows at a time: what a piece reads and writes stays in the cache.

A piece takes the rows of the image that its own rows lie between, and no others, makes them as wide as the result, and
then combines pairs of them. What is read where, and how much it counts, is worked out once for the sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .memory import empty
from .pieces import by_image, done_by, scratch, shares, split

__all__ = ["linear", "nearest"]

_COST = 64  # multiplications of a product by BLAS that take as long as one number of the result
_LONG = 16  # channels from which on pixels are copied one by one, not rows of them
Between = tuple[Any, Any, Any]


def linear(x_shape: Sequence[int], rows: Between, columns: Between) -> Callable[[Any], Any]:
    """What interpolates images (batch, height, width, channels) of any type to float32.

    Args:
        x_shape: of the images.
        rows: for each row of the result the row of the image before it, the one after it, and how far it is from the
            first to the second, as a share.
        columns: the same for each column.
    """
    batch, _, _, channels = x_shape
    top, bottom, down = rows
    left, right, along = columns
    height, width = len(top), len(left)
    down, along = down.reshape(-1, 1, 1), along.reshape(1, -1, 1)
    work = _COST * batch * height * width * channels
    size, count = split(batch * height, 5 * width * channels, work)
    do = done_by(count, work)

    def made_wide(x: Any, used: Any) -> Any:
        """Rows of an image, as wide as the result, in scratch memory."""
        taken = scratch("taken", (len(used), *x.shape[1:]), np.float32)
        taken[...] = x[used]
        shape = len(used), width, channels
        first, second = scratch("first", shape, np.float32), scratch("second", shape, np.float32)
        np.take(taken, left, axis=1, out=first, mode="clip")
        np.take(taken, right, axis=1, out=second, mode="clip")
        np.subtract(second, first, out=second)
        np.multiply(second, along, out=second)
        np.add(first, second, out=first)
        return first

    def run(x: Any) -> Any:
        out = empty((batch, height, width, channels), np.float32)
        flat = out.reshape(batch * height, width, channels)

        def piece(i: int) -> None:
            for at, upto, image, row in by_image(i * size, min((i + 1) * size, batch * height), height):
                part, n = slice(row, row + upto - at), upto - at
                used, place = np.unique(np.concatenate([top[part], bottom[part]]), return_inverse=True)
                wide = made_wide(x[image], used)
                result, second = flat[at:upto], scratch("second", (n, width, channels), np.float32)
                np.take(wide, place[:n], axis=0, out=result, mode="clip")
                np.take(wide, place[n:], axis=0, out=second, mode="clip")
                np.subtract(second, result, out=second)
                np.multiply(second, down[part], out=second)
                np.add(result, second, out=result)

        do(piece)
        return out

    run.shares = shares(count, work)  # type: ignore[attr-defined]
    return run


def nearest(x_shape: Sequence[int], rows: Any, columns: Any, dtype: Any) -> Callable[[Any], Any]:
    """What picks a pixel of the image for each of the result's, by row and column of the image."""
    batch, height, width, channels = x_shape
    out_height, out_width = len(rows), len(columns)
    places = rows[:, None] * width + columns
    work = _COST // 4 * batch * out_height * out_width * channels
    size, count = split(batch * out_height, 2 * out_width * channels, work)
    do = done_by(count, work)
    each = out_width // width
    repeats = each * width == out_width and np.array_equal(columns, np.arange(out_width) // each)

    def run(x: Any) -> Any:
        x = np.ascontiguousarray(x)
        out = empty((batch, out_height, out_width, channels), dtype)
        flat = out.reshape(batch * out_height, out_width, channels)

        def piece(i: int) -> None:
            for at, upto, image, row in by_image(
                i * size, min((i + 1) * size, batch * out_height), out_height
            ):
                if channels >= _LONG:
                    pixels = x[image].reshape(height * width, channels)
                    np.take(pixels, places[row : row + upto - at], axis=0, out=flat[at:upto], mode="clip")
                    continue
                used, place = np.unique(rows[row : row + upto - at], return_inverse=True)
                taken = x[image, used]
                wide = scratch("first", (len(used), out_width, channels), dtype)
                if repeats:
                    wide.reshape(len(used), width, each, channels)[...] = taken[:, :, None]
                else:
                    np.take(taken, columns, axis=1, out=wide, mode="clip")
                np.take(wide, place, axis=0, out=flat[at:upto], mode="clip")

        do(piece)
        return out

    run.shares = shares(count, work)  # type: ignore[attr-defined]
    return run
