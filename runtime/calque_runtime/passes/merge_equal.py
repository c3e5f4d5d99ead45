"""Equal nodes become one: the same op on the same values, with the same attributes.

before                              after
  %a = Exp(%x)                        %a = Exp(%x)
  %b = Exp(%x)                        %c = AddV2(%a, %a)
  %c = AddV2(%a, %b)

Reads of a variable are equal as long as nothing with an effect stands between them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..effects import has_effect, is_pure
from ..environment import Environment
from ..ir import Function, Node, Value
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]

_LARGEST = 1 << 12  # bytes of a constant that is compared by value


def run(function: Function, env: Environment) -> bool:
    """Merge equal nodes, in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= _merge(one)
    return changed


def _merge(function: Function) -> bool:
    seen: dict[Any, Node] = {}
    effects = 0

    def visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
        nonlocal effects
        key = _key(node, effects)
        if has_effect(node):
            effects += 1
        if key is None:
            return None
        first = seen.setdefault(key, node)
        return None if first is node else first.outputs

    return rewrite(function, visit)


def _key(node: Node, effects: int) -> Any:
    """What two equal nodes have in common; None for a node that is equal to no other."""
    if is_pure(node):
        when = 0
    elif node.op.name == "ReadVariableOp":
        when = effects
    else:
        return None
    key = (node.op.name, when, *node.inputs, *[(k, _hashable(v)) for k, v in sorted(node.attrs.items())])
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _hashable(value: Any) -> Any:
    """An attribute by value: arrays by type, shape and bytes; a large one only equals itself."""
    if isinstance(value, (np.ndarray, np.generic)):
        if value.nbytes > _LARGEST or value.dtype == object:
            return id(value)
        return value.dtype.str, value.dtype.name, value.shape, value.tobytes()
    if isinstance(value, float):
        return value.hex()  # -0.0 is not 0.0
    return value
