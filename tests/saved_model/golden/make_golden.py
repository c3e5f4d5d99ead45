"""Writes SavedModels with TensorFlow, and what TensorFlow computes from them: `python make_golden.py [name ...]`.

To be run with an interpreter that has tensorflow-cpu, never by the test suite. Each model is a directory beside this
file, and an .npz of results: `<call>|<path in the result>`.
What is called, and how, stands in calls.py.
"""

from __future__ import annotations

import collections
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from saved_model.calls import CALLS, arguments, flatten, resolve  # noqa: E402
from support.arrays import pack  # noqa: E402

Point = collections.namedtuple("Point", "x y")


def spec(*shape, dtype=tf.float32, name=None):
    return tf.TensorSpec(shape, dtype, name)


class TwoLayer(tf.Module):
    """The smallest model worth the name."""

    def __init__(self):
        super().__init__()
        random = np.random.RandomState(0)
        self.w1 = tf.Variable(random.standard_normal((3, 4)).astype(np.float32), name="w1")
        self.b1 = tf.Variable(np.zeros(4, np.float32), name="b1")
        self.w2 = tf.Variable(random.standard_normal((4, 2)).astype(np.float32), name="w2")
        self.b2 = tf.Variable(np.ones(2, np.float32), name="b2")

    @tf.function(input_signature=[spec(None, 3, name="x")])
    def __call__(self, x):
        return tf.nn.relu(x @ self.w1 + self.b1) @ self.w2 + self.b2


class Polymorphic(tf.Module):
    """Functions with several concrete functions, Python arguments, defaults, keywords."""

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(2.0, name="scale")

    @tf.function
    def __call__(self, x, training=False, *, power=1):
        y = x * tf.cast(self.scale, x.dtype)
        for _ in range(power - 1):
            y = y * y
        return -y if training else y

    @tf.function
    def named(self, x, mode="plus"):
        return x + 1 if mode == "plus" else x - 1

    @tf.function
    def rest(self, *xs, **named):
        total = tf.add_n(list(xs))
        for key in sorted(named):
            total = total * named[key]
        return total


class Structures(tf.Module):
    """Nested arguments and results."""

    @tf.function
    def nested(self, pair, options):
        return {
            "sum": pair[0] + pair[1],
            "scaled": [pair[0] * options["a"], pair[1] * options["b"]],
            "none": None,
        }

    @tf.function
    def point(self, p):
        return Point(p.y, p.x), (p.x + p.y,)

    @tf.function
    def listed(self, xs):
        return [x + 1.0 for x in xs]

    @tf.function
    def nothing(self):
        return None

    @tf.function
    def literal(self, x):
        return x, 3


class Nested(tf.Module):
    """Modules in modules, lists, dicts, tuples, a named tuple, several dtypes, signatures."""

    def __init__(self):
        super().__init__()
        self.layers = [TwoLayer(), TwoLayer()]
        self.table = {"one": tf.Variable([1, 2, 3], dtype=tf.int64, name="one"), "two": TwoLayer()}
        self.pair = (tf.Variable(1.5, trainable=False, name="frozen"), [tf.Variable(True, name="flag")])
        self.point = Point(tf.Variable(1.0, name="px"), tf.Variable(2.0, name="py"))
        self.half = tf.Variable(tf.constant([1.5, -2.25, 0.1], tf.bfloat16), name="half")
        self.words = tf.Variable([b"one", b"", "zw\u00f6lf".encode()], dtype=tf.string, name="words")
        self.empty = tf.Variable(np.zeros((0, 3), np.float32), name="empty")
        self.offset = tf.constant([[10.0, 20.0]])

    @tf.function(input_signature=[spec(None, 3, name="x")])
    def serve(self, x):
        return {"scores": self.layers[0](x) + self.offset, "second": self.layers[1](x)}

    @tf.function(input_signature=[spec(None, name="a"), spec(None, name="b")])
    def add(self, a, b):
        return a + b

    @tf.function(input_signature=[])
    def strings(self):
        return self.words.read_value()

    @tf.function(input_signature=[])
    def halves(self):
        return self.half * tf.constant(2.0, tf.bfloat16)

    @tf.function(input_signature=[spec(name="amount")])
    def grow(self, amount):
        self.point.x.assign_add(amount)
        return self.point.x + self.point.y


