"""`RNN`: a layer that runs a cell over the time steps of sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

import calque as tf

from ...engine.input_spec import InputSpec
from ...engine.keras_tensor import KerasTensor
from ...engine.layer import Layer
from ...saving.serialization import serialize_keras_object
from .cells import DropoutCell, initial_state_of, is_multiple_state, takes
from .loop import as_dense, as_ragged, rnn
from .stacked import StackedRNNCells

__all__ = ["RNN", "are_symbolic", "specs_of", "standardized"]


class RNN(Layer):
    """Runs a cell over the time steps of its inputs, of shape ``(batch, time, ...)``, or of a structure of such.

    Args:
        cell: has ``call(inputs, states)``, which gives the output of a time step and the new states, and `state_size`;
            and maybe `output_size` and `get_initial_state`. A list of cells is a stack of them.
        return_sequences: are the outputs of all time steps the result, or the last one?
        return_state: is the result a list, with the last states behind the output?
        go_backwards: does it begin with the last time step?
        stateful: does each sequence go on with the states that the same place of the batch before had? The batch size
            has to be known.
        unroll: are all time steps written out, instead of a loop?
        time_major: are inputs and outputs of shape ``(time, batch, ...)``?

    Further keyword arguments: ``zero_output_for_mask``: are the outputs of masked time steps 0, instead of those of the
    step before? ``input_length`` and ``input_dim``: the shape of the input.

    Raises:
        ValueError: the cell has no `call` or `state_size`.
    """

    state_spec: Any
    constants_spec: Any
    _states: Any

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if "call" not in dir(cell):
            raise ValueError(f"Argument `cell` should have a `call` method. The RNN was passed: cell={cell}")
        if "state_size" not in dir(cell):
            raise ValueError(
                "The RNN cell should have a `state_size` attribute (tuple of integers, one integer per RNN state). "
                f"Received: cell={cell}"
            )
        zeros = kwargs.pop("zero_output_for_mask", False)
        if "input_shape" not in kwargs and ("input_dim" in kwargs or "input_length" in kwargs):
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim", None))
        super().__init__(**kwargs)
        self.zero_output_for_mask = zeros
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.time_major = time_major
        self.supports_masking = True
        self._num_constants = 0
        # Not tracked: the states are no weights, and specs nothing to save.
        self.__dict__.update(_states=None, state_spec=None, constants_spec=None)

    @property
    def states(self) -> Any:
        """The variables that keep the states from one batch to the next; None for each, where there are none."""
        if self._states is not None:
            return self._states
        size = self.cell.state_size
        none = tf.nest.map_structure(lambda _: None, size)
        return none if tf.nest.is_nested(size) else [none]

    @states.setter
    def states(self, states: Any) -> None:
        self.__dict__["_states"] = states

    def _state_sizes(self) -> list[Any]:
        size = self.cell.state_size
        return list(size) if is_multiple_state(size) else [size]

    # Shapes and masks

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output, or a list with those of the states behind it."""
        shape = _first_shape(input_shape)
        batch, time = (shape[1], shape[0]) if self.time_major else (shape[0], shape[1])
        leading = [batch]
        if self.return_sequences:
            leading = [time, batch] if self.time_major else [batch, time]

        def of_size(leading: Any, size: Any) -> Any:
            return tf.TensorShape([*leading, *tf.TensorShape(size).as_list()])

        sizes = getattr(self.cell, "output_size", None)
        sizes = self._state_sizes()[0] if sizes is None else sizes
        outputs = [of_size(leading, s) for s in _flat_sizes(sizes)]
        if not self.return_state:
            return outputs[0] if len(outputs) == 1 else outputs
        return outputs + [of_size([batch], s) for s in _flat_sizes(self._state_sizes())]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs for the outputs, if there is one for each time step."""
        mask = tf.nest.flatten(mask)[0] if self.return_sequences else None
        return [mask, *(None for _ in self.states)] if self.return_state else mask

    def build(self, input_shape: Any) -> None:
        """Build the cell, and make the states that are kept."""
        shapes = input_shape[0] if isinstance(input_shape, list) else input_shape
        if not tf.nest.is_nested(shapes) or all(
            s is None or isinstance(s, int) for s in tf.nest.flatten(shapes)
        ):
            shapes = tf.TensorShape(shapes)
        specs = tf.nest.map_structure(self._input_spec, shapes)
        if self.input_spec is not None:
            self.input_spec[0] = specs
        else:
            self.input_spec = specs if isinstance(specs, list) else [specs]
        if isinstance(self.cell, Layer) and not self.cell.built:
            self._build_cell(tf.nest.map_structure(self._step_shape, shapes))
        sizes = self._state_sizes()
        if self.state_spec is None:
            self.__dict__["state_spec"] = [
                InputSpec(shape=[None, *tf.TensorShape(size).as_list()]) for size in _flat_sizes(sizes)
            ]
        self._validate_state_spec(sizes, self.state_spec)
        if self.stateful:
            self.reset_states()
        super().build(input_shape)

    def _build_cell(self, shape: Any) -> None:
        with tf.name_scope(self.cell.name):
            self.cell.build(shape)
            self.cell.built = True

    def _input_spec(self, shape: Any) -> InputSpec:
        dims = list(shape)
        batch, time = (1, 0) if self.time_major else (0, 1)
        if not self.stateful:
            dims[batch] = None
        dims[time] = None
        return InputSpec(shape=tuple(dims))

    def _step_shape(self, shape: Any) -> Any:
        dims = tuple(shape)
        return tf.TensorShape(dims[1:] if self.time_major else (dims[0], *dims[2:]))

    @staticmethod
    def _validate_state_spec(sizes: Any, specs: Any) -> None:
        flat_sizes, flat_specs = _flat_sizes(sizes), tf.nest.flatten(specs)
        fits = len(flat_sizes) == len(flat_specs) and all(
            tf.TensorShape(spec.shape[1:]).is_compatible_with(tf.TensorShape(size))
            for spec, size in zip(flat_specs, flat_sizes, strict=True)
        )
        if not fits:
            raise ValueError(
                "An `initial_state` was passed that is not compatible with `cell.state_size`. Received "
                f"`state_spec`={specs}; however `cell.state_size` is {sizes}"
            )

    # Calling

    def get_initial_state(self, inputs: Any) -> list[Any]:
        """The states that the cell begins with, for these inputs."""
        first = tf.nest.flatten(inputs)[0]
        batch = tf.shape(first)[1 if self.time_major else 0]
        states = initial_state_of(self.cell, None, batch, first.dtype)
        return list(states) if tf.nest.is_nested(states) else [states]

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """Run the layer.

        Args:
            inputs: the sequences; a list has the initial states and constants behind them.
            initial_state: a tensor, or a list of them.
            constants: tensors that are given to the cell at each step, as its argument `constants`.
            **kwargs: `mask` and `training`.

        Raises:
            ValueError: some, but not all of states and constants are symbolic.
        """
        inputs, initial_state, constants = standardized(inputs, initial_state, constants, self._num_constants)
        if initial_state is None and constants is None:
            return super().__call__(inputs, **kwargs)
        further: list[Any] = []
        specs: list[Any] = []
        if initial_state is not None:
            further += initial_state
            self.__dict__["state_spec"] = specs_of(initial_state)
            specs += self.state_spec
        if constants is not None:
            further += constants
            self.__dict__["constants_spec"] = specs_of(constants)
            self._num_constants = len(constants)
            specs += self.constants_spec
        if not are_symbolic(further, "initial state or constants of an RNN layer"):
            if initial_state is not None:
                kwargs["initial_state"] = initial_state
            if constants is not None:
                kwargs["constants"] = constants
            return super().__call__(inputs, **kwargs)
        own = self.input_spec if self.built else [None for _ in tf.nest.flatten(inputs)]
        self.input_spec = [*own, *specs]
        output = super().__call__([inputs, *further], **kwargs)
        self.input_spec = self.input_spec[: -len(specs)]
        return output

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: Any = None,
        initial_state: Any = None,
        constants: Any = None,
    ) -> Any:
        """Run the cell over the time steps.

        Args:
            inputs: the sequences, which may be ragged; a list has the initial states and constants behind them.
            mask: ``(batch, time)``: which steps count.
            training: given to the cell, if it takes it.
            initial_state, constants: lists of tensors.

        Raises:
            ValueError: `unroll` without a known number of steps, or with ragged inputs; a mask for ragged inputs; the
                cell does not take constants; there are more or fewer states than it has.
        """
        inputs, lengths = as_dense(inputs)
        self._validate_args_if_ragged(lengths is not None, mask)
        inputs, initial_state, constants = self._process_inputs(inputs, initial_state, constants)
        self._reset_dropout_masks()
        steps = tf.nest.flatten(inputs)[0].shape[0 if self.time_major else 1]
        if self.unroll and steps is None:
            raise ValueError(
                "Cannot unroll a RNN if the time dimension is undefined. In a Sequential model, give the first layer "
                "an `input_shape` with it, or an Embedding an `input_length`; in a functional one, give `Input` a "
                "`shape` with it."
            )
        inputs, step = self._prepared(inputs, constants, training)
        last, outputs, states = rnn(
            step,
            inputs,
            initial_state,
            constants=constants,
            go_backwards=self.go_backwards,
            mask=None if mask is None else tf.nest.flatten(mask)[0],
            unroll=self.unroll,
            input_length=steps if lengths is None else lengths,
            time_major=self.time_major,
            zero_output_for_mask=self.zero_output_for_mask,
            return_all_outputs=self.return_sequences,
        )
        self._reset_dropout_masks()
        if self.stateful:
            for variable, value in zip(tf.nest.flatten(self.states), tf.nest.flatten(states), strict=True):
                variable.assign(tf.cast(value, variable.dtype))
        output = as_ragged(outputs, lengths, self.go_backwards) if self.return_sequences else last
        if not self.return_state:
            return output
        return [*(output if isinstance(output, (list, tuple)) else [output]), *states]

    def _prepared(self, inputs: Any, constants: Any, training: Any) -> Any:
        """The inputs, and the function of a step."""
        cell = self.cell
        run = cell if callable(cell) else cell.call
        kwargs = {"training": training} if takes(cell.call, "training") else {}
        if constants and not takes(cell.call, "constants"):
            raise ValueError(f"RNN cell {cell} does not support constants. Received: constants={constants}")
        count = len(constants) if constants else 0

        def step(now: Any, states: Any) -> Any:
            if count:
                states, kwargs["constants"] = states[:-count], states[-count:]
            output, after = run(now, states, **kwargs)
            return output, after if tf.nest.is_nested(after) else [after]

        return inputs, step

    def _process_inputs(self, inputs: Any, initial_state: Any, constants: Any) -> Any:
        """Sequences, states and constants, taken apart where they came as one list; states that are kept, or zeros."""
        if isinstance(inputs, list):
            count = self._num_constants
            initial_state = inputs[1:-count] if count else inputs[1:]
            constants = inputs[-count:] if count else constants
            initial_state = initial_state or None
            inputs = inputs[0]
        if self.stateful:
            kept = tf.nest.map_structure(tf.convert_to_tensor, self.states)
            if initial_state is not None:
                given = initial_state
                used = tf.add_n([tf.math.count_nonzero(s) for s in tf.nest.flatten(kept)])
                kept = tf.cond(used > 0, lambda: list(kept), lambda: list(given))
            dtype = self.compute_dtype or self.cell.compute_dtype
            initial_state = tf.nest.map_structure(lambda v: tf.cast(v, dtype), kept)
        elif initial_state is None:
            initial_state = self.get_initial_state(inputs)
        if len(initial_state) != len(self.states):
            raise ValueError(
                f"Layer has {len(self.states)} states but was passed {len(initial_state)} initial states. Received: "
                f"initial_state={initial_state}"
            )
        return inputs, initial_state, constants

    def _validate_args_if_ragged(self, is_ragged: bool, mask: Any) -> None:
        if is_ragged and mask is not None:
            raise ValueError(
                f"The mask that was passed in was {mask}, which cannot be applied to RaggedTensor inputs. Please make "
                "sure that there is no mask injected by upstream layers."
            )
        if is_ragged and self.unroll:
            raise ValueError(
                "The input received contains RaggedTensors and does not support unrolling. Disable unrolling by "
                "passing `unroll=False` in the RNN Layer constructor."
            )

    def _reset_dropout_masks(self) -> None:
        cells = self.cell.cells if isinstance(self.cell, StackedRNNCells) else [self.cell]
        for cell in cells:
            if isinstance(cell, DropoutCell):
                cell.reset_dropout_mask()
                cell.reset_recurrent_dropout_mask()

    # States that are kept

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a stateful layer.

        Args:
            states: an array, or a list of arrays; None: zeros, and before the first use what the cell begins with.

        Raises:
            AttributeError: the layer is not stateful.
            ValueError: the batch size is not known; there are more or fewer arrays than states, or of other shapes.
        """
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        spec = None if self.input_spec is None else tf.nest.flatten(self.input_spec[0])[0].shape
        batch = None if spec is None else spec[1 if self.time_major else 0]
        if not batch:
            raise ValueError(
                "If a RNN is stateful, it needs to know its batch size. Specify the batch size of your input tensors: "
                "In a Sequential model, pass a `batch_input_shape` argument to your first layer; in a functional one, "
                "pass a `batch_shape` argument to your Input layer."
            )
        known = tf.nest.flatten(self.states)
        if known[0] is None:
            start = self._first_states(batch)
            made = tf.nest.map_structure(lambda v: tf.Variable(v, dtype=v.dtype, trainable=False), start)
            self.states = made if tf.nest.is_nested(made) else [made]
        elif states is None:
            for variable in known:
                variable.assign(np.zeros(variable.shape.as_list(), variable.dtype.as_numpy_dtype))
        else:
            self._set_states(known, tf.nest.flatten(states))

    def _first_states(self, batch: int) -> Any:
        return initial_state_of(self.cell, None, batch, self.variable_dtype or "float32")

    def _set_states(self, known: list[Any], values: list[Any]) -> None:
        if len(values) != len(known):
            raise ValueError(
                f"Layer {self.name} expects {len(known)} states, but it received {len(values)} state values. States "
                f"received: {values}"
            )
        for i, (value, variable) in enumerate(zip(values, known, strict=True)):
            if tuple(value.shape) != tuple(variable.shape):
                raise ValueError(
                    f"State {i} is incompatible with layer {self.name}: expected shape={tuple(variable.shape)} but "
                    f"found shape={tuple(value.shape)}"
                )
        for value, variable in zip(values, known, strict=True):
            variable.assign(tf.cast(value, variable.dtype))

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from, and `cell` as its configuration."""
        config: dict[str, Any] = {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "time_major": self.time_major,
        }
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self.zero_output_for_mask:
            config["zero_output_for_mask"] = self.zero_output_for_mask
        config["cell"] = serialize_keras_object(self.cell)
        return super().get_config() | config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A layer from what `get_config` gave.

        Args:
            config: the dict.
            custom_objects: classes and functions of the caller's own, by name.
        """
        from ..serialization import deserialize

        rest = dict(config)
        cell = deserialize(rest.pop("cell"), custom_objects=custom_objects)
        count = rest.pop("num_constants", 0)
        layer = cls(cell, **rest)
        layer._num_constants = count
        return layer


