"""The losses as functions: of labels and predictions, over the last axis, one result for each sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import calque as tf

from .. import config
from ..conversion import as_tensor
from . import crossentropies
from .ragged import takes_ragged

__all__ = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]


@takes_ragged
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((y_true - y_pred)**2)``."""
    y_true, y_pred = _alike(y_true, y_pred)
    return tf.reduce_mean(tf.math.squared_difference(y_pred, y_true), axis=-1)


@takes_ragged
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(abs(y_true - y_pred))``."""
    y_true, y_pred = _alike(y_true, y_pred)
    return tf.reduce_mean(tf.abs(y_pred - y_true), axis=-1)


@takes_ragged
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """``100 * mean(abs((y_true - y_pred) / y_true))``."""
    y_true, y_pred = _alike(y_true, y_pred)
    share = tf.abs((y_true - y_pred) / tf.maximum(tf.abs(y_true), config.epsilon()))
    return 100.0 * tf.reduce_mean(share, axis=-1)


@takes_ragged
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((log(y_true + 1) - log(y_pred + 1))**2)``; what is negative counts as 0."""
    y_true, y_pred = _alike(y_true, y_pred)
    first = tf.math.log(tf.maximum(y_pred, config.epsilon()) + 1.0)
    second = tf.math.log(tf.maximum(y_true, config.epsilon()) + 1.0)
    return tf.reduce_mean(tf.math.squared_difference(first, second), axis=-1)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0))``, labels of -1 and 1 (or 0 and 1, which become those)."""
    y_true, y_pred = _alike(y_true, y_pred)
    return tf.reduce_mean(tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0)**2)``, labels as for `hinge`."""
    y_true, y_pred = _alike(y_true, y_pred)
    return tf.reduce_mean(tf.square(tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``max(neg - pos + 1, 0)``: the prediction for the true class, and the largest of the others."""
    y_true, y_pred = _alike(y_true, y_pred)
    right = tf.reduce_sum(y_true * y_pred, axis=-1)
    wrong = tf.reduce_max((1.0 - y_true) * y_pred, axis=-1)
    return tf.maximum(wrong - right + 1.0, tf.cast(0.0, y_pred.dtype))


def huber(y_true: Any, y_pred: Any, delta: Any = 1.0) -> Any:
    """The mean of half the squared error, where that is at most `delta`, and of a straight line beyond.

    It is computed in `keras.backend.floatx()`.
    """
    y_pred, y_true, delta = (tf.cast(x, config.floatx()) for x in (y_pred, y_true, delta))
    error = y_pred - y_true
    size = tf.abs(error)
    half = tf.constant(0.5, size.dtype)
    near, far = half * tf.square(error), delta * size - half * tf.square(delta)
    return tf.reduce_mean(tf.where(size <= delta, near, far), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """``mean(log(cosh(y_pred - y_true)))``."""
    y_true, y_pred = _alike(y_true, y_pred)
    error = y_pred - y_true
    return tf.reduce_mean(
        error + tf.math.softplus(-2.0 * error) - tf.cast(tf.math.log(2.0), error.dtype), axis=-1
    )


@takes_ragged
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, axis: int = -1
) -> Any:
    """The crossentropy of two distributions over classes.

    Args:
        y_true: probabilities, such as one-hot vectors.
        y_pred: probabilities, or logits.
        from_logits: are they logits?
        label_smoothing: the share of the labels that is spread over all classes.
        axis: that of the classes.
    """
    y_true, y_pred = _of_classes(y_true, y_pred, axis, "categorical_crossentropy")
    y_true = _smoothed(y_true, label_smoothing, lambda: 1.0 / tf.cast(tf.shape(y_true)[axis], y_pred.dtype))
    return crossentropies.categorical_crossentropy(y_true, y_pred, from_logits, axis)


@takes_ragged
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    from_logits: bool = False,
    label_smoothing: Any = 0.0,
    axis: int = -1,
) -> Any:
    """`categorical_crossentropy`, in which what is nearly right counts less.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as there.
        alpha: a weight, or one for each class.
        gamma: how much less.
    """
    y_true, y_pred = _of_classes(y_true, y_pred, axis, "categorical_focal_crossentropy")
    y_true = _smoothed(y_true, label_smoothing, lambda: 1.0 / tf.cast(tf.shape(y_true)[-1], y_pred.dtype))
    return crossentropies.categorical_focal_crossentropy(y_true, y_pred, alpha, gamma, from_logits, axis)


@takes_ragged
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> Any:
    """The crossentropy of the classes that `y_true` numbers; see `keras.backend.sparse_categorical_crossentropy`."""
    return crossentropies.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis, ignore_class)


@takes_ragged
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0.0, axis: int = -1
) -> Any:
    """The mean crossentropy of yes or no.

    Args:
        y_true: probabilities, such as 0 and 1.
        y_pred: probabilities, or logits.
        from_logits: are they logits?
        label_smoothing: the share of the labels that becomes one half.
        axis: along which the mean is taken.
    """
    y_true, y_pred = _alike(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, lambda: 0.5)
    return tf.reduce_mean(crossentropies.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


@takes_ragged
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    from_logits: bool = False,
    label_smoothing: Any = 0.0,
    axis: int = -1,
) -> Any:
    """`binary_crossentropy`, in which what is nearly right counts less.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as there.
        apply_class_balancing: are the classes weighted by `alpha` and ``1 - alpha``?
        alpha: the weight of class 1.
        gamma: how much less.
    """
    y_true, y_pred = _alike(y_true, y_pred)
    y_true = _smoothed(y_true, label_smoothing, lambda: 0.5)
    losses = crossentropies.binary_focal_crossentropy(
        y_true, y_pred, apply_class_balancing, alpha, gamma, from_logits
    )
    return tf.reduce_mean(losses, axis=axis)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(y_true * log(y_true / y_pred))``."""
    y_true, y_pred = _alike(y_true, y_pred)
    y_true, y_pred = (tf.clip_by_value(y, config.epsilon(), 1) for y in (y_true, y_pred))
    return tf.reduce_sum(y_true * tf.math.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """``mean(y_pred - y_true * log(y_pred))``."""
    y_true, y_pred = _alike(y_true, y_pred)
    return tf.reduce_mean(y_pred - y_true * tf.math.log(y_pred + config.epsilon()), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: Any = -1) -> Any:
    """The cosine of the angle between labels and predictions, with the sign turned: -1 where they are alike."""
    y_true, y_pred = (tf.math.l2_normalize(y, axis=axis) for y in (y_true, y_pred))
    return -tf.reduce_sum(y_true * y_pred, axis=axis)


def _alike(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Both as tensors of the predictions' dtype."""
    y_pred = as_tensor(y_pred)
    return tf.cast(y_true, y_pred.dtype), y_pred


def _of_classes(y_true: Any, y_pred: Any, axis: Any, loss: str) -> tuple[Any, Any]:
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type {type(axis)}")
    y_true, y_pred = _alike(y_true, y_pred)
    if y_pred.shape.rank and y_pred.shape[-1] == 1:
        warnings.warn(
            f"In loss {loss}, expected y_pred.shape to be (batch_size, num_classes) with num_classes > 1. Received: "
            f"y_pred.shape={y_pred.shape}. Consider using 'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=3,
        )
    return y_true, y_pred


def _smoothed(y_true: Any, share: Any, target: Callable[[], Any]) -> Any:
    """Labels of which a share is moved to `target`."""
    share = tf.convert_to_tensor(share, y_true.dtype)
    known = tf.get_static_value(share)
    if known is not None and known == 0:
        return y_true
    return y_true * (1.0 - share) + share * target()


def _signs(y_true: Any) -> Any:
    """Labels of 0 and 1 as -1 and 1; others as they are."""
    binary = tf.reduce_all(tf.logical_or(tf.equal(y_true, 0), tf.equal(y_true, 1)))
    return tf.where(binary, 2.0 * y_true - 1.0, y_true)
