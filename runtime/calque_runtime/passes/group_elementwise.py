"""Elementwise ops and row reductions on large arrays of one shape become one node that runs tile by tile.

before                                      after
  %m = Max(%x, -1) {keep_dims=true}           %g = _Group(%x) {body=@group}
  %d = Sub(%x, %m)                            func @group(%x) {
  %e = Exp(%d)                                  %m = Max(%x, -1) {keep_dims=true}
                                                %d = Sub(%x, %m)
                                                %e = Exp(%d)
                                                return %e
                                              }

A group takes in what can be computed in one go: nothing in it may need a result of a node outside that itself needs a
result of the group. Arrays that fit the cache anyway are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..constants import constant_value
from ..effects import is_pure
from ..environment import Environment
from ..ir import Function, FunctionRef, Node, Value
from ..kernels.steps import STEPS
from ..ops import require
from ..plan.weights import derived
from ..shapes import broadcast, is_static, known_size
from .rewriting import nested

__all__ = ["run"]

_LARGE = 1 << 15  # elements from which on a group pays
_ALONE = 1 << 17  # elements from which on a single expensive op does
_EXPENSIVE = frozenset({"Erf", "Erfc", "Exp", "Log", "Pow", "Sigmoid", "Softmax", "Softplus", "Tanh"})
_TYPES = frozenset({"float32", "float64", "bool"})


def run(function: Function, env: Environment) -> bool:
    """Group in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= _Grouping(one).run()
    return changed


class _Group:
    """A set of nodes that can run as one.

    Attributes:
        nodes: its nodes.
        shape: of its elementwise results.
        shapes: of everything in it, and of what it reads.
        whole_rows: does an op in it take a whole row into account?
        outside: the nodes outside whose results it reads.
        mask: the bits of the groups that it was merged from.
    """

    def __init__(self, node: Node, shape: tuple[int, ...], bit: int) -> None:
        self.nodes = [node]
        self.shape = shape
        self.shapes = {v.shape for v in _operands(node)} | {node.outputs[0].shape}
        self.whole_rows = STEPS[node.op.name].whole_rows
        self.outside = dict.fromkeys(v.node for v in node.inputs)
        self.mask = bit

    def fits(self) -> bool:
        """Is there one view of rows and columns for all of it?"""
        rank = len(self.shape)
        if any(s is None or len(s) > rank or broadcast(s, self.shape) != self.shape for s in self.shapes):
            return False
        views = [rank - 1] if self.whole_rows else range(rank + 1)
        return any(all(_seen(s, self.shape, k) for s in self.shapes) for k in views)


