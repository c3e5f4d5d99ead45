"""`AUC`: the area under the curve that recall and its counterpart draw over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

import calque as tf

from ...tensor_shape import TensorShape
from .. import config
from ..activations import sigmoid
from .base import Metric
from .confusion_counts import Count, evenly_spaced, evenly_spread, update_counts

__all__ = ["AUC"]


class _Curve(Enum):
    ROC = "ROC"
    PR = "PR"
    PR_GAIN = "PR_GAIN"


class _Summation(Enum):
    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"


_CURVES = {"pr": _Curve.PR, "roc": _Curve.ROC, "pr_gain": _Curve.PR_GAIN, "prgain": _Curve.PR_GAIN}


def _curve(given: Any) -> _Curve:
    if isinstance(given, _Curve):
        return given
    if str(given) in {*_CURVES, *(name.upper() for name in _CURVES)}:
        return _CURVES[str(given).lower()]
    raise ValueError(f'Invalid AUC curve value: "{given}". Expected values are ["PR", "ROC", "PR_GAIN"]')


def _summation(given: Any) -> _Summation:
    if isinstance(given, _Summation):
        return given
    for method in _Summation:
        if given in (method.value, method.value.capitalize()):
            return method
    raise ValueError(
        f'Invalid AUC summation method value: "{given}". Expected values are ["interpolation", "majoring", "minoring"]'
    )


class AUC(Metric):
    """The area under a curve, of predictions between 0 and 1 for labels of 0 and 1.

    Args:
        num_thresholds: how many points of the curve are computed.
        curve: "ROC" (recall over the rate of false positives), "PR" (precision over recall), or "PR_GAIN" (their gains
            over a prediction that all is positive).
        summation_method: the height between two points is "interpolation" (their mean; for PR, precision is
            interpolated as Davis and Goadrich do, "The Relationship Between Precision-Recall and ROC Curves", 2006),
            "minoring" (the lower one) or "majoring".
        name, dtype: see `Metric`.
        thresholds: the thresholds, between 0 and 1, instead of `num_thresholds`.
        multi_label: is it the mean of the areas of all labels? Otherwise all are taken together.
        num_labels: how many labels; None: the first predictions tell.
        label_weights: what each label counts.
        from_logits: are predictions logits?

    Raises:
        ValueError: an argument is out of range, or there are `num_labels` without `multi_label`.
    """

    true_positives: Any
    true_negatives: Any
    false_positives: Any
    false_negatives: Any

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: Any = "ROC",
        summation_method: Any = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        given = None if thresholds is None else sorted(thresholds)
        if given is None and num_thresholds <= 1:
            raise ValueError(
                f"Argument `num_thresholds` must be an integer > 1. Received: num_thresholds={num_thresholds}"
            )
        kinds = _curve(curve), _summation(summation_method)
        super().__init__(name=name, dtype=dtype)
        self.curve, self.summation_method = kinds
        self.num_thresholds = num_thresholds if given is None else len(given) + 2
        inner = evenly_spaced(num_thresholds) if given is None else given
        epsilon = config.epsilon()
        self._thresholds = np.array([0.0 - epsilon, *inner, 1.0 + epsilon])
        self._even = given is None or evenly_spread([0.0, *given, 1.0])
        self._given_thresholds = given is not None
        self.multi_label = multi_label
        self.num_labels = num_labels
        self._from_logits = from_logits
        self.label_weights = None
        if label_weights is not None:
            self.label_weights = tf.constant(label_weights, dtype=self.dtype)
            tf.debugging.assert_non_negative(
                self.label_weights, message="All values of `label_weights` must be non-negative."
            )
        if num_labels and not multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        self.built = False
        if not multi_label:
            self._make(None)
        elif num_labels:
            self._make(TensorShape([None, num_labels]))

    @property
    def thresholds(self) -> list[float]:
        """The thresholds, a little less than 0 and a little more than 1 among them."""
        return list(self._thresholds)

    def _make(self, shape: TensorShape | None) -> None:
        """The counts, for predictions of this shape."""
        size: list[int | None] = [self.num_thresholds]
        if shape is not None:
            if shape.rank != 2:
                raise ValueError(
                    f"`y_pred` must have rank 2 when `multi_label=True`. Found rank {shape.rank}. Full shape received "
                    f"for `y_pred`: {shape}"
                )
            size.append(shape[1])
        self._state.build_input_shape = shape
        for name in ("true_positives", "true_negatives", "false_positives", "false_negatives"):
            setattr(self, name, self.add_weight(name, shape=size, initializer="zeros"))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in.

        Args:
            y_true: labels.
            y_pred: predictions, of their shape.
            sample_weight: what each sample counts.

        Raises:
            ValueError: there are more or fewer labels than `label_weights`, or than before.
        """
        if not self.built:
            self._make(TensorShape(y_pred.shape))
        if self.multi_label or self.label_weights is not None:
            shapes: list[tuple[Any, tuple[str, ...]]] = [(tf.convert_to_tensor(y_true), ("N", "L"))]
            if self.multi_label:
                shapes.append((self.true_positives.read_value(), ("T", "L")))
            if self.label_weights is not None:
                shapes.append((self.label_weights, ("L",)))
            tf.debugging.assert_shapes(shapes, message="Number of labels is not consistent.")
        update_counts(
            {
                Count.TRUE_POSITIVES: self.true_positives,
                Count.TRUE_NEGATIVES: self.true_negatives,
                Count.FALSE_POSITIVES: self.false_positives,
                Count.FALSE_NEGATIVES: self.false_negatives,
            },
            y_true,
            sigmoid(y_pred) if self._from_logits else y_pred,
            self._thresholds,
            even=self._even,
            sample_weight=sample_weight,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )

    def result(self) -> Any:
        """The area."""
        if self.curve is _Curve.PR and self.summation_method is _Summation.INTERPOLATION:
            return self._total(self._interpolated_pr())
        x, y = self._points()
        if self.summation_method is _Summation.INTERPOLATION:
            heights = (y[:-1] + y[1:]) / 2.0
        elif self.summation_method is _Summation.MINORING:
            heights = tf.minimum(y[:-1], y[1:])
        else:
            heights = tf.maximum(y[:-1], y[1:])
        return self._total((x[:-1] - x[1:]) * heights)

    def _points(self) -> tuple[Any, Any]:
        """The curve's coordinates at each threshold."""
        ratio = tf.math.divide_no_nan
        tp, fp, fn = (
            tf.identity(v) for v in (self.true_positives, self.false_positives, self.false_negatives)
        )
        negatives = fp + self.true_negatives
        recall = ratio(tp, tp + fn)
        if self.curve is _Curve.ROC:
            return ratio(fp, negatives), recall
        if self.curve is _Curve.PR:
            return recall, ratio(tp, tp + fp)
        odds = ratio(tp + fn, negatives)
        none = tf.equal(tp, 0.0)
        recall_gain = tf.where(none, tf.zeros_like(tp), 1.0 - odds * ratio(fn, tp))
        precision_gain = tf.where(none, tf.ones_like(tp), 1.0 - odds * ratio(fp, tp))
        return tf.maximum(recall_gain, tf.zeros_like(recall_gain)), precision_gain

    def _interpolated_pr(self) -> Any:
        """The areas between thresholds, where true positives are a linear function of all positives between them."""
        ratio = tf.math.divide_no_nan
        tp, fn = tf.identity(self.true_positives), tf.identity(self.false_negatives)
        predicted = tp + self.false_positives
        gained, before, after = tp[:-1] - tp[1:], predicted[:-1], predicted[1:]
        slope = ratio(gained, tf.maximum(before - after, 0))
        start = tp[1:] - slope * after
        both = tf.logical_and(before > 0, after > 0)
        growth = tf.where(both, ratio(before, tf.maximum(after, 0)), tf.ones_like(after))
        return ratio(slope * (gained + start * tf.math.log(growth)), tf.maximum(tp[1:] + fn[1:], 0))

    def _total(self, areas: Any) -> Any:
        """The area, from those between thresholds."""
        if not self.multi_label:
            return tf.reduce_sum(areas)
        by_label = tf.reduce_sum(areas, axis=0)
        if self.label_weights is None:
            return tf.reduce_mean(by_label)
        weighted = tf.reduce_sum(by_label * self.label_weights)
        return tf.math.divide_no_nan(weighted, tf.reduce_sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        labels = self.label_weights
        found = super().get_config() | {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve.value,
            "summation_method": self.summation_method.value,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if labels is None else labels.numpy(),
            "from_logits": self._from_logits,
        }
        if self._given_thresholds:
            found["thresholds"] = self.thresholds[1:-1]
        return found
