"""`LSTM`: long short-term memory (Hochreiter 1997)."""

from __future__ import annotations

from typing import Any

import calque as tf

from ...backend.tensors import dot
from .cell_layer import FusedLayer
from .cells import MemoryCell, arguments_for, dropped

__all__ = ["LSTM", "LSTMCell"]


class LSTMCell(MemoryCell):
    """A cell with a memory, to which gates add and of which they forget.

    Args:
        units: the size of output and memory.
        activation: of what is added to the memory, and of the memory before it is put out.
        recurrent_activation: of the gates.
        use_bias: is there a bias?
        kernel_initializer, recurrent_initializer, bias_initializer: give the weights' first values.
        unit_forget_bias: does the bias of the gate that forgets start with 1?
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights whose values are added
            to `losses`.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each optimizer step.
        dropout, recurrent_dropout: the shares of the inputs and of the state that are dropped in training.

    Further keyword arguments: ``implementation=2``, the gates in one product, or 1, in four, each with dropout of its
    own. The weights' columns are those of the gates input, forget, cell and output.

    Raises:
        ValueError: `units` is not positive.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        super().__init__(told=locals(), **arguments_for(MemoryCell, locals()), **kwargs)
        self.implementation = 1 if self.recurrent_dropout != 0 else kwargs.get("implementation", 2)
        self.state_size = [units, units]
        self.output_size = units

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """One time step, from output and memory: the output, and the new output and memory."""
        masks = self.get_dropout_mask_for_cell(inputs, training, count=4)
        state_masks = self.get_recurrent_dropout_mask_for_cell(states[0], training, count=4)
        if self.implementation != 1:
            x = inputs * masks[0] if 0 < self.dropout < 1 else inputs
            return self.fused(x, states, self.kernel, self.recurrent_kernel, self.bias)
        gates = []
        for x, kernel in zip(
            dropped(inputs, masks, self.dropout, 4), tf.split(self.kernel, 4, axis=1), strict=True
        ):
            gates.append(dot(x, kernel))
        if self.use_bias:
            biases = tf.split(self.bias, 4, axis=0)
            gates = [tf.nn.bias_add(x, bias) for x, bias in zip(gates, biases, strict=True)]
        state = dropped(states[0], state_masks, self.recurrent_dropout, 4)
        kernels = tf.split(self.recurrent_kernel, 4, axis=1)
        gates = [x + dot(h, kernel) for x, h, kernel in zip(gates, state, kernels, strict=True)]
        return self._output(gates, states[1])

    def fused(self, inputs: Any, states: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        """One time step with these weights, the gates in one product."""
        z = dot(inputs, kernel) + dot(states[0], recurrent_kernel)
        if bias is not None:
            z = tf.nn.bias_add(z, bias)
        return self._output(tf.split(z, 4, axis=1), states[1])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a cell from."""
        return super().get_config() | {"implementation": self.implementation}


class LSTM(FusedLayer):
    """A recurrent layer of `LSTMCell`; see there for the arguments of the cell, and `RNN` for the others.

    Args:
        activity_regularizer: a function of the output whose value is added to `losses`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        time_major: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(LSTMCell, locals(), **kwargs)

    @property
    def unit_forget_bias(self) -> Any:
        """Does the bias of the gate that forgets start with 1?"""
        return self.cell.unit_forget_bias
