"""The order in which a function's nodes run, and which of them have to."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import InvalidArgumentError
from .ir import ARG, Function, Node

__all__ = ["schedule", "schedule_nodes"]


def schedule(function: Function) -> list[Node]:
    """The nodes that `function`'s results and control outputs need, each after everything it depends on.

    As in TensorFlow, a node with an effect runs only if it is a control output or something that runs depends
    on it. Nodes keep the function's order where dependencies leave a choice.

    Raises:
        InvalidArgumentError: the graph has a cycle.
    """
    roots = [v.node for v in function.outputs]
    roots += function.control_outputs.values()
    needed = _reachable(roots)
    return schedule_nodes([node for node in function.nodes if node in needed], function.name)


def _reachable(roots: Iterable[Node]) -> set[Node]:
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        stack.extend(v.node for v in node.inputs)
        stack.extend(node.control)
    return seen


def schedule_nodes(nodes: list[Node], where: str) -> list[Node]:
    """`nodes` in an order in which each comes after its inputs and control inputs; their own order otherwise.

    Raises:
        InvalidArgumentError: there is a cycle; the message names the nodes on it.
    """
    if _is_in_order(nodes):  # as nearly always
        return list(nodes)
    placed: set[Node] = set()
    order: list[Node] = []
    known = set(nodes)
    for root in nodes:
        if root in placed:
            continue
        stack = [root]
        on_path: set[Node] = set()
        while stack:
            node = stack[-1]
            if node in placed:
                stack.pop()
                continue
            waiting = [n for n in _dependencies(node) if n in known and n not in placed]
            if not waiting:
                stack.pop()
                on_path.discard(node)
                placed.add(node)
                order.append(node)
                continue
            on_path.add(node)
            for one in waiting:
                if one in on_path:
                    cycle = (
                        " -> ".join(n.name for n in stack[stack.index(one) :]) if one in stack else one.name
                    )
                    raise InvalidArgumentError(
                        node.name, node.op.name, f"'{where}' has a cycle: {cycle} -> {one.name}"
                    )
            stack.extend(reversed(waiting))
    return order


def _is_in_order(nodes: list[Node]) -> bool:
    later = set(nodes)
    for node in nodes:
        if not later.isdisjoint([value.node for value in node.inputs]) or not later.isdisjoint(node.control):
            return False
        later.discard(node)
    return True


def _dependencies(node: Node) -> list[Node]:
    out = [v.node for v in node.inputs if v.node.op is not ARG]
    out.extend(node.control)
    return out
