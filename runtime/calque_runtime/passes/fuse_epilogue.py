"""A bias, an addend and an activation join the convolution or product that they follow.

before                                      after
  %c = Conv2D(%x, %w)                         %y = _FusedConv2D(%x, %w, %b) {fused_ops=["BiasAdd", "Relu"]}
  %d = BiasAdd(%c, %b)
  %y = Relu(%d)

The fused op works on a piece of its result while that is in the cache.
"""

from __future__ import annotations

import numpy as np

from ..environment import Environment
from ..ir import Function, Node, Value
from ..plan.weights import derived
from ..shapes import Shape, fixed, is_static, known_size
from .drop_dead import run as drop_dead
from .rewriting import Builder, nested, rewrite, users

__all__ = ["run"]

_FUSED = {
    "Conv2D": "_FusedConv2D",
    "DepthwiseConv2dNative": "_FusedDepthwiseConv2dNative",
    "MatMul": "_FusedMatMul",
}
_SHARED = (
    "strides",
    "padding",
    "explicit_paddings",
    "data_format",
    "dilations",
    "transpose_a",
    "transpose_b",
)
_ACTIVATIONS = {name: name.encode() for name in ("Relu", "Relu6", "Sigmoid", "Tanh")} | {
    "_Gelu": b"GeluExact"
}
_SMALL = 1 << 14  # elements of a product below which numpy's own functions, one by one, are faster
_ADDS = frozenset({"AddV2", "Add", "BiasAdd"})


def run(function: Function, env: Environment) -> bool:
    """Fuse in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= _Fusing(one).run()
    return changed


class _Fusing:
    """Fuses in one walk over a function.

    Attributes:
        fused: for each result of a node with an epilogue that may still grow: that node and its epilogue.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.users = users(function)
        self.skipped = set(derived(function))
        self.fused: dict[Value, tuple[Node, list[str], list[Value]]] = {}

    def run(self) -> bool:
        changed = rewrite(self.function, self.visit)
        if changed:  # what a longer epilogue took in
            drop_dead(self.function, Environment())
        return changed

    def visit(self, node: Node, builder: Builder) -> tuple[Value, ...] | None:
        name = node.op.name
        if node in self.skipped:
            return None
        if name in _FUSED and self._fits(node):
            self.fused[node.outputs[0]] = (node, [], [])
            return None
        if name in _ADDS:
            for value, other in (node.inputs, node.inputs[::-1]):
                if value in self.fused and self._only_here(value):
                    return self._longer(node, value, other, builder)
        elif name in _ACTIVATIONS and node.inputs[0] in self.fused and self._only_here(node.inputs[0]):
            base, ops, args = self.fused[node.inputs[0]]
            if ops and ops[-1] in _ACTIVATIONS:
                return None
            return self._write(node, base, [*ops, name], args, builder)
        return None

    def _fits(self, node: Node) -> bool:
        out = node.outputs[0]
        if node.attrs.get("data_format", b"NHWC") != b"NHWC":
            return False
        if not all(is_static(v.shape) for v in node.inputs):
            return False
        if node.op.name == "Conv2D" and fixed(node.inputs[0].shape)[-1] != fixed(node.inputs[1].shape)[-2]:
            return False  # groups of channels
        if node.op.name == "MatMul" and (known_size(out.shape) or 0) < _SMALL:
            return False
        return out.dtype.name == "float32" and is_static(out.shape)

    def _only_here(self, value: Value) -> bool:
        readers = self.users.get(value, ())
        return len(readers) <= 1 and value not in self.function.outputs

    def _longer(self, node: Node, value: Value, other: Value, builder: Builder) -> tuple[Value, ...] | None:
        base, ops, args = self.fused[value]
        channels = fixed(value.shape)[-1]
        if (ops and ops[-1] in _ACTIVATIONS) or other.dtype is not value.dtype or not is_static(other.shape):
            return None
        if not ops and _is_vector(other.shape, channels):
            return self._write(
                node, base, ["BiasAdd"], [self._vector(other, channels, node, builder)], builder
            )
        if ops == ["BiasAdd"] and _is_vector(other.shape, channels):
            second = self._vector(other, channels, node, builder)
            if self._is_weight(args[0]) and self._is_weight(
                second
            ):  # two biases, as one that is computed once
                (both,) = builder.add("AddV2", [args[0], second], node)
                self.skipped.add(both.node)
                return self._write(node, base, ["BiasAdd"], [both], builder)
        if ops == ["BiasAdd"] and other.shape == value.shape and node.op.name != "BiasAdd":
            return self._write(node, base, ["BiasAdd", "Add"], [*args, other], builder)
        return None

    def _is_weight(self, value: Value) -> bool:
        return value.node in self.skipped or value.node.op.name == "Const"

    def _vector(self, value: Value, channels: int, like: Node, builder: Builder) -> Value:
        """A bias in the shape (channels,)."""
        if value.shape == (channels,):
            return value
        shape = builder.constant(np.array([channels], np.int32), like)
        (vector,) = builder.add("Reshape", [value, shape], like)
        if self._is_weight(value):
            self.skipped.add(vector.node)
        return vector

    def _write(
        self, node: Node, base: Node, ops: list[str], args: list[Value], builder: Builder
    ) -> tuple[Value, ...]:
        out = node.outputs[0]
        attrs = {k: v for k, v in base.attrs.items() if k in _SHARED and k in base.op.signature.attrs}
        fused_ops = tuple(_ACTIVATIONS.get(op, op.encode()) for op in ops)
        attrs.update(T=out.dtype, num_args=len(args), fused_ops=fused_ops)
        if base.op.name == "Conv2D":
            attrs["TArgs"] = tuple(v.dtype for v in args)
        from ..ops import require

        fused = require(_FUSED[base.op.name])
        if "explicit_paddings" in attrs and "explicit_paddings" not in fused.signature.attrs:
            if attrs["padding"] == b"EXPLICIT":
                fused = require("_ExplicitDepthwise")
            else:
                del attrs["explicit_paddings"]
        twin = Node(
            fused,
            self.function.unique_name(node.name),
            [*base.inputs, *args],
            attrs,
            [out.dtype],
            [out.shape],
            node.location,
        )
        builder.nodes.append(twin)
        result = twin.outputs[0]
        self.users[result] = self.users.get(out, [])
        if out in self.function.outputs:
            self.users[result] = [*self.users[result], node, node]
        self.fused[result] = (base, ops, args)
        return twin.outputs


def _is_vector(shape: Shape, channels: int) -> bool:
    return bool(shape) and fixed(shape)[-1] == channels and all(d == 1 for d in fixed(shape)[:-1])
