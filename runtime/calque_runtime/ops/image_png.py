"""PNG as far as numpy and zlib go: writing it, and reading 16-bit files (ISO/IEC 15948)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from ..op import Array

__all__ = ["HEADER", "decode_deep", "encode", "gray"]

HEADER = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by color type
_COLOR_TYPE = {channels: kind for kind, channels in _CHANNELS.items()}


def gray(colors: Array) -> Array:
    """The luminance of RGB pixels, weighted and rounded down in 1/32768 as TensorFlow's PNG reader does."""
    if colors.shape[2] == 1:
        return colors
    total = colors.astype(np.int64) @ np.array([9798, 19235, 3735])
    if colors.dtype == np.uint16:
        total += 1 << 14
    return (total >> 15).astype(colors.dtype)[..., None]


def encode(image: Array, level: int = -1) -> bytes:
    """A PNG file of an image (height, width, channels) of uint8 or uint16."""
    height, width, channels = image.shape
    deep = image.dtype == np.uint16
    rows = image.astype(">u2" if deep else np.uint8).reshape(height, -1).view(np.uint8)
    data = np.zeros((height, rows.shape[1] + 1), np.uint8)  # before each row stands its filter: 0, none
    data[:, 1:] = rows
    header = struct.pack(">IIBBBBB", width, height, 16 if deep else 8, _COLOR_TYPE[channels], 0, 0, 0)
    return b"".join(
        [
            HEADER,
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(data.tobytes(), level)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(HEADER)
    while at + 12 <= len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if len(body) < size or struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] != zlib.crc32(
            kind + body
        ):
            raise ValueError(f"chunk {kind!r} is damaged")
        yield kind, body
        at += 12 + size


def decode_deep(data: bytes) -> Array:
    """The pixels of a PNG file of 16 bits per sample: (height, width, channels) of uint16.

    Raises:
        ValueError, struct.error, zlib.error: the file is damaged.
        NotImplementedError: it is interlaced.
    """
    parts: dict[bytes, list[bytes]] = {}
    for kind, body in _chunks(data):
        parts.setdefault(kind, []).append(body)
    width, height, depth, color, _, _, interlaced = struct.unpack(
        ">IIBBBBB", b"".join(parts.get(b"IHDR", []))
    )
    if depth != 16 or color not in _CHANNELS:
        raise ValueError(f"bit depth {depth} with color type {color}")
    if interlaced:
        raise NotImplementedError("interlaced PNG files of 16 bits are not supported")
    step = 2 * _CHANNELS[color]
    size = (width * step + 1) * height
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(b"".join(parts.get(b"IDAT", [])), size)
    if len(raw) < size or not size:
        raise ValueError("the pixels are cut short")
    rows = np.frombuffer(raw, np.uint8).reshape(height, -1)
    out = np.zeros((height, width * step), np.uint8)
    above = np.zeros(width * step, np.uint8)
    for kind, row, place in zip(rows[:, 0], rows[:, 1:], out, strict=True):
        place[:] = above = _unfiltered(int(kind), row, above, step)
    return out.view(">u2").reshape(height, width, step // 2).astype(np.uint16)


def _unfiltered(kind: int, row: Array, above: Array, step: int) -> Array:
    """One row's bytes without the filter `kind`, which took something from each of them."""
    if kind == 0:
        return row
    if kind == 1:  # the byte a pixel before
        return np.cumsum(row.reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
    if kind == 2:  # the byte above
        return row + above
    if kind not in (3, 4):
        raise ValueError(f"there is no filter {kind}")
    here, up = bytearray(row.tobytes()), above.tobytes()
    if kind == 3:  # the mean of both
        for i in range(len(here)):
            before = here[i - step] if i >= step else 0
            here[i] = (here[i] + ((before + up[i]) >> 1)) & 255
    else:  # whichever of both and the byte above-before is closest to their linear continuation (Paeth)
        for i in range(len(here)):
            a, b, c = (here[i - step], up[i], up[i - step]) if i >= step else (0, up[i], 0)
            pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
            here[i] = (here[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
    return np.frombuffer(bytes(here), np.uint8)
