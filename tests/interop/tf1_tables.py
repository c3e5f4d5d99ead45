"""TF1 models the way estimators exported them: parsed examples, feature columns, vocabularies; see `tf1_models`."""

from __future__ import annotations

from typing import Any

import numpy as np

from interop.tf1_models import Feeds, case, f32, strings, variable
from interop.tf_models import example


def examples() -> Any:
    return strings(
        example(age=[41], income=[3.5], job=[b"clerk"], tags=[b"a", b"b"]),
        example(age=[23], income=[0.5], job=[b"nurse"], tags=[b"q"]),
        example(age=[60], income=[9.0], job=[b"astronaut"], tags=[b"c", b"a", b"z"]),
    )


@case()
def linear_and_deep(tf: Any, feed: Feeds) -> dict[str, Any]:
    """A wide and deep classifier over serialized examples, with classes and probabilities as canned estimators give."""
    v1, column = tf.compat.v1, tf.feature_column
    age = column.numeric_column("age", dtype=tf.int64)
    income = column.numeric_column("income", normalizer_fn=lambda x: (x - 2.0) / 3.0)
    job = column.categorical_column_with_vocabulary_list(
        "job", ["clerk", "nurse", "pilot"], num_oov_buckets=1
    )
    tags = column.categorical_column_with_hash_bucket("tags", 20)
    buckets = column.bucketized_column(age, [18, 25, 40, 65])
    crossed = column.crossed_column([buckets, "job"], 30)
    wide = [buckets, crossed, tags, job]
    deep = [
        income,
        column.indicator_column(job),
        column.embedding_column(tags, 4, combiner="sqrtn"),
        column.embedding_column(crossed, 3),
        buckets,
    ]
    serialized = feed("inputs", examples())
    spec = column.make_parse_example_spec([*wide, *deep])
    features = v1.parse_example(serialized, spec)
    h = v1.feature_column.input_layer(features, deep)
    h = v1.layers.dense(h, 8, activation=tf.nn.relu)
    logits = v1.layers.dense(h, 2) + v1.feature_column.linear_model(features, wide, units=2)
    probabilities = tf.nn.softmax(logits)
    ids = tf.argmax(logits, 1)
    batch = tf.shape(logits)[0]
    return {
        "logits": logits,
        "probabilities": probabilities,
        "class_ids": tf.expand_dims(ids, -1),
        "classes": tf.strings.as_string(tf.expand_dims(ids, -1)),
        "all_classes": tf.tile(tf.constant([["no", "yes"]]), [batch, 1]),
        "logistic": tf.sigmoid(logits[:, 1:]),
    }


@case()
def raw_features(tf: Any, feed: Feeds) -> dict[str, Any]:
    """The raw serving input: a placeholder a feature."""
    v1, column = tf.compat.v1, tf.feature_column
    features = {
        "age": tf.expand_dims(feed("age", f32(20, 50, 70)), -1),
        "city": tf.expand_dims(feed("city", strings("Rome", "Oslo", "?")), -1),
        "town": tf.expand_dims(feed("town", strings("a", "b", "c")), -1),
        "n": tf.expand_dims(feed("n", np.array([0, 3, 9], np.int64)), -1),
    }
    city = column.categorical_column_with_vocabulary_list("city", ["Oslo", "Rome"], default_value=0)
    n = column.categorical_column_with_identity("n", 5, default_value=4)
    columns = [
        column.bucketized_column(column.numeric_column("age"), [30, 60]),
        column.indicator_column(city),
        column.embedding_column(n, 2, combiner="mean"),
        column.indicator_column(column.crossed_column(["city", n], 7)),
        column.indicator_column(column.crossed_column(["city", "town"], 7)),
    ]
    return {"layer": v1.feature_column.input_layer(features, columns)}


@case()
def sequence_columns(tf: Any, feed: Feeds) -> dict[str, Any]:
    column = tf.feature_column
    serialized = feed("examples", examples())
    tags = column.sequence_categorical_column_with_hash_bucket("tags", 10)
    parsed = tf.compat.v1.parse_example(serialized, {"tags": tf.io.VarLenFeature(tf.string)})
    embedded = column.embedding_column(tags, 3)
    dense, lengths = tf.keras.experimental.SequenceFeatures([embedded])(parsed)
    return {"dense": dense, "lengths": lengths}


