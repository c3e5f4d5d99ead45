"""What a scan computes of each row and of what is fixed is computed of all rows at once, before it.

before                                          after
  %r = _Scan(%h, %x, %w) {body=@body}             %p = Reshape(%x, [24, 4])
  func @body(%h, %x, %w) {                        %q = MatMul(%p, %w)
    %y = MatMul(%x, %w)                           %y = Reshape(%q, [8, 3, 5])
    %next = AddV2(%h, %y)                         %r = _Scan(%h, %y) {body=@body}
    return %next                                  func @body(%h, %y) {
  }                                                 %next = AddV2(%h, %y)
                                                    return %next
                                                  }

Products of matrices, and the biases behind them.
"""

from __future__ import annotations

import math

import numpy as np

from ..environment import Environment
from ..ir import Function, Node, Value
from ..shapes import fixed, is_static
from .drop_dead import run as drop_dead
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]

_MOST = 1 << 24  # elements of a result for all rows at once; beyond, the memory costs more than it saves
_ADDS = frozenset({"Add", "AddV2", "BiasAdd"})


def run(function: Function, env: Environment) -> bool:
    """Hoist out of the scans of `function` and of what is inside its nodes, the innermost first."""
    changed = False
    for one in [*nested(function), function]:
        changed |= rewrite(one, _visit)
    if changed:
        drop_dead(function, env)
    return changed


def _visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    if node.op.name != "_Scan":
        return None
    hoisting = _Hoisting(node, builder)
    for one in hoisting.body.nodes:
        hoisting.visit(one)
    return hoisting.finish() if hoisting.moved else None


class _Hoisting:
    """Moves nodes out of one scan.

    Attributes:
        moved: what the results of the nodes moved so far are rows of.
    """

    def __init__(self, node: Node, builder: Builder) -> None:
        self.node = node
        self.builder = builder
        self.body: Function = node.attrs["body"].function
        states, rows = len(node.attrs["Tstate"]), len(node.attrs["Trows"])
        pairs = list(zip(self.body.inputs, node.inputs, strict=True))
        self.state = pairs[:states]
        self.rows = dict(pairs[states : states + rows])
        self.fixed: dict[Value, Value] = dict(pairs[states + rows :])
        self.steps: int = node.attrs["steps"]
        self.moved: dict[Value, Value] = {}

    def visit(self, node: Node) -> None:
        """Move `node`, if it is a product of a row and something fixed, or the sum of one and a fixed vector."""
        if node.op.name == "MatMul" and not node.attrs.get("transpose_a"):
            self._product(node)
        elif node.op.name in _ADDS and node.attrs.get("data_format", b"NHWC") == b"NHWC":
            self._bias(node)

    def _product(self, node: Node) -> None:
        left, right = node.inputs
        array, out = self.rows.get(left, self.moved.get(left)), node.outputs[0]
        if (
            array is None
            or not self._is_fixed(right)
            or not is_static(out.shape)
            or not is_static(array.shape)
        ):
            return
        inner, whole = fixed(array.shape)[-1], (fixed(array.shape)[0], *fixed(out.shape))
        if math.prod(whole) > _MOST:
            return
        flat = self._reshaped(array, (-1, inner), node)
        attrs = {k: v for k, v in node.attrs.items() if k in ("T", "transpose_a", "transpose_b")}
        (product,) = self.builder.add("MatMul", [flat, self._outside(right, node)], node, attrs)
        self.moved[out] = self._reshaped(product, whole, node)

    def _bias(self, node: Node) -> None:
        out = node.outputs[0]
        for value, other in (node.inputs, node.inputs[::-1]):
            # Only behind what was moved: on rows as they come it is as well done where they are used.
            if value not in self.moved or not self._is_fixed(other) or out.shape != value.shape:
                continue
            if is_static(other.shape) and len(fixed(other.shape)) <= len(fixed(value.shape)):
                both = [self.moved[value], self._outside(other, node)]
                (self.moved[out],) = self.builder.add("AddV2", both, node)
                return

    def _reshaped(self, value: Value, shape: tuple[int, ...], like: Node) -> Value:
        sizes = self.builder.constant(np.array(shape, np.int32), like)
        return self.builder.add("Reshape", [value, sizes], like)[0]

    def _is_fixed(self, value: Value) -> bool:
        return value in self.fixed or value.node.op.name == "Const"

    def _outside(self, value: Value, like: Node) -> Value:
        if value in self.fixed:
            return self.fixed[value]
        return self.builder.constant(value.node.attrs["value"], like, value.dtype)

    def finish(self) -> tuple[Value, ...]:
        """Write the scan that reads rows of what was moved."""
        body = self.body
        body.nodes = [one for one in body.nodes if not any(v in self.moved for v in one.outputs)]
        read = {v for one in body.nodes for v in one.inputs} | set(body.outputs)
        inside = {
            old: body.add_input(body.unique_name("row"), old.dtype, old.shape)
            for old in self.moved
            if old in read
        }
        for one in body.nodes:
            one.inputs = [inside.get(v, v) for v in one.inputs]
        body.outputs = [inside.get(v, v) for v in body.outputs]
        drop_dead(body, Environment())
        read = {v for one in body.nodes for v in one.inputs} | set(body.outputs)
        rows = {inner: outer for inner, outer in self.rows.items() if inner in read}
        rows.update((inner, self.moved[old]) for old, inner in inside.items())
        kept = {inner: outer for inner, outer in self.fixed.items() if inner in read}
        body.inputs = [*[inner for inner, _ in self.state], *rows, *kept]
        for i, value in enumerate(body.inputs):
            value.node.attrs["index"] = i
        attrs = {
            **self.node.attrs,
            "Trows": tuple(v.dtype for v in rows),
            "Tfixed": tuple(v.dtype for v in kept),
        }
        inputs = [*[outer for _, outer in self.state], *rows.values(), *kept.values()]
        return self.builder.add("_Scan", inputs, self.node, attrs)
