"""What metrics do with their arguments first: ragged tensors become flat, weights fit what they weigh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import calque as tf

from ..losses.reduction import squeeze_or_expand_dimensions

__all__ = ["broadcast_weights", "fits", "flat_values"]


def flat_values(values: list[Any], weight: Any = None) -> tuple[list[Any], Any]:
    """Ragged tensors of equal rows as tensors (N, 1) of their values, and so their weights; others as they are.

    Raises:
        TypeError: some are ragged and some are not.
        ValueError: their ragged dimensions are not as many.
        InvalidArgumentError: their rows differ.
    """
    ragged = [isinstance(v, tf.RaggedTensor) for v in values]
    if not any(ragged):
        if isinstance(weight, tf.RaggedTensor):
            raise TypeError(
                f"Ragged mask is not allowed with non-ragged inputs. Input received: {values}, mask received: {weight}"
            )
        return values, weight
    if not all(ragged):
        raise TypeError(f"Some of the inputs are not tf.RaggedTensor. Input received: {values}")
    if weight is not None and not isinstance(weight, tf.RaggedTensor):
        return values, weight
    together = [*values, weight] if weight is not None else values
    first = together[0].nested_row_splits
    for other in together[1:]:
        splits = other.nested_row_splits
        message = f"Inputs must have identical ragged splits. Input received: {together}"
        if len(splits) != len(first):
            raise ValueError(message)
        for a, b in zip(first, splits, strict=True):
            tf.debugging.assert_equal(a, b, message=message)
    flat = [tf.expand_dims(v.flat_values, -1) for v in together]
    return flat[: len(values)], flat[-1] if weight is not None else None


def broadcast_weights(weight: Any, values: Any) -> Any:
    """Weights in the shape of the values: a scalar, or of the same rank with sizes that are equal or 1.

    Raises:
        ValueError: they are neither.
    """
    ranks = weight.shape.rank, values.shape.rank
    if ranks[0] == 0:
        return tf.ones_like(values) * weight
    if None not in ranks:
        sizes = zip(weight.shape.as_list(), values.shape.as_list(), strict=False)
        if ranks[0] != ranks[1] or any(w not in (v, 1, None) and v is not None for w, v in sizes):
            raise ValueError(
                f"weights can not be broadcast to values. weights.shape={weight.shape}. values.shape={values.shape}."
            )
        if weight.shape.is_fully_defined() and weight.shape == values.shape:
            return weight
    return weight * tf.ones_like(values)


def fits(values: Any, weight: Any, reduce: Callable[..., Any]) -> tuple[Any, Any]:
    """Values and weights of one shape.

    Args:
        values: a tensor.
        weight: weights of its dtype.
        reduce: how values lose the last dimensions, where weights have fewer.
    """
    values, _, weight = squeeze_or_expand_dimensions(values, sample_weight=weight)
    try:
        return values, broadcast_weights(weight, values)
    except ValueError:
        return reduce(values, axis=list(range(weight.shape.rank, values.shape.rank))), weight
