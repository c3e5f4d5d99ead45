"""Whether calls are converted here: a stack for each thread.

Converted code enters `ENABLED`, code under `do_not_convert` enters `DISABLED`; elsewhere nobody has said anything.
"""

from __future__ import annotations

import enum
import threading

from .options import ConversionOptions

__all__ = ["ControlStatus", "Status", "control_status"]


class Status(enum.Enum):
    """Is AutoGraph on?"""

    UNSPECIFIED = 0
    ENABLED = 1
    DISABLED = 2


class ControlStatus:
    """A context in which AutoGraph is on or off.

    Args:
        status: which.
        options: the conversion that turned it on, if one did.
    """

    def __init__(self, status: Status, options: ConversionOptions | None = None) -> None:
        self.status = status
        self.options = options

    def __enter__(self) -> ControlStatus:
        _stack.contexts.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _stack.contexts.pop()

    def __repr__(self) -> str:
        return f"<ControlStatus {self.status.name}>"


class _Stack(threading.local):
    def __init__(self) -> None:
        self.contexts = [ControlStatus(Status.UNSPECIFIED)]


_stack = _Stack()


def control_status() -> ControlStatus:
    """The context in force on this thread."""
    return _stack.contexts[-1]
