"""Static shapes of a whole function, by its ops' shape rules.

A function read from a file knows the shapes of its arguments at most. Passes that need more ask here.
"""

from __future__ import annotations

from .errors import OpError
from .ir import Function, Library, Node, Value
from .schedule import schedule_nodes
from .shapes import Shape, compatible, merge

__all__ = ["infer_shapes"]

# Ops whose output is the very resource that comes in.
_PASS_ON = frozenset({"Identity", "IdentityN"})


def infer_shapes(function: Function, library: Library | None = None) -> None:
    """Fill in the static shapes of `function`'s values as far as the shape rules find them.

    A rule that objects, or that fails over something it has not seen, leaves its shapes unknown: what is
    wrong with such a node comes out when it runs.

    Args:
        function: the function; shapes in it only become more exact.
        library: where the functions it calls are; they are inferred as well. None: what a call gives stays
            unknown.

    Raises:
        InvalidArgumentError: the graph has a cycle.
        NotFoundError: a function it calls is not in the library.
    """
    _infer(function, library, set())


def _infer(function: Function, library: Library | None, seen: set[str]) -> None:
    seen.add(function.name)
    if library is not None:
        for ref in function.calls():
            callee = library.resolve(ref)
            if callee.name not in seen:
                _infer(callee, library, seen)
    for node in schedule_nodes(function.nodes, function.name):
        if node.op.name == "VarHandleOp":
            site = node.site()
            node.outputs[0].handle = (site["dtype"], site["shape"])
        for value, shape in zip(node.outputs, _shapes(node), strict=False):
            _sharpen(value, shape)
        if node.op.name in _PASS_ON:
            for source, value in zip(node.inputs, node.outputs, strict=True):
                value.handle = value.handle or source.handle


def _shapes(node: Node) -> list[Shape]:
    try:
        return node.op.infer_shapes(node.site())
    except (OpError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return []


def _sharpen(value: Value, shape: Shape) -> None:
    if compatible(value.shape, shape):
        value.shape = merge(value.shape, shape)
