"""Preprocessing layers as tf-keras has them: configs, what `adapt` learns, results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import calque
from interop.keras_preprocessing_layers import CASES, assert_same, record
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]


def work(tests, names):  # type: ignore[no-untyped-def]
    """In TensorFlow: what all cases give."""
    import sys

    sys.path.insert(0, tests)
    from interop import keras_preprocessing_layers

    return keras_preprocessing_layers.record_all(names)


@pytest.fixture(scope="module")
def expected(tf: TensorFlow) -> Any:
    return tf.script(work, tests=str(TESTS), names=list(CASES), timeout=600)


@pytest.mark.parametrize("name", CASES)
def test_layer(expected: Any, name: str) -> None:
    want = expected[name]
    assert isinstance(want, dict), want
    assert_same(record(calque, calque.keras, CASES[name]), want)
