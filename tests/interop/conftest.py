"""The ``tf`` fixture: TensorFlow, in its own environment and process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop.tf_process import TensorFlow

# Files whose tests share what took TensorFlow long: one worker of pytest-xdist runs all of them.
TOGETHER = (
    "test_keras.py",
    "test_keras_layers.py",
    "test_keras_preprocessing.py",
    "test_keras_recurrent.py",
    "test_keras_training.py",
    "test_saved_models.py",
    "test_sonnet.py",
    "test_tensorboard.py",
    "test_tf_models.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path if path.endswith(TOGETHER) else nodeid

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def tf() -> Iterator[TensorFlow]:
    asked = os.environ.get("CALQUE_TF_PYTHON")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    python = Path(asked or cache / "calque" / "tf" / "bin" / "python")
    if not python.exists():
        if asked:
            pytest.fail(f"CALQUE_TF_PYTHON is {asked}, which does not exist")
        pytest.skip(f"no TensorFlow in {python}: `make interop` installs it")
    process = TensorFlow(str(python))
    yield process
    process.close()
