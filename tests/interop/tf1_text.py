"""TF1 models that read: tokens, characters, convolutions over embeddings, transformers; see `tf1_models`."""

from __future__ import annotations

from typing import Any

import numpy as np

from interop.tf1_models import Feeds, case, normal, strings, variable


@case(tolerance=1e-3)
def text_cnn(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Convolutions of several widths over word embeddings."""
    v1 = tf.compat.v1
    x = feed("input_x", np.array([[1, 2, 3, 4, 0], [5, 6, 7, 8, 9]], np.int32), shape=(None, 5))
    keep = feed("dropout_keep_prob", np.float32(1))
    embedded = tf.expand_dims(v1.nn.embedding_lookup(variable(tf, "W", 10, 4), x), -1)
    pooled = []
    for width in (2, 3):
        with v1.name_scope(f"conv-maxpool-{width}"):
            h = tf.nn.relu(
                v1.nn.conv2d(embedded, variable(tf, f"k{width}", width, 4, 1, 3), [1] * 4, "VALID")
            )
            pooled.append(v1.nn.max_pool(h, [1, 6 - width, 1, 1], [1] * 4, "VALID"))
    flat = v1.nn.dropout(tf.reshape(tf.concat(pooled, 3), [-1, 6]), keep_prob=keep)
    scores = v1.nn.xw_plus_b(flat, variable(tf, "Wo", 6, 2), variable(tf, "bo", 2))
    return {
        "scores": scores,
        "predictions": tf.argmax(scores, 1, name="predictions"),
        "loss": tf.nn.l2_loss(scores),
    }


@case(tolerance=1e-3)
def transformer(tf: Any, feed: Feeds) -> dict[str, Any]:
    """A layer of BERT as it was written in 2018."""
    v1 = tf.compat.v1
    ids = feed("input_ids", np.array([[2, 5, 6, 3, 0], [2, 7, 3, 0, 0]], np.int32))
    mask = feed("input_mask", np.array([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]], np.int32))
    kinds = feed("segment_ids", np.zeros((2, 5), np.int32))
    batch, length = tf.shape(ids)[0], tf.shape(ids)[1]
    h = tf.gather(variable(tf, "words", 9, 8), ids)
    flat_kinds = tf.one_hot(tf.reshape(kinds, [-1]), 2)
    h += tf.reshape(tf.matmul(flat_kinds, variable(tf, "kinds", 2, 8)), [batch, length, 8])
    h += tf.slice(variable(tf, "positions", 12, 8), [0, 0], [length, -1])[None]

    def norm(x: Any, name: str) -> Any:
        mean, var = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(
            x, mean, var, variable(tf, f"b{name}", 8), variable(tf, f"g{name}", 8), 1e-12
        )

    def heads(x: Any) -> Any:
        return tf.transpose(tf.reshape(x, [batch, length, 2, 4]), [0, 2, 1, 3])

    h = norm(h, "0")
    q, k, v = (heads(v1.layers.dense(h, 8, name=n)) for n in ("query", "key", "value"))
    scores = tf.matmul(q, k, transpose_b=True) / 2.0
    scores += (1.0 - tf.cast(mask[:, None, None, :], tf.float32)) * -10000.0
    context = tf.reshape(tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3]), [-1, length, 8])
    h = norm(h + v1.layers.dense(context, 8, name="output"), "1")
    cube = v1.layers.dense(h, 16, name="intermediate")
    gelu = cube * 0.5 * (1.0 + tf.math.erf(cube / np.sqrt(2.0).astype(np.float32)))
    tanh = 0.5 * cube * (1 + tf.tanh(np.float32(0.8) * (cube + 0.044715 * tf.pow(cube, 3))))
    h = norm(h + v1.layers.dense(gelu + tanh, 8, name="out"), "2")
    pooled = v1.layers.dense(tf.squeeze(h[:, 0:1, :], axis=1), 8, activation=tf.tanh, name="pooler")
    return {"sequence": h, "pooled": pooled, "log_probs": tf.nn.log_softmax(pooled)}


@case()
def string_features(tf: Any, feed: Feeds) -> dict[str, Any]:
    """The preprocessing of text in the graph."""
    v1 = tf.compat.v1
    text = feed("text", strings("  Hello, World! ", "good-bye  2 you", "", "naïve Café"))
    clean = v1.regex_replace(v1.strings.lower(text), r"[^a-z0-9 ]", "")
    split = v1.string_split(clean, " ", skip_empty=True)
    dense = v1.sparse_tensor_to_dense(split, default_value="<pad>")
    ragged = tf.strings.split(tf.strings.strip(clean))
    ids = tf.strings.to_hash_bucket_fast(ragged.flat_values, 11)
    embedded = tf.gather(variable(tf, "e", 11, 3), ids)
    pooled = tf.math.unsorted_segment_mean(embedded, ragged.value_rowids(), ragged.nrows())
    numbers = v1.string_to_number(tf.constant(["1.5", "-2e3"]))
    chars = tf.strings.unicode_split(text, "UTF-8").to_tensor("")
    return {
        "clean": clean, "dense": dense, "indices": split.indices, "pooled": pooled, "numbers": numbers, "chars": chars,
        "lengths": tf.strings.length(text, unit="UTF8_CHAR"), "sub": tf.strings.substr(text, 0, 3),
        "joined": v1.string_join([text, tf.constant("!")], separator="-"), "as": tf.strings.as_string(numbers, precision=2),
        "reduced": v1.reduce_join(dense, 1, separator=" "), "match": tf.strings.regex_full_match(clean, r".*[0-9].*"),
        "codes": tf.strings.unicode_decode(text, "UTF-8").to_sparse(), "raw": v1.decode_raw(tf.constant(["ab", "cd"]), tf.uint8),
        "ngrams": tf.strings.ngrams(ragged, 2).to_tensor(""), "upper": tf.strings.upper(text, encoding="utf-8"),
        "format": tf.strings.format("x: {}", [numbers]),
        "hex": tf.strings.as_string(tf.constant([255]), width=5, fill="0"), "v2": tf.strings.split(text, "o").to_tensor(""),
    }  # fmt: skip


@case()
def character_codes(tf: Any, feed: Feeds) -> dict[str, Any]:
    text = feed("text", strings("abc", "de"))
    codes = tf.strings.unicode_decode(text, "UTF-8")
    bytes_ = tf.strings.bytes_split(text)
    table = tf.compat.v1.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([97, 98, 100], [1, 2, 3], tf.int32, tf.int32), 0
    )
    ids = tf.ragged.map_flat_values(table.lookup, codes)
    return {
        "ids": ids.to_tensor(-1), "lengths": ids.row_lengths(), "bytes": bytes_.to_tensor(b"."),
        "again": tf.strings.unicode_encode(codes + 1, "UTF-16-BE"), "where": ids.value_rowids(),
        "sums": tf.reduce_sum(ids, 1), "concat": tf.concat([ids, ids[:, :1]], 1).to_tensor(),
        "both": tf.strings.unicode_transcode(text, "UTF-8", "UTF-32-BE"),
    }  # fmt: skip


@case(tolerance=1e-3)
def dssm(tf: Any, feed: Feeds) -> dict[str, Any]:
    """Two towers over bags of words, with attention over a history."""
    v1 = tf.compat.v1
    history = feed("history", np.array([[1, 2, 0], [3, 0, 0]], np.int64))
    item = feed("item", np.array([2, 4], np.int64))
    table = variable(tf, "items", 6, 4)
    bias = variable(tf, "bias", 6)
    keys, query = tf.gather(table, history), v1.nn.embedding_lookup(table, item)
    queries = tf.reshape(tf.tile(query, [1, tf.shape(keys)[1]]), tf.shape(keys))
    h = v1.layers.dense(tf.concat([queries, keys, queries - keys, queries * keys], -1), 4, tf.sigmoid)
    weights = tf.reshape(v1.layers.dense(h, 1), [-1, 1, tf.shape(keys)[1]])
    padding = tf.ones_like(weights) * (-(2.0**32) + 1)
    weights = tf.where(tf.expand_dims(tf.not_equal(history, 0), 1), weights, padding)
    weights = tf.nn.softmax(weights / 4**0.5)
    profile = tf.squeeze(tf.matmul(weights, keys), 1)
    x = tf.concat([profile, query, profile * query], 1)
    alpha = variable(tf, "alpha", 12)
    p = tf.sigmoid(v1.layers.batch_normalization(x, center=False, scale=False))
    dice = alpha * (1.0 - p) * x + p * x
    prelu = tf.nn.relu(x) + alpha * (x - tf.abs(x)) * 0.5
    logit = v1.layers.dense(dice + prelu, 1)[:, 0] + tf.gather(bias, item)
    return {
        "weights": weights,
        "logit": logit,
        "p": tf.nn.sigmoid(logit),
        "n": normal(1)[0] * tf.reduce_sum(bias),
    }
