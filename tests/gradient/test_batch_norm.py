"""Fused batch normalization, which knows float32 only: derivatives to second order against the formula's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

SHAPES = {"NHWC": (3, 2, 4, 5), "NCHW": (3, 5, 2, 4), "NDHWC": (2, 2, 2, 3, 5)}


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_derivatives(layout: str, training: bool) -> None:
    random = np.random.RandomState(0)

    def normal(*shape: int) -> Any:
        return tf.constant(random.standard_normal(shape).astype(np.float32))

    def positive() -> Any:
        return tf.constant(random.uniform(0.5, 1.5, 5).astype(np.float32))

    x, w, u = (normal(*SHAPES[layout]) for _ in range(3))
    scale, offset, mean, variance, s = positive(), normal(5), normal(5), positive(), normal(5)
    channel = layout.index("C")
    axes = [i for i in range(len(layout)) if i != channel]
    by_channel = [-1 if i == channel else 1 for i in range(len(layout))]

    def fused(x: Any, scale: Any, offset: Any) -> Any:
        none = tf.constant([], tf.float32)
        statistics = (none, none) if training else (mean, variance)
        return tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=scale,
            offset=offset,
            mean=statistics[0],
            variance=statistics[1],
            epsilon=1e-3,
            data_format=layout,
            is_training=training,
        )[0]

    def formula(x: Any, scale: Any, offset: Any) -> Any:
        center, spread = tf.reshape(mean, by_channel), tf.reshape(variance, by_channel)
        if training:
            center = tf.reduce_mean(x, axes, keepdims=True)
            spread = tf.reduce_mean((x - center) ** 2, axes, keepdims=True)
        normalized = (x - center) * tf.math.rsqrt(spread + 1e-3)
        return normalized * tf.reshape(scale, by_channel) + tf.reshape(offset, by_channel)

    def derivatives(run: Any) -> list[Any]:
        with tf.GradientTape() as outer:
            outer.watch([x, scale, w])
            with tf.GradientTape() as inner:
                inner.watch([x, scale, offset])
                y = run(x, scale, offset)
            first = inner.gradient(y, [x, scale, offset], output_gradients=w)
            mixed = sum(tf.reduce_sum(g * by) for g, by in zip(first, (u, s, s), strict=True))
        return [g.numpy() for g in [*first, *outer.gradient(mixed, [x, scale, w])]]

    for got, want in zip(derivatives(fused), derivatives(formula), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4)
