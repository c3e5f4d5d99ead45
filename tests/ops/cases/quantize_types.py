"""Rows of ops/quantize_types.py, ops/incomplete.py, ops/image_boxes.py and ops/candidates.py."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

QUANTIZED = "qint8 quint8 qint16 quint16"
NAN, INF = float("nan"), float("inf")
X = V([[-3.0, -1.0, -0.5], [0.0, 0.24, 0.26], [1.0, 2.9, 7.0]])
LOW, HIGH = V(-1.0, "float32"), V(3.0, "float32")
AXIS = [V([-1.0, -2.0, 0.0], "float32"), V([1.0, 3.0, 6.0], "float32")]
A_, X_ = V([[0.1], [1.0], [2.5], [10.0], [150.0]]), V([[0.01, 0.5, 1.0, 3.0, 9.0, 40.0, 160.0]])
EDGES = V([-1.0, 0.0, 1.0, INF, NAN, 2.0])
BESSEL = V([-80.0, -30.0, -2.0, -0.1, 0.0, 1e-5, 1.0, 7.5, 59.0, 61.0, 85.0])
IMAGE = A(2, 9, 12, 3, low=0, high=1)
BOXES = V(
    [[[0.1, 0.2, 0.7, 0.9], [-0.5, 0.5, 0.5, 1.5]], [[0.0, 0.0, 1.0, 1.0], [0.9, 0.1, 0.2, 0.5]]], "float32"
)
INSIDE = V([[[0.1, 0.2, 0.7, 0.9]]], "float32")
OFFSETS = V([[0.2, -0.4], [-1.0, 0.9]], "float32")
SAMPLED = {"num_true": 1, "num_sampled": 4, "range_max": 9, "seed": 3}


def quantized() -> list[Row]:
    out: list[Row] = []
    for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
        for kind in QUANTIZED.split():
            if (mode, kind) == ("MIN_FIRST", "quint8"):
                continue  # TensorFlow's own answers differ by one with and without oneDNN
            out += rows("QuantizeV2", X, LOW, HIGH, label=f"{mode}-{kind}", T=kind, mode=mode)
    out += rows("QuantizeV2", X, *AXIS, label="axis", T="qint8", mode="SCALED", axis=1)
    out += rows("QuantizeV2", X, *AXIS, label="axis-combined", T="quint8", mode="MIN_COMBINED", axis=0)
    out += rows("QuantizeV2", X, LOW, HIGH, label="narrow", T="qint8", mode="SCALED", narrow_range=True)
    out += rows("QuantizeV2", X, HIGH, LOW, label="wrong-order", T="quint8", error="InvalidArgumentError")
    return out


def glimpses() -> list[Row]:
    out: list[Row] = []
    pixels = V([[4.0, 5.0], [-1.5, 11.0]], "float32")
    for op in ("ExtractGlimpse", "ExtractGlimpseV2"):
        for centered in (True, False):
            for normalized in (True, False):
                at = OFFSETS if normalized else pixels
                attrs = {
                    "centered": centered,
                    "normalized": normalized,
                    "noise": "zero",
                    "uniform_noise": False,
                }
                out += rows(op, IMAGE, V([4, 5], "int32"), at, label=f"{centered}-{normalized}", **attrs)
    return out


ROWS: list[Row] = [
    *quantized(),
    *rows("Igamma", A_, X_, dtypes="float32 float64", rtol=2e-5, grad=False),
    *rows("Igammac", A_, X_, dtypes="float32 float64", rtol=2e-4, grad=False),
    *rows("Igamma", V([0.5, 1.0, 3.0]), V([0.5, 1.0, 3.0]), label="same", dtypes="float32", grad=False),
    *rows("Igamma", V([[1.0]]), EDGES, label="edges", dtypes="float64", grad=False),
    *rows("Igammac", V([[1.0]]), EDGES, label="edges", dtypes="float64", grad=False),
    *rows("Betainc", V([0.5, 2.0, 20.0, 1.0, 30.0]), V([0.5, 3.0, 30.0, 4.0, 0.2]), V([0.1, 0.9, 0.4, 0.5, 0.99]),
          dtypes="float32 float64", rtol=1e-4, grad=False),
    *rows("Betainc", V([1.0, 2.0, 0.0, 1.0]), V([1.0, 3.0, 1.0, 1.0]), V([0.0, 1.0, 0.5, 1.5]), label="edges",
          dtypes="float64", grad=False),
    *rows("BesselI0e", BESSEL, dtypes="float16 float32 float64", grad=False),
    *rows("BesselI1e", BESSEL, dtypes="float16 float32 float64", grad=False),
    *rows("BesselI0", V([-5.0, 0.0, 0.5, 20.0]), dtypes="float32 float64", grad=False),
    *rows("BesselI1", V([-5.0, 0.0, 0.5, 20.0]), dtypes="float32 float64", grad=False),
    *rows("DrawBoundingBoxes", IMAGE, BOXES, dtypes="float32 float16"),
    *rows("DrawBoundingBoxesV2", IMAGE, BOXES, V([[1.0, 0.0, 0.5]], "float32")),
    *rows("DrawBoundingBoxes", A(1, 4, 4, 2), V([[[0.1, 0.1, 0.9, 0.9]]], "float32"), label="depth",
          error="InvalidArgumentError"),
    *glimpses(),
    *rows("ExtractGlimpseV2", IMAGE, V([4, 5], "int32"), OFFSETS, label="noise", compare="shape"),
    *rows("SampleDistortedBoundingBox", V([20, 30, 3], "int32"), INSIDE, seed=5, compare="shape"),
    *rows("SampleDistortedBoundingBoxV2", V([20, 30, 3], "int64"), INSIDE, V(0.3, "float32"), seed=5, compare="shape"),
    *rows("UniformCandidateSampler", V([[1], [3]], "int64"), unique=False, **SAMPLED, compare="shape"),
    *rows("LogUniformCandidateSampler", V([[1], [3]], "int64"), unique=True, **SAMPLED, compare="shape"),
    *rows("LogUniformCandidateSampler", V([[1], [9]], "int64"), unique=True, **SAMPLED, label="class",
          error="InvalidArgumentError"),
    *rows("HistogramFixedWidth", A(4, 5), V([-1.0, 2.0]), V(5, "int32"), dtypes="float32 float64"),
    *rows("HistogramFixedWidth", A(20, low=0, high=9), V([0, 8]), V(3, "int32"), label="whole", dtypes="int32 int64",
          dtype="int64"),
    *rows("HistogramFixedWidth", A(4), V([2.0, 1.0]), V(3, "int32"), label="order", error="InvalidArgumentError"),
    *rows("ControlTrigger"),
]  # fmt: skip
