"""Small models, written once and built alike under calque and under TensorFlow.

Each is a function of `tf`, which is either of the two, and of a folder for files of its own; it returns the object to
save. With it stand the calls to make of it, in order: they trace it before it is saved, and ask the loaded model the
same afterwards. The process that has TensorFlow imports this file too, so it imports neither of the two.
"""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from saved_model.calls import Call

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Model:
    """A model and what to do with it.

    Attributes:
        name: of its own.
        build: from `tf` and a folder to the root object.
        calls: by name, in order.
        signatures: from the root to what `save` is given as signatures; None: nothing.
        gradients: the names of the calls to differentiate.
    """

    name: str
    build: Callable[[Any, Path], Any]
    calls: dict[str, Call]
    signatures: Callable[[Any], Any] | None
    gradients: tuple[str, ...]


MODELS: dict[str, Model] = {}


def call(name: str, target: str = "", *args: Any, **kwargs: Any) -> Call:
    return Call("", name, target, args, kwargs)


def model(
    *calls: Call, signatures: Callable[[Any], Any] | None = None, gradients: tuple[str, ...] = ()
) -> Callable[[Callable[[Any, Path], Any]], Callable[[Any, Path], Any]]:
    def add(build: Callable[[Any, Path], Any]) -> Callable[[Any, Path], Any]:
        name = build.__name__
        named = {one.name: replace(one, model=name) for one in calls}
        assert len(named) == len(calls), name
        MODELS[name] = Model(name, build, named, signatures, gradients)
        return build

    return add


def f32(*values: Any) -> Any:
    return np.array(values, np.float32)


def strings(*values: bytes) -> Any:
    return np.array(values, object)


def spread(*shape: int) -> Any:
    """Values of both signs, each a different one."""
    return np.linspace(-1, 1.5, int(np.prod(shape)), dtype=np.float32).reshape(shape)


X3 = spread(2, 3)
ONE = np.float32(1.5)
HALF = np.array([1.5, -2.25, 0.1], ml_dtypes.bfloat16)


@model(
    call("batch", "", X3),
    call("single", "", spread(1, 3)),
    call("none", "", np.zeros((0, 3), np.float32)),
    gradients=("batch", "single"),
)
def two_layers(tf: Any, folder: Path) -> Any:
    class Dense(tf.Module):
        def __init__(self, inputs: int, outputs: int, name: str | None = None) -> None:
            super().__init__(name=name)
            self.w = tf.Variable(spread(inputs, outputs), name="w")
            self.b = tf.Variable(tf.zeros([outputs]) + 0.5, name="b")

        def __call__(self, x: Any) -> Any:
            return tf.nn.relu(tf.matmul(x, self.w) + self.b)

    class Sequential(tf.Module):
        def __init__(self, name: str | None = None) -> None:
            super().__init__(name=name)
            self.dense_1 = Dense(3, 4)
            self.dense_2 = Dense(4, 2)

        @tf.function
        def __call__(self, x: Any) -> Any:
            return self.dense_2(self.dense_1(x))

    return Sequential("the_model")


