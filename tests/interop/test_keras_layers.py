"""Each layer of the table in `keras_layers` as tf-keras has it: weights, config, results, gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import calque
from interop.keras_layers import CASES, assert_same, record
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]


def work(tests, names):  # type: ignore[no-untyped-def]
    """In TensorFlow: what all cases give."""
    import sys

    sys.path.insert(0, tests)
    from interop import keras_layers

    return keras_layers.record_all(names)


@pytest.fixture(scope="module")
def expected(tf: TensorFlow) -> Any:
    env = {"TF_USE_LEGACY_KERAS": "1"}
    return tf.script(work, env=env, tests=str(TESTS), names=list(CASES), timeout=600)


@pytest.mark.parametrize("name", CASES)
def test_layer(expected: Any, name: str) -> None:
    want = expected[name]
    assert isinstance(want, dict), want
    case = CASES[name]
    assert_same(record(calque, calque.keras, name, case), want, case)
