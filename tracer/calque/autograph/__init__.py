"""`tf.autograph`: Python control flow on tensors becomes control flow of the graph.

`if`, `while`, `for`, `and`, `or`, `not` and conditional expressions are decided when a function is traced where they
depend on Python values, and become ops where they depend on tensors. `tf.function` converts by itself what it traces,
and what that calls.
"""

from __future__ import annotations

from . import experimental
from .api import to_code, to_graph
from .log import set_verbosity, trace

__all__ = ["experimental", "set_verbosity", "to_code", "to_graph", "trace"]
