"""The layers that most models have: products with a matrix, activations, look-ups, masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import calque as tf

from .. import activations
from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from ..engine.masks import set_mask
from ..saving.serialization import deserialize_keras_object
from .weighted import WeightedLayer

__all__ = ["Activation", "Dense", "Embedding", "Identity", "Masking"]


class Dense(WeightedLayer):
    """``activation(inputs @ kernel + bias)``, over the last axis of the inputs.

    Args:
        units: the size of the last axis of the result.
        activation: a function of the result, or its name; None: none.
        use_bias: is there a bias?
        kernel_initializer, bias_initializer: give the weights' first values.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions of the weights and of the result whose
            values are added to `losses`.
        kernel_constraint, bias_constraint: applied to the weights after each step of an optimizer.

    The kernel's shape is ``(size of the last axis, units)``. Sparse and ragged inputs are taken, ragged ones if the
    last axis is not.

    Raises:
        ValueError: `units` is negative; the size of the last axis is not known.
        TypeError: the dtype is not a floating one.
    """

    def __init__(
        self,
        units: Any,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units)
        if self.units < 0:
            raise ValueError(
                f"Received an invalid value for `units`, expected a positive integer. Received: units={units}"
            )
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._tell("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._tell("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        dtype = tf.as_dtype(self.dtype or "float32")
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(
                f"A Dense layer can only be built with a floating-point dtype. Received: dtype={dtype.name}"
            )
        size = self._last(input_shape)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self._add("kernel", [size, self.units], trainable=True)
        self.bias = self._add("bias", [self.units], trainable=True) if self.use_bias else None
        super().build(input_shape)

    def _last(self, input_shape: Any) -> int:
        size: int | None = tf.TensorShape(input_shape).with_rank_at_least(2)[-1]
        if size is None:
            raise ValueError(
                "The last dimension of the inputs to a Dense layer should be defined. Found None. Full input shape "
                f"received: {input_shape}"
            )
        return size

    def call(self, inputs: Any) -> Any:
        """See the class."""
        if inputs.dtype != self.compute_dtype:
            inputs = tf.cast(inputs, self.compute_dtype)
        if isinstance(inputs, tf.RaggedTensor):
            return self._of_ragged(inputs)
        return self._of_rows(inputs)

    def _of_ragged(self, inputs: Any) -> Any:
        if inputs.shape[-1] is None:
            raise ValueError(
                "Dense layer only supports RaggedTensors when the innermost dimension is non-ragged. Received: "
                f"inputs.shape={inputs.shape}."
            )
        if inputs.flat_values.shape.rank > 1:
            return inputs.with_flat_values(self._of_rows(inputs.flat_values))
        if inputs.shape.rank == 2:
            return self._of_rows(inputs.to_tensor())
        splits, rows = inputs.nested_row_splits, inputs
        for _ in range(inputs.ragged_rank - 1):
            rows = rows.values
        outputs = self._of_rows(rows.to_tensor())
        return tf.RaggedTensor.from_nested_row_splits(outputs, splits[:-1])

    def _of_rows(self, inputs: Any) -> Any:
        rank = inputs.shape.rank
        if isinstance(inputs, tf.SparseTensor) and rank in (None, 2):
            filled, _ = tf.sparse.fill_empty_rows(inputs, 0)
            ids = tf.SparseTensor(filled.indices, filled.indices[:, 1], filled.dense_shape)
            outputs = tf.nn.embedding_lookup_sparse(self.kernel, ids, filled, combiner="sum")
        elif rank in (None, 2):
            outputs = tf.matmul(inputs, self.kernel)
        else:
            outputs = tf.tensordot(inputs, self.kernel, [[rank - 1], [0]])
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's, with `units` as the last axis."""
        self._last(input_shape)
        return tf.TensorShape(input_shape)[:-1].concatenate(self.units)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
        return super().get_config() | own | self._weights_config()


