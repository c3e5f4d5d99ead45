"""The Gaussian error linear unit, written out with erf or erfc, becomes one op.

before                                      after
  %h = Mul(0.5, %x)                           %y = _Gelu(%x)
  %n = Neg(%x)
  %s = Mul(%n, 0.70710677)
  %e = Erfc(%s)
  %y = Mul(%h, %e)

The same with 1 + erf(x / sqrt(2)) in the place of erfc(-x / sqrt(2)), and the factors in any order.
"""

from __future__ import annotations

import math

import numpy as np

from ..environment import Environment
from ..ir import Function, Node, Value
from .matching import ADDS, both_ways, factors
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]


def run(function: Function, env: Environment) -> bool:
    """Raise it in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= rewrite(one, _visit)
    return changed


def _visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    if node.op.name != "Mul" or not node.outputs[0].dtype.is_floating:
        return None
    found = list(factors(node.outputs[0], 2))
    if len(found) != 3 or not any(_is_number(v, 0.5) for v in found):
        return None
    found.remove(next(v for v in found if _is_number(v, 0.5)))
    for x, other in (found, found[::-1]):
        if _is_twice_the_cumulative(other, x) and x.shape == node.outputs[0].shape:
            return builder.add("_Gelu", [x], node)
    return None


def _is_number(value: Value, number: float) -> bool:
    if value.node.op.name != "Const":
        return False
    array = np.asarray(value.node.attrs["value"])
    return array.size == 1 and math.isclose(float(array.ravel()[0]), number, rel_tol=1e-3)


def _is_twice_the_cumulative(value: Value, x: Value) -> bool:
    """Is `value` 1 + erf(x / sqrt(2)), in either way?"""
    node = value.node
    if node.op.name == "Erfc":
        return _is_scaled(node.inputs[0], x, -1)
    if node.op.name in ADDS:
        for one, other in both_ways(node):
            if _is_number(one, 1.0) and other.node.op.name == "Erf":
                return _is_scaled(other.node.inputs[0], x, 1)
    return False


def _is_scaled(value: Value, x: Value, sign: int) -> bool:
    """Is `value` x / sqrt(2), times `sign`?"""
    node = value.node
    if node.op.name == "Neg":
        return _is_scaled(node.inputs[0], x, -sign)
    if node.op.name == "RealDiv":
        one, other = node.inputs
        factor = math.sqrt(2)
    elif node.op.name == "Mul":
        one, other = node.inputs if node.inputs[1].node.op.name == "Const" else node.inputs[::-1]
        factor = math.sqrt(0.5)
    else:
        return False
    if one.node.op.name == "Neg":
        sign, one = -sign, one.node.inputs[0]
    return one is x and _is_number(other, sign * factor)
