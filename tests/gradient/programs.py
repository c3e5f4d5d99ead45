"""Programs to differentiate. Each takes the module that stands for TensorFlow, a vector and a variable."""

from __future__ import annotations

from typing import Any


def plain(tf: Any, x: Any, v: Any) -> Any:
    y = x * x * v + tf.sin(x)
    return tf.reduce_sum(tf.exp(y * 0.1) * y)


def called_functions(tf: Any, x: Any, v: Any) -> Any:
    @tf.function
    def inner(a: Any) -> Any:
        return tf.tanh(a * v), a * a

    @tf.function
    def outer(a: Any, b: Any) -> Any:
        c, d = inner(a)
        e, _ = inner(c + b)
        return c * d + e

    return tf.reduce_sum(outer(x, x * 2.0) ** 2)


def branches(tf: Any, x: Any, v: Any) -> Any:
    def rise() -> Any:
        z = tf.sin(x) * v
        return z * z, x

    def fall() -> Any:
        return x * 2.0 + tf.exp(x) * tf.reduce_sum(x), tf.cos(x) * v

    a, b = tf.cond(tf.reduce_sum(x) > 0.0, rise, fall)
    index = tf.cast(tf.reduce_sum(x) > 1.0, tf.int32)
    c = tf.switch_case(index, [lambda: tf.exp(a * 0.1), lambda: a * b * v, lambda: b])
    return tf.reduce_sum(a * b + c)


def loop(tf: Any, x: Any, v: Any) -> Any:
    scale = tf.exp(x) * 0.1

    def step(i: Any, a: Any, b: Any) -> Any:
        return i + 1, a * v * 0.5 + tf.sin(b), b * tf.cos(a) + a * scale

    _, a, b = tf.while_loop(lambda i, a, b: i < 4, step, [tf.constant(0), x, x * 2.0])
    return tf.reduce_sum(a * b + a)


def loop_until_large(tf: Any, x: Any, v: Any) -> Any:
    """The number of iterations depends on the values."""
    found = tf.while_loop(
        lambda a: tf.reduce_sum(a * a) < 50.0,
        lambda a: [a * v + a * a * 0.1 + 0.1],
        [x],
        maximum_iterations=20,
    )
    return tf.reduce_sum(found[0] ** 2)


def loop_that_does_not_run(tf: Any, x: Any, v: Any) -> Any:
    _, a = tf.while_loop(lambda i, a: i < 0, lambda i, a: [i + 1, a * a * v], [tf.constant(0), x * x])
    return tf.reduce_sum(a * a) * v


def nested_loops(tf: Any, x: Any, v: Any) -> Any:
    def step(i: Any, a: Any) -> Any:
        def inner(j: Any, s: Any) -> Any:
            return j + 1, s * x * 0.5 + tf.sin(s * a) * v

        _, s = tf.while_loop(lambda j, s: j <= i, inner, [tf.constant(0), a])
        return i + 1, s * 0.5 + tf.cond(i > 1, lambda: a * a, lambda: tf.cos(a))

    _, a = tf.while_loop(lambda i, a: i < 3, step, [tf.constant(0), x])
    return tf.reduce_sum(a * a)


def loop_in_a_branch(tf: Any, x: Any, v: Any) -> Any:
    def looping() -> Any:
        _, a = tf.while_loop(lambda i, a: i < 3, lambda i, a: [i + 1, tf.sin(a) * x * v], [tf.constant(0), x])
        return a

    return tf.reduce_sum(tf.cond(tf.reduce_sum(x) > -100.0, looping, lambda: x) ** 2)


def rows(tf: Any, x: Any, v: Any) -> Any:
    picked = tf.gather(x, [0, 2, 0])
    return tf.reduce_sum(picked * picked * v * tf.constant([1.0, 2.0, 3.0], picked.dtype)) + tf.reduce_sum(
        x[1:]
    )


def custom(tf: Any, x: Any, v: Any) -> Any:
    @tf.custom_gradient
    def scaled(a: Any, b: Any) -> Any:
        e = tf.exp(a * 0.1)

        def gradient(up: Any, up_b: Any, variables: Any = None) -> Any:
            return (up * e * b * 3.0, up_b * a), [tf.reduce_sum(up * e) * 7.0]

        return (e * b * v, a * b), gradient

    y, z = scaled(x, tf.sin(x))
    return tf.reduce_sum(y * z)


PROGRAMS = [
    plain,
    called_functions,
    branches,
    loop,
    loop_until_large,
    loop_that_does_not_run,
    nested_loops,
    loop_in_a_branch,
    rows,
    custom,
]


def differentiate(tf: Any, program: Any, x: Any, v: Any) -> Any:
    """(value, first derivatives, second derivatives), flat; called in both libraries."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = program(tf, x, v)
        first = [tf.convert_to_tensor(g) for g in inner.gradient(y, [x, v])]
        mixed = tf.reduce_sum(first[0] * tf.constant([1.0, 2.0, -1.5], tf.float64)) + first[1] * 0.5
    second = outer.gradient(mixed, [x, v], unconnected_gradients="zero")
    return [y, *first, *[tf.convert_to_tensor(g) for g in second]]


def model(tf: Any, program: Any) -> Any:
    """A model that has the program, and a training step that differentiates it; in both libraries."""

    class Model(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.v = tf.Variable(1.3, dtype=tf.float64)

        @tf.function(input_signature=[tf.TensorSpec([3], tf.float64)], autograph=False)
        def run(self, x: Any) -> Any:
            return program(tf, x, self.v)

        @tf.function(input_signature=[tf.TensorSpec([3], tf.float64)], autograph=False)
        def derivatives(self, x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = program(tf, x, self.v)
            return [tf.convert_to_tensor(g) for g in tape.gradient(y, [x, self.v])]

    return Model()
