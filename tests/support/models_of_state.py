"""Models that show what they hold: dtypes, constants, shared and odd variables, effects, no state at all. See `models`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from support.modeling import HALF, ONE, X3, call, f32, model, spread, strings

DTYPES: dict[str, Any] = {
    "bfloat16": HALF,
    "float16": np.array([[1.5, -2.0]], np.float16),
    "float32": spread(2, 2),
    "float64": np.array([1.0, np.pi, -np.inf]),
    "int8": np.array([-128, 127], np.int8),
    "int16": np.array([-32768], np.int16),
    "int32": np.array([[1], [2]], np.int32),
    "int64": np.array([2**40, -1], np.int64),
    "uint8": np.array([0, 255], np.uint8),
    "uint16": np.array([65535], np.uint16),
    "uint32": np.array([2**32 - 1], np.uint32),
    "uint64": np.array([2**64 - 1], np.uint64),
    "bool": np.array([True, False]),
    "complex64": np.array([1 + 2j], np.complex64),
    "complex128": np.array([1 - 2j, 0]),
    "string": strings(b"one", b"", "zw\u00f6lf".encode(), b"\x00\xff" * 100),
}


@model(
    call("values", "values"),
    call("computed", "computed"),
    call("served", "signatures.serving_default"),
    signatures=lambda m: m.computed,
)
def dtypes(tf: Any, folder: Path) -> Any:
    class Dtypes(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, value in DTYPES.items():
                setattr(self, name, tf.Variable(value, name=name))

        @tf.function
        def values(self) -> Any:
            return {name: getattr(self, name).read_value() for name in DTYPES}

        @tf.function(input_signature=[])
        def computed(self) -> Any:
            sums = {
                name: getattr(self, name) + getattr(self, name)
                for name in DTYPES
                if name not in ("bool", "string")
            }
            text = tf.strings.join([self.string, self.string])
            return {**sums, "bool": tf.logical_not(self.bool), "string": text}

    return Dtypes()


@model(
    call("small", "small", f32(1, 2)),
    call("big", "big", np.int32(7)),
    call("kinds", "kinds"),
    call("again", "again", f32(1, 2)),
    gradients=("small", "again"),
)
def constants(tf: Any, folder: Path) -> Any:
    class Constants(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.offset = tf.constant([10.0, 20.0])
            self.table = tf.constant(np.arange(20000, dtype=np.float32).reshape(5000, 4))
            self.others = [
                tf.constant(HALF),
                tf.constant(np.int64(2**40)),
                tf.constant(strings(b"a", b"bc")),
                tf.constant(True),
                tf.constant(np.zeros((0, 2), np.float32)),
                tf.constant(1 + 2j),
            ]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def small(self, x: Any) -> Any:
            return x * self.offset + np.float32(1) + tf.constant([0.5, 0.25])

        @tf.function
        def big(self, i: Any) -> Any:
            return tf.gather(self.table, i)

        @tf.function
        def kinds(self) -> Any:
            return [tf.identity(x) for x in self.others]

        @tf.function
        def again(self, x: Any) -> Any:
            return self.small(x) - self.offset

    return Constants()


@model(call("run", "run", ONE), call("change", "change", ONE), call("after", "run", ONE), gradients=("run",))
def shared_variable(tf: Any, folder: Path) -> Any:
    class Part(tf.Module):
        def __init__(self, v: Any) -> None:
            super().__init__()
            self.weight = v

    class Shared(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            v = tf.Variable(3.0, name="v")
            self.z = v
            self.part = Part(v)
            self.parts = [self.part, Part(v)]
            self.a = v

        @tf.function
        def run(self, x: Any) -> Any:
            return x * self.a + self.part.weight * self.parts[1].weight

        @tf.function
        def change(self, x: Any) -> Any:
            self.parts[1].weight.assign_add(x)

    return Shared()


@model(
    call("shapes", "shapes"),
    call("grow", "grow", spread(4, 3)),
    call("grown", "shapes"),
    call("reshape", "free", np.zeros((2, 2, 2), np.float32)),
    call("scalar", "free", ONE),
    call("last", "shapes"),
)
def odd_shapes(tf: Any, folder: Path) -> Any:
    class Odd(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scalar = tf.Variable(1.0, name="scalar")
            self.empty = tf.Variable(np.zeros((0, 3), np.float32), name="empty")
            self.anything = tf.Variable(spread(2), shape=tf.TensorShape(None), name="anything")
            self.rows = tf.Variable(spread(2, 3), shape=tf.TensorShape([None, 3]), name="rows")

        @tf.function
        def shapes(self) -> Any:
            every = {"scalar": self.scalar, "empty": self.empty, "anything": self.anything, "rows": self.rows}
            return {name: (tf.shape(v), tf.identity(v)) for name, v in every.items()}

        @tf.function
        def grow(self, x: Any) -> Any:
            self.rows.assign(x)
            return tf.concat([self.empty, x], axis=0)

        @tf.function
        def free(self, x: Any) -> Any:
            self.anything.assign(x)

    return Odd()


@model(
    call("count", "count", np.int32(2)),
    call("count_again", "count", np.int32(3)),
    call("order", "order", ONE),
    call("swap", "swap"),
    call("nothing", "only_effect", ONE),
    call("inside", "inside", ONE),
    call("printed", "printed", f32(1, 2)),
    call("values", "values"),
    call("signature", "signatures.count", step=np.int32(5)),
    call("signature_again", "signatures.count", step=np.int32(5)),
    signatures=lambda m: {"count": m.count},
)
def effects(tf: Any, folder: Path) -> Any:
    class Effects(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.counter = tf.Variable(0, trainable=False, name="counter")
            self.a = tf.Variable(1.0, name="a")
            self.b = tf.Variable(2.0, name="b")

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32, name="step")])
        def count(self, step: Any) -> Any:
            before = self.counter.read_value()
            self.counter.assign_add(step)
            middle = self.counter.read_value()
            self.counter.assign(middle * 2)
            return before, middle, self.counter.read_value()

        @tf.function
        def order(self, x: Any) -> Any:
            first = self.a * x
            self.a.assign(self.b + x)
            second = self.a * x
            self.a.assign_sub(x)
            return first, second, self.a + 0.0

        @tf.function
        def swap(self) -> Any:
            a, b = self.a.read_value(), self.b.read_value()
            self.a.assign(b)
            self.b.assign(a)
            return a, b

        @tf.function
        def only_effect(self, x: Any) -> None:
            self.b.assign_add(x)

        @tf.function
        def inside(self, x: Any) -> Any:
            self.only_effect(x)
            seen = self.b + 0.0
            self.only_effect(x)
            return seen

        @tf.function
        def printed(self, x: Any) -> Any:
            tf.print("x is", x, summarize=-1)
            return x + 1.0

        @tf.function
        def values(self) -> Any:
            return self.a.read_value(), self.b.read_value(), self.counter.read_value()

    return Effects()


@model(
    call("top", "top", ONE),
    call("literal", "literal", ONE),
    call("leaf", "leaf", ONE, 2.0),
    call("library", "library", ONE),
    call("concrete", "concrete", ONE),
    gradients=("top", "literal"),
)
def calls_of_functions(tf: Any, folder: Path) -> Any:
    @tf.function
    def alone(x: Any) -> Any:
        return tf.exp(x) * 0.5

    class Callers(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v = tf.Variable(2.0, name="v")
            self.offset = tf.constant(0.25)
            self.library = alone
            self.concrete = self.leaf.get_concrete_function(tf.TensorSpec([], tf.float32), 3.0)

        @tf.function
        def leaf(self, x: Any, factor: float) -> Any:
            return x * self.v * factor + self.offset

        @tf.function
        def middle(self, x: Any) -> Any:
            return {"a": self.leaf(x, 2.0), "b": [alone(x)]}

        @tf.function
        def top(self, x: Any) -> Any:
            first, second = self.middle(x), self.middle(x + 1.0)
            return first["a"] * second["a"] + second["b"][0] + alone(x)

        @tf.function
        def literal(self, x: Any) -> Any:
            return self.leaf(x, 2.0) + self.leaf(x, 3.0)

    return Callers()


@model(
    call("first", "", X3),
    call("second", "", spread(4, 3)),
    gradients=("first",),
    signatures=lambda m: m.serve,
)
def deferred(tf: Any, folder: Path) -> Any:
    class Deferred(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = None
            self.made: list[Any] = []

        @tf.function
        def __call__(self, x: Any) -> Any:
            if self.w is None:
                self.w = tf.Variable(tf.ones([x.shape[-1], 2]) * 0.5, name="w")
                self.made.append(tf.Variable(tf.zeros([2]) + 1.5, name="b"))
            return tf.matmul(x, self.w) + self.made[0]

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def serve(self, x: Any) -> Any:
            return {"y": self(x)}

    return Deferred()


@model(
    call("called", "", f32(1, 2, 3)),
    call("served", "signatures.serving_default", x=f32(1, 2, 3)),
    gradients=("called", "served"),
)
def no_variables(tf: Any, folder: Path) -> Any:
    class NoVariables(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, x: Any) -> Any:
            return tf.reduce_mean(tf.square(x)) - tf.reduce_max(x)

    return NoVariables()


@model(
    call("all", "combine", f32(1, 2), np.float32(5)),
    call("one", "combine", f32(1, 2)),
    call("served", "signatures.serving_default", x=f32(1, 2), factor=np.float32(5)),
    call("bare", "bare", f32(1, 2), np.float32(4)),
    call("free", "free", ONE),
    call("free_array", "free", ONE, offset=f32(1)),
    call("free_text", "free", ONE, text="long"),
    signatures=lambda m: m.combine,
    gradients=("one",),
)
def default_values(tf: Any, folder: Path) -> Any:
    class Defaults(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bare = self.combine.get_concrete_function()

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32)])
        def combine(self, x: Any, factor: Any = tf.constant(3.0)) -> Any:  # noqa: B008
            return x * factor

        @tf.function
        def free(
            self,
            x: Any,
            offset: Any = np.array([1.0, 2.0], np.float32),  # noqa: B008
            text: str = "short",
            *,
            kind: Any = tf.float64,
            flag: bool = True,
        ) -> Any:
            y = x + offset if text == "short" else x - offset
            return tf.cast(y, kind) if flag else y

    return Defaults()


@model()
def no_functions(tf: Any, folder: Path) -> Any:
    class NoFunctions(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(spread(3, 2), name="w")
            self.inner = tf.Module(name="inner")
            self.inner.frozen = tf.Variable([1.0], trainable=False, name="frozen")

    return NoFunctions()


@model()
def nothing(tf: Any, folder: Path) -> Any:
    return tf.Module()


@model(call("never", "signatures.serving_default", x=f32(2)))
def never_called(tf: Any, folder: Path) -> Any:
    class Never(tf.Module):
        @tf.function
        def unused(self, x: Any) -> Any:
            return x

        @tf.function(input_signature=[tf.TensorSpec([1], tf.float32)])
        def declared(self, x: Any) -> Any:
            return x * 3.0

    return Never()


@model(call("run", "run", X3), gradients=("run",))
def scopes(tf: Any, folder: Path) -> Any:
    class Inner(tf.Module):
        @tf.Module.with_name_scope
        def __call__(self, x: Any) -> Any:
            if not hasattr(self, "w"):
                self.w = tf.Variable(spread(3, 3), name="w")
            return tf.matmul(x, self.w)

    class Scopes(tf.Module):
        def __init__(self) -> None:
            super().__init__(name="outer")
            with self.name_scope:
                self.bias = tf.Variable([1.0, 2.0, 3.0], name="bias")
                self.inner = Inner(name="inner")
            with tf.name_scope("other"):
                self.same = [tf.Variable(1.0, name="same"), tf.Variable(2.0, name="same"), tf.Variable(3.0)]

        @tf.function
        @tf.Module.with_name_scope
        def run(self, x: Any) -> Any:
            with tf.name_scope("body"):
                return self.inner(x) * self.same[0] + self.bias * self.same[1] + self.same[2]

    return Scopes()


@model(call("chain", "chain", f32(0.5, -0.25)), gradients=("chain",))
def thousand_ops(tf: Any, folder: Path) -> Any:
    class Thousand(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.step = tf.Variable(0.001, name="step")

        @tf.function(input_signature=[tf.TensorSpec([2], tf.float32, name="x")])
        def chain(self, x: Any) -> Any:
            step = self.step.read_value()
            for _ in range(500):
                x = x + x * step
            return x

    return Thousand()


@model(
    call("positional", "plain.f", ONE),
    call("root", "run", ONE),
    gradients=("root",),
)
def checkpoint_root(tf: Any, folder: Path) -> Any:
    """Not a Module: any trackable object can be saved."""
    plain = tf.train.Checkpoint(v=tf.Variable(2.0, name="v"))
    plain.f = tf.function(lambda x: x * plain.v)
    root = tf.train.Checkpoint(plain=plain)
    assert (plain.save_counter, root.save_counter) == (
        0,
        0,
    )  # TensorFlow makes these, at the latest, on saving
    root.run = tf.function(lambda x: plain.f(x) + 1.0, input_signature=[tf.TensorSpec([], tf.float32)])
    return root
