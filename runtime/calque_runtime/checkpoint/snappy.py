"""Decompression of snappy blocks, in plain Python, with a bound on what comes out.

Bundles' index blocks may be snappy-compressed by other writers; TensorFlow's own never were. Format: the
length of the output as a varint, then elements, each a literal or a copy of earlier output
(google/snappy, format_description.txt).
"""

from __future__ import annotations

from ..errors import DataLossError
from .varint import read_varint

__all__ = ["decompress"]

# The densest element copies 64 bytes and takes 3, so an honest length is at most 21.4 times the input's.
_MAX_RATIO = 22


def decompress(data: bytes, where: str) -> bytes:
    """The bytes that `data` was made from.

    Args:
        data: one snappy block, without framing.
        where: the file and place, for messages.

    Raises:
        DataLossError: `data` is no snappy block, or claims a length it cannot hold.
    """
    length, at = read_varint(data, 0, len(data), where)
    if length > _MAX_RATIO * len(data):
        raise DataLossError(
            None, None, f"{where}: a snappy block of {len(data)} bytes claims to hold {length} bytes."
        )
    out = bytearray()
    end = len(data)
    while at < end:
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            size = (tag >> 2) + 1
            if size > 60:  # 60..63 say that the length, less one, follows in 1..4 bytes
                width = size - 60
                size = int.from_bytes(data[at : at + width], "little") + 1
                at += width
            if at + size > end or len(out) + size > length:
                raise DataLossError(None, None, f"{where}: a snappy literal runs past the end at byte {at}.")
            out += data[at : at + size]
            at += size
            continue
        if kind == 1:
            size = ((tag >> 2) & 7) + 4
            width = 1
            high = (tag >> 5) << 8
        else:
            size = (tag >> 2) + 1
            width = 2 if kind == 2 else 4
            high = 0
        distance = high | int.from_bytes(data[at : at + width], "little")
        at += width
        if at > end or not 0 < distance <= len(out) or len(out) + size > length:
            raise DataLossError(None, None, f"{where}: a snappy copy reaches outside the block at byte {at}.")
        start = len(out) - distance
        if distance >= size:
            out += out[start : start + size]
        else:  # the copy overlaps what it writes: the last `distance` bytes repeat
            pattern = bytes(out[start:])
            out += (pattern * (size // distance + 1))[:size]
    if len(out) != length:
        raise DataLossError(
            None, None, f"{where}: a snappy block holds {len(out)} bytes, not the {length} it claims."
        )
    return bytes(out)
