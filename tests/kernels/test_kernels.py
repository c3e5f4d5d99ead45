"""The loops behind ops on large arrays, against the ops' plain kernels: groups in tiles, products."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors, ops
from calque_runtime.environment import Environment
from calque_runtime.ir import Function
from calque_runtime.kernels import blas, crew, products, tiles
from calque_runtime.kernels.epilogue import Epilogue
from calque_runtime.kernels.gelu import gelu
from calque_runtime.op import Site
from calque_runtime.reference import run
from calque_runtime.text import parse_function


def arrays(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    random = np.random.default_rng(4)
    return [random.standard_normal(shape).astype(np.float32) for shape in shapes]


def kernel(name: str, attrs: dict[str, Any], *shapes: Any) -> Any:
    """The op's kernel for inputs of these shapes; with none known, the plain one."""
    op = ops.require(name)
    return op.bind(Site(op, attrs, [dtypes.float32] * len(shapes), shapes, env=Environment()))


@pytest.fixture(params=["alone", "shared by threads"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that is small, and the same on all processors."""
    if "threads" in request.param:
        monkeypatch.setattr(products, "LARGE", 1)
        monkeypatch.setattr(products, "_EPILOGUE", 1)


EPILOGUES = [
    (),
    ("BiasAdd",),
    ("BiasAdd", "Relu"),
    ("BiasAdd", "Add", "Relu6"),
    ("BiasAdd", "Tanh"),
    ("Sigmoid",),
    ("BiasAdd", "Add", "GeluExact"),
]


def expected(out: np.ndarray, names: tuple[str, ...], bias: np.ndarray, addend: np.ndarray) -> np.ndarray:
    for name in names:
        if name == "BiasAdd":
            out = out + bias
        elif name == "Add":
            out = out + addend
        elif name == "Sigmoid":
            out = 1 / (1 + np.exp(-out))
        else:
            out = {
                "Relu": lambda x: np.maximum(x, 0),
                "Relu6": lambda x: np.clip(x, 0, 6),
                "Tanh": np.tanh,
                "GeluExact": lambda x: kernel("_Gelu", {"T": dtypes.float32}, x.shape)(x),
            }[name](out)
    return out


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("names", EPILOGUES)
@pytest.mark.parametrize(
    ("rows", "transpose_a", "transpose_b"), [(5, 0, 0), (64, 1, 0), (64, 0, 1), (3, 1, 1)]
)
def test_fused_product(names: tuple[str, ...], rows: int, transpose_a: int, transpose_b: int) -> None:
    a, b, bias, addend = arrays((rows, 7), (7, 9), (9,), (rows, 9))
    args = [x for name, x in (("BiasAdd", bias), ("Add", addend)) if name in names]
    want = expected(a @ b, names, bias, addend)
    a, b = (a.T.copy() if transpose_a else a), (b.T.copy() if transpose_b else b)
    attrs = {
        "T": dtypes.float32,
        "transpose_a": bool(transpose_a),
        "transpose_b": bool(transpose_b),
        "fused_ops": tuple(n.encode() for n in names),
        "num_args": len(args),
    }
    got = kernel("_FusedMatMul", attrs, *[x.shape for x in (a, b, *args)])(a, b, *args)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((40, 7), (7, 5)),
        ((3, 7), (7, 50)),
        ((4, 6, 7), (7, 5)),
        ((4, 6, 7), (4, 7, 5)),
        ((1, 12, 6, 7), (1, 12, 7, 5)),
        ((2, 1, 6, 7), (3, 7, 5)),
        ((1, 6, 7), (1, 7, 5)),
        ((0, 7), (7, 5)),
    ],
)
def test_large_products_are_shared(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    x, y = arrays(a, b)
    want = np.matmul(x, y)
    np.testing.assert_allclose(products.multiply(x, y), want, rtol=1e-5, atol=1e-6)
    turned = np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
    blas.own_threads()
    try:
        for one in (x, turned):
            got = products.multiply(one, y)
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    finally:
        blas.restore_threads()


def test_an_epilogue_that_is_not_known_is_refused() -> None:
    attrs = {"T": dtypes.float32, "fused_ops": (b"LayerNorm",), "num_args": 0}
    with pytest.raises(errors.UnimplementedError, match="fused_ops"):
        kernel("_FusedMatMul", attrs, (2, 2), (2, 2))
    assert not Epilogue((b"Relu", b"BiasAdd"), np.float32).known


GROUPS = {
    "elementwise, two results": """
    func @g(%x: float32[40,6], %v: float32[6], %c: float32[]) -> (y: float32[40,6], z: float32[40,6]) {
      %a = Mul(%x, %v) : float32[40,6]
      %b = AddV2(%a, %c) : float32[40,6]
      %y = Sigmoid(%b) : float32[40,6]
      %z = SquaredDifference(%y, %x) : float32[40,6]
      return %y, %z
    }""",
    "one dimension": """
    func @g(%x: float32[400]) -> (y: float32[400]) {
      %k = Const() {value=tensor<float32[]>0.5} : float32[]
      %a = Mul(%x, %k) : float32[400]
      %b = Erf(%a) : float32[400]
      %r = Relu6(%a) : float32[400]
      %s = Relu(%b) : float32[400]
      %t = Rsqrt(%s) : float32[400]
      %y = AddV2(%t, %r) : float32[400]
      return %y
    }""",
    "layer normalization in one op": """
    func @g(%x: float32[5,8,6], %g: float32[1,1,6], %b: float32[6]) -> (y: float32[5,8,6], m: float32[5,8,1]) {
      %axis = Const() {value=tensor<int32[1]>[-1]} : int32[1]
      %e = Const() {value=tensor<float32[]>0.001} : float32[]
      %m = Mean(%x, %axis) {keep_dims=true} : float32[5,8,1]
      %d = SquaredDifference(%x, %m) : float32[5,8,6]
      %v = Mean(%d, %axis) {keep_dims=true} : float32[5,8,1]
      %w = AddV2(%v, %e) : float32[5,8,1]
      %r = Rsqrt(%w) : float32[5,8,1]
      %c = Sub(%x, %m) : float32[5,8,6]
      %n = Mul(%c, %r) : float32[5,8,6]
      %s = Mul(%n, %g) : float32[5,8,6]
      %y = AddV2(%s, %b) : float32[5,8,6]
      return %y, %m
    }""",
    "gelu": """
    func @g(%x: float32[50,9]) -> (y: float32[50,9]) {
      %y = _Gelu(%x) : float32[50,9]
      return %y
    }""",
    "layer normalization": """
    func @g(%x: float32[5,8,6], %g: float32[1,1,6], %b: float32[6]) -> (y: float32[5,8,6]) {
      %z = Exp(%x) : float32[5,8,6]
      %y = _LayerNorm(%z, %g, %b) {epsilon=0.001} : float32[5,8,6]
      return %y
    }""",
    "softmax and a choice": """
    func @g(%x: float64[30,7], %c: bool[30,1]) -> (y: float64[30,7]) {
      %s = Softmax(%x) : float64[30,7]
      %l = Greater(%s, %x) : bool[30,7]
      %o = Elu(%x) : float64[30,7]
      %k = SelectV2(%l, %s, %o) : float64[30,7]
      %y = SelectV2(%c, %k, %x) : float64[30,7]
      return %y
    }""",
}


@pytest.mark.parametrize("text", GROUPS.values(), ids=list(GROUPS))
@pytest.mark.parametrize(("tile", "shared"), [(1 << 16, 1 << 18), (20, 1 << 18), (20, 1)])
def test_group(text: str, tile: int, shared: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "_TILE", tile)
    monkeypatch.setattr(tiles, "_SHARED", shared)
    function = parse_function(text)
    random = np.random.default_rng(6)
    given = [
        random.random(v.shape) < 0.5
        if v.dtype.name == "bool"
        else random.standard_normal(v.shape).astype(v.dtype.np)
        for v in function.inputs
    ]
    group = tiles.tiled(function)
    before = [a.copy() for a in given]
    for _ in range(2):
        with np.errstate(all="ignore"):  # as plans do
            results = group(*given)
        for got, want in zip(results, run(function, given, Environment()), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6)
    for array, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_a_group_of_no_static_shape_runs_as_a_function() -> None:
    function: Function = parse_function(
        "func @g(%x: float32) -> (y: float32) {\n  %y = Exp(%x) : float32\n  return %y\n}"
    )
    from calque_runtime.ir import FunctionRef

    attrs = {"Tin": (dtypes.float32,), "Tout": (dtypes.float32,), "body": FunctionRef("g", function)}
    for name in ("_Group", "_Part"):
        more = {"backend": b"none"} if name == "_Part" else {}
        (y,) = kernel(name, attrs | more, None)(np.float32([0, 1]))
        np.testing.assert_allclose(y, np.exp([0, 1]), rtol=1e-6)


def test_every_piece_is_done_once() -> None:
    done: list[int] = []
    lock = threading.Lock()

    def piece(i: int) -> None:
        with lock:
            done.append(i)

    for count in (0, 1, 2, 7, 100):
        done.clear()
        crew.share(piece, count)
        assert sorted(done) == list(range(count))


def test_pieces_from_many_threads() -> None:
    def work() -> None:
        for _ in range(20):
            total = np.zeros(50)
            crew.share(lambda i: total.__setitem__(i, i), 50)  # noqa: B023 - done before the next round
            assert total.sum() == 1225
        ok.append(True)

    ok: list[bool] = []
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ok) == 4


def test_an_error_in_a_piece_is_the_callers() -> None:
    def piece(i: int) -> None:
        if i == 3:
            raise ValueError("piece 3")

    for _ in range(3):
        with pytest.raises(ValueError, match="piece 3"):
            crew.share(piece, 8)


def test_threads_of_products_are_given_back() -> None:
    if not blas.controllable():
        pytest.skip("this numpy brings no OpenBLAS whose threads can be set")
    functions = blas._functions()
    assert functions is not None
    before = functions[1]()
    blas.own_threads()
    blas.own_threads()
    assert functions[1]() == 1
    blas.restore_threads()
    assert functions[1]() == 1
    blas.restore_threads()
    assert functions[1]() == before


@pytest.mark.parametrize("sizes", [(0, 3, 0), (0, 3, 4), (4, 3, 0), (4, 0, 5)])
def test_a_product_of_nothing(sizes: tuple[int, int, int]) -> None:
    rows, inner, columns = sizes
    a, b, bias = arrays((rows, inner), (inner, columns), (columns,))
    attrs = {"fused_ops": (b"BiasAdd", b"GeluExact"), "num_args": 1, "T": dtypes.float32}
    got = kernel("_FusedMatMul", attrs, a.shape, b.shape, bias.shape)(a, b, bias)
    np.testing.assert_allclose(got, kernel("_Gelu", {"T": dtypes.float32}, None)(a @ b + bias), 1e-5, 1e-6)


@pytest.mark.parametrize("strided", [False, True])
def test_gelu_over_all_numbers(strided: bool) -> None:
    x = np.concatenate([np.linspace(-12, 12, 4001), [-1e30, 1e30, -np.inf, np.inf, np.nan, -0.0]]).astype(
        np.float32
    )
    if strided:
        x = np.repeat(x, 2)[::2]
    out, a, b = np.empty((3, x.size), np.float32)
    with np.errstate(all="ignore"):
        gelu(x, out, a, b)
        want = kernel("_Gelu", {"T": dtypes.float32}, None)(x)
    finite = np.isfinite(x)
    np.testing.assert_allclose(out[finite], want[finite], rtol=1e-6, atol=6e-7)
    np.testing.assert_array_equal(out[-4:-1], [0.0, np.inf, np.nan])
