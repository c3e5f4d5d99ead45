"""Keras models, written once for Keras 3 and tf-keras, and how they are saved there.

Each function here takes the module `k`, either of the two, and returns a model with the inputs to call it with. The
TensorFlow process imports this file; the tests import it for the names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A model and the ways in which it is saved.

    Attributes:
        build: from `k` to the model and its inputs.
        writers: "export" (Keras 3's `model.export`), "save" (`tf.saved_model.save` of a Keras 3 model), "tf_keras"
            (`model.save` of tf-keras).
    """

    build: Callable[[Any], tuple[Any, Any]]
    writers: tuple[str, ...]


CASES: dict[str, Case] = {}


def case(*writers: str) -> Callable[[Callable[[Any], tuple[Any, Any]]], Callable[[Any], tuple[Any, Any]]]:
    def add(build: Callable[[Any], tuple[Any, Any]]) -> Callable[[Any], tuple[Any, Any]]:
        CASES[build.__name__] = Case(build, writers)
        return build

    return add


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def tokens(*shape: int, below: int, dtype: str = "int32") -> Any:
    return np.random.default_rng(1).integers(0, below, shape).astype(dtype)


def strings(*rows: list[str] | str) -> Any:
    import tensorflow as tf

    return tf.constant(list(rows)).numpy()


# --- plain networks


@case("export", "save", "tf_keras")
def mlp(k):
    layers = [k.Input((4,)), k.layers.Dense(8, "relu", name="first"), k.layers.Dense(3, "softmax")]
    model = k.Sequential(layers)
    model.compile("adam", "mse")
    x = normal(16, 4)
    model.fit(x, normal(16, 3), verbose=0)  # the optimizer gets its state
    return model, x[:5]


@case("tf_keras")
def slots(k):
    """An optimizer that keeps slot variables."""
    model = k.Sequential([k.Input((4,)), k.layers.Dense(6, "relu"), k.layers.Dense(3)])
    model.compile(k.optimizers.legacy.Adam(0.01), "mse", metrics=["mae"])
    x = normal(16, 4)
    model.fit(x, normal(16, 3), verbose=0)
    return model, x[:5]


@case("export", "save", "tf_keras")
def cnn(k):
    model = k.Sequential(
        [
            k.Input((12, 12, 3)),
            k.layers.Conv2D(8, 3, padding="same", activation="relu"),
            k.layers.BatchNormalization(),
            k.layers.MaxPooling2D(),
            k.layers.Conv2D(4, 3, strides=2),
            k.layers.Dropout(0.5),
            k.layers.Flatten(),
            k.layers.Dense(5),
        ]
    )
    return model, normal(2, 12, 12, 3)


@case("export", "tf_keras")
def separable(k):
    model = k.Sequential(
        [
            k.Input((9, 10, 4)),
            k.layers.ZeroPadding2D(((1, 0), (2, 1))),
            k.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
            k.layers.SeparableConv2D(6, 3, strides=2, padding="same", activation="relu"),
            k.layers.Conv2D(4, 3, dilation_rate=2, padding="same"),
            k.layers.AveragePooling2D(2, padding="same"),
            k.layers.Cropping2D(1),
            k.layers.GlobalAveragePooling2D(),
        ]
    )
    return model, normal(2, 9, 10, 4)


@case("export", "tf_keras")
def conv1d(k):
    model = k.Sequential(
        [
            k.Input((20, 3)),
            k.layers.Conv1D(6, 3, padding="causal", dilation_rate=2),
            k.layers.ReLU(max_value=2.0),
            k.layers.MaxPooling1D(2, padding="same"),
            k.layers.Conv1D(4, 3, groups=2),
            k.layers.AveragePooling1D(2),
            k.layers.GlobalMaxPooling1D(),
        ]
    )
    return model, normal(3, 20, 3)


@case("export", "tf_keras")
def conv3d(k):
    model = k.Sequential(
        [
            k.Input((6, 7, 8, 2)),
            k.layers.Conv3D(3, 3, strides=(1, 2, 1), padding="same"),
            k.layers.MaxPooling3D(2),
            k.layers.GlobalAveragePooling3D(),
        ]
    )
    return model, normal(2, 6, 7, 8, 2)


@case("export", "tf_keras")
def upward(k):
    x = k.Input((5, 4, 3))
    y = k.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    y = k.layers.UpSampling2D(2)(y)
    y = k.layers.UpSampling2D((1, 2), interpolation="bilinear")(y)
    y = k.layers.Conv2DTranspose(2, 2, strides=2)(y)
    return k.Model(x, y), normal(2, 5, 4, 3)


