"""Convolutions along one, two or three axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import calque as tf

from .. import activations
from ..engine.input_spec import InputSpec
from .conv_arguments import data_format_of, padding_of, sizes_of, tensorflow_format, window_output
from .weighted import WeightedLayer

__all__ = ["Conv1D", "Conv2D", "Conv3D", "ConvolutionBase"]


class ConvolutionBase(WeightedLayer):
    """What convolutions of all kinds have in common.

    Args:
        filters: how many channels the result has; None: that follows from the inputs.
        kernel_size: the window's size, one number or one per axis of space.
        strides: how far apart the window's places are.
        padding: "valid" (only places within the inputs), "same" (as many as the inputs have), or "causal" (the same,
            and no place sees what comes after it; along one axis only).
        data_format: where the channels are, "channels_last" or "channels_first"; None: the default.
        dilation_rate: how far apart the window's elements are.
        groups: how many groups the channels are in; each is convolved alone.
        activation: a function of the result, or its name; None: none.
        use_bias: is there a bias?
        bias_initializer, bias_regularizer, bias_constraint, activity_regularizer: see `Dense`.

    Raises:
        ValueError: an argument is none of these, or they do not fit together, or the inputs.
    """

    rank: int  # axes of space
    bias: Any
    _takes_causal = False
    _default_format: str | None = None

    def __init__(
        self,
        filters: Any,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = int(filters) if isinstance(filters, float) else filters
        if self.filters is not None and self.filters <= 0:
            raise ValueError(
                "Invalid value for argument `filters`. Expected a strictly positive value. Received "
                f"filters={filters}."
            )
        self.groups = groups or 1
        self.kernel_size = sizes_of(kernel_size, self.rank, "kernel_size")
        self.strides = sizes_of(strides, self.rank, "strides", allow_zero=True)
        self.padding = padding_of(padding, "causal")
        self.data_format = data_format_of(data_format or self._default_format)
        self.dilation_rate = sizes_of(dilation_rate, self.rank, "dilation_rate")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._tell("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=self.rank + 2)
        self._check_arguments()

    def _check_arguments(self) -> None:
        if self.filters is not None and self.filters % self.groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. Received: "
                f"groups={self.groups}, filters={self.filters}"
            )
        if not all(self.strides):
            raise ValueError(f"The argument `strides` cannot contains 0(s). Received: {self.strides}")
        if self.padding == "causal" and not self._takes_causal:
            raise ValueError("Causal padding is only supported for `Conv1D`and `SeparableConv1D`.")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else -1 - self.rank

    def _channels(self, input_shape: Any) -> int:
        """How many channels inputs of this shape have."""
        size: int | None = tf.TensorShape(input_shape)[self._channel_axis]
        if size is None:
            raise ValueError(
                f"The channel dimension of the inputs should be defined. The input_shape received is {input_shape}, "
                f"where axis {self._channel_axis} (0-based) is the channel dimension, which found to be `None`."
            )
        return size

    def _spread(self, sizes: tuple[int, ...]) -> list[int]:
        """Sizes along the axes of space, with 1 for batch and channels, in the order of the data format."""
        if self.data_format == "channels_first":
            return [1, 1, *sizes]
        return [1, *sizes, 1]

    @property
    def _format(self) -> str:
        return tensorflow_format(self.data_format, self.rank)

    def _padded(self, inputs: Any) -> tuple[Any, Any]:
        """The inputs, with what "causal" puts before them, and the padding of the op."""
        if self.padding != "causal":
            return inputs, self.padding.upper() if isinstance(self.padding, str) else self.padding
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        axes = [[0, 0]] * (1 if inputs.shape.rank is None else inputs.shape.rank - 2)
        space = [[before, 0], [0, 0]] if self.data_format == "channels_last" else [[0, 0], [before, 0]]
        return tf.pad(inputs, axes + space), "VALID"

    def _with_bias(self, outputs: Any, rank: int | None = None) -> Any:
        """The result with its bias, if there is one; `rank`: its axes of space, where it has others than the inputs."""
        if self.use_bias:
            axes = rank or self.rank
            first = self.data_format == "channels_first"
            if first and (axes == 1 or outputs.shape.rank not in (None, axes + 2)):
                outputs += tf.reshape(self.bias, (1, -1) + (1,) * axes)
            else:
                outputs = tf.nn.bias_add(
                    outputs, self.bias, data_format=tensorflow_format(self.data_format, axes)
                )
        return outputs

    def _space_output(self, sizes: list[Any]) -> list[Any]:
        windows = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return [window_output(n, size, self.padding, step, far) for n, size, step, far in windows]

    def _channels_output(self, channels: int | None) -> int | None:
        return self.filters

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result.

        Raises:
            ValueError: the window is larger than the inputs.
        """
        shape = tf.TensorShape(input_shape).as_list()
        batch = len(shape) - self.rank - 1
        last = self.data_format == "channels_last"
        space = self._space_output(shape[batch:-1] if last else shape[batch + 1 :])
        if any(size is not None and size < 0 for size in space):
            raise ValueError(
                f"One of the dimensions in the output is <= 0 due to downsampling in {self.name}. Consider increasing "
                f"the input size. Received input shape {shape} which would produce output shape with a zero or "
                "negative value in a dimension."
            )
        channels = self._channels_output(shape[-1] if last else shape[batch])
        return tf.TensorShape([*shape[:batch], *([*space, channels] if last else [channels, *space])])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
        return super().get_config() | own | self._weights_config()


