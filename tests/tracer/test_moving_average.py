"""`tf.train.ExponentialMovingAverage`: the numbers of its formula, and what it refuses."""

from __future__ import annotations

import pytest

import calque as tf


def test_averages_follow_their_variables() -> None:
    v, w = tf.Variable(1.0, name="v"), tf.Variable([2.0], name="w")
    average = tf.train.ExponentialMovingAverage(0.9)
    assert average.average(v) is None
    average.apply([v, w])
    assert float(average.average(v)) == 1.0
    v.assign(3.0)
    average.apply([v, w])
    assert float(average.average(v)) == pytest.approx(0.9 * 1.0 + 0.1 * 3.0)
    assert average.average(v).name == average.average_name(v) + ":0" == "v/ExponentialMovingAverage:0"


def test_the_decay_is_less_at_first() -> None:
    v, steps = tf.Variable(0.0), tf.Variable(0)
    average = tf.train.ExponentialMovingAverage(0.99, num_updates=steps)
    average.apply([v])
    v.assign(10.0)
    average.apply([v])
    assert float(average.average(v)) == pytest.approx(10.0 * (1 - 1 / 10))
    steps.assign(2)
    average.apply([v])
    assert float(average.average(v)) == pytest.approx(9.0 + (10.0 - 9.0) * (1 - 3 / 12))


def test_in_a_function() -> None:
    v = tf.Variable(4.0)
    average = tf.train.ExponentialMovingAverage(0.5)

    @tf.function
    def step() -> None:
        v.assign_add(2.0)
        average.apply([v])

    step()
    step()
    assert float(average.average(v)) == pytest.approx((6.0 + 8.0) / 2, abs=1.0)


def test_what_is_refused() -> None:
    average = tf.train.ExponentialMovingAverage(0.5)
    with pytest.raises(ValueError, match="needs the variables"):
        average.apply()
    with pytest.raises(TypeError, match="Only variables of floats"):
        average.apply([tf.Variable(1)])
