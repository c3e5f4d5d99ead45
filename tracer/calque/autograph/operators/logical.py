"""``and``, ``or``, ``not``, ``==`` and ``!=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...api.math_ops import equal, logical_not
from ...control_flow import cond as tf_cond
from .kinds import is_dense

__all__ = ["and_", "eq", "not_", "not_eq", "or_"]


def not_(a: Any) -> Any:
    """``not a``."""
    return logical_not(a) if is_dense(a) else not a


def and_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """``a() and b()``: `b` runs only where `a` holds."""
    left = a()
    return tf_cond(left, b, lambda: left) if is_dense(left) else left and b()


def or_(a: Callable[[], Any], b: Callable[[], Any]) -> Any:
    """``a() or b()``: `b` runs only where `a` does not hold."""
    left = a()
    return tf_cond(left, lambda: left, b) if is_dense(left) else left or b()


def eq(a: Any, b: Any) -> Any:
    """``a == b``."""
    return equal(a, b) if is_dense(a) or is_dense(b) else a == b


def not_eq(a: Any, b: Any) -> Any:
    """``a != b``."""
    return not_(eq(a, b))
