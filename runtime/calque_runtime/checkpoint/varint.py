"""Variable-length integers: seven bits a byte, lowest first, the top bit set on all bytes but the last."""

from __future__ import annotations

from ..errors import DataLossError

__all__ = ["encode_varint", "read_varint"]


def encode_varint(value: int) -> bytes:
    """`value` (0 or more) as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int, end: int, where: str) -> tuple[int, int]:
    """The varint at byte `at` of `data`, and the place of the byte after it.

    Raises:
        DataLossError: it runs past `end`, or is no unsigned 64-bit number.
    """
    value = shift = 0
    for position in range(at, min(end, at + 10)):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, position + 1
        shift += 7
    raise DataLossError(None, None, f"{where}: the number at byte {at} is cut off or over 64 bits.")
