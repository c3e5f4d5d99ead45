"""Where layers and initializers get random numbers from: the same numbers as tf-keras's, for the same seeds."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np

import calque as tf

from ..trackable import AutoTrackable
from . import config

__all__ = [
    "RandomGenerator",
    "disable_tf_random_generator",
    "enable_tf_random_generator",
    "is_tf_random_generator_enabled",
    "random_seed",
    "set_random_seed",
]

_LARGEST_SEED = 10**9


class _Local(threading.local):
    seeds: random.Random | None = None


_local = _Local()
_uses_generators = False


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, numpy, `tf.random`, and the seeds that Keras draws itself: all repeatable from here on.

    Raises:
        ValueError: it is no integer.
    """
    if not isinstance(seed, int):
        raise ValueError(
            f"Expected `seed` argument to be an integer. Received: seed={seed} (of type {type(seed)})"
        )
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)
    _local.seeds = random.Random(seed)


def random_seed() -> int:
    """A seed for an object that was not given one."""
    return (_local.seeds or random).randint(1, _LARGEST_SEED)


def enable_tf_random_generator() -> None:
    """Let layers draw their numbers from `tf.random.Generator`s."""
    global _uses_generators
    _uses_generators = True


def disable_tf_random_generator() -> None:
    """Let layers draw their numbers from stateful random ops, as they do at first."""
    global _uses_generators
    _uses_generators = False


def is_tf_random_generator_enabled() -> bool:
    """Do layers draw their numbers from `tf.random.Generator`s?"""
    return _uses_generators


class RandomGenerator(AutoTrackable):
    """Random tensors, from one seed.

    Args:
        seed: makes them repeatable; None: a seed is drawn.
        rng_type: "stateless" (one seed always gives the same numbers), "stateful" (from a `tf.random.Generator`), or
            "legacy_stateful" (from stateful ops); None: one of the latter, see `enable_tf_random_generator`.
        force_generator: is it "stateful" in any case?

    Raises:
        ValueError: `rng_type` is none of these.
    """

    def __init__(
        self, seed: int | None = None, rng_type: str | None = None, force_generator: bool = False
    ) -> None:
        if force_generator:
            rng_type = "stateful"
        if rng_type is None:
            rng_type = "stateful" if _uses_generators else "legacy_stateful"
        if rng_type not in ("stateless", "stateful", "legacy_stateful"):
            raise ValueError(
                'Invalid `rng_type` received. Valid `rng_type` are "stateless", "stateful", "legacy_stateful". '
                f"Got: {rng_type}"
            )
        self._seed = seed
        self._rng_type = rng_type
        self._generator: Any = None
        self._built = False

    def _start(self) -> None:
        if self._built:
            return
        self._built = True
        if self._rng_type == "legacy_stateful":
            return
        seed = random_seed() if self._seed is None else self._seed
        if self._rng_type == "stateless":
            self._seed = seed
            return
        with tf.init_scope():
            self._generator = tf.random.Generator.from_seed(seed)

    def make_seed_for_stateless_op(self) -> Any:
        """A seed of two numbers for a stateless random op; None where numbers come from stateful ops."""
        self._start()
        if self._rng_type == "stateless":
            return [self._seed, 0]
        return self._generator.make_seeds()[:, 0] if self._generator is not None else None

    def make_legacy_seed(self) -> int | None:
        """A seed for a stateful random op, another one each time; None without a seed."""
        if self._seed is None:
            return None
        seed = self._seed
        self._seed += 1
        return seed

    def random_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, nonce: int | None = None
    ) -> Any:
        """Normally distributed numbers, of `dtype`, or the default one; `nonce`: others for the same seed."""
        return self.draw("normal", shape, mean, stddev, dtype, nonce)

    def random_uniform(
        self, shape: Any, minval: Any = 0.0, maxval: Any = None, dtype: Any = None, nonce: int | None = None
    ) -> Any:
        """Numbers uniformly distributed in ``[minval, maxval)``, otherwise as `random_normal`."""
        return self.draw("uniform", shape, minval, maxval, dtype, nonce)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, nonce: int | None = None
    ) -> Any:
        """Like `random_normal`, without what is more than two standard deviations off the mean."""
        return self.draw("truncated_normal", shape, mean, stddev, dtype, nonce)

    def draw(self, kind: str, shape: Any, a: Any, b: Any, dtype: Any, nonce: int | None) -> Any:
        """Numbers of one kind: "normal" or "truncated_normal" of mean and deviation, or "uniform" between bounds."""
        self._start()
        dtype = dtype or config.floatx()
        if self._rng_type == "stateless":
            seed: Any = self.make_seed_for_stateless_op()
            if nonce:
                seed = tf.random.experimental.stateless_fold_in(seed, nonce)
            stateless = getattr(tf.random, f"stateless_{kind}")
            return stateless(shape, seed, a, b, dtype)
        if self._generator is not None:
            return getattr(self._generator, kind)(shape, a, b, dtype)
        return getattr(tf.random, kind)(shape, a, b, dtype, seed=self.make_legacy_seed())

    def dropout(self, inputs: Any, rate: Any, noise_shape: Any = None) -> Any:
        """`inputs` with a part of its elements, `rate`, set to 0, and the others made larger."""
        if self._rng_type == "legacy_stateful":
            return tf.nn.dropout(inputs, rate=rate, noise_shape=noise_shape, seed=self.make_legacy_seed())
        x = tf.convert_to_tensor(inputs)
        share = tf.cast(rate, x.dtype)
        size = tf.shape(x) if noise_shape is None else noise_shape
        keep = self.random_uniform(size, 0.0, 1.0, x.dtype) >= share
        return tf.where(keep, x / (1 - share), tf.zeros_like(x))
