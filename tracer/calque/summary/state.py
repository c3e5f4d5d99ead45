"""What summaries go by, for each thread: the default writer, the default step, and whether to record at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from calque_runtime import dtypes

from ..tensor import Tensor, constant, convert_to_tensor

if TYPE_CHECKING:
    from .writer import SummaryWriter

__all__ = ["get_step", "record_if", "set_step", "should_record_summaries", "summaries"]


class _Summaries(threading.local):
    writer: SummaryWriter | None = None
    step: Any = None
    recording: Any = None  # the condition of `record_if`; None where there is none


summaries = _Summaries()


def get_step() -> Any:
    """The default step: that of `set_step`, or None."""
    return summaries.step


def set_step(step: Any) -> None:
    """Set the step of summaries that are given none: an integer, tensor or variable of int64, or None.

    A traced function keeps the step that it was traced with, unless it is a variable.
    """
    summaries.step = step


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Record summaries inside only where `condition` holds.

    Args:
        condition: a bool, a bool tensor, or a function that gives one. A function is called for each summary; in a
            traced function, its ops become part of the graph.
    """
    before = summaries.recording
    summaries.recording = condition
    try:
        yield
    finally:
        summaries.recording = before


def should_record_summaries() -> Tensor:
    """Will summaries be recorded now? A bool tensor: False without a default writer, else as `record_if` says."""
    if summaries.writer is None:
        return constant(False)
    condition = summaries.recording() if callable(summaries.recording) else summaries.recording
    return constant(True) if condition is None else convert_to_tensor(condition, dtypes.bool)
