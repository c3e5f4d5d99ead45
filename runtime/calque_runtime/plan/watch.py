"""Those who look on while functions run: recorders of graphs, profilers. Nearly always there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..environment import Environment
from ..ir import Function

__all__ = ["Observer", "add", "plan_for", "remove"]

Plan = Callable[..., list[Any]]
# Told of each call, in whatever thread: function, captures, environment, and the arrays that are no captures. May give
# what is to run in its place.
Observer = Callable[[Function, Sequence[Any], Environment, Sequence[Any]], "Plan | None"]

observers: tuple[Observer, ...] = ()


def add(observer: Observer) -> None:
    """Tell `observer` of every call from now on, whichever environment the function runs in."""
    global observers
    observers = (*observers, observer)


def remove(observer: Observer) -> None:
    """Tell it no more."""
    global observers
    observers = tuple(one for one in observers if one is not observer)


def plan_for(
    function: Function, captures: Sequence[Any], env: Environment, arrays: Sequence[Any]
) -> Plan | None:
    """What one of the observers wants to run in the place of `function`, if any does; takes `arrays`."""
    wanted = None
    for observer in observers:
        wanted = observer(function, captures, env, arrays) or wanted
    return wanted
