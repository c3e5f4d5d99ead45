"""Rows of ops/functions.py and ops/complexes.py: functions of one number, and complex numbers' parts."""

from __future__ import annotations

from ops.rows import COMPLEX, FLOATS, NUMERIC, SIGNED, A, Row, V, rows

FC = f"{FLOATS} {COMPLEX}"
NAN, INF = float("nan"), float("inf")
SPECIAL = V([0.0, -0.0, 1.0, -1.0, NAN, INF, -INF, 0.5, -100.0, 100.0])
UNIT = A(2, 3, low=-0.9, high=0.9)
POSITIVE = A(2, 3, low=0.3, high=4.0)
HALVES = V([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49, 2.51, -7.99])

ANYWHERE = "Exp Expm1 Sin Cos Tan Atan Sinh Cosh Tanh Asinh Sigmoid Reciprocal Inv"
ABOVE_ZERO = "Sqrt Rsqrt Log Log1p"
FROM_OUTPUT = "SigmoidGrad TanhGrad SqrtGrad RsqrtGrad ReciprocalGrad InvGrad"

ROWS: list[Row] = [
    *(row for op in ANYWHERE.split() for row in rows(op, POSITIVE, dtypes=FC)),
    *(row for op in ABOVE_ZERO.split() for row in rows(op, POSITIVE, dtypes=FC)),
    *(row for op in ("Asin", "Acos", "Atanh") for row in rows(op, UNIT, dtypes=FC)),
    *rows("Acosh", A(2, 3, low=1.1, high=4.0), dtypes=FC),
    *(
        row
        for op in ANYWHERE.split()[:-2]
        for row in rows(op, UNIT, dtypes="float64 complex64", label="around_zero")
    ),
    *(
        row
        for op in f"{ANYWHERE} {ABOVE_ZERO} Asin Acos Acosh Atanh Neg Abs Square".split()
        if op not in ("Sin", "Cos", "Tan")
        for row in rows(op, SPECIAL, label="special")
    ),
    *(row for op in ("Exp", "Sigmoid", "Neg") for row in rows(op, A(), dtypes="float64", label="scalar")),
    *(row for op in ("Exp", "Sigmoid", "Floor") for row in rows(op, A(0, 2), label="empty")),
    *rows("Neg", A(2, 3), dtypes=f"{FC} {SIGNED}"),
    *rows("Abs", A(2, 3), dtypes=f"{FLOATS} {SIGNED}"),
    *rows("Abs", V([-128, 127], "int8"), dtypes="int8", label="lowest"),
    *rows("Sign", A(2, 3), dtypes=f"{FC} {SIGNED}"),
    *rows("Sign", SPECIAL, label="special"),
    *rows("Sign", V([0, 3 - 4j]), dtypes=COMPLEX, label="zero"),
    *rows("Square", A(2, 3), dtypes=NUMERIC),
    *(row for op in ("Floor", "Ceil", "Round") for row in rows(op, HALVES, dtypes=FLOATS)),
    *(row for op in ("Floor", "Ceil", "Round") for row in rows(op, SPECIAL, label="special")),
    *rows("Rint", HALVES, dtypes="float32 float64"),
    *(row for op in ("IsNan", "IsInf", "IsFinite") for row in rows(op, SPECIAL, dtypes=FLOATS)),
    *(row for op in FROM_OUTPUT.split() for row in rows(op, POSITIVE, A(2, 3), dtypes=FC)),
    *rows("Complex", A(2, 3, dtype="float32"), A(3, dtype="float32"), dtypes="complex64", Tout="ROW"),
    *rows("Complex", A(2, 3), A(3), dtypes="float64", Tout="complex128"),
    *rows("Complex", V([1, 0, NAN]), V([NAN, 2, 3]), dtypes="float32", Tout="complex64", label="special"),
    *rows("Real", A(2, 3), dtypes="complex64"),
    *rows("Real", A(2, 3), dtypes="complex128", Tout="float64"),
    *rows("Imag", A(2, 3), dtypes="complex64"),
    *rows("Imag", A(), dtypes="complex128", Tout="float64"),
    *rows("Conj", A(2, 3), dtypes=COMPLEX),
    *rows("ComplexAbs", A(2, 3), dtypes="complex64"),
    *rows("ComplexAbs", A(2, 3), dtypes="complex128", Tout="float64"),
    *rows("Angle", A(2, 3), dtypes="complex64"),
    *rows("Angle", V([0, -1, 1j, -1 - 1j]), dtypes="complex128", Tout="float64"),
]
