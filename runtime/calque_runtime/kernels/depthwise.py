"""Convolutions of each channel by itself, as sums of products over long runs of memory.

In a row of a channels-last image the pixels under one tap of the filter, for all windows of the row, are one run of
`columns * channels` numbers, if the stride is 1. With the filter's weights repeated for as many columns, `einsum` adds
up products of runs: for 112 by 112 pixels of 32 channels that takes 0.9 ms, four times less than with runs of one
pixel's channels. (Nine products and sums of whole rows, one after the other, take 1.7 ms.)

    a row of the image   p0 p1 p2 p3 p4 p5 ...     each pixel with all of its channels
    under tap 0          p0 p1 p2 p3 ...           * w0 w0 w0 w0 ...
    under tap 1          p1 p2 p3 p4 ...           * w1 w1 w1 w1 ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.windows import Windows
from .epilogue import Epilogue
from .memory import empty
from .pieces import Bordered, by_image, done_by, scratch, shares, split, windows_in

__all__ = ["depthwise"]

_RUN = 1 << 10  # numbers in a run: those of result, image and weights stay in the first-level cache
_SHORT = 64  # channels below which pixels under a tap that do not lie side by side are first copied so


def depthwise(
    windows: Windows, x_shape: Sequence[int], w_shape: Sequence[int], dtype: Any, epilogue: Epilogue
) -> Callable[..., Any]:
    """What convolves each channel with filters of its own: (height, width, channels, filters of a channel)."""
    batch, height, width, channels = x_shape
    fh, fw, _, each = w_shape
    rows, columns = (n or 0 for n in windows.out((height, width), (fh, fw)))
    border = Bordered.of(windows, x_shape, (fh, fw), 0)
    # A product by BLAS does four times as many multiplications a second.
    work = 4 * batch * rows * columns * fh * fw * channels * each
    numbers = columns * channels * (each + 1) + border.columns * channels * windows.stride[0]
    size, count = split(batch * rows, numbers, work)
    do = done_by(count, work)
    out_shape = (batch, rows, columns, channels * each)
    in_runs = windows.stride[1] == 1 or channels < _SHORT
    repeats = _columns_of_a_run(columns, channels) if in_runs else 1

    def run(x: Any, w: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        border.check(x)
        x = np.ascontiguousarray(x)
        factors = [_repeated(w[..., m], repeats) for m in range(each)]
        out = empty(out_shape, dtype)
        flat = out.reshape(batch * rows, columns, channels * each)
        added = None if addend is None else np.ascontiguousarray(addend).reshape(flat.shape)

        def piece(i: int) -> None:
            for at, upto, image, row in by_image(i * size, min((i + 1) * size, batch * rows), rows):
                n = upto - at
                result = flat[at:upto]
                source = border.rows(x, image, row, n)
                taps = windows_in(source, n, columns, (fh, fw), windows.stride, windows.dilation)
                pairs = _runs(source, taps, repeats) if in_runs else [(slice(None), taps)]
                for m in range(each):
                    target = result if each == 1 else scratch("one", (n, columns, channels), dtype)
                    for part, view in pairs:
                        into = target[:, part].reshape(*view.shape[:2], view.shape[-1])
                        np.einsum("rkijc,ijc->rkc", view, factors[m][..., : view.shape[-1]], out=into)
                    if each > 1:
                        result[:, :, m::each] = target
                epilogue.apply(result, bias, None if added is None else added[at:upto])

        do(piece)
        return out

    run.shares = shares(count, work)  # type: ignore[attr-defined]
    return run


def _columns_of_a_run(columns: int, channels: int) -> int:
    """How many columns a run has: the runs of a row are about equally long."""
    runs = max(1, columns * channels // _RUN)
    return max(1, -(-columns // runs))


def _repeated(w: Any, columns: int) -> Any:
    """The weights (height, width, channels) for that many columns side by side."""
    fh, fw, channels = w.shape
    out = np.empty((fh, fw, columns, channels), w.dtype)
    out[...] = w[:, :, None]
    return out.reshape(fh, fw, columns * channels)


def _runs(source: Any, taps: Any, columns: int) -> list[tuple[slice, Any]]:
    """Which columns, and what lies under the taps there: (rows, runs, height, width, run) of contiguous runs.

    Args:
        source: the rows of the image.
        taps: the windows in them.
        columns: of a run; what is left over at the end of a row is a shorter run.
    """
    n, count, fh, fw, channels = taps.shape
    row, step, down, along, one = taps.strides
    if step != channels * one:  # the windows do not lie side by side
        height = len(source)
        apart = scratch("taps", (height, fw, count, channels), source.dtype)
        every = np.ndarray(
            (height, fw, count, channels), source.dtype, source, 0, (source.strides[0], along, step, one)
        )
        apart[...] = every
        row, down = (s // source.strides[0] * apart.strides[0] for s in (row, down))
        source, along, step = apart, apart.strides[1], channels * one
    out = []
    whole = count // columns
    for first, runs, wide in ((0, whole, columns), (whole * columns, 1, count - whole * columns)):
        if runs and wide:
            view = np.ndarray(
                (n, runs, fh, fw, wide * channels),
                source.dtype,
                source,
                first * step,
                (row, columns * step, down, along, one),
            )
            out.append((slice(first, first + runs * wide), view))
    return out
