"""Rows of ops/segment.py."""

from __future__ import annotations

from ops.rows import NUMERIC, REAL, A, Row, V, rows

SORTED = V([0, 0, 1, 3], "int32")
MIXED = V([2, 0, -1, 2], "int32")
FOUR = V(4, "int32")

ROWS: list[Row] = [
    *(
        row
        for op in ("SegmentSum", "SegmentMean", "SegmentProd")
        for row in rows(op, A(4, 2), SORTED, dtypes=NUMERIC)
    ),
    *(row for op in ("SegmentMax", "SegmentMin") for row in rows(op, A(4, 2), SORTED, dtypes=REAL)),
    *(
        row
        for op in ("SegmentSum", "SegmentMean", "SegmentProd", "SegmentMax", "SegmentMin")
        for row in (
            *rows(op, A(4, low=1.0), V([0, 1, 1, 2], "int64"), dtypes="float64", label="vector"),
            *rows(op, A(0, 2), V([], "int32"), label="empty"),
            *rows(op, A(3), V([0, 2, 1], "int32"), label="unsorted", error="InvalidArgumentError"),
            *rows(op, A(3), V([-1, 0, 1], "int32"), label="negative", error="InvalidArgumentError"),
            *rows(op, A(3), V([0, 1], "int32"), label="too_few", error="InvalidArgumentError"),
            *rows(op, A(1, 3), V([[0]], "int32"), label="matrix", error="InvalidArgumentError"),
        )
    ),
    *rows(
        "SegmentMean",
        V([-3, 4, -8, 1]),
        V([0, 0, 0, 1], "int32"),
        dtypes="int32 float64",
        label="negative_mean",
    ),
    *(
        row
        for op in ("UnsortedSegmentSum", "UnsortedSegmentProd")
        for row in rows(op, A(4, 2), MIXED, FOUR, dtypes=NUMERIC)
    ),
    *(
        row
        for op in ("UnsortedSegmentMax", "UnsortedSegmentMin")
        for row in rows(op, A(4, 2), MIXED, FOUR, dtypes=REAL)
    ),
    *(
        row
        for op in ("UnsortedSegmentSum", "UnsortedSegmentProd", "UnsortedSegmentMax", "UnsortedSegmentMin")
        for row in (
            *rows(
                op,
                A(2, 2, 3),
                V([[1, 0], [-1, 1]], "int64"),
                V(2, "int64"),
                dtypes="float64",
                label="matrix_ids",
            ),
            *rows(op, A(0, 2), V([], "int32"), FOUR, label="empty"),
            *rows(op, A(3), V([0, 5, 1], "int32"), FOUR, label="over", error="InvalidArgumentError"),
            *rows(op, A(3), V([0, 1], "int32"), FOUR, label="too_few", error="InvalidArgumentError"),
            *rows(
                op, A(2), V([0, 1], "int32"), V(-3, "int32"), label="negative", error="InvalidArgumentError"
            ),
        )
    ),
    *rows(
        "UnsortedSegmentProd",
        V([0.0, 2.0, 3.0, 0.0, 0.0]),
        V([0, 0, 1, 2, 2], "int32"),
        FOUR,
        dtypes="float64",
        label="zeros",
    ),
    *rows("Bincount", V([1, 2, 2, 5], "int32"), V(4, "int32"), V([]), dtypes="int32 int64 float32 float64"),
    *rows(
        "Bincount",
        V([[1, 2], [2, 5]], "int32"),
        V(4, "int32"),
        A(2, 2),
        dtypes="float32 int32",
        label="weights",
    ),
    *rows(
        "Bincount", V([1, -2], "int32"), V(4, "int32"), V([]), label="negative", error="InvalidArgumentError"
    ),
    *rows(
        "DenseBincount", V([1, 2, 2, 5], "int32"), V(4, "int32"), V([]), dtypes="int32 int64 float32 float64"
    ),
    *rows("DenseBincount", V([[1, 2], [2, 2]], "int64"), V(4, "int64"), V([]), label="rows"),
    *rows("DenseBincount", V([[1, 2], [2, 2]], "int32"), V(4, "int32"), V([[1, 2], [3, 4]]), label="weights"),
    *rows(
        "DenseBincount",
        V([[1, 2], [2, 2]], "int32"),
        V(4, "int32"),
        V([]),
        label="binary",
        binary_output=True,
    ),
    *rows(
        "DenseBincount",
        V([1, -2], "int32"),
        V(4, "int32"),
        V([]),
        label="negative",
        error="InvalidArgumentError",
    ),
    *rows(
        "DenseBincount",
        V([1, 2], "int32"),
        V(-4, "int32"),
        V([]),
        label="negative_size",
        error="InvalidArgumentError",
    ),
]
