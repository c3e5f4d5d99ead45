"""Ops whose result is as large as the graph says: a size over the limit is refused before anything is made."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, ops
from calque_runtime.environment import Environment, Limits
from calque_runtime.errors import OpError, ResourceExhaustedError
from calque_runtime.op import Op, Site, dtype_of

LIMIT = 1 << 20  # bytes
BIG = 1 << 11  # squared it is four times the limit, and nothing that a test could not bear

F, I, L = np.float32, np.int32, np.int64


def i(*values: int) -> Any:
    return np.array(values, I)


def strings(*values: bytes) -> Any:
    return np.array(values, object)


ONE = F([1.0])
ZERO = i(0)
IMAGE = np.zeros((1, 2, 2, 1), F)
VOLUME = np.zeros((1, 2, 2, 2, 1), F)
KEY = (np.array([1], np.uint64), np.array([0, 0], np.uint64), I(1))
SEED = np.array([1, 2], L)
FILTER = np.zeros((1, 1, 1, 1), F)
POOL: dict[str, Any] = {"ksize": (1, 1, 1, 1), "strides": (1, 1, 1, 1), "padding": "VALID"}
CONV: dict[str, Any] = {"strides": (1, 1, 1, 1), "padding": "SAME"}
CONV3: dict[str, Any] = {"strides": (1, 1, 1, 1, 1), "padding": "SAME"}
NEAREST = {"interpolation": "NEAREST"}

# Op, inputs, attributes.
ROWS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Fill", (i(BIG, BIG), F(1)), {}),
    ("Range", (I(0), I(BIG * BIG), I(1)), {}),
    ("Range", (F(0), F(1e30), F(1e-3)), {}),
    ("Range", (L(0), L(1 << 62), L(1)), {}),
    ("LinSpace", (F(0), F(1), I(BIG * BIG)), {}),
    ("Tile", (ONE, i(BIG * BIG)), {}),
    ("BroadcastTo", (ONE, i(BIG, BIG)), {}),
    ("OneHot", (i(*range(BIG)), I(BIG), F(1), F(0)), {}),
    ("Pad", (ONE, np.array([[0, BIG * BIG]], I)), {}),
    ("PadV2", (ONE, np.array([[BIG * BIG, 0]], I), F(0)), {}),
    ("MirrorPad", (np.zeros(BIG * BIG // 8, F), np.array([[0, BIG * BIG // 8]], I)), {"mode": "SYMMETRIC"}),
    ("SpaceToBatchND", (IMAGE, i(1, 1), np.array([[0, BIG], [0, BIG]], I)), {}),
    ("SpaceToBatch", (IMAGE, np.array([[0, BIG], [0, BIG]], I)), {"block_size": 2}),
    ("ScatterNd", (np.zeros((1, 1), I), ONE, i(BIG * BIG)), {}),
    ("StridedSliceGrad", (i(BIG * BIG), i(0), i(1), i(1), ONE), {}),
    ("MatrixDiagV2", (ONE, I(0), I(BIG * BIG), I(1), F(0)), {}),
    ("MatrixDiagV3", (ONE, I(0), I(1), I(BIG * BIG), F(0)), {}),
    ("MatrixDiag", (np.zeros(BIG, F),), {}),
    ("Diag", (np.zeros(BIG, F),), {}),
    ("UnsortedSegmentSum", (ONE, ZERO, I(BIG * BIG)), {}),
    ("UnsortedSegmentMax", (ONE, ZERO, I(BIG * BIG)), {}),
    ("UnsortedSegmentJoin", (strings(b"a"), ZERO, I(BIG * BIG)), {}),
    ("SegmentSum", (ONE, i(BIG * BIG)), {}),
    ("SegmentMax", (ONE, i(BIG * BIG)), {}),
    ("SparseSegmentSumWithNumSegments", (ONE, ZERO, ZERO, I(BIG * BIG)), {}),
    ("SparseSegmentMeanGrad", (ONE, ZERO, ZERO, I(BIG * BIG)), {}),
    ("DynamicStitch", ([i(BIG * BIG)], [ONE]), {}),
    ("Bincount", (ZERO, I(BIG * BIG), np.zeros(0, F)), {}),
    ("DenseBincount", (ZERO, I(BIG * BIG), np.zeros(0, F)), {}),
    ("RandomUniform", (i(BIG, BIG),), {"dtype": "float32"}),
    ("RandomStandardNormal", (i(BIG, BIG),), {"dtype": "float32"}),
    ("TruncatedNormal", (i(BIG, BIG),), {"dtype": "float32"}),
    ("RandomUniformInt", (i(BIG, BIG), I(0), I(9)), {}),
    ("RandomGamma", (i(BIG * BIG), ONE), {}),
    ("RandomPoissonV2", (i(BIG * BIG), ONE), {}),
    ("ParameterizedTruncatedNormal", (i(BIG * BIG), F(0), F(1), F(-1), F(1)), {}),
    ("StatelessRandomUniform", (i(BIG, BIG), SEED), {}),
    ("StatelessRandomNormal", (i(BIG, BIG), SEED), {}),
    ("StatelessTruncatedNormal", (i(BIG, BIG), SEED), {}),
    ("StatelessRandomUniformInt", (i(BIG, BIG), SEED, I(0), I(9)), {}),
    ("StatelessRandomUniformFullInt", (i(BIG, BIG), SEED), {}),
    ("StatelessRandomGammaV2", (i(BIG * BIG), SEED, ONE), {}),
    ("StatelessRandomPoisson", (i(BIG * BIG), SEED, ONE), {"dtype": "float32"}),
    ("StatelessRandomUniformV2", (i(BIG, BIG), *KEY), {}),
    ("StatelessRandomNormalV2", (i(BIG, BIG), *KEY), {}),
    ("StatelessRandomUniformFullIntV2", (i(BIG, BIG), *KEY), {}),
    ("StatelessRandomUniformIntV2", (i(BIG, BIG), *KEY, I(0), I(9)), {}),
    ("StatelessTruncatedNormalV2", (i(BIG, BIG), *KEY), {}),
    ("Multinomial", (np.zeros((1, 2), F), I(BIG * BIG)), {}),
    ("StatelessMultinomial", (np.zeros((1, 2), F), I(BIG * BIG), SEED), {}),
    ("ResizeBilinear", (IMAGE, i(BIG, BIG)), {}),
    ("ResizeNearestNeighbor", (IMAGE, i(BIG, BIG)), {}),
    ("ResizeBicubic", (IMAGE, i(BIG, BIG)), {}),
    ("ResizeArea", (IMAGE, i(BIG, BIG)), {}),
    ("ResizeNearestNeighborGrad", (IMAGE, i(BIG, BIG)), {}),
    ("CropAndResize", (IMAGE, np.zeros((1, 4), F), ZERO, i(BIG, BIG)), {}),
    ("CropAndResizeGradImage", (IMAGE, np.zeros((1, 4), F), ZERO, i(1, BIG, BIG, 1)), {"T": "float32"}),
    ("ImageProjectiveTransformV2", (IMAGE, np.ones((1, 8), F), i(BIG, BIG)), NEAREST),
    ("ImageProjectiveTransformV3", (IMAGE, np.ones((1, 8), F), i(BIG, BIG), F(0)), NEAREST),
    ("AvgPoolGrad", (i(1, BIG, BIG, 1), np.zeros((1, BIG, BIG, 1), F)), POOL),
    ("Conv2DBackpropInput", (i(1, BIG, BIG, 1), FILTER, np.zeros((1, BIG, BIG, 1), F)), CONV),
    ("DepthwiseConv2dNativeBackpropInput", (i(1, BIG, BIG, 1), FILTER, np.zeros((1, BIG, BIG, 1), F)), CONV),
    ("Conv2DBackpropFilter", (IMAGE, i(BIG, BIG, 1, 1), IMAGE), CONV),
    ("Conv3DBackpropInputV2", (i(1, BIG, BIG, 1, 1), FILTER[None], np.zeros((1, BIG, BIG, 1, 1), F)), CONV3),
    ("FakeParam", (), {"dtype": "float32", "shape": (BIG, BIG)}),
    ("AsString", (ONE,), {"width": BIG * BIG}),
    ("StringNGrams", (strings(b"a"), i(0, 1)), {
        "separator": "", "ngram_widths": (1 << 18,), "left_pad": "p", "right_pad": "p", "pad_width": 1 << 18,
        "preserve_short_sequences": False,
    }),
    ("TensorListReserve", (i(1), I(BIG * BIG)), {"element_dtype": "float32"}),
    ("TensorArrayV3", (I(BIG * BIG),), {"dtype": "float32"}),
    ("RaggedRange", (ZERO, i(BIG * BIG), i(1)), {}),
    ("RaggedTensorToTensor", (L([BIG, BIG]), ONE, F(0), [L([0, 1])]), {"row_partition_types": (b"ROW_SPLITS",)}),
    ("SparseToDense", (L([0]), L([BIG * BIG]), F(1), F(0)), {}),
    ("ExtractImagePatches", (IMAGE, ), {"ksizes": (1, BIG, BIG, 1), "strides": (1, 1, 1, 1), "rates": (1, 1, 1, 1), "padding": "SAME"}),
    ("NonMaxSuppressionV4", (np.zeros((1, 4), F), ONE, I(BIG * BIG), F(0.5), F(0.5)), {"pad_to_max_output_size": True}),
    ("CombinedNonMaxSuppression", (np.zeros((1, 1, 1, 4), F), np.zeros((1, 1, 1), F), I(BIG * BIG), I(BIG * BIG), F(0.5), F(0.5)), {"pad_per_class": True}),
    ("MutableDenseHashTableV2", (L(-1), L(-2)), {"key_dtype": "int64", "value_dtype": "float32", "initial_num_buckets": BIG * BIG}),
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
