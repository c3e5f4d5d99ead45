"""Writes SavedModels with tables, lists and loops, and what TensorFlow computes from them: `python make_tables.py`.

To be run with an interpreter that has tensorflow-cpu, never by the test suite. What is called stands in table_calls.py.
"""

from __future__ import annotations

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

from saved_model.calls import arguments, flatten, resolve  # noqa: E402
from saved_model.table_calls import TABLE_CALLS  # noqa: E402
from support.arrays import pack  # noqa: E402

WORDS = [tf.TensorSpec([None], tf.string, "text")]
NUMBERS = [tf.TensorSpec([None], tf.int64, "keys")]
ROWS = [tf.TensorSpec([None, None, 3], tf.float32, "x")]


class Tables(tf.Module):
    """Every kind of table."""

    def __init__(self):
        super().__init__()
        Path("colors.txt").write_text("red\ngreen\nblue\n")
        Path("columns.csv").write_text("pi,3.25,x\ne,2.75,y\n")
        lookup = tf.lookup
        self.static = lookup.StaticHashTable(
            lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64)), -1
        )
        self.names = lookup.StaticHashTable(
            lookup.KeyValueTensorInitializer(tf.constant([1, 2], tf.int64), tf.constant(["uno", "dos"])), "?"
        )
        self.columns = lookup.StaticHashTable(
            lookup.TextFileInitializer("columns.csv", tf.string, 0, tf.float32, 1, delimiter=","), 0.0
        )
        colors = lookup.TextFileInitializer(
            "colors.txt",
            tf.string,
            lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            lookup.TextFileIndex.LINE_NUMBER,
        )
        self.vocabulary = lookup.StaticVocabularyTable(colors, num_oov_buckets=3)
        ids = lookup.KeyValueTensorInitializer(
            tf.constant([10, 20, 30], tf.int64), tf.range(3, dtype=tf.int64)
        )
        self.ids = lookup.StaticVocabularyTable(ids, num_oov_buckets=4)
        self.mutable = lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        self.mutable.insert(tf.constant(["k1", "k2"]), tf.constant([1, 2], tf.int64))
        self.vectors = lookup.experimental.MutableHashTable(tf.int64, tf.float32, [0.0, 0.5])
        self.vectors.insert(tf.constant([1, 2], tf.int64), tf.constant([[1.0, 2.0], [3.0, 4.0]]))
        self.dense = lookup.experimental.DenseHashTable(
            tf.int64, tf.float32, -1.0, -1, -2, initial_num_buckets=8
        )
        self.dense.insert(tf.constant([5, 13, 1 << 40], tf.int64), tf.constant([0.5, 1.5, 2.5]))
        self.dense.erase(tf.constant([13], tf.int64))
        self.dense_words = lookup.experimental.DenseHashTable(
            tf.string, tf.int64, -1, "", "$", initial_num_buckets=16
        )
        self.dense_words.insert(tf.constant(["one", "two"]), tf.constant([1, 2], tf.int64))

    @tf.function(input_signature=WORDS)
    def find_static(self, text):
        return self.static.lookup(text)

    @tf.function(input_signature=NUMBERS)
    def find_name(self, keys):
        return self.names.lookup(keys)

    @tf.function(input_signature=WORDS)
    def find_in_columns(self, text):
        return self.columns.lookup(text)

    @tf.function(input_signature=WORDS)
    def find_in_vocabulary(self, text):
        return self.vocabulary.lookup(text)

    @tf.function(input_signature=NUMBERS)
    def find_id(self, keys):
        return self.ids.lookup(keys)

    @tf.function(input_signature=WORDS)
    def find_mutable(self, text):
        return self.mutable.lookup(text)

    @tf.function(input_signature=NUMBERS)
    def find_vectors(self, keys):
        return self.vectors.lookup(keys)

    @tf.function(input_signature=NUMBERS)
    def find_dense(self, keys):
        return self.dense.lookup(keys)

    @tf.function(input_signature=WORDS)
    def find_dense_word(self, text):
        return self.dense_words.lookup(text)

    @tf.function(input_signature=[])
    def sizes(self):
        tables = (self.static, self.columns, self.vocabulary, self.mutable, self.vectors, self.dense)
        return tf.stack([table.size() for table in tables])

    @tf.function(input_signature=[*WORDS, *NUMBERS])
    def learn(self, text, keys):
        self.mutable.insert(text, keys)
        return self.mutable.size()


