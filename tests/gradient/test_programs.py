"""Derivatives of programs, with tape and function in every arrangement, against numerical differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import calque as tf
from gradient.programs import PROGRAMS, custom

X = np.array([0.7, -0.4, 0.9])
Program = Callable[[Any, Any, Any], Any]


def eager(program: Program, x: Any, v: Any) -> Any:
    return program(tf, x, v)


def in_a_function(program: Program, x: Any, v: Any) -> Any:
    return tf.function(lambda x: program(tf, x, v))(x)


def unknown_sizes(program: Program, x: Any, v: Any) -> Any:
    spec = tf.TensorSpec([None], tf.float64)
    return tf.function(lambda x: program(tf, x, v), input_signature=[spec])(x)


def derivatives(run: Callable[..., Any], program: Program, x: Any, v: Any) -> Any:
    """(value, first derivatives, derivatives of a mixture of those)."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = run(program, x, v)
        first = [tf.convert_to_tensor(g) for g in inner.gradient(y, [x, v])]
        mixed = tf.reduce_sum(first[0] * tf.constant([1.0, 2.0, -1.5], tf.float64)) + first[1] * 0.5
    second = [tf.convert_to_tensor(g) for g in outer.gradient(mixed, [x, v], unconnected_gradients="zero")]
    return y, first, second


def all_in_a_function(program: Program, x: Any, v: Any) -> Any:
    return tf.function(lambda x: derivatives(eager, program, x, v))(x)


def calls_in_a_function(program: Program, x: Any, v: Any) -> Any:
    inner = tf.function(lambda x: program(tf, x, v))
    return tf.function(lambda x: derivatives(lambda program, x, v: inner(x), program, x, v))(x)


ARRANGEMENTS: dict[str, Callable[[Program, Any, Any], Any]] = {
    "tape outside, function inside": lambda p, x, v: derivatives(in_a_function, p, x, v),
    "tape outside, sizes unknown": lambda p, x, v: derivatives(unknown_sizes, p, x, v),
    "tape inside": all_in_a_function,
    "tape inside, function inside": calls_in_a_function,
}


def flat(structure: Any) -> list[Any]:
    return [t.numpy() for t in tf.nest.flatten(structure)]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("how", ARRANGEMENTS)
def test_arrangements_agree(program: Program, how: str) -> None:
    x, v = tf.constant(X), tf.Variable(np.float64(1.3))
    want = flat(derivatives(eager, program, x, v))
    got = flat(ARRANGEMENTS[how](program, x, v))
    for mine, theirs in zip(got, want, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


def slope(f: Callable[[float], Any]) -> Any:
    h = 1e-5
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p is not custom], ids=lambda p: p.__name__)
def test_derivatives_are_slopes(program: Program) -> None:
    random = np.random.RandomState(0)
    along, along_v = random.standard_normal(3), random.standard_normal()

    def at(t: float) -> list[Any]:
        return flat(
            derivatives(
                eager, program, tf.constant(X + t * along), tf.Variable(1.3 + t * along_v, dtype="float64")
            )
        )

    _, first, first_v, second, second_v = at(0.0)
    np.testing.assert_allclose(first @ along + first_v * along_v, slope(lambda t: at(t)[0]), rtol=1e-7)
    want = slope(lambda t: at(t)[1] @ [1.0, 2.0, -1.5] + at(t)[2] * 0.5)
    np.testing.assert_allclose(second @ along + second_v * along_v, want, rtol=1e-6)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_third_order_of_a_call(program: Program) -> None:
    v = tf.Variable(np.float64(1.3))
    function = tf.function(lambda x: program(tf, x, v))

    def third(run: Callable[[Any], Any]) -> Any:
        x = tf.constant(X)
        tapes = [tf.GradientTape() for _ in range(3)]
        for tape in tapes:
            tape.__enter__()
            tape.watch(x)
        y = run(x)
        for tape in reversed(tapes):
            y = tf.reduce_sum(tf.convert_to_tensor(tape.gradient(y, x)) ** 2)
        return y.numpy()

    np.testing.assert_allclose(third(function), third(lambda x: program(tf, x, v)), rtol=1e-9)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("how", ["eager", "function", "inside"])
def test_forward_products(program: Program, how: str) -> None:
    x, v, along = tf.constant(X), tf.Variable(np.float64(1.3)), tf.constant([0.5, -1.0, 2.0], tf.float64)

    def forward(run: Callable[..., Any], x: Any) -> Any:
        with tf.autodiff.ForwardAccumulator(x, along) as accumulator:
            y = run(program, x, v)
        return accumulator.jvp(y)

    if how == "inside":
        got = tf.function(lambda x: forward(eager, x))(x)
    else:
        got = forward(eager if how == "eager" else in_a_function, x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = program(tf, x, v)
    want = np.sum(tf.convert_to_tensor(tape.gradient(y, x)).numpy() * along.numpy())
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-10)
