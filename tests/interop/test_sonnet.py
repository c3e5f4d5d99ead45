"""Sonnet from PyPI, unmodified, with calque in TensorFlow's place: it trains to the numbers that TensorFlow gives."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from interop.sonnet_inputs import INPUTS, OPTIMIZERS
from interop.tf_process import TensorFlow

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("sonnet_training.py")
RUNS = [f"{kind}_{name}" for kind in INPUTS for name in OPTIMIZERS]


@pytest.fixture(scope="module")
def sonnet_python() -> str:
    asked = os.environ.get("CALQUE_SONNET_PYTHON")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    python = Path(asked or cache / "calque" / "sonnet" / "bin" / "python")
    if not python.exists():
        if asked:
            pytest.fail(f"CALQUE_SONNET_PYTHON is {asked}, which does not exist")
        pytest.skip(f"no Sonnet in {python}: `make interop` installs it")
    return str(python)


def run(python: str, out: Path, *flags: str) -> Any:
    """What the program gave, run by that interpreter."""
    paths = [str(ROOT / room) for room in ("runtime", "tracer", "tests")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [python, str(PROGRAM), str(out), *flags], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return np.load(out / "numbers.npz")


@pytest.fixture(scope="module")
def trained(sonnet_python: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Where calque's run wrote, and its numbers."""
    out = tmp_path_factory.mktemp("calque")
    return out, run(sonnet_python, out, "--calque")


@pytest.fixture(scope="module")
def theirs(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """TensorFlow's numbers."""
    return run(tf.python, tmp_path_factory.mktemp("tensorflow"))


def test_the_environment_has_no_tensorflow(sonnet_python: str) -> None:
    done = subprocess.run([sonnet_python, "-c", "import tensorflow"], capture_output=True, text=True)
    assert "No module named 'tensorflow'" in done.stderr


@pytest.mark.parametrize("where", RUNS)
def test_ten_steps_give_the_same_losses_and_weights(
    trained: tuple[Path, Any], theirs: Any, where: str
) -> None:
    ours = trained[1]
    names = [name for name in theirs.files if name.startswith(f"{where}/")]
    assert len(names) > 3
    assert names == [name for name in ours.files if name.startswith(f"{where}/")]
    for name in names:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-4, atol=2e-5, err_msg=name)


def test_training_trains(trained: tuple[Path, Any]) -> None:
    for where in RUNS:
        losses = trained[1][f"{where}/losses"]
        assert losses[-1] < losses[0]


def test_tensorflow_runs_what_was_saved(tf: TensorFlow, trained: tuple[Path, Any]) -> None:
    out, ours = trained

    def answers(path, inputs):
        model = tf.saved_model.load(path)
        return {where: getattr(model, where).predict(x) for where, x in inputs.items()}

    inputs = {where: INPUTS[where.partition("_")[0]] for where in RUNS}
    for where, answer in tf.script(answers, path=str(out / "model"), inputs=inputs).items():
        np.testing.assert_allclose(answer, ours[f"{where}/answers"], rtol=1e-5, atol=1e-6)


def test_the_runtime_runs_what_was_saved(trained: tuple[Path, Any]) -> None:
    out, ours = trained
    model = calque_runtime.load(out / "model")
    for where in RUNS:
        answer = getattr(model, where).predict(INPUTS[where.partition("_")[0]])
        np.testing.assert_allclose(answer, ours[f"{where}/answers"], rtol=1e-5, atol=1e-6)
