"""`tf.autograph.experimental`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .calls import autograph_artifact
from .options import Feature
from .status import ControlStatus, Status

__all__ = ["Feature", "do_not_convert", "set_loop_options"]


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """A decorator: this function, and what it calls, runs as it stands when it is traced.

    Args:
        func: the function; without it, the decorator itself is returned.
    """
    if func is None:
        return do_not_convert
    inner = func

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with ControlStatus(Status.DISABLED):
            return inner(*args, **kwargs)

    if inspect.isfunction(func) or inspect.ismethod(func):
        functools.update_wrapper(wrapper, func)
    return autograph_artifact(wrapper)


def set_loop_options(
    parallel_iterations: Any = None,
    swap_memory: Any = None,
    maximum_iterations: Any = None,
    shape_invariants: Any = None,
) -> None:
    """Options for the loop around, as its first statement; of no effect where the loop is a Python loop.

    Args:
        parallel_iterations, swap_memory: accepted; calque runs iterations one by one.
        maximum_iterations: stop after so many.
        shape_invariants: (variable, shape) pairs: the shape that a variable of the loop keeps in every iteration, for
            those whose shape changes.
    """
