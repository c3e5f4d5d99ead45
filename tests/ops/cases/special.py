"""Rows of ops/special.py."""

from __future__ import annotations

from ops.rows import FLOATS, A, Row, V, rows

NAN, INF = float("nan"), float("inf")
EVERYWHERE = V(
    [
        -30.0,
        -6.0,
        -2.9,
        -1.01,
        -0.9,
        -0.4,
        -1e-6,
        0.0,
        1e-3,
        0.3,
        0.84,
        0.99,
        1.0,
        1.3,
        2.0,
        2.9,
        3.95,
        5.0,
        9.0,
    ]
)
PROBABILITIES = V([1e-30, 1e-9, 1e-3, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.75, 0.76, 0.9, 0.999])
GAMMA = V(
    [
        1e-3,
        0.3,
        0.5,
        0.9,
        1.0,
        1.2,
        1.5,
        1.7,
        2.0,
        2.4,
        2.5,
        3.0,
        5.5,
        7.9,
        8.0,
        9.5,
        10.0,
        50.0,
        -0.5,
        -1.3,
        -6.7,
    ]
)
SPECIAL = V([NAN, INF, -INF, 0.0])

ROWS: list[Row] = [
    *rows("Erf", EVERYWHERE, dtypes=FLOATS),
    *rows("Erf", SPECIAL, label="special"),
    *rows("Erf", A(), label="scalar"),
    *rows("Erf", A(0, 2), label="empty"),
    *rows("Erfc", EVERYWHERE, dtypes=FLOATS),
    *rows("Erfc", V([3.0, 4.0, 5.0]), dtypes="float64", label="tail", atol=0.0),
    *rows("Erfc", V([3.0, 4.0, 5.0]), dtypes="float32", label="tail", atol=0.0),
    *rows("Erfc", SPECIAL, dtypes="float32 float64", label="special", grad=False),
    *rows("Erfinv", A(2, 5, low=-1.0, high=1.0), dtypes="float32 float64"),
    *rows("Erfinv", V([0.5, -0.5, 0.999999, -0.99, 1e-8]), dtypes="float64", label="edges"),
    *rows("Erfinv", V([NAN, 1.0, -1.0, 0.0, 2.0]), label="special"),
    *rows("Ndtri", PROBABILITIES, dtypes="float32 float64"),
    *rows("Ndtri", V([NAN, 1.0, -1.0, 0.0, 2.0]), label="special"),
    *rows("Lgamma", GAMMA, dtypes="float16 float32 float64"),
    *rows("Lgamma", V([NAN, INF, -INF, 0.0, -1.0]), label="special"),
    *rows("Digamma", GAMMA, dtypes="float32 float64"),
    *rows("Digamma", A(2, 3, low=0.5, high=4.0), dtypes="float16"),
    *rows("Digamma", V([NAN, INF, -INF, 0.0, -1.0]), label="special"),
    *rows("Zeta", A(2, 3, low=1.5, high=8.0), A(3, low=0.2, high=9.0), dtypes="float32 float64"),
    *rows("Zeta", V([1.0, 0.5, 2.0, 3.0]), V([1.0, 1.0, 0.0, -2.0]), label="special"),
    *rows("Polygamma", V([[0.0], [1.0], [2.0], [5.0]]), A(3, low=0.5, high=9.0), dtypes="float32 float64"),
    *rows("Polygamma", V([1.5, -1.0]), V([1.0, 1.0]), label="special"),
]
