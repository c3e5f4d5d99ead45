"""`calque show` tells what TensorFlow wrote into a SavedModel."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import errors
from calque_runtime.wire import schema

MODELS = ["two_layer", "polymorphic", "structures", "nested", "control", "assets", "composites"]


def squeezed(text: str) -> str:
    """The text in one line, so that it does not matter where lines break."""
    return " ".join(text.split())


def facts(run: Callable[..., Any], *arguments: object) -> dict[str, Any]:
    result = run("show", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_two_layer(run: Callable[..., Any], golden: Path) -> None:
    result = run("show", golden / "two_layer")
    assert result.exit_code == 0
    text = squeezed(result.stdout)
    for fact in (
        "tags serve",
        "TensorFlow 2.21.0",
        "serving_default tensorflow/serving/predict",
        "in x float32[?,3] serving_default_x:0",
        "out output_0 float32[?,2] StatefulPartitionedCall:0",
        "__call__(x: float32[?,3]) -> float32[?,2]",
        "w1 float32[3,4] 48 B trainable",
        "4 variables, 26 parameters (26 trainable), 104 B",
        "MatMul(2)",
        "ReadVariableOp(4)",
    ):
        assert fact in text
    assert "trace_0" not in text, "concrete functions are shown with the function they belong to"


def test_facts_of_two_layer(run: Callable[..., Any], golden: Path) -> None:
    found = facts(run, golden / "two_layer")
    assert found["tags"] == ["serve"]
    assert found["tensorflow_version"] == "2.21.0"
    assert found["graph_version"] > 1000
    assert found["has_object_graph"] is True
    assert found["file_bytes"] == (golden / "two_layer" / "saved_model.pb").stat().st_size
    serving = next(one for one in found["signatures"] if one["name"] == "serving_default")
    assert serving == {
        "name": "serving_default",
        "method": "tensorflow/serving/predict",
        "inputs": [{"name": "x", "dtype": "float32", "shape": [None, 3], "tensors": ["serving_default_x:0"]}],
        "outputs": [
            {
                "name": "output_0",
                "dtype": "float32",
                "shape": [None, 2],
                "tensors": ["StatefulPartitionedCall:0"],
            }
        ],
        "defaults": {},
    }
    assert [one["path"] for one in found["functions"]] == ["__call__"]
    concrete = found["functions"][0]["concrete_functions"]
    assert [one["arguments"] for one in concrete] == [[{"name": "x", "takes": ": float32[?,3]"}]]
    assert sorted(concrete[0]["captures"]) == ["b1", "b2", "w1", "w2"]
    variables = {one["path"]: one for one in found["variables"]}
    assert variables["w1"] == {
        "path": "w1",
        "name": "w1",
        "dtype": "float32",
        "shape": [3, 4],
        "trainable": True,
        "parameters": 12,
        "bytes": 48,
    }
    assert found["totals"] == {
        "variables": 4,
        "parameters": 26,
        "bytes": 104,
        "trainable_variables": 4,
        "trainable_parameters": 26,
    }
    assert found["checkpoint_error"] is None
    reachable = found["ops"]["reachable"]
    assert reachable["MatMul"] == 2
    assert reachable["ReadVariableOp"] == 4
    assert "SaveV2" not in reachable
    assert found["ops"]["file"]["SaveV2"] == 1
    assert found["missing"] == []
    assert found["unknown_ops"] == []


def test_every_concrete_function_is_shown(run: Callable[..., Any], golden: Path) -> None:
    text = run("show", golden / "polymorphic").stdout
    for call in (
        "__call__(x: float32[2], training=False, power=1) -> float32[2]",
        "__call__(x: float32[2], training=True, power=1) -> float32[2]",
        "__call__(x: float64[2,2], training=False, power=1) -> float64[2,2]",
        "__call__(x: int32[], training=False, power=2) -> int32[]",
        "named(x: float32[], mode='minus') -> float32[]",
        "rest(*xs: (float32[2], float32[2]), k: float32[]) -> float32[2]",
    ):
        assert call in text


def test_structures_of_arguments(run: Callable[..., Any], golden: Path) -> None:
    text = squeezed(run("show", golden / "structures").stdout)
    assert "nothing() -> None" in text
    assert "p: Point(x=float32[], y=float32[])" in text
    text = squeezed(run("show", golden / "composites").stdout)
    assert "sparse(s: SparseTensor(float32[?,3]))" in text
    assert "ragged(r: RaggedTensor(float32[?,?]))" in text


def test_variables_of_every_kind(run: Callable[..., Any], golden: Path) -> None:
    found = {one["path"]: one for one in facts(run, golden / "nested")["variables"]}
    assert (found["half"]["dtype"], found["half"]["bytes"]) == ("bfloat16", 6)
    assert (found["words"]["dtype"], found["words"]["parameters"]) == ("string", 3)
    assert found["words"]["bytes"] >= len(b"onezw\xc3\xb6lf")
    assert (found["empty"]["shape"], found["empty"]["bytes"]) == ([0, 3], 0)
    assert (found["pair/0"]["shape"], found["pair/0"]["trainable"]) == ([], False)
    assert found["layers/1/w2"]["shape"] == [4, 2]
    assert found["table/one"]["bytes"] == 24


def test_assets_with_their_sizes(run: Callable[..., Any], golden: Path, tmp_path: Path) -> None:
    found = facts(run, golden / "assets")["assets"]
    size = (golden / "assets" / "assets" / "vocabulary.txt").stat().st_size
    assert {(one["filename"], one["bytes"]) for one in found} == {("vocabulary.txt", size)}
    copy = shutil.copytree(golden / "assets", tmp_path / "copy")
    (copy / "assets" / "vocabulary.txt").unlink()
    assert "vocabulary.txt missing" in squeezed(run("show", copy).stdout)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("arguments", [[], ["--all"]])
def test_fits_80_columns(run: Callable[..., Any], golden: Path, model: str, arguments: list[str]) -> None:
    result = run("show", golden / model, *arguments)
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "\x1b" not in result.output


@pytest.mark.parametrize("model", MODELS)
def test_json_and_text_agree(run: Callable[..., Any], golden: Path, model: str) -> None:
    found = facts(run, golden / model)
    text = run("show", golden / model, "--all").stdout
    for name in [one["name"] for one in found["signatures"] if not one["name"].startswith("__")]:
        assert name in text
    for variable in found["variables"]:
        assert variable["path"].rpartition("/")[2] in text
    for op in found["ops"]["reachable"]:
        assert op in text


def test_a_graph_of_tensorflow_1(
    run: Callable[..., Any], tmp_path: Path, make_graph_model: Callable[..., Path]
) -> None:
    model = make_graph_model(tmp_path / "model")
    text = squeezed(run("show", model).stdout)
    assert "TensorFlow 1.15.0" in text
    assert "none: a graph as TensorFlow 1 saved it" in text
    assert "in x float32[?] x:0" in text
    assert "2 variables, 7 parameters (6 trainable), 32 B" in text
    assert "w float32[2,3] 24 B trainable" in text
    found = facts(run, model)
    assert found["has_object_graph"] is False
    assert found["functions"] == []
    assert {one["path"]: one["trainable"] for one in found["variables"]} == {"w": True, "global_step": False}


def test_ops_that_calque_lacks_are_named(
    run: Callable[..., Any], tmp_path: Path, make_graph_model: Callable[..., Path]
) -> None:
    model = make_graph_model(tmp_path / "model")
    found = facts(run, model)
    (missing,) = found["missing"]
    assert (missing["op"], missing["nodes"]) == ("NobodyKnowsThisOp", 1)
    assert missing["signatures"] == ["serving_default"]
    assert found["unknown_ops"] == ["NobodyCallsThisOp", "NobodyKnowsThisOp"]
    with pytest.raises(errors.UnimplementedError) as info:
        calque_runtime.load(model)
    assert missing["text"] in str(info.value)
    text = squeezed(run("show", model).stdout)
    assert (
        "NobodyKnowsThisOp: it is not supported (1 node in signature 'serving_default') for signature serving_default"
        in text
    )
    assert "NobodyCallsThisOp for no signature or function" in text


def test_ops_are_counted_through_calls(run: Callable[..., Any], golden: Path) -> None:
    ops = facts(run, golden / "control")["ops"]
    assert {"If", "StatelessIf"} & set(ops["reachable"])
    assert {"While", "StatelessWhile"} & set(ops["reachable"])
    assert "Less" in ops["reachable"], "the condition of a loop"
    assert all(ops["file"][name] >= number for name, number in ops["reachable"].items())


def test_a_damaged_checkpoint_is_among_the_facts(
    run: Callable[..., Any], golden: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(golden / "two_layer", tmp_path / "copy")
    index = copy / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:-10])
    result = run("show", copy)
    assert result.exit_code == 0
    assert "The checkpoint does not fit" in result.stdout
    assert "variables.index" in result.stdout
    assert facts(run, copy)["totals"]["bytes"] == 104, "shapes stand in the object graph as well"


def test_tags_choose_a_meta_graph(run: Callable[..., Any], golden: Path, tmp_path: Path) -> None:
    proto = schema.SavedModel.FromString((golden / "two_layer" / "saved_model.pb").read_bytes())
    second = proto.meta_graphs.add()
    second.CopyFrom(proto.meta_graphs[0])
    second.meta_info_def.tags[:] = ["train", "gpu"]
    second.meta_info_def.tensorflow_version = "2.0.0"
    copy = shutil.copytree(golden / "two_layer", tmp_path / "copy")
    (copy / "saved_model.pb").write_bytes(proto.SerializeToString())
    result = run("show", copy)
    assert result.exit_code == 1
    assert "--tag" in result.stderr
    assert "{serve}; {gpu, train}" in result.stderr
    assert facts(run, copy, "--tag", "gpu,train")["tensorflow_version"] == "2.0.0"
    assert facts(run, copy, "--tag", "serve")["tensorflow_version"] == "2.21.0"
    assert run("show", copy, "--tag", "train").exit_code == 1


def test_names_cannot_steer_the_terminal(
    run: Callable[..., Any], tmp_path: Path, make_graph_model: Callable[..., Path]
) -> None:
    model = make_graph_model(tmp_path / "model", op="\x1b[2JOp\r", signature="a\x1b]0;title\x07")
    result = run("show", model)
    assert result.exit_code == 0
    assert not {"\x1b", "\x07", "\r"} & set(result.output)
    assert r"\x1b]0;title\x07" in result.stdout


def test_the_text_form_of_a_model(run: Callable[..., Any], golden: Path, tmp_path: Path) -> None:
    proto = schema.SavedModel.FromString((golden / "two_layer" / "saved_model.pb").read_bytes())
    copy = shutil.copytree(golden / "two_layer", tmp_path / "copy")
    (copy / "saved_model.pb").unlink()
    (copy / "saved_model.pbtxt").write_text(schema.to_text(proto), encoding="utf-8")
    binary, text = facts(run, golden / "two_layer"), facts(run, copy)
    for one in binary, text:
        del one["directory"], one["file"], one["file_bytes"]
    assert text == binary


def test_the_file_names_its_directory(run: Callable[..., Any], golden: Path) -> None:
    result = run("show", golden / "two_layer" / "saved_model.pb")
    assert result.exit_code == 0
    assert result.stdout == run("show", golden / "two_layer").stdout


def test_constants_have_no_values_in_it(run: Callable[..., Any], golden: Path) -> None:
    found = {one["path"]: one for one in facts(run, golden / "nested")["objects"]}
    constants = [one for one in found.values() if one["kind"] == "constant"]
    assert [(one["dtype"], one["shape"]) for one in constants] == [("float32", list(np.zeros((1, 2)).shape))]
