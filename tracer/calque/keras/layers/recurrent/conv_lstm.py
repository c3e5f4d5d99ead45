"""`ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`: LSTMs whose products are convolutions (Shi 2015)."""

from __future__ import annotations

from typing import Any

import calque as tf

from ...engine.input_spec import InputSpec
from ..conv_arguments import data_format_of, padding_of, sizes_of, tensorflow_format, window_output
from .cell_layer import CellLayer, of_cell
from .cells import MemoryCell, arguments_for, dropped

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvLSTMCell"]


class ConvLSTMCell(MemoryCell):
    """A cell of an LSTM over images, or the like.

    Args:
        rank: the number of dimensions of space.
        filters: the channels of output and memory.
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the inputs; see `Conv2D`. That
            of the state has strides of 1 and the padding "same".
        others: see `LSTMCell`.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(told=locals(), units=filters, **arguments_for(MemoryCell, locals()), **kwargs)
        self.rank = rank
        self.filters = filters
        self.__dict__["kernel_size"] = sizes_of(kernel_size, rank, "kernel_size")
        self.__dict__["strides"] = sizes_of(strides, rank, "strides", allow_zero=True)
        self.__dict__["dilation_rate"] = sizes_of(dilation_rate, rank, "dilation_rate")
        self.padding = padding_of(padding)
        self.data_format = data_format_of(data_format)
        self.__dict__["state_size"] = (filters, filters)

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]

    def build(self, input_shape: Any) -> None:
        """Make the weights.

        Raises:
            ValueError: the number of channels is not known.
        """
        channels = input_shape[1 if self.data_format == "channels_first" else -1]
        if channels is None:
            raise ValueError(
                "The channel dimension of the inputs (last axis) should be defined. Found None. Full input shape "
                f"received: input_shape={input_shape}"
            )
        columns = 4 * self.filters
        self.kernel = self._add("kernel", (*self.kernel_size, channels, columns))
        self.recurrent_kernel = self._add(
            "recurrent", (*self.kernel_size, self.filters, columns), name="recurrent_kernel"
        )
        self.bias = self._add_bias(columns) if self.use_bias else None
        self._state.build_input_shape = input_shape
        self.built = True

    def convolved(self, x: Any, kernel: Any) -> Any:
        """The convolution of the inputs."""
        return tf.nn.convolution(
            x,
            kernel,
            strides=list(self.strides),
            padding=self.padding.upper(),
            data_format=tensorflow_format(self.data_format, self.rank),
            dilations=list(self.dilation_rate),
        )

    def _of_state(self, h: Any, kernel: Any) -> Any:
        layout = tensorflow_format(self.data_format, self.rank)
        return tf.nn.convolution(h, kernel, padding="SAME", data_format=layout)

    def _with_bias(self, x: Any, bias: Any) -> Any:
        if self.data_format == "channels_first":
            return x + tf.reshape(bias, [1, -1, *(1 for _ in range(self.rank))])
        return tf.nn.bias_add(x, bias) if self.rank < 3 else x + bias

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """One time step, from output and memory: the output, and the new output and memory."""
        masks = self.get_dropout_mask_for_cell(inputs, training, count=4)
        state_masks = self.get_recurrent_dropout_mask_for_cell(states[0], training, count=4)
        kernels = tf.split(self.kernel, 4, axis=self.rank + 1)
        x = [
            self.convolved(v, k)
            for v, k in zip(dropped(inputs, masks, self.dropout, 4), kernels, strict=True)
        ]
        if self.use_bias:
            x = [self._with_bias(v, bias) for v, bias in zip(x, tf.split(self.bias, 4), strict=True)]
        kernels = tf.split(self.recurrent_kernel, 4, axis=self.rank + 1)
        state = dropped(states[0], state_masks, self.recurrent_dropout, 4)
        gates = [v + self._of_state(h, k) for v, h, k in zip(x, state, kernels, strict=True)]
        return self._output(gates, states[1])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a cell from."""
        config = super().get_config()
        del config["units"]
        return config | {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


class _ConvLSTM(CellLayer):
    """A recurrent layer over images, or the like: ``(batch, time, ..., channels)``.

    Args:
        filters: the channels of the output.
        kernel_size, strides, padding, data_format, dilation_rate: see `ConvLSTMCell`.
        activity_regularizer: a function of the output whose value is added to `losses`.
        return_sequences, return_state, go_backwards, stateful: see `RNN`.
        others: see `LSTMCell`.

    Raises:
        TypeError: `unroll` is given.
    """

    _rank: int

    filters = of_cell("filters")
    kernel_size = of_cell("kernel_size")
    strides = of_cell("strides")
    padding = of_cell("padding")
    data_format = of_cell("data_format")
    dilation_rate = of_cell("dilation_rate")
    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        given = locals()
        if kwargs.get("unroll"):
            raise TypeError("Unrolling is not possible with convolutional RNNs. Received: unroll=True")
        told: dict[str, Any] = {"rank": self._rank, "dtype": kwargs.get("dtype"), "name": "conv_lstm_cell"}
        cell = ConvLSTMCell(**arguments_for(ConvLSTMCell, given), **told)
        super().__init__(cell, given, **kwargs)
        self.input_spec = [InputSpec(ndim=self._rank + 3)]

    def _build_cell(self, shape: Any) -> None:
        self.cell.build(shape)  # not under the cell's own name, in Keras 2

    def _shaped(self, leading: Any, space: Any) -> Any:
        """A shape with these dimensions of space, and the channels."""
        cell = self.cell
        if cell.data_format == "channels_first":
            return tf.TensorShape([*leading, cell.filters, *space])
        return tf.TensorShape([*leading, *space, cell.filters])

    def _state_sizes(self) -> list[Any]:
        return [self._shaped([], [None] * self._rank)] * 2

    def _space(self, shape: Any) -> list[int | None]:
        """The dimensions of space of the output for an input shape."""
        cell = self.cell
        space = shape[3:] if cell.data_format == "channels_first" else shape[2:-1]
        windows = zip(cell.kernel_size, cell.strides, cell.dilation_rate, strict=True)
        return [
            window_output(length, size, cell.padding, stride, dilation)
            for length, (size, stride, dilation) in zip(space, windows, strict=True)
        ]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output, or a list with those of the states behind it."""
        shape = tf.TensorShape(input_shape[0] if isinstance(input_shape, list) else input_shape).as_list()
        space = self._space(shape)
        output = self._shaped(shape[:2] if self.return_sequences else shape[:1], space)
        return [output, *[self._shaped(shape[:1], space)] * 2] if self.return_state else output

    def get_initial_state(self, inputs: Any) -> list[Any]:
        """Zeros, in the shape of a convolved time step of the inputs."""
        cell = self.cell
        kernel = tf.zeros([*cell.kernel.shape[:-1], cell.filters], inputs.dtype)
        return [cell.convolved(tf.reduce_sum(tf.zeros_like(inputs), axis=1), kernel)] * 2

    def _first_states(self, batch: int) -> Any:
        space = self._space(self.input_spec[0].shape)
        if None in space:
            raise ValueError(
                "If a RNN is stateful, it needs to know its batch size, and a convolutional one the number of rows and "
                "columns: specify them by a `batch_input_shape` or `batch_shape`."
            )
        return [tf.zeros(self._shaped([batch], space), self.variable_dtype or "float32") for _ in range(2)]


class ConvLSTM1D(_ConvLSTM):
    """An LSTM over sequences of rows, ``(batch, time, rows, channels)``."""

    _rank = 1


class ConvLSTM2D(_ConvLSTM):
    """An LSTM over sequences of images, ``(batch, time, rows, columns, channels)``."""

    _rank = 2


class ConvLSTM3D(_ConvLSTM):
    """An LSTM over sequences of volumes, ``(batch, time, ..., channels)``."""

    _rank = 3