@case("export", "tf_keras")
def residual(k):
    x = k.Input((8,))
    y = k.layers.Dense(8, "relu")(x)
    both = k.layers.Concatenate()([k.layers.Add()([x, y]), k.layers.Multiply()([x, y])])
    both = k.layers.Concatenate()([both, k.layers.Maximum()([x, y]), k.layers.Subtract()([x, y])])
    dot = k.layers.Dot(1, normalize=True)([x, y])
    return k.Model(x, [k.layers.Dense(2)(both), k.layers.Average()([x, y]), dot]), normal(3, 8)


@case("export", "tf_keras")
def normalizations(k):
    x = k.Input((4, 6, 8))
    y = k.layers.LayerNormalization()(x)
    y = k.layers.GroupNormalization(4)(y)
    y = k.layers.BatchNormalization(axis=1, scale=False)(y)
    y = k.layers.UnitNormalization()(y)
    return k.Model(x, y), normal(2, 4, 6, 8)


@case("export", "tf_keras")
def activations(k):
    names = [
        "gelu",
        "swish",
        "elu",
        "selu",
        "softplus",
        "hard_sigmoid",
        "softsign",
        "tanh",
        "sigmoid",
        "relu",
        "mish",
    ]
    names += ["exponential", "softmax", "linear", "relu6", "silu", "log_softmax", "hard_swish"]
    x = k.Input((6,))
    out = {name: k.layers.Activation(name)(x) for name in names if hasattr(k.activations, name)}
    out["leaky"] = k.layers.LeakyReLU()(x)
    out["prelu"] = k.layers.PReLU()(x)
    out["elu2"] = k.layers.ELU(0.5)(x)
    out["relu6"] = k.layers.ReLU(6.0, 0.1, 0.5)(x)

    class Approximate(k.layers.Layer):
        def call(self, x):
            return k.activations.gelu(x, approximate=True)

    out["approximate"] = Approximate()(x)
    return k.Model(x, out), 4 * normal(5, 6)


@case("export", "tf_keras")
def shapes(k):
    x = k.Input((4, 6))
    y = k.layers.Permute((2, 1))(x)
    y = k.layers.Reshape((3, -1))(y)
    z = k.layers.RepeatVector(2)(k.layers.Flatten()(y))
    t = k.layers.TimeDistributed(k.layers.Dense(3, "relu"))(x)
    noise = k.layers.GaussianNoise(0.5)(k.layers.SpatialDropout1D(0.5)(t))
    return k.Model(x, [y, z, noise]), normal(2, 4, 6)


# --- recurrent networks and attention


@case("export", "save", "tf_keras")
def lstm(k):
    model = k.Sequential([k.Input((7, 3)), k.layers.LSTM(5), k.layers.Dense(2)])
    return model, normal(3, 7, 3)


@case("export", "tf_keras")
def gru(k):
    x = k.Input((None, 3))
    y = k.layers.GRU(5, return_sequences=True)(x)
    y, state = k.layers.GRU(4, return_state=True, reset_after=False, go_backwards=True)(y)
    return k.Model(x, [y, state]), normal(3, 6, 3)


@case("export", "tf_keras")
def bidirectional(k):
    model = k.Sequential(
        [
            k.Input((6, 3)),
            k.layers.Bidirectional(k.layers.GRU(4), merge_mode="sum"),
        ]
    )
    return model, normal(2, 6, 3)


@case("export", "tf_keras")
def bidirectional_states(k):
    """Whole sequences and states of both directions, where a mask ends some of them early."""
    x = k.Input((6,), dtype="int32")
    y = k.layers.Embedding(9, 3, mask_zero=True)(x)
    y = k.layers.Bidirectional(k.layers.LSTM(4, return_sequences=True))(y)
    both = k.layers.Bidirectional(k.layers.GRU(3, return_state=True), merge_mode="mul")(y)
    return k.Model(x, [y, *both]), np.array([[3, 5, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]], "int32")


@case("export", "tf_keras")
def masked(k):
    x = k.Input((8,), dtype="int32")
    y = k.layers.Embedding(12, 6, mask_zero=True)(x)
    y = k.layers.LSTM(5)(y)
    return k.Model(x, y), np.array(
        [[3, 5, 0, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8], [9, 0, 3, 0, 1, 0, 0, 0]], "int32"
    )


@case("export", "tf_keras")
def stacked_cells(k):
    x = k.Input((5, 3))
    cells = [k.layers.LSTMCell(4), k.layers.GRUCell(3), k.layers.SimpleRNNCell(2)]
    y = k.layers.RNN(cells, return_sequences=True)(x)
    return k.Model(x, k.layers.SimpleRNN(3, unroll=True)(y)), normal(2, 5, 3)


@case("export", "tf_keras")
def conv_lstm(k):
    model = k.Sequential([k.Input((4, 6, 5, 2)), k.layers.ConvLSTM2D(3, 3, padding="same")])
    return model, normal(2, 4, 6, 5, 2)


