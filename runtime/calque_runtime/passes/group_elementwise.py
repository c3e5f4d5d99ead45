"""Elementwise ops and row reductions on large arrays of one shape become one node that runs tile by tile.

before                                      after
  %m = Max(%x, -1) {keep_dims=true}           %g = _Group(%x) {body=@group}
  %d = Sub(%x, %m)                            func @group(%x) {
  %e = Exp(%d)                                  %m = Max(%x, -1) {keep_dims=true}
                                                %d = Sub(%x, %m)
                                                %e = Exp(%d)
                                                return %e
                                              }

Arrays that fit the cache anyway are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..constants import constant_value
from ..effects import is_pure
from ..environment import Environment
from ..ir import Function, Node, Value
from ..kernels.steps import STEPS
from ..ops import require
from ..plan.weights import derived
from ..shapes import Shape, broadcast, fixed, is_static, known_size
from .partition import Part, body_of, find_parts, group_node, replace_parts
from .rewriting import nested

__all__ = ["run"]

_LARGE = 1 << 15  # elements from which on a group pays
_ALONE = 1 << 17  # elements from which on a single expensive op does
_EXPENSIVE = frozenset(
    {"_Gelu", "Erf", "Erfc", "Exp", "Log", "Pow", "Sigmoid", "Softmax", "Softplus", "Tanh"}
)
_TYPES = frozenset({"float32", "float64", "bool"})


def run(function: Function, env: Environment) -> bool:
    """Group in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= _group(one)
    return changed


def _group(function: Function) -> bool:
    skipped = set(derived(function))
    parts = find_parts(function, lambda node: None if node in skipped else _start(node))
    found = [part for part in parts if part.worth()]

    def make(nodes: Sequence[Node], results: Sequence[Value]) -> Node:
        body, inputs = body_of(function, nodes, results, _is_inside)
        return group_node(function, require("_Group"), body, inputs, nodes[-1])

    if found:
        replace_parts(function, found, make)
    return bool(found)


class _Group(Part):
    """Nodes on arrays of one shape.

    Attributes:
        shape: of its elementwise results.
        shapes: of everything in it, and of what it reads.
        whole_rows: does an op in it take a whole row into account?
    """

    def __init__(self, node: Node, shape: tuple[int, ...]) -> None:
        super().__init__(node)
        self.shape = shape
        self.shapes = {v.shape for v in _operands(node)} | {node.outputs[0].shape}
        self.whole_rows = STEPS[node.op.name].whole_rows

    def take_in(self, other: Part) -> bool:
        """See `Part.take_in`."""
        if not isinstance(other, _Group) or other.shape != self.shape:
            return False
        before = self.shapes, self.whole_rows
        self.shapes, self.whole_rows = self.shapes | other.shapes, self.whole_rows or other.whole_rows
        if (self.shapes, self.whole_rows) != before and not self.fits():
            self.shapes, self.whole_rows = before
            return False
        return True

    def fits(self) -> bool:
        """Is there one view of rows and columns for all of it?"""
        rank = len(self.shape)
        if any(s is None or len(s) > rank or broadcast(s, self.shape) != self.shape for s in self.shapes):
            return False
        views = [rank - 1] if self.whole_rows else range(rank + 1)
        return any(all(_seen(s, self.shape, k) for s in self.shapes) for k in views)

    def worth(self) -> bool:
        """Is a node of its own faster than its nodes one by one?"""
        size = known_size(self.shape) or 0
        if size >= _ALONE and any(node.op.name in _EXPENSIVE for node in self.nodes):
            return True
        if any(node.op.name == "_LayerNorm" for node in self.nodes):
            return True  # several passes in one node
        return sum(node.outputs[0].shape == self.shape for node in self.nodes) >= 2


def _start(node: Node) -> _Group | None:
    shape = _joins(node)
    if shape is None or (known_size(shape) or 0) < _LARGE:
        return None
    group = _Group(node, fixed(shape))
    return group if group.fits() else None


def _is_inside(node: Node, i: int) -> bool:
    """Single numbers, and what says along which axis, are constants of the group."""
    return known_size(node.inputs[i].shape) == 1 or i >= len(_operands(node))


def _joins(node: Node) -> Shape:
    """The shape of the group that `node` could belong to."""
    step = STEPS.get(node.op.name)
    if step is None or len(node.outputs) != 1 or not is_pure(node):
        return None
    out = node.outputs[0]
    if any(v.dtype.name not in _TYPES for v in _operands(node)) or out.dtype.name not in _TYPES:
        return None
    if not is_static(out.shape) or any(not is_static(v.shape) for v in node.inputs):
        return None
    if node.op.name in ("Erf", "_Gelu") and out.dtype.name != "float32":
        return None  # their polynomials are for float32
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


def _reduced_from(value: Value) -> Shape:
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


def _seen(shape: Shape, whole: tuple[int, ...], k: int) -> bool:
    full = (1,) * (len(whole) - len(shape or ())) + tuple(shape or ())
    first, last = full[:k], full[k:]
    return (first == whole[:k] or all(d == 1 for d in first)) and (
        last == whole[k:] or all(d == 1 for d in last)
    )
