"""Philox 4x32-10, vectorized, and the distributions that TensorFlow draws from it, number for number.

The generator is counter-based (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3; SC 2011): block
`i` of the stream is ten rounds of mixing applied to ``counter + i`` under a 64-bit key, and gives four 32-bit words.
Distributions take whole blocks: a float32 needs one word, a float64 or an int64 two, a truncated normal as many as
it takes, for which 256 blocks are set aside for each output. That is what makes streams the same on every device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import DType, bfloat16, float16, float32, float64

__all__ = [
    "BLOCKS_PER_OUTPUT",
    "Philox",
    "doubles",
    "full_int",
    "normal",
    "normal_pairs",
    "truncated_normal",
    "uniform",
    "uniform_int",
]

Array = Any

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MASK64 = (1 << 64) - 1
_MASK128 = (1 << 128) - 1
_CHUNK = 1 << 14  # blocks mixed at a time: the temporaries of one chunk stay in the cache

# What TensorFlow sets aside for an output whose distribution takes an unknown number of words.
BLOCKS_PER_OUTPUT = 256


class Philox:
    """A position in one stream of blocks.

    Attributes:
        key: 64 bits.
        counter: 128 bits, the number of the next block.
    """

    __slots__ = ("counter", "key")

    def __init__(self, key: int, counter: int) -> None:
        self.key = key & _MASK64
        self.counter = counter & _MASK128

    @classmethod
    def from_seeds(cls, seed: int, seed2: int) -> Philox:
        """The stream of a stateful op with these attributes: `seed` is the key, `seed2` the counter's upper half."""
        return cls(seed, (seed2 & _MASK64) << 64)

    @classmethod
    def scrambled(cls, seed0: int, seed1: int) -> Philox:
        """The stream of a stateless op with this seed: one block mixes both numbers into key and counter."""
        mixed = cls(0x02461E293EC8F720, (seed0 & _MASK64) | (seed1 & _MASK64) << 64).words(4).tolist()
        return cls(mixed[0] | mixed[1] << 32, (mixed[2] | mixed[3] << 32) << 64)

    def skip(self, blocks: int) -> Philox:
        """The position `blocks` blocks further on."""
        return Philox(self.key, self.counter + blocks)

    def at(self, offsets: Array) -> Array:
        """The blocks at these distances (uint64 [n]) from here: uint32 [n, 4]."""
        out = np.empty((len(offsets), 4), np.uint32)
        low, high = np.uint64(self.counter & _MASK64), np.uint64(self.counter >> 64)
        for first in range(0, len(offsets), _CHUNK):
            part = low + offsets[first : first + _CHUNK]
            _mix(part, high + (part < low), self.key, out[first : first + _CHUNK])
        return out

    def words(self, count: int) -> Array:
        """The first `count` words from here: uint32 [count]."""
        blocks = -(-count // 4)
        return self.at(np.arange(blocks, dtype=np.uint64)).reshape(-1)[:count]


def _mix(low: Array, high: Array, key: int, out: Array) -> None:
    """Ten rounds on the counters ``high:low``; the words of each go to a row of `out`."""
    c0, c1, c2, c3 = low & _LOW, low >> _32, high & _LOW, high >> _32
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    for _ in range(10):
        p0 = c0 * _MULTIPLIERS[0]
        p1 = c2 * _MULTIPLIERS[1]
        c0 = p1 >> _32
        c0 ^= c1
        c0 ^= np.uint64(k0)
        c2 = p0 >> _32
        c2 ^= c3
        c2 ^= np.uint64(k1)
        c1 = np.bitwise_and(p1, _LOW, out=p1)
        c3 = np.bitwise_and(p0, _LOW, out=p0)
        k0 = (k0 + _WEYL[0]) & 0xFFFFFFFF
        k1 = (k1 + _WEYL[1]) & 0xFFFFFFFF
    for i, word in enumerate((c0, c1, c2, c3)):
        out[:, i] = word


def _float32(words: Array) -> Array:
    """The low 23 bits as the fraction of a number in [1, 2), less 1."""
    return ((words & np.uint32(0x7FFFFF)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)


def doubles(words: Array) -> Array:
    """float64 in [0, 1) from pairs of words (uint32 [2n]): 20 bits of the first are the upper ones."""
    pairs = words.reshape(-1, 2).astype(np.uint64)
    bits = (pairs[:, 0] & np.uint64(0xFFFFF)) << _32 | pairs[:, 1] | np.uint64(1023 << 52)
    return bits.view(np.float64) - 1.0


def uniform(gen: Philox, count: int, dtype: DType) -> Array:
    """`count` numbers in [0, 1)."""
    if dtype is float64:
        return doubles(gen.words(2 * count))
    words = gen.words(count)
    if dtype is float32:
        return _float32(words)
    one = dtype.np.type(1)
    fraction, exponent = (10, 15) if dtype is float16 else (7, 127)
    bits = (words & np.uint32((1 << fraction) - 1)) | np.uint32(exponent << fraction)
    return bits.astype(np.uint16).view(dtype.np) - one


def full_int(gen: Philox, count: int, dtype: DType) -> Array:
    """`count` integers over the whole range of their type (32 or 64 bits)."""
    if dtype.size == 4:
        return gen.words(count).view(dtype.np)
    pairs = gen.words(2 * count).reshape(-1, 2).astype(np.uint64)
    return (pairs[:, 0] | pairs[:, 1] << _32).view(dtype.np)


def uniform_int(gen: Philox, count: int, dtype: DType, low: int, high: int) -> Array:
    """`count` integers in [low, high), by remainder: biased, as TensorFlow's, where the range is no power of 2."""
    unsigned = np.dtype(f"uint{8 * dtype.size}")
    wrap = (1 << 8 * dtype.size) - 1
    bits = full_int(gen, count, dtype).view(unsigned)
    return (bits % unsigned.type((high - low) & wrap) + unsigned.type(low & wrap)).view(dtype.np)


def _box_muller(u: Array, v: Array) -> Array:
    """Two independent normals for each pair of uniforms, sine first: [n] and [n] to [n, 2], in their dtype.

    For float32 the functions are computed as float64 and rounded, the factors then multiplied as float32. That gives
    the numbers of TensorFlow's stateless ops; its stateful ones are an ulp or two off in one of a hundred.
    """
    kind = u.dtype
    u = np.maximum(u, kind.type(1e-7))
    angle = (2 * np.pi * v.astype(np.float64)).astype(kind).astype(np.float64)
    logs = np.log(u.astype(np.float64)).astype(kind)
    radius = np.sqrt(kind.type(-2) * logs)
    out = np.empty((len(u), 2), kind)
    np.multiply(np.sin(angle).astype(kind), radius, out=out[:, 0])
    np.multiply(np.cos(angle).astype(kind), radius, out=out[:, 1])
    return out


def normal_pairs(words: Array, dtype: DType) -> Array:
    """Standard normals from a multiple of four words: float64 for float64, else float32, one after the other."""
    uniforms = doubles(words) if dtype is float64 else _float32(words)
    pairs = uniforms.reshape(-1, 2)
    return _box_muller(pairs[:, 0], pairs[:, 1]).reshape(-1)


def normal(gen: Philox, count: int, dtype: DType) -> Array:
    """`count` standard normals."""
    per_block = 2 if dtype is float64 else 4
    values = normal_pairs(gen.words(4 * -(-count // per_block)), dtype)[:count]
    return values.astype(dtype.np) if dtype in (float16, bfloat16) else values


def truncated_normal(gen: Philox, count: int, dtype: DType) -> Array:
    """`count` standard normals less than 2 from 0: others are drawn again.

    Outputs come in groups of four (two for float64), each with blocks of its own.
    """
    size = 2 if dtype is float64 else 4
    groups = -(-count // size)
    out = np.empty((groups, size), np.float64 if dtype is float64 else np.float32)
    filled = np.zeros(groups, np.int64)
    active = np.arange(groups)
    step = 0
    while len(active):
        offsets = active.astype(np.uint64) * np.uint64(size * BLOCKS_PER_OUTPUT // 4) + np.uint64(step)
        drawn = normal_pairs(gen.at(offsets).reshape(-1), dtype).reshape(-1, size)
        good = np.abs(drawn) < 2
        places = filled[active][:, None] + np.cumsum(good, axis=1) - 1
        row, column = np.nonzero(good & (places < size))
        out[active[row], places[row, column]] = drawn[row, column]
        filled[active] += good.sum(axis=1)
        active = active[filled[active] < size]
        step += 1
    return out.reshape(-1)[:count].astype(dtype.np, copy=False)
