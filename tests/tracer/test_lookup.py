"""Tables: what they find and hold, what they refuse, and their content in checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque_runtime.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError

WORDS = ["one", "two", "three"]


def pairs(**kwargs: Any) -> Any:
    return tf.lookup.KeyValueTensorInitializer(WORDS, [1, 2, 3], **kwargs)


def lines(path: Path, **kwargs: Any) -> Any:
    path.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    index = tf.lookup.TextFileIndex
    return tf.lookup.TextFileInitializer(
        path, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER, **kwargs
    )


def listed(tensor: Any) -> Any:
    return tensor.numpy().tolist()


def test_a_static_table_finds_what_it_was_filled_with() -> None:
    table = tf.lookup.StaticHashTable(pairs(value_dtype=tf.int64), -1)
    assert listed(table.lookup(["two", "?", "one"])) == [2, -1, 1]
    assert listed(table[tf.constant([["three"], ["two"]])]) == [[3], [2]]
    assert listed(table.lookup("one")) == 1
    assert (int(table.size()), table.key_dtype, table.value_dtype) == (3, tf.string, tf.int64)
    assert listed(table.default_value) == -1
    keys, values = table.export()
    assert dict(zip(listed(keys), listed(values), strict=True)) == {b"one": 1, b"two": 2, b"three": 3}


def test_a_table_in_a_function() -> None:
    table = tf.lookup.StaticHashTable(pairs(value_dtype=tf.int64), -1)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.string)])
    def find(words: Any) -> Any:
        found = table.lookup(words)
        assert found.shape.as_list() == [None, 2]
        return found + table.size(), found

    assert listed(find([["one", "x"]])[1]) == [[1, -1]]


def test_a_table_made_in_a_function_is_there_once() -> None:
    made: list[Any] = []

    @tf.function
    def find(words: Any) -> Any:
        if not made:
            made.append(tf.lookup.StaticHashTable(pairs(), -1))
        return made[0].lookup(words)

    assert listed(find(tf.constant(["one"]))) == [1]
    assert listed(find(tf.constant(["one", "two"]))) == [1, 2]


def test_values_of_sparse_and_ragged_tensors() -> None:
    table = tf.lookup.StaticHashTable(pairs(), -1)
    sparse = table.lookup(tf.SparseTensor([[0, 1], [2, 0]], ["two", "?"], [3, 2]))
    assert (listed(sparse.values), listed(sparse.indices)) == ([2, -1], [[0, 1], [2, 0]])
    ragged = table.lookup(tf.ragged.constant([["one", "two"], [], ["x"]]))
    assert ragged.to_list() == [[1, 2], [], [-1]]


def test_lines_of_a_file(tmp_path: Path) -> None:
    table = tf.lookup.StaticHashTable(lines(tmp_path / "words", value_index_offset=5), -1)
    assert listed(table.lookup(["one", "three", "four"])) == [5, 7, -1]
    gone = lines(tmp_path / "gone")
    (tmp_path / "gone").unlink()
    with pytest.raises(NotFoundError, match="gone"):
        tf.lookup.StaticHashTable(gone, -1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("f", tf.string, -1, tf.int64, -2), "`key_dtype` must be int64"),
        (("f", tf.float32, -2, tf.int64, -1), "either integer or string"),
        (("f", tf.string, -3, tf.int64, -1), "`key_index` should be >= -2"),
        (("f", tf.string, -2, tf.int64, -1, 0), "Invalid `vocab_size`"),
        (("f", tf.string, 1, tf.string, 1), "they must be different"),
        (("", tf.string, -2, tf.int64, -1), "`filename` argument required"),
    ],
)
def test_what_a_file_s_initializer_refuses(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tf.lookup.TextFileInitializer(*arguments)


def test_other_dtypes_are_refused() -> None:
    table = tf.lookup.StaticHashTable(pairs(), -1)
    with pytest.raises(TypeError, match="Dtype of argument `keys` must be tf.string, received: tf.int32"):
        table.lookup([1])
    with pytest.raises(TypeError, match="Cannot convert"):
        tf.lookup.StaticHashTable(pairs(), "none")
    changing = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    with pytest.raises(TypeError, match="Invalid `value_dtype` of the table"):
        pairs().initialize(changing)
    pairs(value_dtype=tf.int64).initialize(changing)
    assert int(changing.size()) == 3


def test_a_key_with_two_values_is_refused() -> None:
    with pytest.raises(FailedPreconditionError, match="different value for same key"):
        tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "a"], [1, 2]), -1)


def test_a_vocabulary_gives_buckets_to_the_rest(tmp_path: Path) -> None:
    table = tf.lookup.StaticVocabularyTable(lines(tmp_path / "words"), 4)
    found = listed(table.lookup(["two", "x", "y", "x"]))
    assert found[0] == 1
    assert found[1] == found[3]
    assert found[1:3] == [3 + int(tf.strings.to_hash_bucket_fast(w, 4)) for w in ("x", "y")]
    assert int(table.size()) == 7
    only_buckets = tf.lookup.StaticVocabularyTable(None, 4)
    assert listed(only_buckets.lookup(["x"])) == [found[1] - 3]
    assert int(only_buckets.size()) == 4
    assert only_buckets.resource_handle is None


def test_a_vocabulary_of_integers() -> None:
    keys = tf.lookup.KeyValueTensorInitializer([7, 9], [0, 1], tf.int64, tf.int64)
    table = tf.lookup.StaticVocabularyTable(keys, 2, lookup_key_dtype=tf.int32)
    found = listed(table.lookup(tf.constant([9, 5])))
    assert found == [1, 2 + int(tf.strings.to_hash_bucket_fast("5", 2))]


def test_what_a_vocabulary_refuses() -> None:
    with pytest.raises(ValueError, match="`num_oov_buckets` must be > 0"):
        tf.lookup.StaticVocabularyTable(None, 0)
    with pytest.raises(TypeError, match="Invalid `value_dtype`"):
        tf.lookup.StaticVocabularyTable(pairs(), 1)
    numbers = tf.lookup.KeyValueTensorInitializer([1], [1], tf.int64, tf.int64)
    with pytest.raises(TypeError, match="Invalid `key_dtype`"):
        tf.lookup.StaticVocabularyTable(numbers, 1, lookup_key_dtype=tf.string)


def test_a_changing_table() -> None:
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["a", "b"], [1, 2])
    table.insert(tf.constant(["b", "c"]), tf.constant([20, 3], tf.int64))
    table.remove(["a", "nobody"])
    assert listed(table.lookup(["a", "b", "c"])) == [-1, 20, 3]
    assert listed(table.lookup(["a", "b"], tf.constant([7, 8], tf.int64))) == [7, 20]
    assert int(table.size()) == 2
    with pytest.raises(InvalidArgumentError, match="Expected shape"):
        table.insert(["a"], [[1, 2]])

    @tf.function
    def count(words: Any) -> Any:
        table.insert(words, table.lookup(words, tf.zeros_like(words, tf.int64)) + 1)
        return table.size()

    assert int(count(tf.constant(["x", "b"]))) == 3
    assert listed(table.lookup(["x", "b"])) == [1, 21]


def test_a_dense_table() -> None:
    table = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.float32, [0.0, 0.5], 0, -1, initial_num_buckets=4
    )
    table.insert_or_assign([1, 2, 3, 4, 5], np.arange(10, dtype=np.float32).reshape(5, 2))
    table.erase([2])
    assert listed(table.lookup([5, 2])) == [[8.0, 9.0], [0.0, 0.5]]
    assert int(table.size()) == 4
    with pytest.raises(InvalidArgumentError, match="empty_key"):
        table.lookup([0])
    with pytest.raises(InvalidArgumentError, match="Empty and deleted keys cannot be equal"):
        tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, 0.0, 1, 1)


def test_content_in_a_checkpoint(tmp_path: Path) -> None:
    def tables() -> tuple[Any, Any]:
        return (
            tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1),
            tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, 0, -1, initial_num_buckets=8),
        )

    words, numbers = tables()
    words.insert(WORDS, [1, 2, 3])
    numbers.insert([10, 20], [1, 2])
    path = tf.train.Checkpoint(words=words, numbers=numbers).write(tmp_path / "ckpt")
    assert [(name, shape) for name, shape in tf.train.list_variables(path) if "words" in name] == [
        ("words/.ATTRIBUTES/table-keys", [3]),
        ("words/.ATTRIBUTES/table-values", [3]),
    ]
    again, other = tables()
    again.insert(["four"], [4])
    tf.train.Checkpoint(words=again, numbers=other).read(path).assert_consumed()
    assert listed(again.lookup(["one", "four"])) == [1, -1]
    assert listed(other.lookup([20, 30])) == [2, -1]


def test_a_loaded_table_is_saved_as_it_is_now(tmp_path: Path) -> None:
    root = tf.Module()
    root.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    spec = [tf.TensorSpec([None], tf.string)]
    root.add = tf.function(
        lambda words: root.table.insert(words, tf.zeros_like(words, tf.int64)), input_signature=spec
    )
    root.find = tf.function(root.table.lookup, input_signature=spec)
    tf.saved_model.save(root, tmp_path / "first")
    loaded = tf.saved_model.load(tmp_path / "first")
    loaded.add(["x"])
    tf.saved_model.save(loaded, tmp_path / "second")
    again = tf.saved_model.load(tmp_path / "second")
    assert listed(again.find(["x", "y"])) == [0, -1]
    checkpoint = tf.train.Checkpoint(model=loaded).write(tmp_path / "ckpt")
    fresh = tf.saved_model.load(tmp_path / "first")
    tf.train.Checkpoint(model=fresh).read(checkpoint).expect_partial()
    assert listed(fresh.find(["x", "y"])) == [0, -1]