class Control(tf.Module):
    """Conditions, loops, assertions."""

    @tf.function(input_signature=[spec(name="x")])
    def branch(self, x):
        if x > 0.0:
            y = x * 2.0
        else:
            y = -x
        return y

    @tf.function(input_signature=[spec(dtype=tf.int32, name="n")])
    def loop(self, n):
        total = tf.constant(0)
        i = tf.constant(0)
        while i < n:
            total += i * i
            i += 1
        return total, i

    @tf.function(input_signature=[spec(None, name="x")])
    def checked(self, x):
        tf.debugging.Assert(tf.reduce_all(x >= 0.0), [x])
        return x + 1.0


class Assets(tf.Module):
    """A file, and a table filled from it; a table filled from constants."""

    def __init__(self):
        super().__init__()
        path = Path("vocabulary.txt")  # relative: the path becomes part of the table's name
        path.write_text("a\nb\nc\n")
        self.file = tf.saved_model.Asset(str(path))
        self.path = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(path),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            -1,
        )
        self.numbers = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant([1, 2], tf.int64), tf.constant([b"uno", b"dos"])),
            b"?",
        )

    @tf.function(input_signature=[spec(None, dtype=tf.string, name="words")])
    def look_up(self, words):
        return self.path.lookup(words)

    @tf.function(input_signature=[spec(None, dtype=tf.int64, name="keys")])
    def name(self, keys):
        return self.numbers.lookup(keys)

    @tf.function(input_signature=[])
    def where(self):
        return tf.strings.length(self.file.asset_path) > 0


class Defaults(tf.Module):
    """A signature with an input that may be left out; a concrete function as an attribute; functions in a list."""

    def __init__(self):
        super().__init__()
        self.bare = self.combine.get_concrete_function()
        self.functions = [self.combine]

    @tf.function(input_signature=[spec(None, name="x"), spec(name="factor")])
    def combine(self, x, factor=tf.constant(3.0)):  # noqa: B008
        return x * factor


class Composites(tf.Module):
    """Sparse and ragged tensors in and out."""

    @tf.function(input_signature=[tf.SparseTensorSpec([None, 3], tf.float32)])
    def sparse(self, s):
        return tf.SparseTensor(s.indices, s.values * 2.0, s.dense_shape)

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.float32, 1)])
    def ragged(self, r):
        return tf.RaggedTensor.from_row_splits(r.flat_values + 1.0, r.row_splits, validate=False)


def models():
    """Each model's name, object and signatures."""
    two = TwoLayer()
    yield "two_layer", two, two.__call__
    poly = Polymorphic()
    calls = [
        lambda: poly(tf.zeros([2])),
        lambda: poly(tf.zeros([2]), True),
        lambda: poly(tf.zeros([2, 2], tf.float64)),
        lambda: poly(tf.constant(1), power=2),
        lambda: poly(tf.zeros([2]), training=False, power=3),
        lambda: poly.named(tf.zeros([]), "plus"),
        lambda: poly.named(tf.zeros([]), "minus"),
        lambda: poly.rest(tf.zeros([2]), tf.zeros([2]), k=tf.constant(2.0)),
    ]
    for call in calls:
        call()
    yield "polymorphic", poly, None
    structures = Structures()
    one = tf.constant(1.0)
    structures.nested((one, one), {"a": one, "b": 2.0})
    structures.point(Point(one, one))
    structures.listed([one, one])
    structures.nothing()
    structures.literal(one)
    yield "structures", structures, None
    nested = Nested()
    yield "nested", nested, {"serving_default": nested.serve, "add": nested.add, "strings": nested.strings}
    yield "control", Control(), None
    yield "assets", Assets(), None
    defaults = Defaults()
    yield "defaults", defaults, defaults.combine
    yield "composites", Composites(), None


def main(names: list[str]) -> None:
    """Write the models named, or all."""
    os.chdir(HERE)
    for name, module, signatures in models():
        if names and name not in names:
            continue
        directory = HERE / name
        shutil.rmtree(directory, ignore_errors=True)
        kwargs = {} if signatures is None else {"signatures": signatures}
        tf.saved_model.save(module, str(directory), **kwargs)
        (directory / "fingerprint.pb").unlink()
        Path("vocabulary.txt").unlink(missing_ok=True)
        loaded = tf.saved_model.load(str(directory))
        found: dict[str, np.ndarray] = {}
        for call in (c for c in CALLS if c.model == name):
            args, kwargs = arguments(call, tf)
            for path, tensor in flatten(resolve(loaded, call)(*args, **kwargs)):
                found.update(
                    pack(f"{call.name}|{path}", tensor.numpy() if hasattr(tensor, "numpy") else tensor)
                )
        np.savez_compressed(HERE / f"{name}.npz", **found)
        print(f"{name}: {len(found)} results")


if __name__ == "__main__":
    main(sys.argv[1:])
