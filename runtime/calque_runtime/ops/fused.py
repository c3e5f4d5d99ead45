"""Ops that only passes make: several ops of a graph in one node. No file has them."""

from __future__ import annotations

from ..op import Kernel, Site, op
from ..shapes import Shape, is_static

__all__: list[str] = []


@op("_Group(input: list(Tin)) -> (output: list(Tout)) | Tin: list(type) >=0; Tout: list(type) >=1; body: func")
def group(s: Site) -> Kernel:
    """The function `body` of elementwise ops and row reductions, tile by tile."""
    body = s["body"].function
    if all(is_static(v.shape) for node in body.nodes for v in node.outputs):
        from ..kernels.tiles import tiled

        return tiled(body, s.shapes)
    return s.function("body")


@group.shape
def _(s: Site) -> list[Shape]:
    return [v.shape for v in s["body"].function.outputs]
