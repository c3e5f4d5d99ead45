"""Rows of ops/compare.py and ops/bitwise.py."""

from __future__ import annotations

from ops.rows import INTS, NUMERIC, REAL, SIGNED, A, Row, V, rows

NAN, INF = float("nan"), float("inf")
EVERYTHING = f"{NUMERIC} bool string"
SPECIAL = V([[0.0, 1.0, NAN, INF, -INF]])
AGAINST = V([[0.0], [NAN], [INF]])
T, F = True, False

ROWS: list[Row] = [
    *(
        row
        for op in ("Less", "LessEqual", "Greater", "GreaterEqual")
        for row in (*rows(op, A(4, 3), A(3), dtypes=REAL), *rows(op, SPECIAL, AGAINST, label="special"))
    ),
    *rows("Less", A(2), A(3), label="mismatch", error="InvalidArgumentError"),
    *(
        row
        for op in ("Equal", "NotEqual")
        for row in (
            *rows(op, A(4, 3), A(3), dtypes=EVERYTHING),
            *rows(op, SPECIAL, AGAINST, label="special"),
            *rows(op, V(b"a"), V(b"a"), dtypes="string", label="scalar"),
            *rows(op, A(2), A(3), label="mismatch", error="InvalidArgumentError"),
            *rows(op, A(2), A(3), label="lenient", incompatible_shape_error=False),
            *rows(
                op, A(2, 1), A(3), dtypes="int32", label="lenient_broadcast", incompatible_shape_error=False
            ),
        )
    ),
    *rows(
        "ApproximateEqual", V([1.0, 1.0, 1.0, NAN]), V([1.0, 1.000001, 1.1, NAN]), dtypes="float32 float64"
    ),
    *rows("ApproximateEqual", V([1.0, 2.0]), V([1.1, 2.3]), label="wide", tolerance=0.2),
    *rows("ApproximateEqual", A(2, 3), A(3), label="mismatch", error="InvalidArgumentError"),
    *rows("LogicalAnd", A(4, 3), A(3), dtypes="bool"),
    *rows("LogicalOr", A(4, 3), A(3), dtypes="bool"),
    *rows("LogicalNot", A(4, 3), dtypes="bool"),
    *rows("Select", A(2, 3, dtype="bool"), A(2, 3), A(2, 3), dtypes=EVERYTHING),
    *rows("Select", V([T, F], "bool"), A(2, 3), A(2, 3), dtypes="float64 string", label="rows"),
    *rows("Select", V(F, "bool"), A(2, 3), A(2, 3), dtypes="float64 int32", label="scalar"),
    *rows(
        "Select", V([T, F, T], "bool"), A(2, 3), A(2, 3), label="wrong_length", error="InvalidArgumentError"
    ),
    *rows("Select", V(T, "bool"), A(2, 3), A(3), label="mismatch", error="InvalidArgumentError"),
    *rows("SelectV2", A(2, 3, dtype="bool"), A(2, 3), A(2, 3), dtypes=EVERYTHING),
    *rows("SelectV2", A(3, dtype="bool"), A(2, 1), A(), dtypes="float64 string", label="broadcast"),
    *rows("SelectV2", V(T, "bool"), A(2, 3), A(3), dtypes="float64", label="scalar"),
    *rows("SelectV2", V(T, "bool"), V(b"a"), V(b"b"), dtypes="string", label="scalars"),
    *rows("SelectV2", A(2, dtype="bool"), A(3), A(3), label="mismatch", error="InvalidArgumentError"),
    *(
        row
        for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")
        for row in rows(op, A(2, 3, low=-100, high=100), A(3, high=100), dtypes=INTS)
    ),
    *rows("Invert", A(2, 3), dtypes=INTS),
    *rows("LeftShift", A(2, 3, low=-5, high=9), V([0, 1, 3]), dtypes=INTS),
    *rows("LeftShift", V([1, 1, -1]), V([-1, 40, 31]), dtypes=SIGNED, label="clamped"),
    *rows("RightShift", A(2, 3, low=-90, high=90), V([0, 1, 3]), dtypes=INTS),
    *rows("RightShift", V([-8, 8, -1]), V([-1, 40, 31]), dtypes=SIGNED, label="clamped"),
    *rows("PopulationCount", V([0, 1, 2, 100, 127]), dtypes=INTS),
    *rows("PopulationCount", V([-1, -2, -100]), dtypes=SIGNED, label="negative"),
    *rows("PopulationCount", V(7), dtypes="int32", label="scalar"),
]
