"""Operations on the bits of integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Op
from .common import binary, unary

__all__: list[str] = []

bitwise_and: Op = binary(
    "BitwiseAnd", "ints", np.bitwise_and, "The bits set in x and in y.", None, "commutative"
)
bitwise_or: Op = binary("BitwiseOr", "ints", np.bitwise_or, "The bits set in x or in y.", None, "commutative")
bitwise_xor: Op = binary(
    "BitwiseXor", "ints", np.bitwise_xor, "The bits set in just one of x and y.", None, "commutative"
)
invert: Op = unary("Invert", "ints", np.invert, "The bits not set in x.")


def _clamped(shift: Callable[[Any, Any], Any]) -> Callable[[Array, Array], Any]:
    """A shift by at least 0 and at most all bits but one, as TensorFlow defines what C++ leaves open."""

    def run(x: Array, y: Array) -> Any:
        return shift(x, np.minimum(np.maximum(y, y.dtype.type(0)), y.dtype.type(8 * y.dtype.itemsize - 1)))

    return run


left_shift: Op = binary("LeftShift", "ints", _clamped(np.left_shift), "x * 2 to the power y.")
right_shift: Op = binary(
    "RightShift", "ints", _clamped(np.right_shift), "x / 2 to the power y, rounded down; the sign stays."
)


def _population_count(x: Array) -> Any:
    """A table by byte: numpy has had `bitwise_count` only since 2.0, and that of the absolute value."""
    parts = np.ascontiguousarray(x).reshape(-1).view(np.uint8).reshape(*x.shape, x.dtype.itemsize)
    return np.add.reduce(_BIT_COUNTS[parts], axis=-1, dtype=np.uint8)


_BIT_COUNTS = np.array([i.bit_count() for i in range(256)], np.uint8)
population_count: Op = unary(
    "PopulationCount", "ints", _population_count, "How many bits of x are set.", out="y: uint8"
)

for _one in (bitwise_and, bitwise_or, bitwise_xor, invert, left_shift, right_shift, population_count):
    _one.not_differentiable()
