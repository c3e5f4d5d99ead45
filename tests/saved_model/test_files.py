"""Directories that are not quite SavedModels: typed errors that name file and place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import errors
from calque_runtime.wire import schema

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the two-layer model, to be spoiled."""
    return Path(shutil.copytree(GOLDEN / "two_layer", tmp_path / "model"))


def change(directory: Path, edit: Callable[[Any], Any]) -> None:
    """Rewrite the model's file after `edit` has changed the message."""
    path = directory / "saved_model.pb"
    proto = schema.parse(schema.SavedModel, path.read_bytes(), str(path))
    edit(proto)
    path.write_bytes(schema.serialize(proto, str(path)))


def refuses(directory: Path, error: type[Exception], *texts: str, **kwargs: Any) -> None:
    with pytest.raises(error) as caught:
        calque_runtime.load(directory, **kwargs)
    for text in texts:
        assert text in str(caught.value)


def test_text_form(model: Path) -> None:
    path = model / "saved_model.pb"
    proto = schema.parse(schema.SavedModel, path.read_bytes(), str(path))
    (model / "saved_model.pbtxt").write_text(schema.to_text(proto))
    path.unlink()
    loaded, want = calque_runtime.load(model), calque_runtime.load(GOLDEN / "two_layer")
    np.testing.assert_array_equal(loaded.w1.numpy(), want.w1.numpy())
    (model / "saved_model.pbtxt").write_text("meta_graphs { nope }")
    refuses(model, errors.DataLossError, "saved_model.pbtxt")


def test_directories(tmp_path: Path, model: Path) -> None:
    refuses(tmp_path / "nope", errors.NotFoundError, "does not exist", "nope")
    refuses(model / "saved_model.pb", errors.FailedPreconditionError, "is no directory")
    (tmp_path / "empty").mkdir()
    refuses(tmp_path / "empty", errors.NotFoundError, "saved_model.pb", "it holds nothing")
    (model / "saved_model.pb").unlink()
    refuses(model, errors.NotFoundError, "not copied, to its end")
    (model / "saved_model.cpb").write_bytes(b"")
    refuses(model, errors.UnimplementedError, "saved_model.cpb")


