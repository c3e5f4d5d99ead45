"""Trainings give what they give in tf-keras: histories, results, weights, what is printed, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
from interop import keras_training
from interop.tf_process import TensorFlow

TESTS = str(Path(__file__).parents[1])
CASES = keras_training.cases()


def work(tests):  # type: ignore[no-untyped-def]
    """In TensorFlow: what all of them give."""
    import sys

    import tensorflow as tf

    sys.path.insert(0, tests)
    from interop import keras_training

    return keras_training.try_all(tf.keras, tf)


@pytest.fixture(scope="module")
def expected(tf: TensorFlow) -> Any:
    return tf.script(work, env={"TF_USE_LEGACY_KERAS": "1"}, tests=TESTS, timeout=600)


def has_floats(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(v, float) for v in value)


def same(mine: Any, theirs: Any, where: str) -> None:
    if isinstance(theirs, dict):
        assert list(mine) == list(theirs), where
        for key, value in theirs.items():
            same(mine[key], value, f"{where} {key}")
    elif isinstance(theirs, (np.ndarray, float)) or has_floats(theirs):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-5, err_msg=where)
    else:
        assert mine == theirs, where


@pytest.mark.parametrize("name", CASES)
def test_training(expected: Any, name: str) -> None:
    calque.keras.backend.clear_session()
    wanted = expected[name]
    assert isinstance(wanted, dict), wanted
    same(CASES[name](calque.keras, calque), wanted, name)
