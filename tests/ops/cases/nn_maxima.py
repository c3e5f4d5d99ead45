"""Rows of ops/nn_maxima.py."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"
X = A(2, 5, 4, 3)
POOL = {"ksize": [1, 2, 3, 1], "strides": [1, 2, 1, 1]}
DILATION = {"strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1]}
BOTH = ("SAME", "VALID")
FILTER = A(2, 2, 3)
ROWS: list[Row] = [
    *rows("MaxPoolWithArgmax", X, **POOL, padding="SAME", dtypes="float32 float64 int32 uint8 float16"),
    *rows("MaxPoolWithArgmax", X, **POOL, padding="VALID", Targmax="int32", label="valid"),
    *rows(
        "MaxPoolWithArgmax",
        X,
        **POOL,
        padding="SAME",
        include_batch_in_index=True,
        dtypes="float64",
        label="batch",
    ),
    *rows("MaxPoolWithArgmax", V([[[[1.0], [1.0]], [[1.0], [1.0]]]]), **POOL, padding="SAME", label="ties"),
    *rows("MaxPoolWithArgmax", A(2, 3), **POOL, padding="SAME", label="rank", error=BAD),
    *rows(
        "MaxPoolGradWithArgmax",
        A(1, 2, 2, 1),
        A(1, 1, 2, 1),
        V([[[[3], [3]]]], "int64"),
        **POOL,
        padding="SAME",
        dtypes="float32 float64",
        grad=False,
    ),
    *[
        row
        for how in BOTH
        for row in (
            *rows(
                "Dilation2D", X, FILTER, **DILATION, padding=how, dtypes="float32 float64 int32", label=how
            ),
            *rows(
                "Dilation2D", X, A(1, 1, 3), **DILATION, padding=how, dtypes="float64", label=f"{how}_point"
            ),
        )
    ],
    *rows("Dilation2D", X, A(2, 2, 2), **DILATION, padding="SAME", label="depth", error=BAD),
    *rows("Dilation2DBackpropInput", X, FILTER, A(2, 3, 4, 3), **DILATION, padding="SAME"),
    *rows("Dilation2DBackpropFilter", X, FILTER, A(2, 3, 4, 3), **DILATION, padding="SAME"),
]
