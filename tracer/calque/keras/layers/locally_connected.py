"""Convolutions with another kernel at each place."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

import calque as tf

from .. import activations
from ..engine.input_spec import InputSpec
from .conv_arguments import data_format_of, padding_of, sizes_of, window_output
from .weighted import WeightedLayer

__all__ = ["LocallyConnected1D", "LocallyConnected2D"]


class _LocallyConnected(WeightedLayer):
    """Convolutions with another kernel at each place.

    Args:
        filters: how many channels the result has.
        kernel_size: the window's size, one number or one per axis of space.
        strides: how far apart the window's places are.
        padding: "valid", or "same" but for implementation 1.
        data_format: where the channels are, "channels_last" or "channels_first"; None: the default.
        activation: a function of the result, or its name; None: none.
        use_bias: is there a bias, which differs from place to place?
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
        kernel_constraint, bias_constraint: see `Dense`.
        implementation: what the kernel's shape is: 1, ``(places, window * channels, filters)``; 2, all inputs by all
            outputs, most of which is not used; 3, a vector of just those that are used.

    Raises:
        ValueError: an argument is none of these; a size of the inputs is not known, or smaller than the window.
    """

    rank: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = filters
        self.kernel_size = sizes_of(kernel_size, self.rank, "kernel_size")
        self.strides = sizes_of(strides, self.rank, "strides", allow_zero=True)
        self.padding = padding_of(padding, "causal")
        if self.padding != "valid" and implementation == 1:
            raise ValueError(
                f'Invalid border mode for {type(self).__name__} (only "valid" is supported if implementation is 1): '
                f"{padding}"
            )
        if implementation not in (1, 2, 3):
            raise ValueError(f"Unrecognized implementation mode: {implementation}.")
        self.data_format = data_format_of(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._tell("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._tell("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.implementation = implementation
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _first(self) -> bool:
        return self.data_format == "channels_first"

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        shape = tf.TensorShape(input_shape).as_list()
        channels = shape[1] if self._first else shape[-1]
        space = tuple(shape[2:] if self._first else shape[1:-1])
        if None in space or channels is None:
            raise ValueError(
                f"The spatial dimensions of the inputs to a {type(self).__name__} layer should be fully-defined, but "
                f"layer received the inputs shape {input_shape}"
            )
        places = self._places(space)
        if min(places) <= 0:
            raise ValueError(
                f"One of the dimensions in the output is <= 0 due to downsampling in {self.name}. Consider increasing "
                f"the input size. Received input shape {input_shape} which would produce output shape with a zero or "
                "negative value in a dimension."
            )
        held = self.__dict__
        held["_space"], held["_channels"], held["_output"] = space, channels, places
        self.kernel = self._add("kernel", self._kernel_shape())
        self.bias = self._add("bias", (*places, self.filters)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={1 if self._first else -1: channels})
        super().build(input_shape)

    _space: tuple[int, ...]  # sizes of the inputs
    _channels: int
    _output: tuple[int, ...]  # and of the result

    def _places(self, space: Any) -> tuple[Any, ...]:
        windows = zip(space, self.kernel_size, self.strides, strict=True)
        return tuple(window_output(n, size, self.padding, step) for n, size, step in windows)

    def _with_channels(self, space: tuple[int, ...], channels: int) -> tuple[int, ...]:
        return (channels, *space) if self._first else (*space, channels)

    def _kernel_shape(self) -> tuple[int, ...]:
        if self.implementation == 1:
            return (math.prod(self._output), math.prod(self.kernel_size) * self._channels, self.filters)
        inputs = self._with_channels(self._space, self._channels)
        outputs = self._with_channels(self._output, self.filters)
        if self.implementation == 2:
            return (*inputs, *outputs)
        self.__dict__["_pairs"] = np.argwhere(self._used().T)
        return (len(self._pairs),)

    def _used(self) -> Any:
        """Which elements of the inputs (rows) matter to which of the result (columns)."""
        used: Any = np.zeros((*self._space, *self._output), bool)
        for place in itertools.product(*map(range, self._output)):
            window = []
            for at, size, step in zip(place, self.kernel_size, self.strides, strict=True):
                start = at * step - (0 if self.padding == "valid" else size // 2)
                window.append(slice(max(start, 0), start + size))
            used[tuple(window) + place] = True
        first, last = (0, self.rank + 1) if self._first else (self.rank, 2 * self.rank + 1)
        whole = np.expand_dims(used, (first, last))
        sizes = list(whole.shape)
        sizes[first], sizes[last] = self._channels, self.filters
        inputs = math.prod(self._space) * self._channels
        return np.broadcast_to(whole, sizes).reshape(inputs, -1)

    _pairs: Any  # of result and input, by number, in implementation 3

    def call(self, inputs: Any) -> Any:
        """``activation(convolution + bias)``."""
        run = (self._by_windows, self._by_matrix, self._by_sparse_matrix)[self.implementation - 1]
        outputs = run(inputs)
        if self.use_bias:
            outputs += tf.reshape(self.bias, (1, *self._with_channels(self._output, self.filters)))
        return self.activation(outputs)

    def _by_windows(self, inputs: Any) -> Any:
        rows = []
        for place in itertools.product(*map(range, self._output)):
            windows = zip(place, self.kernel_size, self.strides, strict=True)
            window = [slice(at * step, at * step + size) for at, size, step in windows]
            before = [slice(None)] * (2 if self._first else 1)
            rows.append(tf.reshape(inputs[tuple(before + window)], (1, -1, self.kernel.shape[1])))
        products = tf.matmul(tf.concat(rows, axis=0), self.kernel)
        outputs = tf.reshape(products, (*self._output, -1, self.filters))
        n = self.rank
        return tf.transpose(outputs, [n, n + 1, *range(n)] if self._first else [n, *range(n), n + 1])

    def _by_matrix(self, inputs: Any) -> Any:
        flat = tf.reshape(inputs, (tf.shape(inputs)[0], -1))
        used = self._used()
        matrix = tf.reshape(self.kernel, used.shape) * tf.constant(used.astype(float), self.kernel.dtype)
        return self._unflattened(tf.matmul(flat, matrix))

    def _by_sparse_matrix(self, inputs: Any) -> Any:
        flat = tf.reshape(inputs, (tf.shape(inputs)[0], -1))
        sizes = math.prod(self._output) * self.filters, math.prod(self._space) * self._channels
        matrix = tf.SparseTensor(self._pairs, tf.convert_to_tensor(self.kernel), sizes)
        product = tf.sparse.sparse_dense_matmul(matrix, flat, adjoint_b=True)
        return self._unflattened(tf.transpose(product))

    def _unflattened(self, flat: Any) -> Any:
        return tf.reshape(flat, [tf.shape(flat)[0], *self._with_channels(self._output, self.filters)])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result."""
        shape = tf.TensorShape(input_shape).as_list()
        places = self._places(shape[2:] if self._first else shape[1:-1])
        return tf.TensorShape([shape[0], *self._with_channels(places, self.filters)])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        own = {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "implementation": self.implementation,
        }
        return super().get_config() | own | self._weights_config()


class LocallyConnected1D(_LocallyConnected):
    """A convolution along one axis with another kernel at each place; for the arguments, see `LocallyConnected2D`."""

    rank = 1


class LocallyConnected2D(_LocallyConnected):
    """A convolution of images with another kernel at each place.

    Args:
        filters, kernel_size, strides, data_format, activation, use_bias and those of weights: as in `Conv2D`.
        padding: "valid", or "same" but for implementation 1.
        implementation: 1, 2 or 3: what the kernel's shape is; see above.
    """

    rank = 2
