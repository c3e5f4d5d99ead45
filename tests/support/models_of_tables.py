"""Models with tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from support.modeling import call, model

WORDS = np.array([b"one", b"four", b"", b"two"], object)
NUMBERS = np.array([1, 3, 5], np.int64)


@model(
    call("find", "find", WORDS),
    call("serve", "signatures.serving_default", words=WORDS),
)
def static_tables(tf: Any, folder: Path) -> Any:
    lookup = tf.lookup
    lines = folder / "words.txt"
    lines.write_text("one\ntwo\nthree\n", encoding="utf-8")

    def from_lines() -> Any:
        index = lookup.TextFileIndex
        return lookup.TextFileInitializer(
            str(lines), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER, value_index_offset=10
        )

    class Tables(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            pairs = lookup.KeyValueTensorInitializer(["one", "two"], ["eins", "zwei"])
            self.pairs = lookup.StaticHashTable(pairs, "?")
            self.lines = lookup.StaticHashTable(from_lines(), -1)
            self.again = lookup.StaticVocabularyTable(from_lines(), 5)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
        def find(self, words: Any) -> Any:
            return {
                "pairs": self.pairs.lookup(words),
                "lines": self.lines[words],
                "again": self.again.lookup(words),
                "size": self.again.size() + self.pairs.size(),
            }

    return Tables()


@model(call("find", "find", WORDS))
def table_of_columns(tf: Any, folder: Path) -> Any:
    columns = folder / "columns.txt"
    columns.write_text("one;1.5\nfour;-2\n", encoding="utf-8")
    root = tf.Module()
    initializer = tf.lookup.TextFileInitializer(str(columns), tf.string, 0, tf.float32, 1, delimiter=";")
    root.table = tf.lookup.StaticHashTable(initializer, 0.0)
    root.find = tf.function(root.table.lookup, input_signature=[tf.TensorSpec([None], tf.string)])
    return root


@model(
    call("find", "find", NUMBERS),
    call("insert", "insert", NUMBERS[:1]),
    call("after", "find", NUMBERS),
)
def changing_tables(tf: Any, folder: Path) -> Any:
    """Of the tables that TensorFlow hashes by itself, none holds more than one key: their order is its own."""
    experimental = tf.lookup.experimental

    class Tables(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.names = experimental.MutableHashTable(tf.int64, tf.string, "?")
            self.vectors = experimental.MutableHashTable(tf.int64, tf.float32, [0.0, -1.0])
            self.dense = experimental.DenseHashTable(tf.int64, tf.int64, -1, 0, -2, initial_num_buckets=8)
            self.more = experimental.MutableHashTable(tf.int64, tf.int64, -1)
            self.vectors.insert(np.array([5]), np.array([[1.0, 2.0]], np.float32))
            self.dense.insert(np.array([5, 6, 13]), np.array([50, 60, 130]))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="numbers")])
        def find(self, numbers: Any) -> Any:
            return (
                self.names.lookup(numbers),
                self.vectors.lookup(numbers),
                self.dense.lookup(numbers),
                self.dense.size(),
            )

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="numbers")])
        def insert(self, numbers: Any) -> Any:
            self.names.insert(numbers, tf.strings.as_string(numbers))
            self.dense.remove(numbers)
            self.more.insert(numbers, numbers)
            return self.names.size()

    return Tables()
