"""Counts of true and false positives and negatives, for each of several thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import numpy as np

import calque as tf

from ...variable import Variable
from .. import config
from ..losses.reduction import squeeze_or_expand_dimensions
from .inputs import broadcast_weights, flat_values

__all__ = ["Count", "LOWEST", "evenly_spaced", "evenly_spread", "thresholds_of", "update_counts"]

LOWEST = -1e10  # below every prediction


class Count(Enum):
    """What is counted: by what is predicted, and whether that is right."""

    TRUE_POSITIVES = "tp"
    FALSE_POSITIVES = "fp"
    TRUE_NEGATIVES = "tn"
    FALSE_NEGATIVES = "fn"


def thresholds_of(given: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list; `default` where none are given.

    Raises:
        ValueError: one is not between 0 and 1.
    """
    if given is None:
        return [default]
    thresholds = list(given) if isinstance(given, (list, tuple)) else [given]
    wrong = [t for t in thresholds if t is None or t < 0 or t > 1]
    if wrong:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {wrong}")
    return thresholds


def evenly_spaced(number: int) -> list[float]:
    """So many thresholds less two, evenly spaced between 0 and 1, both left out."""
    return [(i + 1) * 1.0 / (number - 1) for i in range(number - 2)]


def evenly_spread(thresholds: Sequence[float]) -> bool:
    """Are there at least three, evenly spaced from 0 to 1?"""
    number = len(thresholds)
    even = np.arange(number, dtype=np.float32) / max(number - 1, 1)
    return number >= 3 and bool(np.allclose(thresholds, even, atol=config.epsilon()))


def update_counts(
    counts: Mapping[Count, Variable],
    y_true: Any,
    y_pred: Any,
    thresholds: Any,
    *,
    even: bool,
    top_k: int | None = None,
    class_id: int | None = None,
    sample_weight: Any = None,
    multi_label: bool = False,
    label_weights: Any = None,
) -> None:
    """Add the counts of a batch to variables of shape (thresholds,), or (thresholds, labels) where `multi_label`.

    Args:
        counts: the variables.
        y_true: labels of 0 and 1.
        y_pred: predictions, of their shape; positive where they are above the threshold.
        thresholds: the thresholds, sorted.
        even: see `evenly_spread`: then predictions are counted in the intervals between thresholds.
        top_k: predictions that are not among so many greatest are negative.
        class_id: count for this class only.
        sample_weight: what a sample (or element) counts.
        multi_label: count for each label (the last axis) apart.
        label_weights: what a label counts, where they are not counted apart.
    """
    dtype = next(iter(counts.values())).dtype
    y_true, y_pred = tf.cast(y_true, dtype), tf.cast(y_pred, dtype)
    if not multi_label:
        [y_pred, y_true], _ = flat_values([y_pred, y_true])
    if sample_weight is None:
        y_pred, y_true = squeeze_or_expand_dimensions(y_pred, y_true)
    else:
        y_pred, y_true, sample_weight = squeeze_or_expand_dimensions(
            y_pred, y_true, sample_weight=tf.cast(sample_weight, dtype)
        )
    y_pred.shape.assert_is_compatible_with(y_true.shape)
    if top_k is not None:
        y_pred = _only_greatest(y_pred, top_k)
    if class_id is not None:
        y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]
    weight: Any = None
    if sample_weight is not None:
        weight = broadcast_weights(sample_weight, y_pred)
    if label_weights is not None:
        each = broadcast_weights(tf.expand_dims(label_weights, 0), y_pred)
        weight = each if weight is None else weight * each
    positive = tf.cast(tf.cast(y_true, tf.bool), dtype)
    true, false = positive, 1.0 - positive
    if weight is not None:
        true, false = true * weight, false * weight
    if not multi_label:
        true, false, y_pred = (tf.reshape(x, [-1]) for x in (true, false, y_pred))
    above = _above_even if even else _above
    tp, fp = above(true, y_pred, thresholds), above(false, y_pred, thresholds)
    for kind, variable in counts.items():
        if kind is Count.TRUE_POSITIVES:
            variable.assign_add(tp)
        elif kind is Count.FALSE_POSITIVES:
            variable.assign_add(fp)
        elif kind is Count.FALSE_NEGATIVES:
            variable.assign_add(tf.reduce_sum(true, axis=0) - tp)
        else:
            variable.assign_add(tf.reduce_sum(false, axis=0) - fp)


def _above(weights: Any, y_pred: Any, thresholds: Any) -> Any:
    """The sums, over samples, of the weights of predictions above each threshold."""
    each = tf.reshape(tf.constant(thresholds, y_pred.dtype), [-1] + [1] * y_pred.shape.rank)
    return tf.reduce_sum(tf.where(y_pred > each, weights, tf.zeros_like(weights)), axis=1)


def _above_even(weights: Any, y_pred: Any, thresholds: Any) -> Any:
    """`_above` for evenly spaced thresholds: sums of intervals, which add up from the top.

    What equals a threshold belongs to the interval below it. Predictions of 0 do so where the first threshold is a
    little less than 0, and are above none otherwise.
    """
    number = len(thresholds)
    interval = tf.math.ceil(tf.clip_by_value(y_pred, 0.0, 1.0) * (number - 1)) - 1
    if thresholds[0] < 0.0 or thresholds[-1] > 1.0:
        interval = tf.nn.relu(interval)
    interval = tf.cast(interval, tf.int32)
    if y_pred.shape.rank == 1:
        return tf.cumsum(tf.math.unsorted_segment_sum(weights, interval, number), reverse=True)
    labels = y_pred.shape[-1]
    if labels is None:
        labels = tf.shape(y_pred)[-1]
    place = interval * labels + tf.range(labels)
    sums = tf.math.unsorted_segment_sum(tf.reshape(weights, [-1]), tf.reshape(place, [-1]), number * labels)
    return tf.cumsum(tf.reshape(sums, [number, labels]), axis=0, reverse=True)


def _only_greatest(y_pred: Any, k: int) -> Any:
    """Predictions with all but the `k` greatest of the last axis below every threshold."""
    _, places = tf.math.top_k(y_pred, k, sorted=False)
    kept = tf.reduce_sum(tf.one_hot(places, tf.shape(y_pred)[-1], axis=-1, dtype=y_pred.dtype), axis=-2)
    return y_pred * kept + LOWEST * (1 - kept)
