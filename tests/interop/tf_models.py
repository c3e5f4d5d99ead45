"""Models written with TensorFlow's own API, the way people export them: control flow, parsing, tables, ragged tensors.

Each class builds itself without arguments; its functions are called as `calls` says. The TensorFlow process imports
this file; the tests import it for the names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A model.

    Attributes:
        build: from TensorFlow's module to the object to save.
        calls: by the name of a method, the arguments of one call or more; keywords where it is a dict.
        random: are the values of no interest?
    """

    build: Callable[[Any], Any]
    calls: dict[str, list[Any]]
    random: bool = False


CASES: dict[str, Case] = {}


def case(random: bool = False, **calls: list[Any]) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def add(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
        CASES[build.__name__] = Case(build, calls, random)
        return build

    return add


def f32(*values: Any) -> Any:
    return np.array(values, np.float32)


def texts(*values: Any) -> Any:
    return np.array(values, object)


def example(**features: Any) -> bytes:
    """A serialized tf.train.Example."""
    import tensorflow as tf

    made = {}
    for name, value in features.items():
        value = value if isinstance(value, list) else [value]
        if not value or isinstance(value[0], int):
            made[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=value))
        elif isinstance(value[0], float):
            made[name] = tf.train.Feature(float_list=tf.train.FloatList(value=value))
        else:
            made[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


# --- control flow


@case(collatz=[(np.int32(27),), (np.int32(1),)], newton=[(f32(2, 9, 100),)])
def loops(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
        def collatz(self, n):
            def body(n, steps):
                return tf.cond(n % 2 == 0, lambda: n // 2, lambda: 3 * n + 1), steps + 1

            return tf.while_loop(lambda n, _: n > 1, body, [n, 0])

        @tf.function(input_signature=[tf.TensorSpec([None])])
        def newton(self, x):
            y, steps = x, 0
            while tf.reduce_max(tf.abs(y * y - x)) > 1e-3:
                y, steps = (y + x / y) / 2, steps + 1
                if steps > 50:
                    break
            return y, steps

    return M()


@case(fold=[(f32([1, 2], [3, 4], [5, 6]),), (np.zeros((0, 2), np.float32),)], mapped=[(f32(1, 2, 3),)])
def folds(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2])])
        def fold(self, x):
            total = tf.foldl(lambda a, b: a * 0.5 + b, x, tf.zeros([2]))
            return total, tf.scan(lambda a, b: a + b, x, tf.ones([2]))

        @tf.function(input_signature=[tf.TensorSpec([None])])
        def mapped(self, x):
            pairs = tf.map_fn(
                lambda v: (v * v, tf.cast(v, tf.int32)), x, fn_output_signature=(tf.float32, tf.int32)
            )
            return pairs, tf.vectorized_map(lambda v: v + 1.0, x)

    return M()


@case(fill=[(np.int32(5),), (np.int32(0),)], unstack=[(f32([1, 2], [3, 4]),)], steps=[(f32(1, 2, 3, 4),)])
def tensor_arrays(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
        def fill(self, n):
            squares = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[2])
            for i in tf.range(n):
                squares = squares.write(i, tf.cast([i, i * i], tf.float32))
            return squares.stack(), squares.size()

        @tf.function(input_signature=[tf.TensorSpec([2, None])])
        def unstack(self, x):
            rows = tf.TensorArray(tf.float32, 2).unstack(x)
            return rows.read(1), rows.gather([1, 0, 1]), rows.concat()

        @tf.function(input_signature=[tf.TensorSpec([None])])
        def steps(self, x):
            out = tf.TensorArray(tf.float32, tf.shape(x)[0])
            state = tf.constant(0.0)
            for i in tf.range(tf.shape(x)[0]):
                state = 0.9 * state + x[i]
                out = out.write(i, state)
            return out.stack()

    return M()


