"""The model that the tests damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hostile.base import save_rich


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a bit of everything, which nobody changes."""
    return save_rich(tmp_path_factory.mktemp("rich") / "model")


@pytest.fixture
def model(rich: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoiled."""
    return Path(shutil.copytree(rich, tmp_path / "model"))
