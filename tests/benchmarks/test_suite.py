"""The benchmark suite without its peers: its modules import, its cases are whole, its page says what was measured."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = sorted(file.stem for file in FOLDER.glob("*.py"))
PEERS = ("tensorflow", "keras", "onnxruntime", "openvino", "jax", "onnx", "tf2onnx")


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Benchmarks are scripts: their folder is on the path while one runs, and here for a test."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", MODULES)
def test_imports_without_any_peer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for peer in PEERS:
        monkeypatch.setitem(sys.modules, peer, None)  # an import of it fails
    importlib.import_module(name)


def test_every_case_has_a_model_and_repeatable_inputs() -> None:
    cases, models = (importlib.import_module(name) for name in ("cases", "models"))
    for case in cases.CASES:
        assert case.name in models.MODELS
        first, again = case.inputs(2), case.inputs(2)
        for name, array in first.items():
            assert array.dtype in (np.float32, np.int32)
            np.testing.assert_array_equal(array, again[name])


def test_every_bound_is_of_something_that_is_measured() -> None:
    cases, libraries = (importlib.import_module(name) for name in ("cases", "libraries"))
    measured = {cases.label(case.name, batch) for case in cases.CASES for batch in case.batches}
    measured |= {cases.COLD, cases.CHAIN, cases.PEAK, *cases.LARGE}
    for bound in cases.BOUNDS:
        assert bound.what in measured
        assert bound.peer in ("", "best", *libraries.LIBRARIES)


def _page(measured: dict[str, Any], libraries: list[str]) -> Any:
    results = importlib.import_module("report").Results("make bench", ["calque 0"], "a machine", libraries)
    results.measured.update(measured)
    results.titles.update({what: what for what in measured})
    return results


def test_page_tells_what_was_met_and_missed() -> None:
    what = "mlp, batch 1"
    page = _page(
        {what: {"calque": [2e-5, 3e-5, 9e-5], "ONNX Runtime": [1e-5] * 3}}, ["calque", "ONNX Runtime"]
    )
    assert list(page.bounds()) == [(what, "1.45 x ONNX Runtime", "3.00", "2.00", "**missed**")]
    assert "| mlp, batch 1 | 30.0 (20.0) us | 10.0 (10.0) us<br>0.33 x |" in str(page)


def test_best_peer_is_the_fastest_that_is_no_plain_expression() -> None:
    what = "mlp, batch 256"
    times = {"calque": [1.0], "TensorFlow": [3.0], "JAX": [2.0], "numpy": [0.5]}
    page = _page({what: times}, list(times))
    assert list(page.bounds()) == [(what, "1.10 x the best peer (JAX)", "0.50", "0.50", "met")]


def test_differences_beyond_rounding_are_told() -> None:
    page = _page({}, ["calque", "TensorFlow"])
    page.differences = {"a": {"TensorFlow": 1e-6, "reference": 0.5}, "b": {"TensorFlow": float("nan")}}
    assert page.wrong() == ["a: reference by 0.5", "b: TensorFlow by nan"]


def test_difference_counts_from_the_largest_number() -> None:
    difference = importlib.import_module("suite").difference
    assert difference(np.array([1.0, 0.1]), np.array([2.0, 0.1])) == 0.5
    assert difference(np.ones([2]), np.ones([3])) == np.inf


def test_worker_says_what_it_cannot_do() -> None:
    libraries = importlib.import_module("libraries")
    answer = libraries.Answering(libraries.Library())
    assert answer({"do": "chain", "models": "."}) == {"cannot": "reads no SavedModel"}


def test_calque_worker_checks_and_times_a_model(tmp_path: Path) -> None:
    import calque as tf

    libraries = importlib.import_module("libraries")
    module = tf.Module()
    module.w = tf.Variable(np.full([3, 2], 2, np.float32))
    spec = tf.TensorSpec([None, 3], tf.float32, "x")
    call = tf.function(lambda x: tf.matmul(x, module.w), input_signature=[spec])
    module.call = call
    tf.saved_model.save(module, tmp_path / "guide", signatures=call)
    answer = libraries.Answering(libraries.Calque())
    request = {"case": "guide", "batch": 2, "models": str(tmp_path)}
    for do in ("check", "reference"):
        assert answer({"do": do, **request, "into": str(tmp_path / f"{do}.npy")}) == {}
    x = importlib.import_module("cases").CASES[0].inputs(2)["x"]
    for do in ("check", "reference"):
        np.testing.assert_allclose(
            np.load(tmp_path / f"{do}.npy"), x @ np.full([3, 2], 2, np.float32), rtol=1e-5
        )
    assert answer({"do": "time", "what": "it", "seconds": 1e-4})["it"] > 0
    saved = answer({"do": "save_large", "size": 1 << 16, "folder": str(tmp_path)})
    opened = answer({"do": "open_large", "folder": str(tmp_path)})
    assert all(value > 0 for value in {**saved, **opened}.values())


def test_cpu_of_others_is_never_negative() -> None:
    others = importlib.import_module("peers").Others()
    cores = others.cores()
    assert cores is None or cores >= 0
