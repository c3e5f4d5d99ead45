"""SavedModels: ours in TensorFlow and TensorFlow's here, for every model of `support.models`.

Both libraries build and save each model from the same code. A fresh TensorFlow process loads what both wrote, which
says what is right; calque's two loaders are asked the same. All of TensorFlow's part is done in two requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from calque_runtime import shapes
from calque_runtime.record import replace
from calque_runtime.savedmodel import files, objects
from calque_runtime.savedmodel import metagraph as mg
from calque_runtime.structure import TensorSpecValue
from interop.tf_process import TensorFlow
from support import driving
from support.models import MODELS

TESTS = Path(__file__).parents[1]
NAMES = list(MODELS)
WITH_GRADIENTS = [n for n in NAMES if MODELS[n].gradients]


def build_and_save(tests, where):  # type: ignore[no-untyped-def]
    """In TensorFlow: every model built, called, and saved below `where`."""
    import shutil
    import sys
    from pathlib import Path

    import tensorflow as tf

    sys.path.insert(0, tests)
    from support import driving, models

    found = {}
    for name in models.MODELS:
        folder = Path(where) / "files"
        root, found[name] = driving.build(tf, name, folder)
        driving.save(tf, root, name, Path(where) / name)
        shutil.rmtree(folder)  # a saved model needs nothing of what it was made from
    return found


def look(tests, where, save_again):  # type: ignore[no-untyped-def]
    """In a fresh TensorFlow: all that it finds in the models below the folders `where`."""
    import sys
    from pathlib import Path

    import tensorflow as tf

    sys.path.insert(0, tests)
    from support import driving, models

    children = tf.train.TrackableView.children

    def facts(name, directory):
        loaded = tf.saved_model.load(str(directory))
        found = {"variables": driving.variables(loaded, children)}
        found["gradients"] = driving.gradients(tf, loaded, name)
        if directory.parent.name in save_again:
            driving.save_loaded(tf, loaded, Path(save_again[directory.parent.name]) / name)
        found["results"] = driving.call_all(tf, loaded, name)
        found["variables after"] = driving.variables(loaded, children)
        found["session"] = driving.session_results(tf, name, directory)
        prefix = str(directory / "variables" / "variables")
        reader = tf.train.load_checkpoint(prefix)
        found["listed"] = tf.train.list_variables(prefix)
        found["stored"] = {k: reader.get_tensor(k) for k, _ in found["listed"] if k[0] != "_"}
        return found

    answer = {}
    for label, folder in where.items():
        for name in models.MODELS:
            try:
                answer[label, name] = facts(name, Path(folder) / name)
            except Exception as error:
                answer[label, name] = f"{type(error).__name__}: {error}"
    return answer


@dataclass
class Everything:
    """What was built, saved and found.

    Attributes:
        folder: holds "ours", "theirs", "ours by them" (saved by calque, loaded and saved again by TensorFlow),
            "theirs by us" and "theirs by them", each with a directory for each model.
        ours, theirs: what the calls of the models gave before they were saved.
        looked: what TensorFlow found in them, by folder and model.
    """

    folder: Path
    ours: dict[str, driving.Results]
    theirs: dict[str, driving.Results]
    looked: dict[tuple[str, str], Any]

    def found(self, label: str, name: str, what: str) -> Any:
        """What TensorFlow found of one kind."""
        facts = self.looked[label, name]
        assert isinstance(facts, dict), facts
        return facts[what]


@pytest.fixture(scope="module")
def everything(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    folder = tmp_path_factory.mktemp("models")
    ours = {}
    for name in NAMES:
        root, ours[name] = driving.build(calque, name, folder / "files" / name)
        driving.save(calque, root, name, folder / "ours" / name)
    theirs = tf.run(build_and_save, tests=str(TESTS), where=str(folder / "theirs"), timeout=300)
    for name in NAMES:
        loaded = calque.saved_model.load(folder / "theirs" / name)
        driving.save_loaded(calque, loaded, folder / "theirs by us" / name)
    labels = ("ours", "theirs", "theirs by us")
    looked = tf.script(
        look,
        tests=str(TESTS),
        where={label: str(folder / label) for label in labels},
        save_again={"ours": str(folder / "ours by them"), "theirs": str(folder / "theirs by them")},
        timeout=300,
    )
    return Everything(folder, ours, theirs, looked)


def same(got: Any, want: Any, path: str = "") -> None:
    """Equal in structure, dtypes and shapes, and in value as far as floating point goes."""
    if isinstance(want, dict):
        assert isinstance(got, dict), f"{path}: {got}"
        assert set(got) == set(want), path
        for key in want:
            same(got[key], want[key], f"{path}/{key}")
    elif isinstance(want, np.ndarray):
        assert isinstance(got, np.ndarray), f"{path}: {got}"
        assert (got.dtype, got.shape) == (want.dtype, want.shape), path
        if want.dtype.kind == "O":
            assert got.tolist() == want.tolist(), path
        elif want.dtype.kind == "V":  # bfloat16
            np.testing.assert_array_equal(got.astype(np.float32), want.astype(np.float32), err_msg=path)
        else:
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6, err_msg=path)
    elif isinstance(want, TensorSpecValue):  # of a result, whose shape may have been inferred less exactly
        assert (got.dtype, got.name) == (want.dtype, want.name), path
        assert shapes.compatible(got.shape, want.shape), f"{path}: {got.shape} and {want.shape}"
    elif isinstance(want, (tuple, list)):
        assert type(got) is type(want), f"{path}: {got}"
        assert len(got) == len(want), f"{path}: {got} and {want}"
        names = getattr(want, "_fields", range(len(want)))
        for key, one, other in zip(names, got, want, strict=True):
            same(one, other, f"{path}/{key}")
    else:
        assert got == want, path


def no_errors(results: driving.Results) -> None:
    """A comparison of errors with errors proves nothing."""
    errors = {name: text for name, text in results.items() if isinstance(text, str)}
    assert not errors


def load_runtime(directory: Path) -> tuple[Any, driving.Results]:
    root = calque_runtime.load(directory)
    return root, driving.variables(root, runtime_children)


def load_tracer(directory: Path) -> tuple[Any, driving.Results]:
    root = calque.saved_model.load(directory)
    return root, driving.variables(root, lambda one: one._trackable_children())


def runtime_children(holder: Any) -> Mapping[str, Any]:
    if isinstance(holder, objects.Object):
        return {k: v for k, v in vars(holder).items() if not k.startswith("_")}
    if isinstance(holder, (objects.List, objects.Tuple)):
        return {str(i): v for i, v in enumerate(holder)}
    return holder if isinstance(holder, objects.Dict) else {}


LOADERS = {"runtime": (load_runtime, None), "tracer": (load_tracer, calque)}


def calls_agree(everything: Everything, label: str, name: str, loader: str) -> None:
    """A loader of ours finds in a directory what TensorFlow finds in its own."""
    load, tf = LOADERS[loader]
    root, variables = load(everything.folder / label / name)
    same(variables, everything.found("theirs", name, "variables"))
    same(driving.call_all(tf, root, name), everything.found("theirs", name, "results"))
    after = everything.found("theirs", name, "variables after")
    _, now = (
        root,
        driving.variables(root, runtime_children if tf is None else lambda x: x._trackable_children()),
    )
    same(now, after)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_code_computes_the_same(everything: Everything, name: str) -> None:
    no_errors(everything.theirs[name])
    same(everything.ours[name], everything.theirs[name])


@pytest.mark.parametrize("name", NAMES)
def test_ours_loads_in_tensorflow(everything: Everything, name: str) -> None:
    no_errors(everything.found("theirs", name, "results"))
    for what in ("variables", "results", "variables after"):
        same(everything.found("ours", name, what), everything.found("theirs", name, what), what)


@pytest.mark.parametrize("name", WITH_GRADIENTS)
def test_tensorflow_differentiates_ours(everything: Everything, name: str) -> None:
    want = everything.found("theirs", name, "gradients")
    assert any(g is not None for by in want.values() for g in by.values())
    same(everything.found("ours", name, "gradients"), want)


@pytest.mark.parametrize("name", NAMES)
def test_ours_loads_in_a_session(everything: Everything, name: str) -> None:
    want, got = everything.found("theirs", name, "session"), everything.found("ours", name, "session")
    same({**got, "saved": None}, {**want, "saved": None})


@pytest.mark.parametrize("name", NAMES)
def test_tensorflow_reads_our_checkpoint(everything: Everything, name: str) -> None:
    assert everything.found("ours", name, "listed") == everything.found("theirs", name, "listed")
    same(everything.found("ours", name, "stored"), everything.found("theirs", name, "stored"))


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("name", NAMES)
def test_tensorflows_loads_here(everything: Everything, name: str, loader: str) -> None:
    calls_agree(everything, "theirs", name, loader)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("name", NAMES)
def test_ours_loads_here(everything: Everything, name: str, loader: str) -> None:
    calls_agree(everything, "ours", name, loader)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("name", NAMES)
def test_ours_saved_again_by_tensorflow_loads_here(everything: Everything, name: str, loader: str) -> None:
    calls_agree(everything, "ours by them", name, loader)


@pytest.mark.parametrize("name", NAMES)
def test_tensorflows_saved_again_by_us_loads_there(everything: Everything, name: str) -> None:
    for what in ("variables", "results", "variables after", "gradients"):
        same(everything.found("theirs by us", name, what), everything.found("theirs", name, what), what)
    same(
        described(everything.folder / "theirs by us" / name),
        described(everything.folder / "theirs by them" / name),
    )


def described(directory: Path) -> dict[str, Any]:
    """What the object graph and the signatures of a saved model say, by path, whatever the writer calls its functions.

    Left out is what is for loaders' eyes only: concrete functions and captures as children of functions.
    """
    meta = files.read_meta_graphs(directory)[0]
    graph = meta.object_graph
    assert graph is not None
    paths = {0: ""}
    for number in (queue := [0]):
        for name, child in sorted(_own_children(graph.nodes[number])):
            if child not in paths:
                paths[child] = f"{paths[number]}.{name}"
                queue.append(child)

    def concrete(name: str) -> Any:
        info = graph.concrete_functions[name]
        return repr(info.input_signature).lower(), info.output_signature  # TensorFlow lowers some names

    def kind(node: mg.SavedObject) -> Any:
        one = node.kind
        if isinstance(one, mg.SavedFunction):
            return one.spec, sorted((concrete(name) for name in one.concrete_functions), key=repr)
        if isinstance(one, mg.BareConcreteFunction):
            return replace(one, name=""), concrete(one.name)
        if isinstance(one, mg.VariableInfo):
            return replace(one, device="")
        return meta.assets[one.number].filename if isinstance(one, mg.Asset) else one

    found = {
        path: (kind(graph.nodes[n]), {k: paths[c] for k, c in _own_children(graph.nodes[n])})
        for n, path in paths.items()
    }
    infos = {
        key: {
            name: (info.dtype, info.shape)
            for name, info in {
                **signature.inputs,
                **{f"-> {k}": v for k, v in signature.outputs.items()},
            }.items()
        }
        for key, signature in meta.signatures.items()
    }
    return {
        "objects": found,
        "signatures": infos,
        "tags": meta.tags,
        "assets": [a.filename for a in meta.assets],
    }


def _own_children(node: mg.SavedObject) -> list[tuple[str, int]]:
    if isinstance(node.kind, (mg.SavedFunction, mg.BareConcreteFunction)):
        return []
    return [child for child in node.children if child[0] != "_self_saveable_object_factories"]


@pytest.mark.parametrize("name", NAMES)
def test_the_object_graphs_say_the_same(everything: Everything, name: str) -> None:
    ours, theirs = (
        described(everything.folder / "ours" / name),
        described(everything.folder / "theirs" / name),
    )
    same(ours, theirs)
