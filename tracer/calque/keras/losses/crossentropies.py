"""Crossentropies of one sample each, as `keras.backend` has them: what the losses of these names are made of.

Probabilities that a softmax or sigmoid just gave are not used: the crossentropy is computed from what went in there,
which is more exact.
"""

from __future__ import annotations

import warnings
from typing import Any

import calque as tf

from ...tensor import SymbolicTensor
from ..config import epsilon
from ..conversion import as_tensor

__all__ = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy",
]


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-sum(target * log(output))``.

    Args:
        target: probabilities, of the output's shape.
        output: probabilities (they are made to sum up to 1), or logits.
        from_logits: are they logits?
        axis: that of the classes.

    Returns:
        A tensor without that axis.
    """
    target, output = as_tensor(target), as_tensor(output)
    target.shape.assert_is_compatible_with(output.shape)
    output, from_logits = _logits(output, from_logits, "Softmax", "categorical_crossentropy")
    if from_logits:
        return tf.nn.softmax_cross_entropy_with_logits(labels=target, logits=output, axis=axis)
    return -tf.reduce_sum(target * tf.math.log(_normalized(output, axis)), axis)


def categorical_focal_crossentropy(
    target: Any,
    output: Any,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    from_logits: bool = False,
    axis: int = -1,
) -> Any:
    """``-sum(alpha * (1 - output)**gamma * target * log(output))``, otherwise as `categorical_crossentropy`."""
    target, output = as_tensor(target), as_tensor(output)
    target.shape.assert_is_compatible_with(output.shape)
    output, from_logits = _logits(output, from_logits, "Softmax", "categorical_focal_crossentropy")
    if from_logits:
        output = tf.nn.softmax(output, axis=axis)
    output = _normalized(output, axis)
    weight = tf.pow(1.0 - output, gamma) * alpha
    return tf.reduce_sum(weight * (-target * tf.math.log(output)), axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> Any:
    """``-log(output[target])``.

    Args:
        target: the numbers of the classes, of the output's shape without `axis`.
        output: probabilities, or logits.
        from_logits: are they logits?
        axis: that of the classes.
        ignore_class: where `target` is this, the result is 0, and its mask says so.

    Returns:
        A tensor of the target's shape.

    Raises:
        ValueError: the output's rank is not known, and the axis is not the last.
    """
    target, output = tf.cast(as_tensor(target), tf.int64), as_tensor(output)
    output, from_logits = _logits(output, from_logits, "Softmax", "sparse_categorical_crossentropy")
    if not from_logits:
        output = tf.math.log(_clipped(output))
    rank = output.shape.rank
    if rank is not None:
        axis %= rank
        if axis != rank - 1:
            output = tf.transpose(output, [*range(axis), *range(axis + 1, rank), axis])
    elif axis != -1:
        raise ValueError(
            f"Cannot compute sparse categorical crossentropy with `axis={axis}` on an output tensor with unknown rank."
        )
    sizes = tf.shape(output)
    flat = target.shape.rank is not None and rank is not None and target.shape.rank != rank - 1
    if flat:
        target, output = tf.reshape(target, [-1]), tf.reshape(output, [-1, sizes[-1]])
    if ignore_class is None:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=output)
        return tf.reshape(losses, sizes[:-1]) if flat and rank is not None and rank >= 3 else losses
    valid = tf.not_equal(target, tf.cast(ignore_class, target.dtype))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.boolean_mask(target, valid), logits=tf.boolean_mask(output, valid)
    )
    wanted = tf.cast(sizes[:-1], tf.int64)
    valid = tf.reshape(valid, wanted)
    result = tf.scatter_nd(tf.where(valid), losses, wanted)
    result._keras_mask = valid
    return result


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """``-target * log(output) - (1 - target) * log(1 - output)``, elementwise.

    Args:
        target: probabilities.
        output: probabilities, or logits.
        from_logits: are they logits?
    """
    target, output = as_tensor(target), as_tensor(output)
    output, from_logits = _logits(output, from_logits, "Sigmoid", "binary_crossentropy")
    if from_logits:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=output)
    output = _clipped(output)
    gain = target * tf.math.log(output + epsilon())
    return -(gain + (1 - target) * tf.math.log(1 - output + epsilon()))


def binary_focal_crossentropy(
    target: Any,
    output: Any,
    apply_class_balancing: bool = False,
    alpha: Any = 0.25,
    gamma: Any = 2.0,
    from_logits: bool = False,
) -> Any:
    """`binary_crossentropy` times ``(1 - p)**gamma``, p the probability of what is right.

    Args:
        target: 0 or 1.
        output: probabilities, or logits.
        apply_class_balancing: is it multiplied by `alpha` where the target is 1, by ``1 - alpha`` where it is 0?
        alpha: see there.
        gamma: how much less what is nearly right counts.
        from_logits: are they logits?
    """
    from ..activations import sigmoid

    probability = sigmoid(output) if from_logits else output
    right = target * probability + (1 - target) * (1 - probability)
    losses = tf.pow(1.0 - right, gamma) * binary_crossentropy(target, output, from_logits)
    if not apply_class_balancing:
        return losses
    return (target * alpha + (1 - target) * (1 - alpha)) * losses


def _clipped(output: Any) -> Any:
    least = tf.constant(epsilon(), output.dtype)
    return tf.clip_by_value(output, least, 1.0 - least)


def _normalized(output: Any, axis: int) -> Any:
    return _clipped(output / tf.reduce_sum(output, axis, True))


def _logits(output: Any, from_logits: bool, op: str, function: str) -> tuple[Any, bool]:
    """What probabilities were made of, where that is known, and whether the result is logits."""
    logits = getattr(output, "_keras_logits", None)
    if logits is None and isinstance(output, SymbolicTensor) and output.op.type == op:
        logits = output.op.inputs[0]
    if logits is None:
        return output, from_logits
    if from_logits:
        warnings.warn(
            f'"`{function}` received `from_logits=True`, but the `output` argument was produced by a {op} activation '
            'and thus does not represent logits. Was this intended?"',
            stacklevel=3,
        )
    return logits, True
