"""`MultiHeadAttention`: several attentions at a time, each on a projection of its own."""

from __future__ import annotations

import logging
import math
import string
from collections.abc import Mapping, Sized
from typing import Any

import calque as tf

from ..engine.masks import mask_of
from .activation import Softmax
from .einsum_dense import EinsumDense
from .regularization import Dropout
from .weighted import WeightedLayer

__all__ = ["MultiHeadAttention"]

_LETTERS = string.ascii_lowercase


class MultiHeadAttention(WeightedLayer):
    """Attention by the product of query and key, in several heads.

    Args:
        num_heads: how many heads.
        key_dim: the size of query and key in each head.
        value_dim: the size of the value in each head; None: `key_dim`.
        dropout: the share of weights that are set to 0 in training.
        use_bias: do the projections have a bias?
        output_shape: the shape of the result behind the queries' axes; None: the query's size.
        attention_axes: the axes over which attention goes; None: all but batch and features.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
        kernel_constraint, bias_constraint: of the projections, see `Dense`.
        softmax_robust_masking: see `Softmax`.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        softmax_robust_masking: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.supports_masking = True
        self._num_heads = num_heads
        self._key_dim = key_dim
        self._value_dim = value_dim or key_dim
        self._dropout = dropout
        self._use_bias = use_bias
        self._output_shape = output_shape
        self._robust = softmax_robust_masking
        if attention_axes is not None and not isinstance(attention_axes, Sized):
            attention_axes = (attention_axes,)
        self._attention_axes = attention_axes
        self._tell("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._tell("bias", bias_initializer, bias_regularizer, bias_constraint)
        self._projects = False
        self._query_shape = self._key_shape = self._value_shape = None

    def _build_from_signature(self, query: Any, value: Any, key: Any = None) -> None:
        """Make the projections for inputs of these shapes (tensors or shapes)."""
        self._projects = True
        shapes = [_shape(x) for x in (query, value, value if key is None else key)]
        self.__dict__.update(zip(("_query_shape", "_value_shape", "_key_shape"), shapes, strict=True))
        query_rank, value_rank, key_rank = (shape.rank for shape in shapes)
        with tf.init_scope():
            sizes = [self._num_heads, self._key_dim]
            self._query_dense = self._projection("query", query_rank - 1, 1, sizes)
            self._key_dense = self._projection("key", key_rank - 1, 1, sizes)
            self._value_dense = self._projection(
                "value", value_rank - 1, 1, [self._num_heads, self._value_dim]
            )
            self._build_attention(value_rank + 1)
            given: Any = self._output_shape or [shapes[0][-1]]
            output = [given] if isinstance(given, int) else list(given)
            self._output_dense = self._projection("attention_output", query_rank - 1, 2, output)

    def _projection(self, name: str, free: int, bound: int, sizes: list[int]) -> EinsumDense:
        """A layer that multiplies the last `bound` axes, behind `free` others, by a kernel; the rest get `sizes`."""
        given, result = _LETTERS[: free + bound], _LETTERS[free + bound : free + bound + len(sizes)]
        told = {
            f"{w}_{k}": getattr(self, f"{w}_{k}")
            for w in ("kernel", "bias")
            for k in ("regularizer", "constraint")
        }
        starts = {f"{w}_initializer": _again(getattr(self, f"{w}_initializer")) for w in ("kernel", "bias")}
        return EinsumDense(
            f"{given},{given[free:]}{result}->{given[:free]}{result}",
            output_shape=[None] * (free - 1) + sizes,
            bias_axes=result if self._use_bias else None,
            name=name,
            dtype=self.dtype_policy,
            **told,
            **starts,
        )

    def _build_attention(self, rank: int) -> None:
        """Make what goes between the projections, for projected inputs of this rank."""
        axes = tuple(range(1, rank - 2)) if self._attention_axes is None else tuple(self._attention_axes)
        self.__dict__["_attention_axes"] = axes
        self._dot_equation, self._combine_equation, scores = _equations(rank, axes)
        over = tuple(range(scores - len(axes), scores))
        self._softmax = Softmax(over, robust_masking=self._robust, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._dropout, dtype=self.dtype_policy)

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """The result, with the queries' axes.

        Args:
            query: ``(batch, queries, size)``.
            value: ``(batch, steps, size)``.
            key: the same; None: `value`.
            attention_mask: which steps a query sees, broadcast to ``(batch, queries, steps)``; masks that the inputs
                carry add to it.
            return_attention_scores: give the weights too, of shape ``(batch, heads, queries, steps)``?
            training: are weights dropped?
            use_causal_mask: does a query see only the steps up to its own number?
        """
        if not self._projects:
            self._build_from_signature(query, value, key)
        if key is None:
            key = value
        lengths = query.nested_row_lengths() if isinstance(query, tf.RaggedTensor) else None
        if lengths is not None:
            query = query.to_tensor()
        key, value = _dense(key, value)
        attention_mask = self._mask(query, value, key, attention_mask, use_causal_mask)
        query, key, value = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        outputs, scores = self._compute_attention(query, key, value, attention_mask, training)
        outputs = self._output_dense(outputs)
        if lengths is not None:
            outputs = tf.RaggedTensor.from_tensor(outputs, lengths)
        return (outputs, scores) if return_attention_scores else outputs

    def _compute_attention(
        self, query: Any, key: Any, value: Any, attention_mask: Any = None, training: Any = None
    ) -> Any:
        query = tf.multiply(query, 1.0 / math.sqrt(float(self._key_dim)))
        scores = self._masked_softmax(tf.einsum(self._dot_equation, key, query), attention_mask)
        kept = self._dropout_layer(scores, training=training)
        return tf.einsum(self._combine_equation, kept, value), scores

    def _masked_softmax(self, scores: Any, attention_mask: Any) -> Any:
        if attention_mask is not None:
            for _ in range(scores.shape.rank - attention_mask.shape.rank):
                attention_mask = tf.expand_dims(attention_mask, -2 * len(self._attention_axes) - 1)
        return self._softmax(scores, attention_mask)

    def _mask(self, query: Any, value: Any, key: Any, attention_mask: Any, causal: bool) -> Any:
        """Which steps a query sees, by all that is known; None: all."""
        masks = []
        if mask_of(query) is not None:
            masks.append(tf.cast(mask_of(query), tf.bool)[:, :, tf.newaxis])
        for x in (value,) if key is value else (value, key):
            if mask_of(x) is not None:
                masks.append(tf.cast(mask_of(x), tf.bool)[:, tf.newaxis, :])
        if causal:
            ones = tf.ones((1, tf.shape(query)[1], tf.shape(value)[1]), tf.bool)
            masks.append(tf.linalg.band_part(ones, -1, 0))
        if masks and attention_mask is not None:
            masks.append(tf.cast(attention_mask, tf.bool))
        for mask in masks[:1]:
            attention_mask = mask
        for mask in masks[1:]:
            attention_mask = attention_mask & mask
        return attention_mask

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        """The shape of the result.

        Raises:
            ValueError: the shapes do not fit.
        """
        query, value = tf.TensorShape(query_shape), tf.TensorShape(value_shape)
        key = value if key_shape is None else tf.TensorShape(key_shape)
        if query[-1] != value[-1]:
            raise ValueError(
                f"The last dimension of `query_shape` and `value_shape` must be equal, but are {query[-1]}, "
                f"{value[-1]}. Received: query_shape={query_shape}, value_shape={value_shape}"
            )
        if value[1:-1].as_list() != key[1:-1].as_list():
            raise ValueError(
                "All dimensions of `value` and `key`, except the last one, must be equal. Received "
                f"{value_shape} and {key_shape}"
            )
        given = self._output_shape
        return query[:-1].concatenate(given) if given else query

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from, and the shapes it was built for."""
        own = {
            "num_heads": self._num_heads,
            "key_dim": self._key_dim,
            "value_dim": self._value_dim,
            "dropout": self._dropout,
            "use_bias": self._use_bias,
            "output_shape": self._output_shape,
            "attention_axes": self._attention_axes,
            "query_shape": self._query_shape,
            "key_shape": self._key_shape,
            "value_shape": self._value_shape,
            "softmax_robust_masking": self._robust,
        }
        return super().get_config() | own | self._weights_config()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer from what `get_config` gave; its weights are made if the config has the shapes."""
        config = dict(config)
        shapes = [config.pop(f"{name}_shape") for name in ("query", "value", "key")]
        layer = cls(**config)
        if any(shape is None for shape in shapes):
            logging.getLogger("tensorflow").warning(
                "One of dimensions of the input shape is missing. It should have been memorized when the layer was "
                "serialized. %s is created without weights.",
                cls,
            )
        else:
            layer._build_from_signature(*shapes)
        return layer


def _shape(value: Any) -> Any:
    return tf.TensorShape(value.shape if hasattr(value, "shape") else value)


def _again(initializer: Any) -> Any:
    """Another initializer like this one, which draws its own numbers."""
    return type(initializer).from_config(initializer.get_config())


def _dense(key: Any, value: Any) -> Any:
    """Key and value without ragged axes, of the same number of steps."""
    ragged = isinstance(key, tf.RaggedTensor), isinstance(value, tf.RaggedTensor)
    if key is value and ragged[0]:
        both = key.to_tensor()
        return both, both
    if all(ragged):
        shape = tf.maximum(key.bounding_shape(), value.bounding_shape())
        return key.to_tensor(shape=shape), value.to_tensor(shape=shape)
    if ragged[0]:
        return key.to_tensor(shape=tf.shape(value)), value
    if ragged[1]:
        return key, value.to_tensor(shape=tf.shape(key))
    return key, value


def _equations(rank: int, axes: tuple[int, ...]) -> tuple[str, str, int]:
    """The equations for scores (of key and query) and result (of scores and value), and the rank of the scores.

    Args:
        rank: that of the projected inputs: batch, ..., heads, size.
        axes: those over which attention goes.
    """
    query = _LETTERS[:rank]
    others = iter(_LETTERS[rank:])
    kept = [i for i in range(rank - 1) if i not in axes]
    key = "".join(next(others) if i in axes else query[i] for i in range(rank))
    scores = "".join(query[i] for i in (*kept, *axes)) + "".join(key[i] for i in axes)
    return f"{key},{query}->{scores}", f"{scores},{key}->{query}", len(scores)
