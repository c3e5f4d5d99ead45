"""`tf.test`."""

from __future__ import annotations

import numpy as np
import pytest

import calque as tf


class Case(tf.test.TestCase):
    def runTest(self) -> None:
        """Nothing: its methods are called below."""


def test_comparisons() -> None:
    case = Case()
    case.setUp()
    case.assertAllEqual(tf.constant([1, 2]), [1, 2])
    case.assertAllClose({"a": tf.constant(1.0), "b": [tf.Variable(2.0)]}, {"a": 1.0 + 1e-7, "b": [2.0]})
    case.assertNotAllClose([1.0], [2.0])
    case.assertShapeEqual(np.zeros([2, 3]), tf.zeros([2, 3]))
    case.assertNear(1.0, 1.01, 0.1)
    case.assertDTypeEqual(tf.constant(1.0), np.float32)
    for wrong in (
        lambda: case.assertAllEqual([1, 2], [1, 3]),
        lambda: case.assertAllEqual([1], [1, 2]),
        lambda: case.assertAllClose(1.0, 1.1),
        lambda: case.assertNotAllClose([1.0], [1.0]),
        lambda: case.assertDTypeEqual(tf.constant(1), np.float32),
    ):
        with pytest.raises(AssertionError):
            wrong()
    assert case.evaluate([tf.constant(3)]) == [3]
    case.tearDown()
    tf.random.set_seed(None)  # which setUp set


def test_there_is_no_gpu() -> None:
    assert not tf.test.is_gpu_available()
    assert tf.test.gpu_device_name() == ""
    assert not tf.test.is_built_with_cuda()
    assert not tf.test.is_built_with_gpu_support()
    assert not tf.test.is_built_with_xla()


def test_assertions_about_containers() -> None:
    case = tf.test.TestCase()
    case.assertEmpty([])
    case.assertNotEmpty({1})
    case.assertLen("abc", 3)
    for wrong in (
        lambda: case.assertEmpty([1]),
        lambda: case.assertNotEmpty([]),
        lambda: case.assertLen([1], 2),
    ):
        with pytest.raises(AssertionError):
            wrong()
