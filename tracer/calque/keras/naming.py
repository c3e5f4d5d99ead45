"""Names for objects that were not given one: "dense", "dense_1", ..., until `clear_session` starts over."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Collection

__all__ = [
    "clear_session",
    "get_uid",
    "observe_object_name",
    "reset_uids",
    "snake_case",
    "unique_object_name",
]

_lock = threading.Lock()
_uids: defaultdict[str, int] = defaultdict(int)  # how many numbers each prefix has given, for `get_uid`
_names: defaultdict[tuple[str, str], int] = defaultdict(int)  # and each (namespace, name), for objects' names
_observed: set[str] = set()


def get_uid(prefix: str = "") -> int:
    """The next number for a prefix, from 1 on."""
    with _lock:
        _uids[prefix] += 1
        return _uids[prefix]


def unique_object_name(
    name: str,
    avoid_names: Collection[str] | None = None,
    namespace: str = "",
    zero_based: bool = False,
    avoid_observed_names: bool = False,
) -> str:
    """A name that was not given before: `name` with the next number.

    Args:
        name: what it begins with, such as "dense".
        avoid_names: names that must not be given.
        namespace: names are counted for each namespace alone.
        zero_based: is the first one `name` itself, and the second ``name_1``? Otherwise the first is ``name_1``.
        avoid_observed_names: where `avoid_names` is None: must the names that users gave be avoided?
    """
    avoided = avoid_names if avoid_names is not None else _observed if avoid_observed_names else ()
    with _lock:
        while True:
            count = _names[namespace, name]
            _names[namespace, name] = count + 1
            number = count if zero_based else count + 1
            proposed = f"{name}_{number}" if number else name
            if proposed not in avoided:
                return proposed


def observe_object_name(name: str) -> None:
    """Note a name that a user gave, for `unique_object_name` to avoid."""
    _observed.add(name)


def reset_uids() -> None:
    """Start all numbers over."""
    with _lock:
        _uids.clear()
        _names.clear()
        _observed.clear()


def clear_session() -> None:
    """Forget the state that is not part of any object: names start over."""
    reset_uids()


def snake_case(name: str) -> str:
    """A class's name as objects' names have it: "MaxPooling2D" is "max_pooling2d", "_Own" is "private_own"."""
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()
    return f"private{words}" if words.startswith("_") else words
