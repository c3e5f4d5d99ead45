"""Rows of ops/diagonal.py."""

from __future__ import annotations

from ops.rows import NUMERIC, A, Row, V, rows

ANY = f"{NUMERIC} bool"
ALIGNS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")


def k(*values: int) -> V:
    """Diagonal indices."""
    return V(values[0] if len(values) == 1 else list(values), "int32")


def n(value: int, dtype: str = "int32") -> V:
    """A number."""
    return V(value, dtype)


ROWS: list[Row] = [
    *rows("MatrixBandPart", A(2, 3, 4), n(1), n(0), dtypes=ANY),
    *rows("MatrixBandPart", A(3, 4), n(-1, "int64"), n(1, "int64"), dtypes="float64", label="lower"),
    *rows("MatrixBandPart", A(4, 3), n(0), n(-1), dtypes="float64", label="upper"),
    *rows("MatrixBandPart", A(4), n(0), n(0), label="vector", error="InvalidArgumentError"),
    *rows("MatrixBandPart", A(2, 3), n(3), n(0), label="too_low", error="InvalidArgumentError"),
    *rows("MatrixBandPart", A(2, 3), n(0), n(4), label="too_high", error="InvalidArgumentError"),
    *rows("MatrixDiag", A(2, 3), dtypes=ANY),
    *rows("MatrixDiagPart", A(2, 3, 4), dtypes=ANY),
    *rows("MatrixDiagPart", A(4, 2), dtypes="float64", label="tall"),
    *rows("MatrixSetDiag", A(2, 3, 4), A(2, 3), dtypes=ANY),
    *rows("MatrixSetDiag", A(2, 3, 2), A(2, 3), label="too_long", error="InvalidArgumentError"),
    # TensorFlow 2.21 differentiates the second versions as if they were aligned like the third: no gradients here.
    *rows("MatrixDiagPartV2", A(3, 4), k(-1, 2), V(9), dtypes="float64", grad=False),
    *rows("MatrixSetDiagV2", A(3, 4), A(2, 3), k(0, 1), dtypes="float64", grad=False),
    *rows("MatrixDiagV2", A(2, 3), k(0, 1), n(-1), n(-1), V(0), dtypes="float64", grad=False),
    *(
        row
        for align in ALIGNS
        for row in (
            *rows(
                "MatrixDiagPartV3",
                A(2, 3, 4),
                k(-1, 2),
                V(9),
                dtypes="float64 int32",
                label=align,
                align=align,
            ),
            *rows(
                "MatrixSetDiagV3",
                A(2, 3, 4),
                A(2, 3, 3),
                k(-1, 1),
                dtypes="float64 int32",
                label=align,
                align=align,
            ),
            *rows(
                "MatrixDiagV3",
                A(2, 2, 3),
                k(-1, 0),
                n(-1),
                n(-1),
                V(7),
                dtypes="float64 int32",
                label=align,
                align=align,
            ),
        )
    ),
    *rows("MatrixDiagPartV3", A(2, 3, 4), k(1), V(0), dtypes=ANY, label="one"),
    *rows("MatrixDiagPartV3", A(3, 4), k(-2), V(0), dtypes="float64", label="below"),
    *rows("MatrixDiagPartV3", A(3, 4), k(4, 5), V(0), label="out_of_range", error="InvalidArgumentError"),
    *rows("MatrixDiagPartV3", A(3, 4), k(1, 0), V(0), label="crossed", error="InvalidArgumentError"),
    *rows("MatrixDiagV3", A(3), k(-1), n(-1), n(-1), V(0), dtypes=ANY, label="one"),
    *rows("MatrixDiagV3", A(3), k(1), n(3), n(6), V(2), dtypes="float64", label="wide"),
    *rows(
        "MatrixDiagV3", A(2, 3), k(0, 1), n(2), n(-1), V(0), label="few_rows", error="InvalidArgumentError"
    ),
    *rows(
        "MatrixDiagV3", A(2, 3), k(0, 1), n(5), n(5), V(0), label="inconsistent", error="InvalidArgumentError"
    ),
    *rows("MatrixDiagV3", A(2, 3), k(0, 2), n(5), n(5), V(0), label="count", error="InvalidArgumentError"),
    *rows("MatrixSetDiagV3", A(2, 3, 3), A(2, 2), k(1), dtypes=ANY, label="one"),
    *rows("MatrixSetDiagV3", A(2, 3, 3), A(2, 3), k(1), label="too_long", error="InvalidArgumentError"),
    *rows("Diag", A(2, 2), dtypes="float32 float64 float16 complex64 int32"),
    *rows("DiagPart", A(2, 3, 2, 3), dtypes="float32 float64 float16 complex64 int32"),
    *rows("DiagPart", A(2, 3), label="mismatch", error="InvalidArgumentError"),
    *rows("DiagPart", A(2), label="odd", error="InvalidArgumentError"),
]
