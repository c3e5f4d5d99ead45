"""Training that one library begins and another goes on with: tf-keras and calque each way, Keras 3 into calque."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
from interop.tf_process import TensorFlow
from support import optimizing

TESTS = str(Path(__file__).parents[1])
ROWS = optimizing.OPTIMIZERS
# What Keras 3 has too (its averages come last, and rows that occur twice in a gradient are squared before they add up).
# Nadam keeps the product of its momentums in that list there, Adafactor and Ftrl their slots by kind.
KERAS3 = tuple(
    row
    for row in ROWS
    if not any(text in row for text in ("use_ema", "adaptive_epsilon", "Nadam", "Adafactor", "Ftrl"))
)


def elsewhere(tests, package, row, begin, path, legacy=False):  # type: ignore[no-untyped-def]
    """The first two steps, and a checkpoint; or the last two, from one."""
    import importlib
    import sys

    import tensorflow as tf

    if tests not in sys.path:
        sys.path.insert(0, tests)
    from support import optimizing

    make = optimizing.make_legacy if legacy else optimizing.make
    optimizer = make(row, importlib.import_module(package).optimizers)
    held = optimizing.variables(tf)
    checkpoint = tf.train.Checkpoint(held=held, optimizer=optimizer)
    if begin:
        optimizing.train(optimizer, held, tf, steps=2)
        checkpoint.write(path)
        return [v.numpy() for v in optimizing.state(optimizer) if v.name != "learning_rate"]
    status = checkpoint.read(path)
    seen = optimizing.train(optimizer, held, tf, start=2, steps=2)
    status.assert_consumed()
    return [a for i, a in enumerate(seen) if i % (len(seen) // 2) < 3]


@cache
def without_a_break(row: str) -> list[np.ndarray]:
    """The variables after each of the last two steps."""
    optimizer, held = optimizing.make(row, calque.optimizers), optimizing.variables(calque)
    seen = optimizing.train(optimizer, held, calque)
    each = len(seen) // optimizing.STEPS
    return [a for i, a in enumerate(seen) if i >= 2 * each and i % each < 3]


def check(seen: list[Any], row: str) -> None:
    for mine, wanted in zip(seen, without_a_break(row), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-6)


# tf-keras's Nadam counts its steps in a Python number that no checkpoint has: it does not go on with its own either.
@pytest.mark.parametrize("row", [row for row in ROWS if "Nadam" not in row])
def test_tf_keras_goes_on_with_ours(tf: TensorFlow, tmp_path: Path, row: str) -> None:
    optimizer, held = optimizing.make(row, calque.optimizers), optimizing.variables(calque)
    optimizing.train(optimizer, held, calque, steps=2)
    path = calque.train.Checkpoint(held=held, optimizer=optimizer).write(str(tmp_path / "ckpt"))
    check(tf.run(elsewhere, tests=TESTS, package="tf_keras", row=row, begin=False, path=path), row)


@pytest.mark.parametrize("row", ROWS)
def test_we_go_on_with_tf_keras_s(tf: TensorFlow, tmp_path: Path, row: str) -> None:
    path = str(tmp_path / "ckpt")
    tf.run(elsewhere, tests=TESTS, package="tf_keras", row=row, begin=True, path=path)
    optimizer, held = optimizing.make(row, calque.optimizers), optimizing.variables(calque)
    status = calque.train.Checkpoint(held=held, optimizer=optimizer).read(path)
    seen = optimizing.train(optimizer, held, calque, start=2, steps=2)
    status.assert_consumed()
    check([a for i, a in enumerate(seen) if i % (len(seen) // 2) < 3], row)


@pytest.mark.parametrize("row", optimizing.LEGACY)
def test_older_ones_go_on_either_way(tf: TensorFlow, tmp_path: Path, row: str) -> None:
    optimizer, held = optimizing.make_legacy(row, calque.optimizers), optimizing.variables(calque)
    seen = optimizing.train(optimizer, held, calque)
    wanted = [a for i, a in enumerate(seen) if i >= len(seen) // 2 and i % (len(seen) // 4) < 3]

    def close(given: list[Any]) -> None:
        for mine, their in zip(given, wanted, strict=True):
            np.testing.assert_allclose(mine, their, rtol=1e-5, atol=1e-6)

    optimizer, held = optimizing.make_legacy(row, calque.optimizers), optimizing.variables(calque)
    optimizing.train(optimizer, held, calque, steps=2)
    path = calque.train.Checkpoint(held=held, optimizer=optimizer).write(str(tmp_path / "ours"))
    close(tf.run(elsewhere, tests=TESTS, package="tf_keras", row=row, begin=False, path=path, legacy=True))

    path = str(tmp_path / "theirs")
    tf.run(elsewhere, tests=TESTS, package="tf_keras", row=row, begin=True, path=path, legacy=True)
    optimizer, held = optimizing.make_legacy(row, calque.optimizers), optimizing.variables(calque)
    status = calque.train.Checkpoint(held=held, optimizer=optimizer).read(path)
    seen = optimizing.train(optimizer, held, calque, start=2, steps=2)
    status.assert_consumed()
    close([a for i, a in enumerate(seen) if i % (len(seen) // 2) < 3])


@pytest.mark.parametrize("row", KERAS3)
def test_we_take_over_keras_3_s_state(tf: TensorFlow, tmp_path: Path, row: str) -> None:
    path = str(tmp_path / "ckpt")
    theirs = tf.run(elsewhere, tests=TESTS, package="keras", row=row, begin=True, path=path)
    optimizer, held = optimizing.make(row, calque.optimizers), optimizing.variables(calque)
    calque.train.Checkpoint(held=held, optimizer=optimizer).read(path)
    optimizer.build(held)
    mine = optimizer.get_weights()
    assert int(mine[0]) == 2
    if row.startswith("SGD") and "momentum" not in row:
        mine = mine[:1]  # Keras 3 has no slots then
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
