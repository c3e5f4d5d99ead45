"""Gradients of nodes that call a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calque_runtime.ir import FunctionRef, Node

from ..function.trace import Trace
from ..tensor import SymbolicTensor
from .differentiate import handles
from .functions import call_function, derivative, trainable
from .graphs import add_outputs, share_handles, tell_tapes

__all__: list[str] = []


@handles("PartitionedCall", "StatefulPartitionedCall")
def _call(node: Node, trace: Trace, gradients: Sequence[Any]) -> Sequence[Any]:
    function = node.attrs["f"].function
    share_handles(node.inputs, function.inputs)
    made = derivative(function, tuple(g is not None for g in gradients), trainable(node.inputs))
    if all(r is None for r in made.results):
        return [None] * len(node.inputs)
    first = len(node.outputs)
    extra = made.forward.outputs[first:]
    if extra:
        add_outputs(node, extra)
        node.attrs["f"] = FunctionRef(made.forward.name, made.forward)
        node.attrs["Tout"] = tuple(v.dtype for v in node.outputs)
        tell_tapes(node, trace, first)
    inputs = [SymbolicTensor(v, trace) for v in node.inputs]
    outputs = [SymbolicTensor(v, trace) for v in node.outputs]
    given = [g for g in gradients if g is not None]
    return made.gradients(call_function(made.backward, [*given, *made.arguments(inputs, outputs)]))
