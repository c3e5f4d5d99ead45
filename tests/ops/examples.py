"""Serialized Example messages, written by hand: rows import neither TensorFlow nor calque."""

from __future__ import annotations

import struct
from typing import Any


def varint(n: int) -> bytes:
    """A protobuf varint; negative numbers as 64-bit two's complement."""
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def field(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def feature(values: Any) -> bytes:
    """A Feature of a list of bytes, floats or ints; None: of no kind; () is an empty float list."""
    if values is None:
        return b""
    if values and isinstance(values[0], bytes):
        return field(1, b"".join(field(1, v) for v in values))
    if values and isinstance(values[0], int):
        return field(3, field(1, b"".join(varint(v) for v in values)))
    return field(2, field(1, struct.pack(f"<{len(values)}f", *values)) if values else b"")


def features(**values: Any) -> bytes:
    """A Features message."""
    return b"".join(field(1, field(1, k.encode()) + field(2, feature(v))) for k, v in values.items())


def example(**values: Any) -> bytes:
    """An Example message of features by name."""
    return field(1, features(**values))


def sequence(context: dict[str, Any], **lists: list[Any]) -> bytes:
    """A SequenceExample message of context features and feature lists by name."""
    entries = (
        field(1, field(1, k.encode()) + field(2, b"".join(field(1, feature(v)) for v in steps)))
        for k, steps in lists.items()
    )
    return field(1, features(**context)) + field(2, b"".join(entries))
