"""How many threads numpy's matrix products use.

Where a kernel shares its work among our own threads, each product must stay in its thread: OpenBLAS's threads spin for
a while after each product, and would fight with ours. A lone large product is best left to OpenBLAS.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from functools import cache
from time import perf_counter

import numpy as np

__all__ = ["Guard", "controllable", "own_threads", "owned", "restore_threads"]

_NAMES = ("scipy_openblas_{}64_", "openblas_{}64_", "scipy_openblas_{}", "openblas_{}")
_LATE = 3  # times as long as a plan's fastest run, and a millisecond more: threads were waited for
_PAUSE = 2  # seconds for which BLAS's threads are avoided then
_lock = threading.Lock()
_users = 0
_before = 1
_busy_until = 0.0  # of `time.perf_counter`


@cache
def _functions() -> tuple[Callable[[int], None], Callable[[], int]] | None:
    """OpenBLAS's set and get of its number of threads, where numpy brings one that can be found."""
    import ctypes
    import glob

    folder = os.path.dirname(os.path.abspath(np.__file__))
    patterns = ("../numpy.libs/*openblas*", ".libs/*openblas*", ".dylibs/*openblas*")
    for pattern in patterns:
        for path in glob.glob(os.path.join(folder, pattern)):
            try:
                library = ctypes.CDLL(path)
            except OSError:
                continue
            for name in _NAMES:
                set_threads = getattr(library, name.format("set_num_threads"), None)
                get_threads = getattr(library, name.format("get_num_threads"), None)
                if set_threads is not None and get_threads is not None:
                    set_threads.argtypes = [ctypes.c_int]
                    set_threads.restype = None
                    get_threads.restype = ctypes.c_int
                    return set_threads, get_threads
    return None


def controllable() -> bool:
    """Can the number of threads be set?"""
    return _functions() is not None


def own_threads() -> None:
    """Keep products in the thread that asks for them, until `restore_threads` is called as often."""
    global _users, _before
    functions = _functions()
    if functions is None:
        return
    with _lock:
        if not _users:
            _before = functions[1]()
            functions[0](1)
        _users += 1


def owned() -> bool:
    """Do products stay in their thread now?"""
    return _users > 0


def restore_threads() -> None:
    """Undo one `own_threads`."""
    global _users
    functions = _functions()
    if functions is None:
        return
    with _lock:
        _users -= 1
        if not _users:
            functions[0](_before)


class Guard:
    """Keeps a plan's products in one thread while other processes have the processors.

    OpenBLAS gives each thread its part, and waits for the last one: on a busy machine for milliseconds, a time slice of
    the others, where one thread would have long been done. A plan that takes several times as long as before, again and
    again, has waited so; all plans avoid BLAS's threads for a while then. How long it takes without them is what its
    later runs are compared with: a plan that has more to do than products is not late because of that.

    Args:
        seconds: what one slow processor takes for its products; the first runs are compared with it.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._fastest = seconds
        self._score = 0  # of lateness: a run that is late once has met something else

    def begin(self, now: Callable[[], float] = perf_counter) -> float:
        """Before the plan runs; the result is for `end`: when that was, below 0 where BLAS's threads are avoided."""
        start = now()
        if start >= _busy_until:
            return start
        own_threads()
        return -start

    def end(self, start: float, now: Callable[[], float] = perf_counter) -> None:
        """When the plan has run."""
        global _busy_until
        end = now()
        if start < 0:
            restore_threads()
            self._fastest = min(self._fastest, end + start)
            return
        took = end - start
        if took > _LATE * self._fastest + 1e-3:
            self._score += 2
            if self._score > 2:
                _busy_until = end + _PAUSE
                self._score = 1  # if the next run afterwards is late, too, it is once more
                self._fastest = math.inf  # measured anew, without threads
            return
        self._score = max(self._score - 1, 0)
        self._fastest = min(self._fastest, took)
