"""Functions: signature (what makes a new trace), trace (the graph being built), concrete and polymorphic functions."""

from __future__ import annotations

from .concrete import ConcreteFunction
from .polymorphic import Function, function

__all__ = ["ConcreteFunction", "Function", "function"]
