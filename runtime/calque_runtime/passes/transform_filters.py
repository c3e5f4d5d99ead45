"""Convolutions with filters of 3 x 3 pixels that only change with a variable become Winograd's (`kernels.winograd`).

before                                              after
  %y = _FusedConv2D(%x, %w, %b)                       %u = _WinogradFilter(%w)
                                                      %y = _WinogradConv2D(%x, %u, %b)

The transformed filter derives from variables, and so is computed once (`plan.weights`).
"""

from __future__ import annotations

import math

from ..environment import Environment
from ..ir import Function, Node, Value
from ..plan.weights import derived
from ..shapes import fixed, is_static
from .rewriting import Builder, rewrite

__all__ = ["run"]

_CHANNELS = (
    64  # of both image and result, from which on it pays: the transformations take time for each channel
)
_TILES = (
    128  # of 2 x 2 pixels in all images, from which on it pays: the transformed filters are 16/9 as large
)
_CONVOLUTIONS = frozenset({"Conv2D", "_FusedConv2D"})
_KEPT = ("padding", "explicit_paddings", "num_args", "fused_ops", "leakyrelu_alpha")


def run(function: Function, env: Environment) -> bool:
    """Transform in `function`; what is inside its nodes has no weights of its own."""
    stable = {v for node in derived(function) for v in node.outputs}

    def visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
        if node.op.name not in _CONVOLUTIONS or not _pays(node):
            return None
        filters = node.inputs[1]
        if filters not in stable and filters.node.op.name != "Const":
            return None
        (u,) = builder.add("_WinogradFilter", [filters], node)
        attrs = {k: node.attrs[k] for k in _KEPT if k in node.attrs}
        attrs |= {"T": node.outputs[0].dtype, "num_args": len(node.inputs) - 2}
        return builder.add("_WinogradConv2D", [node.inputs[0], u, *node.inputs[2:]], node, attrs)

    return rewrite(function, visit)


def _pays(node: Node) -> bool:
    site = node.site()
    out = node.outputs[0]
    if out.dtype.name != "float32" or site["data_format"] != b"NHWC":
        return False
    if any(n != 1 for n in (*site["strides"], *site["dilations"])):
        return False
    x, w = node.inputs[0].shape, node.inputs[1].shape
    if not (is_static(x) and is_static(w) and is_static(out.shape)):
        return False
    fh, fw, channels, filters = fixed(w)
    batch, rows, columns, _ = fixed(out.shape)
    return (
        (fh, fw) == (3, 3)
        and fixed(x)[-1] == channels
        and min(channels, filters) >= _CHANNELS
        and math.prod((batch, -(-rows // 2), -(-columns // 2))) >= _TILES
    )
