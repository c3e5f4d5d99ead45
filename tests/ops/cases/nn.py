"""Rows of ops/activations.py and losses.py."""

from __future__ import annotations

from ops.rows import FLOATS, A, Row, V, rows

BAD = "InvalidArgumentError"
REAL = "float32 float64 float16 bfloat16 int32 uint8 int64"
NAN, INF = float("nan"), float("inf")
WIDE = A(3, 4, low=-9.0, high=9.0)
WILD = V([NAN, INF, -INF, -0.0, 200.0, -200.0])


def I(values: object, dtype: str = "int32") -> V:  # noqa: E743
    return V(values, dtype)


ACTIVATIONS: list[Row] = [
    *rows("Relu", WIDE, dtypes=REAL),
    *rows("Relu", A(), dtypes="float64", label="scalar"),
    *rows("Relu", A(0), label="empty"),
    *rows("ReluGrad", A(3, 4), WIDE, dtypes=REAL),
    *rows("ReluGrad", A(2), A(1), label="mismatch", error=BAD),
    *rows("Relu6", WIDE, dtypes=REAL),
    *rows("Relu6Grad", A(3, 4), WIDE, dtypes=REAL),
    *rows("Elu", WIDE, dtypes=FLOATS),
    *rows("EluGrad", A(3, 4), A(3, 4), dtypes=FLOATS),
    *rows("Selu", WIDE, dtypes=FLOATS),
    *rows("SeluGrad", A(3, 4), A(3, 4), dtypes=FLOATS),
    *rows("LeakyRelu", WIDE, dtypes=FLOATS),
    *rows("LeakyRelu", WIDE, alpha=1.5, dtypes="float64", label="steep"),
    *rows("LeakyReluGrad", A(3, 4), WIDE, alpha=0.1, dtypes=FLOATS, rtol=5e-3),
    *rows("Softplus", WIDE, dtypes=FLOATS),
    *rows("SoftplusGrad", A(3, 4), WIDE, dtypes=FLOATS),
    *rows("Softsign", WIDE, dtypes=FLOATS),
    *rows("SoftsignGrad", A(3, 4), WIDE, dtypes=FLOATS),
    *[
        row
        for op in ("Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Softplus", "Softsign")
        for row in rows(op, WILD, label="wild")
    ],
]

CLASSES: list[Row] = [
    *rows("Softmax", WIDE, dtypes=FLOATS),
    *rows("Softmax", A(2, 3, 4), dtypes="float64", label="rank3"),
    *rows("Softmax", A(4), dtypes="float64", label="vector"),
    *rows("Softmax", A(2, 0), label="empty"),
    *rows("Softmax", V([[1000.0, 1001.0], [-INF, 0.0]]), label="wild"),
    *rows("LogSoftmax", WIDE, dtypes=FLOATS, atol=4e-2),
    *rows("LogSoftmax", A(2, 3, 4), dtypes="float64", label="rank3"),
    *rows("SoftmaxCrossEntropyWithLogits", WIDE, A(3, 4, low=0.0, high=1.0), dtypes=FLOATS, atol=4e-2),
    *rows(
        "SoftmaxCrossEntropyWithLogits",
        A(3, 4),
        A(1, 4, low=0.0),
        dtypes="float64",
        label="broadcast",
        grad=False,
    ),
    *rows("SoftmaxCrossEntropyWithLogits", A(0, 4), A(0, 4), label="empty"),
    *rows("SoftmaxCrossEntropyWithLogits", A(4), A(4), label="rank", error=BAD),
    *rows("SoftmaxCrossEntropyWithLogits", A(2, 4), A(3, 4), label="mismatch", error=BAD),
    *rows("SparseSoftmaxCrossEntropyWithLogits", WIDE, I([3, 0, 1]), dtypes=FLOATS, atol=4e-2),
    *rows(
        "SparseSoftmaxCrossEntropyWithLogits", A(2, 3), I([2, 2], "int64"), dtypes="float64", label="int64"
    ),
    *rows("SparseSoftmaxCrossEntropyWithLogits", A(2, 3), I([0, 3]), label="range", error=BAD),
    *rows("SparseSoftmaxCrossEntropyWithLogits", A(2, 3), I([0, -1]), label="negative", error=BAD),
    *rows("SparseSoftmaxCrossEntropyWithLogits", A(2, 3), I([0]), label="mismatch", error=BAD),
]

BIASES: list[Row] = [
    *rows("BiasAdd", A(2, 3), A(3), dtypes=f"{REAL} complex64"),
    *rows("BiasAdd", A(2, 3, 4, 5), A(5), dtypes="float64", label="rank4"),
    *rows("BiasAdd", A(2, 3, 4, 5), A(3), data_format="NCHW", dtypes="float32 float64", label="nchw"),
    *rows("BiasAdd", A(2, 3), A(3), data_format="NCHW", dtypes="float64", label="nchw_rank2"),
    *rows("BiasAdd", A(2, 3), A(1), label="one", error=BAD),
    *rows("BiasAdd", A(3), A(3), label="rank", error=BAD),
    *rows("BiasAddV1", A(2, 3), A(3), dtypes="float32 float64"),
    *rows("BiasAddGrad", A(2, 3, 4), dtypes="float32 float64 bfloat16 int32"),
    *rows("BiasAddGrad", A(2, 3, 4), data_format="NCHW", dtypes="float64", label="nchw"),
    *rows("BiasAddGrad", A(3), label="rank", error=BAD),
]

ROWS: list[Row] = ACTIVATIONS + CLASSES + BIASES
