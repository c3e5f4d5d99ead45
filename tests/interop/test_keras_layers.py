"""Each layer of the table in `keras_layers` as tf-keras has it: weights, config, results, gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
from interop.keras_layers import CASES, record
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
    return tf.script(work, tests=str(TESTS), names=list(CASES), timeout=600)


@pytest.mark.parametrize("name", CASES)
def test_layer(expected: Any, name: str) -> None:
    want = expected[name]
    assert isinstance(want, dict), want
    case = CASES[name]
    have = record(calque, calque.keras, name, case)
    for what in ("weights", "trainable", "config", "built config", "config again", "shape", "symbolic"):
        assert have.get(what) == want.get(what), what
    _close(have["traced"], want["traced"], case.tolerance, "traced")
    for run in ("training=False", "training=True"):
        if run not in want:
            continue
        assert have[run]["dtypes"] == want[run]["dtypes"]
        for what in ("outputs", "losses", "gradients", "weights after", "mask"):
            _close(have[run][what], want[run][what], case.tolerance, f"{what}, {run}")


def _close(have: Any, want: Any, tolerance: float, what: str) -> None:
    if isinstance(want, list):
        assert len(have) == len(want), what
        for i, (a, b) in enumerate(zip(have, want, strict=True)):
            _close(a, b, tolerance, f"{what} {i}")
        return
    assert (have is None) == (want is None), what
    if want is None:
        return
    assert have.shape == want.shape, what
    if want.dtype == bool:
        assert (have == want).all(), what
        return
    a, b = np.asarray(have, "float64"), np.asarray(want, "float64")
    scale = np.abs(b).max(initial=1.0)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)
