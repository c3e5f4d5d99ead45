"""What is computed from constants and static shapes alone becomes a constant.

before                              after
  %s = Shape(%x) : int32[2]           %s = Const() {value=tensor<int32[2]>[4, 3]} : int32[2]
  (%x: float32[4,3])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..constants import constant_value
from ..effects import is_pure
from ..environment import Environment, Limits
from ..ir import Function, Node, Value
from ..shapes import is_static, known_size
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]

_LARGEST = (
    1 << 20
)  # bytes of a result: more is computed when it runs, and then kept if it derives from variables
_FOLDING = Environment(limits=Limits(max_bytes=_LARGEST))
_SHAPES = frozenset({"Shape", "Size", "Rank", "ShapeN"})
_FILLED = {"ZerosLike": 0, "OnesLike": 1}


def run(function: Function, env: Environment) -> bool:
    """Fold constants, in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= rewrite(one, _visit)
    return changed


def _visit(node: Node, builder: Builder) -> list[Value] | None:
    if node.op.name == "Const" or not node.outputs or not is_pure(node):
        return None
    arrays = _arrays(node)
    if arrays is None:
        return None
    return [builder.constant(a, node, v.dtype) for a, v in zip(arrays, node.outputs, strict=True)]


def _arrays(node: Node) -> list[Any] | None:
    """The node's results, where they are known."""
    if node.op.name in _SHAPES:
        if node.op.name != "ShapeN":
            known = constant_value(node.outputs[0])
            return None if known is None else [known]
        if not all(is_static(v.shape) for v in node.inputs):
            return None
        dtype = node.site()["out_type"].np
        return [np.array(v.shape, dtype) for v in node.inputs]
    if node.op.name in _FILLED and is_static(node.inputs[0].shape):
        return _filled(node)
    if not node.inputs or any(v.node.op.name != "Const" for v in node.inputs):
        return None
    if any(not v.dtype.is_numpy_compatible for v in node.outputs):
        return None
    sizes = [known_size(v.shape) for v in node.outputs]
    if any(
        n is not None and n * (v.dtype.size or 64) > _LARGEST
        for n, v in zip(sizes, node.outputs, strict=True)
    ):
        return None
    try:
        with np.errstate(all="ignore"):
            out = node.op.bind(node.site(_FOLDING))(*[v.node.attrs["value"] for v in node.inputs])
    except Exception:  # what fails says so when it runs
        return None
    found = [out] if node.op.signature.single else list(out)
    if sum(np.asarray(a).nbytes for a in found) > _LARGEST:
        return None
    return found


def _filled(node: Node) -> list[Any] | None:
    """The result of an op that fills what is as large as its input."""
    out = node.outputs[0]
    size = known_size(node.inputs[0].shape)
    if out.dtype.kind not in "fiucb" or size is None or size * out.dtype.size > _LARGEST:
        return None
    return [np.full(node.inputs[0].shape, _FILLED[node.op.name], out.dtype.np)]