class _Conv(ConvolutionBase):
    """Convolutions by a kernel of shape ``(*kernel_size, channels / groups, filters)``."""

    def __init__(
        self,
        filters: Any,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
            groups,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self._tell("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                "The number of input channels must be evenly divisible by the number of groups. Received "
                f"groups={self.groups}, but the input has {channels} channels (full input shape is {input_shape})."
            )
        self.compute_output_shape(input_shape)
        self.kernel = self._add("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = self._add("bias", (self.filters,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={self._channel_axis: channels})
        super().build(input_shape)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution alone, for subclasses to do more around it.

        Args:
            inputs: the inputs.
            kernel: the kernel, in the shape of the layer's own.
        """
        padding = "valid" if self.padding == "causal" else self.padding
        run = (tf.nn.conv1d, tf.nn.conv2d, tf.nn.conv3d)[self.rank - 1]
        name = type(self).__name__

        def convolve(x: Any) -> Any:
            steps, far = list(self.strides), list(self.dilation_rate)
            if self.rank == 3:
                steps, far = self._spread(self.strides), self._spread(self.dilation_rate)
            how = padding.upper() if isinstance(padding, str) else padding
            return run(x, kernel, steps, how, data_format=self._format, dilations=far, name=name)

        return _with_one_batch_axis(inputs, self.rank, convolve)

    def call(self, inputs: Any) -> Any:
        """``activation(convolution + bias)``."""
        outputs = self.convolution_op(self._padded(inputs)[0], self.kernel)
        return self.activation(self._with_bias(outputs))


def _with_one_batch_axis(x: Any, rank: int, run: Callable[[Any], Any]) -> Any:
    """``run(x)``, with all axes before the last ``rank + 1`` as one."""
    if x.shape.rank in (None, rank + 2):
        return run(x)
    batch = x.shape.rank - rank - 1
    sizes, known = tf.shape(x), x.shape
    inner = known[batch:] if known[batch:].is_fully_defined() else None
    flat = tf.reshape(x, [-1, *inner] if inner is not None else tf.concat([[-1], sizes[batch:]], 0))
    y = run(flat)
    result = tf.reshape(y, tf.concat([sizes[:batch], tf.shape(y)[1:]], 0))
    result.set_shape(known[:batch].concatenate(y.shape[1:]))
    return result


class Conv1D(_Conv):
    """Convolution along one axis, such as time: inputs are ``(batch, steps, channels)``; arguments: `ConvolutionBase`.

    `data_format` is "channels_last" where it is not given.
    """

    rank = 1
    _takes_causal = True
    _default_format = "channels_last"


class Conv2D(_Conv):
    """Convolution of images: inputs are ``(batch, height, width, channels)``; arguments: `ConvolutionBase`."""

    rank = 2


class Conv3D(_Conv):
    """Convolution of volumes: inputs are ``(batch, depth, height, width, channels)``; arguments: `ConvolutionBase`."""

    rank = 3
