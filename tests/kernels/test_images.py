"""The loops behind convolutions and pooling of images of known shapes, against the plain kernels for any shape."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors, ops
from calque_runtime.environment import Environment, Limits
from calque_runtime.kernels import crew, memory, pieces
from calque_runtime.op import Site
from calque_runtime.text import parse_function


def arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    random = np.random.default_rng(4)
    return [random.standard_normal(shape).astype(np.float32) for shape in shapes]


def kernel(name: str, attrs: dict[str, Any], *shapes: Any, env: Environment | None = None) -> Any:
    """The op's kernel for inputs of these shapes; with none known, the plain one."""
    op = ops.require(name)
    return op.bind(Site(op, attrs, [attrs["T"]] * len(shapes), shapes, env=env or Environment()))


def attributes(
    strides: tuple[int, int],
    dilations: tuple[int, int],
    padding: str,
    explicit: tuple[int, int, int, int] = (2, 1, 0, 3),
) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        "strides": (1, *strides, 1),
        "dilations": (1, *dilations, 1),
        "padding": padding.encode(),
        "T": dtypes.float32,
    }
    if padding == "EXPLICIT":
        attrs["explicit_paddings"] = (0, 0, *explicit, 0, 0)
    return attrs


@pytest.fixture(params=["alone", "in pieces", "in pieces shared by threads"])
def in_pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that is small, of many small pieces, and the same on all processors."""
    if request.param != "alone":
        monkeypatch.setattr(pieces, "_PIECE", 64)
    if "threads" in request.param:
        monkeypatch.setattr(pieces, "_SHARED", 1)


SHAPES = [
    ((2, 9, 8, 3), (3, 3, 3, 4)),
    ((1, 7, 7, 5), (1, 1, 5, 6)),
    ((3, 6, 9, 2), (2, 4, 2, 3)),
    ((0, 5, 5, 2), (3, 3, 2, 2)),
    ((1, 1, 1, 4), (3, 3, 4, 1)),
    ((2, 5, 40, 70), (3, 2, 70, 1)),
]
CONVOLUTIONS = [
    pytest.param(x, w, strides, dilations, padding, id=f"{x} {w} {strides} {dilations} {padding}")
    for (x, w), strides, dilations, padding in itertools.product(
        SHAPES,
        [(1, 1), (2, 1), (2, 2), (3, 3), (1, 3)],
        [(1, 1), (2, 1), (1, 2)],
        ["SAME", "VALID", "EXPLICIT"],
    )
    if (strides == (1, 1) or dilations == (1, 1)) and (x[1] > 1 or padding != "VALID")
]


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize(("x", "w", "strides", "dilations", "padding"), CONVOLUTIONS)
@pytest.mark.parametrize("name", ["Conv2D", "DepthwiseConv2dNative"])
def test_convolution(name: str, x: Any, w: Any, strides: Any, dilations: Any, padding: str) -> None:
    attrs = attributes(strides, dilations, padding)
    given, filters = arrays(x, w)
    want = kernel(name, attrs, None, None)(given, filters)
    got = kernel(name, attrs, x, w)(given, filters)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    upside_down = given[:, ::-1]  # not contiguous
    np.testing.assert_allclose(
        kernel(name, attrs, x, w)(upside_down, filters),
        kernel(name, attrs, None, None)(upside_down, filters),
        rtol=1e-4,
        atol=1e-5,
    )


EPILOGUES = [
    (),
    ("BiasAdd",),
    ("BiasAdd", "Relu"),
    ("BiasAdd", "Add", "Relu6"),
    ("BiasAdd", "Tanh"),
    ("Sigmoid",),
]
_NUMPY = {
    "Relu": lambda x: np.maximum(x, 0),
    "Relu6": lambda x: np.clip(x, 0, 6),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Tanh": np.tanh,
}


def expected(out: np.ndarray, names: tuple[str, ...], bias: np.ndarray, addend: np.ndarray) -> np.ndarray:
    """What the epilogue of these names makes of `out`."""
    for name in names:
        if name == "BiasAdd":
            out = out + bias
        elif name == "Add":
            out = out + addend
        else:
            out = _NUMPY[name](out)
    return out


FUSED = {
    "_FusedConv2D": ("Conv2D", (3, 3, 3, 4), "SAME"),
    "_FusedDepthwiseConv2dNative": ("DepthwiseConv2dNative", (3, 3, 3, 2), "SAME"),
    "_ExplicitDepthwise": ("DepthwiseConv2dNative", (3, 3, 3, 1), "EXPLICIT"),
}


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("names", EPILOGUES)
@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("fused", FUSED)
def test_fused_convolution(fused: str, names: tuple[str, ...], static: bool) -> None:
    base, size, padding = FUSED[fused]
    attrs = attributes((1, 1), (1, 1), padding)
    x, w = arrays((2, 6, 5, 3), size)
    plain = kernel(base, attrs, None, None)(x, w)
    bias, addend = arrays(plain.shape[-1:], plain.shape)
    args = [a for name, a in (("BiasAdd", bias), ("Add", addend)) if name in names]
    attrs |= {"fused_ops": tuple(n.encode() for n in names), "num_args": len(args)}
    shapes = [a.shape if static else None for a in (x, w, *args)]
    got = kernel(fused, attrs, *shapes)(x, w, *args)
    np.testing.assert_allclose(got, expected(plain, names, bias, addend), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["Conv2D", "DepthwiseConv2dNative"])
def test_padding_from_a_file_has_a_limit(name: str) -> None:
    attrs = attributes((1, 1), (1, 1), "EXPLICIT", (1000, 0, 0, 1000))
    env = Environment(limits=Limits(max_bytes=1 << 20))
    x, w = arrays((1, 4, 4, 2), (3, 3, 2, 2))
    with pytest.raises(errors.ResourceExhaustedError, match="max_bytes"):
        kernel(name, attrs, x.shape, w.shape, env=env)(x, w)


def test_memory_is_used_again_when_nothing_refers_to_it() -> None:
    size = 3 << 20
    one = memory.empty((size,), np.float32)
    address = one.__array_interface__["data"][0]
    view = one[5:].reshape(1, -1)
    del one
    other = memory.empty((size,), np.float32)
    assert other.__array_interface__["data"][0] != address  # the view still needs it
    del view
    again = memory.empty((size - 9, 1), np.float32)
    assert again.__array_interface__["data"][0] == address
    assert again.flags.c_contiguous
    assert again.flags.writeable
    assert memory.empty((3, 0), np.float64).shape == (3, 0)


def test_what_memory_keeps_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_kept", memory._Kept())
    monkeypatch.setattr(memory, "_KEPT", 9 << 20)
    blocks = [memory.empty((4 << 20,), np.uint8) for _ in range(4)]
    del blocks
    assert memory._kept.size == 8 << 20


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("names", EPILOGUES)
@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64])
@pytest.mark.parametrize(
    ("x", "filters", "padding"),
    [
        ((2, 9, 8, 3), 4, "SAME"),
        ((3, 7, 10, 2), 5, "EXPLICIT"),
        ((1, 3, 3, 2), 1, "VALID"),
        ((2, 1, 1, 3), 2, "SAME"),
        ((0, 5, 5, 2), 2, "SAME"),
        ((1, 2, 33, 6), 2, "SAME"),
    ],
)
def test_winograd(x: Any, filters: int, padding: str, dtype: Any, names: tuple[str, ...]) -> None:
    attrs = attributes((1, 1), (1, 1), padding) | {"T": dtype}
    given, w = (a.astype(dtype.np) for a in arrays(x, (3, 3, x[-1], filters)))
    plain = kernel("Conv2D", attrs, None, None)(given, w)
    bias, addend = (a.astype(dtype.np) for a in arrays(plain.shape[-1:], plain.shape))
    args = [a for name, a in (("BiasAdd", bias), ("Add", addend)) if name in names]
    u = kernel("_WinogradFilter", {"T": dtype}, None)(w)
    attrs |= {"fused_ops": tuple(n.encode() for n in names), "num_args": len(args)}
    want = expected(plain, names, bias, addend)
    exact = 1e-5 if dtype is dtypes.float32 else 1e-13
    for shapes in ([a.shape for a in (given, u, *args)], [None] * (2 + len(args))):
        got = kernel("_WinogradConv2D", attrs, *shapes)(given, u, *args)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=10 * exact, atol=exact)


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("padding", ["SAME", "VALID", "EXPLICIT"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(
    ("size", "strides"),
    [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((3, 2), (1, 1)), ((1, 3), (3, 2)), ((1, 1), (1, 1))],
)
@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *itertools.product(["MaxPool", "AvgPool"], ["float32", "float64", "float16", "bfloat16"]),
        ("MaxPool", "int32"),
        ("MaxPool", "uint8"),
    ],
)
def test_pool(name: str, dtype: str, size: Any, strides: Any, layout: str, padding: str) -> None:
    if name == "AvgPool" and padding == "EXPLICIT":
        return  # it has no such padding
    kind = dtypes.as_dtype(dtype)
    for shape in [(2, 9, 8, 3), (3, 6, 7, 2), (1, 3, 3, 40), (0, 4, 5, 2)]:
        (x,) = arrays(shape)
        x = (10 * x).astype(np.int64).astype(kind.np) if kind.is_integer else x.astype(kind.np)
        x[:1, 1:2, 1:2] = 3 if kind.is_integer else np.nan
        attrs = {"T": kind, "data_format": layout.encode(), "padding": padding.encode()}
        if layout == "NHWC":
            attrs |= {"ksize": (1, *size, 1), "strides": (1, *strides, 1)}
        else:
            attrs |= {"ksize": (1, 1, *size), "strides": (1, 1, *strides)}
            x = np.moveaxis(x, -1, 1)
        if padding == "EXPLICIT":
            pairs = [(0, 0), (1, 0), (0, 1), (0, 0)]
            order = pairs if layout == "NHWC" else [pairs[0], pairs[3], *pairs[1:3]]
            attrs["explicit_paddings"] = tuple(n for pair in order for n in pair)
        with np.errstate(all="ignore"):  # as plans do
            want = kernel(name, attrs, None)(x)
            got = kernel(name, attrs, x.shape)(x)
        assert got.dtype == want.dtype
        exact = 1e-2 if kind.size < 4 else 1e-5
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=exact, atol=exact)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(
    ("name", "w"),
    [
        ("Conv2D", (3, 3, 12, 4)),
        ("Conv2D", (3, 3, 4, 6)),
        ("Conv2D", (3, 2, 1, 24)),
        ("Conv2D", (1, 1, 6, 4)),
        ("DepthwiseConv2dNative", (2, 3, 12, 2)),
    ],
)
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_types_layouts_and_groups(name: str, w: Any, strides: Any, layout: str, dtype: str) -> None:
    kind = dtypes.as_dtype(dtype)
    x, filters = (a.astype(kind.np) for a in arrays((2, 7, 9, 12), w))
    attrs = attributes(strides, (1, 1), "EXPLICIT") | {"T": kind, "data_format": layout.encode()}
    if layout == "NCHW":
        x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
        attrs["strides"] = (1, 1, *strides)
        attrs["explicit_paddings"] = (0, 0, 0, 0, *attrs["explicit_paddings"][2:6])
    want = kernel(name, attrs, None, None)(x, filters)
    got = kernel(name, attrs, x.shape, w)(x, filters)
    assert got.dtype == want.dtype
    exact = {2: 2e-2, 4: 1e-4, 8: 1e-12}[kind.size]
    np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=exact, atol=exact)


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize(
    "attrs",
    [{}, {"half_pixel_centers": True}, {"align_corners": True}],
    ids=["corners", "centers", "aligned"],
)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "float16"])
@pytest.mark.parametrize(
    ("x", "size"),
    [
        ((2, 5, 7, 3), (10, 14)),
        ((2, 5, 7, 3), (8, 4)),
        ((1, 9, 20, 1), (3, 61)),
        ((1, 1, 1, 4), (2, 3)),
        ((3, 4, 6, 2), (1, 1)),
        ((1, 40, 3, 2), (4, 9)),
        ((2, 3, 4, 20), (6, 7)),
    ],
)
@pytest.mark.parametrize("name", ["ResizeBilinear", "ResizeNearestNeighbor"])
def test_resize(name: str, x: Any, size: tuple[int, int], dtype: str, attrs: dict[str, Any]) -> None:
    kind = dtypes.as_dtype(dtype)
    images = (10 * np.abs(arrays(x)[0])).astype(kind.np)
    out = f"{'float32' if 'linear' in name else dtype}[{x[0]},{size[0]},{size[1]},{x[3]}]"
    text = f"""
        func @f(%x: {dtype}[{",".join(map(str, x))}]) -> (y: {out}) {{
          %s = Const() {{value=tensor<int32[2]>{list(size)}}} : int32[2]
          %y = {name}(%x, %s) {{{", ".join(f"{k}=true" for k in attrs)}}} : {out}
          return %y
        }}"""
    function = parse_function(text)
    node = function.outputs[0].node
    blocked = node.op.bind(node.site())
    plain = node.op.bind(Site(node.op, node.attrs, [kind, dtypes.int32], [None, None], env=Environment()))
    assert blocked.__qualname__ != plain.__qualname__
    for given in (images, images[:, ::-1]):
        got, want = (run(given, np.array(size, np.int32)) for run in (blocked, plain))
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("size", [(3, 3), (1, 1)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_few_windows_of_many_filters(size: tuple[int, int], strides: tuple[int, int]) -> None:
    names = ("BiasAdd", "Add", "Relu")
    attrs = attributes(strides, (1, 1), "SAME")
    x, w = arrays((2, 5, 4, 20), (*size, 20, 64 * crew.processors() + 1))
    plain = kernel("Conv2D", attrs, None, None)(x, w)
    bias, addend = arrays(plain.shape[-1:], plain.shape)
    attrs |= {"fused_ops": tuple(n.encode() for n in names), "num_args": 2}
    got = kernel("_FusedConv2D", attrs, *[a.shape for a in (x, w, bias, addend)])(x, w, bias, addend)
    np.testing.assert_allclose(got, expected(plain, names, bias, addend), rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("padding", ["SAME", "VALID", "EXPLICIT"])
@pytest.mark.parametrize(
    ("w", "strides", "dilations"),
    [
        ((3, 3, 2, 4), (1, 1), (1, 1)),
        ((4, 3, 2, 4), (2, 2), (1, 1)),
        ((2, 2, 3, 5), (2, 2), (1, 1)),
        ((1, 2, 3, 5), (3, 3), (1, 1)),
        ((3, 2, 2, 3), (1, 1), (2, 3)),
    ],
)
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_transposed_convolution(
    w: Any, strides: Any, dilations: Any, padding: str, layout: str, dtype: str
) -> None:
    kind = dtypes.as_dtype(dtype)
    attrs = attributes(strides, dilations, padding) | {"T": kind, "data_format": layout.encode()}
    sizes = [2, 11, 9, w[2]]
    if layout == "NCHW":
        sizes = [sizes[i] for i in (0, 3, 1, 2)]
        for name in {"strides", "dilations"}:
            attrs[name] = (1, *attrs[name])[:2] + attrs[name][1:3]
        if padding == "EXPLICIT":
            attrs["explicit_paddings"] = (0, 0, 0, 0, *attrs["explicit_paddings"][2:6])
    forward = ops.require("Conv2D")
    (shape,) = forward.infer_shapes(Site(forward, attrs, [kind, kind], [sizes, w], env=Environment()))
    filters, grads = (a.astype(kind.np) for a in arrays(w, shape))
    op = ops.require("Conv2DBackpropInput")
    types = [dtypes.int32, kind, kind]
    known = parse_function(
        f"func @f() -> (s: int32[4]) {{ %s = Const() {{value=tensor<int32[4]>{sizes}}} : int32[4]\n return %s }}"
    ).outputs[0]
    values = [known, None, None]
    blocked = op.bind(Site(op, attrs, types, [(4,), w, shape], values, env=Environment()))
    plain = op.bind(Site(op, attrs, types, [None] * 3, env=Environment()))
    got, want = (run(np.array(sizes, np.int32), filters, grads) for run in (blocked, plain))
    assert blocked.__qualname__ != plain.__qualname__
    assert got.dtype == want.dtype
    exact = {2: 2e-2, 4: 1e-4, 8: 1e-12}[kind.size]
    np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=exact, atol=exact)
