"""Layers that give the numbers of each example mean 0 and variance 1, or length 1."""

from __future__ import annotations

from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from .weighted import WeightedLayer

__all__ = [
    "GroupNormalization",
    "LayerNormalization",
    "ScaledLayer",
    "UnitNormalization",
    "axes_of",
    "fused_batch_norm",
]

# Smaller values than this are raised to it by the fused op.
LEAST_EPSILON = 1.001e-5


def axes_of(axis: Any, input_shape: Any) -> list[int]:
    """An axis or several as a list of numbers from 0 on.

    Raises:
        ValueError: one is beyond the rank, or there twice.
    """
    rank = tf.TensorShape(input_shape).rank
    if not rank:
        raise ValueError(f"Input has undefined rank: {input_shape}")
    given = [axis] if isinstance(axis, int) else list(axis)
    axes = [x + rank if x < 0 else x for x in given]
    if any(not 0 <= x < rank for x in axes):
        raise ValueError(
            f"Invalid value for `axis` argument. Expected 0 <= axis < inputs.rank (with inputs.rank={rank}). Received: "
            f"axis={tuple(given)}"
        )
    if len(set(axes)) != len(axes):
        raise ValueError(f"Duplicate axis: {tuple(axes)}")
    return axes


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    epsilon: float,
    data_format: str,
    statistics: Any = None,
    training: bool = True,
    factor: float = 1.0,
) -> tuple[Any, Any, Any]:
    """Batch normalization by one op.

    Args:
        x: the inputs, of rank 4 or 5.
        scale, offset: vectors of float32, one number per channel.
        epsilon: added to the variance.
        data_format: "NHWC", "NCHW", "NDHWC" or "NCDHW".
        statistics: mean and variance so far; None where neither inference nor `factor` asks for them.
        training: are the inputs' own mean and variance taken?
        factor: the share of the inputs' own mean and variance in those returned, the rest is `statistics`.

    Returns:
        The result, the mean and the variance; the latter as sample variance (divided by the count less 1).
    """
    mean, variance = statistics if statistics is not None else (tf.constant([]), tf.constant([]))
    outputs = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=max(epsilon, LEAST_EPSILON),
        exponential_avg_factor=factor,
        data_format=data_format,
        is_training=training,
    )
    return outputs[0], outputs[1], outputs[2]


class ScaledLayer(WeightedLayer):
    """A normalization with a factor (`gamma`) and an offset (`beta`) behind it, each if it is asked for."""

    axis: Any
    gamma: Any
    beta: Any

    def _told(self, epsilon: float, center: bool, scale: bool, beta: Any, gamma: Any) -> None:
        """Keep arguments; `beta` and `gamma`: initializer, regularizer and constraint."""
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self._tell("beta", *beta)
        self._tell("gamma", *gamma)
        self.supports_masking = True

    def _add_scale(self, shape: Any, **kwargs: Any) -> None:
        """Make `gamma` and `beta`."""
        self.gamma = self._add("gamma", shape, **kwargs) if self.scale else None
        self.beta = self._add("beta", shape, **kwargs) if self.center else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "axis": self.axis if isinstance(self.axis, int) else list(self.axis),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
        }
        return super().get_config() | own | self._weights_config(activity=False)


def _axis(axis: Any) -> Any:
    if isinstance(axis, (list, tuple)):
        return list(axis)
    if isinstance(axis, int):
        return axis
    raise TypeError(
        f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}"
    )


