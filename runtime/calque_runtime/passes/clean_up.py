"""Nodes that change nothing go: their input stands in their place.

before                                      after
  %a = Identity(%x)                           %r = Reshape(%x, %shape2)
  %b = Reshape(%a, %shape1)
  %r = Reshape(%b, %shape2)
  %t = Transpose(%r, [1, 0])                  return %r
  %u = Transpose(%t, [1, 0])
  return %u
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..constants import constant_value
from ..environment import Environment
from ..ir import Function, Node, Value
from ..shapes import is_static
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]


def run(function: Function, env: Environment) -> bool:
    """Clean up `function` and what is inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= rewrite(one, _visit)
    return changed


def _visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    rule = _RULES.get(node.op.name)
    return None if rule is None else rule(node, builder)


def _pass_on(node: Node, builder: Builder) -> tuple[Value, ...]:
    return tuple(node.inputs)


def _reshape(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    source, out = node.inputs[0], node.outputs[0]
    if is_static(out.shape) and source.shape == out.shape:
        return (source,)
    if source.node.op.name == "Reshape":
        # The shape's -1 stands for the same size, whatever shape the elements had before.
        node.inputs[0] = source.node.inputs[0]
    return None


def _same_shape(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    source, out = node.inputs[0], node.outputs[0]
    return (source,) if is_static(out.shape) and source.shape == out.shape else None


def _transpose(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    order = constant_value(node.inputs[1])
    if order is None:
        return None
    source = node.inputs[0]
    if source.node.op.name == "Transpose":
        inner = constant_value(source.node.inputs[1])
        if inner is not None:
            order, source = np.asarray(inner)[order], source.node.inputs[0]
            if not np.array_equal(order, np.arange(len(order))):
                perm = builder.constant(np.asarray(order), node)
                return builder.add("Transpose", [source, perm], node)
    if np.array_equal(order, np.arange(len(order))):
        return (source,)
    return None


def _cast(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    source = node.inputs[0]
    return (source,) if source.dtype is node.outputs[0].dtype else None


_RULES: dict[str, Callable[[Node, Builder], tuple[Value, ...] | None]] = {
    "Identity": _pass_on,
    "IdentityN": _pass_on,
    "StopGradient": _pass_on,
    "PreventGradient": _pass_on,
    "Snapshot": _pass_on,
    "Reshape": _reshape,
    "BroadcastTo": _same_shape,
    "Squeeze": _same_shape,
    "EnsureShape": _same_shape,
    "Transpose": _transpose,
    "Cast": _cast,
}
