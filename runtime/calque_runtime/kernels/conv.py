"""Convolutions of channels-last images as products of matrices, in pieces that stay in the cache.

A window of one row of the image is `width of the filter * channels` numbers in a row of memory. A piece of some rows of
the result copies the windows that it needs into a matrix (im2col), multiplies it by the filter, and carries out the
epilogue, before the next piece begins. A filter of one pixel needs no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.windows import Windows
from .epilogue import Epilogue
from .memory import empty
from .pieces import Bordered, by_image, done_by, scratch, shares, split, windows_in

__all__ = ["convolution"]


def convolution(
    windows: Windows, x_shape: Sequence[int], w_shape: Sequence[int], dtype: Any, epilogue: Epilogue
) -> Callable[..., Any]:
    """What convolves images of this shape (batch, height, width, channels) with filters of that one."""
    batch, height, width, channels = x_shape
    fh, fw, _, filters = w_shape
    rows, columns = (n or 0 for n in windows.out((height, width), (fh, fw)))
    pads = windows.pads((height, width), (fh, fw))
    work = batch * rows * columns * fh * fw * channels * filters
    if (fh, fw) == (1, 1) and not any(a or b for a, b in pads):
        return _by_pixel(windows, x_shape, filters, (rows, columns), dtype, epilogue, work)
    depth = fh * fw * channels
    border = Bordered.of(windows, x_shape, (fh, fw), 0)
    size, count = split(batch * rows, columns * (depth + filters), work)
    do = done_by(count, work)
    out_shape = (batch, rows, columns, filters)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        matrix = np.ascontiguousarray(w).reshape(depth, filters)
        out = empty(out_shape, dtype)
        flat = out.reshape(batch * rows, columns, filters)
        added = None if addend is None else np.ascontiguousarray(addend).reshape(flat.shape)
        border.check(x)
        x = np.ascontiguousarray(x)

        def piece(i: int) -> None:
            lo, hi = i * size, min((i + 1) * size, batch * rows)
            n = hi - lo
            if n <= 0:
                return
            copied = scratch("windows", (n, columns, fh, fw, channels), dtype)
            for at, upto, image, row in by_image(lo, hi, rows):
                count = upto - at
                source = border.rows(x, image, row, count)
                target = copied[at - lo : upto - lo]
                # The last two axes of the windows are one run of memory unless the filter is dilated.
                view = windows_in(source, count, columns, (fh, fw), windows.stride, windows.dilation)
                for k in range(fh):
                    target[:, :, k] = view[:, :, k]
            result = flat[lo:hi].reshape(n * columns, filters)
            np.matmul(copied.reshape(n * columns, depth), matrix, out=result)
            epilogue.apply(
                result, bias, None if added is None else added[lo:hi].reshape(n * columns, filters)
            )

        do(piece)
        return out

    run.shares = shares(count, work)  # type: ignore[attr-defined]
    return run


def _by_pixel(
    windows: Windows,
    x_shape: Sequence[int],
    filters: int,
    out_size: tuple[int, int],
    dtype: Any,
    epilogue: Epilogue,
    work: int,
) -> Callable[..., Any]:
    """A filter of one pixel: the product of all pixels with it."""
    batch, _, _, channels = x_shape
    (sh, sw), (rows, columns) = windows.stride, out_size
    pixels = batch * rows * columns
    size, count = split(pixels, channels + filters, work, 64)
    do = done_by(count, work)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        if (sh, sw) != (1, 1):
            x = x[:, ::sh, ::sw]
        matrix = np.ascontiguousarray(x).reshape(pixels, channels)
        factors = np.ascontiguousarray(w).reshape(channels, filters)
        out = empty((pixels, filters), dtype)
        added = None if addend is None else np.ascontiguousarray(addend).reshape(pixels, filters)

        def piece(i: int) -> None:
            part = slice(i * size, (i + 1) * size)
            result = out[part]
            if not len(result):
                return
            np.matmul(matrix[part], factors, out=result)
            epilogue.apply(result, bias, None if added is None else added[part])

        do(piece)
        return out.reshape(batch, rows, columns, filters)

    run.shares = shares(count, work)  # type: ignore[attr-defined]
    return run
