"""Keras models of layers that prepare texts, categories, numbers and images; see `keras_models`."""

from __future__ import annotations

import numpy as np

from interop.keras_models import case, normal, strings


@case("export", "tf_keras")
def numbers(k):
    norm = k.layers.Normalization()
    norm.adapt(10 * normal(50, 3))
    buckets = k.layers.Discretization([-1.0, 0.0, 2.0])
    x = k.Input((3,))
    onehot = k.layers.CategoryEncoding(4, output_mode="multi_hot")(buckets(x))
    counts = k.layers.CategoryEncoding(4, output_mode="count")(buckets(x))
    return k.Model(
        x, [norm(x), buckets(x), onehot, counts, k.layers.Rescaling(1 / 127.5, -1)(x)]
    ), 3 * normal(6, 3)


@case("save")
def text_to_classes(k):
    """The preprocessing layers in front of a network, as one model."""
    vectorize = k.layers.TextVectorization(max_tokens=12, output_sequence_length=4)
    vectorize.adapt(strings("the quick brown fox", "jumps over the lazy dog", "The end."))
    color = k.layers.StringLookup(vocabulary=["red", "blue"], output_mode="one_hot")
    norm = k.layers.Normalization(mean=2.0, variance=4.0)
    text, paint = k.Input((1,), dtype="string", name="text"), k.Input((1,), dtype="string", name="paint")
    size = k.Input((2,), name="size")
    words = k.layers.GlobalAveragePooling1D()(k.layers.Embedding(12, 3)(vectorize(text)))
    inputs = {"text": text, "paint": paint, "size": size}
    both = k.layers.Concatenate()([words, color(paint), norm(size)])
    return k.Model(inputs, {"classes": k.layers.Dense(3, "softmax")(both)}), {
        "text": strings(["the fox, jumps!"], ["nothing known HERE"]),
        "paint": strings(["blue"], ["mauve"]),
        "size": normal(2, 2),
    }


@case("export", "tf_keras")
def encodings(k):
    x = k.Input((1,), dtype="int64")
    one_hot = k.layers.CategoryEncoding(6, output_mode="one_hot")(x)
    y = k.Input((1,), dtype="string")
    crossed = k.layers.HashedCrossing(num_bins=5)((k.layers.StringLookup(vocabulary=["a", "b"])(y), x))
    learned = k.layers.Discretization(num_bins=3)
    learned.adapt(normal(40, 1))
    z = k.Input((1,))
    return k.Model([x, y, z], [one_hot, crossed, learned(z)]), [
        np.array([[0], [5], [2]], np.int64),
        strings(["a"], ["b"], ["c"]),
        normal(3, 1),
    ]


@case("export", "tf_keras")
def lookups(k):
    words = k.layers.StringLookup(vocabulary=["a", "b", "c"], num_oov_indices=2)
    hot = k.layers.StringLookup(vocabulary=["a", "b", "c"], output_mode="multi_hot")
    back = k.layers.StringLookup(vocabulary=["a", "b", "c"], invert=True)
    x = k.Input((3,), dtype="string")
    return k.Model(x, [words(x), hot(x), back(words(x) - 1)]), strings(["a", "c", "zz"], ["b", "", "hello"])


@case("export", "tf_keras")
def integer_lookups(k):
    known = k.layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])
    count = k.layers.IntegerLookup(vocabulary=[12, 36], output_mode="count", num_oov_indices=1)
    x = k.Input((3,), dtype="int64")
    return k.Model(x, [known(x), count(x)]), np.array([[12, 1138, 42], [42, 1000, 36]], np.int64)


@case("export", "tf_keras")
def hashing(k):
    x = k.Input((2,), dtype="string")
    outputs = [
        k.layers.Hashing(7)(x),
        k.layers.Hashing(11, mask_value="")(x),
        k.layers.Hashing(5, salt=[133, 137])(x),
    ]
    return k.Model(x, outputs), strings(
        ["a", "\u00fcber"], ["", "a longer text that needs more than one block of the hash"]
    )


@case("export", "tf_keras")
def text_vectorization(k):
    vectorize = k.layers.TextVectorization(output_sequence_length=5)
    vectorize.adapt(strings("the quick brown fox", "jumps over the lazy dog", "The end."))
    model = k.Sequential([k.Input((1,), dtype="string"), vectorize, k.layers.Embedding(20, 3)])
    return model, strings(["the fox, jumps!"], ["nothing known HERE"], ["dog dog dog dog dog dog dog"])


@case("export", "tf_keras")
def text_counts(k):
    count = k.layers.TextVectorization(output_mode="tf_idf", ngrams=2)
    count.adapt(strings("the quick brown fox", "jumps over the lazy dog", "The end."))
    return k.Sequential([k.Input((1,), dtype="string"), count]), strings(["the fox the end"], ["lazy dog"])


@case("export", "tf_keras")
def images(k):
    x = k.Input((10, 12, 3))
    outputs = [
        k.layers.Resizing(7, 5)(x),
        k.layers.Resizing(20, 17, interpolation="nearest")(x),
        k.layers.CenterCrop(6, 8)(x),
        k.layers.RandomFlip()(k.layers.RandomRotation(0.2)(x, training=False), training=False),
        k.layers.RandomZoom(0.3)(k.layers.RandomContrast(0.3)(x, training=False), training=False),
    ]
    return k.Model(x, outputs), normal(2, 10, 12, 3)


@case("export")
def augmentation(k):
    """Keras 3 exports these layers as they are in training, with the state of their generators."""
    x = k.Input((8, 9, 3))
    outputs = [k.layers.RandomFlip(seed=3)(x), k.layers.RandomTranslation(0.2, 0.3, seed=4)(x)]
    return k.Model(x, outputs), normal(2, 8, 9, 3)


@case("export", "tf_keras")
def resize_kinds(k):
    x = k.Input((10, 12, 3))
    kinds = ("bicubic", "lanczos3", "lanczos5")
    return k.Model(x, [k.layers.Resizing(7, 15, interpolation=kind)(x) for kind in kinds]), normal(
        2, 10, 12, 3
    )
