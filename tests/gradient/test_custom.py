"""Custom gradients: eager and in graphs, with variables, structures and keywords, saved and loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf


def gradient_of(function: Any, *inputs: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(list(inputs))
        y = function(*inputs)
    return [None if g is None else g.numpy() for g in tape.gradient(y, list(inputs))]


def eagerly(function: Any) -> Any:
    return function


BOTH = pytest.mark.parametrize("wrap", [eagerly, tf.function], ids=["eager", "function"])


@BOTH
def test_structures(wrap: Any) -> None:
    @tf.custom_gradient
    def split(pair: Any) -> Any:
        a, b = pair

        def gradient(*up: Any) -> Any:
            assert len(up) == 2
            return {"x": up[0] * 2.0, "y": up[1] * 3.0}["x"], up[1] * 3.0

        return {"sum": a + b, "product": a * b}, gradient

    def run(a: Any, b: Any) -> Any:
        found = split((a, b))
        return found["sum"] + found["product"] * 10.0

    # Flat, the results come in the order of their keys.
    assert gradient_of(wrap(run), tf.constant(2.0), tf.constant(5.0)) == [20.0, 3.0]


def test_keywords() -> None:
    @tf.custom_gradient
    def scaled(x: Any, by: float = 1.0) -> Any:
        return x * by, lambda up: up * by * 100.0

    assert gradient_of(lambda x: scaled(x, by=3.0), tf.constant(2.0)) == [300.0]
    with pytest.raises(ValueError, match="keywords arguments only when eager"):
        tf.function(lambda x: scaled(x, by=3.0))(tf.constant(2.0))


def test_methods_and_bare_decorators() -> None:
    class Scale:
        by = 4.0

        @tf.custom_gradient
        def __call__(self, x: Any) -> Any:
            return x * self.by, lambda up: up * self.by * 10.0

    assert gradient_of(Scale(), tf.constant(2.0)) == [40.0]
    made = tf.custom_gradient()(lambda x: (x * 2.0, lambda up: up * 5.0))
    assert gradient_of(made, tf.constant(2.0)) == [5.0]


@BOTH
def test_variables(wrap: Any) -> None:
    v, w = tf.Variable(3.0, name="v"), tf.Variable(2.0, name="w")

    @tf.custom_gradient
    def both(x: Any) -> Any:
        def gradient(up: Any, variables: Any = None) -> Any:
            assert {one.name for one in variables} == {"v:0", "w:0"}
            return up * 1000.0, [up * (10.0 if one is v else 20.0) for one in variables]

        return x * v + w, gradient

    with tf.GradientTape() as tape:
        y = wrap(both)(tf.constant(2.0))
    assert [g.numpy() for g in tape.gradient(y, [v, w])] == [10.0, 20.0]


@BOTH
def test_a_gradient_function_must_take_variables(wrap: Any) -> None:
    v = tf.Variable(3.0)
    scaled = tf.custom_gradient(lambda x: (x * v, lambda up: up))
    with pytest.raises(TypeError, match="must accept keyword argument 'variables'"):
        wrap(scaled)(tf.constant(2.0))


@BOTH
def test_the_number_of_gradients_is_checked(wrap: Any) -> None:
    v = tf.Variable(3.0)

    @tf.custom_gradient
    def wrong(x: Any, y: Any) -> Any:
        return x * y, lambda up: up

    with pytest.raises(ValueError, match="expected to return 2 gradients, but returned 1"):
        gradient_of(wrap(wrong), tf.constant(1.0), tf.constant(1.0))

    @tf.custom_gradient
    def too_few(x: Any) -> Any:
        return x * v, lambda up, variables=None: (up, [])

    with pytest.raises(ValueError, match="Must return gradient for each variable"):
        gradient_of(wrap(too_few), tf.constant(1.0))


@BOTH
def test_second_order_is_that_of_the_gradient_function(wrap: Any) -> None:
    @tf.custom_gradient
    def cube(x: Any) -> Any:
        return x * x * x, lambda up: up * tf.exp(x)

    x = tf.constant(1.5)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = wrap(cube)(x)
        first = inner.gradient(y, x)
    np.testing.assert_allclose([first, outer.gradient(first, x)], [np.exp(1.5)] * 2, rtol=1e-6)


def test_a_gradient_that_uses_a_tensor_from_around_the_branch() -> None:
    @tf.function
    def run(x: Any) -> Any:
        outside = tf.sin(x)

        @tf.custom_gradient
        def inner(y: Any) -> Any:
            return y * outside, lambda up: up * outside * 10.0

        def step(i: Any, a: Any) -> Any:
            return i + 1, inner(a)

        return (
            tf.cond(x > 0.0, lambda: inner(x), lambda: x) + tf.while_loop(lambda i, a: i < 2, step, [0, x])[1]
        )

    x = 1.0
    s, c = np.sin(x), np.cos(x)
    # Through the forward values of `inner` nothing flows to `outside` but by the arguments.
    np.testing.assert_allclose(gradient_of(run, tf.constant(x)), [10 * s + 100 * s * s], rtol=1e-5)
    assert c


def test_recompute_grad() -> None:
    v, calls = tf.Variable(2.0), []

    @tf.recompute_grad
    def costly(x: Any) -> Any:
        calls.append(1)
        return tf.sin(x) * v

    with tf.GradientTape() as tape:
        x = tf.constant(0.5)
        tape.watch(x)
        y = costly(costly(x))
    assert len(calls) == 2
    got = [g.numpy() for g in tape.gradient(y, [x, v])]
    assert len(calls) == 4
    inner = np.sin(0.5) * 2
    want = [np.cos(inner) * 2 * np.cos(0.5) * 2, np.sin(inner) + 2 * np.cos(inner) * np.sin(0.5)]
    np.testing.assert_allclose(got, want, rtol=1e-6)
    assert costly.__name__ == "costly"
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.function(lambda x: costly(costly(x)))(x)
    np.testing.assert_allclose([g.numpy() for g in tape.gradient(y, [x, v])], want, rtol=1e-6)


def test_grad_pass_through() -> None:
    x, z = tf.Variable(1.0), tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = tf.grad_pass_through(x.assign)(z**2)
    assert tape.gradient(y, z).numpy() == 6.0
    assert x.numpy() == 9.0
    assert gradient_of(tf.grad_pass_through(tf.floor), tf.constant(1.5)) == [1.0]


class Model(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.v = tf.Variable(2.0)

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def __call__(self, x: Any) -> Any:
        weights = tf.constant([1.0, 2.0, 3.0])

        @tf.custom_gradient
        def inner(x: Any, y: Any) -> Any:
            e = tf.exp(x)

            def gradient(up: Any, variables: Any = None) -> Any:
                return (up * e * 100.0 * weights, up * x * self.v), [tf.reduce_sum(up * 7.0 * e)]

            return e * y * self.v, gradient

        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: inner(x, x * x), lambda: x) + inner(x, tf.sin(x))


def derivatives(model: Any) -> list[Any]:
    x = tf.constant([1.0, 0.5, 0.25])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = model(x)
        first = inner.gradient(y, [x, model.v])
    return [t.numpy() for t in [*first, *outer.gradient(first, [x, model.v])]]


def test_saved_and_loaded(tmp_path: Path) -> None:
    model = Model()
    tf.saved_model.save(model, tmp_path / "once")
    loaded = tf.saved_model.load(tmp_path / "once")
    for mine, theirs in zip(derivatives(loaded), derivatives(model), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    tf.saved_model.save(Model(), tmp_path / "again")
    files = [(tmp_path / name / "saved_model.pb").read_bytes() for name in ("once", "again")]
    assert files[0] == files[1]


def test_saved_again(tmp_path: Path) -> None:
    tf.saved_model.save(Model(), tmp_path / "once")
    loaded = tf.saved_model.load(tmp_path / "once")
    tf.saved_model.save(loaded, tmp_path / "twice")
    again = tf.saved_model.load(tmp_path / "twice")
    for mine, theirs in zip(derivatives(again), derivatives(Model()), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_saved_without_custom_gradients(tmp_path: Path) -> None:
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    for name in ("once", "again"):
        tf.saved_model.save(Model(), tmp_path / name, options=options)
    files = [(tmp_path / name / "saved_model.pb").read_bytes() for name in ("once", "again")]
    assert files[0] == files[1]
    assert b"internal_grad_fn" not in files[0]


def test_a_variable_passed_to_a_loaded_function(tmp_path: Path) -> None:
    @tf.custom_gradient
    def slope(x: Any) -> Any:
        e = tf.exp(x)
        return tf.math.log(1.0 + e), lambda up: up * e

    root = tf.Module()
    root.f = tf.function(lambda x: slope(x * x))
    v = tf.Variable(1.0)
    root.f(v)
    tf.saved_model.save(root, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    with tf.GradientTape() as outer:  # which watches the variable because the function reads it
        with tf.GradientTape() as inner:
            y = loaded.f(v)
        first = inner.gradient(y, v)
    np.testing.assert_allclose([first, outer.gradient(first, v)], [2 * np.e, 6 * np.e], rtol=1e-6)
