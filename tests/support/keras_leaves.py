"""Losses, activations, initializers, regularizers, constraints and metrics to try, under calque and under tf-keras.

Each function gives arrays by name: values, gradients, and configs as JSON.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from . import keras_backend, keras_metrics

# A loss, and the labels and predictions it is for.
LOSSES = (
    ("MeanSquaredError()", "numbers"),
    ("MeanAbsoluteError()", "numbers"),
    ("MeanAbsolutePercentageError()", "numbers"),
    ("MeanSquaredLogarithmicError()", "positive"),
    ("BinaryCrossentropy()", "binary"),
    ("BinaryCrossentropy(label_smoothing=0.2)", "binary"),
    ("BinaryCrossentropy(from_logits=True)", "binary logits"),
    ("BinaryCrossentropy(from_logits=True, label_smoothing=0.1, axis=0)", "binary logits"),
    ("BinaryFocalCrossentropy()", "binary"),
    ("BinaryFocalCrossentropy(True, alpha=0.3, gamma=1.5)", "binary"),
    ("BinaryFocalCrossentropy(from_logits=True, label_smoothing=0.1)", "binary logits"),
    ("CategoricalCrossentropy()", "classes"),
    ("CategoricalCrossentropy(label_smoothing=0.3)", "classes"),
    ("CategoricalCrossentropy(from_logits=True)", "class logits"),
    ("CategoricalCrossentropy(from_logits=True, axis=0, label_smoothing=0.1)", "class logits"),
    ("CategoricalFocalCrossentropy()", "classes"),
    ("CategoricalFocalCrossentropy(alpha=0.5, gamma=3.0, from_logits=True)", "class logits"),
    ("SparseCategoricalCrossentropy()", "sparse"),
    ("SparseCategoricalCrossentropy(from_logits=True)", "sparse logits"),
    ("SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)", "sparse logits"),
    ("SparseCategoricalCrossentropy(ignore_class=-1)", "sparse images"),
    ("SparseCategoricalCrossentropy()", "sparse images"),
    ("CategoricalHinge()", "classes"),
    ("CosineSimilarity()", "numbers"),
    ("CosineSimilarity(axis=0)", "numbers"),
    ("Hinge()", "signs"),
    ("Hinge()", "binary logits"),
    ("SquaredHinge()", "signs"),
    ("SquaredHinge()", "binary logits"),
    ("Poisson()", "positive"),
    ("LogCosh()", "numbers"),
    ("KLDivergence()", "classes"),
    ("Huber()", "numbers"),
    ("Huber(delta=0.3)", "numbers"),
    ("MeanSquaredError()", "column"),
    ("MeanSquaredError()", "wide"),
)
FUNCTIONS = (
    "mean_squared_error",
    "mae",
    "MAPE",
    "msle",
    "kld",
    "logcosh",
    "huber",
    "hinge",
    "squared_hinge",
    "categorical_hinge",
    "poisson",
    "cosine_similarity",
    "binary_crossentropy",
    "categorical_crossentropy",
)
ACTIVATIONS = (
    "elu(x)",
    "elu(x, alpha=0.5)",
    "exponential(x)",
    "gelu(x)",
    "gelu(x, approximate=True)",
    "hard_sigmoid(x)",
    "linear(x)",
    "mish(x)",
    "relu(x)",
    "relu(x, alpha=0.1)",
    "relu(x, max_value=6.0)",
    "relu(x, max_value=1.0)",
    "relu(x, alpha=0.2, max_value=2.0)",
    "relu(x, threshold=0.5)",
    "relu(x, alpha=0.2, max_value=2.0, threshold=1.0)",
    "selu(x)",
    "sigmoid(x)",
    "softmax(x)",
    "softmax(x, axis=0)",
    "softmax(x, axis=[0, 1])",
    "softplus(x)",
    "softsign(x)",
    "swish(x)",
    "tanh(x)",
    "get('leaky_relu')(x)",
    "get('relu6')(x)",
    "get('log_softmax')(x)",
    "get('silu')(x)",
)
INITIALIZERS = (
    ("Zeros()", (2, 3)),
    ("Ones()", (2, 3)),
    ("Constant(2.5)", (2, 3)),
    ("Constant([1.0, 2.0])", (2,)),
    ("RandomUniform(seed=1)", (3, 4)),
    ("RandomUniform(-1.0, 2.0, seed=2)", (5,)),
    ("RandomNormal(1.0, 2.0, seed=3)", (3, 4)),
    ("TruncatedNormal(seed=4)", (3, 4)),
    ("VarianceScaling(seed=5)", (3, 4)),
    ("VarianceScaling(2.0, 'fan_out', 'untruncated_normal', seed=6)", (3, 3, 4, 5)),
    ("VarianceScaling(0.5, 'fan_avg', 'uniform', seed=7)", (3, 4)),
    ("GlorotUniform(seed=8)", (3, 4)),
    ("GlorotNormal(seed=9)", (2, 3, 4)),
    ("LecunNormal(seed=10)", (4,)),
    ("LecunUniform(seed=11)", (3, 4)),
    ("HeNormal(seed=12)", (3, 4)),
    ("HeUniform(seed=13)", (3, 4)),
    ("Identity(2.0)", (2, 3)),
    ("Orthogonal(seed=14)", (5, 3)),
    ("Orthogonal(2.0, seed=15)", (2, 2, 5)),
)
REGULARIZERS = (
    "L1()",
    "L1(0.1)",
    "L2(0.1)",
    "L1L2(0.1, 0.2)",
    "l1_l2()",
    "OrthogonalRegularizer(0.1)",
    "OrthogonalRegularizer(0.1, mode='columns')",
    "get('l1_l2')",
    "get('l2')",
)
CONSTRAINTS = (
    ("MaxNorm(1.0)", (4, 3)),
    ("MaxNorm(2, axis=1)", (4, 3)),
    ("NonNeg()", (4, 3)),
    ("UnitNorm()", (4, 3)),
    ("UnitNorm(axis=[0, 1])", (4, 3, 2)),
    ("MinMaxNorm(0.5, 1.0, rate=0.3, axis=1)", (4, 3)),
    ("RadialConstraint()", (4, 4, 2, 3)),
    ("RadialConstraint()", (5, 5, 1, 2)),
    ("RadialConstraint()", (3, 3, 2, 1)),
    ("get('max_norm')", (4, 3)),
)


def data(kind: str) -> tuple[Any, Any, Any]:
    """Labels, predictions and sample weights."""
    random = np.random.default_rng(7)
    weights = np.array([0.5, 2.0, 0.0, 1.0], np.float32)

    def floats(*shape: int) -> Any:
        return random.normal(size=shape).astype(np.float32)

    def shares(*shape: int) -> Any:
        raw = random.uniform(0.05, 1.0, size=shape)
        return (raw / raw.sum(-1, keepdims=True)).astype(np.float32)

    one_hot = np.eye(3, dtype=np.float32)[[0, 2, 1, 2]]
    bits = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 1]], np.float32)
    return {
        "numbers": lambda: (floats(4, 3), floats(4, 3), weights),
        "positive": lambda: (np.exp(floats(4, 3)), np.exp(floats(4, 3)), weights),
        "binary": lambda: (bits, random.uniform(0.01, 0.99, (4, 3)).astype(np.float32), weights),
        "binary logits": lambda: (bits, 3 * floats(4, 3), weights),
        "classes": lambda: (one_hot, shares(4, 3), weights),
        "class logits": lambda: (one_hot, 3 * floats(4, 3), weights[:, np.newaxis][:, 0]),
        "sparse": lambda: (np.array([0, 2, 1, 2]), shares(4, 3), weights),
        "sparse logits": lambda: (np.array([[0], [2], [1], [2]], np.int32), 3 * floats(4, 3), weights),
        "sparse images": lambda: (
            random.integers(0, 3, (4, 2, 2)),
            shares(4, 2, 2, 3),
            weights[:, None, None],
        ),
        "signs": lambda: (np.where(floats(4, 3) > 0, 1.0, -1.0).astype(np.float32), floats(4, 3), weights),
        "column": lambda: (floats(4), floats(4, 1), weights[:, np.newaxis]),
        "wide": lambda: (floats(4, 3, 2), floats(4, 3, 2), np.abs(floats(4, 3))),
    }[kind]()


def _make(text: str, module: Any, **names: Any) -> Any:
    return eval(text, {name: getattr(module, name) for name in dir(module)} | names)


def _config(written: Any) -> Any:
    return np.array(json.dumps(written, default=float, sort_keys=True))


def losses(keras: Any, tf: Any) -> dict[str, Any]:
    """Of each loss: the value, without reduction, weighted, the gradient, and the config."""
    found: dict[str, Any] = {}
    for i, (text, kind) in enumerate(LOSSES):
        labels, predictions, weights = data(kind)
        loss = _make(text, keras.losses)
        at = tf.constant(predictions)
        with tf.GradientTape() as tape:
            tape.watch(at)
            value = loss(labels, at)
        found[f"{i} value"] = value
        found[f"{i} gradient"] = tape.gradient(value, at)
        found[f"{i} weighted"] = loss(labels, at, sample_weight=weights if "axis=0" not in text else 0.5)
        for reduction in ("none", "sum"):
            config = loss.get_config() | {"reduction": reduction}
            found[f"{i} {reduction}"] = type(loss).from_config(config)(labels, at)
        found[f"{i} config"] = _config(keras.losses.serialize(loss))
    for name in FUNCTIONS:
        labels, predictions, _ = data("classes" if "cross" in name or "kld" in name else "positive")
        found[f"function {name}"] = getattr(keras.losses, name)(labels, predictions)
    return _arrays(found)


def masked_losses(keras: Any, tf: Any) -> dict[str, Any]:
    """Losses of predictions with a mask, and of what a softmax and a sigmoid just gave."""
    labels, predictions, weights = data("wide")
    at = tf.constant(predictions)
    at._keras_mask = tf.constant(np.arange(12).reshape(4, 3) % 5 > 0)
    found = {
        "mask": keras.losses.MeanSquaredError()(labels, at),
        "mask, weights": keras.losses.MeanSquaredError()(labels, at, sample_weight=weights),
        "mask, sum": keras.losses.MeanSquaredError(reduction="sum")(labels, at),
    }
    labels, logits, _ = data("class logits")
    large = tf.constant(20 * logits)
    for name, activation in (("categorical", "softmax"), ("binary", "sigmoid")):
        loss = getattr(keras.losses, f"{name}_crossentropy")
        found[name] = loss(labels, keras.activations.get(activation)(large))
    found["sparse"] = keras.losses.sparse_categorical_crossentropy(
        labels.argmax(-1), keras.activations.softmax(large)
    )
    return _arrays(found)


def ragged_losses(keras: Any, tf: Any) -> dict[str, Any]:
    """Losses of ragged labels and predictions, with and without weights."""
    labels = tf.ragged.constant([[1.0, 2.0, 0.5], [0.5], [1.0, 1.5]])
    near = tf.ragged.constant([[0.9, 1.0, 0.7], [0.1], [0.6, 0.8]])
    random = np.random.default_rng(2)
    shares = random.uniform(0.1, 1.0, (6, 3)).astype(np.float32)
    shares /= shares.sum(-1, keepdims=True)
    splits = [0, 3, 4, 6]
    classes = tf.RaggedTensor.from_row_splits(np.eye(3, dtype=np.float32)[[0, 1, 2, 2, 1, 0]], splits)
    numbers = tf.RaggedTensor.from_row_splits(np.array([0, 1, 2, 2, 1, 0]), splits)
    predicted = tf.RaggedTensor.from_row_splits(shares, splits)
    found: dict[str, Any] = {}
    for name in ("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError"):
        loss = getattr(keras.losses, name)()
        found[name] = loss(labels, near)
        found[f"{name} weighted"] = loss(labels, near, sample_weight=np.array([1.0, 0.5, 2.0], np.float32))
        found[f"{name} function"] = loss.fn(labels, near)
    found["binary"] = keras.losses.BinaryCrossentropy(label_smoothing=0.1)(near / 2.0, near)
    for name, given in (("CategoricalCrossentropy", classes), ("SparseCategoricalCrossentropy", numbers)):
        loss = getattr(keras.losses, name)()
        found[name] = loss(given, predicted)
        found[f"{name} function"] = loss.fn(given, predicted).flat_values
        found[f"{name} sum"] = getattr(keras.losses, name)(reduction="sum")(given, predicted)
    found["dense labels"] = keras.losses.mse(labels.to_tensor(), near)
    return _arrays(found)


def activations(keras: Any, tf: Any) -> dict[str, Any]:
    """Of each activation: the value and the gradient."""
    found: dict[str, Any] = {}
    points = np.linspace(-7.0, 7.0, 40, dtype=np.float32).reshape(8, 5)
    for i, text in enumerate(ACTIVATIONS):
        x = tf.constant(points)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = _make(text, keras.activations, x=x)
            value = tf.reduce_sum(y * np.cos(points))
        found[f"{i} value"], found[f"{i} gradient"] = y, tape.gradient(value, x)
    return _arrays(found)


def initializers(keras: Any, tf: Any) -> dict[str, Any]:
    """Of each initializer: the values and the config; and values of those without a seed."""
    found: dict[str, Any] = {}
    for i, (text, shape) in enumerate(INITIALIZERS):
        initializer = _make(text, keras.initializers)
        found[f"{i} value"] = initializer(shape)
        found[f"{i} config"] = _config(keras.initializers.serialize(initializer))
    keras.utils.set_random_seed(11)
    found["unseeded"] = keras.initializers.get("glorot_uniform")((3, 4))
    found["unseeded again"] = keras.initializers.get("he_normal")((3, 4))
    found["part"] = keras.initializers.RandomNormal(seed=3)(
        (4, 4), partition_shape=(2, 4), partition_offset=(2, 0)
    )
    found["integers"] = keras.initializers.RandomUniform(0, 10, seed=3)((5,), dtype="int32")
    return _arrays(found)


def regularizers(keras: Any, tf: Any) -> dict[str, Any]:
    """Of each regularizer: the value, the gradient and the config."""
    found: dict[str, Any] = {}
    for i, text in enumerate(REGULARIZERS):
        regularizer = _make(text, keras.regularizers)
        x = tf.constant(data("numbers")[0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = regularizer(x)
        found[f"{i} value"], found[f"{i} gradient"] = value, tape.gradient(value, x)
        found[f"{i} config"] = _config(keras.regularizers.serialize(regularizer))
    return _arrays(found)


def constraints(keras: Any, tf: Any) -> dict[str, Any]:
    """Of each constraint: what a weight becomes, and the config."""
    found: dict[str, Any] = {}
    for i, (text, shape) in enumerate(CONSTRAINTS):
        constraint = _make(text, keras.constraints)
        weight = np.random.default_rng(3).normal(size=shape).astype(np.float32)
        found[f"{i} value"] = constraint(tf.constant(weight))
        found[f"{i} config"] = _config(keras.constraints.serialize(constraint))
    return _arrays(found)


KINDS = {
    "losses": losses,
    "masked_losses": masked_losses,
    "ragged_losses": ragged_losses,
    "activations": activations,
    "initializers": initializers,
    "regularizers": regularizers,
    "constraints": constraints,
    "backend": keras_backend.run,
    "metrics": keras_metrics.run,
}


def _arrays(found: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value) for name, value in found.items()}


def compare(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Are they the same, but for rounding?"""
    assert mine.keys() == theirs.keys()
    for name, wanted in theirs.items():
        if wanted.dtype.kind == "U":
            assert str(mine[name]) == str(wanted), name
        else:
            assert mine[name].dtype == wanted.dtype, name
            np.testing.assert_allclose(mine[name], wanted, rtol=2e-5, atol=2e-6, err_msg=name)
