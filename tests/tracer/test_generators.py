"""`tf.random.Generator`: TensorFlow's own numbers, and its state in functions and checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from support.generating import numbers

GOLDEN = Path(__file__).parent / "golden" / "generators.npz"


def test_numbers_are_tensorflow_s() -> None:
    with np.load(GOLDEN) as stored:
        wanted = {name: stored[name] for name in stored.files}
    found = numbers(tf)
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype, name
        loose = {"f": {2: 1e-2, 4: 1e-5, 8: 1e-9}}.get(array.dtype.kind, {}).get(array.dtype.itemsize, 0)
        np.testing.assert_allclose(found[name], array, rtol=loose, atol=loose / 10, err_msg=name)


def test_a_function_moves_the_state_on() -> None:
    g, h = tf.random.Generator.from_seed(3), tf.random.Generator.from_seed(3)

    @tf.function
    def draw() -> Any:
        return g.normal([4])

    for _ in range(2):
        np.testing.assert_array_equal(draw(), h.normal([4]))
    np.testing.assert_array_equal(g.state, h.state)


def test_the_state_is_in_checkpoints(tmp_path: Path) -> None:
    g = tf.random.Generator.from_seed(3)
    g.normal([5])
    path = tf.train.Checkpoint(g=g).write(tmp_path / "ckpt")
    assert ("g/_state_var/.ATTRIBUTES/VARIABLE_VALUE", [3]) in tf.train.list_variables(path)
    wanted = g.normal([5])
    other = tf.random.Generator.from_non_deterministic_state()
    tf.train.Checkpoint(g=other).read(path).assert_consumed()
    np.testing.assert_array_equal(other.normal([5]), wanted)


def test_the_global_generator() -> None:
    first = tf.random.get_global_generator()
    assert tf.random.get_global_generator() is first
    mine = tf.random.Generator.from_seed(1)
    tf.random.set_global_generator(mine)
    assert tf.random.experimental.get_global_generator() is mine
    tf.random.set_global_generator(first)


def test_two_generators_differ() -> None:
    a, b = (tf.random.Generator.from_non_deterministic_state().normal([4]) for _ in range(2))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tf.random.Generator(), "Generator needs `copy_from`"),
        (lambda: tf.random.Generator.from_seed(1, "mersenne"), "got unsupported string value mersenne"),
        (lambda: tf.random.Generator.from_seed(1, "threefry"), "ThreeFry algorithm does not run"),
        (lambda: tf.random.Generator.from_state([1, 2], "philox"), "the size of state"),
        (lambda: tf.random.create_rng_state([1, 2, 3, 4], "philox"), "at most 3 elements"),
        (
            lambda: tf.random.Generator.from_seed(1).uniform([2], 0, None, tf.int32),
            "both None or not None",
        ),
    ],
)
def test_what_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
