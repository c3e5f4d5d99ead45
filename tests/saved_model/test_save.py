"""What `saved_model.save` writes, when it refuses, and what is left when it fails; read back by calque itself."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
import calque_runtime
from calque.saved_model import directory
from calque_runtime import errors
from calque_runtime.savedmodel import files
from support import driving
from support.models import MODELS

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent


class Scale(tf.Module):
    def __init__(self, factor: float = 2.0) -> None:
        super().__init__()
        self.factor = tf.Variable(factor, name="factor")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def __call__(self, x: Any) -> Any:
        return x * self.factor


X = np.array([1.0, 2.0], np.float32)


def served(where: Path) -> list[float]:
    return calque_runtime.load(where).signatures["serving_default"](x=X)["output_0"].tolist()  # type: ignore[no-any-return]


def files_in(where: Path) -> dict[str, bytes]:
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(where.rglob("*")) if p.is_file()}


# Round trips


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(tmp_path: Path, name: str) -> None:
    root, _ = driving.build(tf, name, tmp_path / "files")
    driving.save(tf, root, name, tmp_path / "model")
    want = driving.call_all(tf, root, name, signatures=False)  # from the state in which it was saved
    assert not [text for text in want.values() if isinstance(text, str)]
    for loader, library in ((calque_runtime.load, None), (tf.saved_model.load, tf)):
        got = driving.call_all(library, loader(tmp_path / "model"), name, signatures=False)
        assert set(got) == set(want)
        for call, results in want.items():
            assert set(got[call]) == set(results), got[call]
            assert got[call]["structure"] == results["structure"]
            for path in set(results) - {"structure"}:
                np.testing.assert_array_equal(got[call][path], results[path], err_msg=f"{call} {path}")
                assert got[call][path].dtype == results[path].dtype


@pytest.mark.parametrize("kind", [str, Path, lambda p: f"{p}/"], ids=["str", "Path", "slash"])
def test_directory_may_be_any_path(tmp_path: Path, kind: Any) -> None:
    tf.saved_model.save(Scale(), kind(tmp_path / "a" / "model"))
    assert served(tmp_path / "a" / "model") == [2.0, 4.0]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_dir()) == ["a", "assets", "model", "variables"]


def test_relative_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tf.saved_model.save(Scale(), "model")
    assert served(tmp_path / "model") == [2.0, 4.0]


# The same model, the same bytes

SAVE_ALL = """
import hashlib, json, sys
from pathlib import Path
import calque as tf
from support import driving
from support.models import MODELS
where = Path(sys.argv[1])
hashes = {}
for name in MODELS if sys.argv[2] == "forwards" else reversed(MODELS):
    root, _ = driving.build(tf, name, where / "files")
    driving.save(tf, root, name, where / name)
    for path in (where / name).rglob("*"):
        if path.is_file():
            hashes[str(path.relative_to(where))] = hashlib.sha256(path.read_bytes()).hexdigest()
print(json.dumps(hashes))
"""


def test_bytes_are_the_same_in_every_process(tmp_path: Path) -> None:
    paths = [str(ROOT / one) for one in ("runtime", "tracer", "tests")]

    def hashes(seed: str, order: str) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", SAVE_ALL, str(tmp_path / seed), order],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    first, second = hashes("1", "forwards"), hashes("2", "backwards")
    assert len(first) > 4 * len(MODELS)
    assert first == second


def test_bytes_do_not_depend_on_what_happened_before(tmp_path: Path) -> None:
    model = Scale()
    tf.saved_model.save(model, tmp_path / "a")
    tf.function(lambda x: x + 1)(tf.constant(1))
    model(tf.constant([5.0]))
    tf.saved_model.save(model, tmp_path / "b")
    tf.saved_model.save(Scale(), tmp_path / "b")  # over another, and from another object
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")


# Whole or not at all


class Stop(BaseException):
    """Not an Exception: as KeyboardInterrupt."""


def _stop(*args: Any, **kwargs: Any) -> Any:
    raise Stop


STAGES = ("writer", "encoder", "sync", "rename")


def break_saving(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Let saving fail at one of its stages."""
    if stage == "writer":
        monkeypatch.setattr("calque_runtime.checkpoint.BundleWriter.add", _stop)
    elif stage == "encoder":
        monkeypatch.setattr(sys.modules["calque.saved_model.save"], "encode_fingerprint", _stop)
    elif stage == "sync":
        monkeypatch.setattr(directory, "_sync_tree", _stop)
    else:
        rename = os.rename

        def fail(source: str, target: str) -> None:
            if ".tmp-" in os.path.basename(source):
                raise Stop
            rename(source, target)

        monkeypatch.setattr("os.rename", fail)


