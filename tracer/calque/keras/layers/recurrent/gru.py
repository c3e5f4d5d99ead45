"""`GRU`: gated recurrent units (Cho 2014)."""

from __future__ import annotations

from typing import Any

import calque as tf

from ... import activations
from ...backend.tensors import dot
from .cell_layer import FusedLayer
from .cells import DropoutCell, arguments_for, dropped

__all__ = ["GRU", "GRUCell"]


class GRUCell(DropoutCell):
    """A cell whose gates say how much of the state is replaced, and what of it counts for what replaces it.

    Args:
        units: the size of the state, which is the output.
        activation: of what replaces the state.
        recurrent_activation: of the gates.
        use_bias: is there a bias?
        kernel_initializer, recurrent_initializer, bias_initializer: give the weights' first values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights whose values are added
            to `losses`.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each optimizer step.
        dropout, recurrent_dropout: the shares of the inputs and of the state that are dropped in training.
        reset_after: is the gate that resets applied behind the product of the state, instead of before it? There are
            two biases then, one of the inputs and one of the state.

    Further keyword arguments: ``implementation=2``, the gates in one product, or 1, in three, each with dropout of its
    own. The weights' columns are those of the gates update and reset, and of the new state.

    Raises:
        ValueError: `units` is not positive.
    """

    _gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(told=locals(), **arguments_for(DropoutCell, locals()), **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.implementation = 1 if self.recurrent_dropout != 0 else kwargs.get("implementation", 2)
        self.reset_after = reset_after
        self.state_size = self.output_size = units

    def _add_bias(self, columns: int) -> Any:
        return self._add("bias", (2, columns) if self.reset_after else (columns,))

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """One time step: the output, and the new state, in a list if `states` is one."""
        before = states[0] if tf.nest.is_nested(states) else states
        masks = self.get_dropout_mask_for_cell(inputs, training, count=3)
        state_masks = self.get_recurrent_dropout_mask_for_cell(before, training, count=3)
        if self.implementation != 1:
            x = inputs * masks[0] if 0 < self.dropout < 1 else inputs
            return self.fused(x, states, self.kernel, self.recurrent_kernel, self.bias)
        bias, state_bias = self._biases(self.bias)
        gates = []
        for x, kernel in zip(
            dropped(inputs, masks, self.dropout, 3), tf.split(self.kernel, 3, axis=1), strict=True
        ):
            gates.append(dot(x, kernel))
        if bias is not None:
            gates = [tf.nn.bias_add(x, b) for x, b in zip(gates, tf.split(bias, 3), strict=True)]
        state = dropped(before, state_masks, self.recurrent_dropout, 3)
        kernels = tf.split(self.recurrent_kernel, 3, axis=1)
        count = 3 if self.reset_after else 2
        products = [dot(h, kernel) for h, kernel in zip(state[:count], kernels[:count], strict=True)]
        if state_bias is not None:
            products = [tf.nn.bias_add(x, b) for x, b in zip(products, tf.split(state_bias, 3), strict=True)]
        return self._output(gates, products, states, state[2], kernels[2])

    def fused(self, inputs: Any, states: Any, kernel: Any, recurrent_kernel: Any, bias: Any) -> Any:
        """One time step with these weights, the gates in one product."""
        before = states[0] if tf.nest.is_nested(states) else states
        bias, state_bias = self._biases(bias)
        x = dot(inputs, kernel)
        if bias is not None:
            x = tf.nn.bias_add(x, bias)
        last = None
        if self.reset_after:
            product = dot(before, recurrent_kernel)
            if state_bias is not None:
                product = tf.nn.bias_add(product, state_bias)
        else:
            product = dot(before, recurrent_kernel[:, : 2 * self.units])
            last = recurrent_kernel[:, 2 * self.units :]
        products = tf.split(product, 3 if self.reset_after else 2, axis=-1)
        return self._output(tf.split(x, 3, axis=-1), products, states, before, last)

    def _biases(self, bias: Any) -> Any:
        """The bias of the inputs, and that of the state."""
        if bias is None:
            return None, None
        return tf.unstack(bias) if self.reset_after else (bias, None)

    def _output(self, gates: Any, products: Any, states: Any, state: Any, last_kernel: Any) -> Any:
        """Output and new state.

        Args:
            gates: products of the inputs: for update, reset and the new state.
            products: those of the state, the last one only with `reset_after`.
            states: the state, or a list of it.
            state: the state, less what is dropped, and the part of the kernel that it is multiplied with in the end.
            last_kernel: see there; without `reset_after`.
        """
        before = states[0] if tf.nest.is_nested(states) else states
        z = self.recurrent_activation(gates[0] + products[0])
        r = self.recurrent_activation(gates[1] + products[1])
        rest = r * products[2] if self.reset_after else dot(r * state, last_kernel)
        h = z * before + (1 - z) * self.activation(gates[2] + rest)
        return h, [h] if tf.nest.is_nested(states) else h

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a cell from."""
        return super().get_config() | {
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "implementation": self.implementation,
            "reset_after": self.reset_after,
        }


class GRU(FusedLayer):
    """A recurrent layer of `GRUCell`; see there for the arguments of the cell, and `RNN` for the others.

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
        time_major: bool = False,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(GRUCell, locals(), **kwargs)

    @property
    def reset_after(self) -> Any:
        """Is the gate that resets applied behind the product of the state?"""
        return self.cell.reset_after
