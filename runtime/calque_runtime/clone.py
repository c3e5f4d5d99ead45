"""Copies of functions: the same graph under other names, referring to other functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .ir import Function, FunctionRef, Node, Value

__all__ = ["clone_function"]


def clone_function(
    function: Function,
    name: str,
    rename: Callable[[FunctionRef], FunctionRef] = lambda ref: ref,
    input_names: list[str] | None = None,
) -> Function:
    """A copy of `function` that shares no node with it.

    Args:
        function: what to copy.
        name: the copy's name.
        rename: from each function that an attribute refers to, to the one to refer to instead.
        input_names: names for the copy's arguments; by default they keep theirs. Nodes give way where one is taken.
    """
    copy = Function(name)
    values: dict[Value, Value] = {}
    for i, value in enumerate(function.inputs):
        wanted = value.node.name if input_names is None else input_names[i]
        new = copy.add_input(copy.unique_name(wanted), value.dtype, value.shape, value.node.location)
        new.handle, new.known = value.handle, value.known
        values[value] = new
    nodes: dict[Node, Node] = {}
    for node in function.nodes:
        twin = Node(
            node.op,
            copy.unique_name(node.name),
            [],
            {k: _renamed(v, rename) for k, v in node.attrs.items()},
            [v.dtype for v in node.outputs],
            [v.shape for v in node.outputs],
            node.location,
        )
        twin.device = node.device
        for old, new in zip(node.outputs, twin.outputs, strict=True):
            new.handle, new.known = old.handle, old.known
            values[old] = new
        nodes[node] = copy.add(twin)
    for node, twin in nodes.items():
        twin.inputs = [values[v] for v in node.inputs]
        twin.control = [nodes[n] for n in node.control]
    copy.outputs = [values[v] for v in function.outputs]
    copy.output_names = list(function.output_names)
    copy.control_outputs = {
        nodes[n].name if key == n.name else key: nodes[n] for key, n in function.control_outputs.items()
    }
    copy.attrs = {k: _renamed(v, rename) for k, v in function.attrs.items()}
    copy.arg_attrs = {i: dict(attrs) for i, attrs in function.arg_attrs.items()}
    copy.stateful = function.stateful
    return copy


def _renamed(value: Any, rename: Callable[[FunctionRef], FunctionRef]) -> Any:
    if isinstance(value, FunctionRef):
        return rename(value)
    if isinstance(value, tuple) and any(isinstance(v, FunctionRef) for v in value):
        return tuple(rename(v) if isinstance(v, FunctionRef) else v for v in value)
    return value
