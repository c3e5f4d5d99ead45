"""Six models as people build them, made with whichever Keras they are given: tf-keras there, calque's here.

Imported on both sides, so it knows nothing but numpy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ARCHITECTURES", "data", "make"]

ROWS = 24


def _numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _classes(count: int) -> Any:
    return np.random.default_rng(9).integers(0, count, ROWS).astype(np.int32)


def mlp(tf: Any, keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Dense(16, activation="relu", input_shape=(8,), kernel_regularizer="l2"),
            layers.Dense(8, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ],
        name="mlp",
    )


def cnn(tf: Any, keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Conv2D(4, 3, padding="same", use_bias=False, input_shape=(8, 8, 2)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ],
        name="cnn",
    )


def text(tf: Any, keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Embedding(20, 6, mask_zero=True, input_length=7),
            layers.Bidirectional(layers.LSTM(5)),
            layers.Dense(3, activation="softmax"),
        ],
        name="text",
    )


def two_inputs(tf: Any, keras: Any) -> Any:
    layers = keras.layers
    left, right = keras.Input((8,), name="left"), keras.Input((4,), name="right")
    shared = layers.Dense(5, activation="relu", name="shared")
    joined = layers.Concatenate()([shared(left), layers.Dense(5)(right), shared(left * 2.0)])
    total = tf.reduce_sum(joined, axis=1, keepdims=True)
    out = layers.Dense(3, activation="softmax", name="label")(joined)
    return keras.Model([left, right], [out, total], name="two_inputs")


def nested(tf: Any, keras: Any) -> Any:
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self, width: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.width = width
            self.inner = layers.Dense(width)

        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(name="gain", shape=(self.width,), initializer="ones")
            super().build(shape)

        def call(self, x: Any, training: bool = False) -> Any:
            y = self.inner(x) * self.gain
            if training:
                y = y * 1.5
            return y

        def get_config(self) -> Any:
            return {**super().get_config(), "width": self.width}

    class Nested(keras.Model):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.blocks = [Block(6), Block(5)]
            self.head = keras.Sequential(
                [layers.Dense(4, activation="relu"), layers.Dense(3, activation="softmax")]
            )

        def call(self, x: Any, training: bool = False) -> Any:
            for block in self.blocks:
                x = tf.nn.relu(block(x, training=training))
            return self.head(x)

    return Nested(name="nested")


def attention(tf: Any, keras: Any) -> Any:
    layers = keras.layers
    x = keras.Input((6, 8), name="x")
    attended = layers.MultiHeadAttention(2, 4, name="heads")(x, x)
    normal = layers.LayerNormalization()(layers.Add()([x, attended]))
    pooled = layers.GlobalAveragePooling1D()(layers.Dense(8, activation="gelu")(normal))
    return keras.Model(x, layers.Dense(3, activation="softmax")(pooled), name="attention")


ARCHITECTURES = {
    "mlp": mlp,
    "cnn": cnn,
    "text": text,
    "two_inputs": two_inputs,
    "nested": nested,
    "attention": attention,
}


def data(name: str) -> tuple[Any, Any]:
    """The inputs and targets to train on."""
    x: Any = {
        "mlp": lambda: _numbers(ROWS, 8),
        "cnn": lambda: _numbers(ROWS, 8, 8, 2),
        "text": lambda: np.random.default_rng(1).integers(0, 20, (ROWS, 7)).astype(np.int32),
        "two_inputs": lambda: [_numbers(ROWS, 8), _numbers(ROWS, 4, seed=1)],
        "nested": lambda: _numbers(ROWS, 8),
        "attention": lambda: _numbers(ROWS, 6, 8),
    }[name]()
    y: Any = _classes(3)
    return x, [y, _numbers(ROWS, 1, seed=3)] if name == "two_inputs" else y


def make(name: str, tf: Any, keras: Any, optimizer: str) -> Any:
    """The model, compiled."""
    model = ARCHITECTURES[name](tf, keras)
    several = name == "two_inputs"
    model.compile(
        optimizer=optimizer,
        loss=["sparse_categorical_crossentropy", "mse"] if several else "sparse_categorical_crossentropy",
        loss_weights=[1.0, 0.1] if several else None,
        metrics=None if several else ["accuracy"],
    )
    return model


def train(model: Any, name: str, epochs: int = 1) -> list[float]:
    """Train on all data in order; the losses of the epochs."""
    x, y = data(name)
    return [
        float(v)
        for v in model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0).history["loss"]
    ]


def predicted(model: Any, name: str) -> list[Any]:
    """What the model predicts for the inputs, as a list of arrays."""
    got = model.predict(data(name)[0], verbose=0)
    return [np.asarray(v) for v in got] if isinstance(got, (list, tuple)) else [np.asarray(got)]
