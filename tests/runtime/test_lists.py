"""Tensor lists as values: whatever is done to one, the others stay what they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calque_runtime import dtypes, errors, ops
from calque_runtime.environment import Environment, Limits
from calque_runtime.ir import Function, FunctionRef, Node
from calque_runtime.lists import TensorList, add, zeros_like
from calque_runtime.plan import compile_function

# What happens to a list, and to the Python list that it is checked against.
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 1 << 20), st.integers(1, 99)),
        st.tuples(st.just("resize"), st.integers(0, 1100), st.just(0)),
        st.tuples(st.just("push"), st.integers(1, 300), st.integers(1, 99)),
        st.tuples(st.just("pop"), st.integers(1, 300), st.just(0)),
    ),
    max_size=12,
)


def changed(lst: TensorList, model: list[Any], change: tuple[str, int, int]) -> tuple[TensorList, list[Any]]:
    what, n, value = change
    model = list(model)
    if what == "set" and model:
        model[n % len(model)] = value
        return lst.set(n % len(model), np.int32(value)), model
    if what == "resize":
        return lst.resized(n), model[:n] + [None] * (n - len(model))
    for _ in range(n if what == "push" else 0):
        lst = lst.pushed(np.int32(value))
        model.append(value)
    if what == "pop" and model:
        n = max(0, len(model) - n)
        return lst.resized(n), model[:n]
    return lst, model


def items(lst: TensorList) -> list[Any]:
    return [None if x is None else int(x) for x in map(lst.get, range(lst.length))]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["reserved", "unstacked"]), st.sampled_from([0, 1, 255, 256, 257, 700]), CHANGES)
def test_changes_are_those_of_a_python_list_and_leave_other_lists_alone(
    kind: str, size: int, changes: Any
) -> None:
    if kind == "reserved":
        lst, model = TensorList(dtypes.int32, (), size), [None] * size
    else:
        array = np.arange(1, size + 1, dtype=np.int32)
        lst, model = TensorList.unstacked(array, dtypes.int32, ()), array.tolist()
    history = [(lst, model)]
    for change in changes:
        history.append(changed(*history[-1], change))
    for lst, model in history:
        assert lst.length == len(model)
        assert items(lst) == model
        assert {i: int(x) for i, x in lst.items()} == {i: x for i, x in enumerate(model) if x is not None}
        assert lst.stacked(()).tolist() == [x or 0 for x in model]


def test_setting_an_item_copies_a_part_only() -> None:
    before = TensorList.unstacked(np.zeros(100_000, np.float32), dtypes.float32, ())
    before = before.set(5, np.float32(1)).set(50_000, np.float32(2))
    after = before.set(99_999, np.float32(3))
    assert sum(a is not b for a, b in zip(before._chunks, after._chunks, strict=True)) == 1
    assert max(len(c) for c in after._chunks if c is not None) < 1000


def test_a_list_of_a_tensor_copies_nothing() -> None:
    array = np.arange(6.0).reshape(3, 2)
    lst = TensorList.unstacked(array, dtypes.float64, (2,))
    assert np.shares_memory(lst.get(1), array)
    assert lst.stacked((2,)) is array or np.shares_memory(lst.stacked((2,)), array)


def test_numpy_takes_a_list_for_one_object() -> None:
    out = np.empty(2, object)
    out[:] = [TensorList(dtypes.int32, (), 3), TensorList(dtypes.int32, (), 4)]
    assert [x.length for x in out] == [3, 4]
    assert np.asarray(out[0]).shape == ()


def test_sums_and_zeros_of_nested_lists() -> None:
    inner = TensorList.of([np.float32(1), None], dtypes.float32, ())
    outer = TensorList.of([inner, None], dtypes.variant, ())
    twice = add(outer, outer)
    assert twice.get(0).get(0) == 2.0
    assert twice.get(0).get(1) is None
    assert twice.get(1) is None
    assert zeros_like(outer).get(0).stacked(()).tolist() == [0.0, 0.0]
    with pytest.raises(errors.InvalidArgumentError, match="float32 and variant"):
        add(inner, outer)


def node(function: Function, name: str, inputs: list[Any], attrs: dict[str, Any]) -> Any:
    op = ops.require(name)
    full = op.signature.complete([v.dtype for v in inputs], attrs)
    return function.add(Node(op, function.unique_name(name), inputs, full, op.signature.output_dtypes(full)))


def constant(function: Function, value: Any) -> Any:
    array = np.asarray(value)
    dtype = dtypes.from_numpy(array.dtype)
    return function.add(
        Node(
            ops.require("Const"),
            function.unique_name("c"),
            [],
            {"value": array, "dtype": dtype},
            [dtype],
            [array.shape],
        )
    ).outputs[0]


def test_a_loop_that_sets_every_item() -> None:
    count = 3000
    env = Environment()
    condition, body, main = Function("condition"), Function("body"), Function("main")
    for function in (condition, body):
        i = function.add_input("i", dtypes.int32, ())
        handle = function.add_input("list", dtypes.variant, ())
        if function is condition:
            less = node(function, "Less", [i, constant(function, np.int32(count))], {})
            function.outputs, function.output_names = list(less.outputs), ["more"]
        else:
            changed_list = node(
                function, "TensorListSetItem", [handle, i, i], {"element_dtype": dtypes.int32}
            )
            more = node(function, "AddV2", [i, constant(function, np.int32(1))], {})
            function.outputs, function.output_names = (
                [more.outputs[0], changed_list.outputs[0]],
                ["i", "list"],
            )
        env.library.add(function)
    size = constant(main, np.int32(count))
    empty = node(
        main,
        "TensorListReserve",
        [constant(main, np.zeros(0, np.int32)), size],
        {"element_dtype": dtypes.int32, "shape_type": dtypes.int32},
    )
    loop = ops.require("StatelessWhile")
    types = (dtypes.int32, dtypes.variant)
    attrs = {"T": types, "cond": FunctionRef("condition"), "body": FunctionRef("body")}
    state = [constant(main, np.int32(0)), empty.outputs[0]]
    looped = main.add(Node(loop, "while", state, attrs, types))
    shape = constant(main, np.int32(-1))
    for handle in (looped.outputs[1], empty.outputs[0]):
        stacked = node(main, "TensorListStack", [handle, shape], {"element_dtype": dtypes.int32})
        main.outputs.append(stacked.outputs[0])
    main.output_names = ["after", "before"]
    after, before = compile_function(main, env)()
    np.testing.assert_array_equal(after, np.arange(count))
    np.testing.assert_array_equal(before, np.zeros(count))


@pytest.mark.parametrize(
    ("name", "inputs", "attrs"),
    [
        ("TensorListReserve", [[2], 1 << 30], {"element_dtype": "float32"}),
        ("TensorListStack", ["list", [1 << 20]], {"element_dtype": "float32"}),
        ("TensorListGetItem", ["list", 0, [1 << 30]], {"element_dtype": "float32"}),
        ("TensorListResize", ["list", 1 << 30], {}),
        ("TensorListScatterV2", [np.float32([1]), [1 << 30], -1, -1], {}),
        ("TensorArrayV3", [1 << 30], {"dtype": "float32"}),
    ],
)
def test_sizes_of_the_graph_are_checked(name: str, inputs: list[Any], attrs: dict[str, Any]) -> None:
    function = Function("sizes")
    arrays: list[Any] = []
    values = []
    for value in inputs:
        if value == "list" if isinstance(value, str) else False:
            arrays.append(TensorList(dtypes.float32, None, 1000))
            values.append(function.add_input(function.unique_name("x"), dtypes.variant))
        else:
            arrays.append(np.asarray(value, getattr(value, "dtype", np.int32)))
            values.append(function.add_input(function.unique_name("x"), dtypes.from_numpy(arrays[-1].dtype)))
    made = node(function, name, values, attrs)
    function.outputs, function.output_names = list(made.outputs), [f"o{i}" for i in range(len(made.outputs))]
    env = Environment(limits=Limits(max_bytes=1 << 20))
    with pytest.raises(errors.ResourceExhaustedError, match=r"limit.*max_bytes"):
        compile_function(function, env)(*arrays)
