"""Inverses, determinants, linear systems and decompositions of matrices, by numpy's LAPACK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Site, op
from ..shapes import Shape, broadcast, format_shape
from .common import conjugate, in_float32, no_nones, sum_to

__all__: list[str] = []

_TYPES = "[double, float, half, complex64, complex128]"


def _adjoint(x: Array) -> Array:
    return np.conjugate(x.swapaxes(-1, -2)) if x.dtype.kind == "c" else x.swapaxes(-1, -2)


def _times(a: Any, b: Any, **flags: Any) -> Any:
    from .linalg import batch_matmul_v2

    return batch_matmul_v2(a, b, **flags)


def _flipped(x: Any) -> Any:
    """The conjugate transpose, in a gradient rule."""
    from .einsum import einsum

    return conjugate(einsum([x], equation="...ij->...ji"))


def _check(s: Site, known: Shape, square: bool = True) -> Shape:
    """The shape of a stack of matrices.

    Raises:
        InvalidArgumentError: it is none, or they are not square.
    """
    if known is None:
        return None
    if len(known) < 2:
        raise s.error(f"Input tensor must have rank >= 2, but has shape {format_shape(known)}")
    if square and None not in known[-2:] and known[-1] != known[-2]:
        raise s.error(f"Input matrix must be square, but has shape {format_shape(known)}")
    return known


def _kernel(s: Site, run: Callable[..., Any]) -> Kernel:
    """`run` on square matrices; 16-bit floats go through float32."""
    dtype = s.dtypes[0]
    inner = in_float32(run, dtype.np) if dtype.is_floating and dtype.size == 2 else run

    def checked(x: Array, *rest: Array) -> Any:
        _check(s, x.shape)
        return inner(x, *rest)

    return checked


# --- inverse and determinant


@op(f"MatrixInverse(input: T) -> (output: T) | adjoint: bool=false; T: type in {_TYPES}")
def matrix_inverse(s: Site) -> Kernel:
    """The inverse of each matrix, or of its conjugate transpose."""
    adjoint = s["adjoint"]

    def run(x: Array) -> Any:
        try:
            return np.linalg.inv(_adjoint(x) if adjoint else x)
        except np.linalg.LinAlgError:
            raise s.error("Input is not invertible.") from None

    return _kernel(s, run)


matrix_inverse.shape_rule = lambda s: [_check(s, s.shapes[0])]


@matrix_inverse.grad
def _(c: Call, g: Any) -> list[Any]:
    y = c.outputs[0]
    if c["adjoint"]:
        return [-_times(y, _times(g, y, adj_x=True))]
    return [-_times(y, _times(g, y, adj_y=True), adj_x=True)]


@op("MatrixDeterminant(input: T) -> (output: T) | T: type in [half, float, double, complex64, complex128]")
def matrix_determinant(s: Site) -> Kernel:
    """The determinant of each matrix."""
    return _kernel(s, lambda x: np.asarray(np.linalg.det(x), x.dtype))


@matrix_determinant.shape
def _(s: Site) -> list[Shape]:
    known = _check(s, s.shapes[0])
    return [None if known is None else known[:-2]]


def _as_matrices(x: Any) -> Any:
    """A number for each matrix as a stack of matrices of one element."""
    from .array import expand_dims

    return expand_dims(expand_dims(x, -1), -1)


@matrix_determinant.grad
def _(c: Call, g: Any) -> list[Any]:
    inverse = matrix_inverse(c.inputs[0], adjoint=True)
    return [_as_matrices(g * conjugate(c.outputs[0])) * inverse]


@op(
    "LogMatrixDeterminant(input: T) -> (sign: T, log_abs_determinant: T) | "
    "T: type in [half, float, double, complex64, complex128]"
)
def log_matrix_determinant(s: Site) -> Kernel:
    """The sign of each matrix's determinant, and the logarithm of its absolute value."""
    dtype = s.dtypes[0].np

    def run(x: Array) -> list[Array]:
        _check(s, x.shape)
        sign, log = np.linalg.slogdet(x.astype(np.float32) if dtype == np.float16 else x)
        return [np.asarray(sign, dtype), np.asarray(log, dtype)]

    return run


