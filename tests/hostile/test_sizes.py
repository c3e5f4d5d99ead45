"""Ops whose result is as large as the graph says: a size over the limit is refused before anything is made."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from calque_runtime import ops
from calque_runtime.environment import Environment, Limits
from calque_runtime.errors import ResourceExhaustedError
from calque_runtime.op import Op, Site, dtype_of

LIMIT = 1 << 20  # bytes
BIG = 1 << 11  # squared it is four times the limit, and nothing that a test could not bear

F32, I32, I64 = np.float32, np.int32, np.int64


def ints(*values: int) -> Any:
    return np.array(values, I32)


def strings(*values: bytes) -> Any:
    return np.array(values, object)


ONE = F32([1.0])
ZERO = ints(0)
IMAGE = np.zeros((1, 2, 2, 1), F32)
VOLUME = np.zeros((1, 2, 2, 2, 1), F32)
KEY = (np.array([1], np.uint64), np.array([0, 0], np.uint64), I32(1))
SEED = np.array([1, 2], I64)
FILTER = np.zeros((1, 1, 1, 1), F32)
POOL: dict[str, Any] = {"ksize": (1, 1, 1, 1), "strides": (1, 1, 1, 1), "padding": "VALID"}
CONV: dict[str, Any] = {"strides": (1, 1, 1, 1), "padding": "SAME"}
CONV3: dict[str, Any] = {"strides": (1, 1, 1, 1, 1), "padding": "SAME"}
NEAREST = {"interpolation": "NEAREST"}
WIDE = {"padding": "EXPLICIT", "explicit_paddings": (0, 0, BIG, 0, BIG, 0, 0, 0)}
COMPLEX = np.zeros((1, 1), np.complex64)

# Op, inputs, attributes.
ROWS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Fill", (ints(BIG, BIG), F32(1)), {}),
    ("Range", (I32(0), I32(BIG * BIG), I32(1)), {}),
    ("Range", (F32(0), F32(1e30), F32(1e-3)), {}),
    ("Range", (I64(0), I64(1 << 62), I64(1)), {}),
    ("LinSpace", (F32(0), F32(1), I32(BIG * BIG)), {}),
    ("Tile", (ONE, ints(BIG * BIG)), {}),
    ("BroadcastTo", (ONE, ints(BIG, BIG)), {}),
    ("OneHot", (ints(*range(BIG)), I32(BIG), F32(1), F32(0)), {}),
    ("Pad", (ONE, np.array([[0, BIG * BIG]], I32)), {}),
    ("PadV2", (ONE, np.array([[BIG * BIG, 0]], I32), F32(0)), {}),
    (
        "MirrorPad",
        (np.zeros(BIG * BIG // 8, F32), np.array([[0, BIG * BIG // 8]], I32)),
        {"mode": "SYMMETRIC"},
    ),
    ("SpaceToBatchND", (IMAGE, ints(1, 1), np.array([[0, BIG], [0, BIG]], I32)), {}),
    ("SpaceToBatch", (IMAGE, np.array([[0, BIG], [0, BIG]], I32)), {"block_size": 2}),
    ("ScatterNd", (np.zeros((1, 1), I32), ONE, ints(BIG * BIG)), {}),
    ("StridedSliceGrad", (ints(BIG * BIG), ints(0), ints(1), ints(1), ONE), {}),
    ("MatrixDiagV2", (ONE, I32(0), I32(BIG * BIG), I32(1), F32(0)), {}),
    ("MatrixDiagV3", (ONE, I32(0), I32(1), I32(BIG * BIG), F32(0)), {}),
    ("MatrixDiag", (np.zeros(BIG, F32),), {}),
    ("Diag", (np.zeros(BIG, F32),), {}),
    ("UnsortedSegmentSum", (ONE, ZERO, I32(BIG * BIG)), {}),
    ("UnsortedSegmentMax", (ONE, ZERO, I32(BIG * BIG)), {}),
    ("UnsortedSegmentJoin", (strings(b"a"), ZERO, I32(BIG * BIG)), {}),
    ("SegmentSum", (ONE, ints(BIG * BIG)), {}),
    ("SegmentMax", (ONE, ints(BIG * BIG)), {}),
    ("SparseSegmentSumWithNumSegments", (ONE, ZERO, ZERO, I32(BIG * BIG)), {}),
    ("SparseSegmentMeanGrad", (ONE, ZERO, ZERO, I32(BIG * BIG)), {}),
    ("DynamicStitch", ([ints(BIG * BIG)], [ONE]), {}),
    ("Bincount", (ZERO, I32(BIG * BIG), np.zeros(0, F32)), {}),
    ("DenseBincount", (ZERO, I32(BIG * BIG), np.zeros(0, F32)), {}),
    ("RandomUniform", (ints(BIG, BIG),), {"dtype": "float32"}),
    ("RandomStandardNormal", (ints(BIG, BIG),), {"dtype": "float32"}),
    ("TruncatedNormal", (ints(BIG, BIG),), {"dtype": "float32"}),
    ("RandomUniformInt", (ints(BIG, BIG), I32(0), I32(9)), {}),
    ("RandomGamma", (ints(BIG * BIG), ONE), {}),
    ("RandomPoissonV2", (ints(BIG * BIG), ONE), {}),
    ("ParameterizedTruncatedNormal", (ints(BIG * BIG), F32(0), F32(1), F32(-1), F32(1)), {}),
    ("StatelessRandomUniform", (ints(BIG, BIG), SEED), {}),
    ("StatelessRandomNormal", (ints(BIG, BIG), SEED), {}),
    ("StatelessTruncatedNormal", (ints(BIG, BIG), SEED), {}),
    ("StatelessRandomUniformInt", (ints(BIG, BIG), SEED, I32(0), I32(9)), {}),
    ("StatelessRandomUniformFullInt", (ints(BIG, BIG), SEED), {}),
    ("StatelessRandomGammaV2", (ints(BIG * BIG), SEED, ONE), {}),
    ("StatelessRandomPoisson", (ints(BIG * BIG), SEED, ONE), {"dtype": "float32"}),
    ("StatelessRandomUniformV2", (ints(BIG, BIG), *KEY), {}),
    ("StatelessRandomNormalV2", (ints(BIG, BIG), *KEY), {}),
    ("StatelessRandomUniformFullIntV2", (ints(BIG, BIG), *KEY), {}),
    ("StatelessRandomUniformIntV2", (ints(BIG, BIG), *KEY, I32(0), I32(9)), {}),
    ("StatelessTruncatedNormalV2", (ints(BIG, BIG), *KEY), {}),
    ("Multinomial", (np.zeros((1, 2), F32), I32(BIG * BIG)), {}),
    ("StatelessMultinomial", (np.zeros((1, 2), F32), I32(BIG * BIG), SEED), {}),
    ("ResizeBilinear", (IMAGE, ints(BIG, BIG)), {}),
    ("ResizeNearestNeighbor", (IMAGE, ints(BIG, BIG)), {}),
    ("ResizeBicubic", (IMAGE, ints(BIG, BIG)), {}),
    ("ResizeArea", (IMAGE, ints(BIG, BIG)), {}),
    ("ResizeNearestNeighborGrad", (IMAGE, ints(BIG, BIG)), {}),
    ("CropAndResize", (IMAGE, np.zeros((1, 4), F32), ZERO, ints(BIG, BIG)), {}),
    ("CropAndResizeGradImage", (IMAGE, np.zeros((1, 4), F32), ZERO, ints(1, BIG, BIG, 1)), {"T": "float32"}),
    ("ImageProjectiveTransformV2", (IMAGE, np.ones((1, 8), F32), ints(BIG, BIG)), NEAREST),
    ("ImageProjectiveTransformV3", (IMAGE, np.ones((1, 8), F32), ints(BIG, BIG), F32(0)), NEAREST),
    ("AvgPoolGrad", (ints(1, BIG, BIG, 1), np.zeros((1, BIG, BIG, 1), F32)), POOL),
    ("Conv2DBackpropInput", (ints(1, BIG, BIG, 1), FILTER, np.zeros((1, BIG, BIG, 1), F32)), CONV),
    (
        "DepthwiseConv2dNativeBackpropInput",
        (ints(1, BIG, BIG, 1), FILTER, np.zeros((1, BIG, BIG, 1), F32)),
        CONV,
    ),
    ("Conv2DBackpropFilter", (IMAGE, ints(BIG, BIG, 1, 1), IMAGE), CONV),
    (
        "Conv3DBackpropInputV2",
        (ints(1, BIG, BIG, 1, 1), FILTER[None], np.zeros((1, BIG, BIG, 1, 1), F32)),
        CONV3,
    ),
    ("Conv3DBackpropFilterV2", (VOLUME, ints(BIG, BIG, 1, 1, 1), VOLUME), CONV3),
    ("DepthwiseConv2dNativeBackpropFilter", (IMAGE, ints(BIG, BIG, 1, 1), IMAGE), CONV),
    ("Conv2D", (IMAGE, FILTER), CONV | WIDE),
    ("DepthwiseConv2dNative", (IMAGE, FILTER), CONV | WIDE),
    ("MaxPool", (IMAGE,), POOL | WIDE),
    ("AvgPool", (IMAGE,), POOL | {"ksize": (1, BIG, BIG, 1), "padding": "SAME"}),
    (
        "MaxPool3D",
        (VOLUME,),
        {"ksize": (1, BIG, BIG, BIG, 1), "strides": (1, 1, 1, 1, 1), "padding": "SAME"},
    ),
    (
        "AvgPool3DGrad",
        (ints(1, BIG, BIG, 1, 1), np.zeros((1, BIG, BIG, 1, 1), F32)),
        {"ksize": (1, 1, 1, 1, 1), "strides": (1, 1, 1, 1, 1), "padding": "VALID"},
    ),
    (
        "ExtractVolumePatches",
        (VOLUME,),
        {"ksizes": (1, BIG, BIG, 1, 1), "strides": (1, 1, 1, 1, 1), "padding": "SAME"},
    ),
    ("ScaleAndTranslate", (IMAGE, ints(BIG, BIG), np.ones(2, F32), np.zeros(2, F32)), {}),
    ("RFFT", (ONE, ints(BIG * BIG)), {}),
    ("IRFFT", (COMPLEX[0], ints(BIG * BIG)), {}),
    ("RFFT2D", (np.zeros((1, 1), F32), ints(BIG, BIG)), {}),
    ("IRFFT2D", (COMPLEX, ints(BIG, BIG)), {}),
    ("IRFFT3D", (COMPLEX[None], ints(1, BIG, BIG)), {}),
    ("UnsortedSegmentProd", (ONE, ZERO, I32(BIG * BIG)), {}),
    ("SegmentMean", (ONE, ints(BIG * BIG)), {}),
    ("SparseSegmentSum", (ONE, ZERO, ints(BIG * BIG)), {}),
    ("SparseSegmentSqrtNWithNumSegments", (ONE, ZERO, ZERO, I32(BIG * BIG)), {}),
    ("SparseFillEmptyRows", (np.zeros((0, 2), I64), ONE[:0], I64([BIG * BIG, 1]), F32(0)), {}),
    ("SparseReduceSum", (I64([[0, 0]]), ONE, I64([BIG * BIG, 1]), ints(1)), {}),
    ("SparseTensorDenseMatMul", (I64([[0, 0]]), ONE, I64([BIG * BIG, 1]), ONE[None]), {}),
    ("SparseBincount", (I64([[0]]), ZERO, I64([BIG * BIG]), I32(BIG * BIG), ONE[:0]), {}),
    ("RaggedBincount", (I64([0, 1]), ZERO, I32(BIG * BIG), ONE[:0]), {}),
    ("DecodePaddedRaw", (strings(b"a"), I32(BIG * BIG)), {"out_type": "float32"}),
    ("AudioSpectrogram", (np.zeros((8 * BIG, 1), F32),), {"window_size": BIG, "stride": 1}),
    (
        "LogUniformCandidateSampler",
        (I64([[0]]),),
        {"num_true": 1, "num_sampled": BIG * BIG, "unique": False, "range_max": 1 << 40},
    ),
    ("StatelessRandomGammaV3", (ints(BIG * BIG), *KEY, ONE), {}),
    ("FakeParam", (), {"dtype": "float32", "shape": (BIG, BIG)}),
    ("AsString", (ONE,), {"width": BIG * BIG}),
    (
        "StringNGrams",
        (strings(b"a"), ints(0, 1)),
        {
            "separator": "",
            "ngram_widths": (1 << 18,),
            "left_pad": "p",
            "right_pad": "p",
            "pad_width": 1 << 18,
            "preserve_short_sequences": False,
        },
    ),
    ("TensorListReserve", (ints(1), I32(BIG * BIG)), {"element_dtype": "float32"}),
    ("TensorArrayV3", (I32(BIG * BIG),), {"dtype": "float32"}),
    ("RaggedRange", (ZERO, ints(BIG * BIG), ints(1)), {}),
    (
        "RaggedTensorToTensor",
        (I64([BIG, BIG]), ONE, F32(0), [I64([0, 1])]),
        {"row_partition_types": (b"ROW_SPLITS",)},
    ),
    ("SparseToDense", (I64([0]), I64([BIG * BIG]), F32(1), F32(0)), {}),
    (
        "ExtractImagePatches",
        (IMAGE,),
        {"ksizes": (1, BIG, BIG, 1), "strides": (1, 1, 1, 1), "rates": (1, 1, 1, 1), "padding": "SAME"},
    ),
    (
        "NonMaxSuppressionV4",
        (np.zeros((1, 4), F32), ONE, I32(BIG * BIG), F32(0.5), F32(0.5)),
        {"pad_to_max_output_size": True},
    ),
    (
        "NonMaxSuppressionV5",
        (np.zeros((1, 4), F32), ONE, I32(BIG * BIG), F32(0.5), F32(0.5), F32(0)),
        {"pad_to_max_output_size": True},
    ),
    (
        "CombinedNonMaxSuppression",
        (
            np.zeros((1, 1, 1, 4), F32),
            np.zeros((1, 1, 1), F32),
            I32(BIG * BIG),
            I32(BIG * BIG),
            F32(0.5),
            F32(0.5),
        ),
        {"pad_per_class": True},
    ),
    (
        "MutableDenseHashTableV2",
        (I64(-1), I64(-2)),
        {"key_dtype": "int64", "value_dtype": "float32", "initial_num_buckets": BIG * BIG},
    ),
]


def site_of(op: Op, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> tuple[Site, list[Any]]:
    types = [[dtype_of(x) for x in one] if isinstance(one, list) else dtype_of(one) for one in inputs]
    full = op.signature.complete(types, attrs)
    flat = [x for one in inputs for x in (one if isinstance(one, list) else [one])]
    env = Environment(limits=Limits(max_bytes=LIMIT))
    return Site(op, full, [dtype_of(x) for x in flat], None, None, "n", env), flat


@pytest.mark.parametrize(("name", "inputs", "attrs"), ROWS, ids=[f"{n}{k}" for k, (n, *_) in enumerate(ROWS)])
def test_size_over_the_limit(name: str, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> None:
    op = ops.find(name)
    if op is None:
        pytest.skip("there is no such op yet")
    site, flat = site_of(op, inputs, attrs)
    tracemalloc.start()
    try:
        with pytest.raises(ResourceExhaustedError) as caught:
            op.bind(site)(*flat)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "Limits.max_bytes" in str(caught.value)
    assert name in str(caught.value)
    assert peak < 4 * LIMIT