@case("export", "tf_keras")
def attention(k):
    x, memory = k.Input((5, 8), name="x"), k.Input((7, 8), name="memory")
    y = k.layers.MultiHeadAttention(2, 4)(x, memory)
    y = k.layers.LayerNormalization()(k.layers.Add()([x, y]))
    y = k.layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)
    z = k.layers.Attention(use_scale=True)([y, memory])
    a = k.layers.AdditiveAttention()([y, memory])
    return k.Model([x, memory], [y, z, a]), [normal(2, 5, 8), normal(2, 7, 8, seed=1)]


@case("export", "tf_keras")
def transformer(k):
    x = k.Input((6,), dtype="int64")
    y = k.layers.Embedding(20, 8)(x)
    z = k.layers.MultiHeadAttention(2, 4)(y, y)
    y = k.layers.LayerNormalization(epsilon=1e-6)(k.layers.Add()([y, z]))
    z = k.layers.Dense(8)(k.layers.Dense(16, "gelu")(y))
    y = k.layers.LayerNormalization(epsilon=1e-6)(k.layers.Add()([y, z]))
    return k.Model(x, k.layers.Dense(3, "softmax")(k.layers.GlobalAveragePooling1D()(y))), tokens(
        2, 6, below=20, dtype="int64"
    )


@case("export")
def grouped_attention(k):
    x = k.Input((5, 8))
    y = k.layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)(x, x)
    return k.Model(x, y), normal(2, 5, 8)


# --- structures of inputs and outputs


@case("export", "save", "tf_keras")
def two_inputs(k):
    left, right = k.Input((3,), name="left"), k.Input((2,), name="right")
    both = k.layers.Concatenate()([k.layers.Dense(4)(left), right])
    model = k.Model([left, right], [k.layers.Dense(1, name="one")(both), k.layers.Dense(2, name="two")(both)])
    return model, [normal(4, 3), normal(4, 2, seed=1)]


@case("export", "save", "tf_keras")
def dict_inputs(k):
    inputs = {"age": k.Input((1,), name="age"), "pay": k.Input((2,), name="pay")}
    both = k.layers.Concatenate()([inputs["age"], inputs["pay"]])
    model = k.Model(inputs, {"score": k.layers.Dense(1)(both), "classes": k.layers.Dense(3, "softmax")(both)})
    return model, {"age": normal(4, 1), "pay": normal(4, 2, seed=1)}


@case("tf_keras")
def nested(k):
    inputs = {"a": k.Input((2,), name="a"), "pair": [k.Input((2,), name="b"), k.Input((2,), name="c")]}
    a, (b, c) = inputs["a"], inputs["pair"]
    outputs = {
        "sum": k.layers.Add()([a, b, c]),
        "more": [k.layers.Dense(2)(a), {"deep": k.layers.Dense(3)(c)}],
    }
    return k.Model(inputs, outputs), {"a": normal(3, 2), "pair": [normal(3, 2, seed=1), normal(3, 2, seed=2)]}


@case("export", "tf_keras")
def model_in_model(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3, "relu", name="inner_dense")], name="inner")
    x = k.Input((4,))
    shared = k.layers.Dense(4, "tanh", name="shared")
    return k.Model(x, [inner(x), inner(shared(shared(x)))]), normal(3, 4)


@case("export", "tf_keras")
def subclassed(k):
    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [k.layers.Dense(4, "relu"), k.layers.Dense(4)]
            self.heads = {"a": k.layers.Dense(1), "b": k.layers.Dense(2)}

        def call(self, x, training=False):
            for block in self.blocks:
                x = x + block(x)
            return {name: head(x) for name, head in self.heads.items()}

    model = Net()
    x = normal(3, 4)
    model(x)
    return model, x


# --- low precision


@case("export", "tf_keras")
def half(k):
    policy = (
        k.mixed_precision.Policy("mixed_float16") if hasattr(k.mixed_precision, "Policy") else "mixed_float16"
    )
    return _mixed(k, policy)


@case("export", "tf_keras")
def bfloat16(k):
    policy = (
        k.mixed_precision.Policy("mixed_bfloat16")
        if hasattr(k.mixed_precision, "Policy")
        else "mixed_bfloat16"
    )
    return _mixed(k, policy)


def _mixed(k, policy):
    x = k.Input((6, 6, 2))
    y = k.layers.Conv2D(4, 3, dtype=policy, activation="relu")(x)
    y = k.layers.BatchNormalization(dtype=policy)(y)
    y = k.layers.GlobalAveragePooling2D(dtype=policy)(y)
    return k.Model(
        x, [k.layers.Dense(3, dtype=policy)(y), k.layers.Dense(2, "softmax", dtype="float32")(y)]
    ), normal(2, 6, 6, 2)


