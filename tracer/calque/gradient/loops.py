"""Gradients of loops: a loop that goes the iterations back, from the last to the first.

What an iteration's way back needs is pushed onto lists in the loop, and popped from them on the way back. What never
changes is passed on as it is. As TensorFlow does it, so that it runs there as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes, ops
from calque_runtime.clone import clone_function
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

# Where a value that the way back needs comes from: ("state", i): what the loop is given for variable i, which does not
# change; ("list", i): the end of the list that variable i of the loop is; ("outside", tensor or variable).
Source = tuple[str, Any]


@handles("While", "StatelessWhile")
def _while(node: Node, trace: Trace, gradients: Sequence[Any]) -> Sequence[Any]:
    count = len(node.inputs)
    body = node.attrs["body"].function
    share_handles(node.inputs, body.inputs)
    share_handles(node.inputs, node.outputs)
    active, made = _active(body, [g is not None for g in gradients])
    loop = _Loop(node, trace, made)
    loop.extend()
    starts = [
        zeros_for(SymbolicTensor(node.outputs[i], trace)) if gradients[i] is None else gradients[i]
        for i in active
    ]
    found = _go_back(loop, made, active, starts)
    results: list[Any] = [None] * count
    for i, gradient in zip(active, found, strict=True):
        results[i] = gradient
    return results


def _active(body: Function, given: Sequence[bool]) -> tuple[list[int], Derivative]:
    """The variables of the loop that have gradients after any number of iterations back, and the body's derivative."""
    asked = list(given)
    while True:
        made = derivative(body, tuple(asked), trainable(body.inputs))
        reached = [a or r is not None for a, r in zip(asked, made.results, strict=True)]
        if reached == asked:
            return [i for i, a in enumerate(asked) if a], made
        asked = reached


class _Loop:
    """A loop that is being extended by what its way back needs.

    Attributes:
        node: the loop.
        trace: the graph that it is in.
        counter: which of its variables counts the iterations.
        sources: for each value that the derivative of its body captures, where it comes from.
    """

    def __init__(self, node: Node, trace: Trace, made: Derivative) -> None:
        self.node = node
        self.trace = trace
        self.counter = len(node.inputs)
        self.sources: list[Source] = []
        self._made = made

    def extend(self) -> None:
        """Let the loop count its iterations, and push what its body's derivative captures onto lists."""
        node, made = self.node, self._made
        count = len(node.inputs)
        forward = ForwardTrace(made.forward)
        body = forward.function
        lists: list[Value] = []  # of the values of `body` that are pushed
        for kind, where in made.captured:
            if kind == "outside":
                self.sources.append((kind, where))
                continue
            value = body.inputs[where] if kind == "input" else body.outputs[where]
            if kind == "input" and _unchanged(body, where):
                self.sources.append(("state", where))
                continue
            there = _list_of(body, value, count)
            if there is None:
                if value not in lists:
                    lists.append(value)
                there = count + 1 + lists.index(value)
            self.sources.append(("list", there))
        del body.outputs[count:]
        with forward.as_current():
            counter = forward.argument("iterations", dtypes.int32, ())
            new = [(counter + 1)._value]
            for k, value in enumerate(lists):
                handle = forward.argument(f"list_{k}", dtypes.variant, ())
                pushed = ops.require("TensorListPushBack")(
                    handle, SymbolicTensor(value, forward), element_dtype=value.dtype
                )
                new.append(pushed._value)
        forward.extend(new)
        self._rewire(body, self._empty(lists))

    def _empty(self, values: Sequence[Value]) -> list[Value]:
        """The values that the new variables start with, as nodes before the loop: 0, and empty lists."""
        nodes = self.trace.function.nodes
        first = len(nodes)
        with self.trace.as_current():
            starts = [self.trace.constant(np.int32(0), dtypes.int32, "iterations")]
            for value in values:
                starts.append(
                    ops.require("EmptyTensorList")(
                        _sizes(value.shape), np.array(-1, np.int32), element_dtype=value.dtype
                    )
                )
        added = nodes[first:]
        del nodes[first:]
        at = nodes.index(self.node)
        nodes[at:at] = added
        return [t._value for t in starts]

    def _rewire(self, body: Function, starts: Sequence[Value]) -> None:
        node = self.node
        condition = clone_function(
            node.attrs["cond"].function, fresh_name("forward", node.attrs["cond"].name)
        )
        for value in body.inputs[len(condition.inputs) :]:
            condition.add_input(condition.unique_name(value.node.name), value.dtype, value.shape)
        first = len(node.outputs)
        node.inputs.extend(starts)
        add_outputs(node, body.inputs[len(node.outputs) :])
        node.attrs["cond"] = FunctionRef(condition.name, condition)
        node.attrs["body"] = FunctionRef(body.name, body)
        node.attrs["T"] = tuple(v.dtype for v in node.inputs)
        if node.attrs.get("output_shapes"):
            node.attrs["output_shapes"] = tuple(v.shape for v in node.outputs)
        tell_tapes(node, self.trace, first)


