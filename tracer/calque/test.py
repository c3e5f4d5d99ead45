"""`tf.test`: a `TestCase` that compares tensors, and what the build has."""

# ruff: noqa: PT009  (unittest's own methods: this is a class for it)

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from typing import Any

import numpy as np

from . import nest
from .api.random_ops import set_seed
from .tensor import Tensor
from .variable import Variable

__all__ = [
    "TestCase",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_built_with_gpu_support",
    "is_built_with_rocm",
    "is_built_with_xla",
    "is_cpu_target_available",
    "is_gpu_available",
    "main",
]


class TestCase(unittest.TestCase):
    """A test case with comparisons of tensors, arrays and structures of them."""

    def setUp(self) -> None:
        """Make random numbers repeatable."""
        super().setUp()
        set_seed(87654321)
        self._folder: str | None = None

    # What absl's TestCase, which TensorFlow's is made from, has beside unittest's.

    def assertEmpty(self, container: Any, msg: str | None = None) -> None:
        """It has no items."""
        self.assertEqual(len(container), 0, msg or f"{container!r} has length of {len(container)}.")

    def assertNotEmpty(self, container: Any, msg: str | None = None) -> None:
        """It has items."""
        self.assertNotEqual(len(container), 0, msg or f"{container!r} has length of 0.")

    def assertLen(self, container: Any, expected_len: int, msg: str | None = None) -> None:
        """It has so many items."""
        self.assertEqual(
            len(container),
            expected_len,
            msg or f"{container!r} has length of {len(container)}, expected {expected_len}.",
        )

    def assertSameElements(self, expected_seq: Any, actual_seq: Any, msg: str | None = None) -> None:
        """Both have the same items, in any order and number."""
        self.assertEqual(set(expected_seq), set(actual_seq), msg)

    def assertBetween(self, value: Any, minv: Any, maxv: Any, msg: str | None = None) -> None:
        """It is at least `minv`, and `maxv` at most."""
        self.assertTrue(minv <= value <= maxv, msg or f"{value!r} is not between {minv!r} and {maxv!r}")

    def tearDown(self) -> None:
        """Remove the folder of `get_temp_dir`."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        super().tearDown()

    def get_temp_dir(self) -> str:
        """A folder of the test's own."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp()
        return os.fspath(self._folder)

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors and variables in a structure, as arrays."""

        def value(x: Any) -> Any:
            return x.numpy() if hasattr(x, "numpy") else x

        return nest.map_structure(value, tensors)

    def _array(self, value: Any) -> Any:
        return np.asarray(self.evaluate(value))

    def _each(self, compare: Any, a: Any, b: Any) -> None:
        """`compare` for the arrays at the same place in two structures."""
        if isinstance(a, dict):
            self.assertEqual(sorted(a), sorted(b))
            for key in a:
                self._each(compare, a[key], b[key])
        elif isinstance(a, (list, tuple)) and any(isinstance(x, (Tensor, Variable, dict)) for x in a):
            self.assertEqual(len(a), len(b))
            for one, other in zip(a, b, strict=True):
                self._each(compare, one, other)
        else:
            compare(self._array(a), self._array(b))

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fail unless both are of one shape and every element is equal."""
        self._each(lambda x, y: np.testing.assert_array_equal(x, y, err_msg=msg or ""), a, b)

    def assertAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Fail unless both are of one shape and the elements differ by ``atol + rtol * abs(b)`` at most."""
        self._each(lambda x, y: np.testing.assert_allclose(x, y, rtol, atol, err_msg=msg or ""), a, b)

    def assertNotAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Fail where `assertAllClose` would not."""
        try:
            self.assertAllClose(a, b, rtol, atol, msg)
        except AssertionError:
            return
        raise self.failureException(msg or "The two values are close at all elements.")

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        """Fail unless both are of one shape."""
        self.assertEqual(self._array(input_a).shape, self._array(input_b).shape, msg)

    def assertNear(self, f1: Any, f2: Any, err: float, msg: str | None = None) -> None:
        """Fail unless two numbers differ by `err` at most."""
        self.assertLessEqual(abs(float(f1) - float(f2)), err, msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """Fail unless a tensor or array is of that dtype."""
        wanted = getattr(expected_dtype, "as_numpy_dtype", expected_dtype)
        self.assertEqual(np.dtype(self._array(target).dtype), np.dtype(wanted))


def main(argv: Any = None) -> None:
    """Run the tests of the program."""
    unittest.main(argv=argv)


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Is there a GPU? There is none: everything runs on the processor."""
    return False


def gpu_device_name() -> str:
    """The name of a GPU: "", for there is none."""
    return ""


def is_cpu_target_available(target: str) -> bool:
    """Can code for that kind of processor be made? Only `numpy` makes any, for the one it runs on."""
    return False


def is_built_with_cuda() -> bool:
    """Is it built for CUDA?"""
    return False


def is_built_with_rocm() -> bool:
    """Is it built for ROCm?"""
    return False


def is_built_with_gpu_support() -> bool:
    """Is it built for any GPU?"""
    return False


def is_built_with_xla() -> bool:
    """Is it built with XLA?"""
    return False