class Activation(Layer):
    """A function of a tensor as a layer.

    Args:
        activation: the function, or its name (see `keras.activations`).
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """``activation(inputs)``."""
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"activation": activations.serialize(self.activation)}


class Identity(Layer):
    """Gives its inputs."""

    def call(self, inputs: Any) -> Any:
        """The inputs, a tensor or a structure of tensors."""
        return tf.nest.map_structure(tf.identity, inputs)


class Masking(Layer):
    """Masks the time steps at which all features have one value, and sets them to 0.

    Args:
        mask_value: the value.
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where a step counts."""
        return tf.reduce_any(tf.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        """The inputs, with 0 for the steps that do not count."""
        counts = tf.reduce_any(tf.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = inputs * tf.cast(counts, inputs.dtype)
        set_mask(outputs, tf.squeeze(counts, axis=-1))
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"mask_value": self.mask_value}


class Embedding(WeightedLayer):
    """Rows of a matrix, looked up by their numbers.

    Args:
        input_dim: how many rows there are: one more than the largest number.
        output_dim: the length of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: see `Dense`.
        activity_regularizer: see `Dense`.
        mask_zero: is 0 no number of a row, but padding, and masked?
        input_length: the length of the sequences of numbers, where it is one.
        sparse: is the result a `SparseTensor`?

    Inputs may be sparse: the result then is dense, and rows that have no number are row 0.

    Raises:
        ValueError: a size is not positive, or both `sparse` and `mask_zero` are given.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if "input_shape" not in kwargs:
            kwargs["input_shape"] = (input_length or None,)
        if input_dim <= 0 or output_dim <= 0:
            raise ValueError(
                f"Both `input_dim` and `output_dim` should be positive, Received input_dim = {input_dim} and "
                f"output_dim = {output_dim}"
            )
        if sparse and mask_zero:
            raise ValueError(
                "`mask_zero` cannot be enabled when `tf.keras.layers.Embedding` is used with `tf.SparseTensor` input."
            )
        one_hot = kwargs.pop("use_one_hot_matmul", False)
        super().__init__(activity_regularizer=activity_regularizer, **(kwargs | {"autocast": False}))
        self.input_dim, self.output_dim = input_dim, output_dim
        self._tell("embeddings", embeddings_initializer, embeddings_regularizer, embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.input_length = input_length
        self.sparse = sparse
        self._one_hot = one_hot

    def build(self, input_shape: Any = None) -> None:
        """Make the matrix."""
        self.embeddings = self._add(
            "embeddings", (self.input_dim, self.output_dim), experimental_autocast=False
        )
        super().build(input_shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where a number counts; None without `mask_zero`."""
        return tf.not_equal(inputs, 0) if self.mask_zero else None

    def call(self, inputs: Any) -> Any:
        """The rows: the numbers' shape, and an axis of `output_dim` behind it."""
        if inputs.dtype.name not in ("int32", "int64"):
            inputs = tf.cast(inputs, "int32")
        if isinstance(inputs, tf.SparseTensor) and self.sparse:
            rows: Any = self._of_sparse(inputs)
        elif isinstance(inputs, tf.SparseTensor):
            rows = tf.nn.embedding_lookup(self.embeddings, tf.sparse.to_dense(inputs))
        elif self._one_hot:
            rows = tf.matmul(tf.one_hot(inputs, self.input_dim, dtype=self.dtype), self.embeddings)
        else:
            rows = tf.nn.embedding_lookup(self.embeddings, inputs)
        if self.sparse and not isinstance(rows, tf.SparseTensor):
            rows = tf.sparse.from_dense(rows)
        if self.compute_dtype != self.dtype:
            rows = tf.cast(rows, self.compute_dtype)
        return rows

    def _of_sparse(self, inputs: Any) -> Any:
        rows = tf.nn.embedding_lookup(self.embeddings, inputs.values)
        size = tf.cast(self.output_dim, tf.int64)
        shape = tf.concat([inputs.dense_shape, [size]], 0)
        where = tf.repeat(inputs.indices, [self.output_dim], axis=0)
        last = tf.tile(tf.range(size), [tf.shape(inputs.indices)[0]])
        return tf.SparseTensor(tf.concat([where, last[:, None]], 1), tf.reshape(rows, [-1]), shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The numbers' shape, and `output_dim`.

        Raises:
            ValueError: it contradicts `input_length`.
        """
        shape = tf.TensorShape(input_shape)
        if self.input_length is not None:
            lengths = (
                self.input_length if isinstance(self.input_length, (list, tuple)) else [self.input_length]
            )
            if not shape[1:].is_compatible_with(lengths):
                raise ValueError(
                    f'"input_length" is {self.input_length}, but received input has shape {input_shape}'
                )
            shape = shape[:1].concatenate(shape[1:].merge_with(lengths))
        return shape.concatenate(self.output_dim)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "mask_zero": self.mask_zero,
            "input_length": self.input_length,
        }
        return super().get_config() | own | self._weights_config()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer from what `get_config` gave; sizes may be objects in their own configs."""
        sizes = {
            k: deserialize_keras_object(config[k])
            for k in ("input_dim", "output_dim")
            if isinstance(config[k], dict)
        }
        return super().from_config({**config, **sizes})
