"""Variables in graphs: handles, reads, assignments, sparse updates. VarHandleOp ReadVariableOp AssignVariableOp ..."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import errors
from calque_runtime.environment import Environment
from support.graphs import Builder, run, variable

HOW = pytest.mark.parametrize("how", ["reference", "plan"])


@HOW
def test_reads_and_writes_keep_program_order(how: str) -> None:
    b = Builder()
    handle, x = b.argument("resource"), b.argument("float32", (2,))
    (first,) = b.add("ReadVariableOp", handle, dtype="float32")
    b.add("AssignAddVariableOp", handle, x, effect=True)
    (second,) = b.add("ReadVariableOp", handle, dtype="float32")
    b.add("AssignSubVariableOp", handle, first, effect=True)
    b.add("AssignSubVariableOp", handle, x, effect=True)
    (third,) = b.add("ReadVariableOp", handle, dtype="float32")
    b.add("AssignVariableOp", handle, x, effect=True)
    function = b.done(first, second, third)
    v = variable(np.array([1, 2], np.float32))
    got = run(function, [v, np.array([10, 20], np.float32)], how)
    assert [g.tolist() for g in got] == [[1, 2], [11, 22], [0, 0]]
    assert v.value.tolist() == [10, 20]
    assert v.version == 4


@HOW
def test_an_assigned_array_is_the_variables_own(how: str) -> None:
    b = Builder()
    handle, x = b.argument("resource"), b.argument("float32", (2,))
    b.add("AssignVariableOp", handle, x, effect=True)
    v, array = variable(np.zeros(2, np.float32)), np.array([1, 2], np.float32)
    run(b.done(), [v, array], how)
    array[0] = 99
    assert v.value.tolist() == [1, 2]


@HOW
def test_handles_share_by_name(how: str) -> None:
    env = Environment()
    b = Builder()
    attrs = {"dtype": "int32", "shape": (), "shared_name": b"counter"}
    (one,), (two,) = b.add("VarHandleOp", **attrs), b.add("VarHandleOp", **attrs)
    (other,) = b.add("VarHandleOp", dtype="int32", shape=(), name="other")
    (before,) = b.add("VarIsInitializedOp", other)
    b.add("AssignVariableOp", one, b.constant(5, "int32"), effect=True)
    (read,) = b.add("ReadVariableOp", two, dtype="int32")
    got = run(b.done(read, before), [], how, env)
    assert int(got[0]) == 5
    assert not got[1]
    assert set(env.resources) == {("variable", "", "counter"), ("variable", "", "other")}


@HOW
def test_variable_shape_and_destroy(how: str) -> None:
    b = Builder()
    handle = b.argument("resource")
    (shape,) = b.add("VariableShape", handle, out_type="int64")
    b.add("DisableCopyOnRead", handle, effect=True)
    b.add("DestroyResourceOp", handle, effect=True)
    v = variable(np.zeros((2, 0, 3), np.float64))
    got = run(b.done(shape), [v], how)
    assert got[0].tolist() == [2, 0, 3]
    assert got[0].dtype == np.int64
    assert not v.initialized


@HOW
@pytest.mark.parametrize(
    ("op", "change"),
    [
        ("ResourceScatterUpdate", lambda a, i, u: a.__setitem__(i, u)),
        ("ResourceScatterAdd", np.add.at),
        ("ResourceScatterSub", np.subtract.at),
        ("ResourceScatterMul", np.multiply.at),
        ("ResourceScatterDiv", np.divide.at),
        ("ResourceScatterMin", np.minimum.at),
        ("ResourceScatterMax", np.maximum.at),
    ],
)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_scatter(how: str, op: str, change: Any, dtype: str) -> None:
    before = np.arange(8, dtype=np.float32).reshape(4, 2)
    indices, updates = np.array([3, 1], dtype), np.array([[5, 2], [1, 8]], np.float32)
    b = Builder()
    handle, i, u = b.argument("resource"), b.argument(dtype), b.argument("float32")
    b.add(op, handle, i, u, effect=True)
    v = variable(before)
    run(b.done(), [v, indices, updates], how)
    want = before.copy()
    change(want, indices, updates)
    np.testing.assert_array_equal(v.value, want)
    np.testing.assert_array_equal(
        before, np.arange(8, dtype=np.float32).reshape(4, 2)
    )  # not changed in place


@HOW
@pytest.mark.parametrize(
    ("op", "want"),
    [
        ("ResourceScatterNdUpdate", [9, 2, 7]),
        ("ResourceScatterNdAdd", [10, 2, 10]),
        ("ResourceScatterNdSub", [-8, 2, -4]),
    ],
)
def test_scatter_nd(how: str, op: str, want: list[float]) -> None:
    b = Builder()
    handle, i, u = b.argument("resource"), b.argument("int32"), b.argument("float32")
    b.add(op, handle, i, u, effect=True)
    v = variable(np.array([1, 2, 3], np.float32))
    run(b.done(), [v, np.array([[0], [2]], np.int32), np.array([9, 7], np.float32)], how)
    assert v.value.tolist() == want


@HOW
def test_gather(how: str) -> None:
    b = Builder()
    handle, i, at = b.argument("resource"), b.argument("int64"), b.argument("int32")
    (rows,) = b.add("ResourceGather", handle, i, dtype="float32")
    (slices,) = b.add("ResourceGatherNd", handle, at, dtype="float32")
    value = np.arange(6, dtype=np.float32).reshape(3, 2)
    got = run(
        b.done(rows, slices), [variable(value), np.array([[2, 0]]), np.array([[1, 1], [0, 0]], np.int32)], how
    )
    np.testing.assert_array_equal(got[0], value[[[2, 0]]])
    np.testing.assert_array_equal(got[1], [3, 0])


@HOW
@pytest.mark.parametrize("op", ["ResourceGather", "ResourceScatterAdd"])
def test_indices_out_of_range(how: str, op: str) -> None:
    b = Builder()
    handle, i = b.argument("resource"), b.argument("int32")
    if op == "ResourceGather":
        (out,) = b.add(op, handle, i, dtype="float32")
        function = b.done(out)
    else:
        b.add(op, handle, i, b.constant(np.zeros(2, np.float32)), effect=True)
        function = b.done()
    with pytest.raises(errors.InvalidArgumentError, match=r"indices\[1\] = 3 is not in \[0, 3\)"):
        run(function, [variable(np.zeros(3, np.float32)), np.array([0, 3], np.int32)], how)


@HOW
def test_a_read_of_another_dtype_is_refused(how: str) -> None:
    b = Builder()
    handle = b.argument("resource")
    (read,) = b.add("ReadVariableOp", handle, dtype="float64")
    with pytest.raises(errors.InvalidArgumentError, match="Expected float64 got float32"):
        run(b.done(read), [variable(np.float32(1))], how)


@HOW
def test_an_assignment_of_another_shape_is_refused(how: str) -> None:
    b = Builder()
    handle, x = b.argument("resource"), b.argument("float32")
    b.add("AssignVariableOp", handle, x, effect=True)
    function = b.done()
    v = variable(np.zeros((2, 3), np.float32), shape=(None, 3))
    run(function, [v, np.ones((5, 3), np.float32)], how)
    with pytest.raises(errors.InvalidArgumentError, match=r"\[\?,3\], and the assigned value shape \[5\]"):
        run(function, [v, np.ones(5, np.float32)], how)
    assert v.value.shape == (5, 3)


@HOW
def test_no_value_yet(how: str) -> None:
    b = Builder()
    handle = b.argument("resource")
    (read,) = b.add("ReadVariableOp", handle, dtype="float32")
    v = variable(np.float32(1))
    v.clear()
    with pytest.raises(errors.FailedPreconditionError, match="'v' has no value yet"):
        run(b.done(read), [v], how)


@HOW
def test_count_up_to(how: str) -> None:  # ResourceCountUpTo
    b = Builder()
    (before,) = b.add("ResourceCountUpTo", b.argument("resource"), limit=2, T="int64", effect=True)
    function, v = b.done(before), variable(np.int64(0))
    assert [int(run(function, [v], how)[0]) for _ in range(2)] == [0, 1]
    with pytest.raises(errors.OutOfRangeError):
        run(function, [v], how)
    assert int(v.value) == 2
