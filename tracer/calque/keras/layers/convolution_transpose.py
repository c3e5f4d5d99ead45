"""Transposed convolutions: what the gradient of a convolution is for its inputs, as layers that make images larger."""

from __future__ import annotations

from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from .conv_arguments import in_channels_last, sizes_of, transposed_output
from .convolution import ConvolutionBase

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]


class _ConvTranspose(ConvolutionBase):
    """Transposed convolutions by a kernel of shape ``(*kernel_size, filters, channels)``.

    Args:
        output_padding: how much longer the result is than the shortest whose convolution has the inputs' shape, one
            number or one per axis of space, below `strides`; None: it follows from the other arguments.

    The others are those of `ConvolutionBase`; `strides` say how far apart the inputs stand in the result.
    """

    def __init__(
        self,
        filters: Any,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self._tell("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.output_padding = output_padding
        if output_padding is None:
            return
        self.output_padding = sizes_of(output_padding, self.rank, "output_padding", allow_zero=True)
        if any(more >= stride for stride, more in zip(self.strides, self.output_padding, strict=True)):
            raise ValueError(
                f"Strides must be greater than output padding. Received strides={self.strides}, "
                f"output_padding={self.output_padding}."
            )

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        shape = tf.TensorShape(input_shape)
        if shape.rank != self.rank + 2:
            raise ValueError(f"Inputs should have rank {self.rank + 2}. Received input_shape={input_shape}.")
        channels = self._channels(shape)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        self.kernel = self._add("kernel", (*self.kernel_size, self.filters, channels))
        self.bias = self._add("bias", (self.filters,)) if self.use_bias else None
        super().build(input_shape)

    def _space_output(self, sizes: list[Any]) -> list[Any]:
        more = self.output_padding or (None,) * self.rank
        far = self.dilation_rate if self.rank < 3 else (1, 1, 1)
        windows = zip(sizes, self.kernel_size, more, self.strides, far, strict=True)
        return [transposed_output(n, size, self.padding, add, step, by) for n, size, add, step, by in windows]

    def call(self, inputs: Any) -> Any:
        """``activation(transposed convolution + bias)``."""
        outputs = self._transposed(inputs)
        if not tf.executing_eagerly() and inputs.shape.rank is not None:
            outputs.set_shape(self.compute_output_shape(inputs.shape))
        return self.activation(self._with_bias(outputs))

    def _transposed(self, inputs: Any) -> Any:
        raise NotImplementedError

    def _output_sizes(self, inputs: Any, data_format: str) -> Any:
        """The shape of the result for inputs in this data format, as a tensor."""
        given, known = tf.shape(inputs), inputs.shape
        first = 1 if data_format == "channels_last" else 2
        space = [
            given[axis] if known.rank is None or known[axis] is None else known[axis]
            for axis in range(first, first + self.rank)
        ]
        sizes = self._space_output(space)
        if data_format == "channels_first":
            return tf.stack([given[0], self.filters, *sizes])
        return tf.stack([given[0], *sizes, self.filters])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"output_padding": self.output_padding}


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution along one axis; arguments: `ConvolutionBase`, and `output_padding`."""

    rank = 1

    def _transposed(self, inputs: Any) -> Any:
        return tf.nn.conv1d_transpose(
            inputs,
            self.kernel,
            self._output_sizes(inputs, self.data_format),
            self.strides,
            self.padding.upper(),
            self._format,
            self.dilation_rate,
        )


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution of images; arguments: `ConvolutionBase`, and `output_padding`.

    Raises:
        ValueError: the dilation rates are not the same.
    """

    rank = 2

    def _transposed(self, inputs: Any) -> Any:
        if self.dilation_rate[0] != self.dilation_rate[1]:
            raise ValueError(
                "Expected the 2 dimensions of the `dilation_rate` argument to be equal to each other. Received: "
                f"dilation_rate={self.dilation_rate}"
            )

        def run(x: Any) -> Any:
            return tf.nn.conv2d_transpose(
                x,
                self.kernel,
                self._output_sizes(x, "channels_last"),
                self.strides,
                self.padding.upper(),
                dilations=self.dilation_rate,
            )

        return in_channels_last(inputs, self.data_format, 2, run)


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution of volumes; arguments: `ConvolutionBase`, and `output_padding`; without dilation."""

    rank = 3

    def _transposed(self, inputs: Any) -> Any:
        return tf.nn.conv3d_transpose(
            inputs,
            self.kernel,
            self._output_sizes(inputs, self.data_format),
            self._spread(self.strides),
            self.padding.upper(),
            self._format,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        config = super().get_config()
        del config["dilation_rate"]
        return config
