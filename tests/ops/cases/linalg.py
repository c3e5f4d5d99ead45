"""Rows of ops/linalg.py and ops/einsum.py: products."""

from __future__ import annotations

from ops.rows import COMPLEX, FLOATS, REAL, A, Row, rows

FC = f"{FLOATS} {COMPLEX}"
PRODUCTS = f"{FC} int32 int64"


def einsum(label: str, equation: str, *inputs: A, dtypes: str = "float64", error: str = "") -> list[Row]:
    """Rows of one equation."""
    return list(rows("Einsum", list(inputs), dtypes=dtypes, label=label, error=error, equation=equation))


ROWS: list[Row] = [
    *rows("MatMul", A(2, 3), A(3, 4), dtypes=PRODUCTS),
    *rows("MatMul", A(3, 2), A(3, 4), dtypes=f"float64 {COMPLEX}", label="a", transpose_a=True),
    *rows("MatMul", A(2, 3), A(4, 3), dtypes=f"float64 {COMPLEX}", label="b", transpose_b=True),
    *rows(
        "MatMul", A(3, 2), A(4, 3), dtypes="float64 float32", label="ab", transpose_a=True, transpose_b=True
    ),
    *rows("MatMul", A(2, 0), A(0, 3), dtypes="float64 int32", label="no_inner"),
    *rows("MatMul", A(0, 2), A(2, 3), dtypes="float32", label="no_rows"),
    *rows("MatMul", A(1, 4), A(3, 3), label="mismatch", error="InvalidArgumentError"),
    *rows("MatMul", A(4), A(4, 3), label="vector", error="InvalidArgumentError"),
    *rows("MatMul", A(2, 2, 4), A(2, 4, 3), label="stack", error="InvalidArgumentError"),
    *rows("SparseMatMul", A(2, 3), A(3, 4), dtypes="float32 bfloat16"),
    *rows(
        "SparseMatMul",
        A(3, 2),
        A(4, 3),
        label="transposed",
        transpose_a=True,
        transpose_b=True,
        a_is_sparse=True,
    ),
    *rows("BatchMatMul", A(2, 2, 3), A(2, 3, 4), dtypes=PRODUCTS),
    *rows(
        "BatchMatMul",
        A(2, 3, 2),
        A(2, 4, 3),
        dtypes=f"float64 {COMPLEX}",
        label="adjoint",
        adj_x=True,
        adj_y=True,
    ),
    *rows("BatchMatMul", A(2, 2, 3), A(3, 4), label="ranks", error="InvalidArgumentError"),
    *rows("BatchMatMul", A(2, 2, 3), A(1, 3, 4), label="broadcast", error="InvalidArgumentError"),
    *rows("BatchMatMulV2", A(2, 2, 3), A(2, 3, 4), dtypes=PRODUCTS),
    *rows("BatchMatMulV2", A(2, 1, 2, 3), A(3, 3, 4), dtypes="float64", label="broadcast"),
    *rows("BatchMatMulV2", A(3, 2), A(5, 3, 4), dtypes=f"float64 {COMPLEX}", label="x", adj_x=True),
    *rows("BatchMatMulV2", A(5, 2, 3), A(4, 3), dtypes=f"float64 {COMPLEX}", label="y", adj_y=True),
    *rows(
        "BatchMatMulV2",
        A(2, 3, 2),
        A(2, 4, 3),
        dtypes=f"float64 {COMPLEX}",
        label="xy",
        adj_x=True,
        adj_y=True,
    ),
    *rows("BatchMatMulV2", A(2, 3), A(3, 4), dtypes="float64", label="matrices"),
    *rows("BatchMatMulV2", A(0, 2, 3), A(3, 4), dtypes="float32", label="empty"),
    *rows("BatchMatMulV2", A(2, 2, 3), A(2, 4, 4), label="mismatch", error="InvalidArgumentError"),
    *rows("BatchMatMulV2", A(2, 2, 3), A(3, 3, 4), label="batches", error="InvalidArgumentError"),
    *rows("BatchMatMulV2", A(3), A(3, 4), label="vector", error="InvalidArgumentError"),
    *rows(
        "BatchMatMulV3",
        A(2, 2, 3),
        A(3, 4),
        dtypes="float32 float64 bfloat16 complex64 int32 int64",
        Tout="ROW",
    ),
    *rows(
        "BatchMatMulV3",
        A(2, 3, low=-99, high=99, dtype="int8"),
        A(3, 4, high=99, dtype="int8"),
        dtypes="int32",
        label="narrow",
        Tout="int32",
    ),
    *rows("BatchMatMulV3", A(2, 3, dtype="uint8"), A(3, 4, dtype="int8"), label="mixed", Tout="int32"),
    *einsum("matmul", "ij,jk->ik", A(2, 3), A(3, 4), dtypes=PRODUCTS),
    *einsum("attention", "bqhd,bkhd->bhqk", A(2, 3, 2, 4), A(2, 5, 2, 4), dtypes="float64 float32"),
    *einsum("dense", "abc,cd->abd", A(2, 3, 4), A(4, 5)),
    *einsum("two_contracted", "abc,cbd->da", A(2, 3, 4), A(4, 3, 5)),
    *einsum("outer", "i,j->ji", A(2), A(3)),
    *einsum("dot", "i,i->", A(3), A(3)),
    *einsum("elementwise", "ij,ji->ij", A(2, 3), A(3, 2)),
    *einsum("scale", "bij,b->bij", A(2, 3, 4), A(2)),
    *einsum("transpose", "ijk->kij", A(2, 3, 4)),
    *einsum("sum", "ijk->k", A(2, 3, 4)),
    *einsum("sum_all", "ij->", A(2, 3)),
    *einsum("own_labels", "aij,jb->i", A(2, 3, 4), A(4, 5)),
    *einsum("trace", "ii->", A(3, 3)),
    *einsum("diagonal", "iji->ji", A(3, 2, 3), dtypes="float64 int32"),
    *einsum("diagonals", "iij,jkk->ik", A(2, 2, 3), A(3, 4, 4)),
    *einsum("inflate", "i->ii", A(3)),
    *einsum("inflate_product", "ij,jk->iki", A(2, 3), A(3, 4)),
    *einsum("ellipsis", "...ij,...jk->...ik", A(2, 2, 3), A(2, 3, 4), dtypes=f"float64 {COMPLEX}"),
    *einsum("ellipsis_broadcast", "...ij,...jk->...ik", A(5, 1, 2, 3), A(4, 3, 4)),
    *einsum("ellipsis_one_side", "...ij,jk->i...k", A(5, 2, 3), A(3, 4)),
    *einsum("ellipsis_empty", "...ij,...jk->...ik", A(2, 3), A(3, 4)),
    *einsum("ellipsis_sum", "i...,...i->...", A(3, 2), A(1, 3)),
    *einsum("ellipsis_alone", "i...j->...j", A(3, 2, 4)),
    *einsum("empty", "ij,jk->ik", A(2, 0), A(0, 3)),
    *einsum("wrong_size", "ij,jk->ik", A(2, 3), A(2, 3), error="InvalidArgumentError"),
    *einsum("wrong_rank", "ij,jk->ik", A(2, 3), A(2), error="InvalidArgumentError"),
    *einsum("no_arrow", "ij", A(2, 3), error="InvalidArgumentError"),
    *einsum("three", "i,i,i->i", A(2), A(2), A(2), error="InvalidArgumentError"),
    *einsum("lost_ellipsis", "...i->i", A(2, 2), error="InvalidArgumentError"),
    *rows("Cross", A(2, 3), A(2, 3), dtypes=REAL),
    *rows("Cross", A(2, 4), A(2, 4), label="four", error="FailedPreconditionError"),
]
