"""What a random generator gives, under calque and under TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np


def numbers(tf: Any) -> dict[str, np.ndarray]:
    """Numbers and states, by what they are, in the order in which they are drawn."""
    kind = tf.random.Generator
    found: dict[str, Any] = {}
    for seed in (0, 1234, -5, 2**70 + 3, [1, 2], [1, 2, 3]):
        found[f"state of {seed}"] = kind.from_seed(seed).state
    g = kind.from_seed(1234)
    for dtype in (tf.float16, tf.float32, tf.float64):
        found[f"normal {dtype.name}"] = g.normal([2, 3], dtype=dtype)
        found[f"uniform {dtype.name}"] = g.uniform([5], dtype=dtype)
        found[f"truncated {dtype.name}"] = g.truncated_normal([4], dtype=dtype)
    found["scaled"] = g.normal([300], mean=2.0, stddev=[0.5])
    found["range"] = g.uniform([7], -2.0, 3.0)
    found["integers"] = g.uniform([7], -5, 50, tf.int32)
    found["long"] = g.uniform([7], 0, 2**40, tf.int64)
    found["all integers"] = g.uniform([3], None, None, tf.int32)
    found["full"] = g.uniform_full_int([3])
    found["nothing"] = g.normal([0, 3])
    found["seeds"] = g.make_seeds(3)
    first, second = g.split(2)
    found["split"] = first.normal([3])
    found["split again"] = second.normal([3])
    found["after"] = g.state
    g.skip(7)
    found["skipped"] = g.normal([2])
    g.reset_from_seed(9)
    found["reset"] = g.uniform([2])
    g.reset([1, 2, 3])
    found["of a state"] = g.uniform([2])
    g.reset_from_key_counter(5, [1, 2])
    found["of a key"] = g.uniform([2])
    found["key"] = g.key
    found["copy"] = kind(copy_from=g).normal([2])
    found["from a key"] = kind.from_key_counter(7, [1, 0], "philox").normal([2])
    return {name: np.asarray(value) for name, value in found.items()}
