"""Rows of ops/decompose.py. Singular vectors and eigenvectors, which have no one sign: tests/ops/test_decompose.py."""

from __future__ import annotations

from ops.rows import COMPLEX, A, Row, V, rows

FULL = f"float32 float64 {COMPLEX}"
STURDY = V(
    [
        [[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]],
        [[2.0, 0.5, 0.0], [0.5, 2.0, 0.5], [0.0, 0.5, 2.0]],
    ]
)
UNEVEN = V([[4.0, 1.0, 0.5], [-1.0, 3.0, -1.0], [2.0, -1.0, 5.0]])
TALL = V([[4.0, 1.0], [-1.0, 3.0], [2.0, -1.0]])

ROWS: list[Row] = [
    *rows("MatrixInverse", UNEVEN, dtypes=FULL),
    *rows("MatrixInverse", STURDY, dtypes="float64 complex128", label="adjoint", adjoint=True),
    *rows("MatrixInverse", UNEVEN, dtypes="float64", label="adjoint_uneven", adjoint=True),
    *rows("MatrixInverse", A(0, 0), label="empty"),
    *rows("MatrixInverse", V([[1.0, 2.0], [2.0, 4.0]]), label="singular", error="InvalidArgumentError"),
    *rows("MatrixInverse", A(2, 3), label="oblong", error="InvalidArgumentError"),
    *rows("MatrixDeterminant", UNEVEN, dtypes=FULL),
    *rows("MatrixDeterminant", STURDY, dtypes="float64", label="stack"),
    *rows("MatrixDeterminant", A(0, 0), label="empty"),
    *rows("MatrixDeterminant", A(2, 3), label="oblong", error="InvalidArgumentError"),
    *rows("LogMatrixDeterminant", UNEVEN, dtypes=FULL),
    *rows("LogMatrixDeterminant", V([[0.0, 1.0], [1.0, 0.0]]), label="negative"),
    *rows("MatrixSolve", UNEVEN, A(3, 2), dtypes=FULL),
    *rows("MatrixSolve", STURDY, A(2, 3, 2), dtypes="float64", label="stack"),
    *rows("MatrixSolve", UNEVEN, A(3, 2), dtypes="float64 complex128", label="adjoint", adjoint=True),
    *rows(
        "MatrixSolve", V([[1.0, 2.0], [2.0, 4.0]]), A(2, 1), label="singular", error="InvalidArgumentError"
    ),
    *rows("MatrixSolve", STURDY, A(3, 2), label="ranks", error="InvalidArgumentError"),
    *rows("MatrixTriangularSolve", UNEVEN, A(3, 2), dtypes=FULL),
    *rows("MatrixTriangularSolve", UNEVEN, A(3, 2), dtypes="float64", label="upper", lower=False),
    *rows(
        "MatrixTriangularSolve", UNEVEN, A(3, 2), dtypes="float64 complex64", label="adjoint", adjoint=True
    ),
    *rows(
        "MatrixTriangularSolve",
        UNEVEN,
        A(3, 2),
        dtypes="float64",
        label="upper_adjoint",
        lower=False,
        adjoint=True,
    ),
    *rows("MatrixTriangularSolve", STURDY, A(3, 2), dtypes="float64", label="broadcast"),
    *rows("MatrixTriangularSolve", A(2, 3), A(3, 2), label="oblong", error="InvalidArgumentError"),
    *rows("Cholesky", STURDY, dtypes=FULL),
    *rows("Cholesky", V([[9.0, 2.0], [3.0, 4.0]]), dtypes="float64", label="lower_only"),
    *rows("Cholesky", A(0, 0), label="empty"),
    *rows("Cholesky", A(2, 3), label="oblong", error="InvalidArgumentError"),
    *rows("Qr", TALL, dtypes="float32 float64 complex64"),
    *rows("Qr", UNEVEN, dtypes="float64", label="square", full_matrices=True),
    *rows("Qr", V([[4.0, 1.0, 0.5], [-1.0, 3.0, -1.0]]), dtypes="float32", label="wide"),
    *rows("Svd", TALL, label="vectors", compare="shape", full_matrices=True),
    *rows("SelfAdjointEigV2", STURDY, label="vectors", compare="shape"),
    *rows("SelfAdjointEigV2", A(2, 3), label="oblong", error="InvalidArgumentError"),
]
