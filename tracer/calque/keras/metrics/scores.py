"""Scores made of several sums: F, and the coefficient of determination."""

from __future__ import annotations

import warnings
from typing import Any

import calque as tf

from ...tensor_shape import TensorShape
from .base import Metric
from .inputs import broadcast_weights

__all__ = ["F1Score", "FBetaScore", "R2Score"]


def _classes(metric: str, y_true: TensorShape, y_pred: TensorShape) -> int:
    """The number of classes, or outputs, of labels and predictions (samples, classes)."""
    got = f"Received input shapes: y_pred.shape={y_pred} and y_true.shape={y_true}."
    if y_true.rank != 2 or y_pred.rank != 2:
        raise ValueError(f"{metric} expects 2D inputs with shape (batch_size, output_dim). {got}")
    if y_true[-1] is None or y_pred[-1] is None:
        raise ValueError(
            f"{metric} expects 2D inputs with shape (batch_size, output_dim), with output_dim fully defined (not "
            f"None). {got}"
        )
    return int(y_pred[-1])


class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall, of each class.

    Args:
        average: over classes: None (no average), "micro" (of all counts), "macro" (the mean) or "weighted" (by how
            often classes are labeled).
        beta: how much more recall counts than precision.
        threshold: above which predictions are positive; None: the greatest of each sample is.
        name, dtype: see `Metric`.

    Raises:
        ValueError: an argument is out of range.
    """

    true_positives: Any
    false_positives: Any
    false_negatives: Any
    intermediate_weights: Any

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                "Invalid `average` argument value. Expected one of: {None, 'micro', 'macro', 'weighted'}. Received: "
                f"average={average}"
            )
        for label, value in (("beta", beta), ("threshold", threshold)):
            if not isinstance(value, float) and not (label == "threshold" and value is None):
                raise ValueError(
                    f"Invalid `{label}` argument value. It should be a Python float. Received: {label}={value} of type "
                    f"'{type(value)}'"
                )
        if beta <= 0.0:
            raise ValueError(f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}")
        if threshold is not None and not 0.0 < threshold <= 1.0:
            raise ValueError(
                f"Invalid `threshold` argument value. It should verify 0 < threshold <= 1. Received: "
                f"threshold={threshold}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == "micro" else 0
        self.built = False

    def build(self, y_true_shape: Any, y_pred_shape: Any) -> None:  # type: ignore[override]
        """Make the counts, for labels and predictions of these shapes.

        Raises:
            ValueError: they are not (samples, classes), or the number of classes is not known.
        """
        classes = _classes("FBetaScore", TensorShape(y_true_shape), TensorShape(y_pred_shape))
        shape = [] if self.average == "micro" else [classes]
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_weight(name, shape=shape, initializer="zeros", dtype=self.dtype))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in: labels of 0 and 1 and predictions, (samples, classes), and weights of samples."""
        y_true, y_pred = tf.convert_to_tensor(y_true, self.dtype), tf.convert_to_tensor(y_pred, self.dtype)
        if not self.built:
            self.build(y_true.shape, y_pred.shape)
        if self.threshold is None:
            greatest = tf.reduce_max(y_pred, axis=-1, keepdims=True)
            chosen = tf.logical_and(y_pred >= greatest, tf.abs(y_pred) > 1e-9)
        else:
            chosen = y_pred > self.threshold
        y_pred = tf.cast(chosen, self.dtype)
        for count, values in (
            (self.true_positives, y_pred * y_true),
            (self.false_positives, y_pred * (1 - y_true)),
            (self.false_negatives, (1 - y_pred) * y_true),
            (self.intermediate_weights, y_true),
        ):
            weighted = values
            if sample_weight is not None:
                weighted = values * tf.expand_dims(tf.cast(sample_weight, self.dtype), 1)
            count.assign_add(tf.reduce_sum(weighted, axis=self.axis))

    def result(self) -> Any:
        """The score, of each class where there is no average."""
        hits = tf.identity(self.true_positives)
        precision = tf.math.divide_no_nan(hits, hits + self.false_positives)
        recall = tf.math.divide_no_nan(hits, hits + self.false_negatives)
        square = tf.cast(self.beta**2, hits.dtype)
        score = tf.math.divide_no_nan(precision * recall, square * precision + recall) * (1 + square)
        if self.average == "weighted":
            labeled = tf.identity(self.intermediate_weights)
            return tf.reduce_sum(score * tf.math.divide_no_nan(labeled, tf.reduce_sum(labeled)))
        return score if self.average is None else tf.reduce_mean(score)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        given = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return super().get_config() | given


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, of each class; arguments as for `FBetaScore`."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return {k: v for k, v in super().get_config().items() if k != "beta"}


