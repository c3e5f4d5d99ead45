"""Switch and Merge become If.

    %t = Switch(%x, %p)                 %i = If(%p, %x) {then_branch=@true, else_branch=@false}
    %a = Neg(%t:0)                      return %i
    %b = Exp(%t:1)
    %m = Merge(%a, %b)                  @true(%x) { return Exp(%x) }
    return %m                           @false(%x) { return Neg(%x) }

Whether a node runs depends on the Switch nodes before it: on a set of (condition, outcome). A Merge whose inputs differ
in the outcome of one condition is where an If ends, and what runs only for that outcome is the branch. Merges on the
same condition are one If, unless one needs the result of the other. A Merge of values that are always there gives the
first. What is nested in a branch goes with it, and is
raised there. Loops must have been raised before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calque_runtime import dtypes, ops
from calque_runtime.errors import UnimplementedError
from calque_runtime.ir import ARG, Function, FunctionRef, Node, Value
from calque_runtime.schedule import schedule_nodes

from .subgraphs import extract, replace

__all__ = ["raise_conditions"]

Outcome = tuple[Value, int]
When = frozenset[Outcome]
_ALWAYS: When = frozenset()


def raise_conditions(function: Function, inner: Callable[[Function], None]) -> None:
    """Rewrite `function`, which must be the caller's own, in place.

    Args:
        function: what to rewrite.
        inner: is called with each branch.

    Raises:
        UnimplementedError: the Merge nodes are not where TensorFlow's conditions have them.
    """
    kinds = {node.op.name for node in function.nodes}
    if "Merge" in kinds or "Switch" in kinds:
        _Conditions(function, inner).run()


class _Conditions:
    def __init__(self, function: Function, inner: Callable[[Function], None]) -> None:
        self.function = function
        self.inner = inner
        self.order = schedule_nodes(function.nodes, function.name)
        self.when: dict[Node, When] = {}
        self.ends: dict[
            Node, tuple[Value, int]
        ] = {}  # from each Merge to its condition and what its first input needs
        self.passed: dict[
            Node, int
        ] = {}  # from each Merge that has no condition to the input that is always there

    def run(self) -> None:
        for node in self.order:
            self.when[node] = self._merged(node) if node.op.name == "Merge" else self._needs(node)
        values: dict[Value, Value] = {}
        nodes: dict[Node, Node] = {}
        for merge, index in self.passed.items():
            if not self.when[merge]:
                values[merge.outputs[0]] = merge.inputs[index]
                values[merge.outputs[1]] = _constant(self.function, index)
        for condition, merges in self._groups():
            made = self._raise(condition, merges)
            for i, merge in enumerate(merges):
                values.update(zip(merge.outputs, made.outputs[2 * i : 2 * i + 2], strict=True))
                nodes[merge] = made
        replace(self.function, values, nodes)
        for node in self.function.nodes:
            if node.op.name in ("Switch", "Merge"):
                raise UnimplementedError(
                    node.name,
                    node.op.name,
                    f"node '{node.name}': what it gives is needed whatever the condition is, but is there for one "
                    "outcome only",
                )

    def _of(self, value: Value) -> When:
        """When is the value there?"""
        when = self.when.get(value.node, _ALWAYS)
        return when | {(_root(value.node.inputs[1]), value.index)} if value.node.op.name == "Switch" else when

    def _needs(self, node: Node) -> When:
        parts = [self._of(v) for v in node.inputs if v.node.op is not ARG]
        parts += [self.when[one] for one in node.control if one in self.when]
        return _ALWAYS.union(*parts)

    def _merged(self, node: Node) -> When:
        parts = [self._of(v) for v in node.inputs]
        common = parts[0].intersection(*parts[1:])
        if common in parts:
            self.passed[node] = parts.index(common)
            return common
        if len(parts) != 2:
            raise _unsupported(
                node, f"a Merge of {len(parts)} values that depend on conditions is not supported"
            )
        first, second = parts
        found = [(c, side) for c, side in first if (c, 1 - side) in second]
        found.sort(key=lambda one: first - {one} != second - {(one[0], 1 - one[1])})
        if not found:
            raise _unsupported(node, "a Merge whose values do not depend on one condition is not supported")
        self.ends[node] = found[0]
        return common

    def _groups(self) -> list[tuple[Value, list[Node]]]:
        """The outermost Merge nodes that are one If, with its condition."""
        outer = [node for node in self.order if node in self.ends and not self.when[node]]
        groups: dict[tuple[Value, int], list[Node]] = {}
        for condition in dict.fromkeys(self.ends[node][0] for node in outer):
            level: dict[Node, int] = {}
            for node in self.order:
                before = [level.get(v.node, 0) for v in node.inputs] + [
                    level.get(one, 0) for one in node.control
                ]
                level[node] = max(before, default=0)
                if node in self.ends and not self.when[node] and self.ends[node][0] is condition:
                    groups.setdefault((condition, level[node]), []).append(node)
                    level[node] += 1
        return [(condition, merges) for (condition, _), merges in groups.items()]

    def _raise(self, condition: Value, merges: list[Node]) -> Node:
        """The If in the place of `merges`: for each of them its value, and which of its inputs that is."""
        function = self.function
        sides = []
        outer: dict[Value, None] = {}
        for side in (0, 1):
            results = [merge.inputs[int(self.ends[merge][1] != side)] for merge in merges]
            given = self._boundary((condition, side), results)
            outer.update(dict.fromkeys(given.values()))
            sides.append((results, given))
        name = function.unique_name(merges[0].name)
        branches = []
        control: dict[Node, None] = {}
        for side, (results, given) in enumerate(sides):
            arguments: dict[Value, list[Value]] = {value: [value] for value in outer}
            for value, source in given.items():
                arguments[source].append(value)

            def past(node: Node, side: int = side) -> bool:
                return (condition, side) not in self.when.get(node, _ALWAYS)

            of = f"{function.name}/{name}_{('false', 'true')[side]}"
            branch = extract(of, self.order, list(arguments.values()), results, (), past)
            branch.outputs = [
                value
                for merge, result in zip(merges, branch.outputs, strict=True)
                for value in (result, _constant(branch, int(self.ends[merge][1] != side)))
            ]
            branch.output_names = [f"output_{i}" for i in range(len(branch.outputs))]
            branches.append(branch)
        for merge in merges:
            control.update(dict.fromkeys(one for one in merge.control if not self.when[one]))
        types = tuple(v.dtype for v in branches[0].outputs)
        attrs = {
            "Tcond": dtypes.bool,
            "Tin": tuple(v.dtype for v in outer),
            "Tout": types,
            "then_branch": FunctionRef(branches[1].name, branches[1]),
            "else_branch": FunctionRef(branches[0].name, branches[0]),
        }
        node = Node(ops.require("If"), name, [condition, *outer], attrs, types)
        node.control = list(control)
        for branch in branches:
            self.inner(branch)
        return function.add(node)

    def _boundary(self, outcome: Outcome, results: list[Value]) -> dict[Value, Value]:
        """What comes into a branch: for each value that it takes from outside, the one that it is there."""
        given: dict[Value, Value] = {}
        seen: set[Node] = set()
        waiting = list(results)
        nodes: list[Node] = []
        while waiting or nodes:
            if waiting:
                value = waiting.pop()
                node = value.node
                if outcome not in self._of(value):
                    given[value] = value
                    continue
                if node.op.name == "Switch" and outcome not in self.when[node]:
                    given[value] = node.inputs[0]
                    continue
            else:
                node = nodes.pop()
            if node in seen:
                continue
            seen.add(node)
            waiting.extend(node.inputs)
            nodes.extend(one for one in node.control if outcome in self.when[one])
        return given


def _root(value: Value) -> Value:
    """The condition itself, where a Switch takes a copy of it."""
    while value.node.op.name == "Identity":
        value = value.node.inputs[0]
    return value


def _constant(function: Function, number: int) -> Value:
    array = np.array(number, np.int32)
    attrs = {"value": array, "dtype": dtypes.int32}
    node = Node(ops.require("Const"), function.unique_name("value_index"), [], attrs, [dtypes.int32], [()])
    return function.add(node).outputs[0]


def _unsupported(node: Node, message: str) -> UnimplementedError:
    return UnimplementedError(node.name, node.op.name, f"node '{node.name}': {message}")
