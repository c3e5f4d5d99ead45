"""Memory for large results, used again when nothing refers to them any more.

The system gives out large blocks page by page, each cleared when it is first touched, and takes them back when they are
freed. For results of some megabytes, made anew at each call, that costs as much as computing them: filling 38 MB takes
9 ms in new memory and 2.6 ms in old. So what the last array of a block leaves behind is kept for the next one of about
its size, up to a limit.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["empty"]

_LARGE = 1 << 20  # bytes from which on a block is kept
_KEPT = 1 << 28  # bytes of all blocks that are kept
_WASTE = 4  # a block may be larger than what is asked for by one part in so many


class _Kept:
    """Blocks that nothing refers to, those that were used last at the end."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a block may come back at any moment, also while this thread holds it
        self.blocks: list[Any] = []
        self.size = 0

    def take(self, size: int) -> Any:
        """A block of at least that many bytes."""
        with self.lock:
            best = None
            for block in self.blocks:
                if size <= block.nbytes <= size + size // _WASTE and (
                    best is None or block.nbytes < best.nbytes
                ):
                    best = block
            if best is not None:
                self.blocks = [block for block in self.blocks if block is not best]
                self.size -= best.nbytes
                return best
        return np.empty(size, np.uint8)

    def give(self, block: Any) -> None:
        """Keep a block; the oldest ones go where there are too many."""
        with self.lock:
            self.blocks.append(block)
            self.size += block.nbytes
            while self.size > _KEPT:
                self.size -= self.blocks.pop(0).nbytes


_kept = _Kept()


class _Block:
    """What arrays in a block refer to: it goes when the last of them goes."""

    __slots__ = ("__array_interface__", "_give", "_memory")

    def __init__(self, shape: tuple[int, ...], dtype: Any, memory: Any) -> None:
        self._memory = memory
        self._give = _kept.give
        self.__array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": memory.__array_interface__["data"],
            "version": 3,
        }

    def __del__(self) -> None:
        self._give(self._memory)


def empty(shape: Sequence[int], dtype: Any) -> Any:
    """``np.empty`` for numbers, perhaps in memory that an array left behind."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size < _LARGE or kind.kind not in "fiub":
        return np.empty(shape, kind)
    return np.asarray(_Block(tuple(shape), kind, _kept.take(size)))