def _sizes(shape: Shape) -> Any:
    """A static shape as list ops take it: -1 where a size, or all of it, is not known."""
    return np.array(-1 if shape is None else [-1 if d is None else d for d in shape], np.int32)


def _passed_on(value: Value) -> Value:
    while value.node.op.name == "Identity":
        value = value.node.inputs[0]
    return value


def _unchanged(body: Function, i: int) -> bool:
    """Does variable `i` never change?"""
    return _passed_on(body.outputs[i]) is body.inputs[i]


def _list_of(body: Function, value: Value, count: int) -> int | None:
    """The variable of the loop that is a list onto which each iteration pushes `value` already."""
    for i, (before, after) in enumerate(zip(body.inputs, body.outputs[:count], strict=True)):
        node = _passed_on(after).node
        if node.op.name == "TensorListPushBack" and node.inputs[0] is before and node.inputs[1] is value:
            return i
    return None


def _go_back(loop: _Loop, made: Derivative, active: Sequence[int], starts: Sequence[Any]) -> Sequence[Any]:
    """Add the loop that goes back; returns the gradients of the variables in `active`."""
    node, trace = loop.node, loop.trace
    current = state.trace
    assert current is not None
    # The variables of the loop back: iterations left, gradients, lists, and what does not change.
    operands: list[Any] = [SymbolicTensor(node.outputs[loop.counter], trace), *starts]
    shapes: list[Shape] = [(), *[_gradient_shape(node, i) for i in active]]
    places: dict[Any, int] = {}
    for kind, where in loop.sources:
        key = kind, where if isinstance(where, int) else id(where)
        if key in places:
            continue
        places[key] = len(operands)
        if kind == "outside":
            tensor = where if isinstance(where, Tensor) else current.capture_variable(where)
        else:
            values = node.outputs if kind == "list" else node.inputs
            tensor = SymbolicTensor(values[where], trace)
        operands.append(tensor)
        shapes.append(tensor.shape.as_tuple())
    inside = [current.inside(t) for t in operands]
    condition = _condition(node.attrs["cond"].name, inside, shapes)
    body = _body(loop, made, inside, shapes, places, len(active), active)
    stateful = body.stateful
    found = ops.require("While" if stateful else "StatelessWhile")(
        inside,
        cond=FunctionRef(condition.name, condition),
        body=FunctionRef(body.name, body),
        output_shapes=tuple(shapes),
        parallel_iterations=node.attrs.get("parallel_iterations", 10),
    )
    return list(found[1 : 1 + len(active)])


def _gradient_shape(node: Node, i: int) -> Shape:
    return relax(gradient_spec(node.inputs[i])[1], gradient_spec(node.outputs[i])[1])


def _arguments(
    trace: Trace, operands: Sequence[SymbolicTensor], shapes: Sequence[Shape]
) -> list[SymbolicTensor]:
    made = []
    for k, (operand, shape) in enumerate(zip(operands, shapes, strict=True)):
        argument = trace.argument(f"operand_{k}", operand.dtype, shape)
        argument._value.handle = operand._value.handle
        made.append(argument)
    return made


def _condition(name: str, operands: Sequence[SymbolicTensor], shapes: Sequence[Shape]) -> Function:
    trace = Trace(fresh_name("backward", name))
    with trace.as_current():
        left = _arguments(trace, operands, shapes)[0]
        return _finished(trace, [left > 0])


def _body(
    loop: _Loop,
    made: Derivative,
    operands: Sequence[SymbolicTensor],
    shapes: Sequence[Shape],
    places: dict[Any, int],
    n_active: int,
    active: Sequence[int],
) -> Function:
    trace = Trace(fresh_name("backward", loop.node.attrs["body"].name))
    with trace.as_current():
        arguments = _arguments(trace, operands, shapes)
        results: list[Any] = [arguments[0] - 1, *arguments[1:]]
        values: dict[int, Any] = {}  # by the place of what they come from
        captured = []
        for (kind, where), value in zip(loop.sources, _captured_values(made), strict=True):
            place = places[kind, where if isinstance(where, int) else id(where)]
            if place not in values and kind == "list":
                results[place], values[place] = ops.require("TensorListPopBack")(
                    arguments[place], _sizes(value.shape), element_dtype=value.dtype
                )
                values[place]._value.shape, values[place]._value.handle = value.shape, value.handle
            captured.append(values.get(place, arguments[place]))
        given = arguments[1 : 1 + n_active]
        found = made.gradients(call_function(made.backward, [*given, *captured]))
        for k, i in enumerate(active, 1):
            results[k] = zeros_for(arguments[k]) if found[i] is None else dense(found[i])
        return _finished(trace, results)


def _captured_values(made: Derivative) -> list[Value]:
    return made.backward.inputs[len(made.backward.inputs) - len(made.captured) :]


def _finished(trace: Trace, results: Sequence[Any]) -> Function:
    function = trace.function
    function.outputs = [trace.inside(r)._value for r in results]
    function.output_names = result_names(len(results))
    add_control_dependencies(function)
    return function
