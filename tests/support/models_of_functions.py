"""Models that show how functions are called: arguments, results, signatures, nested modules, assets. See `models`."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from support.modeling import HALF, ONE, X3, Point, call, f32, model, spread, strings


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
