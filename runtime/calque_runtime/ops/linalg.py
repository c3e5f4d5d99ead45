"""Products of matrices, and of vectors in space."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import DType, as_dtype
from ..errors import FailedPreconditionError, InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, op
from ..shapes import Shape, broadcast, fixed, format_shape, is_static, merge
from .common import conjugate, in_float32, sum_to

__all__: list[str] = []


def _product(dtype: DType) -> Callable[[Array, Array], Any]:
    """np.matmul, for 16-bit floats in float32."""
    if dtype.is_floating and dtype.size == 2:
        return in_float32(np.matmul, dtype.np)
    return np.matmul


def _large_product() -> Callable[[Array, Array], Any]:
    from ..kernels.products import multiply

    return multiply


def _is_large(s: Site, transpose_a: bool, transpose_b: bool) -> bool:
    """Are shapes known, and is there work for several threads?"""
    from ..kernels.products import LARGE

    x, y = s.shapes
    if x is None or y is None or not is_static(x) or not is_static(y):
        return False
    columns = y[-2] if transpose_b else y[-1]
    stacks = max(fixed(x[:-2]), fixed(y[:-2]), key=math.prod)
    return math.prod(stacks) * math.prod(fixed(x[-2:])) * (columns or 0) >= LARGE


def _transposed(x: Array) -> Array:
    return x.swapaxes(-1, -2)


def _adjoint(x: Array) -> Array:
    return np.conjugate(x.swapaxes(-1, -2)) if x.dtype.kind == "c" else x.swapaxes(-1, -2)


# --- two matrices


def _check_matrices(a: Shape, b: Shape, transpose_a: bool, transpose_b: bool) -> list[Shape]:
    """The shape of the product.

    Raises:
        InvalidArgumentError: one is no matrix, or their sizes do not fit.
    """
    for i, shape in enumerate((a, b)):
        if shape is not None and len(shape) != 2:
            too = "<=" if len(shape) > 2 else ">="
            raise InvalidArgumentError(None, None, f"In[{i}] ndims must be {too} 2: {len(shape)}")
    rows, inner_a = (None, None) if a is None else (a[1], a[0]) if transpose_a else (a[0], a[1])
    inner_b, columns = (None, None) if b is None else (b[1], b[0]) if transpose_b else (b[0], b[1])
    if inner_a is not None and inner_b is not None and inner_a != inner_b:
        raise InvalidArgumentError(
            None, None, f"Matrix size-incompatible: In[0]: {format_shape(a)}, In[1]: {format_shape(b)}"
        )
    return [(rows, columns)]


@op(
    "MatMul(a: T, b: T) -> (product: T) | transpose_a: bool=false; transpose_b: bool=false; "
    "T: type in floatcomplex int32 int64 uint8 uint16 uint32 uint64; grad_a: bool=false; grad_b: bool=false"
)
def matmul(s: Site) -> Kernel:
    """The product of the matrices a and b, each transposed first if asked for."""
    ta, tb = s["transpose_a"], s["transpose_b"]
    multiply = _product(s.dtypes[0])

    def checked(a: Array, b: Array) -> Any:
        if a.ndim != 2 or b.ndim != 2:  # np.matmul takes vectors and stacks of matrices too
            _check_matrices(a.shape, b.shape, ta, tb)
        return multiply(a.T if ta else a, b.T if tb else b)

    if any(x is None or len(x) != 2 for x in s.shapes):
        return checked
    if multiply is np.matmul and s.dtypes[0].name in ("float32", "float64"):
        # np.dot is the same product of matrices, with less to find out first.
        multiply = _large_product() if _is_large(s, ta, tb) else np.dot
    if ta or tb:
        return lambda a, b: multiply(a.T if ta else a, b.T if tb else b)
    return multiply


@matmul.shape
def _(s: Site) -> list[Shape]:
    return _check_matrices(s.shapes[0], s.shapes[1], s["transpose_a"], s["transpose_b"])


def _matmul_grad(c: Call, g: Any) -> list[Any]:
    a, b = (conjugate(x) for x in c.inputs)
    ta, tb = c["transpose_a"], c["transpose_b"]
    ga = matmul(b, g, transpose_a=tb, transpose_b=True) if ta else matmul(g, b, transpose_b=not tb)
    gb = matmul(g, a, transpose_a=True, transpose_b=ta) if tb else matmul(a, g, transpose_a=not ta)
    return [ga, gb]


matmul.gradient = _matmul_grad


@op(
    "SparseMatMul(a: Ta, b: Tb) -> (product: float) | transpose_a: bool=false; transpose_b: bool=false; "
    "a_is_sparse: bool=false; b_is_sparse: bool=false; "
    "Ta: type=float in [float, bfloat16]; Tb: type=float in [float, bfloat16]"
)
def sparse_matmul(s: Site) -> Kernel:
    """`MatMul` in float32 of matrices of which one holds many zeros; the hints change nothing here."""
    ta, tb = s["transpose_a"], s["transpose_b"]

    def run(a: Array, b: Array) -> Any:
        _check_matrices(a.shape, b.shape, ta, tb)
        a, b = (x.astype(np.float32, copy=False) for x in (a, b))
        return np.matmul(a.T if ta else a, b.T if tb else b)

    return run


sparse_matmul.shape_rule = matmul.shape_rule


@sparse_matmul.grad
def _(c: Call, g: Any) -> list[Any]:
    from .cast import cast

    wide = Call(matmul, [cast(x, DstT="float32") for x in c.inputs], c.outputs, c.attrs)
    return [cast(d, DstT=as_dtype(x.dtype)) for d, x in zip(_matmul_grad(wide, g), c.inputs, strict=True)]


# --- stacks of matrices


def _check_stacks(s: Site, x: Shape, y: Shape, broadcasts: bool) -> list[Shape]:
    """The shape of the stack of products.

    Raises:
        InvalidArgumentError: an input is not at least a matrix, or sizes do not fit.
    """
    for i, shape in enumerate((x, y)):
        if shape is not None and len(shape) < 2:
            raise s.error(f"In[{i}] ndims must be >= 2: {len(shape)}")
    if x is not None and y is not None:
        if not broadcasts and len(x) != len(y):
            raise s.error(f"In[0] and In[1] has different ndims: {format_shape(x)} vs. {format_shape(y)}")
        inner = x[-2] if s["adj_x"] else x[-1], y[-1] if s["adj_y"] else y[-2]
        if None not in inner and inner[0] != inner[1]:
            raise s.error(f"Matrix size-incompatible: In[0]: {format_shape(x)}, In[1]: {format_shape(y)}")
    if x is None or y is None:
        return [None]
    try:
        batch = broadcast(x[:-2], y[:-2]) if broadcasts else merge(x[:-2], y[:-2])
    except InvalidArgumentError:
        raise s.error(
            f"In[0] and In[1] must have compatible batch dimensions: {format_shape(x)} vs. {format_shape(y)}"
        ) from None
    return [(*(batch or ()), x[-1] if s["adj_x"] else x[-2], y[-2] if s["adj_y"] else y[-1])]


def _batch_kernel(broadcasts: bool) -> Callable[[Site], Kernel]:
    def bind(s: Site) -> Kernel:
        adj_x, adj_y = s["adj_x"], s["adj_y"]
        multiply = _batch_product(s)
        if (
            multiply is np.matmul
            and s.dtypes[0].name in ("float32", "float64")
            and _is_large(s, adj_x, adj_y)
        ):
            multiply = _large_product()

        def direct(x: Array, y: Array) -> Any:
            return multiply(_adjoint(x) if adj_x else x, _adjoint(y) if adj_y else y)

        def checked(x: Array, y: Array) -> Any:
            if x.ndim < 2 or y.ndim < 2 or (not broadcasts and x.shape[:-2] != y.shape[:-2]):
                _check_stacks(s, x.shape, y.shape, broadcasts)
            return direct(x, y)

        if any(x is None or len(x) < 2 for x in s.shapes) or not broadcasts:
            return checked
        return direct if adj_x or adj_y else multiply

    return bind


def _batch_product(s: Site) -> Callable[[Array, Array], Any]:
    out = s.out_dtypes[0]
    if all(d is out for d in s.dtypes):
        return _product(out)
    wide = np.dtype(np.float32) if out.is_floating and out.size == 2 else out.np
    return lambda x, y: np.matmul(x.astype(wide), y.astype(wide)).astype(out.np, copy=False)


def _batch_op(declaration: str, broadcasts: bool, doc: str) -> Op:
    one = op(f"{declaration}; adj_x: bool=false; adj_y: bool=false; grad_x: bool=false; grad_y: bool=false")(
        _batch_kernel(broadcasts)
    )
    one.__doc__ = doc
    one.shape_rule = lambda s: _check_stacks(s, s.shapes[0], s.shapes[1], broadcasts)
    return one


_MIXED = "[bfloat16, half, float, double, uint8, int8, int16, int32, int64, complex64, complex128]"
batch_matmul = _batch_op(
    "BatchMatMul(x: T, y: T) -> (output: T) | T: type in floatcomplex int32 int64",
    False,
    "The products of the matrices in the last two axes of x and y, whose other axes are the same.",
)
batch_matmul_v2 = _batch_op(
    "BatchMatMulV2(x: T, y: T) -> (output: T) | T: type in floatcomplex int16 int32 int64 uint8 uint16 uint32 uint64",
    True,
    "The products of the matrices in the last two axes of x and y, whose other axes broadcast.",
)
batch_matmul_v3 = _batch_op(
    f"BatchMatMulV3(x: Ta, y: Tb) -> (output: Tout) | Ta: type in {_MIXED}; Tb: type in {_MIXED}; "
    "Tout: type in [bfloat16, half, float, double, int16, int32, int64, complex64, complex128]",
    True,
    "`BatchMatMulV2` of inputs of different types, computed in the type of the result.",
)


def _batch_gradients(c: Call, g: Any, multiply: Callable[..., Any]) -> list[Any]:
    """Gradients before the sum over broadcast axes; `multiply` is the op itself with its types."""
    x, y = c.inputs
    adj_x, adj_y = c["adj_x"], c["adj_y"]
    gx = multiply(y, g, adj_x=adj_y, adj_y=True) if adj_x else multiply(g, y, adj_y=not adj_y)
    gy = multiply(g, x, adj_x=True, adj_y=adj_x) if adj_y else multiply(x, g, adj_x=not adj_x)
    return [gx, gy]


@batch_matmul.grad
def _(c: Call, g: Any) -> list[Any]:
    return _batch_gradients(c, g, batch_matmul)


@batch_matmul_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    return [sum_to(d, x) for d, x in zip(_batch_gradients(c, g, batch_matmul_v2), c.inputs, strict=True)]


@batch_matmul_v3.grad
def _(c: Call, g: Any) -> list[Any]:
    from .cast import cast

    def multiply(a: Any, b: Any, **attrs: Any) -> Any:
        return batch_matmul_v3(a, b, Tout=as_dtype(g.dtype), **attrs)

    both = _batch_gradients(c, g, multiply)
    return [sum_to(cast(d, DstT=as_dtype(x.dtype)), x) for d, x in zip(both, c.inputs, strict=True)]


# --- vectors in space


@op("Cross(a: T, b: T) -> (product: T) | T: type in real")
def cross(s: Site) -> Kernel:
    """The cross products of the vectors of three elements along the last axis."""

    def run(a: Array, b: Array) -> Any:
        _check_cross(s, a.shape, b.shape)
        a0, a1, a2 = (a[..., i] for i in range(3))
        b0, b1, b2 = (b[..., i] for i in range(3))
        return np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1)

    return run


def _check_cross(s: Site, a: Shape, b: Shape) -> Shape:
    shape = merge(a, b)
    if shape is not None and not shape:
        raise s.error("inputs must be at least 1-D")
    if shape is not None and shape[-1] not in (3, None):
        raise s.error("Cross-products are only defined for 3-element vectors.", FailedPreconditionError)
    return shape


@cross.shape
def _(s: Site) -> list[Shape]:
    return [_check_cross(s, *s.shapes)]


@cross.grad
def _(c: Call, g: Any) -> list[Any]:
    a, b = c.inputs
    return [cross(b, g), cross(g, a)]
