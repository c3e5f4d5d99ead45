"""The index's keys: names, and ordered code, byte strings that sort as the values they stand for.

Checkpoints store a part of a partitioned tensor under such a key, made of the tensor's name and the part's
place. The layouts are those seen in TensorFlow's files.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "decode_name",
    "encode_name",
    "encode_number",
    "encode_signed",
    "encode_slice_key",
    "encode_string",
]


def encode_name(name: str) -> bytes:
    """A tensor's name as a key; the names that `decode_name` gave for odd bytes give these again."""
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair
        return name.encode("utf-8", "surrogatepass")


def decode_name(key: bytes) -> str:
    """The name that `key` stands for. Bytes that are no UTF-8 become lone surrogates."""
    return key.decode("utf-8", "surrogateescape")


def encode_number(value: int) -> bytes:
    """An unsigned integer: one byte that counts those after it, then the value, big-endian and shortest."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def encode_string(value: bytes) -> bytes:
    """A string: 00 becomes 00 ff, ff becomes ff 00, and 00 01 ends it."""
    pieces = (piece.replace(b"\xff", b"\xff\x00") for piece in value.split(b"\x00"))
    return b"\x00\xff".join(pieces) + b"\x00\x01"


def encode_signed(value: int) -> bytes:
    """A signed integer in n bytes: n one bits, a zero bit, and the value in the 7n - 1 bits left.

    A negative value is the bitwise complement of the code of ``~value``.
    """
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1
    code = (((1 << size) - 1) << (7 * size)) | magnitude
    if value < 0:
        code ^= (1 << (8 * size)) - 1
    return code.to_bytes(size, "big")


def encode_slice_key(name: str, extents: Sequence[tuple[int, int]]) -> bytes:
    """The index key of one part of the tensor `name`.

    Args:
        name: the tensor's name.
        extents: (start, length) for each dimension; length -1 for the whole of it (start is then 0).
    """
    code = [
        encode_number(0),
        encode_string(encode_name(name)),
        encode_number(len(extents)),
    ]
    for start, length in extents:
        code.append(encode_signed(start))
        code.append(encode_signed(length))
    return b"".join(code)