@log_matrix_determinant.shape
def _(s: Site) -> list[Shape]:
    known = _check(s, s.shapes[0])
    shape = None if known is None else known[:-2]
    return [shape, shape]


@log_matrix_determinant.grad
def _(c: Call, _: Any, g: Any) -> list[Any]:
    return [None if g is None else _as_matrices(g) * matrix_inverse(c.inputs[0], adjoint=True)]


# --- linear systems


def _system_shape(s: Site) -> list[Shape]:
    a, b = _check(s, s.shapes[0]), _check(s, s.shapes[1], square=False)
    if a is None or b is None:
        return [None]
    if a[-1] != b[-2] and None not in (a[-1], b[-2]):
        raise s.error(f"Input matrix and rhs are incompatible: {format_shape(a)}, {format_shape(b)}")
    return [(*(broadcast(a[:-2], b[:-2]) or ()), a[-1], b[-1])]


@op(f"MatrixSolve(matrix: T, rhs: T) -> (output: T) | adjoint: bool=false; T: type in {_TYPES}")
def matrix_solve(s: Site) -> Kernel:
    """What the matrix (or its conjugate transpose) must be multiplied with to give `rhs`."""
    adjoint = s["adjoint"]

    def run(a: Array, b: Array) -> Any:
        if a.ndim != b.ndim:
            raise s.error("All input tensors must have the same rank.")
        try:
            return np.linalg.solve(_adjoint(a) if adjoint else a, b)
        except np.linalg.LinAlgError:
            raise s.error("Input matrix is not invertible.") from None

    return _kernel(s, run)


matrix_solve.shape_rule = _system_shape


@matrix_solve.grad
def _(c: Call, g: Any) -> list[Any]:
    gb = matrix_solve(c.inputs[0], g, adjoint=not c["adjoint"])
    y = c.outputs[0]
    return [-_times(y, gb, adj_y=True) if c["adjoint"] else -_times(gb, y, adj_y=True), gb]


@op(
    "MatrixTriangularSolve(matrix: T, rhs: T) -> (output: T) | lower: bool=true; adjoint: bool=false; "
    "T: type in [bfloat16, double, float, half, complex64, complex128]"
)
def matrix_triangular_solve(s: Site) -> Kernel:
    """`MatrixSolve` for triangular matrices, of which only that triangle is read; stacks broadcast."""
    lower, adjoint = s["lower"], s["adjoint"]

    def run(a: Array, b: Array) -> Any:
        _check(s, b.shape, square=False)
        if a.shape[-1] != b.shape[-2]:
            _system_shape(Site(s.op, s.attrs, s.dtypes, [a.shape, b.shape], name=s.name))
        a = _adjoint(a) if adjoint else a
        n = a.shape[-1]
        x = np.array(np.broadcast_to(b, (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), n, b.shape[-1])))
        # Substitution row by row; a zero on the diagonal gives infinities and NaN, as it does in TensorFlow.
        forward = lower != adjoint
        for i in range(n) if forward else range(n - 1, -1, -1):
            known = slice(0, i) if forward else slice(i + 1, n)
            row = x[..., i : i + 1, :] - np.matmul(a[..., i : i + 1, known], x[..., known, :])
            x[..., i : i + 1, :] = row / a[..., i : i + 1, i : i + 1]
        return x

    return _kernel(s, run)


matrix_triangular_solve.shape_rule = _system_shape


def _triangle(x: Any, lower: bool) -> Any:
    from .diagonal import matrix_band_part

    below, above = (-1, 0) if lower else (0, -1)
    return matrix_band_part(x, np.int64(below), np.int64(above))


