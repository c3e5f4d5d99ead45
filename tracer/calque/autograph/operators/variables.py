"""Symbols that have no value yet, and reading symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Undefined", "UndefinedReturnValue", "has_no_value", "ld", "ldu"]


class Undefined:
    """Stands for a symbol that has not been assigned.

    Attributes:
        symbol_name: its name.
    """

    __slots__ = ("symbol_name",)

    def __init__(self, symbol_name: str) -> None:
        self.symbol_name = symbol_name

    def read(self) -> Any:
        """Reading such a symbol is an error.

        Raises:
            UnboundLocalError: always.
        """
        raise UnboundLocalError(f"'{self.symbol_name}' is used before assignment")

    def __repr__(self) -> str:
        return self.symbol_name

    def __getattr__(self, name: str) -> Undefined:
        if name.startswith("__"):
            raise AttributeError(name)
        return self  # parts of what is undefined are undefined

    def __getitem__(self, key: Any) -> Undefined:
        return self


class UndefinedReturnValue:
    """Stands for the result of a function that has not returned yet."""

    __slots__ = ()


def has_no_value(value: Any) -> bool:
    """Is `value` None, or does it stand for something undefined?"""
    return value is None or isinstance(value, (Undefined, UndefinedReturnValue))


def ld(value: Any) -> Any:
    """Read a symbol.

    Raises:
        UnboundLocalError: it is undefined.
    """
    return value.read() if isinstance(value, Undefined) else value


def ldu(load: Callable[[], Any], name: str) -> Any:
    """Read what may not be there, such as ``d["key"]``: its value, or `Undefined`.

    Args:
        load: reads it.
        name: what to call it.
    """
    try:
        return load()
    except (KeyError, AttributeError, NameError, IndexError):
        return Undefined(name)
