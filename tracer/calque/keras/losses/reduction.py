"""From the losses of samples to the loss: sample weights, masks, and how it is reduced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import calque as tf

from ..conversion import as_tensor

__all__ = [
    "Reduction",
    "apply_mask",
    "apply_valid_mask",
    "cast_losses_to_common_dtype",
    "compute_weighted_loss",
    "get_mask",
    "reduce_weighted_loss",
    "remove_squeezable_dimensions",
    "squeeze_or_expand_dimensions",
]


class Reduction:
    """How losses become one: their sum, their sum over their number (which AUTO is as well), or not at all."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key: Any) -> None:
        """Check that it is one of them.

        Raises:
            ValueError: it is none.
        """
        if key not in cls.all():
            raise ValueError(f'Invalid Reduction Key: {key}. Expected keys are "{cls.all()}"')


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Any, Any]:
    """Labels and predictions, the one without a last dimension of size 1 that the other lacks.

    Args:
        labels: a tensor.
        predictions: a tensor.
        expected_rank_diff: by how much the rank of predictions should be greater.
        name: the name scope.
    """
    with tf.name_scope(name or "remove_squeezable_dimensions"):
        labels, predictions = as_tensor(labels), as_tensor(predictions)
        if labels.shape.rank is not None and predictions.shape.rank is not None:
            difference = predictions.shape.rank - labels.shape.rank - expected_rank_diff
            if difference == 1 and predictions.shape[-1] in (1, None):
                predictions = tf.squeeze(predictions, [-1])
            elif difference == -1 and labels.shape[-1] in (1, None):
                labels = tf.squeeze(labels, [-1])
            return labels, predictions
        surplus = tf.rank(predictions) - tf.rank(labels) - expected_rank_diff
        predictions = _squeezed_if(tf.equal(surplus, 1), predictions)
        labels = _squeezed_if(tf.equal(surplus, -1), labels)
        return labels, predictions


def _squeezed_if(condition: Any, x: Any) -> Any:
    """`x`, of unknown rank, without its last dimension where the condition holds."""
    if x.shape.rank is not None and (x.shape.rank == 0 or x.shape[-1] not in (1, None)):
        return x
    return tf.cond(condition, lambda: tf.squeeze(x, [-1]), lambda: x)


def squeeze_or_expand_dimensions(y_pred: Any, y_true: Any = None, sample_weight: Any = None) -> Any:
    """Make ranks fit where they differ by one.

    Args:
        y_pred: predictions, or losses.
        y_true: labels: the one with a last dimension of size 1 too many loses it.
        sample_weight: weights: they get, or lose, a last dimension.

    Returns:
        ``(y_pred, y_true)``, and the weights, where they are given.
    """
    if y_true is not None:
        ranks = y_pred.shape.rank, y_true.shape.rank
        if None in ranks:
            widened = tf.logical_and(
                tf.equal(tf.rank(y_pred) - tf.rank(y_true), 1), tf.not_equal(tf.shape(y_pred)[-1], 1)
            )
            kept, squeezed = (
                (y_true, y_pred),
                lambda: remove_squeezable_dimensions(y_true, y_pred),
            )
            y_true, y_pred = tf.cond(widened, lambda: kept, squeezed)
        elif y_pred.shape.rank - y_true.shape.rank != 1 or y_pred.shape[-1] == 1:
            y_true, y_pred = remove_squeezable_dimensions(y_true, y_pred)
    if sample_weight is None:
        return y_pred, y_true
    return y_pred, y_true, _fit_weight(sample_weight, y_pred)