@case(
    choose=[(np.int32(k), f32(1, 2)) for k in (0, 1, 2, 7)],
    nested=[(f32(3),), (f32(-3),)],
    check=[(f32(1, 2),)],
)
def branches(tf):
    class M(tf.Module):
        def __init__(self):
            self.count = tf.Variable(0, dtype=tf.int32)

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32), tf.TensorSpec([None])])
        def choose(self, k, x):
            return tf.switch_case(
                k, [lambda: x + 1.0, lambda: x * 2.0, lambda: tf.zeros_like(x)], default=lambda: -x
            )

        @tf.function(input_signature=[tf.TensorSpec([1])])
        def nested(self, x):
            if x[0] > 0:
                self.count.assign_add(1)
                y = tf.case(
                    [(x[0] > 10, lambda: "big"), (x[0] > 2, lambda: "medium")], default=lambda: "small"
                )
            else:
                y = tf.constant("negative")
            return y, self.count.read_value()

        @tf.function(input_signature=[tf.TensorSpec([None])])
        def check(self, x):
            tf.debugging.assert_positive(x, message="not positive")
            with tf.control_dependencies([tf.debugging.assert_rank(x, 1)]):
                return tf.debugging.check_numerics(tf.math.log(x), "log")

    return M()


@case(factorial=[(np.int64(10),)], custom=[(f32(1, 2),)], static=[(f32(1, 2), 3), (f32(1, 2), 2)])
def functions(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.int64)])
        def factorial(self, n):
            return tf.reduce_prod(tf.range(1, n + 1))

        @tf.function(input_signature=[tf.TensorSpec([None])])
        def custom(self, x):
            @tf.custom_gradient
            def clip(v):
                return tf.clip_by_value(v, 0.0, 1.5), lambda up: up

            return clip(x), tf.stop_gradient(x), tf.recompute_grad(tf.sin)(x)

        @tf.function
        def static(self, x, times):
            for _ in range(times):
                x = x * 2.0
            return {"x": x, "times": times}

    module = M()
    module.static(tf.constant([1.0, 2.0]), 3)
    module.static(tf.constant([1.0, 2.0]), 2)
    return module


# --- parsing


def examples() -> Any:
    """Two serialized examples, the second with most features missing."""
    import tensorflow as tf

    return tf.constant([example(a=1.5, b=[1, 2], c=b"x", d=[0.5, 2.5]), example(a=2.5, b=[], e=[7])]).numpy()


@case(serve=["examples"], ragged=["examples"], single=["example"])
def parsing(tf):
    spec = {
        "a": tf.io.FixedLenFeature([], tf.float32),
        "c": tf.io.FixedLenFeature([], tf.string, default_value="none"),
        "d": tf.io.FixedLenSequenceFeature([1], tf.float32, allow_missing=True),
        "b": tf.io.VarLenFeature(tf.int64),
    }

    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
        def serve(self, examples):
            found = tf.io.parse_example(examples, spec)
            b = tf.sparse.to_dense(found.pop("b"), default_value=-1)
            return {**found, "b": b}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def ragged(self, examples):
            found = tf.io.parse_example(examples, {"b": tf.io.RaggedFeature(tf.int64)})["b"]
            return found.to_tensor(), found.row_lengths(), tf.reduce_sum(found, 1)

        @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
        def single(self, one):
            found = tf.io.parse_single_example(one, spec)
            return found["a"], tf.sparse.to_dense(found["b"])

    return M()


