"""Rows of ops/image_resize.py, image_warp.py and image_color.py."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"
ALL = "int8 uint8 int16 uint16 int32 int64 float16 float32 float64 bfloat16"


def I(*values: int) -> V:  # noqa: E743
    return V(list(values), "int32")


X = A(2, 5, 4, 3)
RESIZE: list[Row] = []
LOOSE = {"rtol": 1e-5, "atol": 1e-5}  # also of float64: weights and products are float32
for op in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea"):
    RESIZE += rows(op, X, I(7, 9), dtypes="float64 uint8", **LOOSE)
    RESIZE += rows(op, X, I(7, 9), dtypes=ALL, label="types", grad=False)
    for label, size in (
        ("down", (2, 3)),
        ("one", (1, 1)),
        ("same", (5, 4)),
        ("mixed", (3, 11)),
        ("large", (16, 13)),
    ):
        RESIZE += rows(op, X, I(*size), dtypes="float64 uint8", **LOOSE, label=label)
        RESIZE += rows(
            op, X, I(*size), align_corners=True, dtypes="float64 uint8", **LOOSE, label=f"{label}_align"
        )
        if op != "ResizeArea":
            RESIZE += rows(
                op,
                X,
                I(*size),
                half_pixel_centers=True,
                dtypes="float64 uint8",
                **LOOSE,
                label=f"{label}_half",
            )
    RESIZE += rows(op, A(1, 1, 1, 2), I(3, 2), dtypes="float64", **LOOSE, label="pixel")
    RESIZE += rows(op, A(0, 3, 2, 2), I(3, 2), label="empty")
    RESIZE += rows(op, A(3, 2, 2), I(3, 2), label="rank", error=BAD)
    RESIZE += rows(op, X, I(3, 0), label="zero", error=BAD)
    RESIZE += rows(op, X, I(3), label="size", error=BAD)
    RESIZE += rows(op, A(2, 0, 3, 1), I(3, 2), label="nothing", error=BAD)
RESIZE += [
    *rows(
        "ResizeBilinearGrad",
        A(2, 7, 9, 3, dtype="float32"),
        X,
        dtypes="float16 bfloat16 float32 float64",
        atol=0.05,
    ),
    *rows("ResizeBilinearGrad", A(2, 2, 3, 3, dtype="float32"), X, half_pixel_centers=True, label="half"),
    *rows("ResizeBicubicGrad", A(2, 7, 9, 3, dtype="float32"), X, dtypes="float32 float64", rtol=1e-5),
    *rows("ResizeBicubicGrad", A(2, 7, 9, 3, dtype="float32"), X, half_pixel_centers=True, label="half"),
    *rows("ResizeNearestNeighborGrad", A(2, 7, 9, 3), I(5, 4), dtypes="float32 float64 int32"),
    *rows(
        "ResizeNearestNeighborGrad",
        A(2, 2, 3, 3),
        I(5, 4),
        align_corners=True,
        dtypes="float64",
        label="align",
    ),
    *rows("ResizeNearestNeighborGrad", A(2, 2, 3, 3), I(5, 4), half_pixel_centers=True, label="half"),
]

BOXES = V(
    [
        [0.1, 0.2, 0.8, 0.9],
        [0.9, 0.7, 0.1, 0.0],
        [-0.3, 0.2, 1.4, 0.6],
        [0.25, 0.25, 0.25, 0.25],
        [2.0, 2.0, 3.0, 3.0],
    ],
    "float32",
)
WHICH = I(0, 1, 1, 0, 1)
CROP: list[Row] = [
    *rows(
        "CropAndResize",
        X,
        BOXES,
        WHICH,
        I(4, 3),
        dtypes="uint8 uint16 int8 int16 int32 int64 float16 float32",
    ),
    *rows("CropAndResize", X, BOXES, WHICH, I(4, 3), dtypes="float64", rtol=1e-4),
    *rows("CropAndResize", X, BOXES, WHICH, I(1, 3), dtypes="float64", label="row", rtol=1e-4),
    *rows(
        "CropAndResize", X, BOXES, WHICH, I(4, 3), method="nearest", extrapolation_value=-7.0, label="nearest"
    ),
    *rows("CropAndResize", X, V([], "float32"), I(), I(4, 3), label="flat", error=BAD),
    *rows("CropAndResize", X, A(0, 4), V([], "int32"), I(4, 3), label="none"),
    *rows("CropAndResize", X, BOXES, I(0, 1, 2, 0, 1), I(4, 3), label="range", error="OutOfRangeError"),
    *rows("CropAndResize", X, BOXES, WHICH, I(0, 3), label="zero", error=BAD),
    *rows("CropAndResizeGradImage", A(5, 4, 3, 3), BOXES, WHICH, I(2, 5, 4, 3), T="ROW"),
    *rows(
        "CropAndResizeGradImage",
        A(5, 4, 3, 3),
        BOXES,
        WHICH,
        I(2, 5, 4, 3),
        T="ROW",
        method="nearest",
        label="nearest",
    ),
    *rows("CropAndResizeGradBoxes", A(5, 4, 3, 3), X, BOXES, WHICH, rtol=1e-4, atol=1e-4),
    *rows("CropAndResizeGradBoxes", A(5, 1, 3, 3), X, BOXES, WHICH, rtol=1e-4, atol=1e-4, label="row"),
]

TURN = V([[0.8, -0.5, 1.2, 0.4, 0.9, -1.1, 0.01, 0.02]], "float32")
TURNS = V([[1.0, 0.0, 0.5, 0.0, 1.0, -1.5, 0.0, 0.0], [-1.3, 0.2, 9.0, 0.1, -2.1, 12.0, 0.0, 0.0]], "float32")
WARP: list[Row] = []
for fill in ("CONSTANT", "REFLECT", "WRAP", "NEAREST"):
    for how in ("NEAREST", "BILINEAR"):
        attrs = {"interpolation": how, "fill_mode": fill}
        label = f"{fill}_{how}".lower()
        WARP += rows(
            "ImageProjectiveTransformV3", X, TURN, I(6, 5), V(0.5, "float32"), **attrs, label=f"{label}_one"
        )
        WARP += rows("ImageProjectiveTransformV3", X, TURNS, I(6, 5), V(3.0, "float32"), **attrs, label=label)
        WARP += rows("ImageProjectiveTransformV2", X, TURNS, I(3, 7), **attrs, label=label)
WARP += [
    *rows(
        "ImageProjectiveTransformV3",
        X,
        TURNS,
        I(6, 5),
        V(2.0, "float32"),
        interpolation="NEAREST",
        dtypes="uint8 int32 int64 float16 bfloat16 float64",
        grad=False,
    ),
    *rows(
        "ImageProjectiveTransformV2",
        X,
        A(2, 7),
        I(6, 5),
        interpolation="NEAREST",
        label="transforms",
        error=BAD,
    ),
]
PATCH = {"ksizes": [1, 2, 3, 1], "strides": [1, 2, 1, 1], "rates": [1, 1, 1, 1]}
WARP += [
    *rows("ExtractImagePatches", X, **PATCH, padding="SAME", dtypes=f"{ALL} complex64", grad=False),
    *rows("ExtractImagePatches", X, **PATCH, padding="VALID", label="valid"),
    *rows("ExtractImagePatches", X, **{**PATCH, "rates": [1, 2, 1, 1]}, padding="SAME", label="dilated"),
    *rows("ExtractImagePatches", A(5, 4, 3), **PATCH, padding="VALID", label="rank", error=BAD),
    *rows(
        "ExtractVolumePatches",
        A(1, 4, 3, 5, 2),
        ksizes=[1, 2, 3, 2, 1],
        strides=[1, 2, 1, 2, 1],
        padding="SAME",
        dtypes="float32 int32",
    ),
]

HALF = {"rtol": 0.02, "atol": 0.02}
RGB, UNIT = A(2, 4, 3, low=0.0, high=1.0), A(7, 3, low=0.0, high=1.0)
FLAT = V(
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.3, 0.3, 0.3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]
)
IMAGE = A(2, 5, 4, 3, low=0.0, high=1.0)
COLOR: list[Row] = [
    *rows("RGBToHSV", RGB, dtypes="float32"),
    *rows("RGBToHSV", RGB, dtypes="float64", grad=False),
    *rows("RGBToHSV", RGB, dtypes="float16 bfloat16", **HALF),
    *rows("RGBToHSV", FLAT, label="flat"),
    *rows("RGBToHSV", A(2, 4), label="channels", error=BAD),
    *rows("HSVToRGB", UNIT, dtypes="float32"),
    *rows("HSVToRGB", UNIT, dtypes="float64", grad=False),
    *rows("HSVToRGB", UNIT, dtypes="float16 bfloat16", **HALF),
    *rows("HSVToRGB", FLAT, label="flat"),
    *rows("AdjustHue", RGB, V(0.3, "float32")),
    *rows("AdjustHue", RGB, V(-0.7, "float32"), label="back"),
    *rows("AdjustHue", FLAT, V(0.1, "float32"), label="rank2", error=BAD),
    *rows("AdjustSaturation", RGB, V(1.7, "float32")),
    *rows("AdjustContrastv2", IMAGE, V(1.7, "float32")),
    *rows("AdjustContrastv2", A(5, 4, 3), V(0.0, "float32"), label="one"),
    *rows("AdjustContrastv2", A(5, 4), V(0.0, "float32"), label="rank", error=BAD),
    *rows("LRN", A(2, 3, 2, 9), depth_radius=2, bias=1.2, alpha=0.7, beta=0.6, dtypes="float32"),
    *rows("LRN", A(2, 3, 2, 9), depth_radius=2, bias=1.2, alpha=0.7, beta=0.6, dtypes="float16", **HALF),
    *rows("LRN", A(1, 2, 2, 3), label="defaults"),
    *rows("LRN", A(2, 3), label="rank", error=BAD),
    *rows(
        "LRNGrad", A(2, 3, 2, 9), A(2, 3, 2, 9), A(2, 3, 2, 9), depth_radius=2, bias=1.2, alpha=0.7, beta=0.6
    ),
]

ROWS: list[Row] = RESIZE + CROP + WARP + COLOR
