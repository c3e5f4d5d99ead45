"""`SimpleRNN`: the output is a function of the input and of the output before."""

from __future__ import annotations

from typing import Any

import calque as tf

from ...backend.tensors import dot
from .cell_layer import VectorLayer
from .cells import DropoutCell, arguments_for

__all__ = ["SimpleRNN", "SimpleRNNCell"]


class SimpleRNNCell(DropoutCell):
    """``activation(inputs @ kernel + bias + state @ recurrent_kernel)``, which is output and state.

    Args:
        units: the size of the state.
        activation: a function of the output, or its name.
        use_bias: is there a bias?
        kernel_initializer, recurrent_initializer, bias_initializer: give the weights' first values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights whose values are added
            to `losses`.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each optimizer step.
        dropout, recurrent_dropout: the shares of the inputs and of the state that are dropped in training.

    Raises:
        ValueError: `units` is not positive.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        super().__init__(told=locals(), **arguments_for(DropoutCell, locals()), **kwargs)
        self.state_size = self.output_size = units

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """One time step: the output, and the new state, in a list if `states` is one."""
        before = states[0] if tf.nest.is_nested(states) else states
        mask = self.get_dropout_mask_for_cell(inputs, training)
        state_mask = self.get_recurrent_dropout_mask_for_cell(before, training)
        h = dot(inputs if mask is None else inputs * mask, self.kernel)
        if self.bias is not None:
            h = tf.nn.bias_add(h, self.bias)
        output = h + dot(before if state_mask is None else before * state_mask, self.recurrent_kernel)
        if self.activation is not None:
            output = self.activation(output)
        return output, [output] if tf.nest.is_nested(states) else output


class SimpleRNN(VectorLayer):
    """A recurrent layer of `SimpleRNNCell`; see there for the arguments of the cell, and `RNN` for the others.

    Args:
        activity_regularizer: a function of the output whose value is added to `losses`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        given = locals()
        kwargs.pop("implementation", None)
        super().__init__(SimpleRNNCell, given, **kwargs)

    def call(  # type: ignore[override]
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        """See `RNN.call`."""
        return super().call(inputs, mask=mask, training=training, initial_state=initial_state)

    @classmethod
    def from_config(cls, config: Any) -> Any:  # type: ignore[override]
        """A layer from what `get_config` gave; `implementation` in it means nothing."""
        return super().from_config({k: v for k, v in config.items() if k != "implementation"})
