"""From a function to an ordered copy of it for arguments of given shapes: what the passes rewrite.

An *ordered* function runs in the order of its list and has no control edges: calls are inlined, nodes that nothing
needs are gone, and what has an effect is a control output. Functions inside nodes (branches, bodies) are ordered
copies of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..effects import has_effect
from ..environment import Environment
from ..errors import InvalidArgumentError
from ..infer import infer_ordered
from ..ir import ARG, Function, FunctionRef, Node, Value
from ..schedule import schedule
from ..shapes import Shape

__all__ = ["TooLargeError", "specialize"]

MAX_NODES = 200_000  # of the ordered function: calls inlined twice at each of many levels grow without bound
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


class TooLargeError(Exception):
    """The function with its calls inlined has too many nodes; it runs as it is."""


def specialize(
    function: Function, shapes: Sequence[Shape], bound: Mapping[int, Any], env: Environment
) -> Function:
    """An ordered copy of `function`.

    Args:
        function: what to copy; stays as it is.
        shapes: for each argument the shape it will have; None where that is not known.
        bound: arguments that always are the same: arrays become constants, resources that stand in several places
            become one value; all stay arguments.
        env: where the functions that are called are.

    Raises:
        TooLargeError: see there.
    """
    ordered = Function(function.name)
    values: list[Value] = []
    same: dict[int, Value] = {}
    for i, argument in enumerate(function.inputs):
        value = _argument(ordered, argument, shapes[i])
        if i in bound:
            value = _bound_value(ordered, value, bound[i], same)
        values.append(value)
    ordered.bound = frozenset(ordered.inputs[i] for i in bound)
    writer = _Writer(ordered, env, [0])
    ordered.outputs = writer.splice(function, values)
    ordered.output_names = list(function.output_names)
    infer_ordered(ordered)
    return ordered


def _argument(ordered: Function, argument: Value, shape: Shape) -> Value:
    name = ordered.unique_name(argument.node.name)
    value = ordered.add_input(name, argument.dtype, argument.shape if shape is None else shape)
    value.handle, value.known = argument.handle, argument.known
    return value


def _bound_value(ordered: Function, value: Value, what: Any, same: dict[int, Value]) -> Value:
    if not isinstance(what, (np.ndarray, np.generic)):
        if hasattr(what, "version"):
            value.handle = (what.dtype, what.shape)
        return same.setdefault(id(what), value)
    attrs = {"value": what, "dtype": value.dtype}
    op = _const_op()
    node = Node(op, ordered.unique_name(value.node.name), [], attrs, (value.dtype,), (what.shape,))
    return ordered.add(node).outputs[0]


def _const_op() -> Any:
    from ..ops import require

    return require("Const")


class _Writer:
    """Copies nodes of functions into an ordered one.

    Args:
        into: the ordered function.
        env: where called functions are.
        count: how many nodes there are so far, in all functions of this specialization.
    """

    def __init__(self, into: Function, env: Environment, count: list[int]) -> None:
        self.into = into
        self.env = env
        self.count = count

    def splice(self, function: Function, arguments: Sequence[Value]) -> list[Value]:
        """Write `function`'s nodes, its arguments being `arguments`; returns its results."""
        values: dict[Value, Value] = dict(zip(function.inputs, arguments, strict=True))
        library = self.env.library
        for node in schedule(function):
            if node.op is ARG:
                continue
            inputs = [values[v] for v in node.inputs]
            if node.op.name in _CALLS:
                results = self.splice(self._callee(library.resolve(node.attrs["f"]), inputs), inputs)
            elif node.op.name in library and node.op.kernel is None:
                results = self.splice(self._callee(library[node.op.name], inputs), inputs)
            else:
                results = list(self._copy(node, inputs).outputs)
            values.update(zip(node.outputs, results, strict=True))
        return [values[v] for v in function.outputs]

    def _callee(self, function: Function, inputs: Sequence[Value]) -> Function:
        if len(function.inputs) != len(inputs):
            raise InvalidArgumentError(
                None,
                None,
                f"function '{function.name}' takes {len(function.inputs)} arguments, got {len(inputs)}",
            )
        return function

    def _copy(self, node: Node, inputs: list[Value]) -> Node:
        self.count[0] += 1
        if self.count[0] > MAX_NODES:
            raise TooLargeError
        into = self.into
        twin = Node(
            node.op,
            into.unique_name(node.name),
            inputs,
            # A file's note of shapes no longer says enough.
            {k: self._ordered(v) for k, v in node.attrs.items() if k != "_output_shapes"},
            [v.dtype for v in node.outputs],
            [v.shape for v in node.outputs],
            node.location,
        )
        for old, new in zip(node.outputs, twin.outputs, strict=True):
            new.handle, new.known = old.handle, old.known
        twin.original = node.original or node
        into.add(twin)
        if has_effect(twin):
            into.control_outputs[twin.name] = twin
        return twin

    def _ordered(self, attr: Any) -> Any:
        """An attribute with ordered copies of the functions that it refers to."""
        if isinstance(attr, FunctionRef):
            return self._ordered_ref(attr)
        if isinstance(attr, tuple) and any(isinstance(v, FunctionRef) for v in attr):
            return tuple(self._ordered_ref(v) for v in attr)
        return attr

    def _ordered_ref(self, ref: FunctionRef) -> FunctionRef:
        function = self.env.library.resolve(ref)
        ordered = Function(function.name)
        arguments = [_argument(ordered, value, None) for value in function.inputs]
        ordered.outputs = _Writer(ordered, self.env, self.count).splice(function, arguments)
        ordered.output_names = list(function.output_names)
        return FunctionRef(ref.name, ordered, ref.attrs)
