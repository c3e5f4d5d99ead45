"""Layers that take the largest value or the mean of windows, or of everything."""

from __future__ import annotations

from typing import Any

import calque as tf

from ..engine.input_spec import InputSpec
from ..engine.layer import Layer
from .conv_arguments import (
    data_format_of,
    in_channels_last,
    padding_of,
    sizes_of,
    tensorflow_format,
    window_output,
)

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]


class _Pooling(Layer):
    """One number for each place of a window, in each channel.

    Args:
        pool_size: the window's size, one number or one per axis of space.
        strides: how far apart the window's places are; None: `pool_size`.
        padding: "valid" (only places within the inputs) or "same" (as many as the inputs have, by `strides`).
        data_format: where the channels are, "channels_last" or "channels_first"; None: the default.
    """

    _space: int
    _kind: str  # "max" or "avg"
    _default_format: str | None = None

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: Any = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        n = self._space
        self.pool_size = sizes_of(pool_size, n, "pool_size")
        self.strides = sizes_of(pool_size if strides is None else strides, n, "strides", allow_zero=True)
        self.padding = padding_of(padding, "causal")
        self.data_format = data_format_of(data_format or self._default_format)
        self.input_spec = InputSpec(ndim=n + 2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        shape = tf.TensorShape(input_shape).as_list()
        first = 1 if self.data_format == "channels_last" else 2
        for i, (size, stride) in enumerate(zip(self.pool_size, self.strides, strict=True), first):
            shape[i] = window_output(shape[i], size, self.padding, stride)
        return tf.TensorShape(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }
        return super().get_config() | own


class _Pooling1D(_Pooling):
    _space = 1
    _default_format = "channels_last"

    def call(self, inputs: Any) -> Any:
        """One number for each place of the window."""
        pool = tf.nn.max_pool2d if self._kind == "max" else tf.nn.avg_pool2d
        width = 2 if self.data_format == "channels_last" else 3
        size, steps, padding = (*self.pool_size, 1), (*self.strides, 1), self.padding.upper()
        outputs = in_channels_last(
            tf.expand_dims(inputs, width), self.data_format, 2, lambda x: pool(x, size, steps, padding)
        )
        return tf.squeeze(outputs, [width])


class _Pooling2D(_Pooling):
    _space = 2

    def call(self, inputs: Any) -> Any:
        """One number for each place of the window."""
        pool = tf.nn.max_pool2d if self._kind == "max" else tf.nn.avg_pool2d
        kind = tensorflow_format(self.data_format, 2)
        return pool(inputs, self.pool_size, self.strides, self.padding.upper(), data_format=kind)


class _Pooling3D(_Pooling):
    _space = 3

    def call(self, inputs: Any) -> Any:
        """One number for each place of the window."""
        pool = tf.nn.max_pool3d if self._kind == "max" else tf.nn.avg_pool3d
        size, steps, padding = self.pool_size, self.strides, self.padding.upper()
        return in_channels_last(inputs, self.data_format, 3, lambda x: pool(x, size, steps, padding))


class MaxPooling1D(_Pooling1D):
    """The largest value of each window along one axis.

    Args:
        pool_size, strides: the window's size, and how far apart its places are; None: `pool_size`.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".
    """

    _kind = "max"


class MaxPooling2D(_Pooling2D):
    """The largest value of each window of images; the arguments are those of `MaxPooling1D`."""

    _kind = "max"


class MaxPooling3D(_Pooling3D):
    """The largest value of each window of volumes; the arguments are those of `MaxPooling1D`."""

    _kind = "max"


class AveragePooling1D(_Pooling1D):
    """The mean of each window along one axis; the arguments are those of `MaxPooling1D`."""

    _kind = "avg"


class AveragePooling2D(_Pooling2D):
    """The mean of each window of images; the arguments are those of `MaxPooling1D`."""

    _kind = "avg"


class AveragePooling3D(_Pooling3D):
    """The mean of each window of volumes; the arguments are those of `MaxPooling1D`."""

    _kind = "avg"


class _GlobalPooling(Layer):
    """One number for each channel.

    Args:
        data_format: where the channels are, "channels_last" or "channels_first"; None: the default.
        keepdims: do the axes stay, with size 1?

    Raises:
        ValueError: an axis has no elements.
    """

    _space: int
    _default_format: str | None = None

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format or self._default_format)
        self.input_spec = InputSpec(ndim=self._space + 2)
        self.keepdims = keepdims

    @property
    def _axes(self) -> list[int]:
        first = 1 if self.data_format == "channels_last" else 2
        return list(range(first, first + self._space))

    def build(self, input_shape: Any) -> None:
        """Check the axes."""
        shape = tf.TensorShape(input_shape)
        for axis in self._axes:
            if shape[axis] == 0:
                raise ValueError(
                    f"Incorrect input shape {shape.as_list()} with dimension 0 at reduction axis {axis}."
                )
        super().build(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        shape = tf.TensorShape(input_shape).as_list()
        if self.keepdims:
            return tf.TensorShape([1 if i in self._axes else size for i, size in enumerate(shape)])
        return tf.TensorShape([size for i, size in enumerate(shape) if i not in self._axes])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        return super().get_config() | {"data_format": self.data_format, "keepdims": self.keepdims}


class _GlobalMax(_GlobalPooling):
    def call(self, inputs: Any) -> Any:
        """The largest value of each channel."""
        return tf.reduce_max(inputs, axis=self._axes, keepdims=self.keepdims)


class _GlobalAverage(_GlobalPooling):
    def call(self, inputs: Any) -> Any:
        """The mean of each channel."""
        return tf.reduce_mean(inputs, axis=self._axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMax):
    """The largest value of each channel of ``(batch, steps, channels)``.

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: does the axis stay, with size 1?
    """

    _space = 1
    _default_format = "channels_last"


class GlobalMaxPooling2D(_GlobalMax):
    """The largest value of each channel of images; the arguments are those of `GlobalMaxPooling1D`."""

    _space = 2


class GlobalMaxPooling3D(_GlobalMax):
    """The largest value of each channel of volumes; the arguments are those of `GlobalMaxPooling1D`."""

    _space = 3


class GlobalAveragePooling1D(_GlobalAverage):
    """The mean of each channel of ``(batch, steps, channels)``, over the steps that a mask leaves.

    The arguments are those of `GlobalMaxPooling1D`.
    """

    _space = 1
    _default_format = "channels_last"
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The mean of each channel; `mask`, of shape ``(batch, steps)``: which steps count."""
        if mask is None:
            return super().call(inputs)
        counts = tf.expand_dims(tf.cast(mask, inputs.dtype), 2 if self.data_format == "channels_last" else 1)
        total = tf.reduce_sum(inputs * counts, axis=self._axes, keepdims=self.keepdims)
        return total / tf.reduce_sum(counts, axis=self._axes, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: there are no steps left."""
        return None


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean of each channel of images; the arguments are those of `GlobalMaxPooling1D`."""

    _space = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """The mean of each channel of volumes; the arguments are those of `GlobalMaxPooling1D`."""

    _space = 3
