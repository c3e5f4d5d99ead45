"""Values, gradients and configs of losses, activations, initializers, ... and steps of optimizers: tf-keras's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
from interop.tf_process import TensorFlow
from support import keras_leaves, optimizing

TESTS = str(Path(__file__).parents[1])
STEPS = 10


def leaves(tests, kind):  # type: ignore[no-untyped-def]
    import sys

    import tensorflow as tf
    import tf_keras

    if tests not in sys.path:
        sys.path.insert(0, tests)
    from support import keras_leaves

    return keras_leaves.KINDS[kind](tf_keras, tf)


@pytest.mark.parametrize("kind", keras_leaves.KINDS)
def test_leaves(tf: TensorFlow, kind: str) -> None:
    theirs = tf.run(leaves, tests=TESTS, kind=kind)
    keras_leaves.compare(keras_leaves.KINDS[kind](calque.keras, calque), theirs)


def steps(tests, rows, legacy, count):  # type: ignore[no-untyped-def]
    import sys

    import tensorflow as tf
    import tf_keras

    if tests not in sys.path:
        sys.path.insert(0, tests)
    from support import optimizing

    return optimizing.many_steps(rows, tf_keras.optimizers, tf, count, legacy)


@pytest.mark.parametrize(("rows", "legacy"), [(optimizing.OPTIMIZERS, False), (optimizing.LEGACY, True)])
def test_ten_steps_of_each_optimizer(tf: TensorFlow, rows: Any, legacy: bool) -> None:
    theirs = tf.run(steps, tests=TESTS, rows=rows, legacy=legacy, count=STEPS)
    mine = optimizing.many_steps(rows, calque.optimizers, calque, STEPS, legacy)
    for row, (values, config), (wanted, their_config) in zip(rows, mine, theirs, strict=True):
        assert config == their_config, row
        for a, b in zip(values, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=row)
