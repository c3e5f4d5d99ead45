"""Parts of a graph as functions of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from calque_runtime.errors import UnimplementedError
from calque_runtime.ir import Function, Node, Value

__all__ = ["extract", "replace", "upstream"]


def upstream(
    roots: Iterable[Node],
    at: Callable[[Value], bool] = lambda v: False,
    past: Callable[[Node], bool] = lambda n: False,
) -> set[Node]:
    """The nodes that `roots` need, they themselves included.

    Args:
        roots: where to begin.
        at: values of which the node that makes them is not needed.
        past: nodes that are not needed.
    """
    seen: set[Node] = set()
    waiting = [node for node in roots if not past(node)]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        waiting.extend(v.node for v in node.inputs if not at(v) and not past(v.node))
        waiting.extend(one for one in node.control if not past(one))
    return seen


def extract(
    name: str,
    nodes: Sequence[Node],
    inputs: Sequence[Sequence[Value]],
    outputs: Sequence[Value],
    targets: Iterable[Node] = (),
    past: Callable[[Node], bool] = lambda n: False,
    input_names: Sequence[str] | None = None,
) -> Function:
    """A function of its own that computes `outputs`: copies of the nodes they need.

    Args:
        name: the function's name.
        nodes: all there are, in their order.
        inputs: for each argument the values that it stands for; the first of them gives it its type and name.
        outputs: the results.
        targets: nodes that have to run as well.
        past: nodes that are not copied; control inputs on them are dropped.
        input_names: names for the arguments; default: those of the nodes that make the values.

    Raises:
        UnimplementedError: a node takes a value that is neither an argument nor made by what is copied.
    """
    function = Function(name)
    values: dict[Value, Value] = {}
    for i, one in enumerate(inputs):
        first = one[0]
        wanted = first.node.name if input_names is None else input_names[i]
        argument = function.add_input(function.unique_name(wanted), first.dtype, first.shape)
        argument.handle = first.handle
        values.update((value, argument) for value in one if value not in values)
    roots = [v.node for v in outputs if v not in values]
    targets = [node for node in targets if not past(node)]
    needed = upstream([*roots, *targets], values.__contains__, past)
    twins: dict[Node, Node] = {}
    for node in nodes:
        if node in needed:
            twin = Node(
                node.op,
                function.unique_name(node.name),
                [],
                dict(node.attrs),
                [v.dtype for v in node.outputs],
                [v.shape for v in node.outputs],
                node.location,
            )
            twin.device = node.device
            for old, new in zip(node.outputs, twin.outputs, strict=True):
                new.handle, new.known = old.handle, old.known
                values.setdefault(old, new)
            twins[node] = function.add(twin)
    for node, twin in twins.items():
        for value in node.inputs:
            if value not in values:
                raise UnimplementedError(
                    node.name,
                    node.op.name,
                    f"node '{node.name}': its input '{value.name}' comes from elsewhere",
                )
        twin.inputs = [values[v] for v in node.inputs]
        twin.control = [twins[one] for one in node.control if one in twins]
    function.outputs = [values[v] for v in outputs]
    function.output_names = [f"output_{i}" for i in range(len(outputs))]
    function.control_outputs = {twins[node].name: twins[node] for node in targets}
    function.stateful = any(twin.op.signature.stateful for twin in function.nodes)
    return function


def replace(function: Function, values: Mapping[Value, Value], nodes: Mapping[Node, Node]) -> None:
    """Use other values and nodes in the place of some, and drop the nodes that nothing needs any more."""
    function.outputs = [values.get(v, v) for v in function.outputs]
    function.control_outputs = {k: nodes.get(n, n) for k, n in function.control_outputs.items()}
    for node in function.nodes:
        node.inputs = [values.get(v, v) for v in node.inputs]
        node.control = list(dict.fromkeys(nodes.get(one, one) for one in node.control))
    needed = upstream([*(v.node for v in function.outputs), *function.control_outputs.values()])
    function.nodes = [node for node in function.nodes if node in needed]
