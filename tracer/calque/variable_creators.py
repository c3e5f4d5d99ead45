"""Functions that may have a say in how variables are made: `variable_creator_scope`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .context import state

__all__ = ["create", "variable_creator_scope"]

Creator = Callable[..., Any]


@contextmanager
def variable_creator_scope(variable_creator: Creator) -> Iterator[None]:
    """Send the making of variables inside through a function.

    Args:
        variable_creator: called as ``variable_creator(next_creator, **kwargs)`` with the arguments of `Variable`, all
            of them, by name; what it returns is what ``tf.Variable(...)`` gives. It usually changes some and calls
            ``next_creator(**kwargs)``, which is the creator of the scope around this one, or makes the variable.
    """
    before = state.creators
    state.creators = (*before, variable_creator)
    try:
        yield
    finally:
        state.creators = before


def create(make: Creator, kwargs: dict[str, Any]) -> Any:
    """Make a variable: `make(**kwargs)`, through the creators in force, the innermost one first."""
    for creator in state.creators:
        make = _after(creator, make)
    return make(**kwargs)


def _after(creator: Creator, make: Creator) -> Creator:
    return lambda **kwargs: creator(make, **kwargs)
