"""Ops that run functions, print and assert: PartitionedCall If Case While and their stateful or stateless forms."""

from __future__ import annotations

import numpy as np
import pytest

from calque_runtime import errors
from calque_runtime.environment import Environment
from calque_runtime.ir import Function, FunctionRef, Library
from support.graphs import Builder, run, variable

HOW = pytest.mark.parametrize("how", ["reference", "plan"])


def unary(op: str, dtype: str = "float32") -> Function:
    b = Builder(op.lower())
    (y,) = b.add(op, b.argument(dtype))
    return b.done(y)


def ref(function: Function) -> FunctionRef:
    return FunctionRef(function.name, function)


@HOW
@pytest.mark.parametrize("op", ["PartitionedCall", "StatefulPartitionedCall"])
def test_call(how: str, op: str) -> None:
    b = Builder()
    x = b.argument("float32", (2,))
    (y,) = b.add(op, [x], Tout=["float32"], f=ref(unary("Neg")))
    assert y.shape is None or y.shape == (2,)
    got = run(b.done(y), [np.array([1, -2], np.float32)], how)
    assert got[0].tolist() == [-1, 2]


@HOW
@pytest.mark.parametrize("op", ["If", "StatelessIf"])
@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        (np.bool_(True), True),
        (np.bool_(False), False),
        (np.float32(0), False),
        (np.int32(-1), True),
        (np.array(b"", object), False),
        (np.array(b"x", object), True),
        (np.zeros((2,), np.float32), True),
        (np.zeros((0, 2), np.float32), False),
    ],
)
def test_if(how: str, op: str, condition: np.ndarray, taken: bool) -> None:
    b = Builder()
    c, x = b.argument("string" if condition.dtype == object else condition.dtype), b.argument("float32")
    (y,) = b.add(
        op, c, [x], Tout=["float32"], then_branch=ref(unary("Neg")), else_branch=ref(unary("Square"))
    )
    got = run(b.done(y), [condition, np.array(3, np.float32)], how)
    assert float(got[0]) == (-3 if taken else 9)


@HOW
@pytest.mark.parametrize("op", ["Case", "StatelessCase"])
@pytest.mark.parametrize(("index", "want"), [(0, -3), (1, 9), (2, 3), (3, 3), (-1, 3)])
def test_case(how: str, op: str, index: int, want: float) -> None:
    b = Builder()
    i, x = b.argument("int32"), b.argument("float32")
    branches = tuple(ref(unary(name)) for name in ("Neg", "Square", "Abs"))
    (y,) = b.add(op, i, [x], Tout=["float32"], branches=branches)
    got = run(b.done(y), [np.array(index, np.int32), np.array(3, np.float32)], how)
    assert float(got[0]) == want


def loop() -> tuple[Function, Function]:
    c = Builder("condition")
    i, limit, _ = c.argument("int32"), c.argument("int32"), c.argument("int64")
    condition = c.done(*c.add("Less", i, limit))
    b = Builder("body")
    i, limit, total = b.argument("int32"), b.argument("int32"), b.argument("int64")
    (wide,) = b.add("Cast", i, DstT="int64")
    (more,) = b.add("AddV2", total, wide)
    (after,) = b.add("AddV2", i, b.constant(1, "int32"))
    return condition, b.done(after, limit, more)


@HOW
@pytest.mark.parametrize("op", ["While", "StatelessWhile"])
@pytest.mark.parametrize("limit", [0, 1, 100])
def test_while(how: str, op: str, limit: int) -> None:
    condition, body = loop()
    b = Builder()
    n = b.argument("int32")
    state = [b.constant(0, "int32"), n, b.constant(0, "int64")]
    outputs = b.add(op, state, cond=ref(condition), body=ref(body))
    got = run(b.done(outputs[2]), [np.array(limit, np.int32)], how)
    assert int(got[0]) == sum(range(limit))


@HOW
def test_effects_inside_a_call_run(how: str) -> None:
    inner = Builder("inner")
    handle = inner.argument("resource")
    inner.add("AssignAddVariableOp", handle, inner.constant(np.float32(1)), effect=True)
    callee = inner.done()
    b = Builder()
    outer = b.argument("resource")
    b.add("StatefulPartitionedCall", [outer], Tout=[], f=ref(callee), effect=True)
    v = variable(np.float32(1))
    run(b.done(), [v], how)
    assert float(v.value) == 2


@HOW
def test_a_failing_kernel_names_its_node(how: str) -> None:
    callee = Builder("inner")
    (product,) = callee.add(
        "MatMul", callee.argument("float32"), callee.argument("float32"), name="layer/MatMul"
    )
    product.node.location = ("model.py", 12, "call")
    function = callee.done(product)
    b = Builder()
    (y,) = b.add(
        "PartitionedCall", [b.argument("float32"), b.argument("float32")], Tout=["float32"], f=ref(function)
    )
    with pytest.raises(errors.InvalidArgumentError) as info:
        run(b.done(y), [np.ones((1, 4), np.float32), np.ones((3, 3), np.float32)], how)
    assert (info.value.op, info.value.node_def) == ("MatMul", "layer/MatMul")
    assert "[1,4]" in str(info.value)
    assert "model.py:12 in call" in str(info.value)