@matrix_triangular_solve.grad
def _(c: Call, g: Any) -> list[Any]:
    a, b = c.inputs
    gb = matrix_triangular_solve(a, g, lower=c["lower"], adjoint=not c["adjoint"])
    y = c.outputs[0]
    ga = -_times(y, gb, adj_y=True) if c["adjoint"] else -_times(gb, y, adj_y=True)
    return [sum_to(_triangle(ga, c["lower"]), a), sum_to(gb, b)]


# --- decompositions


@op(f"Cholesky(input: T) -> (output: T) | T: type in {_TYPES}")
def cholesky(s: Site) -> Kernel:
    """The lower triangular L with L L* = input, of which the lower triangle is read.

    NaN where a matrix is not positive definite, as TensorFlow 2.21 gives on a CPU.
    """

    def one(x: Array) -> Array:
        try:
            return np.linalg.cholesky(x)
        except np.linalg.LinAlgError:
            return np.tril(np.full(x.shape, np.nan, x.dtype))

    def run(x: Array) -> Any:
        try:
            return np.linalg.cholesky(x)
        except np.linalg.LinAlgError:
            stack = x.reshape(-1, *x.shape[-2:])
            return np.stack([one(m) for m in stack]).reshape(x.shape)

    return _kernel(s, run)


cholesky.shape_rule = matrix_inverse.shape_rule


@cholesky.grad
def _(c: Call, g: Any) -> list[Any]:
    # I. Murray, "Differentiation of the Cholesky decomposition", 2016, equation 10.
    from .diagonal import matrix_diag_part, matrix_set_diag

    y = c.outputs[0]
    middle = _times(y, g, adj_x=True)
    middle = _triangle(matrix_set_diag(middle, matrix_diag_part(middle) * 0.5), lower=True)
    right = matrix_triangular_solve(y, _flipped(middle), adjoint=True)  # L^-* M*
    whole = matrix_triangular_solve(y, _flipped(right), adjoint=True)  # L^-* M L^-1
    return [(whole + _flipped(whole)) * 0.5]


@op(f"Qr(input: T) -> (q: T, r: T) | full_matrices: bool=false; T: type in {_TYPES}")
def qr(s: Site) -> Kernel:
    """Orthonormal columns q and an upper triangular r with q r = input."""
    mode: Any = "complete" if s["full_matrices"] else "reduced"
    dtype = s.dtypes[0].np

    def run(x: Array) -> list[Array]:
        _check(s, x.shape, square=False)
        q, r = np.linalg.qr(x.astype(np.float32) if dtype == np.float16 else x, mode=mode)
        return [q.astype(dtype, copy=False), r.astype(dtype, copy=False)]

    return run


@qr.shape
def _(s: Site) -> list[Shape]:
    known = _check(s, s.shapes[0], square=False)
    if known is None:
        return [None, None]
    *batch, rows, columns = known
    least = None if rows is None or columns is None else min(rows, columns)
    inner = rows if s["full_matrices"] else least
    return [(*batch, rows, inner), (*batch, inner, columns)]


@qr.grad
def _(c: Call, gq: Any, gr: Any) -> list[Any]:
    from .common import static_rank
    from .diagonal import matrix_diag_part, matrix_set_diag

    (q, r), x = c.outputs, c.inputs[0]
    rows, columns = (None, None) if static_rank(x) is None else tuple(x.shape)[-2:]
    if (c["full_matrices"] and rows != columns) or rows is None or columns is None or rows < columns:
        raise Site(c.op, c.attrs, []).unsupported(
            "the gradient of a QR decomposition needs matrices of known size with no more columns than rows"
        )
    gq, gr = no_nones([gq, gr], [q, r])

    def solved(y: Any) -> Any:
        """y R^-*"""
        return _flipped(matrix_triangular_solve(r, _flipped(y), lower=False))

    qdq = _times(q, gq, adj_x=True)
    rdr = _times(r, gr, adj_y=True)
    outer = qdq - _flipped(qdq)
    inner = rdr - _flipped(rdr)
    lower = _triangle(outer + inner, lower=True)
    lower = matrix_set_diag(lower, matrix_diag_part(lower) * 0.0)
    return [_times(q, gr + solved(lower)) + solved(gq - _times(q, qdq))]


