"""What a function computes from its variables and constants alone: once, and again only when a variable has changed.

%w = ReadVariableOp(%handle)      |
%t = Transpose(%w, %perm)         |  computed by the function's *derivation*, kept until a variable changes
%y = MatMul(%x, %t)               |  the plan's own
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..dtypes import resource
from ..effects import is_pure
from ..ir import Function, Node, Value
from ..shapes import known_size

__all__ = ["derived", "frontier"]

_READ = "ReadVariableOp"
_SMALL = 1 << 16  # bytes that a derived value may always take
_GROWTH = 2  # else so many times its inputs
_PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})  # may assign to any variable


def derived(function: Function) -> list[Node]:
    """The nodes of an ordered function whose results depend on bound variables and constants alone, in order."""
    effects = list(function.control_outputs.values())
    if any(node.op.name in _PYTHON for node in effects):
        return []
    written = {v for node in effects for v in node.inputs if v.dtype is resource}
    stable = {v for v in function.bound if v.dtype is resource} - written
    found: list[Node] = []
    for node in function.nodes:
        if node.op.name == _READ:
            fits = node.inputs[0] in stable
        elif node.op.name == "Const":
            fits = False  # constants are the plan's globals anyway
        else:
            fits = (
                bool(node.inputs)
                and is_pure(node)
                and all(v in stable or v.node.op.name == "Const" for v in node.inputs)
                and not any(v.dtype is resource for v in node.inputs)
                and _bounded(node)
            )
        if fits:
            found.append(node)
            stable.update(node.outputs)
    return found


def _bounded(node: Node) -> bool:
    """Is what `node` gives not much more than what it takes?"""
    if not all(v.dtype.is_numpy_compatible for v in node.outputs):
        return False
    sizes = [_bytes(v) for v in node.outputs]
    if None in sizes:
        return False
    total = sum(sizes)  # type: ignore[arg-type]
    return total <= _SMALL or total <= _GROWTH * sum(_bytes(v) or 0 for v in node.inputs)


def _bytes(value: Value) -> int | None:
    size = known_size(value.shape)
    return None if size is None else size * (value.dtype.size or 8)


def frontier(function: Function, nodes: Iterable[Node]) -> Mapping[Value, None]:
    """The results of derived `nodes` that the rest of the function reads, or returns."""
    inside = set(nodes)
    made = {v for node in inside for v in node.outputs}
    read: dict[Value, None] = {}
    for node in function.nodes:
        if node not in inside:
            read.update((v, None) for v in node.inputs if v in made)
    read.update((v, None) for v in function.outputs if v in made)
    return read