def test_empty_and_damaged_files(model: Path) -> None:
    path = model / "saved_model.pb"
    data = path.read_bytes()
    path.write_bytes(b"")
    refuses(model, errors.DataLossError, "holds no meta graph")
    path.write_bytes(data[: len(data) // 2])
    refuses(model, errors.DataLossError, "saved_model.pb")
    path.write_bytes(b"\xff" * 100)
    refuses(model, errors.DataLossError, "saved_model.pb")


def test_tags(model: Path) -> None:
    assert calque_runtime.load(model, tags="serve").w1.shape == (3, 4)
    assert calque_runtime.load(model, tags=["serve"]).w1.shape == (3, 4)
    refuses(model, errors.NotFoundError, "{gpu, serve}", "There are: {serve}", tags=["serve", "gpu"])

    def twice(proto: Any) -> None:
        proto.meta_graphs.add().CopyFrom(proto.meta_graphs[0])
        proto.meta_graphs[1].meta_info_def.tags.append("train")

    change(model, twice)
    refuses(model, errors.InvalidArgumentError, "2 meta graphs", "{serve}; {serve, train}")
    assert calque_runtime.load(model, tags=["train", "serve"]).w1.shape == (3, 4)


def test_missing_checkpoint(model: Path) -> None:
    (model / "variables" / "variables.data-00000-of-00001").unlink()
    refuses(model, errors.NotFoundError, "variables.data-00000-of-00001")
    shutil.rmtree(model / "variables")
    refuses(model, errors.NotFoundError, "variables.index")


@pytest.mark.parametrize(
    ("edit", "texts"),
    [
        (lambda v: setattr(v, "dtype", 2), ("w1", "float64", "float32")),
        (lambda v: setattr(v.shape.dim[0], "size", 5), ("w1", "[5,4]", "[3,4]")),
    ],
    ids=["dtype", "shape"],
)
def test_values_that_do_not_fit_are_found_when_read(model: Path, edit: Any, texts: tuple[str, ...]) -> None:
    change(model, lambda p: edit(node_of(p, "variable", "w1").variable))
    loaded = calque_runtime.load(model)
    assert loaded.w2.numpy().shape == (4, 2)
    with pytest.raises(errors.InvalidArgumentError) as caught:
        loaded.w1.numpy()
    assert all(text in str(caught.value) for text in texts)
    with pytest.raises(errors.InvalidArgumentError):
        loaded.signatures["serving_default"](x=np.zeros((1, 3), np.float32))


def test_without_its_object_graph_a_model_has_its_signatures(model: Path) -> None:
    x = np.array([[1, 2, 3]], np.float32)
    want = calque_runtime.load(model).signatures["serving_default"](x=x)
    change(model, lambda p: p.meta_graphs[0].ClearField("object_graph_def"))
    got = calque_runtime.load(model).signatures["serving_default"](x=x)
    assert set(got) == set(want)
    for name, array in want.items():
        np.testing.assert_array_equal(got[name], array)


def test_damaged_weights_are_found_when_touched(model: Path) -> None:
    path = model / "variables" / "variables.data-00000-of-00001"
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    loaded = calque_runtime.load(model)
    assert any(_damaged(v) for v in loaded.variables)


def _damaged(variable: Any) -> bool:
    try:
        variable.numpy()
    except errors.DataLossError as e:
        assert "checksum" in str(e)
        return True
    return False


def node_of(proto: Any, kind: str, name: str = "") -> Any:
    nodes = proto.meta_graphs[0].object_graph_def.nodes
    return next(n for n in nodes if n.WhichOneof("kind") == kind and (not name or n.variable.name == name))


def objects(proto: Any) -> Any:
    return proto.meta_graphs[0].object_graph_def


SPOILED: dict[str, tuple[Callable[[Any], Any], type[Exception], tuple[str, ...]]] = {
    "variable under another name": (
        lambda p: setattr(objects(p).nodes[0].children[0], "local_name", "other"),
        errors.NotFoundError,
        ("no value for variable",),
    ),
    "child out of range": (
        lambda p: setattr(objects(p).nodes[0].children[0], "node_id", 999),
        errors.InvalidArgumentError,
        ("object 0", "999"),
    ),
    "negative child": (
        lambda p: setattr(objects(p).nodes[0].children[0], "node_id", -1),
        errors.InvalidArgumentError,
        ("-1",),
    ),
    "node without kind": (
        lambda p: node_of(p, "variable").ClearField("variable"),
        errors.InvalidArgumentError,
        ("of no kind",),
    ),
    "no such function": (
        lambda p: node_of(p, "function").function.concrete_functions.append("nope"),
        errors.NotFoundError,
        ("'nope'",),
    ),
    "function without entry": (
        lambda p: objects(p).concrete_functions.clear(),
        errors.InvalidArgumentError,
        ("no entry",),
    ),
    "bound input out of range": (
        lambda p: next(iter(objects(p).concrete_functions.values())).bound_inputs.append(999),
        errors.InvalidArgumentError,
        ("999",),
    ),
    "no objects": (
        lambda p: objects(p).ClearField("nodes"),
        errors.DataLossError,
        ("object graph is empty",),
    ),
    "newer schema": (
        lambda p: setattr(p, "saved_model_schema_version", 9),
        errors.UnimplementedError,
        ("9",),
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_models_that_contradict_themselves(model: Path, name: str) -> None:
    edit, error, texts = SPOILED[name]
    change(model, edit)
    refuses(model, error, *texts)


@pytest.mark.parametrize("filename", ["../secret", "/etc/passwd", "..", "", "a\\b", "sub/file"])
def test_assets_stay_inside(tmp_path: Path, filename: str) -> None:
    copy = Path(shutil.copytree(GOLDEN / "assets", tmp_path / "model"))
    change(copy, lambda p: setattr(p.meta_graphs[0].asset_file_def[0], "filename", filename))
    refuses(copy, errors.InvalidArgumentError, "no plain file name")


def test_missing_constant(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(GOLDEN / "nested", tmp_path / "model"))
    change(copy, lambda p: setattr(node_of(p, "constant").constant, "operation", "nope"))
    refuses(copy, errors.InvalidArgumentError, "nope")


def test_captures_that_do_not_fit_the_function(model: Path) -> None:
    change(model, lambda p: [f.bound_inputs.pop() for f in objects(p).concrete_functions.values()])
    with pytest.raises(errors.InvalidArgumentError, match="captures make"):
        calque_runtime.load(model)(np.zeros((1, 3), np.float32))
