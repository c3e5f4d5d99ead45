"""A scale of each channel behind a convolution or product moves into its weights; so does batch normalization.

before                                              after
  %c = Conv2D(%x, %w)                                 %s = Mul(%gamma, Rsqrt(%variance + epsilon))
  %n = FusedBatchNormV3(%c, %gamma, %beta,            %v = Mul(%w, %s)
                        %mean, %variance)             %c = Conv2D(%x, %v)
                                                      %b = Sub(%beta, Mul(%mean, %s))
                                                      %n = AddV2(%c, %b)

Everything but the convolution and the addition derives from variables, and so is computed once (`plan.weights`).
"""

from __future__ import annotations

import math

import numpy as np

from ..environment import Environment
from ..ir import Function, Node, Value
from ..plan.weights import derived
from ..shapes import fixed
from .rewriting import Builder, rewrite, users

__all__ = ["run"]

_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
# For each op with weights as its second input: the axes of the weights that are the output's channels.
_WEIGHTED = {"Conv2D": 1, "Conv3D": 1, "DepthwiseConv2dNative": 2, "MatMul": 1}
_ADDS = frozenset({"AddV2", "Add", "BiasAdd"})


def run(function: Function, env: Environment) -> bool:
    """Fold in `function`; what is inside its nodes has no weights of its own."""
    read = {v for node in function.nodes for v in node.inputs} | set(function.outputs)
    changed = rewrite(function, lambda node, builder: _normalization(node, builder, read))
    return _Folding(function).run() or changed


def _normalization(node: Node, builder: Builder, read: set[Value]) -> list[Value] | None:
    """Batch normalization in inference as a multiplication and an addition."""
    if node.op.name not in _NORMS or node.site()["is_training"]:
        return None
    if any(v in read for v in node.outputs[1:]):
        return None
    x, scale, offset, mean, variance = node.inputs
    if x.dtype is not scale.dtype or x.shape is None:
        return None  # mixed precision keeps its own rounding
    site = node.site()
    epsilon = builder.constant(np.asarray(site["epsilon"], scale.dtype.np), node, scale.dtype)
    (moved,) = builder.add("AddV2", [variance, epsilon], node)
    (inverse,) = builder.add("Rsqrt", [moved], node)
    (factor,) = builder.add("Mul", [scale, inverse], node)
    (shift,) = builder.add("Mul", [mean, factor], node)
    (term,) = builder.add("Sub", [offset, shift], node)
    if site["data_format"] not in (b"NHWC", b"NDHWC"):
        shape = builder.constant(np.array([-1, *[1] * (len(x.shape) - 2)], np.int32), node)
        (factor,) = builder.add("Reshape", [factor, shape], node)
        (term,) = builder.add("Reshape", [term, shape], node)
    (scaled,) = builder.add("Mul", [x, factor], node)
    (y,) = builder.add("AddV2", [scaled, term], node)
    return [y, *node.inputs[3:5], *[mean] * (len(node.outputs) - 3)]


class _Folding:
    """Moves factors into weights, in one walk over a function."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.stable = {v for node in derived(function) for v in node.outputs}
        self.users = users(function)

    def run(self) -> bool:
        return rewrite(self.function, self.visit)

    def visit(self, node: Node, builder: Builder) -> tuple[Value, ...] | None:
        if node.op.name != "Mul":
            return None
        for value, factor in (node.inputs, node.inputs[::-1]):
            if self._is_weight(factor) and not self._is_weight(value):
                return self._folded(node, value, factor, builder)
        return None

    def _is_weight(self, value: Value) -> bool:
        return value in self.stable or value.node.op.name == "Const"

    def _only_here(self, value: Value) -> bool:
        return len(self.users.get(value, ())) == 1 and value not in self.function.outputs

    def _folded(self, node: Node, value: Value, factor: Value, builder: Builder) -> tuple[Value, ...] | None:
        """``value * factor`` with the factor in the weights of what makes `value`, or None where it cannot be."""
        made = value.node
        bias: Value | None = None
        if made.op.name in _ADDS and self._only_here(value):
            for inner, other in (made.inputs, made.inputs[::-1]):
                if self._is_weight(other) and inner.node.op.name in _WEIGHTED:
                    value, bias, made = inner, other, inner.node
                    break
        axes = _WEIGHTED.get(made.op.name)
        if axes is None or not self._only_here(value) or not self._is_weight(made.inputs[1]):
            return None
        if not _channels_last(made) or value.shape is None:
            return None
        weights = made.inputs[1]
        if not _by_channel(factor, value) or (bias is not None and not _by_channel(bias, value)):
            return None
        if weights.shape is None or None in weights.shape or value.dtype is not weights.dtype:
            return None
        vector = factor
        if factor.shape != () and not made.attrs.get("transpose_b"):
            sizes = fixed(weights.shape)[len(weights.shape) - axes :]
            if _size(factor) == 1:
                sizes = (1,)
            vector = self._reshaped(factor, sizes, made, builder)
        elif factor.shape != ():
            vector = self._reshaped(factor, (_size(factor), 1), made, builder)
        (scaled,) = builder.add("Mul", [weights, vector], made)
        self.stable.update((scaled,))
        (y,) = builder.add(made.op, [made.inputs[0], scaled], made, _own_attrs(made))
        if bias is None:
            self._moved(y, node)
            return (y,)
        flat = self._reshaped(bias, (_size(bias),), made, builder)
        level = factor if factor.shape == () else self._reshaped(factor, (_size(factor),), made, builder)
        (moved,) = builder.add("Mul", [flat, level], node)
        self.stable.update((moved,))
        (z,) = builder.add("AddV2", [y, moved], node)
        self.users[y] = [z.node]
        self._moved(z, node)
        return (z,)

    def _moved(self, new: Value, node: Node) -> None:
        self.users[new] = self.users.get(node.outputs[0], [])
        if node.outputs[0] in self.function.outputs:
            self.users[new] = [*self.users[new], node]

    def _reshaped(self, value: Value, shape: tuple[int, ...], like: Node, builder: Builder) -> Value:
        if value.shape == shape:
            return value
        (out,) = builder.add("Reshape", [value, builder.constant(np.array(shape, np.int32), like)], like)
        self.stable.add(out)
        return out


def _size(value: Value) -> int:
    """The number of elements of a value of static shape."""
    return math.prod(fixed(value.shape))


def _own_attrs(node: Node) -> dict[str, object]:
    return {k: v for k, v in node.attrs.items() if k in node.op.signature.attrs}


def _channels_last(node: Node) -> bool:
    layout = node.attrs.get("data_format", node.op.signature.attrs.get("data_format"))
    layout = getattr(layout, "default", layout)
    return layout is None or layout in (b"NHWC", b"NDHWC")


def _by_channel(factor: Value, value: Value) -> bool:
    """Does `factor` differ along the last axis of `value` only, and keep its shape?"""
    shape = factor.shape
    if shape is None or None in shape or value.shape is None or value.shape[-1] is None:
        return False
    if len(shape) > len(value.shape) or factor.dtype is not value.dtype:
        return False
    return all(d == 1 for d in shape[:-1]) and (not shape or shape[-1] in (1, value.shape[-1]))