class _Grouping:
    """Finds the groups of one function.

    Attributes:
        groups: those found.
        member: the group of each node that has one.
        needs: for each node, the groups that it or what it needs belongs to, as bits.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.groups: dict[_Group, None] = {}
        self.member: dict[Node, _Group] = {}
        self.needs: dict[Node, int] = {}
        self._count = 0

    def run(self) -> bool:
        """Find the groups and make a node of each that is worth it."""
        skipped = set(derived(self.function))
        for node in self.function.nodes:
            needs = 0
            for value in node.inputs:
                needs |= self.needs.get(value.node, 0)
            shape = None if node in skipped else _joins(node)
            if shape is not None:
                needs |= self._place(node, shape)
            self.needs[node] = needs
        found = [group for group in self.groups if _worth(group)]
        if found:
            _make(self.function, found)
        return bool(found)

    def _place(self, node: Node, shape: tuple[int, ...]) -> int:
        """Make a group of `node`, merge it with those of its inputs where that can be; returns its bit."""
        group = _Group(node, shape, 1 << self._count)
        if not group.fits():
            return 0
        self._count += 1
        bit = group.mask
        self.groups[group] = None
        self.member[node] = group
        for value in node.inputs:
            other = self.member.get(value.node)
            if other is not None and other is not group and other.shape == shape:
                group = self._merged(other, group)
        return bit

    def _merged(self, first: _Group, second: _Group) -> _Group:
        """The union of two groups, or the second where they cannot be one."""
        mask = first.mask | second.mask
        outside = {
            n: None for n in (*first.outside, *second.outside) if self.member.get(n) not in (first, second)
        }
        if any(self.needs.get(n, 0) & mask for n in outside):
            return second
        shapes, whole_rows = first.shapes, first.whole_rows
        union = _Group(first.nodes[0], first.shape, mask)
        union.shapes = shapes | second.shapes
        union.whole_rows = whole_rows or second.whole_rows
        union.outside = outside
        if (union.shapes != shapes or union.whole_rows != whole_rows) and not union.fits():
            return second
        first.nodes += second.nodes
        first.shapes, first.whole_rows = union.shapes, union.whole_rows
        first.outside, first.mask = outside, mask
        for node in second.nodes:
            self.member[node] = first
        self.groups.pop(second)
        return first


def _joins(node: Node) -> tuple[int, ...] | None:
    """The shape of the group that `node` could belong to."""
    step = STEPS.get(node.op.name)
    if step is None or len(node.outputs) != 1 or not is_pure(node):
        return None
    out = node.outputs[0]
    if any(v.dtype.name not in _TYPES for v in _operands(node)) or out.dtype.name not in _TYPES:
        return None
    if not is_static(out.shape) or any(not is_static(v.shape) for v in node.inputs):
        return None
    if node.op.name == "BiasAdd" and node.site()["data_format"] != b"NHWC":
        return None
    if step.by_row:
        if not _over_last_axis(node) or out.dtype.name == "bool":
            return None
        return node.inputs[0].shape
    if step.whole_rows and len(out.shape or ()) < 2:
        return None
    if known_size(out.shape) == 1 and not out.shape:
        return None
    # A column, as row reductions give it, belongs to the group of what it was reduced from.
    for value in node.inputs:
        if STEPS.get(value.node.op.name) is not None and out.shape and out.shape[-1] == 1:
            source = _reduced_from(value)
            if source is not None:
                return source
    return out.shape


def _operands(node: Node) -> list[Value]:
    return node.inputs[:1] if STEPS[node.op.name].by_row else node.inputs


def _reduced_from(value: Value) -> tuple[int, ...] | None:
    """The shape of what `value`, a column, was reduced from."""
    seen = 0
    while seen < 16:
        step = STEPS.get(value.node.op.name)
        if step is None:
            return None
        if step.by_row:
            return value.node.inputs[0].shape
        columns = [v for v in value.node.inputs if v.shape == value.shape and v.node.op.name in STEPS]
        if not columns:
            return None
        value = columns[0]
        seen += 1
    return None


def _over_last_axis(node: Node) -> bool:
    shape = node.inputs[0].shape
    axis = constant_value(node.inputs[1])
    if axis is None or shape is None or len(shape) < 2 or not node.site()["keep_dims"]:
        return False
    return np.size(axis) == 1 and int(np.ravel(axis)[0]) in (-1, len(shape) - 1)


def _seen(shape: tuple[int, ...] | None, whole: tuple[int, ...], k: int) -> bool:
    full = (1,) * (len(whole) - len(shape or ())) + tuple(shape or ())
    first, last = full[:k], full[k:]
    return (first == whole[:k] or all(d == 1 for d in first)) and (
        last == whole[k:] or all(d == 1 for d in last)
    )


def _worth(group: _Group) -> bool:
    size = known_size(group.shape) or 0
    if size >= _ALONE and any(node.op.name in _EXPENSIVE for node in group.nodes):
        return True
    return size >= _LARGE and sum(node.outputs[0].shape == group.shape for node in group.nodes) >= 2


def _make(function: Function, groups: Sequence[_Group]) -> None:
    """Put one node in the place of each group."""
    at = {node: i for i, node in enumerate(function.nodes)}
    member = {node: group for group in groups for node in group.nodes}
    read: dict[Value, None] = dict.fromkeys(function.outputs)
    for node in function.nodes:
        own = member.get(node)
        read.update((v, None) for v in node.inputs if own is None or member.get(v.node) is not own)
    mapped: dict[Value, Value] = {}
    instead: dict[Node, Node] = {}
    for group in groups:
        group.nodes.sort(key=at.__getitem__)
        results = [node.outputs[0] for node in group.nodes if node.outputs[0] in read]
        made = _group_node(function, group.nodes, results)
        mapped.update(zip(results, made.outputs, strict=True))
        instead[group.nodes[-1]] = made
    function.nodes = [instead.get(n, n) for n in function.nodes if n not in member or n in instead]
    for node in function.nodes:
        node.inputs = [mapped.get(v, v) for v in node.inputs]
    function.outputs = [mapped.get(v, v) for v in function.outputs]
    function.nodes = _sorted(function)


def _group_node(function: Function, nodes: Sequence[Node], results: Sequence[Value]) -> Node:
    """The node for a group, and the function in it."""
    members = set(nodes)
    body = Function(function.unique_name("group"))
    values: dict[Value, Value] = {}
    inputs: list[Value] = []
    for node in nodes:
        for i, value in enumerate(node.inputs):
            if value in values or value.node in members:
                continue
            if value.node.op.name == "Const" and (known_size(value.shape) == 1 or i >= len(_operands(node))):
                values[value] = _copied(value.node, [], body).outputs[0]
            else:
                values[value] = body.add_input(body.unique_name(value.node.name), value.dtype, value.shape)
                inputs.append(value)
    for node in nodes:
        values[node.outputs[0]] = _copied(node, [values[v] for v in node.inputs], body).outputs[0]
    body.outputs = [values[v] for v in results]
    body.output_names = [f"output_{i}" for i in range(len(results))]
    types = [v.dtype for v in results]
    attrs = {
        "Tin": tuple(v.dtype for v in inputs),
        "Tout": tuple(types),
        "body": FunctionRef(body.name, body),
    }
    name = function.unique_name("group")
    shapes = [v.shape for v in results]
    return Node(require("_Group"), name, inputs, attrs, types, shapes, nodes[-1].location)


def _copied(node: Node, inputs: list[Value], body: Function) -> Node:
    return body.add(
        Node(
            node.op,
            body.unique_name(node.name),
            inputs,
            dict(node.attrs),
            [v.dtype for v in node.outputs],
            [v.shape for v in node.outputs],
            node.location,
        )
    )


def _sorted(function: Function) -> list[Node]:
    """The nodes, each after what it needs; those with state keep their order among themselves."""
    from ..schedule import schedule_nodes

    before: Node | None = None
    chained: list[tuple[Node, Node]] = []
    for node in function.nodes:
        if not is_pure(node):
            if before is not None:
                node.control.append(before)
                chained.append((node, before))
            before = node
    order = schedule_nodes(function.nodes, function.name)
    for node, other in chained:
        node.control.remove(other)
    return order
