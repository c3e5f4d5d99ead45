"""The parts of a partitioned tensor: their places, and the text that names one.

A place is (start, length) for each dimension, length -1 for the whole of it. The text is the one that the
save and restore ops take: ``"400 2 130,270:-"`` is rows 130 to 399 of a [400, 2] tensor, ``-`` a whole
dimension.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InvalidArgumentError

__all__ = [
    "Extents",
    "SliceSpec",
    "format_slice",
    "is_full",
    "parse_shape_and_slice",
    "resolve",
    "slice_bounds",
]

Extents = tuple[tuple[int, int], ...]
SliceSpec = str | Sequence[tuple[int, int]]


def parse_shape_and_slice(text: str) -> tuple[tuple[int, ...] | None, Extents]:
    """The full shape and the place that `text` names.

    Args:
        text: ``"<size> <size> ... <start>,<length>:..."``, or only its last word.

    Returns:
        (full shape, or None when `text` has none; place).

    Raises:
        InvalidArgumentError: `text` is neither.
    """
    *sizes, places = text.split(" ")
    try:
        shape = tuple(int(size) for size in sizes)
        extents = tuple(_parse_extent(part) for part in places.split(":")) if places else ()
    except ValueError:
        extents, shape = (), (-1,)
    if (sizes and len(shape) != len(extents)) or any(size < 0 for size in shape):
        raise InvalidArgumentError(
            None, None, f'"{text}" names no part of a tensor: expected text such as "400 2 130,270:-".'
        )
    return (shape if sizes else None), extents


def _parse_extent(text: str) -> tuple[int, int]:
    if text == "-":
        return 0, -1
    start, length = (int(number) for number in text.split(","))
    if start < 0 or length < 1:
        raise ValueError
    return start, length


def format_slice(extents: Extents) -> str:
    """The text of a place, ``"130,270:-"``."""
    return ":".join("-" if length < 0 else f"{start},{length}" for start, length in extents)


def resolve(spec: SliceSpec, full_shape: tuple[int, ...], name: str) -> Extents:
    """The place that `spec` names in a tensor of shape `full_shape`.

    Args:
        spec: a place, or its text with or without the full shape.
        full_shape: the whole tensor's shape.
        name: the tensor, for messages.

    Raises:
        InvalidArgumentError: `spec` is no place, an empty one, or one outside the tensor.
    """
    if isinstance(spec, str):
        shape, extents = parse_shape_and_slice(spec)
        if shape is not None and shape != full_shape:
            raise InvalidArgumentError(
                None,
                None,
                f"Tensor {name} has shape {list(full_shape)}, not the {list(shape)} of slice {spec!r}.",
            )
    else:
        extents = tuple((0, -1) if length < 0 else (int(start), int(length)) for start, length in spec)
    text = format_slice(extents)
    if len(extents) != len(full_shape):
        raise InvalidArgumentError(
            None,
            None,
            f"Tensor {name} has {len(full_shape)} dimensions, the slice {text!r} has {len(extents)}.",
        )
    for (start, length), size in zip(extents, full_shape, strict=True):
        if length >= 0 and not (length > 0 and 0 <= start <= size - length):
            raise InvalidArgumentError(
                None,
                None,
                f"The slice {text!r} of tensor {name} is empty or outside its shape {list(full_shape)}.",
            )
    return extents


def slice_bounds(extents: Extents, full_shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(start, end) for each dimension."""
    return tuple(
        (0, size) if length < 0 else (start, start + length)
        for (start, length), size in zip(extents, full_shape, strict=True)
    )


def is_full(extents: Extents, full_shape: tuple[int, ...]) -> bool:
    """Is this place the whole tensor?"""
    return all(
        bounds == (0, size)
        for bounds, size in zip(slice_bounds(extents, full_shape), full_shape, strict=True)
    )
