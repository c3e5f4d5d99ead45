"""Normalization of rows, written out, becomes one op.

before                                              after
  %m = Mean(%x, -1) {keep_dims=true}                  %y = _LayerNorm(%x, %scale, %offset) {epsilon=0.001}
  %d = SquaredDifference(%x, %m)
  %v = Mean(%d, -1) {keep_dims=true}
  %e = AddV2(%v, 0.001)
  %r = Rsqrt(%e)
  %s = Mul(%r, %scale)
  %a = Mul(%x, %s)
  %b = Mul(%m, %s)
  %c = Sub(%offset, %b)
  %y = AddV2(%a, %c)

The same written as ((x - m) r) scale + offset. The op needs six passes over its input, these need nine.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..constants import constant_value
from ..environment import Environment
from ..ir import Function, Node, Value
from ..shapes import fixed, is_static, known_size
from .drop_dead import run as drop_dead
from .matching import ADDS, both_ways, factors, pairs
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]

_TYPES = frozenset({"float32", "float64"})


def run(function: Function, env: Environment) -> bool:
    """Raise it in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        if any(node.op.name == "Rsqrt" for node in one.nodes) and rewrite(one, _visit):
            changed = True
            drop_dead(one, env)
    return changed


def _visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    out = node.outputs[0] if node.outputs else None
    if node.op.name not in ADDS or out is None or out.dtype.name not in _TYPES or not is_static(out.shape):
        return None
    for one, other in both_ways(node):
        for x, scale, offset, epsilon in (*_centered(one, other), *_shifted(one, other)):
            if x.shape == out.shape and all(_is_row(v, out) for v in (scale, offset)):
                return builder.add("_LayerNorm", [x, scale, offset], node, {"epsilon": epsilon})
    return None


def _is_row(value: Value, out: Value) -> bool:
    """Does it hold a number for each column, and is it the same for all rows?"""
    width = fixed(out.shape)[-1:]
    shape = value.shape
    return is_static(shape) and fixed(shape)[-1:] == width and known_size(shape) == width[0]


def _centered(one: Value, offset: Value) -> Iterator[tuple[Value, Value, Value, float]]:
    """((x - m) r) scale + offset, its factors in any order."""
    found = list(factors(one, 2))
    if len(found) != 3:
        return
    for i, difference in enumerate(found):
        if difference.node.op.name != "Sub":
            continue
        x, m = difference.node.inputs
        rest = [v for j, v in enumerate(found) if j != i]
        for r, scale in (rest, rest[::-1]):
            epsilon = _inverse_deviation(r, x, m)
            if epsilon is not None:
                yield x, scale, offset, epsilon


def _shifted(one: Value, other: Value) -> Iterator[tuple[Value, Value, Value, float]]:
    """x s + (offset - m s), where s is r scale."""
    for x, s in pairs(one):
        for r, scale in pairs(s):
            for m, offset in _shift(other, s):
                epsilon = _inverse_deviation(r, x, m)
                if epsilon is not None:
                    yield x, scale, offset, epsilon


def _shift(value: Value, s: Value) -> Iterator[tuple[Value, Value]]:
    """(m, offset) if `value` is offset - m s."""
    if value.node.op.name == "Sub":
        offset, product = value.node.inputs
        for m, factor in pairs(product):
            if factor is s:
                yield m, offset
    elif value.node.op.name in ADDS:
        for product, offset in both_ways(value.node):
            if product.node.op.name == "Neg":
                product = product.node.inputs[0]
                for m, factor in pairs(product):
                    if factor is s:
                        yield m, offset
                continue
            for m, factor in pairs(product):
                if factor is s and m.node.op.name == "Neg":
                    yield m.node.inputs[0], offset


def _inverse_deviation(r: Value, x: Value, m: Value) -> float | None:
    """Epsilon, if `m` is the mean of the rows of `x` and `r` one by the root of their variance and epsilon."""
    if r.node.op.name != "Rsqrt" or r.node.inputs[0].node.op.name not in ADDS:
        return None
    if _mean_of(m) is not x:
        return None
    total = r.node.inputs[0].node
    for variance, number in both_ways(total):
        epsilon = constant_value(number) if known_size(number.shape) == 1 else None
        squares = _mean_of(variance)
        if epsilon is not None and squares is not None and _is_square_of_difference(squares, x, m):
            return float(np.ravel(epsilon)[0])
    return None


def _is_square_of_difference(value: Value, x: Value, m: Value) -> bool:
    node = value.node
    if node.op.name == "SquaredDifference":
        return {*node.inputs} == {x, m}
    if node.op.name == "Square":
        inner = node.inputs[0].node
        return inner.op.name == "Sub" and [*inner.inputs] == [x, m]
    return False


def _mean_of(value: Value) -> Value | None:
    """What `value` holds the means of the rows of."""
    node = value.node
    if node.op.name != "Mean" or not node.site()["keep_dims"]:
        return None
    shape, axis = node.inputs[0].shape, constant_value(node.inputs[1])
    if not shape or len(shape) < 2 or axis is None or np.size(axis) != 1:
        return None
    return node.inputs[0] if int(np.ravel(axis)[0]) in (-1, len(shape) - 1) else None
