"""Rows of ops/image_codec.py."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"
DATA = Path(__file__).parent.parent / "data"


def S(data: bytes) -> V:
    return V(data, "string")


def file(name: str) -> V:
    return S((DATA / name).read_bytes())


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def filtered(kind: int, row: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """A row of a PNG with one of its filters."""
    row, above = row.astype(int), above.astype(int)
    left = np.concatenate([np.zeros(step, int), row[:-step]])
    corner = np.concatenate([np.zeros(step, int), above[:-step]])
    near = [np.abs(above - corner), np.abs(left - corner), np.abs(left + above - 2 * corner)]
    paeth = np.where(
        (near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], above, corner)
    )
    return row - [0 * row, left, above, (left + above) // 2, paeth][kind] & 255


def png(pixels: np.ndarray, color: int, depth: int = 8, extra: bytes = b"", packed: bytes | None = None) -> V:
    """A PNG of pixels (height, width, channels), all filters in turn."""
    height, width, channels = pixels.shape
    raw = np.frombuffer(pixels.astype(">u2" if depth == 16 else "u1").tobytes(), np.uint8).reshape(height, -1)
    step, above, lines = max(channels * depth // 8, 1), np.zeros(raw.shape[1], np.uint8), []
    for i, row in enumerate(raw):
        kind = i % 5 if packed is None else 0
        lines.append(bytes([kind]) + filtered(kind, row, above, step).astype(np.uint8).tobytes())
        above = row
    body = b"".join(lines) if packed is None else packed
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [chunk(b"IHDR", head), extra, chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b"")]
    return S(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def bmp(pixels: np.ndarray, down: bool = False) -> V:
    """A BMP of pixels (height, width, channels) as they are stored."""
    height, width, channels = pixels.shape
    lines = pixels.astype(np.uint8).reshape(height, -1)
    lines = np.pad(lines, [(0, 0), (0, -lines.shape[1] % 4)])
    head = struct.pack(
        "<IiiHHIIiiII", 40, width, -height if down else height, 1, channels * 8, 0, 0, 0, 0, 0, 0
    )
    return S(b"BM" + struct.pack("<IHHI", 54 + lines.size, 0, 0, 54) + head + lines.tobytes())


def pixels(*shape: int, high: int = 256, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, high, shape)


PALETTE = chunk(b"PLTE", bytes(range(12)))
INDEXED = pixels(3, 4, 1, high=4)
FILES = {
    "gray": png(pixels(7, 5, 1), 0),
    "rgb": png(pixels(7, 5, 3), 2),
    "graya": png(pixels(7, 5, 2), 4),
    "rgba": png(pixels(7, 5, 4), 6),
    "palette": png(INDEXED, 3, extra=PALETTE),
    "transparent": png(INDEXED, 3, extra=PALETTE + chunk(b"tRNS", b"\5\7")),
    "key": png(pixels(7, 5, 1, high=3), 0, extra=chunk(b"tRNS", b"\0\1")),
    "bits": png(np.zeros((3, 9, 1), int), 0, 1, packed=b"\0\xa5\x80\0\x5a\0\0\xff\x80"),
    "nibbles": png(np.zeros((2, 3, 1), int), 0, 4, packed=b"\0\x1a\xf0\0\x37\x50"),
}
DEEP = {
    "gray16": png(pixels(7, 5, 1, high=1 << 16), 0, 16),
    "rgb16": png(pixels(7, 5, 3, high=1 << 16), 2, 16),
    "rgba16": png(pixels(7, 5, 4, high=1 << 16), 6, 16),
}
ROWS: list[Row] = []
for name, one in {**FILES, **DEEP}.items():
    for channels in (0, 1, 3, 4):
        ROWS += rows("DecodePng", one, channels=channels, label=f"{name}{channels}")
        if channels != 1:
            ROWS += rows(
                "DecodePng", one, channels=channels, dtype="uint16", label=f"{name}{channels}_uint16"
            )
    ROWS += rows("DecodeImage", one, dtype="float32", label=name)
JPEGS = {name: file(f"{name}.jpg") for name in ("color", "progressive", "gray")}
EXACT = {"dct_method": "INTEGER_ACCURATE"}
CLOSE: list[Row] = []  # by TensorFlow's fast transform: test_images.py compares the pixels
for name, one in JPEGS.items():
    for channels in (0, 1, 3):
        ROWS += rows("DecodeJpeg", one, channels=channels, **EXACT, label=f"{name}{channels}")
        CLOSE += rows("DecodeJpeg", one, channels=channels, label=f"{name}{channels}_fast", compare="shape")
    for ratio in (2, 4, 8):
        ROWS += rows("DecodeJpeg", one, ratio=ratio, **EXACT, label=f"{name}_ratio{ratio}")
    for dtype in ("uint8", "uint16", "float32"):
        CLOSE += rows("DecodeImage", one, dtype=dtype, label=f"{name}_{dtype}", compare="shape")
    ROWS += rows("DecodeAndCropJpeg", one, V([3, 5, 10, 24], "int32"), **EXACT, label=name)
COLOR = JPEGS["color"]
GIFS = {name: file(f"{name}.gif") for name in ("animated", "still")}
CUT = S(COLOR.values[:200])
ROWS += [
    *rows("DecodeJpeg", FILES["rgb"], label="png"),
    *rows("DecodePng", COLOR, label="jpeg", compare="shape"),
    *rows("DecodeJpeg", S(b"abc"), label="unknown", error=BAD),
    *rows("DecodeJpeg", S(b""), label="empty", error=BAD),
    *rows("DecodeJpeg", S(FILES["rgb"].values[:60]), label="damaged", error=BAD),
    *rows("DecodeJpeg", CUT, label="cut", error=BAD),
    *rows("DecodeJpeg", COLOR, channels=4, label="channels4", error=BAD),
    *rows("DecodeJpeg", COLOR, channels=2, label="channels2", error=BAD),
    *rows("DecodeJpeg", COLOR, ratio=3, label="ratio", error=BAD),
    *rows("DecodeJpeg", bmp(pixels(2, 2, 3)), label="bmp", error=BAD),
    *rows("DecodeJpeg", GIFS["animated"], label="animated", error=BAD),
    *rows("DecodePng", V([b"a"], "string"), label="rank", error=BAD),
    *rows("DecodeAndCropJpeg", COLOR, V([3, 5, 30, 7], "int32"), label="outside", error=BAD),
    *rows("DecodeBmp", bmp(pixels(3, 5, 3)), label="rgb"),
    *rows("DecodeBmp", bmp(pixels(3, 5, 4), down=True), channels=4, label="rgba"),
    *rows("DecodeBmp", bmp(pixels(3, 5, 1)), label="gray"),
    *rows("DecodeBmp", bmp(pixels(3, 5, 3)), channels=1, label="channels", error=BAD),
    *rows("DecodeBmp", FILES["rgb"], label="png", error=BAD),
    *rows("DecodeBmp", S(bmp(pixels(3, 5, 3)).values[:70]), label="cut", error=BAD),
    *rows("DecodeGif", GIFS["animated"], label="animated"),
    *rows("DecodeGif", GIFS["still"], label="still"),
    *rows("DecodeGif", FILES["rgb"], label="png"),
    *rows("DecodeImage", GIFS["animated"], label="animated"),
    *rows("DecodeImage", GIFS["animated"], expand_animations=False, label="frame"),
    *rows("DecodeImage", bmp(pixels(3, 5, 3)), label="bmp"),
    *rows("DecodeImage", S(b"abc"), label="unknown", error=BAD),
]
ROWS += [
    *rows("EncodePng", A(5, 4, 3), dtypes="uint8 uint16", compare="shape"),
    *rows("EncodePng", A(2, 5, 4, 1), dtypes="uint8", compare="shape", label="batch"),
    *rows("EncodePng", A(5, 4, 5), dtypes="uint8", label="channels", error=BAD),
    *rows("EncodePng", A(5, 4), dtypes="uint8", label="rank", error=BAD),
    *rows("EncodePng", A(5, 4, 3), compression=10, dtypes="uint8", label="compression", error=BAD),
    *rows("EncodeJpeg", A(5, 4, 3), dtypes="uint8", compare="shape"),
    *rows(
        "EncodeJpeg", A(5, 4, 1), progressive=True, quality=50, dtypes="uint8", compare="shape", label="gray"
    ),
    *rows("EncodeJpeg", A(5, 4, 1), format="rgb", dtypes="uint8", label="format", error=BAD),
    *rows("EncodeJpeg", A(5, 4, 2), dtypes="uint8", label="channels", error=BAD),
    *rows("EncodeJpegVariableQuality", A(5, 4, 3), V(70, "int32"), dtypes="uint8", compare="shape"),
    *rows(
        "EncodeJpegVariableQuality", A(5, 4, 3), V(170, "int32"), dtypes="uint8", label="quality", error=BAD
    ),
]
ROWS += CLOSE
