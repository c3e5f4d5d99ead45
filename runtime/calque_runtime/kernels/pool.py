"""Pooling of images: rows first, then columns, in pieces that stay in the cache.

The maximum (or sum) of each window's rows is one of long runs of memory, whole rows of the image. What is left are as
many rows as the result has, whose columns are then combined in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.windows import Windows
from .memory import empty
from .pieces import Bordered, by_image, done_by, scratch, shares, split

__all__ = ["pool"]


def pool(
    windows: Windows, x_shape: Sequence[int], dtype: Any, combine: Any, padding: Any, counts: Any = None
) -> Callable[[Any], Any]:
    """What combines the elements of each window of images (batch, height, width, channels).

    Args:
        windows: where they lie.
        x_shape: of the images.
        dtype: of the images, and of the result.
        combine: the ufunc that combines two elements.
        padding: what combines with an element to that element.
        counts: numbers to divide by, (1, rows, columns, 1), or None.
    """
    batch, height, width, channels = x_shape
    fh, fw = windows.size
    rows, columns = (n or 0 for n in windows.out((height, width), (fh, fw)))
    sh, sw = windows.stride
    out_shape = (batch, rows, columns, channels)
    if fh <= sh and height == rows * sh and windows.pads((height, width), (fh, fw))[0] == (0, 0):
        # No window would see rows of two images, so all are one: pieces work on one at a time.
        x_shape = (1, batch * height, width, channels)
        batch, rows = 1, batch * rows
        counts = None if counts is None else np.broadcast_to(counts[:, :1], (1, rows, columns, 1))
    border = Bordered.of(windows, x_shape, (fh, fw), padding)
    whole, part = border.columns * channels, columns * channels
    # A product by BLAS does sixteen multiplications in the time of one maximum.
    work = 16 * batch * rows * (fh * whole + fw * part)
    size, count = split(batch * rows, whole * (1 + sh) + part, work)
    do = done_by(count, work)

    def combined(parts: Sequence[Any], out: Any) -> None:
        if len(parts) == 1:
            out[...] = parts[0]
            return
        combine(parts[0], parts[1], out=out)
        for one in parts[2:]:
            combine(out, one, out=out)

    def run(x: Any) -> Any:
        border.check(x)
        x = np.ascontiguousarray(x).reshape(x_shape)
        out = empty(out_shape, dtype)
        flat = out.reshape(batch * rows, columns, channels)

        def piece(i: int) -> None:
            for at, upto, image, row in by_image(i * size, min((i + 1) * size, batch * rows), rows):
                n = upto - at
                source = border.rows(x, image, row, n)
                down = [source[k : k + (n - 1) * sh + 1 : sh] for k in range(fh)]
                if fh > 1:
                    half = scratch("half", (n, border.columns, channels), dtype)
                    combined(down, half)
                else:
                    half = down[0]
                result = flat[at:upto]
                combined([half[:, k : k + (columns - 1) * sw + 1 : sw] for k in range(fw)], result)
                if counts is not None:
                    np.divide(result, counts[0, row : row + n], out=result)

        if columns:
            do(piece)
        return out

    run.shares = shares(count, work)  # type: ignore[attr-defined]
    return run
