"""Channels-first layouts, which TensorFlow runs on few machines: the same numbers as channels-last, axes moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import ops

RANDOM = np.random.RandomState(3)
IMAGE = RANDOM.standard_normal((2, 5, 6, 4)).astype(np.float32)
VOLUME = RANDOM.standard_normal((2, 4, 3, 5, 2)).astype(np.float32)
FILTER = RANDOM.standard_normal((3, 2, 4, 6)).astype(np.float32)
SCALE = RANDOM.standard_normal(4).astype(np.float32)
VARIANCE = np.abs(SCALE) + 1


def moved(values: tuple[int, ...]) -> tuple[int, ...]:
    return (values[0], values[-1], *values[1:-1])


def layouts(name: str, x: Any, *rest: Any, **attrs: Any) -> tuple[list[Any], list[Any]]:
    """The first output in both layouts, the second moved back."""
    op = ops.require(name)
    last = "NHWC" if x.ndim == 4 else "NDHWC"
    first = "NCHW" if x.ndim == 4 else "NCDHW"
    axes = {k: moved(v) for k, v in attrs.items() if isinstance(v, tuple) and len(v) == x.ndim}
    a = op(x, *rest, data_format=last, **attrs)
    b = op(np.moveaxis(x, -1, 1), *rest, data_format=first, **{**attrs, **axes})
    a, b = (v[0] if isinstance(v, list) else v for v in (a, b))
    return a, np.moveaxis(b, 1, -1)


CASES = [
    ("Conv2D", IMAGE, [FILTER], {"strides": (1, 2, 1, 1), "padding": "SAME"}),
    (
        "Conv2D",
        IMAGE,
        [FILTER[:, :, :2]],
        {"strides": (1, 1, 1, 1), "padding": "VALID", "dilations": (1, 1, 2, 1)},
    ),
    ("DepthwiseConv2dNative", IMAGE, [FILTER], {"strides": (1, 2, 2, 1), "padding": "SAME"}),
    (
        "Conv3D",
        VOLUME,
        [RANDOM.standard_normal((2, 2, 2, 2, 3)).astype(np.float32)],
        {"strides": (1, 1, 2, 1, 1), "padding": "SAME"},
    ),
    ("MaxPool", IMAGE, [], {"ksize": (1, 3, 2, 1), "strides": (1, 2, 1, 1), "padding": "SAME"}),
    ("AvgPool", IMAGE, [], {"ksize": (1, 3, 2, 1), "strides": (1, 2, 1, 1), "padding": "SAME"}),
    ("MaxPool3D", VOLUME, [], {"ksize": (1, 2, 2, 2, 1), "strides": (1, 1, 1, 2, 1), "padding": "SAME"}),
    ("AvgPool3D", VOLUME, [], {"ksize": (1, 2, 2, 1, 1), "strides": (1, 2, 1, 1, 1), "padding": "VALID"}),
    ("FusedBatchNormV3", IMAGE, [SCALE, SCALE, SCALE, VARIANCE], {"is_training": False}),
    ("FusedBatchNormV3", IMAGE, [SCALE, SCALE, SCALE, VARIANCE], {"is_training": True}),
    ("SpaceToDepth", RANDOM.standard_normal((2, 4, 6, 3)), [], {"block_size": 2}),
    ("DepthToSpace", RANDOM.standard_normal((2, 4, 6, 8)), [], {"block_size": 2}),
]


@pytest.mark.parametrize(("name", "x", "rest", "attrs"), CASES)
def test_channels_first_gives_the_same(name: str, x: Any, rest: list[Any], attrs: dict[str, Any]) -> None:
    last, first = layouts(name, x, *rest, **attrs)
    assert last.shape == first.shape
    np.testing.assert_allclose(first, last, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape", "filter_shape", "strides"),
    [
        ("Conv2DBackpropInput", (2, 6, 5, 4), (3, 2, 4, 6), (1, 2, 1, 1)),
        ("DepthwiseConv2dNativeBackpropInput", (2, 6, 5, 4), (3, 2, 4, 2), (1, 2, 2, 1)),
        ("Conv3DBackpropInputV2", (2, 4, 3, 6, 2), (2, 3, 2, 2, 5), (1, 2, 1, 2, 1)),
    ],
)
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_transposed_convolutions(
    name: str, shape: tuple[int, ...], filter_shape: tuple[int, ...], strides: tuple[int, ...], padding: str
) -> None:
    op, w = ops.require(name), RANDOM.standard_normal(filter_shape).astype(np.float32)
    counts = [
        -(-n // s) if padding == "SAME" else (n - k) // s + 1
        for n, k, s in zip(shape[1:-1], filter_shape, strides[1:-1], strict=False)
    ]
    channels = filter_shape[-1] * (shape[-1] if name.startswith("Depthwise") else 1)
    g = RANDOM.standard_normal((shape[0], *counts, channels)).astype(np.float32)
    formats = ("NHWC", "NCHW") if len(shape) == 4 else ("NDHWC", "NCDHW")
    last = op(np.array(shape, np.int32), w, g, strides=strides, padding=padding, data_format=formats[0])
    first = op(
        np.array(moved(shape), np.int32),
        w,
        np.moveaxis(g, -1, 1),
        strides=moved(strides),
        padding=padding,
        data_format=formats[1],
    )
    assert last.shape == shape
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), last, rtol=1e-5, atol=1e-5)


def test_groups_are_convolutions_of_their_own() -> None:
    """And so are their gradients."""
    conv, by_input, by_filter = (
        ops.require(n) for n in ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
    )
    w = FILTER[:, :, :2].astype(np.float64)
    x = IMAGE.astype(np.float64)
    attrs = {"strides": (1, 1, 2, 1), "padding": "SAME"}
    y = conv(x, w, **attrs)
    halves = [conv(x[..., i : i + 2], w[..., j : j + 3], **attrs) for i, j in ((0, 0), (2, 3))]
    np.testing.assert_allclose(y, np.concatenate(halves, -1))
    # The convolution is linear in x and in w, so each gradient is its adjoint.
    g = RANDOM.standard_normal(y.shape)
    sizes = [np.array(a.shape, np.int32) for a in (x, w)]
    np.testing.assert_allclose((by_input(sizes[0], w, g, **attrs) * x).sum(), (g * y).sum())
    np.testing.assert_allclose((by_filter(x, sizes[1], g, **attrs) * w).sum(), (g * y).sum())
