"""Convolutions of channels-last images as products of matrices, in pieces that stay in the cache.

A window of one row of the image is `width of the filter * channels` numbers in a row of memory. A piece of some rows of
the result copies the windows that it needs into a matrix (im2col), multiplies it by the filter, and carries out the
epilogue, before the next piece begins. A filter of one pixel needs no copy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..ops.windows import Windows
from . import blas
from .crew import processors, share
from .epilogue import Epilogue

__all__ = ["convolution", "depthwise"]

_PIECE = 1 << 18  # numbers in the matrix of windows of a piece: 1 MiB of float32
_SHARED = 1 << 22  # multiplications from which on threads share the work


class _Local(threading.local):
    """A thread's own scratch memory for windows, as large as the largest piece so far."""

    memory = np.empty(0, np.float32)


_local = _Local()


def _scratch(size: int, dtype: Any) -> Any:
    """Memory for `size` numbers, the calling thread's own until it asks again."""
    size = size * np.dtype(dtype).itemsize
    if _local.memory.nbytes < size:
        _local.memory = np.empty(-(-size // 4), np.float32)
    return _local.memory.view(np.uint8)[:size].view(dtype)


def _shares(pieces: int, work: int) -> bool:
    """Do threads share that many pieces of `work` multiplications together?"""
    return work >= _SHARED and processors() > 1 and pieces > 1 and blas.controllable()


def _plan(pieces: int, work: int) -> Callable[[Callable[[int], Any]], None]:
    """How to do that many pieces of `work` multiplications together."""
    if _shares(pieces, work):

        def shared(piece: Callable[[int], Any]) -> None:
            blas.own_threads()
            try:
                share(piece, pieces)
            finally:
                blas.restore_threads()

        return shared

    def alone(piece: Callable[[int], Any]) -> None:
        for i in range(pieces):
            piece(i)

    return alone


def _pieces(count: int, most: int, work: int) -> tuple[int, int]:
    """(size, number) of pieces of at most `most` of `count` rows, the same number for each thread."""
    if not count:
        return 1, 0
    most = max(1, min(most, count))
    number = -(-count // most)
    if work >= _SHARED:
        workers = processors()
        number = min(count, -(-number // workers) * workers)
    size = -(-count // number)
    return size, -(-count // size)


def _by_image(lo: int, hi: int, rows: int) -> Iterator[tuple[int, int, int, int]]:
    """Rows `lo` to `hi` of all images, image by image: from, to, the image, the row of it."""
    while lo < hi:
        image, row = divmod(lo, rows)
        upto = min(hi, (image + 1) * rows)
        yield lo, upto, image, row
        lo = upto


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
    size, count = _pieces(batch * rows, max(1, _PIECE // max(1, columns * depth)), work)
    do = _plan(count, work)
    out_shape = (batch, rows, columns, filters)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        matrix = np.ascontiguousarray(w).reshape(depth, filters)
        out = np.empty(out_shape, dtype)
        flat = out.reshape(batch * rows, columns, filters)
        added = None if addend is None else np.ascontiguousarray(addend).reshape(flat.shape)
        # (batch, rows, columns, fh, fw, channels): the last two are one run of memory unless the filter is dilated.
        every = windows.view(np.ascontiguousarray(x), (fh, fw), 0)

        def piece(i: int) -> None:
            lo, hi = i * size, min((i + 1) * size, batch * rows)
            n = hi - lo
            if n <= 0:
                return
            copied = _scratch(n * columns * depth, dtype)
            taps = copied.reshape(n, columns, fh, fw, channels)
            for at, upto, image, row in _by_image(lo, hi, rows):
                target = taps[at - lo : upto - lo]
                source = every[image, row : row + upto - at]
                for k in range(fh):
                    target[:, :, k] = source[:, :, k]
            result = flat[lo:hi].reshape(n * columns, filters)
            np.matmul(copied.reshape(n * columns, depth), matrix, out=result)
            epilogue.apply(
                result, bias, None if added is None else added[lo:hi].reshape(n * columns, filters)
            )

        do(piece)
        return out

    run.shares = _shares(count, work)  # type: ignore[attr-defined]
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
    size, count = _pieces(pixels, max(64, _PIECE // max(1, channels + filters)), work)
    do = _plan(count, work)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        if (sh, sw) != (1, 1):
            x = x[:, ::sh, ::sw]
        matrix = np.ascontiguousarray(x).reshape(pixels, channels)
        factors = np.ascontiguousarray(w).reshape(channels, filters)
        out = np.empty((pixels, filters), dtype)
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

    run.shares = _shares(count, work)  # type: ignore[attr-defined]
    return run


def depthwise(
    windows: Windows, x_shape: Sequence[int], w_shape: Sequence[int], dtype: Any, epilogue: Epilogue
) -> Callable[..., Any]:
    """What convolves each channel with filters of its own: (height, width, channels, filters of a channel)."""
    batch, height, width, channels = x_shape
    fh, fw, _, each = w_shape
    rows, columns = (n or 0 for n in windows.out((height, width), (fh, fw)))
    # A product by BLAS does four times as many multiplications a second.
    work = 4 * batch * rows * columns * fh * fw * channels * each
    size, count = _pieces(batch * rows, max(1, _PIECE // max(1, columns * channels * each)), work)
    do = _plan(count, work)
    formula = "rxijc,ijc->rxc" if each == 1 else "rxijc,ijcm->rxcm"
    out_shape = (batch, rows, columns, channels * each)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        factors = np.ascontiguousarray(w[..., 0] if each == 1 else w)
        out = np.empty(out_shape, dtype)
        flat = out.reshape(batch * rows, columns, channels * each)
        added = None if addend is None else np.ascontiguousarray(addend).reshape(flat.shape)
        every = windows.view(np.ascontiguousarray(x), (fh, fw), 0)

        def piece(i: int) -> None:
            for at, upto, image, row in _by_image(i * size, min((i + 1) * size, batch * rows), rows):
                result = flat[at:upto]
                target = result if each == 1 else result.reshape(upto - at, columns, channels, each)
                np.einsum(formula, every[image, row : row + upto - at], factors, out=target)
                epilogue.apply(result, bias, None if added is None else added[at:upto])

        do(piece)
        return out

    run.shares = _shares(count, work)  # type: ignore[attr-defined]
    return run