@HOW
def test_placeholder_must_be_fed(how: str) -> None:
    b = Builder()
    (x,) = b.add("Placeholder", dtype="float32", name="x")
    with pytest.raises(errors.InvalidArgumentError, match="feed a value for placeholder tensor 'x'"):
        run(b.done(x), [], how)


@HOW
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_print(how: str, stream: str, capfd: pytest.CaptureFixture[str]) -> None:
    b = Builder()
    b.add("PrintV2", b.argument("string"), output_stream=stream, end="!\n", effect=True)
    run(b.done(), [np.array("h\u00e9".encode(), object)], how)
    out, err = capfd.readouterr()
    assert (out if stream == "stdout" else err) == "h\u00e9!\n"


def test_print_v1_shows_the_first_elements(capfd: pytest.CaptureFixture[str]) -> None:
    b = Builder()
    (y,) = b.add(
        "Print", b.argument("float32"), [b.argument("int32")], message="see: ", first_n=1, summarize=2
    )
    function = b.done(y)
    for _ in range(2):
        assert float(run(function, [np.float32(1), np.arange(5, dtype=np.int32)], "plan")[0]) == 1
    assert (
        capfd.readouterr().err == "see: [0 1...]\n" * 2
    )  # each run compiles anew, so each counts from the start


@HOW
def test_guarantee_const_and_fake_param(how: str) -> None:
    b = Builder()
    (y,) = b.add("GuaranteeConst", b.argument("int32"))
    (fake,) = b.add("FakeParam", dtype="float32", shape=(None, 2))
    got = run(b.done(y, fake), [np.array([1, 2], np.int32)], how)
    assert got[0].tolist() == [1, 2]
    assert got[1].dtype == np.float32


@HOW
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_const(how: str, dtype: str) -> None:
    b = Builder()
    value = np.array([[1, 0, 1]], dtype)
    (c,) = b.add("Const", value=value, dtype=dtype)
    assert c.shape == (1, 3)
    got = run(b.done(c), [], how)
    assert got[0].dtype == value.dtype
    np.testing.assert_array_equal(got[0], value)


def test_assert_shows_strings_as_c_literals() -> None:
    """As TensorFlow 2.21 does for the same data."""
    b = Builder()
    b.add("Assert", b.argument("bool"), [b.argument("string"), b.argument("string")], effect=True)
    data = [np.array(b'it\'s "x"\n', object), np.array([b"a'b", b"c", b"d", b"e"], object)]
    with pytest.raises(errors.InvalidArgumentError) as caught:
        run(b.done(), [np.array(False), *data], "plan")
    assert r"[it\'s \"x\"\n] [a\'b c d...]" in str(caught.value)


@HOW
@pytest.mark.parametrize("named", [False, True])
def test_an_engine_runs_the_segment_that_it_was_made_from(how: str, named: bool) -> None:
    """TRTEngineOp, which TensorFlow itself runs only where TensorRT is."""
    b = Builder()
    x = b.argument("float32", (2,))
    attrs = {"segment_func": ref(unary("Neg"))}
    if named:
        attrs = {"segment_func": FunctionRef("neg"), "segment_funcdef_name": b"neg"}
    (y,) = b.add("TRTEngineOp", [x], OutT=["float32"], **attrs)
    env = Environment(Library(lambda name: unary("Neg"), ["neg"]))
    got = run(b.done(y), [np.array([1, -2], np.float32)], how, env)
    assert got[0].tolist() == [-1, 2]


def test_an_engine_without_a_segment_is_refused() -> None:
    b = Builder()
    (y,) = b.add("TRTEngineOp", [b.argument("float32")], OutT=["float32"], segment_func=FunctionRef(""))
    with pytest.raises(errors.UnimplementedError, match="TensorRT without the graph"):
        run(b.done(y), [np.float32(1)], "plan")


@HOW
def test_boosted_trees_bucketize(how: str) -> None:
    """BoostedTreesBucketize, whose kernel TensorFlow no longer has: the first boundary that is not less."""
    b = Builder()
    x, y = b.argument("float32", (4,)), b.argument("float32", (2,))
    edges, other = b.argument("float32", (3,)), b.argument("float32", (1,))
    outputs = b.add("BoostedTreesBucketize", [x, y], [edges, other])
    arrays = [[0, 2, 2.5, 9], [-1, 1], [2, 3, 8], [0]]
    got = run(b.done(*outputs), [np.array(a, np.float32) for a in arrays], how)
    assert [g.tolist() for g in got] == [[0, 0, 1, 2], [0, 0]]
    assert got[0].dtype == np.int32
