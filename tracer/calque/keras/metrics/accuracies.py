"""How many predictions are right: functions that give 1 or 0 for each, and metrics that take their means."""

from __future__ import annotations

from typing import Any

import calque as tf

from .. import config
from ..conversion import as_tensor
from .base import MeanMetricWrapper
from .inputs import flat_values

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "binary_matches",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_categorical_matches",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where predictions equal labels, elementwise."""
    [y_pred, y_true], _ = flat_values([as_tensor(y_pred), as_tensor(y_true)])
    y_true.shape.assert_is_compatible_with(y_pred.shape)
    return _as_numbers(tf.equal(y_true, tf.cast(y_pred, y_true.dtype)))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """The share, over the last axis, of labels of 0 and 1 that ``y_pred > threshold`` equals."""
    return tf.reduce_mean(binary_matches(y_true, y_pred, threshold), axis=-1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the greatest prediction is that of the class whose label is greatest."""
    return sparse_categorical_matches(tf.argmax(y_true, axis=-1), y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the greatest prediction is that of the class whose number is the label."""
    matches = sparse_categorical_matches(y_true, y_pred)
    wide = matches.shape.rank is not None and matches.shape.rank > 1 and matches.shape[-1] == 1
    return tf.squeeze(matches, [-1]) if wide else matches


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the prediction for the class whose label is greatest is among the `k` greatest."""
    return sparse_top_k_categorical_accuracy(tf.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the prediction for the class whose number is the label is among the `k` greatest."""
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if y_pred.shape.rank is not None and y_pred.shape.rank > 2:
        y_pred = tf.reshape(y_pred, [-1, y_pred.shape[-1]])
    nested = y_true.shape.rank is not None and y_pred.shape.rank is not None and y_true.shape.rank > 1
    if nested:
        given = tf.shape(y_true)
        y_true = tf.reshape(y_true, [-1])
    hits = _as_numbers(tf.math.in_top_k(predictions=y_pred, targets=tf.cast(y_true, tf.int32), k=k))
    return tf.reshape(hits, given) if nested else hits


def binary_matches(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where ``y_pred > threshold`` equals the label, elementwise."""
    y_pred = as_tensor(y_pred)
    above = tf.cast(y_pred > tf.cast(threshold, y_pred.dtype), y_pred.dtype)
    return _as_numbers(tf.equal(y_true, above))


def sparse_categorical_matches(y_true: Any, y_pred: Any) -> Any:
    """1 where the greatest prediction is that of the class whose number is the label, in the shape of labels."""
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    wide = y_true.shape.rank is not None and y_true.shape.rank == y_pred.shape.rank
    if wide:
        given = tf.shape(y_true)
        y_true = tf.squeeze(y_true, [-1])
    matches = _as_numbers(tf.equal(y_true, tf.cast(tf.argmax(y_pred, axis=-1), y_true.dtype)))
    return tf.reshape(matches, given) if wide else matches


def _as_numbers(truth: Any) -> Any:
    return tf.cast(truth, config.floatx())


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels."""

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype=dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often ``y_pred > threshold`` equals labels of 0 and 1."""

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_matches, name, dtype=dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the greatest prediction is that of the class that one-hot labels say."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype=dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the greatest prediction is that of the class whose number is the label."""

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_matches, name, dtype=dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the prediction for the class that one-hot labels say is among the `k` greatest."""

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype=dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the prediction for the class whose number is the label is among the `k` greatest."""

    def __init__(
        self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype=dtype, k=k)
