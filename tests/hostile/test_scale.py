"""Many of one thing, or very deep: time and memory stay in proportion to the file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import errors
from calque_runtime.wire import schema
from hostile.crafting import (
    DOUBLE,
    FLOAT,
    X,
    add_child,
    call,
    const,
    function,
    node,
    objects,
    refuses,
    saved_model,
    shaped_constant,
    write,
)


def test_a_gigabyte_in_a_few_bytes(tmp_path: Path) -> None:
    """One value may stand for a whole constant: it takes no memory, and is right."""
    functions = shaped_constant([1 << 14, 1 << 14], float_val=[2.5])
    root = calque_runtime.load(write(tmp_path, saved_model(functions)))
    value = root.f(X)
    assert value.shape == (1 << 14, 1 << 14)
    assert value[0, 0] == value[-1, -1] == 2.5
    assert value.strides == (0, 0)


@pytest.fixture
def in_time() -> Any:
    started = time.process_time()  # of this process: other ones may be busy
    yield
    assert time.process_time() - started < 20


def chain_of_objects(proto: Any, depth: int) -> None:
    nodes = objects(proto).nodes
    add_child(nodes[0], len(nodes), "deeper")
    for i in range(depth):
        one = nodes.add()
        one.user_object.identifier = "_generic_user_object"
        if i < depth - 1:
            add_child(one, len(nodes), "a_name_of_some_length")


@pytest.mark.usefixtures("in_time")
def test_objects_nested_deep(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    chain_of_objects(proto, 50_000)
    root = calque_runtime.load(write(tmp_path, proto))
    assert root.variables == ()
    np.testing.assert_array_equal(root.f(X), X + X)


@pytest.mark.usefixtures("in_time")
def test_many_children(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    nodes = objects(proto).nodes
    for i in range(100_000):
        add_child(nodes[0], i + 2, f"child_{i}")
        nodes.add().user_object.identifier = "_generic_user_object"
    root = calque_runtime.load(write(tmp_path, proto))
    assert len(vars(root)) >= 100_000
    assert root.variables == ()


@pytest.mark.usefixtures("in_time")
def test_many_names_of_one_function(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    objects(proto).nodes[1].function.concrete_functions.extend(["f"] * 100_000)
    objects(proto).concrete_functions["f"].bound_inputs.extend([0] * 1000)
    root = calque_runtime.load(write(tmp_path, proto))
    with pytest.raises(errors.InvalidArgumentError, match="captures"):
        root.f(X)


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("depth", [100, 500, 5000])
def test_calls_nested_deep(tmp_path: Path, depth: int) -> None:
    functions = [
        function("f" if i == 0 else f"f{i}", [call("y", f"f{i + 1}", ["x"])], "y:output:0")
        for i in range(depth)
    ]
    last = schema.FunctionDef()
    last.CopyFrom(DOUBLE)
    last.signature.name = f"f{depth}"
    root = calque_runtime.load(write(tmp_path, saved_model([*functions, last])))
    if depth == 100:
        np.testing.assert_array_equal(root.f(X), X + X)
        return
    try:
        np.testing.assert_array_equal(root.f(X), X + X)
    except errors.ResourceExhaustedError as e:
        assert "nested deeper" in e.message


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("op", ["Identity", "Neg"])
def test_long_chains_of_nodes(tmp_path: Path, op: str) -> None:
    output = {"Identity": "output", "Neg": "y"}[op]
    names = ["x"] + [f"n{i}:{output}:0" for i in range(20_000)]
    nodes = [node(f"n{i}", op, [names[i]], T=FLOAT) for i in reversed(range(20_000))]
    root = calque_runtime.load(write(tmp_path, saved_model([function("f", nodes, names[-1])])))
    np.testing.assert_array_equal(root.f(X), X)


@pytest.mark.usefixtures("in_time")
def test_many_constants(tmp_path: Path) -> None:
    proto = saved_model([DOUBLE])
    for i in range(10_000):
        proto.meta_graphs[0].graph_def.node.append(const(f"c{i}", np.float32(i)))
        add_child(objects(proto).nodes[0], len(objects(proto).nodes), f"c{i}")
        objects(proto).nodes.add().constant.operation = f"c{i}"
    root = calque_runtime.load(write(tmp_path, proto))
    assert root.c9999 == 9999


@pytest.mark.usefixtures("in_time")
def test_structures_nested_beyond_reason(tmp_path: Path) -> None:
    """10,000 lists in one another, which no protobuf library writes."""
    deep = b""
    for _ in range(10_000):
        for message, field in ((schema.ListValue, "values"), (schema.StructuredValue, "list_value")):
            number = message.DESCRIPTOR.fields_by_name[field].number
            deep = varint(number << 3 | 2) + varint(len(deep)) + deep
    for message, field in (
        (schema.message("SavedConcreteFunction"), "output_signature"),
        (schema.message("SavedObjectGraph.ConcreteFunctionsEntry"), "value"),
        (schema.message("SavedObjectGraph"), "concrete_functions"),
        (schema.message("MetaGraphDef"), "object_graph_def"),
        (schema.SavedModel, "meta_graphs"),
    ):
        number = message.DESCRIPTOR.fields_by_name[field].number
        deep = varint(number << 3 | 2) + varint(len(deep)) + deep
    (tmp_path / "saved_model.pb").write_bytes(deep)
    refuses(tmp_path, errors.DataLossError, "saved_model.pb")


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
