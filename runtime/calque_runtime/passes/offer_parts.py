"""Parts of the graph that backends claim become nodes of their own.

before                                      after
  %p = MatMul(%x, %w)                         %g = _Part(%x, %w, %b) {backend="my engine", body=@group, weights=[1, 2]}
  %q = AddV2(%p, %b)                          func @group(%x, %w, %b) {
                                                %p = MatMul(%x, %w)
                                                %q = AddV2(%p, %b)
                                                return %q
                                              }
"""

from __future__ import annotations

from collections.abc import Sequence

from ..backend import Backend
from ..effects import is_pure
from ..environment import Environment
from ..ir import Function, Node, Value
from ..ops import require
from ..plan.weights import derived
from ..shapes import known_size
from .partition import Part, body_of, find_parts, group_node, replace_parts

__all__ = ["run"]

_INSIDE = (
    1 << 10
)  # elements: smaller constants are constants of the part; larger ones are arguments, as weights are


def run(function: Function, env: Environment) -> bool:
    """Offer the parts of `function` to each of the environment's backends."""
    changed = False
    for backend in env.backends:
        changed |= _offer(function, backend)
    return changed


def _offer(function: Function, backend: Backend) -> bool:
    stable = set(derived(function))

    def start(node: Node) -> Part | None:
        if node in stable or node.op.name in ("Const", "_Part") or not node.outputs or not is_pure(node):
            return None
        if not all(v.dtype.is_numpy_compatible for v in (*node.inputs, *node.outputs)):
            return None  # resources and variants are Python objects
        return Part(node) if backend.claims(node) else None

    parts = [part for part in find_parts(function, start) if backend.worth(part.nodes)]

    def make(nodes: Sequence[Node], results: Sequence[Value]) -> Node:
        body, inputs = body_of(function, nodes, results, _is_inside)
        weights = tuple(i for i, v in enumerate(inputs) if v.node in stable or v.node.op.name == "Const")
        name = backend.name.encode()
        return group_node(function, require("_Part"), body, inputs, nodes[-1], backend=name, weights=weights)

    if parts:
        replace_parts(function, parts, make)
    return bool(parts)


def _is_inside(node: Node, i: int) -> bool:
    size = known_size(node.inputs[i].shape)
    return size is not None and size <= _INSIDE