@case(
    numbers=[(texts("1.5", "-2", "3e2"),)],
    csv=[(texts("1,a,2.5", "2,b,", "3,,4"),)],
    raw=[(texts(b"\1\0\2\0", b"\3\0\4\0"),)],
)
def decoding(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def numbers(self, x):
            return tf.strings.to_number(x), tf.strings.as_string(tf.strings.to_number(x), precision=2)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def csv(self, x):
            return tf.io.decode_csv(x, [[0], ["missing"], [1.5]])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def raw(self, x):
            return tf.io.decode_raw(x, tf.int16), tf.io.decode_base64(tf.io.encode_base64(x))

    return M()


# --- tables


@case(
    look=[(texts("b", "a", "zz"),)], back=[(np.array([0, 2, 9], np.int64),)], file=[(texts("two", "none"),)]
)
def tables(tf):
    import os
    import tempfile

    path = os.path.join(tempfile.mkdtemp(), "vocabulary.txt")
    with open(path, "w") as out:
        out.write("one\ntwo\nthree\n")

    class M(tf.Module):
        def __init__(self):
            keys = tf.constant(["a", "b", "c"])
            values = tf.range(3, dtype=tf.int64)
            lookup = tf.lookup
            self.ids = lookup.StaticVocabularyTable(lookup.KeyValueTensorInitializer(keys, values), 2)
            self.words = lookup.StaticHashTable(lookup.KeyValueTensorInitializer(values, keys), "?")
            where, line = lookup.TextFileIndex.WHOLE_LINE, lookup.TextFileIndex.LINE_NUMBER
            init = lookup.TextFileInitializer(path, tf.string, where, tf.int64, line)
            self.lines = lookup.StaticHashTable(init, -1)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def look(self, x):
            return self.ids.lookup(x), self.ids.size()

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
        def back(self, x):
            return self.words.lookup(x)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def file(self, x):
            return self.lines.lookup(x), self.lines.size()

    return M()


@case(look=[(texts("a", "x"),)], put=[(texts("x", "y"), f32([1, 2], [3, 4]))], everything=[()])
def mutable_tables(tf):
    class M(tf.Module):
        def __init__(self):
            self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, [-1.0, -1.0])
            self.table.insert(tf.constant(["a", "b"]), tf.constant([[1.0, 2.0], [3.0, 4.0]]))
            self.dense = tf.lookup.experimental.DenseHashTable(
                tf.int64, tf.int64, -1, empty_key=-1, deleted_key=-2
            )
            self.dense.insert(tf.constant([5, 6], tf.int64), tf.constant([50, 60], tf.int64))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def look(self, x):
            return self.table.lookup(x), self.dense.lookup(tf.constant([6, 7], tf.int64))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None, 2])])
        def put(self, keys, values):
            self.table.insert(keys, values)
            return self.table.size(), self.table.lookup(keys)

        @tf.function(input_signature=[])
        def everything(self):
            keys, values = self.table.export()
            order = tf.argsort(tf.strings.to_hash_bucket_fast(keys, 1 << 40))
            return tf.gather(keys, order), tf.gather(values, order)

    return M()


# --- strings, ragged and sparse tensors


@case(
    words=[(texts("the quick brown fox", "", "jumps  over"),)],
    clean=[(texts("  A-b, C!", "\u00c4hnlich", "x1y22"),)],
)
def string_ops(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def words(self, x):
            parts = tf.strings.split(x)
            lengths = tf.strings.length(parts.values)
            ngrams = tf.strings.ngrams(parts, 2)
            return (
                parts.to_tensor("-"),
                parts.row_splits,
                lengths,
                ngrams.to_tensor(),
                tf.strings.reduce_join(x, separator="|"),
            )

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def clean(self, x):
            low = tf.strings.lower(tf.strings.strip(x), encoding="utf-8")
            return {
                "replaced": tf.strings.regex_replace(low, r"[^a-z]+", "_"),
                "match": tf.strings.regex_full_match(x, r"\w*\d+"),
                "part": tf.strings.substr(x, 1, 3),
                "chars": tf.strings.unicode_decode(x, "UTF-8").to_tensor(),
                "joined": tf.strings.join([x, low], "/"),
                "bucket": tf.strings.to_hash_bucket_fast(x, 1000),
                "strong": tf.strings.to_hash_bucket_strong(x, 1000, [3, 4]),
                "bytes": tf.strings.bytes_split(x).row_lengths(),
                "formatted": tf.strings.format("{} of {}", [tf.shape(x)[0], 7]),
                "upper": tf.strings.upper(x),
                "length": tf.strings.length(x, "UTF8_CHAR"),
            }

    return M()


@case(reduce=[(np.array([0, 2, 2, 5], np.int64), f32(1, 2, 3, 4, 5))], shape=[(f32([1, 2, 0], [3, 0, 0]),)])
def ragged(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64), tf.TensorSpec([None])])
        def reduce(self, splits, values):
            r = tf.RaggedTensor.from_row_splits(values, splits)
            doubled = tf.concat([r, r * 2.0], axis=1)
            return {
                "sum": tf.reduce_sum(r, 1),
                "mean": tf.reduce_mean(doubled, 1),
                "max": tf.reduce_max(doubled, 1),
                "dense": doubled.to_tensor(-1.0, shape=[None, 4]),
                "gathered": tf.gather(r, [2, 0]).to_tensor(),
                "lengths": r.row_lengths(),
                "stacked": tf.stack([r, r], 1).to_tensor(),
                "mapped": tf.ragged.map_flat_values(tf.math.square, r).values,
                "sliced": r[:, :1].to_tensor(),
                "range": tf.ragged.range([3, 0, 2]).to_tensor(),
                "mask": tf.sequence_mask(r.row_lengths(), 4),
            }

        @tf.function(input_signature=[tf.TensorSpec([None, None])])
        def shape(self, x):
            r = tf.RaggedTensor.from_tensor(x, padding=0.0)
            return r, r.bounding_shape(), r.nrows(), r.to_sparse()

    return M()


