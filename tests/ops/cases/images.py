"""Rows of ops/nn_conv.py, nn_pool.py and nn_norm.py."""

from __future__ import annotations

from ops.rows import FLOATS, A, Row, V, rows

BAD = "InvalidArgumentError"


def I(values: object, dtype: str = "int32") -> V:  # noqa: E743
    return V(values, dtype)


def same(*strides: int) -> dict[str, object]:
    return {"strides": list(strides), "padding": "SAME"}


def valid(*strides: int) -> dict[str, object]:
    return {"strides": list(strides), "padding": "VALID"}


HALF = {"atol": 0.1, "rtol": 0.02}
X, W = A(2, 5, 6, 3), A(3, 2, 3, 4)
CONV: list[Row] = [
    *rows("Conv2D", X, W, **same(1, 1, 1, 1), dtypes="float32 float64"),
    *rows("Conv2D", X, W, **same(1, 1, 1, 1), dtypes="float16 bfloat16", **HALF),
    *rows("Conv2D", X, W, **valid(1, 2, 1, 1), dtypes="float64", label="strided"),
    *rows("Conv2D", X, W, **same(1, 2, 3, 1), dtypes="float64", label="strided_same"),
    *rows(
        "Conv2D",
        X,
        W,
        **valid(1, 1, 1, 1),
        dilations=[1, 2, 3, 1],
        dtypes="float64",
        label="dilated",
        grad=False,
    ),
    *rows(
        "Conv2D",
        X,
        W,
        strides=[1, 2, 1, 1],
        padding="EXPLICIT",
        explicit_paddings=[0, 0, 1, 0, 2, 1, 0, 0],
        dtypes="float64",
        label="explicit",
    ),
    *rows("Conv2D", A(1, 4, 4, 4), A(2, 2, 2, 6), **same(1, 1, 1, 1), label="groups", grad=False),
    *rows("Conv2D", A(2, 4, 4, 3), A(1, 1, 3, 5), **valid(1, 1, 1, 1), dtypes="float64", label="pointwise"),
    *rows("Conv2D", A(1, 4, 4, 3), A(2, 2, 2, 5), **valid(1, 1, 1, 1), label="depth", error=BAD),
    *rows("Conv2D", A(1, 2, 2, 1), A(4, 4, 1, 1), **valid(1, 1, 1, 1), label="large", error=BAD),
    *rows(
        "Conv2DBackpropInput", I([2, 5, 6, 3]), W, A(2, 3, 3, 4), **same(1, 2, 2, 1), dtypes="float32 float64"
    ),
    *rows(
        "Conv2DBackpropFilter",
        X,
        I([3, 2, 3, 4]),
        A(2, 3, 3, 4),
        **same(1, 2, 2, 1),
        dtypes="float32 float64",
    ),
    *rows(
        "Conv2DBackpropInput", I([2, 5, 6, 3]), W, A(2, 4, 3, 4), **same(1, 2, 2, 1), label="shape", error=BAD
    ),
    *rows("DepthwiseConv2dNative", X, A(3, 2, 3, 2), **same(1, 1, 1, 1), dtypes="float32 float64"),
    *rows("DepthwiseConv2dNative", X, A(3, 2, 3, 1), **valid(1, 2, 2, 1), dtypes="float64", label="strided"),
    *rows("DepthwiseConv2dNative", X, A(3, 2, 2, 1), **valid(1, 1, 1, 1), label="depth", error=BAD),
    *rows(
        "DepthwiseConv2dNativeBackpropInput",
        I([2, 5, 6, 3]),
        A(3, 2, 3, 2),
        A(2, 3, 3, 6),
        **same(1, 2, 2, 1),
        dtypes="float32 float64",
    ),
    *rows(
        "DepthwiseConv2dNativeBackpropFilter",
        X,
        I([3, 2, 3, 2]),
        A(2, 3, 3, 6),
        **same(1, 2, 2, 1),
        dtypes="float32 float64",
    ),
    *rows("Conv3D", A(1, 4, 5, 3, 2), A(2, 3, 2, 2, 3), **same(1, 1, 1, 1, 1), dtypes="float32 float64"),
    *rows(
        "Conv3D",
        A(1, 4, 5, 3, 2),
        A(2, 3, 2, 2, 3),
        **valid(1, 2, 1, 1, 1),
        dtypes="float64",
        label="strided",
    ),
    *rows(
        "Conv3DBackpropInputV2",
        I([1, 4, 5, 3, 2]),
        A(2, 3, 2, 2, 3),
        A(1, 2, 3, 2, 3),
        **same(1, 2, 2, 2, 1),
        dtypes="float32 float64",
    ),
    *rows(
        "Conv3DBackpropFilterV2",
        A(1, 4, 5, 3, 2),
        I([2, 3, 2, 2, 3]),
        A(1, 2, 3, 2, 3),
        **same(1, 2, 2, 2, 1),
        dtypes="float32 float64",
    ),
]