def _fit_weight(weight: Any, losses: Any) -> Any:
    """A weight whose rank is at most one off, with the rank of the losses."""
    rank = weight.shape.rank
    if rank == 0:
        return weight
    if rank is not None and losses.shape.rank is not None:
        if rank - losses.shape.rank == 1:
            return tf.squeeze(weight, [-1])
        return tf.expand_dims(weight, -1) if losses.shape.rank - rank == 1 else weight
    surplus = tf.rank(weight) - tf.rank(losses)
    scalar = tf.equal(tf.rank(weight), 0)
    return tf.case(
        [
            (scalar, lambda: weight),
            (tf.equal(surplus, 1), lambda: tf.squeeze(weight, [-1])),
            (tf.equal(surplus, -1), lambda: tf.expand_dims(weight, -1)),
        ],
        default=lambda: weight,
    )


def compute_weighted_loss(
    losses: Any,
    sample_weight: Any = None,
    reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
    name: str | None = None,
) -> Any:
    """Losses times weights, reduced.

    Args:
        losses: a tensor of losses.
        sample_weight: weights that broadcast to it, once their rank fits; None: all 1.
        reduction: one of `Reduction`.
        name: the name scope.

    Returns:
        A scalar of the losses' dtype; for Reduction.NONE, a tensor of their shape.
    """
    Reduction.validate(reduction)
    if reduction == Reduction.AUTO:
        reduction = Reduction.SUM_OVER_BATCH_SIZE
    with tf.name_scope(name or "weighted_loss"):
        losses = as_tensor(losses)
        weight = as_tensor(1.0 if sample_weight is None else sample_weight)
        own_dtype = losses.dtype
        if not own_dtype.is_floating:
            losses = tf.cast(losses, tf.float32)
        losses, _, weight = squeeze_or_expand_dimensions(losses, None, tf.cast(weight, losses.dtype))
        loss = reduce_weighted_loss(losses * weight, reduction)
        return loss if own_dtype.is_floating else tf.cast(loss, own_dtype)


def reduce_weighted_loss(weighted_losses: Any, reduction: str = Reduction.SUM_OVER_BATCH_SIZE) -> Any:
    """Weighted losses, reduced; of no losses at all, the mean is 0."""
    if reduction == Reduction.NONE:
        return weighted_losses
    total = tf.reduce_sum(weighted_losses)
    if reduction != Reduction.SUM_OVER_BATCH_SIZE:
        return total
    return tf.math.divide_no_nan(total, tf.cast(tf.size(weighted_losses), total.dtype))


def get_mask(tensor: Any) -> Any:
    """The mask that a layer attached to a tensor, or None."""
    return getattr(tensor, "_keras_mask", None)


def apply_mask(y_p: Any, sw: Any, mask: Any) -> Any:
    """Sample weights that are 0 where the mask is.

    Args:
        y_p: a tensor of the dtype that the weights get.
        sw: sample weights, or None.
        mask: the mask, or None: the weights stay.
    """
    if mask is None:
        return sw
    mask = tf.cast(mask, y_p.dtype)
    if sw is None:
        return mask
    mask, _, weight = squeeze_or_expand_dimensions(mask, sample_weight=tf.cast(sw, mask.dtype))
    return weight * mask


def apply_valid_mask(losses: Any, sw: Any, mask: Any, reduction: str) -> Any:
    """Like `apply_mask`, so that a mean over all losses becomes one over those that the mask keeps."""
    if mask is None:
        return sw
    mask = tf.cast(mask, losses.dtype)
    if reduction in (Reduction.AUTO, Reduction.SUM_OVER_BATCH_SIZE):
        mask *= tf.cast(tf.size(mask), losses.dtype) / tf.reduce_sum(mask)
    return apply_mask(losses, sw, mask)


def cast_losses_to_common_dtype(losses: Sequence[Any]) -> list[Any]:
    """Losses in the widest floating dtype among them; as they are where one is complex or none is floating."""
    floating = [loss.dtype for loss in losses if loss.dtype.is_floating]
    if not floating or any(loss.dtype.is_complex for loss in losses):
        return list(losses)
    widest = max(floating, key=lambda dtype: dtype.size)
    if {tf.float16, tf.bfloat16} <= set(floating) and widest.size == 2:
        widest = tf.float32
    return [tf.cast(loss, widest) for loss in losses]
