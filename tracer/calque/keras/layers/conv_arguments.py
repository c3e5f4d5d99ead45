"""Arguments that convolutions, pooling and the like have in common, checked and in one form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import calque as tf

from .. import config

__all__ = [
    "data_format_of",
    "in_channels_last",
    "padding_of",
    "sizes_of",
    "tensorflow_format",
    "transposed_output",
    "window_output",
]


def data_format_of(value: str | None) -> str:
    """Where the channels are: "channels_last" or "channels_first"; None: the default one.

    Raises:
        ValueError: it is neither.
    """
    chosen = config.image_data_format() if value is None else value.lower()
    if chosen not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of `channels_first` or `channels_last`. Received: "
            f"{value}"
        )
    return chosen


def padding_of(value: Any, *others: str) -> Any:
    """How the borders are treated, in lower case: "valid", "same", or one of `others`; lists as they are.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, (list, tuple)):
        return value
    allowed = ("valid", "same", *others)
    if value.lower() not in allowed:
        raise ValueError(
            f"The `padding` argument must be a list/tuple or one of {set(allowed)}. Received: {value}"
        )
    return value.lower()


def sizes_of(value: Any, n: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """`n` sizes, one per axis, from one or as many numbers.

    Args:
        value: an int, or `n` of them.
        n: how many axes there are.
        name: what the argument is called, for the message.
        allow_zero: may a size be 0?

    Raises:
        ValueError: there are more or fewer, or one is no integer or too small.
    """
    said = f"The `{name}` argument must be a tuple of {n} integers. Received: {value}"
    if isinstance(value, int):
        sizes: tuple[Any, ...] = (value,) * n
    else:
        try:
            sizes = tuple(value)
        except TypeError:
            raise ValueError(said) from None
        if len(sizes) != n:
            raise ValueError(said)
        for size in sizes:
            try:
                int(size)
            except (ValueError, TypeError):
                raise ValueError(f"{said} including element {size} of type {type(size).__name__}") from None
    wrong = [size for size in sizes if size < (0 if allow_zero else 1)]
    if wrong:
        raise ValueError(
            f"{said} including {set(wrong)} that does not satisfy the requirement `{'>= 0' if allow_zero else '> 0'}`."
        )
    return sizes


def tensorflow_format(data_format: str, n: int) -> str:
    """What TensorFlow's ops call a data format with `n` axes of space: "NWC", "NCHW", ..."""
    axes = "DHW"[-n:]
    return f"NC{axes}" if data_format == "channels_first" else f"N{axes}C"


def window_output(length: int | None, size: int, padding: Any, stride: int, dilation: int = 1) -> int | None:
    """How many places a window has along an axis; None: that is not known.

    Args:
        length: the axis's length.
        size: the window's.
        padding: "valid", "same" or "causal".
        stride: how far apart the places are.
        dilation: how far apart the window's elements are.
    """
    if length is None:
        return None
    if padding == "valid":
        length -= (size - 1) * dilation
    return (length + stride - 1) // stride


def transposed_output(
    length: Any, size: int, padding: str, output_padding: int | None, stride: int, dilation: int = 1
) -> Any:
    """The length of the axis that gives this many places of a window, see `window_output`.

    Args:
        length: the number of places, an int, a scalar tensor, or None.
        size, padding, stride, dilation: the window's.
        output_padding: how much longer it is than the shortest one; None: it is as long as the window's size asks.
    """
    if length is None:
        return None
    size += (size - 1) * (dilation - 1)
    if output_padding is not None:
        return (length - 1) * stride + size - 2 * (size // 2 if padding == "same" else 0) + output_padding
    return length * stride + (max(size - stride, 0) if padding == "valid" else 0)


def in_channels_last(x: Any, data_format: str, n: int, run: Callable[[Any], Any]) -> Any:
    """``run(x)``, for what is only there for channels behind the `n` axes of space."""
    if data_format == "channels_last":
        return run(x)
    space = range(2, n + 2)
    return tf.transpose(run(tf.transpose(x, [0, *space, 1])), [0, n + 1, *range(1, n + 1)])
