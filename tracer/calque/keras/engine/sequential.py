"""`Sequential`: layers one after the other."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ... import nest
from ...tensor_shape import TensorShape
from .functional import Functional
from .input_layer import Input, InputLayer
from .keras_tensor import KerasTensor
from .layer import Layer
from .masks import mask_of
from .model import Model

__all__ = ["Sequential"]


class Sequential(Functional):
    """Layers, each called on what the one before it gave.

    Args:
        layers: the layers, or functions of tensors; they may be added later.
        name: the model's name.

    A model whose first layer says its `input_shape` (or is an `Input`) has weights at once; another when it is called
    first, or built.
    """

    _keras_identifier = "_tf_keras_sequential"
    _stack: list[Any]  # every layer, the input layer too
    _explicit_input = False  # does the first layer say the input's shape?
    _inferred_shape: TensorShape | None = None  # of the inputs that came, where it does not
    _own_nodes: tuple[Any, ...] = ()  # the calls of layers that were made for it

    def __init__(self, layers: Any = None, name: str | None = None) -> None:
        Model.__init__(self, name=name, autocast=False)
        self.supports_masking = True
        self.__dict__["_stack"] = []
        if layers is not None and not isinstance(layers, (list, tuple)):
            layers = [layers]
        for layer in layers or []:
            self.add(layer)

    @property
    def layers(self) -> list[Any]:
        """The layers, without the input layer."""
        stack = self.__dict__.get("_stack", [])
        return list(stack[1:] if stack and isinstance(stack[0], InputLayer) else stack)

    def add(self, layer: Any) -> None:
        """Put a layer behind the last one.

        Args:
            layer: a layer, a symbolic input (`keras.Input`) as the first one, or a function of tensors.

        Raises:
            TypeError: it is no layer.
            ValueError: it gives several tensors, or another layer of the model has its name.
        """
        if isinstance(layer, KerasTensor) and isinstance(layer._keras_history.layer, InputLayer):
            layer = layer._keras_history.layer
        if not isinstance(layer, Layer):
            if not callable(layer):
                raise TypeError(
                    f"The added layer must be an instance of class Layer. Received: layer={layer} of {type(layer)}."
                )
            from ..layers.lambda_layer import Lambda

            layer = Lambda(layer)
        if layer.name in [x.name for x in self._stack]:
            raise ValueError(
                "All layers added to a Sequential model should have unique names. Name "
                f'"{layer.name}" is already the name of a layer in this model. Update the `name` argument to pass a '
                "unique name."
            )
        known = self._state
        known.built = False
        outputs = None
        if not self._stack:
            if isinstance(layer, InputLayer):
                outputs = layer._inbound_nodes[0].outputs
                self._explicit_input = True
            elif _first_input(layer) is not None:
                shape, dtype = _first_input(layer)
                start = Input(batch_shape=shape, dtype=dtype, name=f"{layer.name}_input")
                outputs = layer(start)
                self._stack.append(start._keras_history.layer)
                self._explicit_input = True
            if outputs is not None and nest.is_nested(outputs):
                raise ValueError(
                    "All layers in a Sequential model should have a single output tensor. For multi-output layers, use "
                    "the functional API."
                )
        elif self.__dict__.get("_flat_outputs") and self._is_graph_network:
            outputs = layer(self._flat_outputs[0])
            if nest.is_nested(outputs):
                raise ValueError(
                    "All layers in a Sequential model should have a single output tensor. For multi-output layers, use "
                    "the functional API."
                )
        self._stack.append(layer)
        if outputs is not None:
            self._become_graph(outputs)
        else:
            self._is_graph_network = False
            self._state.parts[:] = [p for p in self._state.parts if not isinstance(p, Layer)] + self.layers
            for name, child in self._layer_children().items():
                self._restore_child(name, child)

    def pop(self) -> None:
        """Take the last layer away.

        Raises:
            TypeError: there is none.
        """
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        self._stack.pop()
        known = self._state
        if not self.layers or not self._is_graph_network:
            known.built = False
            self._is_graph_network = False
            known.parts[:] = self.layers
            return
        outputs = self.layers[-1]._inbound_nodes[-1].outputs
        self._become_graph(outputs)

    def _become_graph(self, outputs: Any) -> None:
        first = self._stack[0]
        start = first._inbound_nodes[0].outputs if isinstance(first, InputLayer) else self._flat_inputs[0]
        self._init_network(start, outputs)
        if not self._explicit_input:
            self._state.input_spec = None  # the shape was inferred: another may come

    def _track_layers(self) -> None:
        parts = self._state.parts
        parts[:] = [p for p in parts if not isinstance(p, Layer)]
        parts[:0] = self._stack
        for name, child in self._layer_children().items():
            self._restore_child(name, child)

    # Building and calling

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape.

        Args:
            input_shape: with the batch dimension; None where the first layer says it.

        Raises:
            ValueError: nobody says it.
        """
        if self._is_graph_network:
            self._state.built = True
            return
        if input_shape is None:
            raise ValueError("Input shape must be defined when calling `build()` on a `Sequential` model.")
        self._state.build_input_shape = input_shape
        if not self._graph_for(TensorShape(input_shape), None):
            Model.build(self, input_shape)
        self._state.built = True

    def _graph_for(self, shape: TensorShape, dtype: Any) -> bool:
        """Make the graph for inputs of this shape, if the layers can be called on symbolic tensors."""
        if not self.layers or shape.rank is None:
            return False
        known = self._inferred_shape
        if known is not None:
            if known.rank != shape.rank:
                self._is_graph_network = False
                return False
            shape = TensorShape(
                [a if a == b else None for a, b in zip(known.as_list(), shape.as_list(), strict=True)]
            )
            if self._is_graph_network and shape.as_list() == known.as_list():
                return True
        if isinstance(self._stack[0], InputLayer):
            self._stack.pop(0)
        try:
            start = Input(batch_shape=shape.as_list(), dtype=dtype, name=f"{self.layers[0].name}_input")
            x = start
            for layer in self.layers:
                layer._state.inbound[:] = [n for n in layer._state.inbound if n not in self._own_nodes]
                x = layer(x)
                if nest.is_nested(x):
                    return False
        except (TypeError, NotImplementedError):
            return False  # a layer that only runs eagerly
        self._stack.insert(0, start._keras_history.layer)
        self.__dict__["_inferred_shape"] = shape
        self._become_graph(x)
        self.__dict__["_own_nodes"] = tuple(self._nodes_in_order)
        return True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Run the layers, each on what the one before it gave."""
        if not self._explicit_input and hasattr(inputs, "shape") and not nest.is_nested(inputs):
            self._graph_for(TensorShape(inputs.shape), inputs.dtype)
        if self._is_graph_network:
            return super().call(inputs, training=training, mask=mask)
        outputs = inputs
        for layer in self.layers:
            kwargs: dict[str, Any] = {}
            if mask is not None and layer._call_spec.takes_mask_by_name:
                kwargs["mask"] = mask
            if "training" in layer._call_spec.names:
                kwargs["training"] = training
            outputs = layer(outputs, **kwargs)
            mask = mask_of(outputs)
        return outputs

    def _build_for(self, inputs: Any) -> None:
        if self._is_graph_network or not hasattr(inputs, "shape"):
            Layer.build(self, nest.map_structure(lambda x: getattr(x, "shape", None), inputs))
            return
        self._graph_for(TensorShape(inputs.shape), inputs.dtype)
        Layer.build(self, inputs.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the result for an input of this shape."""
        shape = input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """Name and layers."""
        from ..layers.serialization import serialize

        config: dict[str, Any] = {"name": self.name, "layers": [serialize(x) for x in self._stack]}
        shape = self._state.build_input_shape
        if not self._is_graph_network and shape is not None:
            config["build_input_shape"] = tuple(shape)
        return copy.deepcopy(config)

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A model from what `get_config` gave, without weights.

        Args:
            config: the dict, or a list of layers' configurations.
            custom_objects: classes and functions of the caller's own, by name.
        """
        from ..layers.serialization import deserialize

        settings: Mapping[str, Any] = config if isinstance(config, Mapping) else {"layers": config}
        model = cls(name=settings.get("name"))
        for data in settings["layers"]:
            model.add(deserialize(data, custom_objects))
        shape = settings.get("build_input_shape")
        if not model.inputs_known and shape and model.layers:
            model.build(shape)
        return model

    @property
    def inputs_known(self) -> bool:
        """Is the input's shape known?"""
        return bool(self._is_graph_network)

    @property
    def inputs(self) -> Any:
        """The symbolic input; None before the shape is known."""
        return list(self.__dict__["_flat_inputs"]) if self._is_graph_network else None

    @property
    def outputs(self) -> Any:
        """The symbolic output; None before the shape is known."""
        return list(self.__dict__["_flat_outputs"]) if self._is_graph_network else None


def _first_input(layer: Any) -> Any:
    """The batch shape and dtype that a layer says its input has; None if it does not."""
    if isinstance(layer, Functional) and layer._is_graph_network:
        tensor = layer._flat_inputs[0]
        return tensor.shape.as_list(), tensor.dtype
    if isinstance(layer, Sequential):
        return None
    if layer._state.fixed_input is not None:
        return layer._state.fixed_input, layer.dtype
    return None