@case(ops=[(f32([0, 2, 0], [3, 0, 4]),)], lookup=[(f32([1, 2], [3, 4], [5, 6]),)])
def sparse(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3])])
        def ops(self, x):
            s = tf.sparse.from_dense(x)
            return {
                "dense": tf.sparse.to_dense(tf.sparse.reorder(s)),
                "sum": tf.sparse.reduce_sum(s, 1),
                "product": tf.sparse.sparse_dense_matmul(s, tf.ones([3, 2])),
                "sparse": tf.sparse.transpose(s),
                "filled": tf.sparse.fill_empty_rows(s, 0.0)[0],
                "joined": tf.sparse.to_dense(tf.sparse.concat(1, [s, s])),
                "reshaped": tf.sparse.to_dense(tf.sparse.reshape(s, [-1])),
                "softmax": tf.sparse.to_dense(tf.sparse.softmax(s)),
            }

        @tf.function(input_signature=[tf.TensorSpec([3, 2])])
        def lookup(self, table):
            ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([2, 0, 1], tf.int64), [3, 2])
            return tf.nn.embedding_lookup_sparse(
                table, ids, None, "mean"
            ), tf.nn.safe_embedding_lookup_sparse(table, ids)

    return M()


# --- numbers


@case(
    numbers=[(f32([1, 2], [3, 4]),)],
    signal=[(f32(*np.sin(np.arange(64))),)],
    pieces=[(np.arange(24, dtype=np.float32).reshape(4, 6),)],
)
def numeric(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([2, 2])])
        def numbers(self, x):
            return {
                "einsum": tf.einsum("ij,kj->ik", x, x),
                "inverse": tf.linalg.inv(x),
                "solve": tf.linalg.solve(x, x + 1.0),
                "cholesky": tf.linalg.cholesky(x @ tf.transpose(x) + tf.eye(2)),
                "norm": tf.norm(x),
                "segments": tf.math.segment_sum(x, [0, 0]),
                "unsorted": tf.math.unsorted_segment_mean(x, [1, 0], 3),
                "unique": tf.unique([3, 1, 3, 2])[0],
                "top": tf.math.top_k(x, 1).values,
                "cumsum": tf.cumsum(x, 1, exclusive=True, reverse=True),
                "where": tf.where(x > 2.0),
                "onehot": tf.one_hot([1, -1, 0], 3),
                "searched": tf.searchsorted([1.0, 2.0, 3.0], [2.0, 0.0], side="right"),
                "moments": tf.nn.moments(x, [0]),
                "lse": tf.reduce_logsumexp(x, 1, keepdims=True),
                "roll": tf.roll(x, 1, 0),
                "complex": tf.math.real(tf.complex(x, x) * tf.complex(x, -x)),
                "bitcast": tf.bitcast(x, tf.int32),
                "quantized": tf.quantization.fake_quant_with_min_max_args(x, 0, 3),
            }

        @tf.function(input_signature=[tf.TensorSpec([64])])
        def signal(self, x):
            spectrum = tf.abs(tf.signal.stft(x, 16, 8))
            mel = tf.signal.linear_to_mel_weight_matrix(4, 9, 16.0, 1.0, 8.0)
            return (
                spectrum,
                tf.math.log(spectrum @ mel + 1e-6),
                tf.signal.dct(x, norm="ortho"),
                tf.signal.frame(x, 20, 10, True),
            )

        @tf.function(input_signature=[tf.TensorSpec([None, 6])])
        def pieces(self, x):
            first, *rest = tf.split(x, [1, 2, 3], 1)
            scattered = tf.tensor_scatter_nd_update(x, [[0, 1], [2, 3]], [-1.0, -2.0])
            return (
                first,
                rest,
                scattered[1:, ::2],
                x[..., tf.newaxis, -1],
                tf.pad(x, [[1, 0], [0, 2]], "REFLECT"),
            )

    return M()


