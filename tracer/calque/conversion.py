"""Conversions of other people's types to tensors, where the type cannot say it itself by ``__tf_tensor__``."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["register_tensor_conversion_function", "registered"]

# Types whose conversion is built in.
_BUILT_IN = (int, float, complex, bool, str, bytes)


class _Registered(NamedTuple):
    priority: int
    order: int
    base_type: Any
    convert: Callable[..., Any]


_conversions: list[_Registered] = []


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...], conversion_func: Callable[..., Any], priority: int = 100
) -> None:
    """Let `convert_to_tensor`, and with it every op, take objects of another type.

    Args:
        base_type: the type, or a tuple of types.
        conversion_func: called as ``conversion_func(value, dtype, name, as_ref)``, the last one always False; gives a
            tensor, or NotImplemented to leave it to the next one.
        priority: the lowest one is asked first; of two that are equal, the one registered first.

    Raises:
        TypeError: `base_type` is no type, or one whose conversion is built in; `conversion_func` cannot be called.
    """
    types = base_type if isinstance(base_type, tuple) else (base_type,)
    if not types or not all(isinstance(t, type) for t in types):
        raise TypeError(f"Argument `base_type` must be a type or a tuple of types. Obtained: {base_type}")
    if any(issubclass(t, _BUILT_IN) for t in types):
        raise TypeError(
            f"Cannot register conversions for Python numeric types and strings. Obtained: {base_type}"
        )
    if not callable(conversion_func):
        raise TypeError(f"Argument `conversion_func` must be callable. Received {conversion_func}.")
    bisect.insort(_conversions, _Registered(priority, len(_conversions), types, conversion_func))


def registered(value: Any, dtype: Any, name: str | None) -> Any:
    """What the registered conversions make of `value`; NotImplemented where there is none for it."""
    for one in _conversions:
        if isinstance(value, one.base_type):
            result = one.convert(value, dtype, name, False)
            if result is not NotImplemented:
                return result
    return NotImplemented
