"""What recurrent cells have in common: sizes of states, and masks for dropout."""

from __future__ import annotations

import inspect
from typing import Any

import calque as tf

from ....context import state as context
from ... import activations, initializers
from ...engine.layer import Layer
from ..base_random import BaseRandomLayer
from ..phase import when_training
from ..weighted import WeightedLayer

__all__ = [
    "AbstractRNNCell",
    "DropoutCell",
    "MemoryCell",
    "arguments_for",
    "dropped",
    "initial_state_of",
    "is_multiple_state",
    "output_size_of",
    "takes",
]


def takes(function: Any, name: str) -> bool:
    """Has a function a parameter of this name?"""
    return name in inspect.signature(function).parameters


def arguments_for(cell: type, given: dict[str, Any]) -> dict[str, Any]:
    """Those of a layer's arguments, by name, that its cell takes as well."""
    names = set(inspect.signature(cell.__init__).parameters) - {"self", "kwargs"}  # type: ignore[misc]
    return {name: value for name, value in given.items() if name in names}


def is_multiple_state(state_size: Any) -> bool:
    """Does a cell with this `state_size` have several states (or one in a list)?"""
    return hasattr(state_size, "__len__") and not isinstance(state_size, tf.TensorShape)


def output_size_of(cell: Any) -> Any:
    """The size of a cell's output: what it says, or that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if is_multiple_state(cell.state_size) else cell.state_size


def _zero_states(state_size: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros of shape ``(batch_size, size)`` for each size in a structure of sizes.

    Raises:
        ValueError: batch size or dtype is not given.
    """
    if batch_size is None or dtype is None:
        raise ValueError(
            "batch_size and dtype cannot be None while constructing initial state. Received: "
            f"batch_size={batch_size}, dtype={dtype}"
        )

    def zeros(size: Any) -> Any:
        return tf.zeros([batch_size, *tf.TensorShape(size).as_list()], dtype=dtype)

    return tf.nest.map_structure(zeros, state_size) if tf.nest.is_nested(state_size) else zeros(state_size)


def initial_state_of(cell: Any, inputs: Any, batch_size: Any, dtype: Any) -> Any:
    """The state that a cell begins with: what its `get_initial_state` says, or zeros."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        return own(inputs=inputs, batch_size=batch_size, dtype=dtype)
    return _zeros_for(cell, inputs, batch_size, dtype)


def _zeros_for(cell: Any, inputs: Any, batch_size: Any, dtype: Any) -> Any:
    if inputs is not None:
        batch_size, dtype = tf.shape(inputs)[0], inputs.dtype
    return _zero_states(cell.state_size, batch_size, dtype)


class AbstractRNNCell(Layer):
    """The base of cells: ``call(inputs, states)`` gives the output of a time step, and the states behind it.

    Subclasses say `state_size` (a size, a shape, or a structure of such) and `output_size`.
    """

    def call(self, inputs: Any, states: Any) -> Any:
        """One time step.

        Args:
            inputs: ``(batch, ...)``.
            states: structured as `state_size`.

        Returns:
            The output, and the new states.
        """
        raise NotImplementedError

    @property
    def state_size(self) -> Any:
        """The sizes of the states."""
        raise NotImplementedError

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        raise NotImplementedError

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros, of the inputs' batch size and dtype if there are inputs."""
        return _zeros_for(self, inputs, batch_size, dtype)