@op(
    f"Svd(input: T) -> (s: T, u: T, v: T) | compute_uv: bool=true; full_matrices: bool=false; T: type in {_TYPES}"
)
def svd(s: Site) -> Kernel:
    """Singular values s from the largest down, and orthonormal columns u, v with u diag(s) v* = input."""
    with_vectors, full = s["compute_uv"], s["full_matrices"]
    dtype = s.dtypes[0].np

    def run(x: Array) -> list[Array]:
        _check(s, x.shape, square=False)
        x = x.astype(np.float32) if dtype == np.float16 else x
        if not with_vectors:
            empty = np.zeros((0,), dtype)
            return [np.linalg.svd(x, compute_uv=False).astype(dtype), empty, empty]
        u, values, vh = np.linalg.svd(x, full_matrices=full)
        return [values.astype(dtype), u.astype(dtype, copy=False), _adjoint(vh).astype(dtype, copy=False)]

    return run


@svd.shape
def _(s: Site) -> list[Shape]:
    known = _check(s, s.shapes[0], square=False)
    if known is None:
        return [None, None, None]
    *batch, rows, columns = known
    least = None if rows is None or columns is None else min(rows, columns)
    values = (*batch, least)
    if not s["compute_uv"]:
        return [values, (0,), (0,)]
    if s["full_matrices"]:
        return [values, (*batch, rows, rows), (*batch, columns, columns)]
    return [values, (*batch, rows, least), (*batch, columns, least)]


@svd.grad
def _(c: Call, gs: Any, gu: Any, gv: Any) -> list[Any]:
    from .array import expand_dims

    if c["compute_uv"] and not (gu is None and gv is None):
        raise Site(c.op, c.attrs, []).unsupported("the gradient through singular vectors is not supported")
    if gs is None:
        return [None]
    _, u, v = svd(c.inputs[0])
    return [_times(u * expand_dims(gs, -2), v, adj_y=True)]


@op(f"SelfAdjointEigV2(input: T) -> (e: T, v: T) | compute_v: bool=true; T: type in {_TYPES}")
def self_adjoint_eig(s: Site) -> Kernel:
    """Eigenvalues from the lowest up, and eigenvectors as columns, of self-adjoint matrices.

    Only the lower triangle is read.
    """
    with_vectors, dtype = s["compute_v"], s.dtypes[0].np

    def run(x: Array) -> list[Array]:
        _check(s, x.shape)
        x = x.astype(np.float32) if dtype == np.float16 else x
        if not with_vectors:
            return [np.linalg.eigvalsh(x).astype(dtype), np.zeros((0,), dtype)]
        values, vectors = np.linalg.eigh(x)
        return [values.astype(dtype), vectors.astype(dtype, copy=False)]

    return run


@self_adjoint_eig.shape
def _(s: Site) -> list[Shape]:
    known = _check(s, s.shapes[0])
    if known is None:
        return [None, None if s["compute_v"] else (0,)]
    return [known[:-1], known if s["compute_v"] else (0,)]


@self_adjoint_eig.grad
def _(c: Call, ge: Any, gv: Any) -> list[Any]:
    from .array import expand_dims
    from .diagonal import matrix_diag, matrix_diag_part, matrix_set_diag
    from .elementwise import div_no_nan

    e, v = c.outputs if c["compute_v"] else self_adjoint_eig(c.inputs[0])
    if not c["compute_v"]:
        gv = None
    if ge is None and gv is None:
        return [None]
    (ge,) = no_nones([ge], [e])
    middle = matrix_diag(ge)
    if gv is not None:
        gap = expand_dims(e, -2) - expand_dims(e, -1)
        middle = middle + div_no_nan(_times(v, gv, adj_x=True), gap)
    whole = _times(v, _times(middle, v, adj_y=True))
    # Only the lower triangle was read: it gets both triangles' share.
    both = _triangle(whole + _flipped(whole), lower=True)
    return [matrix_set_diag(both, matrix_diag_part(both) * 0.5)]
