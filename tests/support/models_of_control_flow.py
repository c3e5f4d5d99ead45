"""Models that show conditionals, loops, tensor arrays and mapping as ops. See `models`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from support.modeling import call, f32, model

N = [np.int32(k) for k in range(6)]


@model(
    call("yes", "", f32(1, 2), N[2]),
    call("no", "", f32(1, 2), N[0]),
    call("first", "switched", f32(1, 2), N[0]),
    call("second", "switched", f32(1, 2), N[1]),
    call("last", "switched", f32(1, 2), N[5]),
    call("low", "cased", np.float32(-5)),
    call("middle", "cased", np.float32(5)),
    call("high", "cased", np.float32(15)),
    call("inner", "nested", f32(3, 4), N[5]),
    call("outer", "nested", f32(3, 4), N[0]),
    gradients=("yes", "no", "first", "second", "middle", "inner"),
)
def branches(tf: Any, folder: Path) -> Any:
    class Branches(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = tf.Variable(2.0, name="scale")
            self.count = tf.Variable(0, name="count")

        @tf.function
        def __call__(self, x: Any, n: Any) -> Any:
            def yes() -> Any:
                self.count.assign_add(n)
                return {"x": x * self.scale, "n": [n, 3]}

            def no() -> Any:
                return {"x": tf.concat([x, x], 0), "n": [self.count.read_value(), 4]}

            self.count.assign(1)  # so that what a call gives does not depend on how many came before
            return tf.cond(n > 0, yes, no), self.count + 0

        @tf.function
        def switched(self, x: Any, i: Any) -> Any:
            return tf.switch_case(i, [lambda: x, lambda: x * self.scale, lambda: tf.zeros_like(x)])

        @tf.function
        def cased(self, x: Any) -> Any:
            return tf.case(
                [(x < 0.0, lambda: -x), (x > 10.0, lambda: self.scale * x)],
                default=lambda: x + self.scale,
                exclusive=True,
            )

        @tf.function
        def nested(self, x: Any, n: Any) -> Any:
            y = x + self.scale

            def deep() -> Any:
                return tf.cond(n > 3, lambda: y * x, lambda: y)

            return tf.cond(n > 0, deep, lambda: x)

    return Branches()


@model(
    call("none", "", f32(1, 2), N[0]),
    call("four", "", f32(1, 2), N[4]),
    call("grown", "growing", f32(1, 2), N[3]),
    call("stopped", "limited", N[3]),
    call("double", "in_loops", N[4]),
    call("array", "arrays", f32(1, 2, 3)),
    call("recurrent", "recurrent", f32(0.1, 0.2, 0.3)),
    gradients=("four", "grown", "array", "recurrent"),
)
def loops(tf: Any, folder: Path) -> Any:
    class Loops(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable(1.5, name="weight")
            self.steps = tf.Variable(0, name="steps")

        @tf.function
        def __call__(self, x: Any, n: Any) -> Any:
            def body(i: Any, y: Any) -> Any:
                self.steps.assign_add(1)
                return i + 1, y * self.weight + x

            self.steps.assign(1)  # so that what a call gives does not depend on how many came before
            return tf.while_loop(lambda i, y: i < n, body, (0, x)), self.steps + 0

        @tf.function
        def growing(self, x: Any, n: Any) -> Any:
            return tf.while_loop(
                lambda i, y: i < n,
                lambda i, y: (i + 1, tf.concat([y, x * self.weight], 0)),
                (0, x),
                shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
            )[1]

        @tf.function
        def limited(self, n: Any) -> Any:
            return tf.while_loop(lambda i: i < 100, lambda i: (i + 2,), (0,), maximum_iterations=n)

        @tf.function
        def in_loops(self, n: Any) -> Any:
            def outer(i: Any, total: Any) -> Any:
                def inner(j: Any, total: Any) -> Any:
                    return j + 1, tf.cond((i + j) % 2 == 0, lambda: total + j, lambda: total - i)

                return i + 1, tf.while_loop(lambda j, t: j < i, inner, (0, total))[1]

            return tf.while_loop(lambda i, t: i < n, outer, (0, 100))

        @tf.function
        def arrays(self, x: Any) -> Any:
            n = tf.shape(x)[0]
            source = tf.TensorArray(tf.float32, n).unstack(x)
            found = tf.TensorArray(tf.float32, 0, dynamic_size=True)
            step = lambda i, a: (i + 1, a.write(i, source.read(i) * self.weight))  # noqa: E731
            found = tf.while_loop(lambda i, a: i < n, step, (0, found))[1]
            return found.stack(), found.gather([0, 2]), found.size()

        @tf.function
        def recurrent(self, x: Any) -> Any:
            n = tf.shape(x)[0]
            states = tf.TensorArray(tf.float32, n)

            def step(i: Any, h: Any, states: Any) -> Any:
                h = tf.tanh(h * self.weight + x[i])
                return i + 1, h, states.write(i, h)

            _, h, states = tf.while_loop(lambda i, *_: i < n, step, (0, 0.0, states))
            return h, states.stack()

    return Loops()


@model(
    call("mapped", "", f32([1, 2], [3, 4])),
    call("mapped_three", "", f32([1, 2], [3, 4], [5, 6])),
    call("scanned", "scanned", f32(1, 2, 3)),
    call("folded", "folded", f32(1, 2, 3)),
    call("vectorized", "vectorized", f32([1, 2], [3, 4])),
    gradients=("mapped", "scanned", "folded", "vectorized"),
)
def mapping(tf: Any, folder: Path) -> Any:
    class Mapping(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tf.Variable([2.0, 3.0], name="weight")

        @tf.function
        def __call__(self, x: Any) -> Any:
            one = lambda row: {"sum": tf.reduce_sum(row * self.weight), "big": row > 2.0}  # noqa: E731
            return tf.map_fn(one, x, fn_output_signature={"sum": tf.float32, "big": tf.bool})

        @tf.function
        def scanned(self, x: Any) -> Any:
            step = lambda a, e: a * self.weight[0] + e  # noqa: E731
            return tf.scan(step, x), tf.scan(step, x, 1.0, reverse=True)

        @tf.function
        def folded(self, x: Any) -> Any:
            return tf.foldl(lambda a, e: a * e, x), tf.foldr(lambda a, e: a - 2.0 * e, x, 1.0)

        @tf.function
        def vectorized(self, x: Any) -> Any:
            return tf.vectorized_map(lambda row: tf.reduce_sum(row * self.weight), x)

    return Mapping()
