"""String hashes that TensorFlow's files and ops rely on, bit for bit.

`fingerprint64` is FarmHash's stable 64-bit fingerprint (hash buckets, fingerprint.pb), `fingerprint_cat64` how
TensorFlow joins two of them, `hash64` its older hash of the Murmur kind, `siphash` a keyed one (Aumasson, Bernstein:
SipHash, a fast short-input PRF, 2012).

The code works on Python ints and on arrays of uint64 alike, a lane for each string of one length: numbers are kept
below 2^64 by a mask, which costs arrays nothing worth saving.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["fingerprint64", "fingerprint64_all", "fingerprint_cat64", "hash64", "siphash"]

Word = Any  # an int, or an array of uint64

_M = (1 << 64) - 1
_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_MURMUR = 0xC6A4A7935BD1E995
_LANES = 8  # strings of one length from which on arrays beat ints

Fetch = Callable[[int, int], Word]  # (first byte, number of bytes) to a little-endian word


def fingerprint64(text: bytes) -> int:
    """The FarmHash fingerprint of `text`."""
    return int(_fingerprint(len(text), lambda at, size: int.from_bytes(text[at : at + size], "little")))


def fingerprint64_all(texts: Sequence[bytes]) -> Any:
    """The FarmHash fingerprint of each of `texts`: uint64 [n]."""
    out = np.empty(len(texts), np.uint64)
    by_length: dict[int, list[int]] = {}
    for i, text in enumerate(texts):
        by_length.setdefault(len(text), []).append(i)
    for length, places in by_length.items():
        if len(places) < _LANES or length == 0:
            for i in places:
                out[i] = fingerprint64(texts[i])
        else:
            joined = b"".join([texts[i] for i in places])
            out[places] = _fingerprint(length, _columns(np.frombuffer(joined, np.uint8).reshape(-1, length)))
    return out


def _columns(rows: Any) -> Fetch:
    def fetch(at: int, size: int) -> Word:
        part = np.ascontiguousarray(rows[:, at : at + size])
        return part.view(f"<u{size}")[:, 0].astype(np.uint64)

    return fetch


def _rotate(x: Word, n: int) -> Word:
    return (x >> n) | (x << (64 - n) & _M)


def _shift_mix(x: Word) -> Word:
    return x ^ (x >> 47)


def _mix(u: Word, v: Word, mul: Word) -> Word:
    a = _shift_mix((u ^ v) * mul & _M)
    return _shift_mix((v ^ a) * mul & _M) * mul & _M


def _fingerprint(n: int, fetch: Fetch) -> Word:
    if n <= 16:
        return _up_to_16(n, fetch)
    if n <= 64:
        return _up_to_64(n, fetch)
    return _longer(n, fetch)


def _up_to_16(n: int, fetch: Fetch) -> Word:
    mul = _K2 + 2 * n & _M
    if n >= 8:
        a = fetch(0, 8) + _K2 & _M
        b = fetch(n - 8, 8)
        return _mix(_rotate(b, 37) * mul + a & _M, (_rotate(a, 25) + b & _M) * mul & _M, mul)
    if n >= 4:
        return _mix(n + (fetch(0, 4) << 3), fetch(n - 4, 4), mul)
    if n > 0:
        y = fetch(0, 1) + (fetch(n >> 1, 1) << 8)
        z = n + (fetch(n - 1, 1) << 2)
        return _shift_mix((y * _K2 & _M) ^ (z * _K0 & _M)) * _K2 & _M
    return _K2


def _up_to_64(n: int, fetch: Fetch) -> Word:
    mul = _K2 + 2 * n & _M
    a = fetch(0, 8) * (_K1 if n <= 32 else _K2) & _M
    b = fetch(8, 8)
    c = fetch(n - 8, 8) * mul & _M
    d = fetch(n - 16, 8) * _K2 & _M
    y = _rotate(a + b & _M, 43) + _rotate(c, 30) + d & _M
    z = _mix(y, a + _rotate(b + _K2 & _M, 18) + c & _M, mul)
    if n <= 32:
        return z
    e = fetch(16, 8) * mul & _M
    f = fetch(24, 8)
    g = (y + fetch(n - 32, 8) & _M) * mul & _M
    h = (z + fetch(n - 24, 8) & _M) * mul & _M
    return _mix(_rotate(e + f & _M, 43) + _rotate(g, 30) + h & _M, e + _rotate(f + a & _M, 18) + g & _M, mul)


def _weak(fetch: Fetch, at: int, a: Word, b: Word) -> tuple[Word, Word]:
    """A weak hash of 32 bytes and two seeds."""
    w, x, y, z = (fetch(at + 8 * i, 8) for i in range(4))
    a = a + w & _M
    b = _rotate(b + a + z & _M, 21)
    c = a
    a = a + x + y & _M
    b = b + _rotate(a, 44) & _M
    return a + z & _M, b + c & _M


def _longer(n: int, fetch: Fetch) -> Word:
    y = 81 * _K1 + 113 & _M
    z = _shift_mix(y * _K2 + 113 & _M) * _K2 & _M
    x = (81 * _K2 & _M) + fetch(0, 8) & _M
    v: tuple[Word, Word] = (0, 0)
    w: tuple[Word, Word] = (0, 0)
    for at in range(0, (n - 1) // 64 * 64, 64):
        x = _rotate(x + y + v[0] + fetch(at + 8, 8) & _M, 37) * _K1 & _M
        y = _rotate(y + v[1] + fetch(at + 48, 8) & _M, 42) * _K1 & _M
        x = x ^ w[1]
        y = y + v[0] + fetch(at + 40, 8) & _M
        z = _rotate(z + w[0] & _M, 33) * _K1 & _M
        v = _weak(fetch, at, v[1] * _K1 & _M, x + w[0] & _M)
        w = _weak(fetch, at + 32, z + w[1] & _M, y + fetch(at + 16, 8) & _M)
        z, x = x, z
    mul = _K1 + ((z & 0xFF) << 1) & _M
    at = n - 64
    w = (w[0] + ((n - 1) & 63) & _M, w[1])
    v = (v[0] + w[0] & _M, v[1])
    w = (w[0] + v[0] & _M, w[1])
    x = _rotate(x + y + v[0] + fetch(at + 8, 8) & _M, 37) * mul & _M
    y = _rotate(y + v[1] + fetch(at + 48, 8) & _M, 42) * mul & _M
    x = x ^ (w[1] * 9 & _M)
    y = y + v[0] * 9 + fetch(at + 40, 8) & _M
    z = _rotate(z + w[0] & _M, 33) * mul & _M
    v = _weak(fetch, at, v[1] * mul & _M, x + w[0] & _M)
    w = _weak(fetch, at + 32, z + w[1] & _M, y + fetch(at + 16, 8) & _M)
    z, x = x, z
    first = _mix(v[0], w[0], mul) + _shift_mix(y) * _K0 + z & _M
    return _mix(first, _mix(v[1], w[1], mul) + x & _M, mul)


def fingerprint_cat64(first: int, second: int) -> int:
    """The fingerprint of two things by their fingerprints."""
    result = first ^ _MURMUR
    result ^= _shift_mix(second * _MURMUR & _M) * _MURMUR & _M
    result = result * _MURMUR & _M
    result = _shift_mix(result) * _MURMUR & _M
    return int(_shift_mix(result))


def hash64(text: bytes, seed: int = 0xDECAFCAFFE) -> int:
    """TensorFlow's hash of `text` for tables and plain hash buckets: MurmurHash64A with its own seed."""
    h = seed ^ (len(text) * _MURMUR & _M)
    whole = len(text) // 8 * 8
    for at in range(0, whole, 8):
        k = int.from_bytes(text[at : at + 8], "little") * _MURMUR & _M
        h = (h ^ (_shift_mix(k) * _MURMUR & _M)) * _MURMUR & _M
    if whole < len(text):
        h = (h ^ int.from_bytes(text[whole:], "little")) * _MURMUR & _M
    return int(_shift_mix(_shift_mix(h) * _MURMUR & _M))


def siphash(text: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 of `text` under two 64-bit keys."""
    k0, k1 = key[0] & _M, key[1] & _M
    v = [0x736F6D6570736575 ^ k0, 0x646F72616E646F6D ^ k1, 0x6C7967656E657261 ^ k0, 0x7465646279746573 ^ k1]
    padded = text + bytes(7 - len(text) % 8) + bytes([len(text) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _left(x: int, n: int) -> int:
    return (x << n & _M) | (x >> (64 - n))


def _sip_rounds(v: list[int], count: int) -> None:
    v0, v1, v2, v3 = v
    for _ in range(count):
        v0 = v0 + v1 & _M
        v1 = _left(v1, 13) ^ v0
        v0 = _left(v0, 32)
        v2 = v2 + v3 & _M
        v3 = _left(v3, 16) ^ v2
        v0 = v0 + v3 & _M
        v3 = _left(v3, 21) ^ v0
        v2 = v2 + v1 & _M
        v1 = _left(v1, 17) ^ v2
        v2 = _left(v2, 32)
    v[:] = v0, v1, v2, v3