import_module("interop.keras_preprocessing")


# --- in the TensorFlow process


def record_all(writers: list[str], directory: str) -> dict[tuple[str, str], Any]:
    """`record` for every model that one of the writers saves, below `directory`; the text of the error where it fails."""
    found: dict[tuple[str, str], Any] = {}
    for name, one in CASES.items():
        for writer in one.writers:
            if writer in writers:
                try:
                    found[name, writer] = record(name, writer, f"{directory}/{name}-{writer}")
                except Exception as error:
                    found[name, writer] = f"{type(error).__name__}: {error}"
    return found


def record(name: str, writer: str, directory: str) -> dict[str, Any]:
    """Build and save a model; what TensorFlow, having loaded it, computes and holds.

    Returns:
        "inputs": what it is called with; "signatures": by name the arguments and the results; "called": the result of
        each attribute that can be called, "" being the object itself; "variables" and "trainable_variables": names and
        values; "weights": layer number, attribute and value; "optimizer": names and values of what it keeps; "slots":
        name of a variable, name of a slot and its value.
    """
    import tensorflow as tf

    model, inputs = build(name, writer)
    save(model, writer, directory)
    loaded = tf.saved_model.load(directory)
    found: dict[str, Any] = {
        "inputs": inputs,
        "signatures": {},
        "called": {},
        "weights": [],
        "optimizer": [],
        "slots": [],
    }
    for which in ("variables", "trainable_variables"):
        if hasattr(loaded, which):
            held = [v for v in getattr(loaded, which) if hasattr(v, "numpy")]
            found[which] = [(v.name, v.numpy()) for v in held]
    for key, function in loaded.signatures.items():
        given = by_name(function.structured_input_signature[1], inputs)
        results = function(**{n: tf.constant(v) for n, v in given.items()})
        found["signatures"][key] = given, plain(results)
    if "serve" in found["signatures"] and any(
        np.any(v.numpy() != w) for v, (_, w) in zip(loaded.variables, found["variables"], strict=True)
    ):
        loaded = tf.saved_model.load(directory)  # generators have moved on
    tensors = tf.nest.map_structure(tf.constant, inputs)
    if writer == "export":
        found["called"]["serve"] = plain(loaded.serve(tensors))
    elif writer == "tf_keras":
        found["called"][""] = plain(loaded(tensors))
    if writer == "tf_keras":
        record_keras(model, found)
    return found


def record_keras(model: Any, found: dict[str, Any]) -> None:
    for number, layer in enumerate(model.layers):
        for attribute in ("kernel", "bias", "gamma", "moving_mean", "embeddings"):
            if hasattr(getattr(layer, attribute, None), "numpy"):
                found["weights"].append((number, attribute, getattr(layer, attribute).numpy()))
    optimizer = getattr(model, "optimizer", None)
    if hasattr(optimizer, "get_slot_names"):
        for variable in model.trainable_variables:
            for slot in optimizer.get_slot_names():
                found["slots"].append((variable.name, slot, optimizer.get_slot(variable, slot).numpy()))
    elif optimizer is not None:
        found["optimizer"] = [(v.name, v.numpy()) for v in optimizer.variables]


def build(name: str, writer: str) -> tuple[Any, Any]:
    """The model with weights that are not what layers begin with, and its inputs."""
    import keras

    if writer == "tf_keras":
        import tf_keras as keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model, inputs = CASES[name].build(keras)
    for number, weight in enumerate(model.weights):
        if hasattr(weight, "numpy"):  # a vocabulary counts as a weight, too
            value = np.asarray(weight.numpy())
            if value.dtype.kind == "f" and value.size > 1 and (value.ndim == 1 or not np.any(value)):
                weight.assign(value + 0.2 * np.abs(normal(*value.shape, seed=number)))
    return model, inputs


def save(model: Any, writer: str, directory: str) -> None:
    """Save it as `writer` does."""
    import tensorflow as tf

    if writer == "export":
        model.export(directory, verbose=False)
    elif writer == "save":
        tf.saved_model.save(model, directory)
    else:
        model.save(directory)


def plain(value: Any) -> Any:
    """A result as arrays in lists and dicts."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value.numpy() if hasattr(value, "numpy") else value


def by_name(wanted: dict[str, Any], inputs: Any) -> dict[str, Any]:
    """The inputs under the names that a signature has for them."""
    import tensorflow as tf

    if isinstance(inputs, dict) and set(inputs) == set(wanted):
        return inputs
    flat = tf.nest.flatten(inputs)
    return dict(zip(sorted(wanted, key=lambda n: (len(n), n)), flat, strict=True))
