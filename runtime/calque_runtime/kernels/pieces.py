"""What kernels over images share: pieces of rows, threads that do them, scratch memory, padding piece by piece."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..dtypes import from_numpy
from ..op import Site
from ..ops.common import check_size
from ..ops.windows import Windows
from . import blas
from .crew import processors, share

__all__ = ["Bordered", "by_image", "done_by", "scratch", "shares", "split", "windows_in"]

_PIECE = 1 << 18  # numbers that a piece reads and writes: 1 MiB of float32, half of a second-level cache
_SHARED = 1 << 22  # multiplications from which on threads share the work


class _Local(threading.local):
    """A thread's own scratch memory, for each purpose as large as the largest piece so far."""

    def __init__(self) -> None:
        self.memory: dict[str, Any] = {}


_local = _Local()


def scratch(purpose: str, shape: Sequence[int], dtype: Any) -> Any:
    """An array of any content, the calling thread's own until it asks again for the same purpose."""
    size = np.dtype(dtype).itemsize
    for n in shape:
        size *= n
    memory = _local.memory.get(purpose)
    if memory is None or memory.nbytes < size:
        memory = _local.memory[purpose] = np.empty(size, np.uint8)
    return np.ndarray(shape, dtype, memory)


def shares(pieces: int, work: int) -> bool:
    """Do threads share that many pieces of `work` multiplications together?"""
    return work >= _SHARED and processors() > 1 and pieces > 1 and blas.controllable()


def done_by(pieces: int, work: int) -> Callable[[Callable[[int], Any]], None]:
    """How to do that many pieces of `work` multiplications together."""
    if shares(pieces, work):

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


def split(count: int, numbers: int, work: int, least: int = 1) -> tuple[int, int]:
    """(size, number) of pieces of `count` rows of so many numbers, the same number of pieces for each thread.

    A piece has at least `least` rows if there are as many.
    """
    if not count:
        return 1, 0
    most = max(1, min(count, max(least, _PIECE // max(1, numbers))))
    number = -(-count // most)
    if work >= _SHARED:
        workers = processors()
        number = min(count, -(-number // workers) * workers)
    size = -(-count // number)
    return size, -(-count // size)


def by_image(lo: int, hi: int, rows: int) -> Iterator[tuple[int, int, int, int]]:
    """Rows `lo` to `hi` of all images, image by image: from, to, the image, the row of it."""
    while lo < hi:
        image, row = divmod(lo, rows)
        upto = min(hi, (image + 1) * rows)
        yield lo, upto, image, row
        lo = upto


class Bordered:
    """Rows of padded images, of which a piece makes only those that it needs.

    Args:
        shape: of the images: batch, height, width, channels.
        pads: (before, after) for height and width.
        stride: how many rows lie between the tops of two rows of windows.
        reach: how many rows a row of windows sees.
        value: what the padding holds.
        site: of the op: its limits hold for what padding makes.

    Attributes:
        columns: of a row with its padding.
    """

    def __init__(
        self,
        shape: Sequence[int],
        pads: Sequence[tuple[int, int]],
        stride: int,
        reach: int,
        value: Any,
        site: Site,
    ) -> None:
        _, self._height, self._width, self._channels = shape
        (self._top, bottom), (self._left, right) = pads
        self._plain = not (self._top or bottom or self._left or right)
        self._stride = stride
        self._reach = reach
        self.columns = self._width + self._left + right
        self._value = value
        self._site = site
        self._whole = shape[0], self._height + self._top + bottom, self.columns, self._channels

    @classmethod
    def of(cls, windows: Windows, shape: Sequence[int], size: Sequence[int], value: Any) -> Bordered:
        """What windows of that height and width see of images of that shape."""
        reach = (size[0] - 1) * windows.dilation[0] + 1
        return cls(shape, windows.pads(shape[1:3], size), windows.stride[0], reach, value, windows.site)

    def check(self, x: Any) -> None:
        """May a tensor of the padded images' size be made? Padding comes from attributes.

        Raises:
            ResourceExhaustedError: it may not.
        """
        if not self._plain:
            check_size(self._site, self._whole, from_numpy(x.dtype))

    def rows(self, x: Any, image: int, first: int, count: int) -> Any:
        """What `count` rows of windows from the `first` on see of an image: (rows, columns, channels), contiguous."""
        top = first * self._stride - self._top
        need = (count - 1) * self._stride + self._reach
        if self._plain:
            return x[image, top : top + need]
        out = scratch("border", (need, self.columns, self._channels), x.dtype)
        above = min(max(-top, 0), need)
        below = max(min(self._height - top, need), above)
        out[:above] = self._value
        out[below:] = self._value
        inside, end = out[above:below], self._left + self._width
        inside[:, : self._left] = self._value
        inside[:, end:] = self._value
        inside[:, self._left : end] = x[image, top + above : top + below]
        return out


def windows_in(
    rows: Any, count: int, columns: int, size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Any:
    """A view of all windows in contiguous rows: (count, columns, window height, window width, channels)."""
    down, along, one = rows.strides
    return np.ndarray(
        (count, columns, *size, rows.shape[-1]),
        rows.dtype,
        rows,
        0,
        (down * stride[0], along * stride[1], down * dilation[0], along * dilation[1], one),
    )
