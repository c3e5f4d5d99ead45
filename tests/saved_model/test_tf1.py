"""Models without object graphs that TensorFlow wrote, against what a Session gave (tf1/make_golden.py)."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import errors
from calque_runtime.wire import schema
from support.arrays import unpack

TF1 = Path(__file__).parent / "tf1"
MODELS = ("conditions", "loops", "variables", "tables", "composite", "frozen", "legacy")


@cache
def golden(model: str) -> dict[str, np.ndarray]:
    with np.load(TF1 / f"{model}.npz") as archive:
        return dict(archive)


def calls(model: str) -> list[tuple[str, str]]:
    """(signature, number of the call), in the order in which one Session ran them."""
    found = {tuple(key.split("|")[:2]) for key in golden(model)}
    return sorted(found, key=lambda one: int(one[1]))  # type: ignore[arg-type, return-value]


def tensors(model: str, call: tuple[str, str], part: str) -> dict[str, np.ndarray]:
    prefix = f"{call[0]}|{call[1]}|{part}/"
    names = {key.partition("#")[0] for key in golden(model) if key.startswith(prefix)}
    return {name.removeprefix(prefix): unpack(golden(model), name) for name in names}


def parts(name: str, value: Any) -> dict[str, Any]:
    if not hasattr(value, "dense_shape"):
        return {} if value is None else {name: value}
    return {f"{name}/{part}": getattr(value, part) for part in ("indices", "values", "dense_shape")}


@pytest.mark.parametrize("model", MODELS)
def test_signatures(model: str) -> None:
    loaded = calque_runtime.load(TF1 / model)
    for call in calls(model):
        want = tensors(model, call, "out")
        results = loaded.signatures[call[0]](**tensors(model, call, "in"))
        got = {key: array for name, value in results.items() for key, array in parts(name, value).items()}
        assert set(got) == set(want), call
        for name, array in want.items():
            mine = np.asarray(got[name], object if array.dtype == object else None)
            assert (mine.dtype, mine.shape) == (array.dtype, array.shape), (call, name)
            if array.dtype == object:
                assert mine.tolist() == array.tolist(), (call, name)
            else:
                np.testing.assert_allclose(mine, array, rtol=1e-5, err_msg=f"{call} {name}")


@pytest.fixture
def variables(tmp_path: Path) -> Path:
    """A copy of a model with variables of every kind."""
    return Path(shutil.copytree(TF1 / "variables", tmp_path / "model"))


def change(directory: Path, edit: Any) -> None:
    path = directory / "saved_model.pb"
    proto = schema.parse(schema.SavedModel, path.read_bytes(), str(path))
    edit(proto)
    path.write_bytes(schema.serialize(proto, str(path)))


def test_what_a_loaded_model_has(variables: Path) -> None:
    loaded = calque_runtime.load(variables)
    named = {v.name: v for v in loaded.variables}
    assert named["ref:0"].numpy() == 1
    assert named["res:0"].numpy() == 2
    assert named["part/table/part_0:0"].shape == (3, 2)
    trainable = {v.name for v in loaded.trainable_variables}
    assert "ref:0" in trainable
    assert "global_step:0" not in trainable
    named["ref:0"].assign(np.float32(10))
    assert loaded.signatures["sum"](x=np.float32(1))["y"] == 21
    assert set(loaded.signatures["sum"].inputs) == {"x"}
    with pytest.raises(errors.InvalidArgumentError, match="missing 'x'"):
        loaded.signatures["sum"]()


def test_two_loads_do_not_share_variables(variables: Path) -> None:
    first, second = calque_runtime.load(variables), calque_runtime.load(variables)
    first.signatures["add"](x=np.float32(5))
    assert second.signatures["add"](x=np.float32(0))["y"] == 1


def test_text_form(variables: Path) -> None:
    path = variables / "saved_model.pb"
    proto = schema.parse(schema.SavedModel, path.read_bytes(), str(path))
    path.with_suffix(".pbtxt").write_text(schema.to_text(proto))
    path.unlink()
    assert calque_runtime.load(variables).signatures["sum"](x=np.float32(3))["y"] == 5


def test_tags(variables: Path) -> None:
    def twice(proto: Any) -> None:
        proto.meta_graphs.add().CopyFrom(proto.meta_graphs[0])
        proto.meta_graphs[1].meta_info_def.tags.append("gpu")
        del proto.meta_graphs[1].signature_def["sum"]

    change(variables, twice)
    assert "sum" in calque_runtime.load(variables, "serve").signatures
    assert "sum" not in calque_runtime.load(variables, ["serve", "gpu"]).signatures
    with pytest.raises(errors.NotFoundError, match=r"\{serve\}; \{gpu, serve\}"):
        calque_runtime.load(variables, "train")


def test_without_a_checkpoint_variables_have_no_values(variables: Path) -> None:
    shutil.rmtree(variables / "variables")
    loaded = calque_runtime.load(variables)
    assert loaded.signatures["middle"](inner=np.float32(1))["y"] == 2
    with pytest.raises(errors.FailedPreconditionError, match="'re[fs]' has no value"):
        loaded.signatures["sum"](x=np.float32(1))


def test_without_a_saver_values_are_found_by_name(variables: Path) -> None:
    change(variables, lambda p: p.meta_graphs[0].ClearField("saver_def"))
    assert calque_runtime.load(variables).signatures["sum"](x=np.float32(3))["y"] == 5


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda g: setattr(g.signature_def["sum"].outputs["y"], "name", "nope:0"), "output 'y' of signature 'sum'"),
        (lambda g: setattr(g.signature_def["sum"].inputs["x"], "name", "x:3"), "'x:3', but Placeholder has 1"),
        (lambda g: setattr(g.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"], "name", "nope"), "the initializer"),
    ],
    ids=["output", "input", "initializer"],
)  # fmt: skip
def test_names_of_nothing(variables: Path, edit: Any, text: str) -> None:
    change(variables, lambda p: edit(p.meta_graphs[0]))
    with pytest.raises(errors.InvalidArgumentError, match=text):
        calque_runtime.load(variables)


def test_a_missing_asset_is_named(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(TF1 / "tables", tmp_path / "model"))
    (copy / "assets" / "vocabulary.txt").unlink()
    with pytest.raises(errors.NotFoundError, match="vocabulary.txt"):
        calque_runtime.load(copy)


def test_a_cycle_that_is_no_loop(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(TF1 / "frozen", tmp_path / "model"))

    def bend(proto: Any) -> None:
        (product,) = (n for n in proto.meta_graphs[0].graph_def.node if n.op == "MatMul")
        product.input[0] = product.name

    change(copy, bend)
    with pytest.raises(errors.InvalidArgumentError, match="cycle"):
        calque_runtime.load(copy).signatures["serving_default"](x=np.ones((3, 2), np.float32))
