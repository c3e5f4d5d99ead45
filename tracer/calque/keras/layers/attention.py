"""Attention with one head: means of values, weighted by how well their keys fit a query."""

from __future__ import annotations

from typing import Any

import calque as tf

from .base_random import BaseRandomLayer
from .phase import when_training

__all__ = ["AdditiveAttention", "Attention", "BaseDenseAttention"]


class BaseDenseAttention(BaseRandomLayer):
    """What the two kinds of attention have in common.

    Args:
        dropout: the share of weights that are set to 0 in training.
        **kwargs: those of every layer; ``causal=True`` is an older way to say `use_causal_mask`.

    It is called on ``[query, value]`` or ``[query, value, key]``, of shapes ``(batch, queries, size)``,
    ``(batch, steps, size)`` and ``(batch, steps, size)``; the values are the keys where there are none. A list of masks
    may go with them: queries that do not count give 0, values that do not count have no weight.
    """

    def __init__(self, dropout: float = 0.0, **kwargs: Any) -> None:
        self_causal = kwargs.pop("causal", False)
        super().__init__(**kwargs)
        self.causal = self_causal
        self.dropout = dropout
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Start the generator, if there is dropout."""
        (super().build if self.dropout > 0 else super(BaseRandomLayer, self).build)(input_shape)

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """How well keys fit queries, of shape ``(batch, queries, steps)``."""
        raise NotImplementedError

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The weighted means, of shape ``(batch, queries, size)``.

        Args:
            inputs: see the class.
            mask: see the class.
            training: are weights dropped?
            return_attention_scores: give the weights too, of shape ``(batch, queries, steps)``?
            use_causal_mask: does a query see only the steps up to its own number?

        Raises:
            ValueError: the inputs or masks are no list of that length.
        """
        self._check(inputs, mask)
        query, value = inputs[0], inputs[1]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, seen = (mask[0], mask[1]) if mask else (None, None)
        scores = self._calculate_scores(query, key)
        if seen is not None:
            seen = tf.expand_dims(seen, -2)
        if self.causal or use_causal_mask:
            before = _lower_triangle(tf.shape(scores))
            seen = before if seen is None else tf.logical_and(seen, before)
        result, weights = self._apply_scores(scores, value, seen, training)
        if query_mask is not None:
            result *= tf.cast(tf.expand_dims(query_mask, -1), result.dtype)
        return (result, weights) if return_attention_scores else result

    def _apply_scores(self, scores: Any, value: Any, scores_mask: Any = None, training: Any = None) -> Any:
        if scores_mask is not None:
            low = 65504.0 if scores.dtype == tf.float16 else 1.0e9
            scores -= low * tf.cast(tf.logical_not(scores_mask), scores.dtype)
        weights = tf.nn.softmax(scores)
        if self.dropout > 0:
            whole = weights
            weights = when_training(
                training,
                lambda: self._random_generator.dropout(whole, self.dropout),
                lambda: tf.identity(whole),
            )
        return tf.matmul(weights, value), weights

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The queries' mask."""
        self._check(inputs, mask)
        return tf.convert_to_tensor(mask[0]) if mask and mask[0] is not None else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The queries' shape."""
        return tf.TensorShape(input_shape[0])

    def _check(self, inputs: Any, mask: Any) -> None:
        name = type(self).__name__
        if not isinstance(inputs, list):
            raise ValueError(
                f"{name} layer must be called on a list of inputs, namely [query, value] or [query, value, key]. "
                f"Received: {inputs}."
            )
        if not 2 <= len(inputs) <= 3:
            raise ValueError(
                f"{name} layer accepts inputs list of length 2 or 3, namely [query, value] or [query, value, key]. "
                f"Received length: {len(inputs)}."
            )
        if not mask:
            return
        if not isinstance(mask, list):
            raise ValueError(
                f"{name} layer mask must be a list, namely [query_mask, value_mask]. Received: {mask}."
            )
        if not 2 <= len(mask) <= len(inputs):
            raise ValueError(
                f"{name} layer mask must be a list of length 2, namely [query_mask, value_mask]. Received length: "
                f"{len(mask)}."
            )

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"dropout": self.dropout}


def _lower_triangle(shape: Any) -> Any:
    """True where the column's number is at most the row's, of shape ``(1, ..., rows, columns)``."""
    ones = tf.ones(tf.concat([tf.ones_like(shape[:-2]), shape[-2:]], 0), tf.int32)
    return tf.greater_equal(tf.cumsum(ones, axis=-2), tf.cumsum(ones, axis=-1))


class Attention(BaseDenseAttention):
    """Attention by the product of query and key (Luong's).

    Args:
        use_scale: is there a weight by which the scores are multiplied?
        score_mode: "dot", the product; or "concat", a weight times the sum of ``tanh(query + key)``.
        **kwargs: those of `BaseDenseAttention`.

    Raises:
        ValueError: `score_mode` is neither.
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f'Received: score_mode={score_mode}. Acceptable values are: ["dot", "concat"]')
        self.use_scale = use_scale
        self.score_mode = score_mode

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        one: dict[str, Any] = {"shape": (), "initializer": "ones", "trainable": True}
        self.scale = self.add_weight("scale", **one) if self.use_scale else None
        concat = self.score_mode == "concat"
        self.concat_score_weight = self.add_weight("concat_score_weight", **one) if concat else None
        super().build(input_shape)

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            scores = tf.matmul(query, key, transpose_b=True)
            return scores if self.scale is None else scores * self.scale
        both = tf.expand_dims(query, -2) + tf.expand_dims(key, -3)
        if self.scale is not None:
            both = self.scale * both
        return self.concat_score_weight * tf.reduce_sum(tf.tanh(both), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"use_scale": self.use_scale, "score_mode": self.score_mode}


class AdditiveAttention(BaseDenseAttention):
    """Attention by the sum of ``scale * tanh(query + key)`` (Bahdanau's).

    Args:
        use_scale: is `scale` a weight, one number per feature? Otherwise it is 1.
        **kwargs: those of `BaseDenseAttention`.
    """

    def __init__(self, use_scale: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale

    def build(self, input_shape: Any) -> None:
        """Make the weight."""
        size = tf.TensorShape(input_shape[1])[-1]
        self.scale = (
            self.add_weight("scale", [size], initializer="glorot_uniform", trainable=True)
            if self.use_scale
            else None
        )
        super().build(input_shape)

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        scale = self.scale if self.use_scale else 1.0
        both = tf.tanh(tf.expand_dims(query, -2) + tf.expand_dims(key, -3))
        return tf.reduce_sum(scale * both, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"use_scale": self.use_scale}
