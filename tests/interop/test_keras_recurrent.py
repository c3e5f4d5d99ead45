"""Recurrent layers as tf-keras has them: weights, config, results, gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import calque
from interop.keras_layers import assert_same, record
from interop.keras_recurrent import CASES
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]


def work(tests, names):  # type: ignore[no-untyped-def]
    """In TensorFlow: what all cases give."""
    import sys

    sys.path.insert(0, tests)
    from interop import keras_recurrent

    return keras_recurrent.record_all(names)


@pytest.fixture(scope="module")
def expected(tf: TensorFlow) -> Any:
    return tf.script(work, tests=str(TESTS), names=list(CASES), timeout=600)


@pytest.mark.parametrize("name", CASES)
def test_layer(expected: Any, name: str) -> None:
    want = expected[name]
    assert isinstance(want, dict), want
    assert_same(record(calque, calque.keras, name, CASES[name]), want, CASES[name])
