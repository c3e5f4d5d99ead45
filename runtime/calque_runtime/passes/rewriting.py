"""How passes write a function anew: one walk in order of execution, node by node.

The functions that these passes see are *ordered* (`plan.specialize`): their lists are the order in which nodes run,
calls are inlined, and no control edges are left. What has an effect is a control output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..dtypes import DType, from_numpy
from ..errors import OpError
from ..ir import Function, FunctionRef, Node, Value
from ..op import Op, Site
from ..shapes import Shape

__all__ = ["Builder", "constant", "nested", "replace_values", "rewrite", "users"]

Visitor = Callable[[Node, "Builder"], "Sequence[Value] | None"]


class Builder:
    """The node list being written.

    Attributes:
        function: whose nodes these are.
        nodes: what is written so far, in order.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.nodes: list[Node] = []

    def add(
        self, op: Op | str, inputs: Sequence[Value], like: Node, attrs: Mapping[str, Any] | None = None
    ) -> tuple[Value, ...]:
        """Write a node; its types and shapes are inferred.

        Args:
            op: the op, or its name.
            inputs: its inputs, flat.
            like: the node in whose place it stands: it gives the name and the user's line.
            attrs: every attribute that has no default and is not told by the inputs' types; types are filled in
                for ops without lists.
        """
        one = ops.require(op) if isinstance(op, str) else op
        given = dict(attrs or {})
        signature = one.signature
        if not any(arg.is_list for arg in signature.inputs):
            given = signature.complete([v.dtype for v in inputs], given)
        name = self.function.unique_name(like.name)
        values = list(inputs)
        site = Site(one, given, [v.dtype for v in values], [v.shape for v in values], values, name)
        try:
            shapes: Sequence[Shape] = one.infer_shapes(site)
        except OpError:  # what is wrong with it comes out when it runs
            shapes = [None] * len(site.out_dtypes)
        node = Node(one, name, values, given, site.out_dtypes, shapes, like.location)
        self.nodes.append(node)
        return node.outputs

    def constant(self, array: Any, like: Node, dtype: DType | None = None) -> Value:
        """Write a constant."""
        node = constant(self.function, array, like, dtype)
        self.nodes.append(node)
        return node.outputs[0]


def constant(function: Function, array: Any, like: Node, dtype: DType | None = None) -> Node:
    """A constant in the place of `like`, not yet in the list."""
    value = np.asarray(array)
    kind = dtype or from_numpy(value.dtype)
    name = function.unique_name(like.name)
    return Node(
        ops.require("Const"),
        name,
        [],
        {"value": value, "dtype": kind},
        (kind,),
        (value.shape,),
        like.location,
    )


def rewrite(function: Function, visit: Visitor) -> bool:
    """Walk `function` and write it anew; was anything replaced?

    Args:
        function: an ordered function, changed in place; functions inside its nodes are not walked.
        visit: given a node with its inputs already rewritten: None keeps it, else the values that stand for its
            outputs from now on; nodes that they need are written with the builder.
    """
    builder = Builder(function)
    values: dict[Value, Value] = {}
    for node in function.nodes:
        if values:
            node.inputs = [values.get(v, v) for v in node.inputs]
        instead = visit(node, builder)
        if instead is None:
            builder.nodes.append(node)
        else:
            values.update(zip(node.outputs, instead, strict=True))
    function.nodes = builder.nodes
    function.outputs = [values.get(v, v) for v in function.outputs]
    return bool(values)


def replace_values(function: Function, values: Mapping[Value, Value]) -> None:
    """Use other values in the place of some."""
    for node in function.nodes:
        node.inputs = [values.get(v, v) for v in node.inputs]
    function.outputs = [values.get(v, v) for v in function.outputs]


def users(function: Function) -> dict[Value, list[Node]]:
    """For each value that a node reads, those nodes, in order; a node that reads it twice stands there twice."""
    found: dict[Value, list[Node]] = {}
    for node in function.nodes:
        for value in node.inputs:
            found.setdefault(value, []).append(node)
    return found


def nested(function: Function) -> Iterator[Function]:
    """The functions inside nodes of an ordered function: branches, conditions and bodies, innermost first.

    Those of `_Part` are left out: a backend is to get what it claimed.
    """
    for node in function.nodes:
        if node.op.name == "_Part":
            continue
        for attr in node.attrs.values():
            for ref in attr if isinstance(attr, tuple) else (attr,):
                if isinstance(ref, FunctionRef) and ref.function is not None:
                    yield from nested(ref.function)
                    yield ref.function
