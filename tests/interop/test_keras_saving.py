"""tf-keras and calque load each other's models as models, and go on training them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from interop import keras_architectures as made
from interop.tf_process import TensorFlow

TESTS = str(Path(__file__).parents[1])
each = pytest.mark.parametrize("name", made.ARCHITECTURES)


def write_all(tests, folder):  # type: ignore[no-untyped-def]
    """In tf-keras: every model trained, saved, and trained on; what it predicted when it was saved, and afterwards."""
    import sys

    import tf_keras

    sys.path.insert(0, tests)
    from interop import keras_architectures as made

    found = {}
    for name in made.ARCHITECTURES:
        tf_keras.utils.set_random_seed(1)
        model = made.make(name, tf, tf_keras, "adam")  # noqa: F821
        made.train(model, name, epochs=2)
        model.save(f"{folder}/{name}")
        one = {"weights": [v.name for v in model.weights], "saved": made.predicted(model, name)}
        one["losses"] = made.train(model, name)
        one["trained"] = made.predicted(model, name)
        one["layers"] = [type(layer).__name__ for layer in model.layers]
        found[name] = one
    return found


def read_all(tests, folder):  # type: ignore[no-untyped-def]
    """In tf-keras: every model of calque's loaded, trained and saved again; a failure as its text."""
    import sys
    import traceback

    import tf_keras

    sys.path.insert(0, tests)
    from interop import keras_architectures as made

    found = {}
    for name in made.ARCHITECTURES:
        try:
            model = tf_keras.models.load_model(f"{folder}/{name}")
            one = {"weights": [v.name for v in model.weights], "loaded": made.predicted(model, name)}
            one["losses"] = made.train(model, name)
            one["trained"] = made.predicted(model, name)
            one["layers"] = [type(layer).__name__ for layer in model.layers]
            model.save(f"{folder}/{name}_again")
            plain = tf.saved_model.load(f"{folder}/{name}")  # noqa: F821
            one["signatures"] = sorted(plain.signatures)
            found[name] = one
        except Exception:
            found[name] = traceback.format_exc()
    return found


def write_files(tests, folder, names):  # type: ignore[no-untyped-def]
    """In tf-keras: models trained and saved as HDF5 files, whole and weights alone; what they predict."""
    import sys

    import tf_keras

    sys.path.insert(0, tests)
    from interop import keras_architectures as made

    found = {}
    for name in names:
        model = made.make(name, tf, tf_keras, "adam")  # noqa: F821
        made.train(model, name)
        model.save(f"{folder}/{name}.h5")
        model.save_weights(f"{folder}/{name}_weights.h5")
        found[name] = made.predicted(model, name)
    return found


@pytest.fixture(scope="module")
def theirs(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("theirs")
    return folder, tf.script(write_all, tests=TESTS, folder=str(folder), timeout=600)


@pytest.fixture(scope="module")
def ours(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    folder = tmp_path_factory.mktemp("ours")
    here: dict[str, Any] = {}
    for name in made.ARCHITECTURES:
        calque.keras.backend.clear_session()
        calque.keras.utils.set_random_seed(1)
        model = made.make(name, calque, calque.keras, "sgd")
        made.train(model, name, epochs=2)
        model.save(folder / name)
        one = {"weights": [v.name for v in model.weights], "saved": made.predicted(model, name)}
        one["losses"] = made.train(model, name)
        one["trained"] = made.predicted(model, name)
        here[name] = one
    return folder, here, tf.script(read_all, tests=TESTS, folder=str(folder), timeout=600)


def assert_close(got: Any, want: Any) -> None:
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


@each
def test_a_model_of_tf_keras_is_a_model_here_and_trains_on(theirs: tuple[Path, Any], name: str) -> None:
    folder, records = theirs
    record = records[name]
    model = calque.keras.models.load_model(folder / name)
    assert_close(made.predicted(model, name), record["saved"])
    assert sorted(v.name for v in model.weights) == sorted(record["weights"])
    if name != "nested":  # whose classes are not known here
        assert [type(layer).__name__ for layer in model.layers] == record["layers"]
    assert int(model.optimizer.iterations) == 2 * made.ROWS // 8
    np.testing.assert_allclose(made.train(model, name), record["losses"], rtol=1e-3)
    assert_close(made.predicted(model, name), record["trained"])


@each
def test_a_model_of_tf_keras_saves_again(theirs: tuple[Path, Any], tmp_path: Path, name: str) -> None:
    folder, records = theirs
    calque.keras.models.load_model(folder / name).save(tmp_path / "again")
    model = calque.keras.models.load_model(tmp_path / "again")
    assert_close(made.predicted(model, name), records[name]["saved"])
    assert int(model.optimizer.iterations) == 2 * made.ROWS // 8


@each
def test_tf_keras_reads_a_model_of_calque_and_trains_on(ours: tuple[Path, Any, Any], name: str) -> None:
    _, here, there = ours
    assert isinstance(there[name], dict), there[name]
    assert_close(there[name]["loaded"], here[name]["saved"])
    assert there[name]["weights"] == here[name]["weights"]
    np.testing.assert_allclose(there[name]["losses"], here[name]["losses"], rtol=1e-3)
    assert_close(there[name]["trained"], here[name]["trained"])
    assert there[name]["signatures"] == ["serving_default"]


@each
def test_what_tf_keras_saves_again_comes_back(ours: tuple[Path, Any, Any], name: str) -> None:
    folder, _, there = ours
    assert isinstance(there[name], dict), there[name]
    model = calque.keras.models.load_model(folder / f"{name}_again")
    assert_close(made.predicted(model, name), there[name]["trained"])


@each
def test_the_runtime_runs_it_without_keras(ours: tuple[Path, Any, Any], name: str) -> None:
    folder, here, _ = ours
    signature = calque_runtime.load(folder / name).signatures["serving_default"]
    x, _ = made.data(name)
    names = sorted(signature.inputs)
    if name == "two_inputs":
        names = ["left", "right"]
    given = dict(zip(names, x if isinstance(x, list) else [x], strict=True))
    if name == "text":  # Keras 2 gives an Embedding in a Sequential a floating input
        given = {key: value.astype(np.float32) for key, value in given.items()}
    got = signature(**given)
    wanted = here[name]["saved"]
    assert len(got) == len(wanted)
    for value in got.values():
        assert any(value.shape == w.shape and np.allclose(value, w, rtol=1e-3, atol=1e-4) for w in wanted)


def test_hdf5_files_of_tf_keras_are_read(tf: TensorFlow, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    names = [name for name in made.ARCHITECTURES if name != "nested"]  # which such files cannot hold
    wanted = tf.script(write_files, tests=TESTS, folder=str(tmp_path), names=names, timeout=300)
    for name in names:
        assert_close(
            made.predicted(calque.keras.models.load_model(tmp_path / f"{name}.h5"), name), wanted[name]
        )
        model = made.make(name, calque, calque.keras, "adam")
        model.load_weights(tmp_path / f"{name}_weights.h5")
        assert_close(made.predicted(model, name), wanted[name])
    with pytest.raises(ValueError, match="Layer count mismatch"):
        made.make("cnn", calque, calque.keras, "adam").load_weights(tmp_path / "mlp_weights.h5")
