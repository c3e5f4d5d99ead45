"""Loops of Enter, Merge, Switch, NextIteration and Exit nodes become While.

    %e = Enter(%x) {frame_name="f"}                 %w = While(%x, %n) {cond=@cond, body=@body}
    %c = Enter(%n) {frame_name="f"}                 return %w
    %m = Merge(%e, %next)
    %l = Less(%m, %c)                               @cond(%m, %c) { return Less(%m, %c) }
    %go = LoopCond(%l)                              @body(%m, %c) { return Add(%m, %m), %c }
    %s = Switch(%m, %go)
    %a = Add(%s:1, %s:1)
    %next = NextIteration(%a)
    %x = Exit(%s:0)
    return %x

A loop is found by its LoopCond: the Switch nodes that it steers lead to the Merge nodes, one for each variable of the
loop, and these to where the variables enter and come back. What else enters the loop stays the same in every turn.
Loops inside the loop go with its body, and are raised there.
"""

from __future__ import annotations

from collections.abc import Callable

from calque_runtime import ops
from calque_runtime.errors import UnimplementedError
from calque_runtime.ir import Function, FunctionRef, Node, Value

from .subgraphs import extract, replace

__all__ = ["raise_loops"]


class _Loop:
    """One loop.

    Attributes:
        condition: its LoopCond.
        frame: the name of its frame.
        merges: one for each variable.
        members: every node inside.
        constants: for each value from outside that stays the same, the Enter nodes it comes in by.
    """

    def __init__(self, condition: Node, switches: list[Node]) -> None:
        self.condition = condition
        self.switches = switches
        merges = [node.inputs[0].node for node in switches]
        for switch, merge in zip(switches, merges, strict=True):
            if merge.op.name != "Merge" or not any(v.node.op.name == "Enter" for v in merge.inputs):
                raise _unsupported(
                    switch, "a loop whose Switch does not take one of its variables is not supported"
                )
        self.merges: list[Node] = []
        self.frame = _enter(merges[0]).attrs["frame_name"]
        self.members: set[Node] = set()
        self.constants: dict[Value, list[Node]] = {}
        waiting = [condition, *merges]
        while waiting:
            node = waiting.pop()
            if node in self.members:
                continue
            self.members.add(node)
            if node.op.name == "Enter" and node.attrs["frame_name"] == self.frame:
                self.constants.setdefault(node.inputs[0], []).append(node)
                continue
            waiting.extend(node.control)
            sources = [v.node for v in node.inputs]
            if node.op.name == "Merge" and any(self._enters(one) for one in sources):
                self.merges.append(node)
                sources = [one for one in sources if not self._enters(one)]
            waiting.extend(sources)

    def _enters(self, node: Node) -> bool:
        return node.op.name == "Enter" and bool(node.attrs["frame_name"] == self.frame)


def raise_loops(function: Function, inner: Callable[[Function], None]) -> None:
    """Rewrite `function`, which must be the caller's own, in place.

    Args:
        function: what to rewrite.
        inner: is called with each function that a loop was made of.

    Raises:
        UnimplementedError: a loop is not of the form that TensorFlow makes.
    """
    loops = _find(function)
    if not loops:
        return
    inside = {loop.condition: sum(loop.condition in other.members for other in loops) for loop in loops}
    values: dict[Value, Value] = {}
    nodes: dict[Node, Node] = {}
    exits: dict[Node, list[Node]] = {}
    for node in function.nodes:
        if node.op.name == "Exit":
            exits.setdefault(node.inputs[0].node, []).append(node)
    for loop in loops:
        if inside[loop.condition] == 1:  # only in itself
            _raise(function, loop, exits, values, nodes, inner)
    replace(function, values, nodes)


def _find(function: Function) -> list[_Loop]:
    switches: dict[Node, list[Node]] = {node: [] for node in function.nodes if node.op.name == "LoopCond"}
    for node in function.nodes:
        if node.op.name == "Switch" and node.inputs[1].node in switches:
            switches[node.inputs[1].node].append(node)
    return [_Loop(condition, found) for condition, found in switches.items() if found]


def _raise(
    function: Function,
    loop: _Loop,
    exits: dict[Node, list[Node]],
    values: dict[Value, Value],
    nodes: dict[Node, Node],
    inner: Callable[[Function], None],
) -> None:
    order = {node: i for i, node in enumerate(function.nodes)}
    loop.merges.sort(key=order.__getitem__)
    switches: dict[Node, list[Node]] = {}
    for one in loop.switches:
        switches.setdefault(one.inputs[0].node, []).append(one)
    enters = [_enter(merge) for merge in loop.merges]
    turns = [_next(merge) for merge in loop.merges]
    starts = [enter.inputs[0] for enter in enters]
    constants = sorted(loop.constants, key=lambda value: min(order[enter] for enter in loop.constants[value]))
    arguments = [
        [merge.outputs[0], *(s.outputs[1] for s in switches.get(merge, ()))] for merge in loop.merges
    ]
    arguments += [[enter.outputs[0] for enter in loop.constants[value]] for value in constants]
    given = {v.node for one in arguments for v in one}
    members = [node for node in function.nodes if node in loop.members]

    def past(node: Node) -> bool:
        return node in given or node not in loop.members

    name = function.unique_name(_name(loop.frame))
    condition = extract(
        f"{function.name}/{name}_cond",
        members,
        arguments,
        [loop.condition.inputs[0]],
        loop.condition.control,
        past,
    )
    body = extract(
        f"{function.name}/{name}_body",
        members,
        arguments,
        [turn.inputs[0] for turn in turns] + [one[0] for one in arguments[len(turns) :]],
        [node for turn in turns for node in turn.control],
        past,
    )
    inputs = starts + constants
    attrs = {
        "T": tuple(v.dtype for v in inputs),
        "cond": FunctionRef(condition.name, condition),
        "body": FunctionRef(body.name, body),
        "parallel_iterations": enters[0].attrs.get("parallel_iterations", 10),
    }
    node = Node(ops.require("While"), name, inputs, attrs, attrs["T"])
    outside = [*enters, *(one for found in loop.constants.values() for one in found)]
    node.control = [n for enter in outside for n in enter.control if n not in loop.members]
    function.add(node)
    for i, merge in enumerate(loop.merges):
        for switch in switches.get(merge, ()):
            for one in exits.get(switch, ()):
                if one.inputs[0].index == 0:
                    values[one.outputs[0]] = node.outputs[i]
                    nodes[one] = node
    for part in (condition, body):  # a variable may change its shape from turn to turn
        for value, start in zip(part.inputs, inputs, strict=True):
            value.handle = start.handle
        inner(part)


def _enter(merge: Node) -> Node:
    found = [v.node for v in merge.inputs if v.node.op.name == "Enter"]
    if len(found) != 1 or len(merge.inputs) != 2:
        raise _unsupported(merge, "a loop variable that does not enter the loop once is not supported")
    return found[0]


def _next(merge: Node) -> Node:
    found = [v.node for v in merge.inputs if v.node.op.name == "NextIteration"]
    if len(found) != 1:
        raise _unsupported(
            merge, "a loop variable that does not come back once in each turn is not supported"
        )
    return found[0]


def _name(frame: bytes) -> str:
    """A node's name for the loop with that frame: ``while`` for ``model/while/while_context``."""
    parts = [part for part in frame.decode(errors="replace").split("/") if part]
    if len(parts) > 1 and parts[-1].startswith("while_context"):
        parts.pop()
    return "/".join(parts) or "while"


def _unsupported(node: Node, message: str) -> UnimplementedError:
    return UnimplementedError(node.name, node.op.name, f"node '{node.name}': {message}")