P2 = {"ksize": [1, 3, 2, 1]}
POOL: list[Row] = [
    *rows("MaxPool", X, **P2, **same(1, 2, 2, 1), dtypes=f"{FLOATS} int32 uint8"),
    *rows("MaxPool", X, **P2, **valid(1, 1, 2, 1), dtypes="float64", label="valid"),
    *rows(
        "MaxPool",
        X,
        **P2,
        strides=[1, 2, 2, 1],
        padding="EXPLICIT",
        explicit_paddings=[0, 0, 1, 0, 1, 1, 0, 0],
        dtypes="float32",
        label="explicit",
    ),
    *rows(
        "MaxPool",
        V([[[[1.0], [1.0]], [[1.0], [1.0]]]]),
        ksize=[1, 2, 2, 1],
        **same(1, 1, 1, 1),
        dtypes="float64",
        label="ties",
    ),
    *rows("MaxPool", A(2, 3), **P2, **same(1, 2, 2, 1), label="rank", error=BAD),
    *rows("MaxPoolV2", X, I([1, 3, 2, 1]), I([1, 2, 2, 1]), padding="SAME", dtypes="float32 float64"),
    *rows("MaxPool3D", A(1, 4, 5, 3, 2), ksize=[1, 2, 2, 2, 1], **same(1, 2, 2, 1, 1), dtypes="float32"),
    *rows("AvgPool", X, **P2, **same(1, 2, 2, 1), dtypes=FLOATS),
    *rows("AvgPool", X, **P2, **valid(1, 1, 2, 1), dtypes="float64", label="valid"),
    *rows("AvgPool3D", A(1, 4, 5, 3, 2), ksize=[1, 2, 2, 2, 1], **same(1, 2, 2, 1, 1), dtypes="float32"),
    *rows("AvgPoolGrad", I([2, 5, 6, 3]), A(2, 3, 3, 3), **P2, **same(1, 2, 2, 1), dtypes="float32 float64"),
    *rows(
        "AvgPool3DGrad",
        I([1, 4, 5, 3, 2]),
        A(1, 2, 3, 3, 2),
        ksize=[1, 2, 2, 2, 1],
        **same(1, 2, 2, 1, 1),
        dtypes="float32",
    ),
]

_IMAGE = [[[[1.0], [4.0], [2.0]], [[5.0], [3.0], [0.0]]]]
_MAXIMA = [[[[5.0], [4.0]]]]
POOL += [
    *rows(
        "MaxPoolGrad",
        V(_IMAGE),
        V(_MAXIMA),
        A(1, 1, 2, 1),
        ksize=[1, 2, 2, 1],
        **valid(1, 1, 1, 1),
        dtypes="float32 float64",
    ),
    *rows(
        "MaxPoolGradV2",
        V(_IMAGE),
        V(_MAXIMA),
        A(1, 1, 2, 1),
        I([1, 2, 2, 1]),
        I([1, 1, 1, 1]),
        padding="VALID",
        dtypes="float32 float64",
    ),
    *rows(
        "MaxPoolGradGrad",
        V(_IMAGE),
        V(_MAXIMA),
        A(1, 2, 3, 1),
        ksize=[1, 2, 2, 1],
        **valid(1, 1, 1, 1),
        dtypes="float32 float64",
        grad=False,
    ),
    *rows(
        "MaxPoolGradGradV2",
        V(_IMAGE),
        V(_MAXIMA),
        A(1, 2, 3, 1),
        I([1, 2, 2, 1]),
        I([1, 1, 1, 1]),
        padding="VALID",
        dtypes="float32 float64",
        grad=False,
    ),
    *rows(
        "MaxPool3DGrad",
        V([_IMAGE]),
        V([_MAXIMA]),
        A(1, 1, 1, 2, 1),
        ksize=[1, 1, 2, 2, 1],
        **valid(1, 1, 1, 1, 1),
    ),
    *rows(
        "MaxPool3DGrad",
        V([[[[[1.0], [4.0], [4.0]], [[4.0], [3.0], [0.0]]]]]),
        V([[[[[4.0], [4.0]]]]]),
        A(1, 1, 1, 2, 1),
        ksize=[1, 1, 2, 2, 1],
        **valid(1, 1, 1, 1, 1),
        label="ties",
    ),
]

C3 = [A(3, dtype="float32"), A(3, dtype="float32")]
STATS = [A(3, dtype="float32"), A(3, low=0.5, dtype="float32")]
NONE = [V([], "float32"), V([], "float32")]
NORM: list[Row] = [
    *rows("FusedBatchNorm", X, *C3, *NONE, dtypes="float32", label="training"),
    *rows("FusedBatchNorm", X, *C3, *STATS, is_training=False, dtypes="float32"),
    *rows("FusedBatchNormV2", X, *C3, *STATS, is_training=False, dtypes="float32 bfloat16"),
    *rows("FusedBatchNormV3", X, *C3, *NONE, epsilon=1e-3, dtypes="float32 bfloat16", label="training"),
    *rows("FusedBatchNormV3", X, *C3, *STATS, exponential_avg_factor=0.25, dtypes="float32", label="moving"),
    *rows("FusedBatchNormV3", X, *C3, *STATS, is_training=False, dtypes="float32 bfloat16"),
    *rows("FusedBatchNormV3", A(1, 1, 1, 3), *C3, *NONE, dtypes="float32", label="one"),
    *rows(
        "FusedBatchNormV3",
        A(2, 3, 2, 2, 3),
        *C3,
        *NONE,
        data_format="NDHWC",
        dtypes="float32",
        label="volume",
    ),
    *rows(
        "FusedBatchNormV3",
        A(2, 3, 3, 2),
        *C3,
        *STATS,
        is_training=False,
        dtypes="float32",
        label="channels",
        error=BAD,
    ),
    *rows("FusedBatchNormGrad", X, X, C3[0], *STATS, dtypes="float32"),
    *rows("FusedBatchNormGradV2", X, X, C3[0], *STATS, is_training=False, dtypes="float32"),
    *rows("FusedBatchNormGradV3", X, X, C3[0], *STATS, V([], "float32"), dtypes="float32", label="training"),
    *rows("FusedBatchNormGradV3", X, X, C3[0], *STATS, V([], "float32"), is_training=False, dtypes="float32"),
]

ROWS: list[Row] = CONV + POOL + NORM