@model(
    call("float", "", f32(1, 2)),
    call("training", "", f32(1, 2), True),
    call("training_keyword", "", f32(1, 2), training=True),
    call("double", "", np.array([[1.0, 2.0], [3.0, 4.0]])),
    call("int_power", "", np.int32(3), power=2),
    call("power", "", f32(1, 2), power=3),
    call("plus", "named", ONE),
    call("minus", "named", ONE, "minus"),
    call("half", "scaled", ONE, 0.5),
    call("unscaled", "scaled", ONE, None),
    call("twice", "scaled", ONE, 2),
    call("rest", "rest", f32(1, 2), f32(3, 4), k=np.float32(3)),
    call("rest_alone", "rest", f32(1, 2)),
    call("rest_two", "rest", f32(1, 2), b=np.float32(2), a=np.float32(3)),
    call("relaxed_2", "relaxed", f32(1, 2)),
    call("relaxed_3", "relaxed", f32(1, 2, 3)),
    call("relaxed_1", "relaxed", f32(1)),
    call("matrix", "relaxed", X3),
    gradients=("float", "power", "rest_two", "relaxed_3"),
)
def polymorphic(tf: Any, folder: Path) -> Any:
    class Polymorphic(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = tf.Variable(2.0, name="scale")

        @tf.function
        def __call__(self, x: Any, training: bool = False, *, power: int = 1) -> Any:
            y = x * tf.cast(self.scale, x.dtype)
            for _ in range(power - 1):
                y = y * y
            return -y if training else y

        @tf.function
        def named(self, x: Any, mode: str = "plus") -> Any:
            return x + 1 if mode == "plus" else x - 1

        @tf.function
        def scaled(self, x: Any, factor: float | None) -> Any:
            return x if factor is None else x * factor

        @tf.function
        def rest(self, *xs: Any, **named: Any) -> Any:
            total = tf.add_n(list(xs))
            for key in sorted(named):
                total = total * named[key] + 1.0
            return total

        @tf.function(reduce_retracing=True)
        def relaxed(self, x: Any) -> Any:
            return tf.reduce_sum(x * x) * self.scale

    return Polymorphic()


@model(
    call("whole", "", X3),
    call("block", "stages.0.run", X3),
    call("inner", "stages.1.body.run", X3),
    call("head", "head.run", X3),
    gradients=("whole",),
)
def nested_modules(tf: Any, folder: Path) -> Any:
    class Layer(tf.Module):
        def __init__(self, size: int, name: str | None = None) -> None:
            super().__init__(name=name)
            self.w = tf.Variable(spread(size, size), name="w")

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def run(self, x: Any) -> Any:
            return tf.tanh(tf.matmul(x, self.w))

    class Block(tf.Module):
        def __init__(self, name: str | None = None) -> None:
            super().__init__(name=name)
            self.body = Layer(3, "body")
            self.gain = tf.Variable([1.0, 2.0, 3.0], name="gain")

        @tf.function
        def run(self, x: Any) -> Any:
            return self.body.run(x) * self.gain + x

    class Tree(tf.Module):
        def __init__(self) -> None:
            super().__init__(name="tree")
            self.stages = [Block("first"), Block("second")]
            self.head = Layer(3, "head")
            self.stages[1].partner = self.stages[0]  # and a way around
            self.stages[0].partner = self.stages[1]

        @tf.function
        def __call__(self, x: Any) -> Any:
            for stage in self.stages:
                x = stage.run(x)
            return self.head.run(x)

    return Tree()


@model(
    call("total", "total"),
    call("listed", "functions.0", ONE),
    call("listed_second", "functions.1", ONE),
    call("keyed", "table.run", ONE),
    gradients=("total",),
)
def containers(tf: Any, folder: Path) -> Any:
    def variable(value: Any, name: str) -> Any:
        return tf.Variable(np.float32(value), name=name)

    class Leaf(tf.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.v = variable(value, "leaf")

    class Containers(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.items = [variable(1, "a"), Leaf(2), [variable(3, "b")], {"deep": variable(4, "c")}]
            self.table = {
                "one": variable(5, "d"),
                "leaf": Leaf(6),
                "a/b": variable(7, "e"),
                "c.d": variable(8, "f"),
                "run": tf.function(self.double),
            }
            self.pair = (variable(9, "g"), Leaf(10), (variable(11, "h"),))
            self.point = Point(variable(12, "px"), variable(13, "py"))
            self.ordered = OrderedDict([("z", variable(14, "z")), ("a", variable(15, "za"))])
            self.functions = [self.table["run"], tf.function(lambda x: x + self.point.x)]
            self.numbers, self.text, self.mixed = [1, 2], "text", [variable(16, "mixed"), 7, "x"]
            self.nothing: Any = None
            self.empty_list: list[Any] = []
            self.empty_dict: dict[str, Any] = {}

        def double(self, x: Any) -> Any:
            return x * 2.0

        @tf.function(input_signature=[])
        def total(self) -> Any:
            values = [self.items[0], self.items[1].v, self.items[2][0], self.items[3]["deep"]]
            values += [self.table["one"], self.table["leaf"].v, self.table["a/b"], self.table["c.d"]]
            values += [self.pair[0], self.pair[1].v, self.pair[2][0], self.point.x, self.point.y]
            values += [self.ordered["z"], self.ordered["a"], self.mixed[0]]
            total = tf.constant(0.0)
            for i, value in enumerate(values):
                total = total * 0.5 + value * float(i + 1)
            return total

    return Containers()


@model(
    call("default", "signatures.serving_default", x=X3),
    call("add", "signatures.add", a=f32(1, 2), B=f32(3, 4)),
    call("concrete", "signatures.concrete", x=np.float64(3), first=np.int64(2)),
    call("none", "signatures.none"),
    call("listed", "signatures.listed", x=f32(1, 2)),
    call("named", "signatures.named", flag=np.bool_(True), text=strings(b"a", b"bc")),
    call("called", "add", f32(1, 2), f32(3, 4)),
    gradients=("default", "add"),
    signatures=lambda m: {
        "serving_default": m.serve,
        "add": m.add,
        "none": m.none,
        "listed": m.listed,
        "named": m.named,
        "concrete": m.concrete,
    },
)
def several_signatures(tf: Any, folder: Path) -> Any:
    class Several(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(spread(3, 2), name="w")
            self.concrete = self.free.get_concrete_function(
                tf.TensorSpec([], tf.float64), tf.TensorSpec(None, tf.int64, name="first")
            )

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def serve(self, x: Any) -> Any:
            logits = tf.matmul(x, self.w)
            return {
                "logits": logits,
                "probabilities": tf.nn.softmax(logits),
                "best": tf.argmax(logits, axis=-1),
            }

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.float32, name="a"),
                tf.TensorSpec([None], tf.float32, name="B"),
            ]
        )
        def add(self, one: Any, other: Any) -> Any:
            return one + 2.0 * other

        @tf.function
        def free(self, x: Any, y: Any) -> Any:
            return (x * x, y + 1)

        @tf.function(input_signature=[])
        def none(self) -> Any:
            return tf.reduce_sum(self.w)

        @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)])
        def listed(self, x: Any) -> Any:
            return [x, -x]

        @tf.function(
            input_signature=[
                tf.TensorSpec([], tf.bool, name="flag"),
                tf.TensorSpec([None], tf.string, name="text"),
            ]
        )
        def named(self, flag: Any, text: Any) -> Any:
            return {"not": tf.logical_not(flag), "length": tf.strings.length(text), "text": text}

    return Several()