def standardized(inputs: Any, initial_state: Any, constants: Any, count: int) -> Any:
    """Sequences, initial states and constants, where a list of inputs may hold all of them.

    Args:
        inputs: the sequences, or a list of them with states and `count` constants behind.
        initial_state, constants: a tensor, a list of tensors, or None.
        count: how many constants there are in a list of inputs.

    Returns:
        The sequences, a list of states or None, a list of constants or None.

    Raises:
        ValueError: states or constants are given twice.
    """
    if isinstance(inputs, list):
        if initial_state is not None or constants is not None:
            raise ValueError(
                "`initial_state` and `constants` cannot be given besides a list of inputs, which may have them."
            )
        if count:
            inputs, constants = inputs[:-count], inputs[-count:]
        if len(inputs) > 1:
            initial_state = inputs[1:]
        inputs = inputs[0]
    return inputs, _as_list(initial_state), _as_list(constants)


def _as_list(x: Any) -> Any:
    if x is None or isinstance(x, list):
        return x
    return list(x) if isinstance(x, tuple) else [x]


def specs_of(tensors: Any) -> Any:
    """The specs of tensors of just these shapes."""
    return tf.nest.map_structure(lambda t: InputSpec(shape=tuple(t.shape)), tensors)


def are_symbolic(tensors: Any, what: str) -> bool:
    """Are these symbolic tensors of a functional model?

    Raises:
        ValueError: some are, and some are not.
    """
    kinds = {isinstance(t, KerasTensor) for t in tf.nest.flatten(tensors)}
    if len(kinds) > 1:
        raise ValueError(
            f"The {what} cannot be specified via a mix of Keras tensors and non-Keras tensors (a Keras tensor was "
            f"returned by a Keras layer, or by `Input`). Received: {tensors}"
        )
    return kinds != {False}


def _first_shape(shapes: Any) -> Any:
    if isinstance(shapes, list):
        shapes = shapes[0]
    while isinstance(shapes, (tuple, dict)) and not all(s is None or isinstance(s, int) for s in shapes):
        shapes = next(iter(shapes.values() if isinstance(shapes, dict) else shapes))
    return tf.TensorShape(shapes)


def _flat_sizes(sizes: Any) -> list[Any]:
    return tf.nest.flatten(sizes)
