"""Automatic control dependencies: effects run in program order, on whatever runtime the graph ends up.

calque's own executors run a traced graph in the order of its list. Other runtimes are free to reorder what no edge
orders, so a finished graph gets control edges: for each resource, a write waits for the reads and the write before
it, and a read for the write before it. Effects without a resource (printing, assertions) wait for each other.
"""

from __future__ import annotations

from calque_runtime.dtypes import resource
from calque_runtime.effects import callees, has_effect
from calque_runtime.ir import Function, Node, Value

__all__ = ["add_control_dependencies"]

# Ops that give their operands to the functions they run, all but a condition in front.
_CALLS = frozenset(
    {
        "Case",
        "If",
        "PartitionedCall",
        "StatefulPartitionedCall",
        "StatelessCase",
        "StatelessIf",
        "StatelessWhile",
        "While",
    }
)


def add_control_dependencies(function: Function) -> None:
    """Add the control edges to a traced `function`, and make what has an effect its control outputs."""
    last_write: dict[Value | None, Node] = {}
    reads_since: dict[Value | None, list[Node]] = {}
    seen: dict[Function, set[Value | None]] = {}
    for node in function.nodes:
        if not node.op.signature.stateful:
            continue
        changed = _changed(node, seen)
        waits: dict[Node, None] = {}
        for key in dict.fromkeys([*(v for v in node.inputs if v.dtype is resource), *changed]):
            if key in last_write:
                waits[last_write[key]] = None
            if key in changed:
                waits.update(dict.fromkeys(reads_since.pop(key, ())))
                last_write[key] = node
            else:
                reads_since.setdefault(key, []).append(node)
        inputs = {v.node for v in node.inputs}
        node.control.extend(n for n in waits if n not in inputs and n not in node.control)
        if changed:
            function.control_outputs[node.name] = node
        function.stateful = True


def _changed(node: Node, seen: dict[Function, set[Value | None]]) -> set[Value | None]:
    """The resources among its inputs that `node` may change; None stands for what belongs to no resource."""
    if not has_effect(node):
        return set()
    out: set[Value | None] = set()
    if node.op.name not in _CALLS:
        out.update(v for v in node.inputs if v.dtype is resource)
        return out or {None}
    for callee in callees(node):
        inside = _changed_inside(callee, seen)
        arguments = node.inputs[len(node.inputs) - len(callee.inputs) :]
        out.update(given for given, inner in zip(arguments, callee.inputs, strict=True) if inner in inside)
        if not inside <= set(callee.inputs):
            out.add(None)
    return out


def _changed_inside(function: Function, seen: dict[Function, set[Value | None]]) -> set[Value | None]:
    if function not in seen:
        seen[function] = set()
        for node in function.control_outputs.values():
            seen[function] |= _changed(node, seen)
    return seen[function]
