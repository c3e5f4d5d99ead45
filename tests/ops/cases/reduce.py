"""Rows of ops/reduce.py, ops/cumulative.py and ops/order.py."""

from __future__ import annotations

from ops.rows import FLOATS, NUMERIC, REAL, A, Row, V, rows

NAN, INF = float("nan"), float("inf")


def axes(values: object, dtype: str = "int32") -> V:
    """The reduction indices."""
    return V(values, dtype)


SUMS = "Sum Mean Prod EuclideanNorm"
EXTREMES = "Max Min"
POSITIVE = A(2, 3, 4, low=0.5, high=3.0)
T, F = True, False

ROWS: list[Row] = [
    *(row for op in SUMS.split() for row in rows(op, A(2, 3, low=1.0, high=4.0), axes([1]), dtypes=NUMERIC)),
    *(row for op in EXTREMES.split() for row in rows(op, A(2, 3), axes([1]), dtypes=REAL)),
    *(
        row
        for op in f"{SUMS} {EXTREMES}".split()
        for row in (
            *rows(op, POSITIVE, axes([0, -1]), dtypes="float64", label="two"),
            *rows(op, POSITIVE, axes([-1, 0], "int64"), dtypes="float64", label="two_kept", keep_dims=True),
            *rows(op, POSITIVE, axes(1), dtypes="float64", label="scalar_axis"),
            *rows(op, POSITIVE, axes([0, 1, 2]), dtypes="float64", label="all"),
            *rows(op, POSITIVE, axes([]), dtypes="float64 int32", label="none"),
            *rows(op, A(low=1.0), axes([]), dtypes="float64", label="of_scalar"),
            *rows(op, A(0, 3), axes([0]), dtypes="float32 int32", label="of_nothing"),
            *rows(op, A(2, 0), axes([0]), dtypes="float32", label="to_nothing"),
            *rows(op, A(2, 3), axes([2]), label="out_of_range", error="InvalidArgumentError"),
            *rows(op, A(2, 3), axes([1, -1]), label="twice", error="InvalidArgumentError"),
            *rows(op, V([[1.0, NAN], [INF, 2.0]]), axes([1]), label="special"),
        )
    ),
    *rows("Sum", V([1.0] * 5000), axes([0]), dtypes="float16 bfloat16", label="many"),
    *rows("Sum", V([100, 100], "int8"), axes([0]), dtypes="int8", label="wraps"),
    *rows("Mean", V([-3, 4, -4, 0]), axes([0]), dtypes="int8 int32 int64", label="negative"),
    *rows("Mean", V([200, 250]), axes([0]), dtypes="uint8", label="wide"),
    *rows("Prod", V([[2.0, 0.0, 3.0], [0.0, 4.0, 0.0]]), axes([1]), dtypes="float64", label="zeros"),
    *rows("Prod", V([[2.0, 0.0, 3.0], [1.0, 4.0, 5.0]]), axes([0, 1]), dtypes="float64", label="one_zero"),
    *rows("Max", V([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), axes([1]), dtypes="float64", label="ties"),
    *(
        row
        for op in ("All", "Any")
        for row in (
            *rows(op, V([[T, F], [T, T], [F, F]], "bool"), axes([1]), dtypes="bool"),
            *rows(op, A(2, 3), axes([0, 1]), dtypes="bool", label="all", keep_dims=True),
            *rows(op, A(2, 3), axes([]), dtypes="bool", label="none"),
            *rows(op, A(0, 3), axes(0, "int64"), dtypes="bool", label="of_nothing"),
        )
    ),
    *(
        row
        for op in ("ArgMax", "ArgMin")
        for row in (
            *rows(op, A(3, 4), axes(1), dtypes=f"{REAL} bool"),
            *rows(op, A(3, 4), axes(-2, "int64"), dtypes="float32", label="int32", output_type="int32"),
            *rows(
                op,
                V([[1.0, NAN, 2.0], [NAN, 1.0, 2.0], [NAN, NAN, NAN], [NAN, -INF, INF]]),
                axes(1),
                label="special",
            ),
            *rows(op, A(0, 2), axes(0), label="empty", error="InvalidArgumentError"),
            *rows(op, A(2, 0), axes(0), label="to_nothing"),
            *rows(op, A(2), axes(1), label="out_of_range", error="InvalidArgumentError"),
        )
    ),
    *rows("ArgMax", A(3, 4), axes(0), dtypes="float32", label="int16", output_type="int16"),
    *rows("L2Loss", A(2, 3), dtypes=FLOATS),
    *rows("L2Loss", A(), dtypes="float64", label="scalar"),
    *rows("L2Loss", A(0), dtypes="float64", label="empty"),
    *(
        row
        for op in ("Cumsum", "Cumprod")
        for row in (
            *rows(op, A(2, 4, low=0.5, high=3), axes(1), dtypes=NUMERIC),
            *rows(op, A(2, 4), axes(-2, "int64"), dtypes="float64", label="exclusive", exclusive=True),
            *rows(op, A(2, 4), axes(1), dtypes="float64", label="reverse", reverse=True),
            *rows(
                op, A(2, 4, 3), axes(1), dtypes="float64 int32", label="both", exclusive=True, reverse=True
            ),
            *rows(op, A(0), axes(0), label="empty", exclusive=True),
            *rows(op, A(2, 3), axes(2), label="out_of_range", error="InvalidArgumentError"),
            *rows(op, A(2, 3), axes([0]), label="vector_axis", error="InvalidArgumentError"),
        )
    ),
    *rows("CumulativeLogsumexp", A(2, 4), axes(1), dtypes=FLOATS),
    *rows(
        "CumulativeLogsumexp",
        A(2, 4),
        axes(-1),
        dtypes="float64",
        label="exclusive",
        exclusive=True,
        grad=False,
    ),
    *rows("CumulativeLogsumexp", A(2, 4), axes(0), dtypes="float64", label="reverse", reverse=True),
    *rows("CumulativeLogsumexp", V([-INF, -INF, 1.0, 2.0, INF, 1.0]), axes(0), label="special"),
    *rows("CumulativeLogsumexp", V([1000.0, 1001.0, -1000.0]), axes(0), label="large"),
    *rows("TopKV2", A(2, 7), V(3, "int32"), dtypes=REAL),
    *rows("TopKV2", V([1.0, 3.0, 2.0, 3.0, 3.0]), V(4, "int64"), dtypes="float64 uint8", label="ties"),
    *rows("TopKV2", A(2, 2, 5), V(1, "int16"), dtypes="float64", label="one", index_type="int64", grad=False),
    *rows("TopKV2", A(2, 5), V(0, "int32"), dtypes="float64", label="none"),
    *rows("TopKV2", A(5), V(5, "int32"), dtypes="float64", label="whole"),
    *rows("TopKV2", A(2, 5), V(6, "int32"), label="too_many", error="InvalidArgumentError"),
    *rows("TopKV2", A(2, 5), V(-1, "int32"), label="negative", error="InvalidArgumentError"),
    *rows("TopKV2", A(), V(1, "int32"), label="scalar", error="InvalidArgumentError"),
    *rows(
        "InTopKV2",
        V([[0.1, 0.3, 0.3], [0.1, 1.0, 2.0], [NAN, 1, 2], [1, 2, INF]]),
        V([1, 1, 1, 1], "int32"),
        V(1, "int32"),
    ),
    *rows("InTopKV2", A(3, 5), V([7, 1, -1], "int64"), V(5, "int64"), label="outside"),
    *rows("InTopK", A(4, 5), V([0, 1, 2, 3], "int32"), k=2),
    *rows("NthElement", A(3, 5), V(1, "int32"), dtypes=REAL),
    *rows("NthElement", A(2, 2, 5), V(0, "int32"), dtypes="float64", label="reverse", reverse=True),
    *rows("NthElement", V([[1.0, 2.0, 2.0]]), V(1, "int32"), dtypes="float64", label="ties"),
    *rows("NthElement", A(2, 3), V(3, "int32"), label="too_far", error="InvalidArgumentError"),
]
