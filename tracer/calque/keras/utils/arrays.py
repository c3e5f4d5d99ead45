"""Labels and sequences of numbers as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["normalize", "pad_sequences", "to_categorical", "to_ordinal"]


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> Any:
    """Class numbers as one-hot vectors.

    Args:
        y: numbers from 0 to ``num_classes - 1``; a last dimension of size 1 is dropped.
        num_classes: how many classes there are; None: the largest number, and 1.
        dtype: the results' dtype.

    Returns:
        An array of y's shape, and a last dimension for the classes.
    """
    flat, shape = _class_numbers(y)
    count = int(num_classes or np.max(flat) + 1)
    result = np.zeros((flat.size, count), dtype=dtype)
    result[np.arange(flat.size), flat] = 1
    return result.reshape((*shape, count))


def to_ordinal(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> Any:
    """Class numbers as vectors of as many ones as the number says, and zeros.

    Args: as for `to_categorical`.

    Returns:
        An array of y's shape, and a last dimension of ``num_classes - 1``.
    """
    flat, shape = _class_numbers(y)
    count = int(num_classes or np.max(flat) + 1) - 1
    result = (np.arange(count) < flat[:, np.newaxis]).astype(dtype)
    return result.reshape((*shape, count))


def _class_numbers(y: Any) -> tuple[Any, tuple[int, ...]]:
    numbers = np.array(y, dtype="int")
    shape = numbers.shape
    return numbers.reshape(-1), shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def normalize(x: Any, axis: int = -1, order: float = 2) -> Any:
    """An array whose norms along an axis are 1; those that are 0 stay.

    Args:
        x: the array.
        axis: the axis.
        order: which norm, 2 for the Euclidean one.
    """
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return x / np.expand_dims(norms, axis)


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Any:
    """Sequences as one array, made equally long.

    Args:
        sequences: lists of numbers, or of arrays of one shape.
        maxlen: the length; None: that of the longest.
        dtype: the array's dtype.
        padding: where shorter ones are filled up: "pre" or "post".
        truncating: where longer ones are cut: "pre" or "post".
        value: what they are filled with.

    Returns:
        An array of shape ``(number of sequences, maxlen, ...)``.

    Raises:
        ValueError: something is no sequence, the shapes differ, or an argument is none of these.
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    for name, given in (("Truncating", truncating), ("Padding", padding)):
        if given not in ("pre", "post"):
            raise ValueError(f'{name} type "{given}" not understood')
    for item in sequences:
        if not hasattr(item, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {item}")
    if isinstance(value, str) and dtype is not object and not np.issubdtype(dtype, np.str_):
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set `dtype=object` for "
            "variable length strings."
        )
    if maxlen is None:
        maxlen = max((len(item) for item in sequences), default=0)
    shape = next((np.asarray(item).shape[1:] for item in sequences if len(item)), ())
    result = np.full((len(sequences), maxlen, *shape), value, dtype=dtype)
    for i, item in enumerate(sequences):
        kept = np.asarray(item[-maxlen:] if truncating == "pre" else item[:maxlen], dtype=dtype)
        if not len(item) or not maxlen:
            continue
        if kept.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {kept.shape[1:]} of sequence at position {i} is different from expected shape {shape}"
            )
        at = slice(len(kept)) if padding == "post" else slice(maxlen - len(kept), maxlen)
        result[i, at] = kept
    return result
