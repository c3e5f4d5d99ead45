"""Convolutions of each channel by itself, alone or with a mixing of the channels behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from .conv_arguments import in_channels_last, tensorflow_format
from .convolution import ConvolutionBase

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]


class _DepthwiseConv(ConvolutionBase):
    """Convolutions of each channel by `depth_multiplier` windows of its own.

    Args:
        depth_multiplier: how many results each channel gives.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the kernel, whose shape is
            ``(*kernel_size, channels, depth_multiplier)``.

    The others are those of `ConvolutionBase`.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            None,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.depth_multiplier = depth_multiplier
        self._tell("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        shape = tf.TensorShape(input_shape)
        if shape.rank != self.rank + 2:
            raise ValueError(
                f"Inputs to `DepthwiseConv` should have rank {self.rank + 2}. Received input_shape={input_shape}."
            )
        channels = self._channels(shape)
        size = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self._add("depthwise", size, name="depthwise_kernel")
        self.bias = self._add("bias", (channels * self.depth_multiplier,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        super().build(input_shape)

    def _channels_output(self, channels: int | None) -> int | None:
        return None if channels is None else channels * self.depth_multiplier

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        config = super().get_config()
        del config["filters"]
        return config | {"depth_multiplier": self.depth_multiplier}


class DepthwiseConv1D(_DepthwiseConv):
    """Convolution along one axis, of each channel by itself; arguments: `ConvolutionBase`, and `depth_multiplier`."""

    rank = 1

    def call(self, inputs: Any) -> Any:
        """``activation(convolution + bias)``."""

        def run(x: Any) -> Any:
            kernel = tf.expand_dims(self.depthwise_kernel, 0)
            steps, padding = self._spread(self.strides * 2), self.padding.upper()
            kind = tensorflow_format(self.data_format, 2)
            y = tf.nn.depthwise_conv2d(x, kernel, steps, padding, kind, (1, *self.dilation_rate))
            return self._with_bias(y, 2)

        return self.activation(_as_image(inputs, self.data_format, run))


class DepthwiseConv2D(_DepthwiseConv):
    """Convolution of images, of each channel by itself; arguments: `ConvolutionBase`, and `depth_multiplier`."""

    rank = 2

    def call(self, inputs: Any) -> Any:
        """``activation(convolution + bias)``."""

        def run(x: Any) -> Any:
            steps, padding = [1, *self.strides, 1], self.padding.upper()
            return tf.nn.depthwise_conv2d(
                x, self.depthwise_kernel, steps, padding, dilations=self.dilation_rate
            )

        return self.activation(self._with_bias(in_channels_last(inputs, self.data_format, 2, run)))


class _SeparableConv(ConvolutionBase):
    """Convolutions of each channel by itself, and then of all channels at each place.

    Args:
        depth_multiplier: how many results each channel gives, before they are mixed.
        depthwise_initializer, depthwise_regularizer, depthwise_constraint: of the first kernel, whose shape is
            ``(*kernel_size, channels, depth_multiplier)``.
        pointwise_initializer, pointwise_regularizer, pointwise_constraint: of the second, whose shape is
            ``(1, [1,] channels * depth_multiplier, filters)``.
        **kwargs: those of every layer; also `groups` and those of a `kernel`, which only the config has.

    The others are those of `ConvolutionBase`.
    """

    def __init__(
        self,
        filters: Any,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        unused = [kwargs.pop(f"kernel_{kind}", None) for kind in ("initializer", "regularizer", "constraint")]
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.depth_multiplier = depth_multiplier
        self._tell("kernel", unused[0] or "glorot_uniform", *unused[1:])
        self._tell("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._tell("pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Make the two kernels and the bias."""
        channels = self._channels(input_shape)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        first = (*self.kernel_size, channels, self.depth_multiplier)
        second = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = self._add("depthwise", first, name="depthwise_kernel")
        self.pointwise_kernel = self._add("pointwise", second, name="pointwise_kernel")
        self.bias = self._add("bias", (self.filters,)) if self.use_bias else None
        super().build(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"depth_multiplier": self.depth_multiplier}


class SeparableConv1D(_SeparableConv):
    """Separable convolution along one axis; arguments: `ConvolutionBase`, and `depth_multiplier`."""

    rank = 1
    _takes_causal = True

    def call(self, inputs: Any) -> Any:
        """``activation(convolution + bias)``."""
        inputs, padding = self._padded(inputs)

        def run(x: Any) -> Any:
            kernels = tf.expand_dims(self.depthwise_kernel, 0), tf.expand_dims(self.pointwise_kernel, 0)
            steps, kind = self._spread(self.strides * 2), tensorflow_format(self.data_format, 2)
            y = tf.nn.separable_conv2d(x, *kernels, steps, padding, kind, (1, *self.dilation_rate))
            return self._with_bias(y, 2)

        return self.activation(_as_image(inputs, self.data_format, run))


class SeparableConv2D(_SeparableConv):
    """Separable convolution of images; arguments: `ConvolutionBase`, and `depth_multiplier`."""

    rank = 2

    def call(self, inputs: Any) -> Any:
        """``activation(convolution + bias)``."""
        kernels = self.depthwise_kernel, self.pointwise_kernel
        steps, padding = self._spread(self.strides), self.padding.upper()
        y = tf.nn.separable_conv2d(inputs, *kernels, steps, padding, self._format, self.dilation_rate)
        return self.activation(self._with_bias(y))


def _as_image(x: Any, data_format: str, run: Callable[[Any], Any]) -> Any:
    """``run(x)``, where `x` has one axis of space, and `run` takes images: with a height of 1."""
    height = 1 if data_format == "channels_last" else 2
    return tf.squeeze(run(tf.expand_dims(x, height)), [height])
