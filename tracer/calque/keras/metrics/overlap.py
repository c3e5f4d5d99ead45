"""How far predicted and labeled regions overlap: intersection over union, of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import calque as tf

from .base import Metric

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    """The mean, over some classes, of the intersection of what is labeled and predicted over their union.

    Args:
        num_classes: how many classes there are.
        target_class_ids: those that count.
        name, dtype: see `Metric`.
        ignore_class: a label that does not count.
        sparse_y_true: are labels numbers of classes? Otherwise their greatest along `axis` is the class.
        sparse_y_pred: are predictions?
        axis: see there.

    Raises:
        ValueError: a class that counts is out of range.
    """

    target_class_ids: list[int]

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"Target class id {max(target_class_ids)} is out of range, which is [{0}, {num_classes})."
            )
        self.num_classes = num_classes
        self.__dict__["target_class_ids"] = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_weight(
            "total_confusion_matrix", shape=(num_classes, num_classes), initializer="zeros"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Take a batch in.

        Args:
            y_true: labels.
            y_pred: predictions.
            sample_weight: what each element counts.
        """
        if not self.sparse_y_true:
            y_true = tf.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = tf.argmax(y_pred, axis=self.axis)
        y_true = tf.reshape(tf.cast(y_true, self._dtype), [-1])
        y_pred = tf.reshape(tf.cast(y_pred, self._dtype), [-1])
        if sample_weight is not None:
            sample_weight = tf.cast(sample_weight, self._dtype)
            if sample_weight.shape.rank != 0:
                sample_weight = tf.reshape(sample_weight, [-1])
        if self.ignore_class is not None:
            counts = tf.not_equal(y_true, tf.cast(self.ignore_class, y_true.dtype))
            y_true, y_pred = tf.boolean_mask(y_true, counts), tf.boolean_mask(y_pred, counts)
            if sample_weight is not None:
                sample_weight = tf.boolean_mask(sample_weight, counts)
        matrix = tf.math.confusion_matrix(
            y_true, y_pred, self.num_classes, weights=sample_weight, dtype=tf.as_dtype(self._dtype)
        )
        return self.total_cm.assign_add(matrix)

    def result(self) -> Any:
        """The mean, over those classes that were labeled or predicted at all."""
        matrix = tf.identity(self.total_cm)
        both = tf.linalg.diag_part(matrix)
        either = tf.reduce_sum(matrix, axis=0) + tf.reduce_sum(matrix, axis=1) - both
        both, either = tf.gather(both, self.target_class_ids), tf.gather(either, self.target_class_ids)
        seen = tf.reduce_sum(tf.cast(tf.not_equal(either, 0), self._dtype))
        return tf.math.divide_no_nan(tf.reduce_sum(tf.math.divide_no_nan(both, either)), seen)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return super().get_config() | {
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *fixed: str) -> dict[str, Any]:
        return {k: v for k, v in IoU.get_config(self).items() if k not in fixed}


class BinaryIoU(IoU):
    """`IoU` of two classes: predictions of at least `threshold` are class 1."""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes=2, target_class_ids=target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """See `IoU`."""
        above = tf.cast(tf.cast(y_pred, self._dtype) >= self.threshold, self._dtype)
        return super().update_state(y_true, above, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return Metric.get_config(self) | {
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
        }


class MeanIoU(IoU):
    """`IoU` of all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            list(range(num_classes)),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """`IoU` of labels that are one-hot."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`IoU` of all classes, of labels that are one-hot."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return self._config_without("sparse_y_true", "target_class_ids")