@model(
    call("tensor", "tensor", ONE),
    call("listed", "listed", ONE),
    call("paired", "paired", ONE),
    call("single", "single", ONE),
    call("mapped", "mapped", ONE),
    call("point", "point", ONE),
    call("nested", "nested", ONE),
    call("nothing", "nothing", ONE),
    call("literals", "literals", ONE),
    call("same", "same", ONE),
    call("variable", "variable"),
    call("empty", "empty", ONE),
    gradients=("nested", "variable"),
)
def outputs(tf: Any, folder: Path) -> Any:
    class Outputs(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.v = tf.Variable([1.0, 2.0], name="v")

        @tf.function
        def tensor(self, x: Any) -> Any:
            return x + 1.0

        @tf.function
        def listed(self, x: Any) -> Any:
            return [x, x + 1.0]

        @tf.function
        def paired(self, x: Any) -> Any:
            return x, x + 1.0

        @tf.function
        def single(self, x: Any) -> Any:
            return (x,)

        @tf.function
        def mapped(self, x: Any) -> Any:
            return {"b": x, "a": x + 1.0}

        @tf.function
        def point(self, x: Any) -> Any:
            return Point(x, [x + 1.0, {"k": x + 2.0}])

        @tf.function
        def nested(self, x: Any) -> Any:
            return {"list": [x * self.v, (x, None)], "dict": {"z": x, "y": [x * x]}, "none": None}

        @tf.function
        def nothing(self, x: Any) -> Any:
            return None

        @tf.function
        def literals(self, x: Any) -> Any:
            return 1, 2.5, True, "text", [3, 4]

        @tf.function
        def same(self, x: Any) -> Any:
            return x, x

        @tf.function
        def variable(self) -> Any:
            return self.v

        @tf.function
        def empty(self, x: Any) -> Any:
            return [], {}, ()

    return Outputs()


@model(
    call("pair", "pair", (f32(1, 2), f32(3, 4))),
    call("listed", "listed", [ONE, np.float32(2), np.float32(3)]),
    call("mapped", "mapped", {"b": ONE, "a": np.float32(2)}),
    call("point", "point", Point(ONE, np.float32(2))),
    call("nested", "nested", {"x": [ONE, (ONE, 2)], "flag": "on"}, scale=np.float32(3)),
    call("other_literal", "nested", {"x": [ONE, (ONE, 3)], "flag": "off"}, scale=np.float32(3)),
    call("names", "names", ONE, b_C=np.float32(2)),
    call("keywords", "names", A=ONE, b_C=np.float32(2)),
    call("words", "words", strings(b"a", b"", b"\xff\x00")),
    call("numbers", "numbers", np.int8(3), np.uint8(4), np.complex64(1 + 2j), HALF),
    gradients=("pair", "nested"),
)
def arguments(tf: Any, folder: Path) -> Any:
    class Arguments(tf.Module):
        @tf.function
        def pair(self, pair: Any) -> Any:
            return pair[0] - pair[1]

        @tf.function
        def listed(self, xs: Any) -> Any:
            return xs[0] - xs[1] * xs[2]

        @tf.function
        def mapped(self, options: Any) -> Any:
            return options["a"] - options["b"]

        @tf.function
        def point(self, p: Any) -> Any:
            return Point(p.y, p.x)

        @tf.function
        def nested(self, tree: Any, *, scale: Any) -> Any:
            x = tree["x"][0] + tree["x"][1][0] * float(tree["x"][1][1])
            return x * scale if tree["flag"] == "on" else -x

        @tf.function
        def names(self, A: Any, b_C: Any) -> Any:
            return A - b_C

        @tf.function
        def words(self, text: Any) -> Any:
            return tf.strings.join([text, text], separator="-")

        @tf.function
        def numbers(self, a: Any, b: Any, c: Any, d: Any) -> Any:
            return a * tf.cast(2, tf.int8), b + tf.cast(1, tf.uint8), c * c, d + d

    return Arguments()


@model(
    call("words", "words"),
    call("both", "both"),
    call("from_signature", "signatures.words"),
    signatures=lambda m: {"words": m.words},
)
def assets(tf: Any, folder: Path) -> Any:
    def file(name: str, text: str) -> str:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    class Assets(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.file = tf.saved_model.Asset(file("words.txt", "one\ntwo\n"))
            self.others = [tf.saved_model.Asset(file("more/words.txt", "three\n")), self.file]
            self.v = tf.Variable([1, 2], name="v")

        @tf.function(input_signature=[])
        def words(self) -> Any:
            return tf.raw_ops.ReadFile(filename=self.file.asset_path)

        @tf.function
        def both(self) -> Any:
            more = tf.raw_ops.ReadFile(filename=self.others[0].asset_path)
            return tf.strings.join([self.words(), more]), self.v + 1

    return Assets()


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
