"""`assert` statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...api.debugging_ops import Assert
from .kinds import is_dense

__all__ = ["assert_stmt"]


def assert_stmt(expression1: Any, expression2: Callable[[], Any]) -> None:
    """``assert expression1, expression2()``; on a tensor, checked when the graph runs.

    Raises:
        AssertionError: a Python `expression1` is false.
        InvalidArgumentError: a tensor is, when it has its value.
    """
    if is_dense(expression1):
        message = expression2()
        Assert(expression1, message if isinstance(message, list) else [message])
    elif not expression1:
        raise AssertionError(expression2())
