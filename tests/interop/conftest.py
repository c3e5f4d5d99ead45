"""The ``tf`` fixture: TensorFlow, in its own environment and process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.tf_process import TensorFlow


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "xdist_group(name): tests to be run in one worker of pytest-xdist")
    # With several workers: tests marked as an xdist_group, which share what took TensorFlow long, stay in one of them.
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"


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
