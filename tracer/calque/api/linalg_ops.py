"""`tf.linalg`."""

from __future__ import annotations

import re
from typing import Any

from .arguments import record, tensor
from .array_ops import eye, transpose
from .clip_ops import global_norm
from .math_ops import abs as abs_
from .math_ops import cast, log, matmul, real, tensordot
from .math_ops import pow as pow_
from .raw import raw
from .reduce_ops import l2_normalize, reduce_euclidean_norm, reduce_max, reduce_sum

__all__ = [
    "adjoint",
    "band_part",
    "cholesky",
    "cholesky_solve",
    "cross",
    "det",
    "diag",
    "diag_part",
    "eigh",
    "eigvalsh",
    "einsum",
    "eye",
    "global_norm",
    "inv",
    "l2_normalize",
    "logdet",
    "matmul",
    "matrix_rank",
    "matrix_transpose",
    "matvec",
    "norm",
    "normalize",
    "pinv",
    "qr",
    "set_diag",
    "slogdet",
    "solve",
    "svd",
    "tensor_diag",
    "tensor_diag_part",
    "tensordot",
    "trace",
    "triangular_solve",
]


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """Sums of products in Einstein's notation, ``tf.einsum("ij,jk->ik", a, b)``; without ``->`` as numpy has it."""
    name = kwargs.pop("name", None)
    kwargs.pop("optimize", None)
    if kwargs:
        raise TypeError(
            f"Invalid keyword arguments for einsum: {', '.join(kwargs)}. Valid keyword arguments: optimize, name."
        )
    text = equation.replace(" ", "")
    if "->" not in text:
        letters = sorted(c for c in set(re.sub(r"[.,]", "", text)) if text.count(c) == 1)
        text += "->" + ("..." if "..." in text else "") + "".join(letters)
    operands = [tensor(inputs[0])] if inputs else []
    operands += [tensor(x, hint=operands[0].dtype) for x in inputs[1:]]
    left, _, out = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        raise ValueError(f"Expected {len(parts)} inputs for '{equation}', got {len(operands)}.")
    # The op takes one or two operands: more are contracted from the left.
    while len(operands) > 2:
        rest = set("".join(parts[2:]) + out)
        keep = "".join(dict.fromkeys(c for c in parts[0] + parts[1] if c in rest and c != "."))
        if "..." in parts[0] + parts[1]:
            keep = "..." + keep
        operands[:2] = [raw("Einsum")(operands[:2], equation=f"{parts[0]},{parts[1]}->{keep}")]
        parts[:2] = [keep]
    return raw("Einsum")(operands, equation=f"{','.join(parts)}->{out}", name=name)


def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> Any:
    """The last two axes exchanged."""
    x = tensor(a)
    rank = x.shape.rank
    if rank is None:
        raise ValueError("matrix_transpose needs a tensor of known rank.")
    if rank < 2:
        raise ValueError(
            f"Argument `a` should be a (batch) matrix with rank >= 2. Received `a` = {x} with shape: {x.shape}"
        )
    order = list(range(rank))
    order[-2:] = order[-1], order[-2]
    return transpose(x, order, conjugate=conjugate, name=name)


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """The last two axes exchanged, and conjugated."""
    return matrix_transpose(matrix, name, conjugate=True)


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """A matrix (or batch) times a vector (or batch)."""
    from .array_ops import expand_dims, squeeze

    x = tensor(a)
    product = matmul(x, expand_dims(tensor(b, x.dtype), -1), transpose_a=transpose_a, adjoint_a=adjoint_a)
    return squeeze(product, axis=-1, name=name)


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """Zero outside of the band of `num_lower` diagonals below and `num_upper` above the main one (-1: all)."""
    low = tensor(num_lower)
    return raw("MatrixBandPart")(tensor(input), low, tensor(num_upper, low.dtype), name=name)


