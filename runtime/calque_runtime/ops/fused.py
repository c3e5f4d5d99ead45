"""Several ops in one node: TensorFlow's own fused ops, and the groups that passes make, which no file has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape, fixed, is_static
from .linalg import matmul

__all__ = ["with_epilogue"]


@op(
    "_Group(input: list(Tin)) -> (output: list(Tout)) | Tin: list(type) >=0; Tout: list(type) >=1; body: func"
)
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


def with_epilogue(declaration: str, base: Op, fast: Callable[[Site, Any], Kernel], doc: str) -> Op:
    """Declare `base` with an epilogue; `fast` gives the kernel where shapes are known."""

    def kernel(s: Site) -> Kernel:
        from ..kernels.epilogue import Epilogue

        epilogue = Epilogue(s["fused_ops"], s.dtypes[0].np, s["leakyrelu_alpha"])
        if not epilogue.known or len(s.dtypes) != 2 + epilogue.bias + epilogue.addend:
            raise s.unsupported(f"fused_ops {[name.decode() for name in s['fused_ops']]}")
        if "data_format" in s.op.signature.attrs and s["data_format"] != b"NHWC":
            raise s.unsupported(f"data_format {s['data_format'].decode()}")
        if s.dtypes[0].name == "float32" and all(is_static(shape) for shape in s.shapes):
            return fast(s, epilogue)
        run = base.bind(_base_site(s, base))

        def plain(x: Array, w: Array, *args: Array) -> Array:
            out = run(x, w).copy()
            epilogue.apply(out, *epilogue.split(args))
            return out

        return plain

    one = register(Op(declaration, kernel, doc))
    one.shape_rule = lambda s: base.infer_shapes(_base_site(s, base))
    return one


def _base_site(s: Site, base: Op) -> Site:
    attrs = {k: v for k, v in s.attrs.items() if k in base.signature.attrs}
    return Site(base, attrs, s.dtypes[:2], s.shapes[:2], None, s.name, s.env)


def _product(s: Site, epilogue: Any) -> Kernel:
    from ..kernels.products import product

    rows, columns = fixed(matmul.infer_shapes(_base_site(s, matmul))[0])
    inner = fixed(s.shapes[0])[0 if s["transpose_a"] else 1]
    return product(rows, inner, columns, s.dtypes[0].np, epilogue, s["transpose_a"], s["transpose_b"])


fused_matmul: Op = with_epilogue(
    "_FusedMatMul(a: T, b: T, args: num_args*T) -> (product: T) | transpose_a: bool=false; transpose_b: bool=false; "
    "T: type in [bfloat16, half, float]; num_args: int >=0; fused_ops: list(string)=[]; "
    "epsilon: float=9.999999747378752e-05; leakyrelu_alpha: float=0.20000000298023224",
    matmul,
    _product,
    "The product of two matrices, then what `fused_ops` names: BiasAdd, Add, an activation.",
)
