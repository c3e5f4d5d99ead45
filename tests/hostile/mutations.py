"""Ways to damage a file: each a generator of (what was done, the damaged bytes), the same ones on every run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from calque_runtime.wire import schema

__all__ = ["MUTATIONS"]

Mutation = Iterator[tuple[str, bytes]]

_FLIPS = (
    0x01,
    0x80,
    0xFF,
    0x08,
    0x20,
)  # the lowest and highest bit, all, one of a tag's number, one of a letter


def every_byte(data: bytes, step: int) -> Mutation:
    """Each byte changed once; `step` plays no part."""
    for at in range(len(data)):
        mask = _FLIPS[at % len(_FLIPS)]
        yield f"byte {at} ^ {mask:#x}", _patched(data, at, bytes([data[at] ^ mask]))


def flips(data: bytes, step: int) -> Mutation:
    """One byte in `step` replaced by a random other one."""
    draw = random.Random(1)
    for at in range(0, len(data), step):
        place = min(at + draw.randrange(step), len(data) - 1)
        new = draw.randrange(256)
        yield f"byte {place} = {new:#x}", _patched(data, place, bytes([new]))


def pairs(data: bytes, step: int) -> Mutation:
    """Two neighboring bytes, such as a tag and a length, replaced."""
    draw = random.Random(2)
    for at in range(0, len(data) - 1, step):
        new = draw.randbytes(2)
        yield f"bytes {at} = {new.hex()}", _patched(data, at, new)


def cuts(data: bytes, step: int) -> Mutation:
    """Everything from some byte on lost."""
    for at in range(0, len(data), step):
        yield f"cut at {at}", data[:at]


def insertions(data: bytes, step: int) -> Mutation:
    """A few bytes put in."""
    draw = random.Random(3)
    for at in range(0, len(data) + 1, step):
        new = draw.randbytes(draw.randrange(1, 9))
        yield f"{new.hex()} put in at {at}", data[:at] + new + data[at:]


def deletions(data: bytes, step: int) -> Mutation:
    """A few bytes taken out."""
    draw = random.Random(4)
    for at in range(0, len(data), step):
        size = draw.randrange(1, 17)
        yield f"{size} bytes taken out at {at}", data[:at] + data[at + size :]


def zeros(data: bytes, step: int) -> Mutation:
    """A range set to zero, as a disk does that lost a sector."""
    for at in range(0, len(data), step):
        size = min(step, len(data) - at)
        yield f"{size} zeros at {at}", _patched(data, at, bytes(size))


def repeats(data: bytes, step: int) -> Mutation:
    """A range written twice."""
    for at in range(0, len(data), step):
        yield f"bytes {at} to {at + step} twice", data[: at + step] + data[at:]


def fields(data: bytes, step: int) -> Mutation:
    """One field of the message, at any depth, given another value, taken out, doubled, or one of its kin's value.

    What random bytes rarely reach, as protobuf refuses most of them: files that parse well and make no sense.
    """
    proto = schema.parse(schema.SavedModel, data, "the model")
    places = list(_places(proto, ()))
    kin: dict[str, list[Any]] = {}  # every value by its kind
    for path in places:
        value = _at(proto, path)
        kin.setdefault(_kind(value), []).append(value)
    for number in range(0, len(places), step):
        draw = random.Random(number)
        path = places[number]
        copy = schema.SavedModel()
        copy.CopyFrom(proto)
        what = _change(copy, path, kin, draw)
        yield f"{'.'.join(map(str, path))} {what}", schema.serialize(copy, "the model")


def _places(message: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a message: names of fields, places in lists, keys of maps."""
    for field, value in message.ListFields():
        here = (*path, field.name)
        if hasattr(value, "items"):
            steps = [(key,) for key in sorted(value)]
        elif hasattr(value, "append"):
            steps = [(i,) for i in range(len(value))]
        else:
            steps = [()]
        for more in steps:
            one = value[more[0]] if more else value
            yield here + more
            if hasattr(one, "ListFields"):
                yield from _places(one, here + more)


def _at(message: Any, path: tuple[Any, ...]) -> Any:
    for one in path:
        message = (
            getattr(message, one) if isinstance(one, str) and hasattr(message, "ListFields") else message[one]
        )
    return message


def _kind(value: Any) -> str:
    return value.DESCRIPTOR.full_name if hasattr(value, "ListFields") else type(value).__name__


_INTEGERS = (0, 1, -1, 2, 7, 100, 119, 1 << 20, (1 << 31) - 1, -(1 << 31), 1 << 40, 1 << 62, (1 << 63) - 1)


def _change(root: Any, path: tuple[Any, ...], kin: dict[str, list[Any]], draw: random.Random) -> str:
    """Changes the value at `path`; says how."""
    parent, last = _at(root, path[:-1]), path[-1]
    value = _at(root, path)
    choice = draw.randrange(4)
    if choice == 0:
        if hasattr(parent, "ListFields"):
            parent.ClearField(last)
        else:
            del parent[last]
        return "taken out"
    if choice == 1 and hasattr(parent, "append"):
        parent.extend([value])
        return "doubled"
    if hasattr(value, "ListFields"):
        other = draw.choice(kin[_kind(value)])
        value.CopyFrom(other)
        return "replaced by another one"
    new: Any = draw.choice(kin[_kind(value)])
    if isinstance(value, bool):
        new = not value
    elif isinstance(value, int) and choice > 1:
        new = draw.choice((*_INTEGERS, value + 1, value - 1))
    elif isinstance(value, float) and choice > 1:
        new = draw.choice((float("nan"), float("inf"), -1.0, 1e30))
    elif isinstance(value, (str, bytes)) and choice > 2:
        text = draw.choice(
            ("", "\0", "../x", "^x", "x:0", ":", "_", "\u00b2", "x" * 1000, "__class__", "self")
        )
        new = text if isinstance(value, str) else text.encode()
    try:
        if isinstance(last, str) and hasattr(parent, "ListFields"):
            setattr(parent, last, new)
        else:
            parent[last] = new
    except ValueError:  # too wide for the field
        return "left alone"
    return f"= {str(new)[:60]!r}"


def _patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


MUTATIONS: dict[str, Callable[[bytes, int], Mutation]] = {
    one.__name__: one
    for one in (every_byte, flips, pairs, cuts, insertions, deletions, zeros, repeats, fields)
}