def diag(
    diagonal: Any,
    name: str | None = "diag",
    k: Any = 0,
    num_rows: int = -1,
    num_cols: int = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:
    """Matrices with the given diagonals."""
    d = tensor(diagonal)
    return raw("MatrixDiagV3")(
        d,
        tensor(k),
        tensor(num_rows),
        tensor(num_cols),
        tensor(padding_value, d.dtype),
        align=align,
        name=name,
    )


def diag_part(
    input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:
    """The diagonals of matrices."""
    x = tensor(input)
    return raw("MatrixDiagPartV3")(x, tensor(k), tensor(padding_value, x.dtype), align=align, name=name)


def set_diag(
    input: Any, diagonal: Any, name: str | None = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:
    """Matrices with their diagonals replaced."""
    x = tensor(input)
    return raw("MatrixSetDiagV3")(x, tensor(diagonal, x.dtype), tensor(k), align=align, name=name)


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """A tensor of twice the rank with `diagonal` on its diagonal."""
    return raw("Diag")(tensor(diagonal), name=name)


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """The diagonal of a tensor of even rank."""
    return raw("DiagPart")(tensor(input), name=name)


def trace(x: Any, name: str | None = None) -> Any:
    """The sum of the main diagonal."""
    return reduce_sum(diag_part(tensor(x)), -1, name=name)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The cross product of vectors of three elements."""
    x = tensor(a)
    return raw("Cross")(x, tensor(b, x.dtype), name=name)


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The inverse of square matrices."""
    return raw("MatrixInverse")(tensor(input), adjoint=adjoint, name=name)


def det(input: Any, name: str | None = None) -> Any:
    """The determinant of square matrices."""
    return raw("MatrixDeterminant")(tensor(input), name=name)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """x with ``matrix @ x == rhs``."""
    a = tensor(matrix)
    return raw("MatrixSolve")(a, tensor(rhs, a.dtype), adjoint=adjoint, name=name)


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Any:
    """x with ``matrix @ x == rhs`` for triangular matrices."""
    a = tensor(matrix)
    return raw("MatrixTriangularSolve")(a, tensor(rhs, a.dtype), lower=lower, adjoint=adjoint, name=name)


def cholesky(input: Any, name: str | None = None) -> Any:
    """The lower triangular L with ``L @ adjoint(L) == input``."""
    return raw("Cholesky")(tensor(input), name=name)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """An orthogonal and an upper triangular matrix whose product is `input`."""
    return tuple(raw("Qr")(tensor(input), full_matrices=full_matrices, name=name))


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Singular values, and with `compute_uv` the left and right singular vectors: (s, u, v)."""
    from .arguments import tensor as as_tensor

    s, u, v = raw("Svd")(as_tensor(tensor), full_matrices=full_matrices, compute_uv=compute_uv, name=name)
    return (s, u, v) if compute_uv else s


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """The norm of vectors or matrices: euclidean, 1, 2 of vectors, inf, or any positive number.

    Raises:
        ValueError: the order is not supported.
    """
    import math

    from .arguments import tensor as as_tensor

    x = as_tensor(tensor)
    matrix = isinstance(axis, (list, tuple)) and len(axis) == 2
    if isinstance(axis, (list, tuple)) and not 1 <= len(axis) <= 2:
        raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}.")
    if ord in ("euclidean", "fro") or (ord == 2 and not matrix):
        return reduce_euclidean_norm(x, axis, keepdims, name)
    if matrix:
        return _matrix_norm(x, ord, axis, keepdims, name)
    if ord == 1:
        return reduce_sum(abs_(x), axis, keepdims, name)
    if ord in (math.inf, "inf"):
        return reduce_max(abs_(x), axis, keepdims, name)
    if isinstance(ord, (int, float)) and ord > 0:
        powers = pow_(abs_(x), as_tensor(float(ord), x.dtype.real_dtype))
        return pow_(reduce_sum(powers, axis, keepdims), 1.0 / ord, name=name)
    raise ValueError(f"'ord' must be 'euclidean', 1, 2, np.inf or a positive number, got {ord!r}.")


def _matrix_norm(x: Any, ord: Any, axis: Any, keepdims: bool, name: str | None) -> Any:
    """The norm of a linear map: its largest column sum (1), row sum (inf) or singular value (2)."""
    import math

    from .array_ops import expand_dims

    rank = x.shape.rank
    if rank is None:
        raise ValueError("The norm of matrices needs a tensor of known rank.")
    row, column = (a % rank for a in axis)
    if ord == 2:
        order = [i for i in range(rank) if i not in (row, column)] + [row, column]
        largest = reduce_max(svd(transpose(x, order), compute_uv=False), -1)
        if not keepdims:
            return largest
        for at in sorted((row, column)):
            largest = expand_dims(largest, at)
        return largest
    if ord == 1:
        first, second = row, column
    elif ord in (math.inf, "inf"):
        first, second = column, row
    else:
        raise ValueError(f"'ord' of matrices must be 'euclidean', 'fro', 1, 2 or np.inf, got {ord!r}.")
    sums = reduce_sum(abs_(x), first, keepdims=True)
    return reduce_max(sums, [first, second], keepdims, name)


def normalize(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None
) -> tuple[Any, Any]:
    """The tensor over its norm (see `norm`), and that norm."""
    from .arguments import tensor as as_tensor

    x = as_tensor(tensor)
    length = norm(x, ord, axis, keepdims=True)
    return x / cast(length, x.dtype), length


def slogdet(input: Any, name: str | None = None) -> Any:
    """The sign of the determinant of square matrices, and the logarithm of its absolute value."""
    sign, log_abs = raw("LogMatrixDeterminant")(tensor(input), name=name)
    return record("LogMatrixDeterminant", sign=sign, log_abs_determinant=log_abs)


def logdet(matrix: Any, name: str | None = None) -> Any:
    """The logarithm of the determinant of Hermitian positive definite matrices."""
    return 2.0 * reduce_sum(log(real(diag_part(cholesky(matrix)))), -1, name=name)


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """x with ``a @ x == rhs``, where `chol` is the Cholesky factor of a."""
    factor = tensor(chol)
    return triangular_solve(factor, triangular_solve(factor, rhs), adjoint=True, name=name)


def eigh(tensor: Any, name: str | None = None) -> tuple[Any, Any]:
    """Eigenvalues, in ascending order, and eigenvectors (columns) of Hermitian matrices."""
    from .arguments import tensor as as_tensor

    e, v = raw("SelfAdjointEigV2")(as_tensor(tensor), compute_v=True, name=name)
    return e, v


def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """Eigenvalues of Hermitian matrices, in ascending order."""
    from .arguments import tensor as as_tensor

    return raw("SelfAdjointEigV2")(as_tensor(tensor), compute_v=False, name=name)[0]


def _cutoff(s: Any, rcond: Any, rows_and_columns: Any) -> Any:
    """The size below which a singular value counts as zero: the largest one times `rcond`, at least its rounding."""
    import numpy as np

    if rcond is None:
        rcond = 10.0 * rows_and_columns * float(np.finfo(s.dtype.np).eps)
    return cast(rcond, s.dtype) * reduce_max(s, -1)


def _longer_side(a: Any) -> Any:
    from .array_ops import shape

    rows, columns = a.shape[-2], a.shape[-1]
    if rows is not None and columns is not None:
        return max(rows, columns)
    return cast(reduce_max(shape(a)[-2:]), a.dtype.real_dtype)


def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """The number of singular values above `tol` (None: above what rounding makes of zero)."""
    import numpy as np

    x = tensor(a)
    s = svd(x, compute_uv=False)
    if tol is None:
        tol = reduce_max(s, -1, keepdims=True) * (_longer_side(x) * float(np.finfo(s.dtype.np).eps))
    return reduce_sum(cast(s > tol, "int32"), -1, name=name)


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """The Moore-Penrose inverse; singular values below `rcond` times the largest one count as zero."""
    from .array_ops import expand_dims, zeros_like
    from .indexing_ops import where

    x = tensor(a)
    s, u, v = svd(x)
    small = expand_dims(_cutoff(s, rcond, _longer_side(x)), -1)
    inverse = where(s > small, 1.0 / s, zeros_like(s))
    return matmul(v * expand_dims(cast(inverse, x.dtype), -2), u, adjoint_b=True, name=name)
