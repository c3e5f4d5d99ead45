"""What differs between training and inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import calque as tf

from ..engine.call_context import learning_phase_if_set

__all__ = ["is_training", "when_training"]


def is_training(training: Any) -> Any:
    """The training mode: a bool, or a tensor of a graph that has yet to be told.

    Args:
        training: what `call` was given: a bool, a number, a tensor, or None, for the mode that was set, or inference.
    """
    if training is None:
        return bool(learning_phase_if_set())
    if isinstance(training, (tf.Tensor, tf.Variable)):
        known = tf.get_static_value(training)
        return tf.cast(training, tf.bool) if known is None else bool(known)
    return bool(training)


def when_training(training: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """What `then` gives in training, else what `otherwise` gives: a branch of the graph only where nobody knows yet."""
    mode = is_training(training)
    if isinstance(mode, bool):
        return then() if mode else otherwise()
    return tf.cond(mode, then, otherwise)