@pytest.mark.parametrize("stage", STAGES)
def test_a_failure_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    where = tmp_path / "model"
    tf.saved_model.save(Scale(), where)
    (where / "notes.txt").write_text("mine")
    before = files_in(tmp_path)
    break_saving(monkeypatch, stage)
    with pytest.raises(Stop):
        tf.saved_model.save(Scale(3.0), where)
    assert files_in(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert served(where) == [2.0, 4.0]


@pytest.mark.parametrize("stage", STAGES)
def test_a_failure_leaves_nothing_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    break_saving(monkeypatch, stage)
    with pytest.raises(Stop):
        tf.saved_model.save(Scale(), tmp_path / "deep" / "er" / "model")
    assert not list(tmp_path.iterdir())


def test_a_model_that_cannot_be_saved_leaves_nothing(tmp_path: Path) -> None:
    model = Scale()
    loose = tf.Variable(1.0)
    model.f = tf.function(lambda: loose + 1.0)
    with pytest.raises(tf.saved_model.UntrackedResourceError):
        tf.saved_model.save(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_replacing_a_model(tmp_path: Path) -> None:
    where = tmp_path / "model"
    model = Scale()
    (tmp_path / "words.txt").write_text("a\nb\n")
    model.file = tf.saved_model.Asset(tmp_path / "words.txt")
    tf.saved_model.save(model, where)
    (where / "notes.txt").write_text("mine")
    (where / "assets.extra").mkdir()
    (where / "assets.extra" / "warm").write_bytes(b"up")
    (where / "variables" / "variables.data-00001-of-00002").write_bytes(b"of another writer")
    (where / "saved_model.pbtxt").write_text("of another writer")
    tf.saved_model.save(Scale(5.0), where)
    assert sorted(files_in(where)) == [
        "assets.extra/warm",
        "fingerprint.pb",
        "notes.txt",
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]
    assert served(where) == [5.0, 10.0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "words.txt"]


def test_saving_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    tf.saved_model.save(Scale(), tmp_path / "link")
    tf.saved_model.save(Scale(3.0), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert served(tmp_path / "real") == [3.0, 6.0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]


def test_a_file_is_no_place_for_a_model(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("mine")
    with pytest.raises(errors.FailedPreconditionError, match="is a file"):
        tf.saved_model.save(Scale(), tmp_path / "model")
    assert (tmp_path / "model").read_text() == "mine"


def test_a_loaded_model_may_replace_the_one_it_was_loaded_from(tmp_path: Path) -> None:
    where = tmp_path / "model"
    tf.saved_model.save(Scale(), where)
    other = calque_runtime.load(where)  # has not read its weights yet
    loaded = tf.saved_model.load(where)
    loaded.factor.assign(7.0)
    tf.saved_model.save(loaded, where)
    assert served(where) == [7.0, 14.0]
    assert other(X).tolist() in ([2.0, 4.0], [7.0, 14.0])


# What is refused


def test_only_trackable_objects_are_saved(tmp_path: Path) -> None:
    for thing in ({"v": tf.Variable(1.0)}, 3, object(), lambda x: x):
        with pytest.raises(ValueError, match="Expected an object that is Trackable"):
            tf.saved_model.save(thing, tmp_path / "model")


def test_not_inside_a_function(tmp_path: Path) -> None:
    model = Scale()

    @tf.function
    def f() -> Any:
        tf.saved_model.save(model, tmp_path / "model")
        return tf.constant(1)

    with pytest.raises(errors.FailedPreconditionError, match=r"inside a traced @?tf\.function"):
        f()
    assert not list(tmp_path.iterdir())


LOOSE = tf.Variable([1.0, 2.0], name="scope/weights")


class UsesLoose(tf.Module):
    @tf.function
    def run(self, x: Any) -> Any:
        y = x + 1.0
        return y * LOOSE


@pytest.mark.parametrize("through", ["method", "callee", "signature"])
def test_a_variable_that_nothing_leads_to(tmp_path: Path, through: str) -> None:
    user = UsesLoose()
    user.run(tf.constant(1.0))
    model, signatures = tf.Module(), None
    if through == "method":
        model = user
    elif through == "callee":
        model.call = tf.function(lambda x: user.run(x) - 1.0)
        model.call(tf.constant(2.0))
    else:
        signatures = user.run.get_concrete_function(tf.TensorSpec([], tf.float32))
    with pytest.raises(tf.saved_model.UntrackedResourceError) as caught:
        tf.saved_model.save(model, tmp_path / "model", signatures=signatures)
    text = str(caught.value)
    assert isinstance(caught.value, AssertionError)  # TensorFlow's class
    assert "untracked" in text
    assert "scope/weights" in text  # the variable
    assert "obj.weights = " in text  # what to do
    lines, first = inspect.getsourcelines(UsesLoose)
    used = first + next(i for i, line in enumerate(lines) if "LOOSE" in line)
    if through == "method":
        assert f"{__file__}:{used}" in text  # where it is used
        assert "'run'" in text  # by which function


class Several(tf.Module):
    @tf.function
    def free(self, x: Any) -> Any:
        return x

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def nested(self, x: Any) -> Any:
        return {"a": [x]}

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def nothing(self, x: Any) -> None:
        return None

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
    def good(self, x: Any) -> Any:
        return x


REFUSED = {
    "Python function": (lambda m: {"f": lambda x: x}, "Expected a TensorFlow function"),
    "no signature": (lambda m: m.free, "get_concrete_function"),
    "nested results": (lambda m: {"f": m.nested}, "non-Tensor value"),
    "no result": (lambda m: {"f": m.nothing}, "non-Tensor value"),
    "reserved name": (lambda m: {"__saved_model_init_op": m.good}, "cannot be the name"),
    "number as name": (lambda m: {3: m.good}, "cannot be the name"),
    "not a function": (lambda m: 3, "Expected a TensorFlow function"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_signatures_that_cannot_be(tmp_path: Path, case: str) -> None:
    signatures, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        tf.saved_model.save(Several(), tmp_path / "model", signatures=signatures(Several()))
    assert not list(tmp_path.iterdir())


def test_default_signature_is_the_only_one_that_can_be(tmp_path: Path) -> None:
    tf.saved_model.save(Several(), tmp_path / "model")  # those with nested or no results do not count
    assert list(calque_runtime.load(tmp_path / "model").signatures) == ["serving_default"]
    two = Several()
    two.other = tf.function(lambda: tf.constant(1))
    tf.saved_model.save(two, tmp_path / "two")
    assert list(calque_runtime.load(tmp_path / "two").signatures) == []


# Assets


def test_assets_of_one_name(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "words.txt" for folder in ("a", "b", "c")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    model = tf.Module()
    model.files = [tf.saved_model.Asset(str(p)) for p in (*paths, paths[0])]
    model.read = tf.function(lambda: [tf.raw_ops.ReadFile(filename=f.asset_path) for f in model.files])
    tf.saved_model.save(model, tmp_path / "model")
    for path in paths:
        path.unlink()
    assert calque_runtime.load(tmp_path / "model").read() == [b"a", b"b", b"c", b"a"]
    assert len(list((tmp_path / "model" / "assets").iterdir())) == 3
    os.rename(tmp_path / "model", tmp_path / "moved")
    assert tf.saved_model.load(tmp_path / "moved").read()[1].numpy() == b"b"


def test_an_asset_must_be_there(tmp_path: Path) -> None:
    model = tf.Module()
    model.file = tf.saved_model.Asset(str(tmp_path / "nope.txt"))
    with pytest.raises(errors.NotFoundError, match=r"nope\.txt"):
        tf.saved_model.save(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())


# Functions


def test_traces_without_a_form_in_the_file_are_left_out(tmp_path: Path) -> None:
    class Key:
        pass

    model = tf.Module()
    model.f = tf.function(lambda x, how: x + 1.0)
    for how in (Key(), b"bytes", 1j, {1: 2}, "text"):
        model.f(tf.constant(1.0), how)
    tf.saved_model.save(model, tmp_path / "model")
    loaded = calque_runtime.load(tmp_path / "model")
    assert len(loaded.f.concrete_functions) == 1
    assert loaded.f(np.float32(1), "text") == 2.0


def test_functions_that_use_tensors_of_another_trace_are_left_out(tmp_path: Path) -> None:
    model = tf.Module()

    @tf.function
    def outer(x: Any) -> Any:
        if not hasattr(model, "inner"):
            model.inner = tf.function(lambda y: x * y)
        return model.inner(x)

    model.outer = outer
    assert outer(tf.constant(3.0)).numpy() == 9.0
    tf.saved_model.save(model, tmp_path / "model")
    loaded = calque_runtime.load(tmp_path / "model")
    assert loaded.outer(np.float32(4)) == 16.0
    assert len(loaded.inner.concrete_functions) == 0


def test_function_aliases(tmp_path: Path) -> None:
    model = Several()
    model.free(tf.constant(1.0))
    model.free(tf.constant([1.0]))
    options = tf.saved_model.SaveOptions(
        function_aliases={"mine": model.free, "other": model.good.get_concrete_function()}
    )
    tf.saved_model.save(model, tmp_path / "model", options=options)
    meta = files.read_meta_graphs(tmp_path / "model")[0]
    assert sorted(meta.function_aliases.values()) == ["mine", "mine", "other"]
    assert set(meta.function_aliases) <= set(meta.library)


def test_a_function_keeps_only_what_it_needs(tmp_path: Path) -> None:
    """Names in the library are of the model alone, and each function is there once."""
    model = Scale()
    model.again = tf.function(lambda x: model(x) + model(x))
    model.again(tf.constant([1.0]))
    tf.saved_model.save(model, tmp_path / "model")
    names = list(files.read_meta_graphs(tmp_path / "model")[0].library)
    assert len(names) == len(set(names)) == 3  # __call__, the lambda, the signature


# Loaded models


def test_a_loaded_model_is_called_in_a_function_trained_and_saved_again(tmp_path: Path) -> None:
    tf.saved_model.save(Scale(), tmp_path / "first")
    loaded = tf.saved_model.load(tmp_path / "first")
    assert loaded.trainable_variables == (loaded.factor,)

    class Wrapper(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = loaded
            self.bias = tf.Variable([10.0, 20.0], name="bias")

        @tf.function(input_signature=[tf.TensorSpec([2], tf.float32, name="x")])
        def run(self, x: Any) -> Any:
            return self.model(x) + self.bias

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="by")])
        def train(self, by: Any) -> None:
            self.model.factor.assign_add(by)

    wrapper = Wrapper()
    assert wrapper.run(X).numpy().tolist() == [12.0, 24.0]
    wrapper.train(1.0)
    assert wrapper.run(X).numpy().tolist() == [13.0, 26.0]
    loaded.factor.assign(4.0)
    assert loaded.signatures["serving_default"](x=tf.constant(X))["output_0"].numpy().tolist() == [4.0, 8.0]
    tf.saved_model.save(
        wrapper, tmp_path / "second", signatures={"run": wrapper.run, "inner": loaded.__call__}
    )
    for loader in (calque_runtime.load, tf.saved_model.load):
        again = loader(tmp_path / "second")
        assert np.asarray(again.run(tf.constant(X) if loader is tf.saved_model.load else X)).tolist() == [
            14.0,
            28.0,
        ]
        again.train(np.float32(1))
        assert float(again.model.factor.numpy()) == 5.0
        assert sorted(again.signatures) == ["inner", "run"]
    assert served(tmp_path / "first") == [2.0, 4.0]  # which is as it was


@pytest.mark.parametrize("name", MODELS)
def test_saving_what_was_loaded_changes_nothing(tmp_path: Path, name: str) -> None:
    root, _ = driving.build(tf, name, tmp_path / "files")
    driving.save(tf, root, name, tmp_path / "1")
    driving.save_loaded(tf, tf.saved_model.load(tmp_path / "1"), tmp_path / "2")
    driving.save_loaded(tf, tf.saved_model.load(tmp_path / "2"), tmp_path / "3")
    hashes = [{k: hashlib.sha256(v).hexdigest() for k, v in files_in(tmp_path / n).items()} for n in "23"]
    assert hashes[0] == hashes[1]
    want = driving.call_all(None, calque_runtime.load(tmp_path / "1"), name)
    got = driving.call_all(None, calque_runtime.load(tmp_path / "2"), name)
    assert json.dumps(want, default=repr) == json.dumps(got, default=repr)


def test_signatures_of_a_loaded_model_can_be_given_again(tmp_path: Path) -> None:
    tf.saved_model.save(Scale(), tmp_path / "first")
    loaded = tf.saved_model.load(tmp_path / "first")
    given = {"old": loaded.signatures["serving_default"], "function": loaded.__call__}
    tf.saved_model.save(loaded, tmp_path / "second", signatures=given)
    again = calque_runtime.load(tmp_path / "second").signatures
    assert sorted(again) == ["function", "old"]
    for signature in again.values():
        assert signature(x=X)["output_0"].tolist() == [2.0, 4.0]


def test_a_trace_of_a_loaded_function_becomes_an_attribute(tmp_path: Path) -> None:
    root, _ = driving.build(tf, "polymorphic", tmp_path / "files")
    tf.saved_model.save(root, tmp_path / "first")
    loaded = tf.saved_model.load(tmp_path / "first")
    loaded.trained = loaded.__call__.get_concrete_function(tf.TensorSpec([2], tf.float32), True)
    loaded.power = loaded.__call__.get_concrete_function(tf.TensorSpec([2], tf.float32), power=3)
    tf.saved_model.save(loaded, tmp_path / "second")
    again = calque_runtime.load(tmp_path / "second")
    assert again.trained(x=X).tolist() == [-2.0, -4.0]
    assert again.trained(X, True, power=1).tolist() == [-2.0, -4.0]
    assert again.power(X).tolist() == root(tf.constant(X), power=3).numpy().tolist()
