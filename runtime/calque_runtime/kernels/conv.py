"""Convolutions of channels-last images as products of matrices, in pieces that stay in the cache.

A window of one row of the image is `width of the filter * channels` numbers in a row of memory. A piece of some rows of
the result copies the windows that it needs into a matrix (im2col), multiplies it by the filter, and carries out the
epilogue, before the next piece begins. A filter of one pixel needs no copy.

Where channels are few, the other way round is faster: what all windows of a row have under one tap of the filter, in
one channel, lies in a row of memory of an image whose channels are apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.windows import Windows
from .crew import processors
from .epilogue import Epilogue
from .memory import empty
from .pieces import Bordered, by_image, done_by, scratch, shares, split

__all__ = ["convolution"]

# Channels up to which they are set apart. Windows of 3 x 3 pixels of one channel, 26 x 26 of them, take 5 microseconds
# instead of 20; of 3 channels 50 instead of 100 (39 x 112, stride 2), of 8 channels 65 instead of 83 (48 x 62).
_FEW = 8
# Windows up to which threads share filters: 49 windows of 4608 numbers times 512 filters gain a fifth.
_FEW_WINDOWS = 256


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
    if not depth or (channels <= _FEW and (windows.stride == (1, 1) or windows.dilation == (1, 1))):
        return _by_tap(windows, x_shape, w_shape, (rows, columns), dtype, epilogue, work)
    border = Bordered.of(windows, x_shape, (fh, fw), 0)
    product = _Product(batch * rows * columns, filters, epilogue, work)
    numbers = columns * (depth + filters * (1 + epilogue.addend))
    size, count = (batch * rows, 1) if product.by_filter else split(batch * rows, numbers, work)
    do = done_by(count, work)
    (sh, sw), (dh, dw) = windows.stride, windows.dilation
    # A row of a window is a run of memory unless the filter is dilated. Copied as one element it takes a third less.
    inside = (fh,) if dw == 1 else (fh, fw)
    run_type = np.dtype((np.void, depth // math.prod(inside) * np.dtype(dtype).itemsize))
    out_shape = (batch, rows, columns, filters)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        factors = np.ascontiguousarray(w).reshape(depth, filters)
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
            copied = scratch("windows", (n, columns, *inside), run_type)
            for at, upto, image, row in by_image(lo, hi, rows):
                source = border.rows(x, image, row, upto - at)
                down, along, _ = source.strides
                steps = (down * sh, along * sw, down * dh, along * dw)[: 2 + len(inside)]
                target = copied[at - lo : upto - lo]
                target[...] = np.ndarray(target.shape, run_type, source, 0, steps)
            matrix = copied.view(dtype).reshape(n * columns, depth)
            result = flat[lo:hi].reshape(n * columns, filters)
            more = None if added is None else added[lo:hi].reshape(n * columns, filters)
            product(matrix, factors, result, bias, more)

        do(piece)
        return out

    run.shares = product.by_filter or shares(count, work)  # type: ignore[attr-defined]
    return run


class _Product:
    """Windows times filters, and the epilogue; by groups of filters, for threads to share, where windows are few.

    A product first copies the filters in the order in which it reads them. Of few windows, that is a good part of the
    work, and threads that share the windows do it each.

    Attributes:
        by_filter: do threads share filters, and not windows?
    """

    def __init__(self, count: int, filters: int, epilogue: Epilogue, work: int) -> None:
        self.groups = processors()
        self.by_filter = count <= _FEW_WINDOWS and filters >= 64 * self.groups and shares(self.groups, work)
        self.size = -(-filters // self.groups)
        self.epilogue = epilogue
        self.do = done_by(self.groups, work)

    def __call__(self, windows: Any, filters: Any, result: Any, bias: Any, added: Any) -> None:
        """Write the product of (windows, depth) and (depth, filters)."""
        if not self.by_filter:
            np.matmul(windows, filters, out=result)
            self.epilogue.apply(result, bias, added)
            return

        def group(i: int) -> None:
            part = slice(i * self.size, (i + 1) * self.size)
            np.matmul(windows, filters[:, part], out=result[:, part])
            self.epilogue.apply(
                result[:, part],
                None if bias is None else bias[part],
                None if added is None else added[:, part],
            )

        self.do(group)


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
    apart = (sh, sw) != (1, 1)
    line = columns if apart else 1  # pixels that a piece takes together
    numbers = line * (channels * (1 + apart) + filters * (1 + epilogue.addend))
    lines = batch * rows * columns // line if line else 0
    product = _Product(lines * line, filters, epilogue, work)
    size, count = (lines, 1) if product.by_filter else split(lines, numbers, work, -(-64 // max(1, line)))
    do = done_by(count, work)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        factors = np.ascontiguousarray(w).reshape(channels, filters)
        out = empty((batch, rows, columns, filters), dtype)
        flat = out.reshape(-1, filters)
        added = None if addend is None else np.ascontiguousarray(addend).reshape(flat.shape)
        pixels = x[:, ::sh, ::sw] if apart else np.ascontiguousarray(x).reshape(-1, channels)

        def piece(i: int) -> None:
            part = slice(i * size * line, (i + 1) * size * line)
            result = flat[part]
            if not len(result):
                return
            if apart:
                matrix = scratch("pixels", (len(result), channels), dtype)
                target = matrix.reshape(-1, columns, channels)
                for at, upto, image, row in by_image(i * size, i * size + len(target), rows):
                    target[at - i * size : upto - i * size] = pixels[image, row : row + upto - at]
            else:
                matrix = pixels[part]
            product(matrix, factors, result, bias, None if added is None else added[part])

        do(piece)
        return out

    run.shares = product.by_filter or shares(count, work)  # type: ignore[attr-defined]
    return run


def _by_tap(
    windows: Windows,
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    out_size: tuple[int, int],
    dtype: Any,
    epilogue: Epilogue,
    work: int,
) -> Callable[..., Any]:
    """A filter for few channels: the matrix of windows has a row for each tap and channel, and of ones for the bias."""
    batch, _, _, channels = x_shape
    fh, fw, _, filters = w_shape
    rows, columns = out_size
    (sh, sw), (dh, dw) = windows.stride, windows.dilation
    depth = fh * fw * channels
    every = depth + epilogue.bias
    border = Bordered.of(windows, x_shape, (fh, fw), 0)
    width = -(-border.columns // sw)
    size, count = split(batch * rows, columns * (every + filters) + border.columns * channels * sh, work)
    do = done_by(count, work)

    def copy(source: Any, taps: Any) -> None:
        """Write what rows of windows see into `taps`: (height, width, channels, rows, columns)."""
        apart = scratch("apart", (channels, sw, len(source), width), dtype)
        turned = source.transpose(2, 0, 1)
        for phase in range(sw):  # columns of one remainder by the stride are side by side
            part = turned[:, :, phase::sw]
            apart[:, phase, :, : part.shape[2]] = part
        plane, phases, row, one = apart.strides
        for phase in range(min(sw, fw)):
            target = taps[:, phase::sw]
            steps = (row * dh, one * dw, plane, row * sh, one)
            target[...] = np.ndarray(target.shape, dtype, apart, phase * phases, steps)

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        border.check(x)
        x = np.ascontiguousarray(x)
        matrix = np.empty((every, filters), dtype)
        matrix[:depth] = w.reshape(depth, filters)
        if bias is not None:
            matrix[depth] = bias
        out = empty((batch, rows, columns, filters), dtype)
        flat = out.reshape(batch * rows, columns, filters)
        added = None if addend is None else np.ascontiguousarray(addend).reshape(flat.shape)

        def piece(i: int) -> None:
            lo, hi = i * size, min((i + 1) * size, batch * rows)
            n = hi - lo
            if n <= 0:
                return
            copied = scratch("windows", (every, n, columns), dtype)
            copied[depth:] = 1
            taps = copied[:depth].reshape(fh, fw, channels, n, columns)
            for at, upto, image, row in by_image(lo, hi, rows):
                part = slice(at - lo, upto - lo)
                copy(border.rows(x, image, row, upto - at), taps[:, :, :, part])
            result = flat[lo:hi].reshape(n * columns, filters)
            np.matmul(copied.reshape(every, n * columns).T, matrix, out=result)
            part_added = None if added is None else added[lo:hi].reshape(n * columns, filters)
            epilogue.apply(result, None, part_added)

        do(piece)
        return out

    run.shares = shares(count, work)  # type: ignore[attr-defined]
    return run
