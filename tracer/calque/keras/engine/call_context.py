"""Which layers are being called right now, from the outermost to the innermost, and with what."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["Call", "current_call", "enter", "learning_phase_if_set", "set_learning_phase"]


@dataclass(slots=True)
class Call:
    """One call of a layer.

    Attributes:
        layer: which.
        inputs: its first argument.
        training: the training mode that layers inside inherit; None: not said.
        symbolic: is a functional model being built?
    """

    layer: Layer
    inputs: Any
    training: Any
    symbolic: bool


class _Stack(threading.local):
    def __init__(self) -> None:
        self.calls: list[Call] = []


_stack = _Stack()


def current_call() -> Call | None:
    """The innermost call under way in this thread, or None."""
    return _stack.calls[-1] if _stack.calls else None


@contextmanager
def enter(call: Call) -> Iterator[None]:
    """`call` is under way inside."""
    _stack.calls.append(call)
    try:
        yield
    finally:
        _stack.calls.pop()


_learning_phase: bool | None = None


def learning_phase_if_set() -> bool | None:
    """The training mode of calls that nobody tells one, if `set_learning_phase` was called."""
    return _learning_phase


def set_learning_phase(value: int | bool | None) -> None:
    """Set the training mode of calls that nobody tells one; None: none again."""
    global _learning_phase
    _learning_phase = None if value is None else bool(value)
