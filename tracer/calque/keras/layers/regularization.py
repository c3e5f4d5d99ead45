"""Layers that act in training: they set a part of the inputs to 0, add noise, or add to the losses."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from ..regularizers import L1L2
from .base_random import BaseRandomLayer
from .conv_arguments import data_format_of
from .phase import when_training

__all__ = [
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]


class Dropout(BaseRandomLayer):
    """Sets elements to 0 at random in training, and makes the others larger, so that the mean stays.

    Args:
        rate: the share of elements, within [0, 1].
        noise_shape: the shape of the choice, which is broadcast to the inputs'; None in it: the inputs' size.
        seed: makes the choice repeatable.

    Raises:
        ValueError: `rate` lies outside.
    """

    def __init__(self, rate: Any, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        if isinstance(rate, (int, float)) and not 0 <= rate <= 1:
            raise ValueError(f"Invalid value {rate} received for `rate`, expected a value between 0 and 1.")
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def _get_noise_shape(self, inputs: Any) -> Any:
        if self.noise_shape is None:
            return None
        sizes = tf.shape(inputs)
        return tf.stack([sizes[i] if size is None else size for i, size in enumerate(self.noise_shape)])

    def call(self, inputs: Any, training: Any = None) -> Any:
        """See the class; without `training`, the inputs."""
        if isinstance(self.rate, Real) and self.rate == 0:
            return tf.identity(inputs)
        return when_training(
            training,
            lambda: self._random_generator.dropout(inputs, self.rate, self._get_noise_shape(inputs)),
            lambda: tf.identity(inputs),
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The inputs' shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {"rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}
        return super().get_config() | own


class SpatialDropout1D(Dropout):
    """Like `Dropout`, for whole channels of ``(batch, steps, channels)``."""

    def __init__(self, rate: Any, **kwargs: Any) -> None:
        super().__init__(rate, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _get_noise_shape(self, inputs: Any) -> Any:
        sizes = tf.shape(inputs)
        return (sizes[0], 1, sizes[2])


class _SpatialDropout(Dropout):
    """Like `Dropout`, for whole channels of images or volumes."""

    _axes: int

    def __init__(self, rate: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(rate, **kwargs)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=self._axes + 2)

    def _get_noise_shape(self, inputs: Any) -> Any:
        sizes, ones = tf.shape(inputs), (1,) * self._axes
        if self.data_format == "channels_first":
            return (sizes[0], sizes[1], *ones)
        return (sizes[0], *ones, sizes[self._axes + 1])


class SpatialDropout2D(_SpatialDropout):
    """Like `Dropout`, for whole channels of images.

    Args:
        rate: the share of channels.
        data_format: "channels_last", "channels_first"; None: `keras.backend.image_data_format()`.
    """

    _axes = 2


class SpatialDropout3D(_SpatialDropout):
    """Like `Dropout`, for whole channels of volumes; the arguments are those of `SpatialDropout2D`."""

    _axes = 3


class GaussianDropout(BaseRandomLayer):
    """Multiplies the inputs by noise of mean 1 and deviation ``sqrt(rate / (1 - rate))``, in training.

    Args:
        rate: as in `Dropout`; nothing happens outside of (0, 1).
        seed: makes the noise repeatable.
    """

    def __init__(self, rate: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.supports_masking = True
        self.rate = rate
        self.seed = seed

    def call(self, inputs: Any, training: Any = None) -> Any:
        """See the class; without `training`, the inputs."""
        if not 0 < self.rate < 1:
            return inputs
        deviation = math.sqrt(self.rate / (1.0 - self.rate))

        def noised() -> Any:
            noise = self._random_generator.random_normal(tf.shape(inputs), 1.0, deviation, inputs.dtype)
            return inputs * noise

        return when_training(training, noised, lambda: inputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


class GaussianNoise(BaseRandomLayer):
    """Adds noise of mean 0 to the inputs, in training.

    Args:
        stddev: its standard deviation.
        seed: makes it repeatable.
    """

    def __init__(self, stddev: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.supports_masking = True
        self.stddev = stddev
        self.seed = seed

    def call(self, inputs: Any, training: Any = None) -> Any:
        """See the class; without `training`, the inputs."""

        def noised() -> Any:
            noise = self._random_generator.random_normal(tf.shape(inputs), 0.0, self.stddev, inputs.dtype)
            return inputs + noise

        return when_training(training, noised, lambda: inputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"stddev": self.stddev, "seed": self.seed}


# What `selu` tends to for very small numbers: -scale * alpha.
_SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772


class AlphaDropout(BaseRandomLayer):
    """Sets elements to the least value of `selu` at random in training; mean and variance stay 0 and 1.

    Args:
        rate: the share of elements; nothing happens outside of (0, 1).
        noise_shape: the shape of the choice, which is broadcast to the inputs'.
        seed: makes the choice repeatable.
    """

    def __init__(self, rate: Any, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        """See the class; without `training`, the inputs."""
        rate = self.rate
        if not 0.0 < rate < 1.0:
            return inputs
        scale = ((1 - rate) * (1 + rate * _SELU_FLOOR**2)) ** -0.5

        def dropped() -> Any:
            shape = self.noise_shape or tf.shape(inputs)
            kept = tf.cast(self._random_generator.random_uniform(shape) >= rate, inputs.dtype)
            return scale * (inputs * kept + _SELU_FLOOR * (1 - kept)) - scale * _SELU_FLOOR * rate

        return when_training(training, dropped, lambda: inputs)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"rate": self.rate, "seed": self.seed}


class ActivityRegularization(Layer):
    """Gives its inputs, and adds to the losses.

    Args:
        l1: the factor of the sum of the inputs' absolute values.
        l2: the factor of the sum of their squares.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"l1": self.l1, "l2": self.l2}
