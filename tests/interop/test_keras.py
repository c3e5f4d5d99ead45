"""Models that Keras 3 and tf-keras save today, run here: the same answers, variables and optimizer state."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from calque_runtime.plan.bound import optimized
from interop.keras_models import CASES
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]
SAVED = [(name, writer) for name, one in CASES.items() for writer in one.writers]
LOW_PRECISION = {"half", "bfloat16"}
IN_THE_TRACER = {"mlp", "cnn", "lstm", "dict_inputs", "lookups", "masked", "attention", "nested"}
each = pytest.mark.parametrize(("name", "writer"), SAVED, ids=[f"{n}-{w}" for n, w in SAVED])
each_of_tf_keras = pytest.mark.parametrize("name", [n for n, w in SAVED if w == "tf_keras"])


def work(tests, writers, folder):  # type: ignore[no-untyped-def]
    """In TensorFlow: every model of these writers built, saved, loaded and called."""
    import sys

    sys.path.insert(0, tests)
    from interop import keras_models

    return keras_models.record_all(writers, folder)


class Saved:
    """What was saved, and what TensorFlow found in it."""

    def __init__(self, folder: Path, records: dict[tuple[str, str], Any]) -> None:
        self.folder = folder
        self._records = records

    def record(self, name: str, writer: str) -> dict[str, Any]:
        found = self._records[name, writer]
        assert isinstance(found, dict), found
        return found

    def load(self, name: str, writer: str, load: Any = calque_runtime.load) -> Any:
        return load(self.folder / f"{name}-{writer}")


@pytest.fixture(scope="module")
def saved(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("keras")

    def ask(writers: list[str]) -> dict[tuple[str, str], Any]:  # in a process that has only one Keras
        answer: dict[tuple[str, str], Any] = tf.script(
            work, tests=str(TESTS), writers=writers, folder=str(folder), timeout=600
        )
        return answer

    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(ask, (["export", "save"], ["tf_keras"])))
    return Saved(folder, both[0] | both[1])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from leaves(value[key], f"{path}/{key}")
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            yield from leaves(one, f"{path}/{number}")
    else:
        value = value.numpy() if hasattr(value, "numpy") else value
        yield path, np.asarray(value, object) if isinstance(value, bytes) else np.asarray(value)


def assert_same(got: Any, want: Any, tolerance: float = 1e-4) -> None:
    """The same structure, dtypes and shapes; equal as far as floating point goes."""
    mine, theirs = dict(leaves(got)), dict(leaves(want))
    assert set(mine) == set(theirs)
    for path, expected in theirs.items():
        actual = mine[path]
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape), path
        if expected.dtype.kind in "biuO":
            np.testing.assert_array_equal(actual, expected, err_msg=path)
        else:
            np.testing.assert_allclose(
                actual.astype(np.float64),
                expected.astype(np.float64),
                tolerance,
                tolerance / 10,
                err_msg=path,
            )


def tolerance(name: str) -> float:
    return 2e-2 if name in LOW_PRECISION else 1e-4


@each
def test_signatures(saved: Saved, name: str, writer: str) -> None:
    signatures = saved.record(name, writer)["signatures"]
    model = saved.load(name, writer)
    assert set(model.signatures) == set(signatures) >= {"serving_default"}
    for key, (given, want) in signatures.items():
        assert_same(model.signatures[key](**given), want, tolerance(name))


@each
def test_plans_for_the_shapes_given(saved: Saved, name: str, writer: str) -> None:
    """What the second call of a signature would run."""
    model = saved.load(name, writer)
    for key, (given, want) in saved.record(name, writer)["signatures"].items():
        model.signatures[key].concrete.env.generic_calls = 0
        assert_same(model.signatures[key](**given), want, tolerance(name))


RECURRENT = {
    "lstm": "_Lstm",
    "gru": "_Gru",
    "bidirectional": "_Gru",
    "stacked_cells": "_Scan",
    "masked": "_Lstm",
}


@pytest.mark.parametrize(("name", "writer"), [one for one in SAVED if one[0] in RECURRENT])
def test_recurrent_layers_become_one_op(saved: Saved, name: str, writer: str) -> None:
    concrete = saved.load(name, writer).signatures["serving_default"].concrete
    given = list(saved.record(name, writer)["signatures"]["serving_default"][0].values())
    made, _ = optimized(concrete.function, [a.shape for a in given], concrete.captures, concrete.env)
    names = {node.op.name for node in made.nodes}
    assert RECURRENT[name] in names
    assert not names & {"While", "StatelessWhile"}


@each
def test_calls(saved: Saved, name: str, writer: str) -> None:
    record = saved.record(name, writer)
    model = saved.load(name, writer)
    for attribute, want in record["called"].items():
        function = getattr(model, attribute) if attribute else model
        assert_same(function(record["inputs"]), want, tolerance(name))
    assert record["called"] or not callable(
        model
    )  # `tf.saved_model.save` of a Keras 3 model leaves signatures only


@each
def test_variables(saved: Saved, name: str, writer: str) -> None:
    record = saved.record(name, writer)
    model = saved.load(name, writer)
    if writer == "save":  # no list of them was saved, and TensorFlow's loaded object has none
        assert "variables" not in record
        assert all(v.numpy().shape == tuple(v.shape) for v in model.variables)
        return
    for which in ("variables", "trainable_variables"):
        held = [v for v in getattr(model, which) if v is not None]  # what is not saved leaves gaps in lists
        got = sorted(((v.name, v.numpy()) for v in held), key=order)
        want = sorted(record[which], key=order)
        assert [name for name, _ in got] == [name for name, _ in want]
        assert_same([value for _, value in got], [value for _, value in want], 0)


def order(item: tuple[str, Any]) -> tuple[str, Any]:
    return item[0], np.asarray(item[1]).tobytes()


@each_of_tf_keras
def test_layers_keep_their_weights(saved: Saved, name: str) -> None:
    model = saved.load(name, "tf_keras")
    for number, attribute, want in saved.record(name, "tf_keras")["weights"]:
        np.testing.assert_array_equal(getattr(model.layers[number], attribute).numpy(), want)


def test_an_optimizer_keeps_its_variables(saved: Saved) -> None:
    want = dict(saved.record("mlp", "tf_keras")["optimizer"])
    optimizer = saved.load("mlp", "tf_keras").optimizer
    got = {v.name: v.numpy() for v in optimizer.variables}
    assert set(got) == {*want, "learning_rate:0"}
    assert any("/m/" in name for name in got)
    for name, value in want.items():
        np.testing.assert_array_equal(got[name], value)


def test_an_optimizer_keeps_its_slots(saved: Saved) -> None:
    want = saved.record("slots", "tf_keras")["slots"]
    model = saved.load("slots", "tf_keras")
    variables = {v.name: v for v in model.trainable_variables}
    assert model.optimizer.get_slot_names() == ["m", "v"]
    assert len(want) == 2 * len(variables) == 8
    for name, slot, value in want:
        np.testing.assert_array_equal(model.optimizer.get_slot(variables[name], slot).numpy(), value)
    assert np.any(want[0][2])
    with pytest.raises(calque_runtime.errors.NotFoundError, match="'momentum'"):
        model.optimizer.get_slot(model.trainable_variables[0], "momentum")


@pytest.mark.parametrize(("name", "writer"), [one for one in SAVED if one[0] in IN_THE_TRACER])
def test_in_the_tracer(saved: Saved, name: str, writer: str) -> None:
    record = saved.record(name, writer)
    model = saved.load(name, writer, calque.saved_model.load)
    for key, (given, want) in record["signatures"].items():
        tensors = {k: calque.constant(v) for k, v in given.items()}
        assert_same(model.signatures[key](**tensors), want, tolerance(name))
    tensors = calque.nest.map_structure(calque.constant, record["inputs"])
    for attribute, want in record["called"].items():
        assert_same((getattr(model, attribute) if attribute else model)(tensors), want, tolerance(name))
    for number, attribute, want in record["weights"]:
        np.testing.assert_array_equal(getattr(model.layers[number], attribute).numpy(), want)
