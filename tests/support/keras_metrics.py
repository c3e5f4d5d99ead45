"""Metrics to try, under calque and under tf-keras: several batches, weights, resets, configs, weights' names."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

# A metric, the labels and predictions it is for, and the shapes of the sample weights it is given.
ROWS = (
    ("Sum()", "values", ("rows", "all", "scalar", "column")),
    ("Mean()", "values", ("rows", "all", "scalar", "column")),
    ("Mean(name='own', dtype='float64')", "values", ("rows",)),
    ("MeanTensor()", "values", ("all", "column", "scalar")),
    ("MeanTensor(shape=(4, 3), dtype='float64')", "values", ("all",)),
    ("MeanMetricWrapper(keras.metrics.mean_squared_error, name='mine')", "numbers", ("rows", "scalar")),
    ("MeanMetricWrapper(keras.metrics.binary_accuracy, threshold=0.3)", "binary", ("rows",)),
    ("Accuracy()", "numbers", ("all", "rows", "scalar")),
    ("Accuracy()", "sparse labels", ("column", "rows")),
    ("BinaryAccuracy()", "binary", ("rows", "all", "scalar")),
    ("BinaryAccuracy(threshold=0.2, name='b')", "binary column", ("rows", "column")),
    ("CategoricalAccuracy()", "classes", ("rows", "scalar")),
    ("CategoricalAccuracy()", "pixels", ("pictures", "scalar")),
    ("SparseCategoricalAccuracy()", "sparse", ("rows", "column")),
    ("SparseCategoricalAccuracy()", "sparse column", ("rows", "column")),
    ("SparseCategoricalAccuracy()", "sparse pixels", ("pictures",)),
    ("TopKCategoricalAccuracy()", "classes", ("rows",)),
    ("TopKCategoricalAccuracy(k=2)", "classes", ("rows", "scalar")),
    ("TopKCategoricalAccuracy(k=2)", "pixels", ("pictures",)),
    ("SparseTopKCategoricalAccuracy(k=3)", "sparse", ("rows",)),
    ("SparseTopKCategoricalAccuracy(k=2)", "sparse column", ("rows", "column")),
    ("SparseTopKCategoricalAccuracy(2)", "sparse pixels", ("pictures",)),
    ("MeanSquaredError()", "numbers", ("rows", "scalar", "column")),
    ("MeanSquaredError()", "column", ("rows", "column")),
    ("MeanSquaredError()", "column and row", ()),
    ("MeanSquaredError(dtype='float64')", "numbers", ("rows",)),
    ("MeanAbsoluteError()", "numbers", ("rows",)),
    ("MeanAbsolutePercentageError()", "numbers", ("rows",)),
    ("MeanSquaredLogarithmicError()", "positive", ("rows",)),
    ("RootMeanSquaredError()", "numbers", ("rows", "all", "scalar")),
    ("RootMeanSquaredError()", "column and row", ("rows",)),
    ("MeanRelativeError(normalizer=[1.0, 2.0, 0.0])", "numbers", ("rows", "all")),
    ("MeanRelativeError(normalizer=[1.0, 2.0, 3.0, 4.0])", "column and row", ("rows",)),
    ("CosineSimilarity()", "numbers", ("rows", "scalar")),
    ("CosineSimilarity(axis=0)", "numbers", ("scalar",)),
    ("LogCoshError()", "numbers", ("rows",)),
    ("KLDivergence()", "classes", ("rows",)),
    ("Poisson()", "positive", ("rows",)),
    ("Hinge()", "signs", ("rows",)),
    ("Hinge()", "binary logits", ("rows",)),
    ("SquaredHinge()", "signs", ("rows",)),
    ("CategoricalHinge()", "classes", ("rows",)),
    ("BinaryCrossentropy()", "binary", ("rows",)),
    ("BinaryCrossentropy(from_logits=True, label_smoothing=0.2)", "binary logits", ("rows",)),
    ("CategoricalCrossentropy()", "classes", ("rows",)),
    ("CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)", "classes", ("rows",)),
    ("SparseCategoricalCrossentropy()", "sparse", ("rows",)),
    ("SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)", "sparse", ("rows",)),
    ("SparseCategoricalCrossentropy()", "sparse pixels", ("pictures",)),
    ("TruePositives()", "binary", ("rows", "all", "scalar")),
    ("TrueNegatives(thresholds=0.3)", "binary", ("rows",)),
    ("FalsePositives(thresholds=[0.1, 0.5, 0.9])", "binary", ("rows", "all")),
    ("FalseNegatives(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])", "binary", ("rows",)),
    ("TruePositives(thresholds=[0.9, 0.1], name='t')", "binary column", ()),
    ("Precision()", "binary", ("rows", "all", "scalar")),
    ("Precision(thresholds=[0.2, 0.8])", "binary", ("rows",)),
    ("Precision(top_k=2)", "classes", ("rows",)),
    ("Precision(top_k=2, class_id=1, thresholds=0.1)", "classes", ("rows",)),
    ("Precision(class_id=2)", "classes", ("rows",)),
    ("Recall()", "binary", ("rows", "all", "scalar")),
    ("Recall(thresholds=[0.0, 0.5, 1.0])", "binary", ("rows",)),
    ("Recall(top_k=3)", "classes", ("rows",)),
    ("Recall(class_id=0)", "classes", ("rows",)),
    ("Recall()", "pixels", ("pictures",)),
    ("SensitivityAtSpecificity(0.4)", "binary", ("rows",)),
    ("SensitivityAtSpecificity(0.5, num_thresholds=1)", "binary", ("rows",)),
    ("SpecificityAtSensitivity(0.4, num_thresholds=50, name='s')", "binary", ("rows",)),
    ("PrecisionAtRecall(0.6)", "binary", ("rows",)),
    ("PrecisionAtRecall(0.6, class_id=1)", "classes", ("rows",)),
    ("RecallAtPrecision(0.4)", "binary", ("rows",)),
    ("RecallAtPrecision(1.0)", "binary", ("rows",)),
    ("AUC()", "binary", ("rows", "all", "scalar")),
    ("AUC(num_thresholds=3)", "binary", ("rows",)),
    ("AUC(curve='PR')", "binary", ("rows",)),
    ("AUC(curve='PR', summation_method='minoring')", "binary", ("rows",)),
    ("AUC(curve='PR', summation_method='majoring')", "binary", ("rows",)),
    ("AUC(curve='PRGAIN')", "binary", ("rows",)),
    ("AUC(curve='pr_gain', summation_method='majoring')", "binary", ("rows",)),
    ("AUC(summation_method='minoring')", "binary", ("rows",)),
    ("AUC(summation_method='majoring')", "binary", ("rows",)),
    ("AUC(thresholds=[0.3, 0.1, 0.9])", "binary", ("rows",)),
    ("AUC(thresholds=[0.25, 0.5, 0.75])", "binary", ("rows",)),
    ("AUC(multi_label=True)", "binary", ("rows", "scalar")),
    ("AUC(multi_label=True, num_labels=3, curve='PR')", "binary", ("rows", "all")),
    ("AUC(multi_label=True, label_weights=[0.5, 2.0, 1.0])", "binary", ("rows",)),
    ("AUC(multi_label=True, thresholds=[0.2, 0.3])", "binary", ("rows",)),
    ("AUC(label_weights=[0.5, 2.0, 1.0])", "binary", ("rows",)),
    ("AUC(from_logits=True)", "binary logits", ("rows",)),
    ("IoU(num_classes=4, target_class_ids=[0, 2])", "sparse labels", ("rows",)),
    ("IoU(4, [1], ignore_class=0)", "sparse labels", ("rows",)),
    ("IoU(3, [0, 1], sparse_y_true=False, sparse_y_pred=False, axis=1)", "planes", ()),
    ("BinaryIoU()", "binary", ("all",)),
    ("BinaryIoU(target_class_ids=[1], threshold=0.3)", "binary", ("all",)),
    ("MeanIoU(num_classes=4)", "sparse labels", ("rows",)),
    ("MeanIoU(4, ignore_class=2)", "sparse labels", ("rows",)),
    ("MeanIoU(3, sparse_y_pred=False)", "sparse", ("rows",)),
    ("OneHotIoU(num_classes=3, target_class_ids=[0, 2])", "classes", ("rows",)),
    ("OneHotIoU(3, [1], sparse_y_pred=True)", "classes and numbers", ("rows",)),
    ("OneHotMeanIoU(num_classes=3)", "classes", ("rows",)),
    ("FBetaScore()", "classes", ("rows",)),
    ("FBetaScore(average='micro', beta=2.0)", "classes", ("rows",)),
    ("FBetaScore(average='macro', beta=0.5, threshold=0.3)", "classes", ("rows",)),
    ("FBetaScore(average='weighted', threshold=0.3)", "classes", ("rows",)),
    ("F1Score()", "classes", ("rows",)),
    ("F1Score(average='weighted', threshold=0.4)", "classes", ("rows",)),
    ("R2Score()", "numbers", ("rows", "column")),
    ("R2Score(class_aggregation=None)", "numbers", ("rows",)),
    ("R2Score(class_aggregation='variance_weighted_average', num_regressors=1)", "numbers", ("rows",)),
)
# Those whose value tf-keras only gives eagerly.
EAGER = ("R2Score(class_aggregation='variance_weighted_average', num_regressors=1)",)
# Those that take ragged tensors, and what is in their rows.
RAGGED = (
    ("Mean()", "values"),
    ("Sum()", "values"),
    ("Accuracy()", "numbers"),
    ("BinaryAccuracy()", "binary"),
    ("MeanSquaredError()", "numbers"),
    ("MeanAbsoluteError()", "numbers"),
    ("Precision()", "binary"),
    ("TruePositives(thresholds=[0.2, 0.7])", "binary"),
    ("AUC()", "binary"),
)
FUNCTIONS = (
    ("binary_accuracy", "binary"),
    ("categorical_accuracy", "classes"),
    ("sparse_categorical_accuracy", "sparse"),
    ("sparse_categorical_accuracy", "sparse column"),
    ("sparse_categorical_accuracy", "sparse pixels"),
    ("top_k_categorical_accuracy", "classes"),
    ("sparse_top_k_categorical_accuracy", "sparse pixels"),
    ("binary_focal_crossentropy", "binary"),
    ("log_cosh", "numbers"),
    ("mse", "numbers"),
    ("MAPE", "numbers"),
)
NAMES = (
    "ACC", "acc", "accuracy", "mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "log_cosh", "logcosh",
    "cosine_proximity", "cosine_similarity", "hinge", "squared_hinge", "categorical_hinge", "poisson",
    "kullback_leibler_divergence", "binary_crossentropy", "sparse_categorical_crossentropy", "binary_accuracy",
    "top_k_categorical_accuracy", "AUC", "Mean", "F1Score", "R2Score", "SumOverBatchSize",
)  # fmt: skip


def batch(kind: str, random: Any) -> tuple[Any, Any]:
    """Labels and predictions."""
    size = 4

    def chances(*shape: int) -> Any:
        made = random.random(shape).astype(np.float32) + np.float32(0.01)
        return made / made.sum(-1, keepdims=True)

    def numbers(*shape: int) -> Any:
        return random.standard_normal(shape).astype(np.float32)

    one_hot = np.eye(3, dtype=np.float32)
    classes = random.integers(0, 3, size)
    pixels = random.integers(0, 3, (2, 3, 3))
    each = {
        "values": lambda: (numbers(size, 3), None),
        "numbers": lambda: (numbers(size, 3), numbers(size, 3)),
        "positive": lambda: (np.abs(numbers(size, 3)), np.abs(numbers(size, 3))),
        "column": lambda: (numbers(size, 1), numbers(size, 1)),
        "column and row": lambda: (numbers(size), numbers(size, 1)),
        "signs": lambda: (np.sign(numbers(size, 3)), numbers(size, 3)),
        "binary": lambda: (random.integers(0, 2, (size, 3)), random.random((size, 3)).astype(np.float32)),
        "binary column": lambda: (random.integers(0, 2, size), random.random((size, 1)).astype(np.float32)),
        "binary logits": lambda: (random.integers(0, 2, (size, 3)), numbers(size, 3)),
        "classes": lambda: (one_hot[classes], chances(size, 3)),
        "classes and numbers": lambda: (one_hot[classes], random.integers(0, 3, size)),
        "sparse": lambda: (classes, chances(size, 3)),
        "sparse column": lambda: (classes[:, None], chances(size, 3)),
        "sparse labels": lambda: (random.integers(0, 4, (size, 1)), random.integers(0, 4, (size, 1))),
        "pixels": lambda: (one_hot[pixels], chances(2, 3, 3, 3)),
        "sparse pixels": lambda: (pixels, chances(2, 3, 3, 3)),
        "planes": lambda: (np.moveaxis(one_hot[pixels], -1, 1), np.moveaxis(chances(2, 3, 3, 3), -1, 1)),
    }
    return each[kind]()


def weights(shape: str, random: Any) -> Any:
    """Sample weights, 0 among them."""
    dims = {"rows": (4,), "column": (4, 1), "all": (4, 3), "pictures": (2, 3, 3), "scalar": ()}[shape]
    made = np.asarray(random.random(dims), np.float32) * 2
    return np.where(made < 0.3, np.float32(0), made) if dims else made


def run(keras: Any, tf: Any) -> dict[str, Any]:
    """Everything of this file, as arrays by name."""
    found: dict[str, Any] = {}
    for number, (text, kind, shapes) in enumerate(ROWS):
        found |= _updates(f"{number} {text} {kind}", text, kind, shapes, number, keras, tf)
    random = np.random.default_rng(7)
    for text, kind in RAGGED:
        found |= _ragged(text, kind, random, keras, tf)
    found |= _masked(random, keras, tf)
    for name, kind in FUNCTIONS:
        y_true, y_pred = batch(kind, random)
        found[f"{name} {kind}"] = getattr(keras.metrics, name)(y_true, y_pred).numpy()
    for name in NAMES:
        found[f"get {name}"] = _kind(keras, name)
    return {name: np.asarray(value) for name, value in found.items()}


def _updates(name: str, text: str, kind: str, shapes: Any, seed: int, keras: Any, tf: Any) -> dict[str, Any]:
    """A metric's values and what it says of itself.

    The values are those after each of several batches, merged with a copy, and in functions.
    """
    keras.backend.clear_session()
    random = np.random.default_rng(seed)
    metric = eval(f"metrics.{text}", {"keras": keras, "metrics": keras.metrics})
    values = []
    for shape in (None, *shapes, None):
        given = [x for x in batch(kind, random) if x is not None]
        if shape is not None:
            given.append(weights(shape, random))
        metric.update_state(*given)
        values.append(metric.result().numpy())
    state = [v.numpy() for v in metric.weights]
    config = metric.get_config()
    said = {
        "flags": [metric.name, metric.stateful, metric.dtype, len(metric.trainable_weights)],
        "weights": [[v.name, v.shape.as_list(), v.dtype.name] for v in metric.weights],
        "config": config,
    }
    copy = type(metric).from_config(dict(config))  # tf-keras takes the function out of it
    copy.update_state(*given)
    copy.merge_state([metric])
    values.append(copy.result().numpy())
    metric.reset_state()
    said["reset"] = all(not v.numpy().any() for v in metric.weights)
    if text not in EAGER:
        values.append(_traced(metric, given, [x.shape for x in map(np.asarray, given)], tf))
        if not text.startswith("MeanTensor"):
            rows = [(None, *np.shape(x)[1:]) if np.shape(x) else () for x in given]
            values.append(_traced(metric, given, rows, tf))
    return {
        name: np.stack(values),
        f"{name}/state": np.concatenate([np.ravel(v) for v in state]),
        f"{name}/said": json.dumps(said, default=_plain, sort_keys=True),
    }


def _traced(metric: Any, given: list[Any], shapes: list[Any], tf: Any) -> Any:
    """The value after one more batch, taken in by a function of tensors of these shapes."""
    specs = [tf.TensorSpec(shape, x.dtype) for shape, x in zip(shapes, given, strict=True)]
    step = tf.function(metric.__call__, input_signature=specs).get_concrete_function()
    return step(*map(tf.constant, given)).numpy()


def _ragged(text: str, kind: str, random: Any, keras: Any, tf: Any) -> dict[str, Any]:
    """Values of rows of 3, 0 and 9 numbers, without and with weights of these."""
    metric = eval(f"metrics.{text}", {"metrics": keras.metrics})
    found: dict[str, Any] = {}
    for weighted in (False, True):
        flat = [np.asarray(x).reshape(-1) for x in batch(kind, random) if x is not None]
        if weighted and kind == "numbers":
            flat.append(np.arange(12, dtype=np.float32))
        metric.update_state(*(tf.RaggedTensor.from_row_lengths(x, [3, 0, 9]) for x in flat))
        found[f"ragged {text}/{weighted}"] = metric.result().numpy()
    return found


def _masked(random: Any, keras: Any, tf: Any) -> dict[str, Any]:
    """Values of a function whose result has a mask."""
    mask = tf.constant([True, False, True, True])

    def errors(y_true: Any, y_pred: Any) -> Any:
        found = tf.reduce_sum(tf.abs(y_true - y_pred), axis=-1)
        found._keras_mask = mask
        return found

    metric = keras.metrics.MeanMetricWrapper(errors)
    first = metric(*batch("numbers", random)).numpy()
    return {
        "masked": first,
        "masked, weighted": metric(*batch("numbers", random), weights("rows", random)).numpy(),
    }


def _kind(keras: Any, name: str) -> str:
    try:
        got = keras.metrics.get(name)
    except (ValueError, TypeError) as error:
        return type(error).__name__
    kind = getattr(got, "__name__", None)
    return f"function {kind}" if kind else f"object {type(got).__name__} {getattr(got, 'name', got)}"


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return getattr(value, "__name__", str(value))
