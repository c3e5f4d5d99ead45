"""Ops are tested on numpy arrays, whatever other tests of the same process have imported."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from calque_runtime.op import NumpyInterpreter, set_interpreter


@pytest.fixture(autouse=True)
def numpy_interpreter() -> Iterator[None]:
    before = set_interpreter(NumpyInterpreter())
    yield
    set_interpreter(before)
