"""Several ops in one node: TensorFlow's own fused ops, and the groups that passes make, which no file has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..backend import Part
from ..errors import UnimplementedError
from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape, fixed, is_static
from .common import same_shape
from .linalg import matmul

__all__ = ["with_epilogue"]


@op(
    "_Group(input: list(Tin)) -> (output: list(Tout)) | Tin: list(type) >=0; Tout: list(type) >=1; body: func"
)
def group(s: Site) -> Kernel:
    """The function `body` of elementwise ops and row reductions, tile by tile, or by a backend."""
    body = s["body"].function
    if not all(is_static(v.shape) for node in body.nodes for v in node.outputs):
        return _by_numpy(s)

    def make() -> Kernel:
        from ..kernels.tiles import tiled

        return tiled(body)

    for backend in reversed(() if s.env is None else s.env.backends):
        make = partial(_declining, backend.compile_group, s, (), make)
    return make()


@op(
    "_Part(input: list(Tin)) -> (output: list(Tout)) | Tin: list(type) >=0; Tout: list(type) >=1; body: func; "
    "backend: string; weights: list(int)=[]"
)
def part(s: Site) -> Kernel:
    """The function `body`, by the backend of that name (`calque_runtime.backend`), or by numpy where it declines."""
    name = s["backend"].decode()
    for backend in () if s.env is None else s.env.backends:
        if backend.name == name:
            return _declining(backend.compile, s, s["weights"], partial(_declined, s))
    return _declined(s)


@op("_Gelu(x: T) -> (y: T) | T: type in floats")
def gelu(s: Site) -> Kernel:
    """x times the normal distribution's cumulative function: x erfc(-x / sqrt(2)) / 2."""
    from .special import erfc

    run, dtype = erfc.bind(Site(erfc, {"T": s.dtypes[0]}, s.dtypes)), s.dtypes[0].np
    half, root = np.array(0.5, dtype), np.array(-math.sqrt(0.5), dtype)
    return lambda x: half * x * run(x * root)


gelu.shape_rule = same_shape


@op("_LayerNorm(x: T, scale: T, offset: T) -> (y: T) | T: type in float double; epsilon: float")
def layer_norm(s: Site) -> Kernel:
    """Rows of mean 0 and variance 1, times `scale`, plus `offset`; `epsilon` is added to the variance."""
    epsilon = np.array(s["epsilon"], s.dtypes[0].np)

    def run(x: Array, scale: Array, offset: Array) -> Any:
        centered = x - x.mean(-1, keepdims=True)
        variance = np.square(centered).mean(-1, keepdims=True)
        return centered * (1 / np.sqrt(variance + epsilon)) * scale + offset

    return run


layer_norm.shape_rule = same_shape


def _body_shapes(s: Site) -> list[Shape]:
    return [v.shape for v in s["body"].function.outputs]


group.shape_rule = _body_shapes
part.shape_rule = _body_shapes


def _by_numpy(s: Site) -> Kernel:
    from ..plan.bound import compile_ordered

    if s.env is None:
        raise s.error("runs a function, which needs an environment to run in")
    return compile_ordered(s["body"].function, {}, s.env)


def _declined(s: Site) -> Kernel:
    """The node's function as the passes after `offer_parts` leave it, which parts of backends are kept from."""
    from .. import passes
    from ..clone import clone_function
    from ..plan.bound import compile_ordered

    if s.env is None:
        return _by_numpy(s)
    body = clone_function(s["body"].function, s["body"].function.name)
    passes.optimize(body, s.env, names=passes.PIPELINE[passes.PIPELINE.index("offer_parts") + 1 :])
    return compile_ordered(body, {}, s.env)


def _declining(
    compile_part: Callable[[Part], Kernel | None],
    s: Site,
    weights: Sequence[int],
    instead: Callable[[], Kernel],
) -> Kernel:
    """What a backend makes of the node's function; what `instead` makes from when it declines."""
    try:
        run = compile_part(Part(s["body"].function, weights, s.env))  # type: ignore[arg-type]
    except UnimplementedError:
        run = None
    if run is None:
        return instead()
    chosen: Kernel = run

    def either(*arrays: Array) -> Any:
        nonlocal chosen
        tried = chosen
        try:
            return tried(*arrays)
        except UnimplementedError:
            if tried is not run:
                raise
            chosen = instead()
            return chosen(*arrays)

    return either


def with_epilogue(declaration: str, base: Op, fast: Callable[[Site, Any], Kernel], doc: str) -> Op:
    """`base` with an epilogue, to be registered; `fast` gives the kernel where shapes are known."""

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

    one = Op(declaration, kernel, doc)
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


fused_matmul: Op = register(
    with_epilogue(
        "_FusedMatMul(a: T, b: T, args: num_args*T) -> (product: T) | "
        "transpose_a: bool=false; transpose_b: bool=false; T: type in [bfloat16, half, float]; "
        "num_args: int >=0; fused_ops: list(string)=[]; "
        "epsilon: float=9.999999747378752e-05; leakyrelu_alpha: float=0.20000000298023224",
        matmul,
        _product,
        "The product of two matrices, then what `fused_ops` names: BiasAdd, Add, an activation.",
    )
)


@op("_Columns(w: T) -> (output: T) | columns: int; transpose: bool=false; T: type in [float, double]")
def columns_of(s: Site) -> Kernel:
    """A matrix, transposed if asked for, with columns of zeros behind its own; each column is contiguous."""
    columns, transpose = s["columns"], s["transpose"]

    def run(w: Array) -> Array:
        rows = w if transpose else w.T
        whole = np.zeros((columns, rows.shape[1]), w.dtype)
        whole[: len(rows)] = rows
        return whole.T

    return run


@columns_of.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    return [(None if known is None else known[s["transpose"]], s["columns"])]


@op("_RowProduct(x: T, w: T) -> (product: T) | columns: int; T: type in [float, double]")
def row_product(s: Site) -> Kernel:
    """The product of a row [1, n] and the first `columns` columns of a matrix, as `_Columns` lays it out."""
    from ..kernels.products import row_product as kernel

    return kernel(s["columns"])


row_product.shape_rule = lambda s: [(1, s["columns"])]
