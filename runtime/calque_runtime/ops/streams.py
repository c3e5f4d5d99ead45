"""Where random ops get their stream from: a seed, a key and counter, or the state of a stateful op's kernel."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from ..op import Array, Op, Site
from .philox import Philox

__all__ = [
    "ALGORITHM",
    "Reserved",
    "STATEFUL",
    "keyed",
    "reset_eager",
    "seeded",
]

# tf.random.Algorithm: 1 Philox, 2 ThreeFry (which TensorFlow's CPU kernels refuse), 3 whatever the device prefers.
ALGORITHM = 1
_ACCEPTED = (ALGORITHM, 3)

# The ops with attributes seed and seed2.
STATEFUL: list[Op] = []


def seeded(s: Site, seed: Array) -> Philox:
    """The stream of a stateless op with this seed, two integers.

    Raises:
        InvalidArgumentError: it has another shape.
    """
    if np.shape(seed) != (2,):
        raise s.error(f"seed must have shape [2], not {list(np.shape(seed))}")
    return Philox.scrambled(int(seed[0]), int(seed[1]))


def keyed(s: Site, key: Array, counter: Array, algorithm: Array) -> Philox:
    """The stream at `counter` (two uint64, the lower first) under `key` (one).

    Raises:
        InvalidArgumentError: a shape does not fit, or the algorithm is not Philox.
    """
    if np.ndim(algorithm) != 0:
        raise s.error(f"algorithm must be of shape [], not {list(np.shape(algorithm))}")
    if int(algorithm) not in _ACCEPTED:
        raise s.error(f"Unsupported algorithm id: {int(algorithm)}")
    if np.shape(key) != (1,):
        raise s.error(f"key must have shape [1], not {list(np.shape(key))}")
    if np.ndim(counter) != 1 or len(counter) < 2:
        raise s.error(
            f"counter must be a vector with length at least 2; got shape: {list(np.shape(counter))}"
        )
    return Philox(int(key[0]), int(counter[0]) | int(counter[1]) << 64)


class Reserved:
    """The stream of a stateful op's kernel: each call takes a stretch of it.

    With both seeds zero it starts where the operating system's entropy says. Otherwise it starts where the seeds say,
    and eager calls of an op with equal attributes share one stream, as TensorFlow's do: it keeps one kernel for them.
    """

    def __init__(self, seed: int, seed2: int) -> None:
        if not seed and not seed2:
            seed, seed2 = (int.from_bytes(os.urandom(8), "little") for _ in range(2))
        self._next = Philox.from_seeds(seed, seed2)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, s: Site) -> Reserved:
        """The stream for the op at this site."""
        seed, seed2 = s["seed"], s["seed2"]
        if s.name or not (seed or seed2):
            return cls(seed, seed2)
        key = s.op.name, tuple(sorted((name, repr(value)) for name, value in s.attrs.items()))
        with _eager_lock:
            if key not in _eager:
                _eager[key] = cls(seed, seed2)
            return _eager[key]

    def take(self, blocks: int) -> Philox:
        """The start of the next `blocks` blocks, which are then spent."""
        with self._lock:
            start = self._next
            self._next = start.skip(blocks)
        return start


_eager: dict[Any, Reserved] = {}
_eager_lock = threading.Lock()


def reset_eager() -> None:
    """Start the streams of eager calls anew, as setting the global seed does."""
    with _eager_lock:
        _eager.clear()
        for op in STATEFUL:
            op.bound.clear()
