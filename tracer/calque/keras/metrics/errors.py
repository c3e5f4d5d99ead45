"""Errors that are means with something before or behind them."""

from __future__ import annotations

from typing import Any

import calque as tf

from ..losses.reduction import remove_squeezable_dimensions, squeeze_or_expand_dimensions
from .base import Mean
from .inputs import flat_values

__all__ = ["MeanRelativeError", "RootMeanSquaredError"]


class MeanRelativeError(Mean):
    """The mean of errors, divided by something.

    Args:
        normalizer: what they are divided by, of the predictions' shape; what is divided by 0 counts as 0.
        name, dtype: see `Metric`.
    """

    def __init__(self, normalizer: Any, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.normalizer = tf.cast(normalizer, self._dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Take labels and predictions in, with weights as for `Mean`."""
        y_true, y_pred = tf.cast(y_true, self._dtype), tf.cast(y_pred, self._dtype)
        [y_pred, y_true], sample_weight = flat_values([y_pred, y_true], sample_weight)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        y_pred, normalizer = remove_squeezable_dimensions(y_pred, self.normalizer)
        y_pred.shape.assert_is_compatible_with(y_true.shape)
        errors = tf.math.divide_no_nan(tf.abs(y_true - y_pred), normalizer)
        return super().update_state(errors, sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """See `Metric`."""
        return super().get_config() | {"normalizer": self.normalizer.numpy()}


class RootMeanSquaredError(Mean):
    """The square root of the mean of squared errors."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Take labels and predictions in, with weights as for `Mean`."""
        y_true, y_pred = tf.cast(y_true, self._dtype), tf.cast(y_pred, self._dtype)
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
        return super().update_state(tf.math.squared_difference(y_pred, y_true), sample_weight=sample_weight)

    def result(self) -> Any:
        """The square root of the mean."""
        return tf.sqrt(super().result())
