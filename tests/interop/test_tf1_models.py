"""Models written with TensorFlow 1's API and saved by it, run here: what their signatures give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from interop.tf1_models import CASES
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]


def work(tests, folder):  # type: ignore[no-untyped-def]
    """In TensorFlow: every model built, run and saved."""
    import sys

    sys.path.insert(0, tests)
    from interop import tf1_recording

    return tf1_recording.record_all(folder)


@pytest.fixture(scope="module")
def saved(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Any, Any]]:
    folder = tmp_path_factory.mktemp("models")
    env = {"TF_USE_LEGACY_KERAS": "1"}  # tf.layers went with Keras 2
    return folder, tf.script(work, tests=str(TESTS), folder=str(folder), env=env, timeout=600)


EACH = [(name, mode) for name, case in CASES.items() for mode in case.modes]


@pytest.mark.parametrize(("name", "mode"), EACH)
def test_signature(saved: tuple[Path, dict[Any, Any]], name: str, mode: str) -> None:
    folder, records = saved
    record = records[name, mode]
    assert not isinstance(record, str), record
    inputs, wanted = record
    assert wanted
    got = calque_runtime.load(folder / f"{name}-{mode}").signatures["serving_default"](**inputs)
    assert set(got) == set(wanted)
    case = CASES[name]
    for key, want in wanted.items():
        if isinstance(want, dict):
            for part, array in want.items():
                assert_same(getattr(got[key], part), array, case.tolerance, not case.random, f"{key}.{part}")
        else:
            assert_same(got[key], want, case.tolerance, not case.random, key)


def assert_same(got: Any, want: Any, tolerance: float, values: bool, where: str) -> None:
    array = np.asarray(got, object) if isinstance(got, bytes) else np.asarray(got)
    assert (array.dtype, array.shape) == (want.dtype, want.shape), where
    if not values:
        return
    if want.dtype.kind in "biuO":
        np.testing.assert_array_equal(array, want, err_msg=where)
    else:
        rtol = max(tolerance, 1e-2) if want.dtype.itemsize == 2 else tolerance
        np.testing.assert_allclose(array, want, rtol, max(1e-5, rtol / 10), err_msg=where)