class LayerNormalization(ScaledLayer):
    """``gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``, mean and variance of each example alone.

    Args:
        axis: the axis, or axes, along which they are taken; the weights have their sizes.
        epsilon: added to the variance.
        center, scale: is there `beta`, `gamma`?
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint:
            see `Dense`.

    Raises:
        TypeError: `axis` is something else.
        ValueError: it is beyond the rank.
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = _axis(axis)
        self._told(
            epsilon,
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        self.axis = axes_of(self.axis, input_shape)
        shape = tf.TensorShape(input_shape).as_list()
        self._add_scale([shape[axis] for axis in self.axis], experimental_autocast=False)
        last = sorted(self.axis) == list(range(len(shape) - len(self.axis), len(shape)))
        self._fused = last and self.epsilon >= LEAST_EPSILON and self.dtype == "float32"
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        if isinstance(inputs, tf.RaggedTensor):
            lengths = inputs.nested_row_lengths()
            return tf.RaggedTensor.from_tensor(self._normalized(inputs.to_tensor()), lengths)
        return self._normalized(inputs)

    def _normalized(self, inputs: Any) -> Any:
        inputs = tf.cast(inputs, self.compute_dtype)
        outputs = self._by_one_op(inputs) if self._fused else self._by_moments(inputs)
        outputs.set_shape(inputs.shape)
        return outputs

    def _by_moments(self, inputs: Any) -> Any:
        given = inputs.dtype
        if given in (tf.float16, tf.bfloat16) and self.dtype == "float32":
            inputs = tf.cast(inputs, tf.float32)
        mean, variance = tf.nn.moments(inputs, list(self.axis), keepdims=True)
        gamma, beta = self._along(self.gamma, inputs), self._along(self.beta, inputs)
        return tf.cast(tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, self.epsilon), given)

    def _by_one_op(self, inputs: Any) -> Any:
        """Examples are what channels are to batch normalization, as in TensorFlow's graphs."""
        shape, first = tf.shape(inputs), min(self.axis)
        examples = tf.reduce_prod(shape[:first])
        flat = tf.reshape(inputs, [1, examples, tf.reduce_prod(shape[first:]), 1])
        scale, offset = tf.ones([examples], self.dtype), tf.zeros([examples], self.dtype)
        outputs = tf.reshape(fused_batch_norm(flat, scale, offset, self.epsilon, "NCHW")[0], shape)
        if self.scale:
            outputs *= tf.cast(self._along(self.gamma, inputs), outputs.dtype)
        if self.center:
            outputs += tf.cast(self._along(self.beta, inputs), outputs.dtype)
        return outputs

    def _along(self, weight: Any, inputs: Any) -> Any:
        """A weight with the inputs' axes."""
        rank = inputs.shape.rank
        if weight is None or weight.shape.rank == rank or self.axis == [rank - 1]:
            return weight
        return tf.reshape(weight, [inputs.shape[i] if i in self.axis else 1 for i in range(rank)])


class GroupNormalization(ScaledLayer):
    """``gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``, of each example and each group of channels alone.

    Args:
        groups: how many groups; -1: each channel is one.
        axis: where the channels are.
        epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
        beta_constraint, gamma_constraint: see `LayerNormalization`.

    Raises:
        ValueError: the channels cannot be put into groups like that.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.groups = groups
        self.axis = axis
        self._told(
            epsilon,
            center,
            scale,
            (beta_initializer, beta_regularizer, beta_constraint),
            (gamma_initializer, gamma_regularizer, gamma_constraint),
        )

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        axes_of(self.axis, input_shape)
        shape = tf.TensorShape(input_shape)
        channels = shape[self.axis]
        if channels is None:
            raise ValueError(
                f"Axis {self.axis} of input tensor should have a defined dimension but the layer received an input "
                f"with shape {input_shape}."
            )
        if self.groups == -1:
            self.groups = channels
        if channels < self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) cannot be more than the number of channels ({channels})."
            )
        if channels % self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) must be a multiple of the number of channels ({channels})."
            )
        self.input_spec = InputSpec(ndim=shape.rank, axes={self.axis: channels})
        self._add_scale((channels,))
        super().build(input_shape)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """See the class; `mask`, broadcast to the inputs' shape, says what counts for mean and variance."""
        rank, shape = inputs.shape.rank, tf.shape(inputs)
        axis = self.axis % rank
        groups = [self.groups, inputs.shape[axis] // self.groups]
        grouped = tf.stack(
            [*(shape[i] for i in range(axis)), *groups, *(shape[i] for i in range(axis + 1, rank))]
        )
        x = tf.reshape(inputs, grouped)
        axes = [i for i in range(1, rank + 1) if i != axis]
        if mask is None:
            mean, variance = tf.nn.moments(x, axes, keepdims=True)
        else:
            counts = tf.cast(tf.reshape(tf.broadcast_to(mask, shape), grouped), x.dtype)
            mean, variance = tf.nn.weighted_moments(x, axes, counts, keepdims=True)
        weight_shape = [1] * axis + groups + [1] * (rank - axis - 1)
        gamma = tf.reshape(self.gamma, weight_shape) if self.scale else None
        beta = tf.reshape(self.beta, weight_shape) if self.center else None
        outputs = tf.reshape(tf.nn.batch_normalization(x, mean, variance, beta, gamma, self.epsilon), shape)
        outputs.set_shape(inputs.shape)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"groups": self.groups}


class UnitNormalization(Layer):
    """The inputs scaled to length 1.

    Args:
        axis: the axis, or axes, along which.

    Raises:
        TypeError: it is something else.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(
                f"Invalid value for `axis` argument: expected an int or a list/tuple of ints. Received: axis={axis}"
            )
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check the axes."""
        axes_of(self.axis, input_shape)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        axis = self.axis if isinstance(self.axis, int) else list(self.axis)
        return tf.linalg.l2_normalize(tf.cast(inputs, self.compute_dtype), axis=axis)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"axis": self.axis if isinstance(self.axis, int) else list(self.axis)}
