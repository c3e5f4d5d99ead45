"""`calque dump` prints messages that protobuf reads back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime.wire import elide, schema
from calque_runtime.wire.tensors import encode_tensor

CALL = "__inference___call___"


@pytest.fixture
def proto(golden: Path) -> Any:
    return schema.SavedModel.FromString((golden / "two_layer" / "saved_model.pb").read_bytes())


def parsed(cls: Any, result: Any) -> Any:
    assert result.exit_code == 0, result.output
    return schema.from_text(cls, result.stdout, "the output")


def test_whole(run: Callable[..., Any], golden: Path, proto: Any) -> None:
    assert parsed(schema.SavedModel, run("dump", golden / "two_layer", "--full")) == proto
    short = parsed(schema.SavedModel, run("dump", golden / "two_layer"))
    assert short != proto
    elide.elide(proto)
    assert short == proto


def test_one_meta_graph(run: Callable[..., Any], golden: Path, proto: Any) -> None:
    assert (
        parsed(schema.MetaGraphDef, run("dump", golden / "two_layer", "--tag", "serve", "--full"))
        == (proto.meta_graphs[0])
    )


@pytest.mark.parametrize("exact", [True, False])
def test_function(run: Callable[..., Any], golden: Path, proto: Any, exact: bool) -> None:
    library = proto.meta_graphs[0].graph_def.library.function
    wanted = next(one for one in library if one.signature.name.startswith(CALL))
    name = wanted.signature.name if exact else "__call__"
    got = parsed(schema.FunctionDef, run("dump", golden / "two_layer", "--function", name, "--full"))
    assert got == wanted


def test_ambiguous_and_wrong_function_names(run: Callable[..., Any], golden: Path, proto: Any) -> None:
    names = [one.signature.name for one in proto.meta_graphs[0].graph_def.library.function]
    result = run("dump", golden / "two_layer", "--function", "inference")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert all(name in result.stderr for name in names)
    result = run("dump", golden / "two_layer", "--function", names[0] + "x")
    assert result.exit_code == 1
    assert names[0] in result.stderr
    assert "two_layer" in result.stderr


def test_node(run: Callable[..., Any], golden: Path, proto: Any) -> None:
    graph = proto.meta_graphs[0].graph_def
    got = parsed(schema.NodeDef, run("dump", golden / "two_layer", "--node", "serving_default_x"))
    assert got == next(node for node in graph.node if node.name == "serving_default_x")
    slashed = next(node for node in graph.node if "/" in node.name)
    assert parsed(schema.NodeDef, run("dump", golden / "two_layer", "--node", slashed.name)) == slashed
    function = next(one for one in graph.library.function if one.signature.name.startswith(CALL))
    node = next(node for node in function.node_def if node.op == "MatMul")
    for arguments in (
        ["--node", f"{function.signature.name}/{node.name}"],
        ["--node", f"__call__/{node.name}"],
        ["--function", "__call__", "--node", node.name],
    ):
        assert parsed(schema.NodeDef, run("dump", golden / "two_layer", *arguments)) == node


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("serving_default_y", "serving_default_x"),
        ("__call__/matmull", "matmul"),
        ("nowhere/at/all", "top-level"),
    ],
)
def test_wrong_node_names(run: Callable[..., Any], golden: Path, name: str, says: str) -> None:
    result = run("dump", golden / "two_layer", "--node", name)
    assert result.exit_code == 1
    assert says in result.stderr


def test_signature_and_object_graph(run: Callable[..., Any], golden: Path, proto: Any) -> None:
    meta_graph = proto.meta_graphs[0]
    got = parsed(schema.SignatureDef, run("dump", golden / "two_layer", "--signature", "serving_default"))
    assert got == meta_graph.signature_def["serving_default"]
    got = parsed(schema.SavedObjectGraph, run("dump", golden / "two_layer", "--object-graph"))
    assert got == meta_graph.object_graph_def


def test_json(run: Callable[..., Any], golden: Path) -> None:
    result = run("dump", golden / "two_layer", "--signature", "serving_default", "--json")
    assert json.loads(result.stdout)["inputs"]["x"]["dtype"] == "DT_FLOAT"
    whole = json.loads(run("dump", golden / "two_layer", "--json").stdout)
    assert whole["meta_graphs"][0]["meta_info_def"]["tags"] == ["serve"]
    assert "bytes elided" in json.dumps(whole)


def test_no_object_graph(
    run: Callable[..., Any], tmp_path: Path, make_graph_model: Callable[..., Path]
) -> None:
    model = make_graph_model(tmp_path / "model")
    result = run("dump", model, "--object-graph")
    assert result.exit_code == 1
    assert str(model) in result.stderr
    assert "NobodyKnowsThisOp" in run("dump", model).stdout


def test_functions_in_text_form(run: Callable[..., Any], golden: Path) -> None:
    result = run("dump", golden / "two_layer", "--ir", "--function", "__call__")
    assert result.exit_code == 0, result.output
    assert "MatMul" in result.stdout
    assert "Relu" in result.stdout
    everything = run("dump", golden / "two_layer", "--ir").stdout
    assert result.stdout.strip() in everything
    assert "SaveV2" in everything


def test_functions_of_ops_that_nobody_describes(run: Callable[..., Any], tmp_path: Path, proto: Any) -> None:
    functions = proto.meta_graphs[0].graph_def.library.function
    wanted = next(one for one in functions if one.signature.name.startswith(CALL))
    wanted.node_def.add(name="odd", op="NobodyKnowsThisOp")
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    result = run("dump", tmp_path, "--ir")
    assert result.exit_code == 1
    assert f"1 of {len(functions)} functions" in result.stderr
    assert "NobodyKnowsThisOp" in next(line for line in result.stdout.splitlines() if line.startswith("# "))
    assert "SaveV2" in result.stdout
    assert "NobodyKnowsThisOp" in run("dump", tmp_path, "--ir", "--function", "__call__").stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--signature", "a", "--object-graph"],
        ["--function", "f", "--signature", "a"],
        ["--ir", "--json"],
        ["--ir", "--object-graph"],
    ],
)
def test_options_that_exclude_each_other(run: Callable[..., Any], golden: Path, arguments: list[str]) -> None:
    result = run("dump", golden / "two_layer", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage:")


def test_elided_tensors_keep_dtype_and_shape() -> None:
    attr = schema.AttrValue()
    attr.tensor.CopyFrom(encode_tensor(np.arange(1000, dtype=np.float32).reshape(10, 100)))
    elide.elide(attr)
    assert attr.tensor.tensor_content == b"<4000 bytes elided>"
    assert (attr.tensor.dtype, [dim.size for dim in attr.tensor.tensor_shape.dim]) == (1, [10, 100])


@pytest.mark.parametrize(
    "array", [np.float32(3), np.arange(8, dtype=np.float64), np.array([b"a" * 100], object)]
)
def test_small_tensors_stay(array: Any) -> None:
    before = encode_tensor(np.asarray(array))
    after = encode_tensor(np.asarray(array))
    elide.elide(after)
    assert after == before


def test_elided_lists_and_strings() -> None:
    numbers = schema.TensorProto(dtype=3, int_val=range(17))
    strings = schema.TensorProto(dtype=7, string_val=[b"x" * 60, b"y" * 70])
    nested = schema.NodeDef()
    nested.attr["a"].list.tensor.add().CopyFrom(numbers)
    for one in numbers, strings, nested:
        elide.elide(one)
    assert (numbers.tensor_content, len(numbers.int_val)) == (b"<17 int_val elided>", 0)
    assert (strings.tensor_content, len(strings.string_val)) == (b"<2 string_val, 130 bytes elided>", 0)
    assert nested.attr["a"].list.tensor[0] == numbers


def test_notes_are_plain_in_json() -> None:
    tensor = encode_tensor(np.zeros(200, np.float32) + np.arange(200, dtype=np.float32))
    elide.elide(tensor)
    assert json.loads(elide.to_json(tensor))["tensor_content"] == "<800 bytes elided>"
    short = encode_tensor(np.arange(3, dtype=np.float32))
    assert elide.to_json(short) == schema.to_json(short)
