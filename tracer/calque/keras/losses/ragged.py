"""Losses of ragged predictions: one for each innermost row, ragged as the predictions are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import calque as tf

__all__ = ["takes_ragged"]

F = TypeVar("F", bound=Callable[..., Any])


def takes_ragged(loss: F) -> F:
    """Let a loss take ragged predictions.

    Labels that are not ragged meet predictions filled up with zeros. The last dimension may be ragged itself if the
    loss is a mean over it.
    """

    @functools.wraps(loss)
    def call(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(y_pred, tf.RaggedTensor):
            return loss(y_true, y_pred, *args, **kwargs)
        if not isinstance(y_true, tf.RaggedTensor):
            return loss(y_true, y_pred.to_tensor(), *args, **kwargs)
        labels, predictions = y_true.flat_values, y_pred.flat_values
        if predictions.shape.rank != 1:
            return y_pred.with_flat_values(loss(labels, predictions, *args, **kwargs))
        each = loss(labels[:, tf.newaxis], predictions[:, tf.newaxis], *args, **kwargs)
        return tf.reduce_mean(y_pred.with_flat_values(each), axis=-1)

    return call  # type: ignore[return-value]
