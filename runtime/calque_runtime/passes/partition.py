"""Parts of a function that can run as one node, and the nodes that take their place.

A part may take in whatever its kind says that it can, as long as all of it can be computed in one go: nothing in it may
need a result of a node outside that itself needs a result of the part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ..ir import Function, FunctionRef, Node, Value
from ..op import Op
from ..schedule import schedule_nodes

__all__ = ["Part", "body_of", "find_parts", "group_node", "replace_parts"]


class Part:
    """A set of nodes that can run as one. Kinds of parts derive from it.

    Attributes:
        nodes: its nodes.
        outside: the nodes outside whose results it reads.
        mask: the bits of the parts that it was merged from.
        needs: the bits of the parts that what it reads from outside belongs to, or needs.
    """

    def __init__(self, node: Node) -> None:
        self.nodes = [node]
        self.outside = dict.fromkeys(v.node for v in node.inputs)
        self.mask = 0
        self.needs = 0

    def take_in(self, other: Part) -> bool:
        """Become of the kind of the union with `other`, or say that there is none (False) and stay as it is."""
        return True


P = TypeVar("P", bound=Part)


def find_parts(function: Function, start: Callable[[Node], P | None]) -> list[P]:
    """The parts of an ordered function, each as large as can be by adding what reads from it.

    Args:
        function: stays as it is.
        start: a part of one node; None for a node that belongs to none.
    """
    found: list[Any] = _Partition(start).parts_of(function)
    return found


class _Partition:
    """The parts found so far.

    Attributes:
        parts: those parts.
        member: the part of each node that has one.
        needs: for each node, the parts that it or what it needs belongs to, as bits.
    """

    def __init__(self, start: Callable[[Node], Part | None]) -> None:
        self.start = start
        self.parts: dict[Part, None] = {}
        self._by_bit: list[Part] = []
        self.member: dict[Node, Part] = {}
        self.needs: dict[Node, int] = {}

    def parts_of(self, function: Function) -> list[Part]:
        """Find them."""
        for node in function.nodes:
            needs = 0
            for value in node.inputs:
                needs |= self.needs.get(value.node, 0)
            part = self.start(node)
            if part is not None:
                part.needs = needs
                part.mask = 1 << len(self._by_bit)
                self._by_bit.append(part)
                needs |= part.mask
                self._add(node, part)
            self.needs[node] = needs
        return list(self.parts)

    def _add(self, node: Node, part: Part) -> None:
        """Keep `part`, of `node`, merged with the parts of its inputs where that can be."""
        self.parts[part] = None
        self.member[node] = part
        for value in node.inputs:
            other = self.member.get(value.node)
            if other is not None and other is not part:
                part = self._merged(other, part)

    def _with_all(self, needs: int) -> int:
        """`needs`, with what those parts need as a whole: a result of a part is there when all of it has run."""
        seen = 0
        while needs & ~seen:
            part = self._by_bit[next(_bits(needs & ~seen))]
            seen |= part.mask
            needs |= part.mask | part.needs
        return needs

    def _merged(self, first: Part, second: Part) -> Part:
        """The union of two parts, or the second where they cannot be one."""
        mask = first.mask | second.mask
        both = first, second
        outside = {n: None for n in (*first.outside, *second.outside) if self.member.get(n) not in both}
        needs = 0
        for node in outside:
            needs |= self.needs.get(node, 0)
        if self._with_all(needs) & mask or not first.take_in(second):
            return second
        first.nodes += second.nodes
        first.outside, first.mask, first.needs = outside, mask, needs
        for i in _bits(second.mask):
            self._by_bit[i] = first
        for node in second.nodes:
            self.member[node] = first
        self.parts.pop(second)
        return first


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def replace_parts(
    function: Function, parts: Sequence[Part], make: Callable[[Sequence[Node], Sequence[Value]], Node]
) -> None:
    """Put one node in the place of each part.

    Args:
        function: changed in place.
        parts: of it.
        make: from the nodes of a part, in order, and those of their results that others read, to the node; its outputs
            are these results.
    """
    at = {node: i for i, node in enumerate(function.nodes)}
    member = {node: part for part in parts for node in part.nodes}
    read: dict[Value, None] = dict.fromkeys(function.outputs)
    for node in function.nodes:
        own = member.get(node)
        read.update((v, None) for v in node.inputs if own is None or member.get(v.node) is not own)
    mapped: dict[Value, Value] = {}
    instead: dict[Node, Node] = {}
    for part in parts:
        part.nodes.sort(key=at.__getitem__)
        results = [v for node in part.nodes for v in node.outputs if v in read]
        made = make(part.nodes, results)
        mapped.update(zip(results, made.outputs, strict=True))
        instead[part.nodes[-1]] = made
    function.nodes = [instead.get(n, n) for n in function.nodes if n not in member or n in instead]
    for node in function.nodes:
        node.inputs = [mapped.get(v, v) for v in node.inputs]
    function.outputs = [mapped.get(v, v) for v in function.outputs]
    function.nodes = _sorted(function)


def body_of(
    function: Function, nodes: Sequence[Node], results: Sequence[Value], inside: Callable[[Node, int], bool]
) -> tuple[Function, list[Value]]:
    """A function of its own that computes a part, and what of the function around it takes as arguments.

    Args:
        function: that the nodes are of.
        nodes: of the part, in order.
        results: what the new function returns.
        inside: does the constant that is the node's input of that number become a constant inside?
    """
    members = set(nodes)
    body = Function(function.unique_name("group"))
    values: dict[Value, Value] = {}
    inputs: list[Value] = []
    for node in nodes:
        for i, value in enumerate(node.inputs):
            if value in values or value.node in members:
                continue
            if value.node.op.name == "Const" and inside(node, i):
                values[value] = _copied(value.node, [], body).outputs[0]
            else:
                values[value] = body.add_input(body.unique_name(value.node.name), value.dtype, value.shape)
                inputs.append(value)
    for node in nodes:
        twin = _copied(node, [values[v] for v in node.inputs], body)
        values.update(zip(node.outputs, twin.outputs, strict=True))
    body.outputs = [values[v] for v in results]
    body.output_names = [f"output_{i}" for i in range(len(results))]
    return body, inputs


def group_node(
    function: Function, op: Op, body: Function, inputs: Sequence[Value], like: Node, **attrs: Any
) -> Node:
    """A node that runs `body`; `attrs` are attributes besides the function and the types."""
    types = [v.dtype for v in body.outputs]
    full = {
        "Tin": tuple(v.dtype for v in inputs),
        "Tout": tuple(types),
        "body": FunctionRef(body.name, body),
        **attrs,
    }
    name = function.unique_name("group")
    shapes = [v.shape for v in body.outputs]
    return Node(op, name, list(inputs), full, types, shapes, like.location)


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
    before: Node | None = None
    chained: list[tuple[Node, Node]] = []
    for node in function.nodes:
        if node.op.signature.stateful:
            if before is not None:
                node.control.append(before)
                chained.append((node, before))
            before = node
    order = schedule_nodes(function.nodes, function.name)
    for node, other in chained:
        node.control.remove(other)
    return order
