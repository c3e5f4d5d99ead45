"""What every call can see: the graph being traced, the name scopes, the environment eager ops run in.

State is a thread's own, except for the environment and the switches in `config`, which the process shares.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from calque_runtime.environment import Environment, Limits

if TYPE_CHECKING:
    from .function.trace import Trace
    from .gradient.recording import Recorder

__all__ = [
    "current_scope",
    "environment",
    "executing_eagerly",
    "functions_run_eagerly",
    "init_scope",
    "name_scope",
    "run_functions_eagerly",
    "state",
]


class _State(threading.local):
    """One thread's state."""

    trace: Trace | None = None  # the graph that op calls are added to; None: they run at once
    scope: str = ""  # the eager name scope, "outer/inner/"; a trace has its own
    eager_functions: bool | None = None
    creators: tuple[Any, ...] = ()  # those of `variable_creator_scope`, the outermost first
    tapes: tuple[Recorder, ...] = ()  # who watches what happens, the innermost tape last


state = _State()
# Eager code is the user's own: it may read and write files.
environment = Environment(limits=Limits(allow_files=True, allow_python=True))
_run_eagerly = False


def executing_eagerly() -> bool:
    """Do op calls run at once (True), or are they added to a graph?"""
    return state.trace is None


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Make every `function` run its Python body at each call, for debugging; False goes back to tracing."""
    global _run_eagerly
    _run_eagerly = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Is `run_functions_eagerly` in force?"""
    return _run_eagerly


@contextmanager
def init_scope() -> Iterator[None]:
    """Leave every trace: what is called inside runs at once, outside the graphs being built."""
    trace, scope = state.trace, state.scope
    state.trace, state.scope = None, current_scope()
    try:
        yield
    finally:
        state.trace, state.scope = trace, scope


def current_scope() -> str:
    """The name scope in force, "" or "outer/inner/"."""
    return state.scope if state.trace is None else state.trace.scope


def _set_scope(scope: str) -> None:
    if state.trace is None:
        state.scope = scope
    else:
        state.trace.scope = scope


class name_scope:
    """Prefix the names of ops and variables made inside.

    Args:
        name: the scope's name. One that ends in "/" is taken as it stands, from the top.

    ``with tf.name_scope("outer") as scope`` gives the full prefix, "outer/". In a graph, a name that is taken gets a
    number (``outer_1``); eagerly, names need not be unique.

    Raises:
        ValueError: `name` is not a string.
    """

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self._name = name
        self._before: list[str] = []

    @property
    def name(self) -> str:
        """The name as given."""
        return self._name

    def __enter__(self) -> str:
        before = current_scope()
        self._before.append(before)
        if not self._name or self._name.endswith("/"):
            scope = self._name
        elif state.trace is not None:
            scope = state.trace.function.unique_name(before + self._name) + "/"
        else:
            scope = f"{before}{self._name}/"
        _set_scope(scope)
        return scope

    def __exit__(self, *exc: object) -> None:
        _set_scope(self._before.pop())
