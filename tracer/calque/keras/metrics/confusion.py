"""Metrics of true and false positives and negatives: counts, precision, recall, and what lies between them."""

from __future__ import annotations

from typing import Any

import calque as tf

from .base import Metric
from .confusion_counts import LOWEST, Count, evenly_spaced, evenly_spread, thresholds_of, update_counts

__all__ = [
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "TrueNegatives",
    "TruePositives",
]


class _Thresholded(Metric):
    """Keeps counts for each of some thresholds; subclasses say of what, in `_counted`."""

    _counted: tuple[tuple[str, Count], ...] = ()  # names of weights, and what they count
    top_k: int | None = None
    class_id: int | None = None
    init_thresholds: Any
    thresholds: list[float]

    def __init__(self, thresholds: Any, default: float, name: str | None, dtype: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self.__dict__["init_thresholds"] = thresholds
        self.__dict__["thresholds"] = thresholds_of(thresholds, default)
        self._make_counts()

    def _make_counts(self) -> None:
        self._even = evenly_spread(self.thresholds)
        for name, _ in self._counted:
            setattr(self, name, self.add_weight(name, shape=(len(self.thresholds),), initializer="zeros"))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in.

        Args:
            y_true: labels of 0 and 1.
            y_pred: predictions between 0 and 1, of their shape.
            sample_weight: what each sample counts.
        """
        update_counts(
            {kind: getattr(self, name) for name, kind in self._counted},
            y_true,
            y_pred,
            self.thresholds,
            even=self._even,
            top_k=self.top_k,
            class_id=self.class_id,
            sample_weight=sample_weight,
        )

    def _one_or_all(self, values: Any) -> Any:
        """The value, of one threshold; of several, all values."""
        return values[0] if len(self.thresholds) == 1 else values


class _OneCount(_Thresholded):
    accumulator: Any

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, 0.5, name, dtype)

    def result(self) -> Any:
        """The count: a scalar for one threshold, otherwise one for each."""
        return self._one_or_all(tf.identity(self.accumulator))

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return super().get_config() | {"thresholds": self.init_thresholds}


class FalsePositives(_OneCount):
    """How many predictions are above the threshold (or each of several) and should not be."""

    _counted = (("accumulator", Count.FALSE_POSITIVES),)


class FalseNegatives(_OneCount):
    """How many predictions are not above the threshold (or each of several) and should be."""

    _counted = (("accumulator", Count.FALSE_NEGATIVES),)


class TrueNegatives(_OneCount):
    """How many predictions are rightly not above the threshold (or each of several)."""

    _counted = (("accumulator", Count.TRUE_NEGATIVES),)


class TruePositives(_OneCount):
    """How many predictions are rightly above the threshold (or each of several)."""

    _counted = (("accumulator", Count.TRUE_POSITIVES),)


class _Share(_Thresholded):
    """The share of true positives among these and the other count.

    Args:
        thresholds: one or several, between 0 and 1; None: 0.5, or none at all with `top_k`.
        top_k: only so many greatest predictions of each sample can be positive.
        class_id: only this class counts.
        name, dtype: see `Metric`.
    """

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, 0.5 if top_k is None else LOWEST, name, dtype)
        self.top_k = top_k
        self.class_id = class_id

    def result(self) -> Any:
        """The share: a scalar for one threshold, otherwise one for each."""
        hits, others = (getattr(self, name) for name, _ in self._counted)
        return self._one_or_all(tf.math.divide_no_nan(hits, hits + others))

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return super().get_config() | {
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Share):
    """The share of what is rightly positive in all that is predicted to be; arguments as for `Recall`.

    Args:
        thresholds: one or several, between 0 and 1; None: 0.5, or none at all with `top_k`.
        top_k: only so many greatest predictions of each sample can be positive.
        class_id: only this class counts.
        name, dtype: see `Metric`.
    """

    _counted = (("true_positives", Count.TRUE_POSITIVES), ("false_positives", Count.FALSE_POSITIVES))


class Recall(_Share):
    """The share of what is predicted to be positive in all that is; arguments as for `Precision`.

    Args:
        thresholds: one or several, between 0 and 1; None: 0.5, or none at all with `top_k`.
        top_k: only so many greatest predictions of each sample can be positive.
        class_id: only this class counts.
        name, dtype: see `Metric`.
    """

    _counted = (("true_positives", Count.TRUE_POSITIVES), ("false_negatives", Count.FALSE_NEGATIVES))


class _BestUnderConstraint(_Thresholded):
    """The greatest value of one share over all thresholds at which another is at least so much.

    Subclasses name the argument, the share that it bounds, and the one that is sought.
    """

    _counted = (
        ("true_positives", Count.TRUE_POSITIVES),
        ("true_negatives", Count.TRUE_NEGATIVES),
        ("false_positives", Count.FALSE_POSITIVES),
        ("false_negatives", Count.FALSE_NEGATIVES),
    )
    _argument: str
    _bounded: Any  # functions of the counts
    _sought: Any

    def __init__(
        self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any
    ) -> None:
        argument = self._argument
        if value < 0 or value > 1:
            raise ValueError(
                f"Argument `{argument}` must be in the range [0, 1]. Received: {argument}={value}"
            )
        if num_thresholds <= 0:
            raise ValueError(
                f"Argument `num_thresholds` must be an integer > 0. Received: num_thresholds={num_thresholds}"
            )
        one = num_thresholds == 1
        super().__init__([0.5] if one else [0.0, *evenly_spaced(num_thresholds), 1.0], 0.5, name, dtype)
        self._even = not one
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        setattr(self, argument, value)

    def result(self) -> Any:
        """The greatest value; 0 if there is no such threshold."""
        bounded, sought = type(self)._bounded(self), type(self)._sought(self)
        possible = tf.where(bounded >= self.value, sought, tf.zeros_like(sought))
        return tf.reduce_max(possible)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return super().get_config() | {
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._argument: self.value,
        }


def _precision(counts: Any) -> Any:
    return tf.math.divide_no_nan(counts.true_positives, counts.true_positives + counts.false_positives)


def _recall(counts: Any) -> Any:
    return tf.math.divide_no_nan(counts.true_positives, counts.true_positives + counts.false_negatives)


def _specificity(counts: Any) -> Any:
    return tf.math.divide_no_nan(counts.true_negatives, counts.true_negatives + counts.false_positives)


class SensitivityAtSpecificity(_BestUnderConstraint):
    """The best sensitivity (recall) at which the specificity is at least so much."""

    _argument = "specificity"
    _bounded, _sought = _specificity, _recall

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_BestUnderConstraint):
    """The best specificity at which the sensitivity (recall) is at least so much."""

    _argument = "sensitivity"
    _bounded, _sought = _recall, _specificity

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_BestUnderConstraint):
    """The best precision at which the recall is at least so much."""

    _argument = "recall"
    _bounded, _sought = _recall, _precision

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_BestUnderConstraint):
    """The best recall at which the precision is at least so much."""

    _argument = "precision"
    _bounded, _sought = _precision, _recall

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