@case()
def vocabulary_files(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Tables from asset files, both ways, with words out of the vocabulary in buckets."""
    v1 = tf.compat.v1
    path = feed.folder / "vocabulary.txt"
    path.write_text("the\ncat\nsat\n")
    v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, asset := tf.constant(str(path), name="vocabulary"))
    words = feed("words", strings("the cat", "dog", "sat on the"))
    split = v1.string_split(words)
    init = tf.lookup.TextFileInitializer(
        asset, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    table = v1.lookup.StaticVocabularyTable(init, 2)
    back = v1.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            asset,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
        ),
        "UNK",
    )
    ids = table.lookup(split)
    embedded = v1.nn.embedding_lookup_sparse(variable(tf, "e", 5, 3), ids, None, combiner="mean")
    return {"ids": v1.sparse_tensor_to_dense(ids, -1), "back": back.lookup(ids.values), "embedded": embedded}


@case()
def label_tables(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Top classes with their labels, from tables of constants; a mutable table as well."""
    v1 = tf.compat.v1
    scores = feed("scores", f32([0.1, 0.7, 0.2], [0.5, 0.2, 0.3]))
    values, indices = tf.nn.top_k(scores, 2)
    labels = v1.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(np.arange(3, dtype=np.int64), np.array(["cat", "dog", "fox"])),
        "?",
    )
    counts = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    insert = counts.insert(tf.constant(["cat", "dog"]), tf.constant([4, 5], tf.int64))
    found = labels.lookup(tf.cast(indices, tf.int64))
    with tf.control_dependencies([insert]):
        return {"labels": found, "scores": values, "counts": counts.lookup(found), "size": labels.size()}


@case()
def sparse_input(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Placeholders for the three parts of a sparse tensor; a sparse output."""
    v1 = tf.compat.v1
    sparse = tf.SparseTensor(
        feed("indices", np.array([[0, 1], [2, 0], [2, 2]], np.int64), shape=(None, 2)),
        feed("values", f32(1, 2, 3)),
        feed("dense_shape", np.array([3, 4], np.int64), shape=(2,)),
    )
    w = variable(tf, "w", 4, 2)
    return {
        "product": v1.sparse_tensor_dense_matmul(sparse, w),
        "sums": v1.sparse_reduce_sum(sparse, 1),
        "sparse": v1.sparse_reorder(v1.sparse_transpose(sparse)),
        "softmax": v1.sparse_softmax(sparse).values,
        "filled": tf.sparse.fill_empty_rows(sparse, -1.0)[0].values,
    }


@case()
def parse_variants(tf: Any, feed: Feeds) -> dict[str, Any]:
    v1 = tf.compat.v1
    serialized = feed("examples", examples())
    dense = v1.parse_example(
        serialized,
        {
            "age": tf.io.FixedLenFeature([1], tf.int64),
            "income": tf.io.FixedLenFeature([], tf.float32, default_value=0.0),
            "none": tf.io.FixedLenFeature([2], tf.float32, default_value=[1.0, 2.0]),
            "job": tf.io.FixedLenFeature([], tf.string),
            "tags": tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True, default_value="-"),
        },
    )
    one = v1.parse_single_example(
        serialized[0],
        {"age": tf.io.FixedLenFeature([], tf.int64), "tags": tf.io.VarLenFeature(tf.string)},
    )
    sparse = v1.parse_example(
        serialized,
        {
            "weird": tf.io.SparseFeature("age", "income", tf.float32, 100),
            "job": tf.io.VarLenFeature(tf.string),
        },
    )
    return {
        **dense, "one_age": one["age"], "one_tags": one["tags"].values,
        "weird": tf.sparse.to_dense(sparse["weird"]), "jobs": sparse["job"],
    }  # fmt: skip


@case()
def csv_serving(tf: Any, feed: Feeds) -> dict[str, Any]:
    rows = feed("rows", strings("1,2.5,x", "3,,y", ',4.5,"a,b"'))
    a, b, c = tf.compat.v1.decode_csv(rows, [[7], [0.5], ["none"]])
    return {"a": a, "b": b, "c": c, "mean": tf.reduce_mean(b)}


@case()
def transform_graph(tf: Any, feed: Feeds) -> dict[str, Any]:
    """What tf.Transform makes: scaling by constants, buckets by boundaries, a vocabulary."""
    v1 = tf.compat.v1
    x = feed("x", f32(1, 5, 9), shape=(None,))
    text = feed("text", strings("b", "zz", "a"))
    mean, var = tf.constant(4.0), tf.constant(2.25)
    edges = tf.constant([[2.0, 6.0, 8.0]])
    table = v1.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([0, 1], tf.int64)), -1
    )
    ids = table.lookup(text)
    hashed = tf.strings.to_hash_bucket_fast(text, 3) + table.size()
    scaled = tf.where(tf.equal(var, 0.0), tf.zeros_like(x), (x - mean) / tf.sqrt(var))
    return {
        "scaled": scaled,
        "bucket": tf.raw_ops.Bucketize(input=x, boundaries=[2.0, 6.0, 8.0]),
        "ids": tf.where(tf.less(ids, 0), hashed, ids),
        "interpolated": tf.searchsorted(edges[0], x, side="right"),
    }
