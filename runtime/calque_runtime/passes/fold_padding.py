"""Padding with zeros joins the convolution or pooling that reads it, which pads as it goes.

before                                              after
  %p = Pad(%x, [[0, 0], [0, 1], [0, 1], [0, 0]])      %y = Conv2D(%x, %w) {padding="EXPLICIT",
  %y = Conv2D(%p, %w) {padding="VALID"}                                    explicit_paddings=[0, 0, 0, 1, ...]}

MaxPool's padding counts nothing, so a maximum takes zeros in only where all else is zero or more, behind Relu.
"""

from __future__ import annotations

import numpy as np

from ..environment import Environment
from ..ir import Function, Node, Value
from ..shapes import is_static
from .drop_dead import run as drop_dead
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]

_PADS = frozenset({"Pad", "PadV2"})
_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
_NOT_NEGATIVE = frozenset({"Relu", "Relu6", "Sigmoid", "Softmax", "Softplus", "Abs", "Exp"})


def run(function: Function, env: Environment) -> bool:
    """Fold in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        if rewrite(one, _visit):
            changed = True
            drop_dead(one, Environment())
    return changed


def _visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
    if node.op.name not in _CONVOLUTIONS and node.op.name != "MaxPool":
        return None
    pad = node.inputs[0].node
    padding = node.site()["padding"]
    if pad.op.name not in _PADS or padding == b"SAME" or not is_static(node.outputs[0].shape):
        return None
    pairs = _pairs(pad)
    if pairs is None or len(pairs) != 4:
        return None
    first = node.site()["data_format"] == b"NCHW"
    if not first and node.site()["data_format"] != b"NHWC":
        return None
    spatial = (2, 3) if first else (1, 2)
    if any(pair != (0, 0) for axis, pair in enumerate(pairs) if axis not in spatial):
        return None
    if node.op.name == "MaxPool":
        sizes = node.site()["ksize"]
        # Then each window has an element of the image, which no zero beside it exceeds.
        if padding != b"VALID" or any(max(pairs[axis]) >= sizes[axis] for axis in spatial):
            return None
        if pad.inputs[0].node.op.name not in _NOT_NEGATIVE:
            return None
    flat = [n for pair in pairs for n in pair]
    if padding == b"EXPLICIT":
        flat = [a + b for a, b in zip(flat, node.site()["explicit_paddings"], strict=True)]
    attrs = {k: v for k, v in node.attrs.items() if k in node.op.signature.attrs}
    attrs |= {"padding": b"EXPLICIT", "explicit_paddings": tuple(flat)}
    return builder.add(node.op, [pad.inputs[0], *node.inputs[1:]], node, attrs)


def _pairs(pad: Node) -> list[tuple[int, int]] | None:
    """(before, after) for each axis, where they are known, and the padding is zeros."""
    known = [v.node.attrs["value"] if v.node.op.name == "Const" else None for v in pad.inputs[1:]]
    if known[0] is None or (
        pad.op.name == "PadV2" and (known[1] is None or np.any(np.asarray(known[1]) != 0))
    ):
        return None
    pairs = np.asarray(known[0])
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs < 0).any():
        return None
    return [(int(a), int(b)) for a, b in pairs]
