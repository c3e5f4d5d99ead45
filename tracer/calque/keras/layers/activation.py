"""Activations as layers, some of them with weights."""

from __future__ import annotations

from typing import Any

import numpy as np

import calque as tf

from .. import activations, config
from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from .weighted import WeightedLayer

__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU"]


def _number(value: Any) -> Any:
    """A number in the precision of `keras.backend.floatx`."""
    return np.asarray(value, config.floatx())


class ELU(Layer):
    """The inputs where they are positive, ``alpha * (exp(inputs) - 1)`` elsewhere.

    Args:
        alpha: the factor.

    Raises:
        ValueError: it is None.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if alpha is None:
            raise ValueError(f"Alpha of an ELU layer cannot be None, expecting a float. Received: {alpha}")
        self.supports_masking = True
        self.alpha = _number(alpha)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return activations.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"alpha": float(self.alpha)}


class LeakyReLU(Layer):
    """The inputs where they are positive, ``alpha * inputs`` elsewhere.

    Args:
        alpha: the slope.

    Raises:
        ValueError: it is None.
    """

    def __init__(self, alpha: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if alpha is None:
            raise ValueError(
                f"The alpha value of a Leaky ReLU layer cannot be None, Expecting a float. Received: {alpha}"
            )
        self.supports_masking = True
        self.alpha = _number(alpha)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return activations.relu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"alpha": float(self.alpha)}


class PReLU(WeightedLayer):
    """The inputs where they are positive, ``alpha * inputs`` elsewhere, with a weight for `alpha`.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: see `Dense`.
        shared_axes: the axes along which there is only one slope; the weight's size is 1 there, else the inputs'.
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._tell("alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        if shared_axes is not None and not isinstance(shared_axes, (list, tuple)):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Any) -> None:
        """Make the weight."""
        shape = tf.TensorShape(input_shape).as_list()
        sizes = list(shape[1:])
        shared = self.shared_axes or ()
        for axis in shared:
            sizes[axis - 1] = 1
        self.alpha = self._add("alpha", sizes)
        axes = {axis: shape[axis] for axis in range(1, len(shape)) if shared and axis not in shared}
        self.input_spec = InputSpec(ndim=len(shape), axes=axes)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return tf.nn.relu(inputs) + -self.alpha * tf.nn.relu(-inputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | self._weights_config(activity=False) | {"shared_axes": self.shared_axes}


class ReLU(Layer):
    """The inputs where they are larger than `threshold`, ``negative_slope * (inputs - threshold)`` elsewhere.

    Args:
        max_value: what the result is at most; None: no bound.
        negative_slope: the slope below the threshold.
        threshold: the threshold.

    Raises:
        ValueError: an argument is negative.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given = {"max_value": max_value, "negative_slope": negative_slope, "threshold": threshold}
        for name, value in given.items():
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(f"{name} of a ReLU layer cannot be a negative value. Received: {value}")
        self.supports_masking = True
        self.max_value = None if max_value is None else _number(max_value)
        self.negative_slope = _number(negative_slope)
        self.threshold = _number(threshold)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
        return super().get_config() | own


class Softmax(Layer):
    """``exp(inputs) / sum(exp(inputs))``.

    Args:
        axis: along which it sums up to 1: an axis, or several.
        robust_masking: are masked elements set to a low value, rather than made lower by one?

    `mask`, of the inputs' shape, says which elements count; the others become 0.
    """

    def __init__(self, axis: Any = -1, robust_masking: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.robust_masking = robust_masking
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """See the class."""
        if mask is not None:
            low = float(inputs.dtype.min) / 2 if inputs.dtype == tf.float16 else -1e9
            if self.robust_masking:
                counts = mask if mask.dtype == tf.bool else tf.greater(mask, tf.constant(0.5, mask.dtype))
                inputs = tf.where(counts, inputs, tf.constant(low, inputs.dtype))
            else:
                inputs += (1.0 - tf.cast(mask, inputs.dtype)) * low
        axis = self.axis
        if isinstance(axis, (tuple, list)):
            if len(axis) > 1:
                return tf.exp(inputs - tf.reduce_logsumexp(inputs, axis=axis, keepdims=True))
            axis = axis[0]
        return activations.softmax(inputs, axis=axis)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        more = {"robust_masking": True} if self.robust_masking else {}
        return super().get_config() | {"axis": self.axis} | more


class ThresholdedReLU(Layer):
    """The inputs where they are larger than `theta`, 0 elsewhere.

    Args:
        theta: the threshold.

    Raises:
        ValueError: it is None or negative.
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if theta is None:
            raise ValueError(
                f"Theta of a Thresholded ReLU layer cannot be None, expecting a float. Received: {theta}"
            )
        if theta < 0:
            raise ValueError(f"The theta value of a Thresholded ReLU layer should be >=0. Received: {theta}")
        self.supports_masking = True
        self.theta = _number(theta)

    def call(self, inputs: Any) -> Any:
        """See the class."""
        return inputs * tf.cast(tf.greater(inputs, tf.cast(self.theta, inputs.dtype)), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"theta": float(self.theta)}
