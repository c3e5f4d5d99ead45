"""Arguments that convolutions, pooling and the like have in common, checked and in one form."""

from __future__ import annotations

from typing import Any

from .. import config

__all__ = ["data_format_of", "padding_of", "sizes_of"]


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
