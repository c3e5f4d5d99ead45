"""Static shapes: what is known of a tensor's shape before it runs.

A ``Shape`` is a tuple of sizes, None where a size is not known, or None where not even the rank is.
The functions here are the arithmetic that the ops' shape rules share.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from .errors import InternalError, InvalidArgumentError

__all__ = [
    "Dim",
    "Shape",
    "broadcast",
    "compatible",
    "concat",
    "fixed",
    "format_shape",
    "is_static",
    "known_size",
    "merge",
    "merge_dim",
    "normalize_axis",
    "relax",
]

Dim: TypeAlias = int | None
Shape: TypeAlias = tuple[int | None, ...] | None


def format_shape(shape: Shape) -> str:
    """`shape` as TensorFlow prints it in messages: ``[2,?,3]``, ``<unknown>``."""
    if shape is None:
        return "<unknown>"
    return "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def is_static(shape: Shape) -> bool:
    """Are rank and every size known?"""
    return shape is not None and None not in shape


def fixed(shape: Shape) -> tuple[int, ...]:
    """A shape of which every size is known.

    Raises:
        InternalError: one is not.
    """
    if shape is None or None in shape:
        raise InternalError(None, None, f"the shape {format_shape(shape)} is not known")
    return shape  # type: ignore[return-value]


def known_size(shape: Shape) -> int | None:
    """The number of elements, or None where it is not known."""
    if shape is None:
        return None
    size = 1
    for d in shape:
        if d is None:
            return None
        size *= d
    return size


def merge_dim(a: Dim, b: Dim) -> Dim:
    """The size known from either of two equal sizes.

    Raises:
        InvalidArgumentError: both are known and differ.
    """
    if a is None:
        return b
    if b is None or a == b:
        return a
    raise InvalidArgumentError(None, None, f"Dimensions must be equal, but are {a} and {b}")


def merge(a: Shape, b: Shape) -> Shape:
    """What is known of a shape that is both `a` and `b`.

    Raises:
        InvalidArgumentError: they cannot be the same shape.
    """
    if a is None:
        return b
    if b is None:
        return a
    if not compatible(a, b):
        raise InvalidArgumentError(
            None, None, f"Shapes {format_shape(a)} and {format_shape(b)} are not compatible"
        )
    return tuple(x if x is not None else y for x, y in zip(a, b, strict=True))


def compatible(a: Shape, b: Shape) -> bool:
    """Could a tensor have both shapes?"""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def relax(a: Shape, b: Shape) -> Shape:
    """The most that is true of both shapes: None where they differ."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape of an elementwise result, by numpy's (and TensorFlow's) broadcasting rules.

    Raises:
        InvalidArgumentError: two known sizes differ and neither is 1.
    """
    if a is None or b is None:
        return None
    if a == b or not b:
        return a
    if not a:
        return b
    out: list[Dim] = []
    n = max(len(a), len(b))
    for x, y in zip((1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b, strict=True):
        if x == 1:
            out.append(y)
        elif y == 1:
            out.append(x)
        elif x is None:
            out.append(y)
        elif y is None or x == y:
            out.append(x)
        else:
            raise InvalidArgumentError(
                None, None, f"Incompatible shapes: {format_shape(a)} vs. {format_shape(b)}"
            )
    return tuple(out)


def concat(parts: Iterable[Shape]) -> Shape:
    """The shapes one behind the other; unknown where one of the ranks is."""
    out: tuple[Dim, ...] = ()
    for part in parts:
        if part is None:
            return None
        out += part
    return out


def normalize_axis(axis: int, rank: int, what: str = "axis") -> int:
    """`axis` counted from the front.

    Raises:
        InvalidArgumentError: it is not in [-rank, rank).
    """
    if not -rank <= axis < rank:
        raise InvalidArgumentError(
            None, None, f"{what} must be in the range [{-rank}, {rank}), but is {axis}"
        )
    return axis + rank if axis < 0 else axis
