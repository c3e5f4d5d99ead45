"""The control flow of TF1 graphs becomes functional: loops first, then conditions, in every function that this makes.

Enter, Merge, Switch, NextIteration, Exit      While      (`raise_loops`)
Switch, Merge                                  If         (`raise_conditions`)
"""

from __future__ import annotations

from calque_runtime.ir import Function
from calque_runtime.ops.refs import CONTROL_FLOW

from .raise_conditions import raise_conditions
from .raise_loops import raise_loops

__all__ = ["raise_control_flow"]


def raise_control_flow(function: Function) -> None:
    """Rewrite `function`, which must be the caller's own, in place.

    Raises:
        UnimplementedError: its control flow is not of the form that TensorFlow makes.
        InvalidArgumentError: it has a cycle that is no loop.
    """
    if any(node.op.name in CONTROL_FLOW for node in function.nodes):
        raise_loops(function, raise_control_flow)
        raise_conditions(function, raise_control_flow)
