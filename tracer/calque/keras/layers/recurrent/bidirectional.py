"""`Bidirectional`: a recurrent layer run from both ends of the sequences."""

from __future__ import annotations

from typing import Any

import calque as tf

from ...engine.layer import Layer
from ...saving.serialization import serialize_keras_object
from .base import are_symbolic, specs_of, standardized
from .cells import takes
from .wrapper import Wrapper

__all__ = ["Bidirectional"]

_MERGE_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Wrapper):
    """A recurrent layer, and another of its kind that begins with the last time step.

    Args:
        layer: the layer, an `RNN` or one with its attributes `go_backwards`, `return_sequences`, `return_state`,
            `stateful` and `input_spec`. A layer made from its configuration runs in its place.
        merge_mode: what becomes of the two outputs: "concat", "sum", "mul", "ave", or None: a list of both.
        weights: the first weights, those of the forward layer first.
        backward_layer: the other layer; None: one made from the first one's configuration.

    Called with initial states, the first half of them is the forward layer's. Where all time steps are given, those
    that are masked are 0.

    Raises:
        ValueError: a layer is none; the merge mode is unknown; the layers go in the same direction, or differ in what
            they return.
    """

    layer: Any
    forward_layer: Any
    backward_layer: Any
    _backward_config: Any

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Please initialize `Bidirectional` layer with a `tf.keras.layers.Layer` instance. Received: {layer}"
            )
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(
                f"`backward_layer` need to be a `tf.keras.layers.Layer` instance. Received: {backward_layer}"
            )
        if merge_mode not in _MERGE_MODES:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of {_MERGE_MODES}"
            )
        super().__init__(layer, **kwargs)
        del self.layer  # it is a pattern: the two layers below are what is tracked
        self.__dict__["layer"] = layer
        self.forward_layer = _again(layer)
        self.__dict__["_backward_config"] = None
        if backward_layer is None:
            self.backward_layer = _again(layer, go_backwards=True)
        else:
            self.backward_layer = backward_layer
            self.__dict__["_backward_config"] = serialize_keras_object(backward_layer)
        both = (self.forward_layer, self.backward_layer)
        for one, prefix in zip(both, ("forward_", "backward_"), strict=True):
            one.__dict__["_name"] = prefix + one.name
        self._check_layers()
        for one in both:
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.merge_mode = merge_mode
        if weights:
            half = len(weights) // 2
            for one, part in zip(both, (weights[:half], weights[half:]), strict=True):
                one.__dict__["_initial_weights"] = part
        self.stateful = self.forward_layer.stateful
        self.return_sequences = self.forward_layer.return_sequences
        self.return_state = self.forward_layer.return_state
        self.supports_masking = True
        self._state.trainable = kwargs.get("trainable", layer.trainable)
        self._num_constants = 0
        self.input_spec = layer.input_spec

    def _check_layers(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. "
                f"forward_layer.go_backwards = {forward.go_backwards}, "
                f"backward_layer.go_backwards = {backward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            one, other = getattr(forward, name), getattr(backward, name)
            if one != other:
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same value for attribute "
                    f'"{name}", got "{one}" for forward layer and "{other}" for backward layer'
                )

    def build(self, input_shape: Any = None) -> None:
        """Build both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            with tf.name_scope(layer.name):
                layer.build(input_shape)
        Layer.build(self, input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of what `call` gives, in its order."""
        shapes = self.forward_layer.compute_output_shape(input_shape)
        output, states = (shapes[0], list(shapes[1:])) if self.return_state else (shapes, [])
        outputs = [tf.TensorShape(output)]
        if self.merge_mode == "concat":
            *dims, last = outputs[0].as_list()
            outputs = [tf.TensorShape([*dims, None if last is None else 2 * last])]
        elif self.merge_mode is None:
            outputs *= 2
        if self.return_state:
            return [*outputs, *states, *states]
        return outputs if self.merge_mode is None else outputs[0]

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """Run both layers; the arguments are those of `RNN`.

        Raises:
            ValueError: the number of states is odd; some, but not all of them are symbolic.
        """
        inputs, initial_state, constants = standardized(inputs, initial_state, constants, self._num_constants)
        if initial_state is None and constants is None:
            return super().__call__(inputs, **kwargs)
        further: list[Any] = []
        both = (self.forward_layer, self.backward_layer)
        if initial_state is not None:
            half, odd = divmod(len(initial_state), 2)
            if odd:
                raise ValueError(
                    "When passing `initial_state` to a Bidirectional RNN, the state should be a list containing the "
                    f"states of the underlying RNNs. Received: {initial_state}"
                )
            kwargs["initial_state"] = initial_state
            further += initial_state
            for layer, part in zip(both, (initial_state[:half], initial_state[half:]), strict=True):
                layer.__dict__["state_spec"] = specs_of(part)
        if constants is not None:
            kwargs["constants"] = constants
            further += constants
            for layer in (self, *both):
                layer._num_constants = len(constants)
            for layer in both:
                layer.__dict__["constants_spec"] = specs_of(constants)
        if not are_symbolic(further, "initial state of a Bidirectional layer"):
            return super().__call__(inputs, **kwargs)
        before = self.input_spec
        self.input_spec = [None for _ in tf.nest.flatten(inputs)] + specs_of(further)
        del kwargs["initial_state" if constants is None else "constants"]
        kwargs.pop("initial_state", None)
        output = super().__call__([inputs, *further], **kwargs)
        self.input_spec = before
        return output

    def call(
        self,
        inputs: Any,
        training: Any = None,
        mask: Any = None,
        initial_state: Any = None,
        constants: Any = None,
    ) -> Any:
        """The outputs of both layers, merged; with `return_state`, a list, with the states of both behind."""
        inner = self.layer.call
        given = {"training": training, "mask": mask, "constants": constants}
        kwargs = {name: value for name, value in given.items() if takes(inner, name)}
        forward, backward = dict(kwargs), dict(kwargs)
        forward_inputs = backward_inputs = inputs
        if takes(inner, "initial_state"):
            if isinstance(inputs, list) and len(inputs) > 1:
                sequences, *states = inputs
                end = len(states) - self._num_constants
                rest = states[end:]
                forward_inputs = [sequences, *states[: end // 2], *rest]
                backward_inputs = [sequences, *states[end // 2 : end], *rest]
                forward.pop("constants", None)
                backward.pop("constants", None)
            elif initial_state is not None:
                half = len(initial_state) // 2
                forward["initial_state"] = initial_state[:half]
                backward["initial_state"] = initial_state[half:]
        y = self.forward_layer(forward_inputs, **forward)
        y_back = self.backward_layer(backward_inputs, **backward)
        states = []
        if self.return_state:
            states = [*y[1:], *y_back[1:]]
            y, y_back = y[0], y_back[0]
        if self.return_sequences:
            y_back = tf.reverse(y_back, [0 if getattr(self.forward_layer, "time_major", False) else 1])
        merged = self._merged(y, y_back)
        if self.return_state:
            return [*merged, *states] if self.merge_mode is None else [merged, *states]
        return merged

    def _merged(self, y: Any, y_back: Any) -> Any:
        mode = self.merge_mode
        if mode == "concat":
            return tf.concat([y, y_back], -1)
        if mode == "sum":
            return y + y_back
        if mode == "ave":
            return (y + y_back) / 2
        return y * y_back if mode == "mul" else [y, y_back]

    def reset_states(self, states: Any = None) -> None:
        """Set the states of both layers; see `RNN.reset_states`.

        Raises:
            AttributeError: the layers are not stateful.
            ValueError: `states` is no list.
        """
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        if states is None:
            self.forward_layer.reset_states()
            self.backward_layer.reset_states()
            return
        if not isinstance(states, (list, tuple)):
            raise ValueError(
                f"Unrecognized value for `states`. Expected `states` to be list or tuple. Received: {states}"
            )
        half = len(states) // 2
        self.forward_layer.reset_states(states[:half])
        self.backward_layer.reset_states(states[half:])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs for the outputs, if there is one for each time step."""
        mask = mask[0] if isinstance(mask, list) else mask
        mask = mask if self.return_sequences else None
        masks = mask if self.merge_mode else [mask, mask]
        if not self.return_state:
            return masks
        none = [None for _ in self.forward_layer.states]
        return (masks if isinstance(masks, list) else [masks]) + none * 2

    def get_config(self) -> dict[str, Any]:
        """The configurations of the layers, and how they are merged."""
        config: dict[str, Any] = {"merge_mode": self.merge_mode}
        if self._num_constants:
            config["num_constants"] = self._num_constants
        if self._backward_config is not None:
            config["backward_layer"] = self._backward_config
        return super().get_config() | config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A layer from what `get_config` gave; see `Wrapper.from_config`."""
        from ..serialization import deserialize

        rest = dict(config)
        count = rest.pop("num_constants", 0)
        backward = rest.pop("backward_layer", None)
        rest["layer"] = deserialize(rest["layer"], custom_objects=custom_objects)
        if backward is not None:
            rest["backward_layer"] = deserialize(backward, custom_objects=custom_objects)
        layer = cls(**rest)
        layer._num_constants = count
        return layer


def _again(layer: Any, go_backwards: bool = False) -> Any:
    """Another layer of the same configuration, maybe in the other direction."""
    config = layer.get_config()
    if go_backwards:
        config["go_backwards"] = not config["go_backwards"]
    make = type(layer).from_config
    if not takes(make, "custom_objects"):
        return make(config)
    cell = getattr(layer, "cell", None)
    cells = [] if cell is None else [cell, *getattr(cell, "cells", [])]
    return make(config, custom_objects={type(c).__name__: type(c) for c in cells})