class R2Score(Metric):
    """The coefficient of determination: 1 less the ratio of squared errors and variance.

    Args:
        class_aggregation: over outputs: "uniform_average", "variance_weighted_average", or None.
        num_regressors: how many independent variables there are, for the adjusted score; 0: it is not adjusted.
        name, dtype: see `Metric`.

    Raises:
        ValueError: an argument is out of range.
    """

    squared_sum: Any
    sum: Any
    total_mse: Any
    count: Any

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ValueError(
                f"Invalid value for argument `class_aggregation`. Expected one of {known}. Received: "
                f"class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. Received: "
                f"num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_weight("num_samples", dtype="int32", initializer="zeros")
        self.built = False

    def build(self, y_true_shape: Any, y_pred_shape: Any) -> None:  # type: ignore[override]
        """Make the sums, for labels and predictions of these shapes.

        Raises:
            ValueError: they are not (samples, outputs), or the number of outputs is not known.
        """
        outputs = _classes("R2Score", TensorShape(y_true_shape), TensorShape(y_pred_shape))
        for attribute, name in (
            ("squared_sum", "squared_sum"),
            ("sum", "sum"),
            ("total_mse", "residual"),
            ("count", "count"),
        ):
            setattr(self, attribute, self.add_weight(name, shape=[outputs], initializer="zeros"))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in: labels and predictions (samples, outputs), and weights of samples."""
        y_true, y_pred = tf.convert_to_tensor(y_true, self.dtype), tf.convert_to_tensor(y_pred, self.dtype)
        if not self.built:
            self.build(y_true.shape, y_pred.shape)
        weight = tf.cast(1 if sample_weight is None else sample_weight, self.dtype)
        if weight.shape.rank == 1:
            weight = tf.expand_dims(weight, axis=1)
        weight = broadcast_weights(weight, y_true)
        self.sum.assign_add(tf.reduce_sum(y_true * weight, axis=0))
        self.squared_sum.assign_add(tf.reduce_sum(y_true * y_true * weight, axis=0))
        self.total_mse.assign_add(tf.reduce_sum((y_true - y_pred) ** 2 * weight, axis=0))
        self.count.assign_add(tf.reduce_sum(weight, axis=0))
        self.num_samples.assign_add(tf.size(y_true))

    def result(self) -> Any:
        """The score, of each output where they are not averaged."""
        variance = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1 - self.total_mse / variance
        scores = tf.where(tf.math.is_inf(scores), tf.zeros_like(scores), scores)
        if self.class_aggregation == "uniform_average":
            scores = tf.reduce_mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = tf.reduce_sum(variance * scores) / tf.reduce_sum(variance)
        return scores if self.num_regressors == 0 else self._adjusted(scores)

    def _adjusted(self, score: Any) -> Any:
        """The score, less what so many regressors gain by chance."""
        if tf.executing_eagerly():
            spare = int(self.num_samples.numpy()) - 1 - self.num_regressors
            if spare <= 0:
                what = (
                    "Division by zero in Adjusted R2 score."
                    if spare == 0
                    else "More independent predictors than datapoints in adjusted R2 score."
                )
                warnings.warn(f"{what} Falling back to standard R2 score.", stacklevel=3)
                return score
        samples = tf.cast(self.num_samples, score.dtype)
        free = samples - self.num_regressors - 1.0
        adjusted = 1.0 - (1.0 - score) * (samples - 1.0) / free
        return tf.where(free > 0, adjusted, score)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return super().get_config() | {
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
