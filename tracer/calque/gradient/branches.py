"""Gradients of conditional nodes: the same branch is taken on the way back.

What the branches' ways back need becomes results of the node. The branches share them by type: a branch that was not
taken, or needs fewer, gives placeholders that nobody reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calque_runtime import ops
from calque_runtime.dtypes import DType
from calque_runtime.ir import Function, FunctionRef, Node, Value
from calque_runtime.shapes import Shape, relax

from ..context import state
from ..function.effects import add_control_dependencies
from ..function.trace import Trace
from ..tensor import SymbolicTensor, Tensor
from .aggregation import dense
from .differentiate import handles
from .functions import Derivative, call_function, derivative, trainable
from .graphs import (
    ForwardTrace,
    add_outputs,
    fresh_name,
    gradient_spec,
    result_names,
    share_handles,
    tell_tapes,
)
from .zeros import zeros_for

__all__: list[str] = []


@handles("If", "StatelessIf")
def _if(node: Node, trace: Trace, gradients: Sequence[Any]) -> Sequence[Any]:
    return _back(node, trace, gradients, ["then_branch", "else_branch"])


@handles("Case", "StatelessCase")
def _case(node: Node, trace: Trace, gradients: Sequence[Any]) -> Sequence[Any]:
    return _back(node, trace, gradients, ["branches"])


def _branches(node: Node, names: Sequence[str]) -> list[Function]:
    if len(names) > 1:
        return [node.attrs[name].function for name in names]
    return [ref.function for ref in node.attrs[names[0]]]


def _with_branches(names: Sequence[str], functions: Sequence[Function]) -> dict[str, Any]:
    refs = [FunctionRef(f.name, f) for f in functions]
    return dict(zip(names, refs, strict=True)) if len(names) > 1 else {names[0]: tuple(refs)}


def _back(node: Node, trace: Trace, gradients: Sequence[Any], names: Sequence[str]) -> Sequence[Any]:
    operands = node.inputs[1:]
    asked = tuple(g is not None for g in gradients)
    branches = _branches(node, names)
    for branch in branches:
        share_handles(operands, branch.inputs)
    made = [derivative(b, asked, trainable(operands)) for b in branches]
    wanted = [i for i in range(len(operands)) if any(d.results[i] is not None for d in made)]
    if not wanted:
        return [None] * len(node.inputs)
    places = _extend(node, trace, names, made)
    inputs = [SymbolicTensor(v, trace) for v in operands]
    outputs = [SymbolicTensor(v, trace) for v in node.outputs]
    given = [g for g in gradients if g is not None]
    passed = _Operands(given, inputs, outputs)
    arguments = [
        [
            passed.place(kind, places[k].get(where, where) if kind == "output" else where)
            for kind, where in d.captured
        ]
        for k, d in enumerate(made)
    ]
    zeros = [passed.place("input", i) for i in wanted]
    back = [
        _backward(branch, d, passed.tensors, len(given), arguments[k], wanted, zeros, operands)
        for k, (branch, d) in enumerate(zip(branches, made, strict=True))
    ]
    stateful = any(f.stateful for f in back)
    op = ops.require(
        ("If" if stateful else "StatelessIf") if len(names) > 1 else ("Case" if stateful else "StatelessCase")
    )
    shapes: list[Shape] = [v.shape for v in back[0].outputs]
    for other in back[1:]:
        shapes = [relax(a, v.shape) for a, v in zip(shapes, other.outputs, strict=True)]
    found = op(
        SymbolicTensor(node.inputs[0], trace),
        passed.tensors,
        Tout=[v.dtype for v in back[0].outputs],
        output_shapes=tuple(shapes),
        **_with_branches(names, back),
    )
    results: list[Any] = [None] * len(node.inputs)
    for i, gradient in zip(wanted, found, strict=True):
        results[1 + i] = gradient
    return results


class _Operands:
    """What the node on the way back takes, each once: gradients, then inputs and outputs of the node, and more."""

    def __init__(self, given: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        trace = state.trace
        assert trace is not None
        self._trace = trace
        self.tensors: list[SymbolicTensor] = [trace.inside(g) for g in given]
        self._from = {"input": inputs, "output": outputs}
        self._places: dict[tuple[str, Any], int] = {}

    def place(self, kind: str, where: Any) -> int:
        """The place of an operand (see `Derivative.captured`)."""
        key = kind, where if isinstance(where, int) else id(where)
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = len(self.tensors)
            one = self._from[kind][where] if kind in self._from else where
            inner = isinstance(one, Tensor)
            self.tensors.append(self._trace.inside(one) if inner else self._trace.capture_variable(one))
        return found


def _extend(
    node: Node, trace: Trace, names: Sequence[str], made: Sequence[Derivative]
) -> list[dict[int, int]]:
    """Give the node the results that its branches' ways back need.

    Returns:
        For each branch: from the number of a result of its forward function to that of the node's.
    """
    first = len(node.outputs)
    slots: list[tuple[DType, Shape]] = []
    places: list[dict[int, int]] = []
    for one in made:
        free = list(range(len(slots)))
        mine: dict[int, int] = {}
        for k, value in enumerate(one.forward.outputs[first:], first):
            slot = next((s for s in free if slots[s][0] is value.dtype), None)
            if slot is None:
                slot = len(slots)
                slots.append((value.dtype, value.shape))
            else:
                free.remove(slot)
                slots[slot] = value.dtype, relax(slots[slot][1], value.shape)
            mine[k] = first + slot
        places.append(mine)
    if not slots:
        return places
    functions = [_padded(one.forward, first, slots, mine) for one, mine in zip(made, places, strict=True)]
    specs = [_spec(functions, first + s, shape) for s, (_, shape) in enumerate(slots)]
    add_outputs(node, specs)
    node.attrs.update(_with_branches(names, functions))
    node.attrs["Tout"] = tuple(v.dtype for v in node.outputs)
    if node.attrs.get("output_shapes"):
        node.attrs["output_shapes"] = tuple(v.shape for v in node.outputs)
    tell_tapes(node, trace, first)
    return places


def _spec(functions: Sequence[Function], k: int, shape: Shape) -> Value:
    """A value like result `k` of all functions."""
    value = functions[0].outputs[k]
    made = Value(value.node, 0, value.dtype, shape)
    made.handle = value.handle
    return made


def _padded(
    function: Function, first: int, slots: Sequence[tuple[DType, Shape]], places: dict[int, int]
) -> Function:
    """A branch whose results behind the first ones are where they belong, with placeholders between."""
    forward = ForwardTrace(function)
    copy = forward.function
    by_slot = {slot: copy.outputs[k] for k, slot in places.items()}
    results = copy.outputs[:first]
    with forward.as_current():
        for s, (dtype, shape) in enumerate(slots, first):
            value = by_slot.get(s)
            if value is None:
                value = ops.require("FakeParam")(dtype=dtype, shape=shape)._value
            results.append(value)
    copy.outputs = results
    copy.output_names = result_names(len(results))
    return copy


def _backward(
    branch: Function,
    made: Derivative,
    operands: Sequence[Any],
    n_given: int,
    captured: Sequence[int],
    wanted: Sequence[int],
    zeros: Sequence[int],
    inputs: Sequence[Value],
) -> Function:
    """The way back through one branch, as a function of the operands that all share."""
    trace = Trace(fresh_name("backward", branch.name))
    with trace.as_current():
        arguments = []
        for k, tensor in enumerate(operands):
            argument = trace.argument(f"operand_{k}", tensor.dtype, tensor._value.shape)
            argument._value.handle, argument._value.known = tensor._value.handle, None
            arguments.append(argument)
        gradients: list[Any] = [None] * len(inputs)
        if any(r is not None for r in made.results):
            flat = call_function(made.backward, [*arguments[:n_given], *[arguments[k] for k in captured]])
            gradients = made.gradients(flat)
        results = [
            dense(gradients[i]) if gradients[i] is not None else zeros_for(arguments[at])
            for i, at in zip(wanted, zeros, strict=True)
        ]
        outputs = [trace.inside(r)._value for r in results]
    function = trace.function
    function.outputs = outputs
    function.output_names = result_names(len(outputs))
    for value, i in zip(outputs, wanted, strict=True):
        if value.shape is None:
            value.shape = gradient_spec(inputs[i])[1]
    add_control_dependencies(function)
    return function
