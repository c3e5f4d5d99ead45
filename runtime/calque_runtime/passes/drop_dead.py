"""Nodes that nothing needs go.

before                              after
  %a = Exp(%x)                        %b = Neg(%x)
  %b = Neg(%x)                        return %b
  return %b
"""

from __future__ import annotations

from ..environment import Environment
from ..ir import Function
from .rewriting import nested

__all__ = ["run"]


def run(function: Function, env: Environment) -> bool:
    """Drop what no result and no effect needs, in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= _drop(one)
    return changed


def _drop(function: Function) -> bool:
    needed = set(function.control_outputs.values())
    needed.update(v.node for v in function.outputs)
    kept = []
    for node in reversed(function.nodes):
        if node in needed:
            kept.append(node)
            needed.update(v.node for v in node.inputs)
            needed.update(node.control)
    changed = len(kept) < len(function.nodes)
    if changed:
        function.nodes = kept[::-1]
    return changed
