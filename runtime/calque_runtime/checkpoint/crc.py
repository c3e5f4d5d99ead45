"""crc32c (Castagnoli) checksums and the mask that the file formats store them under."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["crc32c", "extend", "mask", "unmask"]

_MASK_DELTA = 0xA282EAD8

_extend: Any = None


def extend(crc: int, data: Any) -> int:
    """The checksum of some bytes followed by `data`.

    Args:
        crc: the (unmasked) checksum of what came before; 0 for nothing.
        data: bytes, a C-contiguous array, or any other contiguous buffer.

    Returns:
        The unmasked checksum, an unsigned 32-bit integer.
    """
    if not isinstance(data, (bytes, np.ndarray)):
        # google_crc32c refuses buffers that need releasing (memoryview, bytearray); arrays over them pass.
        view = memoryview(data)
        data = np.frombuffer(view, np.uint8) if view.nbytes else b""
    return int((_extend or _load())(crc, data))


def crc32c(data: Any) -> int:
    """The unmasked checksum of `data` (bytes, a C-contiguous array, or any other contiguous buffer)."""
    return extend(0, data)


def mask(crc: int) -> int:
    """`crc` as files store it: rotated right by 15 bits, plus a constant.

    A checksum of bytes that hold checksums is weak; the mask keeps stored ones from looking like data's own.
    """
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(masked: int) -> int:
    """The checksum that `mask` gave `masked` for."""
    rotated = (masked - _MASK_DELTA) & 0xFFFFFFFF
    return ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF


def _load() -> Any:
    global _extend
    import google_crc32c

    if google_crc32c.implementation == "python":  # the slow fallback iterates, and needs plain integers
        _extend = lambda crc, data: google_crc32c.extend(crc, bytes(data))  # noqa: E731
    else:
        _extend = google_crc32c.extend
    return _extend