class DropoutCell(WeightedLayer, BaseRandomLayer):
    """A cell with weights for inputs and state, and dropout of both: one mask for all time steps of a call.

    Args:
        units: the size of the state.
        activation: of the output, or of what is added to the state.
        use_bias: is there a bias?
        dropout, recurrent_dropout: the shares of inputs and of the state that are dropped in training.
        **kwargs: the weights' initializers, regularizers and constraints, and the arguments of every layer.

    Raises:
        ValueError: `units` is not positive.
    """

    _gates = 1
    _masks: dict[str, Any]
    bias_initializer: Any
    bias_regularizer: Any
    bias_constraint: Any
    state_size: Any
    output_size: Any

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        dropout: float,
        recurrent_dropout: float,
        told: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        if units <= 0:
            raise ValueError(
                f"Received an invalid value for argument `units`, expected a positive integer, got {units}."
            )
        kwargs.pop("enable_caching_device", None)
        super().__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        for weight in ("kernel", "recurrent", "bias"):
            kinds = (told[f"{weight}_{kind}"] for kind in ("initializer", "regularizer", "constraint"))
            self._tell(weight, *kinds)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.__dict__["_masks"] = {}

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        columns = self.units * self._gates
        self.kernel = self._add("kernel", (input_shape[-1], columns))
        self.recurrent_kernel = self._add("recurrent", (self.units, columns), name="recurrent_kernel")
        self.bias = self._add_bias(columns) if self.use_bias else None
        super().build(input_shape)

    def _add_bias(self, columns: int) -> Any:
        return self._add("bias", (columns,))

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Zeros, of the inputs' batch size and dtype if there are inputs."""
        return _zeros_for(self, inputs, batch_size, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a cell from."""
        own = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }
        return super().get_config() | own | self._weights_config(activity=False)

    # Dropout

    def reset_dropout_mask(self) -> None:
        """Let the next step draw a new mask for the inputs."""
        self._masks.pop("inputs", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Let the next step draw a new mask for the state."""
        self._masks.pop("state", None)

    def get_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """Masks for the inputs of the gates: one, or a list of `count`; None without dropout.

        They stay the same until `reset_dropout_mask`.
        """
        return self._mask("inputs", self.dropout, inputs, training, count)

    def get_recurrent_dropout_mask_for_cell(self, inputs: Any, training: Any, count: int = 1) -> Any:
        """Masks for the state, as `get_dropout_mask_for_cell`."""
        return self._mask("state", self.recurrent_dropout, inputs, training, count)

    def _mask(self, which: str, rate: float, like: Any, training: Any, count: int) -> Any:
        if rate == 0:
            return None
        known = self._masks.get(which)
        if known is None or not _is_visible(known[0]):
            made = [self._draw(rate, like, training) for _ in range(count)]
            known = self._masks[which] = (context.trace, made if count > 1 else made[0])
        return known[1]

    def _draw(self, rate: float, like: Any, training: Any) -> Any:
        ones = tf.ones_like(like)
        return when_training(training, lambda: self._random_generator.dropout(ones, rate), lambda: ones)


class MemoryCell(DropoutCell):
    """A cell with a memory, as that of an LSTM: its gates are input, forget, cell and output.

    Args:
        recurrent_activation: of the gates.
        unit_forget_bias: does the bias of the gate that forgets start with 1?

    The others are those of `DropoutCell`.
    """

    _gates = 4

    def __init__(
        self,
        units: int,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        unit_forget_bias: bool,
        dropout: float,
        recurrent_dropout: float,
        told: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, dropout, recurrent_dropout, told, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def _add_bias(self, columns: int) -> Any:
        start = self.bias_initializer
        if not self.unit_forget_bias:
            return super()._add_bias(columns)

        def with_ones(_: Any, *args: Any, **kwargs: Any) -> Any:
            parts = ((start, 1), (initializers.get("ones"), 1), (start, 2))
            return tf.concat([make((self.units * n,), *args, **kwargs) for make, n in parts], 0)

        told = {"regularizer": self.bias_regularizer, "constraint": self.bias_constraint}
        return self.add_weight("bias", shape=(columns,), initializer=with_ones, **told)

    def _output(self, gates: Any, memory: Any) -> Any:
        """The output, and the new output and memory, from the gates before their activations and the memory so far."""
        i, f, c, o = gates
        act, gate = self.activation, self.recurrent_activation
        memory = gate(f) * memory + gate(i) * act(c)
        h = gate(o) * act(memory)
        return h, [h, memory]

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a cell from."""
        return super().get_config() | {
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }


def _is_visible(trace: Any) -> bool:
    """Can what was made in a graph (None: eagerly) be used here as the same call's?"""
    here = context.trace
    while here is not None and here is not trace:
        here = here.outer
    return here is trace and (trace is not None or context.trace is None)


def dropped(inputs: Any, masks: Any, rate: float, gates: int) -> list[Any]:
    """The inputs for each gate, each with its own mask if there is dropout."""
    return [inputs * mask for mask in masks] if 0 < rate < 1 else [inputs] * gates
