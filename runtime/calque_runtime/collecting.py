"""Python's garbage collector, out of the way while many objects are made that stay.

Decoding a graph makes ten objects a node, none of them garbage. The collector would go through all of them again and
again as they become more: for ten thousand nodes that is a sixth of the time.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused_collection"]

_lock = threading.Lock()
_users = 0
_before = False


@contextmanager
def paused_collection() -> Iterator[None]:
    """No collections inside, in any thread; afterwards as before. Several may be open at once."""
    global _users, _before
    with _lock:
        if not _users:
            _before = gc.isenabled()
            gc.disable()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users and _before:
                gc.enable()
