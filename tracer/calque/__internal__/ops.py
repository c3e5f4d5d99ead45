"""`tf.__internal__.ops`."""

from __future__ import annotations

from typing import Any

from ..variable import Variable

__all__ = ["is_resource_variable"]


def is_resource_variable(var: Any) -> bool:
    """Is `var` a variable? All of calque's are resources."""
    return isinstance(var, Variable)