class Loops(tf.Module):
    """Loops that read and write lists, and their gradients."""

    def __init__(self):
        super().__init__()
        random = np.random.RandomState(3)
        self.kernel = tf.Variable(random.standard_normal((7, 4)).astype(np.float32), name="kernel")

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def squares(self, n):
        found = tf.TensorArray(tf.int32, n)
        for i in tf.range(n):
            found = found.write(i, i * i)
        return found.stack()

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def mapped(self, x):
        return tf.map_fn(
            lambda row: (tf.reduce_sum(row), row[::-1]), x, fn_output_signature=(tf.float32, tf.float32)
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def scanned(self, x):
        return tf.scan(lambda a, b: a * 0.5 + b, x, reverse=True)

    @tf.function(input_signature=ROWS)
    def recurrent(self, x):
        steps = tf.transpose(x, [1, 0, 2])
        read = tf.TensorArray(tf.float32, tf.shape(steps)[0]).unstack(steps)
        out = tf.TensorArray(tf.float32, tf.shape(steps)[0], element_shape=[None, 4])
        state = tf.zeros([tf.shape(x)[0], 4])
        for i in tf.range(tf.shape(steps)[0]):
            state = tf.tanh(tf.concat([read.read(i), state], 1) @ self.kernel)
            out = out.write(i, state)
        return tf.transpose(out.stack(), [1, 0, 2]), state

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)])
    def slope(self, x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.ones([])
            for i in tf.range(n):
                y = y * tf.sin(x + tf.cast(i, tf.float32)) + x
        return y, tape.gradient(y, x)

    @tf.function(input_signature=ROWS)
    def recurrent_slope(self, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs, _ = self.recurrent.python_function(x)
            loss = tf.reduce_sum(outputs * outputs)
        return tape.gradient(loss, [x, self.kernel])

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def pieces(self, n):
        found = tf.TensorArray(tf.float32, n, infer_shape=False, element_shape=[None, 2])
        for i in tf.range(n):
            found = found.write(i, tf.fill([i, 2], tf.cast(i, tf.float32)))
        again = tf.TensorArray(tf.float32, 2).split(found.concat(), [2, 4])
        return found.concat(), again.read(1), found.gather([3, 3])

    @tf.function(input_signature=WORDS)
    def strings(self, text):
        found = tf.TensorArray(tf.string, 0, dynamic_size=True)
        for i in tf.range(tf.size(text)):
            found = found.write(i, text[i] + "!")
        return found.stack()

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def grown(self, n):
        found = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[])
        for i in tf.range(n):
            found = found.write(2 * i, i)
        return found.stack(), found.size()


def main() -> None:
    """Write both models and their results."""
    os.chdir(HERE)
    tables, loops = Tables(), Loops()
    for name, module, signatures in (
        ("tables", tables, {"look_up": tables.find_in_vocabulary}),
        ("loops", loops, None),
    ):
        directory = HERE / name
        shutil.rmtree(directory, ignore_errors=True)
        tf.saved_model.save(module, str(directory), **({"signatures": signatures} if signatures else {}))
        (directory / "fingerprint.pb").unlink()
        loaded = tf.saved_model.load(str(directory))
        found: dict[str, np.ndarray] = {}
        for call in (c for c in TABLE_CALLS if c.model == name):
            args, kwargs = arguments(call, tf)
            for path, tensor in flatten(resolve(loaded, call)(*args, **kwargs)):
                found.update(pack(f"{call.name}|{path}", tensor.numpy()))
        np.savez_compressed(HERE / f"{name}.npz", **found)
        print(f"{name}: {len(found)} results")
    for path in ("colors.txt", "columns.csv"):
        Path(path).unlink()


if __name__ == "__main__":
    main()