@case(random=True, draw=[(np.int32(4),)], stateless=[(np.array([1, 2], np.int32),)])
def drawing(tf):
    class M(tf.Module):
        def __init__(self):
            self.generator = tf.random.Generator.from_seed(3)

        @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
        def draw(self, n):
            return (
                tf.random.normal([n, 2]),
                tf.random.uniform([n], 0, 9, tf.int32),
                self.generator.normal([n]),
            )

        @tf.function(input_signature=[tf.TensorSpec([2], tf.int32)])
        def stateless(self, seed):
            return tf.random.stateless_uniform([3], seed), tf.random.stateless_normal([2, 2], seed)

    return M()


@case(
    images=[(np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3),)],
    boxes=[(f32([0, 0, 1, 1], [0, 0, 0.9, 1], [0.5, 0.5, 1, 1]), f32(0.9, 0.8, 0.7))],
)
def vision(tf):
    class M(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
        def images(self, x):
            y = tf.image.convert_image_dtype(x, tf.float32)
            z = tf.image.resize(y, [5, 11], antialias=False)
            return {
                "resized": z,
                "nearest": tf.image.resize(y, [3, 3], "nearest"),
                "standard": tf.image.per_image_standardization(z),
                "gray": tf.image.rgb_to_grayscale(y),
                "hsv": tf.image.rgb_to_hsv(y),
                "flipped": tf.image.flip_left_right(y),
                "padded": tf.image.resize_with_pad(y, 6, 9),
                "crop": tf.image.central_crop(y, 0.5),
                "contrast": tf.image.adjust_contrast(y, 1.5),
                "patches": tf.image.extract_patches(y, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"),
                "decoded": tf.io.decode_png(tf.io.encode_png(x[0])),
            }

        @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None])])
        def boxes(self, boxes, scores):
            image = tf.reshape(tf.range(64.0), [1, 8, 8, 1])
            kept = tf.image.non_max_suppression(boxes, scores, 3, 0.5)
            combined = tf.image.combined_non_max_suppression(
                boxes[None, :, None], scores[None, :, None], 2, 3
            )
            return kept, tf.image.crop_and_resize(image, boxes, [0, 0, 0], [3, 3]), combined

    return M()


# --- objects


@case(step=[(f32(1, 2),), (f32(3, 4),)], reset=[()])
def stateful(tf):
    class M(tf.Module):
        def __init__(self):
            self.total = tf.Variable([0.0, 0.0], name="total")
            self.history = tf.Variable(tf.zeros([0, 2]), shape=[None, 2], trainable=False)
            self.parts = {"scale": tf.Variable(2.0), "more": [tf.Variable([1, 2, 3]), (tf.Variable("text"),)]}

        @tf.function(input_signature=[tf.TensorSpec([2])])
        def step(self, x):
            self.total.assign_add(x * self.parts["scale"])
            self.history.assign(tf.concat([self.history, x[None]], 0))
            self.parts["more"][0].scatter_nd_add([[0]], [10])
            return self.total.read_value(), self.history.read_value(), self.parts["more"][0].read_value()

        @tf.function(input_signature=[])
        def reset(self):
            self.total.assign(tf.zeros([2]))
            return self.total.read_value(), self.parts["more"][1][0].read_value()

    return M()
