"""`Functional`: a model that is a graph of layer calls, from symbolic inputs to symbolic outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import nest
from ...api.array_ops import expand_dims, squeeze
from ...api.math_ops import cast
from ...tensor import Tensor
from ...tensor_shape import TensorShape
from ...tensor_spec import TensorSpec
from ..naming import unique_object_name
from .functional_config import network_config, network_from_config
from .input_layer import Input, InputLayer
from .input_spec import InputSpec
from .keras_tensor import KerasTensor
from .layer import Layer
from .masks import set_mask
from .model import Model
from .node import Node
from .state import unique

__all__ = ["Functional"]


class Functional(Model):
    """A model from symbolic inputs to symbolic outputs. ``keras.Model(inputs, outputs)`` makes one.

    Args:
        inputs: a KerasTensor, or a structure of them, each made by `keras.Input`, or by a layer (the model then begins
            there).
        outputs: a KerasTensor, or a structure of them, that follow from the inputs.
        name: the model's name.
        trainable: may training change its weights?

    Raises:
        ValueError: an input or output is no KerasTensor; an output does not follow from the inputs; two layers have
            one name.
    """

    _nested_inputs: Any
    _nested_outputs: Any
    _flat_inputs: list[KerasTensor]
    _flat_outputs: list[KerasTensor]
    _network_nodes: set[tuple[int, int]]  # (id of a layer, index of a call of it)
    _nodes_in_order: list[Node]
    _own_layers: list[Any]
    _input_layers: list[Any]
    _output_layers: list[Any]
    input_names: list[str]
    output_names: list[str]

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        if name is None:
            name = unique_object_name("model", zero_based=True, avoid_observed_names=True)
        super().__init__(name=name, trainable=True, **kwargs)
        self._init_network(inputs, outputs)
        if not trainable:
            self.trainable = False

    def _init_network(self, inputs: Any, outputs: Any) -> None:
        self.__dict__["_is_graph_network"] = True
        if isinstance(inputs, list) and len(inputs) == 1:
            inputs = inputs[0]
        if isinstance(outputs, list) and len(outputs) == 1:
            outputs = outputs[0]
        flat_inputs, flat_outputs = nest.flatten(inputs), nest.flatten(outputs)
        for what, tensors in (("Input", flat_inputs), ("Output", flat_outputs)):
            for x in tensors:
                if not isinstance(x, KerasTensor) or not hasattr(x, "_keras_history"):
                    raise ValueError(
                        f"{what} tensors of a Functional model must be the output of a TF-Keras `Layer` (thus holding "
                        f"past layer metadata). Found: {x!r}"
                    )
        if len({id(x) for x in flat_inputs}) != len(flat_inputs):
            raise ValueError(
                "The list of inputs passed to the model contains the same input multiple times. All inputs should only "
                f"appear once. Received inputs={inputs}"
            )
        flat_inputs, flat_outputs, inputs, outputs = _from_inputs(flat_inputs, flat_outputs, inputs, outputs)
        held = self.__dict__
        held["_nested_inputs"], held["_nested_outputs"] = inputs, outputs
        held["_flat_inputs"], held["_flat_outputs"] = flat_inputs, flat_outputs
        self._map_network()
        known = self._state
        known.built = True
        known.fixed_input = None
        known.autocast = False
        known.input_spec = self._own_input_spec()
        known.save_spec = ((nest.map_structure(lambda t: t.type_spec, inputs),), {})
        known.build_input_shape = nest.map_structure(lambda t: t.shape, inputs)
        self.supports_masking = True
        self._track_layers()

    def _map_network(self) -> None:
        nodes, depths, layers = _map(self._flat_inputs, self._flat_outputs)
        held = self.__dict__
        held["_network_nodes"] = {(id(n.layer), n.layer._inbound_nodes.index(n)) for n in nodes}
        order = sorted(nodes, key=lambda n: -depths[n])
        held["_nodes_in_order"] = order
        held["_own_layers"] = layers
        names = [layer.name for layer in layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f'The name "{name}" is used {names.count(name)} times in the model. All layer names should be '
                    "unique."
                )
        held["_input_layers"] = [t._keras_history.layer for t in self._flat_inputs]
        held["_output_layers"] = [t._keras_history.layer for t in self._flat_outputs]
        held["input_names"] = [layer.name for layer in self._input_layers]
        held["output_names"] = _unique_names(self._output_layers)

    def _track_layers(self) -> None:
        """The layers as children: by number, and those with weights by a number of their own, as Keras 2 saves them."""
        parts = self._state.parts
        parts[:] = [p for p in parts if not isinstance(p, Layer)]
        parts[:0] = self._own_layers
        for name, layer in self._layer_children().items():
            self._restore_child(name, layer)

    def _layer_children(self) -> dict[str, Any]:
        children: dict[str, Any] = {}
        with_weights = 0
        for index, layer in enumerate(self.layers):
            if _has_weights(layer):
                children[f"layer_with_weights-{with_weights}"] = layer
                with_weights += 1
            children[f"layer-{index}"] = layer
        for layer in self.layers:
            children.setdefault(layer.name, layer)
        return children

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Any]:
        children = self._layer_children()
        named = {layer.name for layer in self.layers}
        if save_type == "savedmodel":
            children = {k: v for k, v in children.items() if k not in named}
        return {k: v for k, v in children.items() if k not in named} | super()._trackable_children(save_type)

    def _own_input_spec(self) -> Any:
        names = self.input_names
        nested = self._nested_inputs

        def spec(tensor: KerasTensor, name: str) -> InputSpec:
            shape = tensor.shape.as_list() if tensor.shape.rank is not None else None
            return InputSpec(
                shape=None if shape is None else [None, *shape[1:]], allow_last_axis_squeeze=True, name=name
            )

        if isinstance(nested, Mapping) and list(names) == sorted(nested):
            return {k: spec(nested[k], k) for k in names}
        specs = [spec(t, n) for t, n in zip(self._flat_inputs, names, strict=True)]
        return specs if len(specs) > 1 else specs[0]

    # What it is

    @property
    def inputs(self) -> Any:
        """The symbolic inputs."""
        return list(self._flat_inputs)

    @property
    def outputs(self) -> Any:
        """The symbolic outputs."""
        return list(self._flat_outputs)

    @property
    def input(self) -> Any:
        """The symbolic inputs, structured as they were given."""
        return self._nested_inputs

    @property
    def output(self) -> Any:
        """The symbolic outputs, structured as they were given."""
        return self._nested_outputs

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs."""
        return nest.map_structure(lambda t: tuple(t.shape.as_list()), self._nested_inputs)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return nest.map_structure(
            lambda t: None if t.shape.rank is None else tuple(t.shape.as_list()), self._nested_outputs
        )

    @property
    def layers(self) -> list[Any]:
        """The layers, those nearest to the inputs first."""
        return list(self._own_layers)

    # Running

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Run the layers on these inputs.

        Args:
            inputs: structured as those that the model was made of (or as a flat list, or a dict by the inputs' names).
            training: the mode that layers inherit.
            mask: masks, structured as the inputs.
        """
        flat = self._flatten_inputs(inputs)
        if mask is not None:
            for tensor, one in zip(flat, nest.flatten(mask), strict=False):
                set_mask(tensor, one)
        values: dict[int, Any] = {}
        for symbol, value in zip(self._flat_inputs, flat, strict=True):
            values[id(symbol)] = _conform(value, symbol)
        for node in self._nodes_in_order:
            if node.is_input or all(id(t) in values for t in nest.flatten(node.outputs)):
                continue
            args, kwargs = node.arguments(values)
            results = node.layer(*args, **kwargs)
            for symbol, value in zip(nest.flatten(node.outputs), nest.flatten(results), strict=True):
                values[id(symbol)] = value
        return nest.map_structure(lambda t: values[id(t)], self._nested_outputs)

    def _flatten_inputs(self, inputs: Any) -> list[Any]:
        nested = self._nested_inputs
        if isinstance(inputs, Mapping):
            names = sorted(nested) if isinstance(nested, Mapping) else self.input_names
            if isinstance(nested, Mapping) and not set(names) <= set(inputs):
                names = self.input_names
            missing = [n for n in names if n not in inputs]
            if missing:
                raise ValueError(
                    f'Missing data for input "{missing[0]}". You passed a data dictionary with keys {list(inputs)}. '
                    f"Expected the following keys: {list(names)}"
                )
            return [inputs[n] for n in names]
        flat = nest.flatten(inputs)
        if len(flat) != len(self._flat_inputs):
            raise ValueError(
                f'Layer "{self.name}" expects {len(self._flat_inputs)} input(s), but it received {len(flat)} input '
                f"tensors. Inputs received: {inputs}"
            )
        return flat

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks of the outputs: those that the layers gave them."""
        return None

    def _finish(self, inputs: Any, outputs: Any, mask: Any) -> None:
        """Masks are on the outputs already."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for inputs of these shapes."""
        return super().compute_output_shape(input_shape)

    def _add_symbolic_loss(self, loss: KerasTensor) -> None:
        """A loss that follows from the model's tensors becomes a layer of the model, which adds it at each call."""
        from ..layers.add_loss import AddLoss

        self._append(AddLoss(), loss)

    def _add_symbolic_metric(self, value: KerasTensor, name: str) -> None:
        """A value that follows from the model's tensors becomes a layer of the model, which follows it."""
        from ..layers.add_loss import AddMetric

        self._append(AddMetric("mean", name), value)

    def _append(self, layer: Layer, tensor: KerasTensor) -> None:
        """Let the model run a layer on one of its tensors, whose result is no output."""
        self._run_also([layer(tensor)])

    def _run_also(self, results: list[KerasTensor]) -> None:
        """Let the model run what gives these tensors, which are no outputs."""
        held = self.__dict__
        held["_extra_outputs"] = [*held.get("_extra_outputs", ()), *results]
        outputs, names, layers = self._flat_outputs, self.output_names, self._output_layers
        held["_flat_outputs"] = [*outputs, *held["_extra_outputs"]]
        self._map_network()
        held.update(_flat_outputs=outputs, output_names=names, _output_layers=layers)
        self._track_layers()

    def _adopt_additions(self) -> None:
        """Let a model that was made of a configuration run what `add_loss` and `add_metric` had put into it."""
        from ..layers.add_loss import AddLoss, AddMetric

        waiting, seen, found = list(self._input_layers), set(), []
        while waiting:
            layer = waiting.pop(0)
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            if isinstance(layer, (AddLoss, AddMetric)):
                found += [node.outputs for node in layer._inbound_nodes]
            waiting += [node.layer for node in layer._outbound_nodes]
        if found:
            self._run_also(found)

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """Layers with their configurations, the edges between them, inputs and outputs."""
        if type(self) is not Functional and not _takes_inputs(type(self)):
            return super().get_config()
        return network_config(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """A model from what `get_config` gave, without weights.

        Args:
            config: the dict.
            custom_objects: classes and functions of the caller's own, by name.
        """
        if "input_layers" not in config or "layers" not in config:
            return super().from_config(config, custom_objects)
        inputs, outputs = network_from_config(config, custom_objects)
        made = cls(
            inputs=inputs, outputs=outputs, name=config.get("name"), trainable=config.get("trainable", True)
        )
        made._adopt_additions()
        return made


def _has_weights(layer: Any) -> bool:
    try:
        return bool(layer.weights)
    except ValueError:  # a model that has not been built
        return False


def _takes_inputs(cls: type) -> bool:
    import inspect

    return {"inputs", "outputs"} <= set(inspect.signature(cls.__init__).parameters)  # type: ignore[misc]


def _unique_names(layers: list[Any]) -> list[str]:
    names: list[str] = []
    for layer in layers:
        name, count = layer.name, 1
        while name in names:
            name = f"{layer.name}_{count}"
            count += 1
        names.append(name)
    return names


def _from_inputs(flat_inputs: list[Any], flat_outputs: list[Any], inputs: Any, outputs: Any) -> Any:
    """The same model with a new input layer in the place of each input that another layer made."""
    if all(isinstance(t._keras_history.layer, InputLayer) for t in flat_inputs):
        return flat_inputs, flat_outputs, inputs, outputs
    nodes, depths, _ = _map(flat_inputs, flat_outputs)
    fresh = {
        id(t): t if isinstance(t._keras_history.layer, InputLayer) else Input(type_spec=t.type_spec)
        for t in flat_inputs
    }
    values: dict[int, Any] = dict(fresh)
    for node in sorted(nodes, key=lambda n: -depths[n]):
        if not all(id(t) in values for t in nest.flatten(node.outputs)):
            args, kwargs = node.arguments(values)
            again = node.layer(*args, **kwargs)
            values.update(zip(map(id, nest.flatten(node.outputs)), nest.flatten(again), strict=True))
    inputs, outputs = nest.map_structure(lambda t: values[id(t)], (inputs, outputs))
    return nest.flatten(inputs), nest.flatten(outputs), inputs, outputs


def _map(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> Any:
    """The nodes between inputs and outputs with their depths, and the layers in Keras 2's order."""
    ends = {id(t) for t in inputs}
    order: list[Node] = []
    done: set[int] = set()
    under_way: set[int] = set()
    first_seen: dict[int, int] = {}
    layers_seen: list[Any] = []

    def visit(tensor: KerasTensor) -> None:
        waiting = [(tensor.node, iter(tensor.node.keras_inputs))]
        while waiting:
            node, rest = waiting[-1]
            if id(node) in done:
                waiting.pop()
                continue
            if id(node) not in under_way:
                under_way.add(id(node))
                if id(node.layer) not in first_seen:
                    first_seen[id(node.layer)] = len(first_seen)
                    layers_seen.append(node.layer)
            if node.is_input or all(id(t) in ends for t in nest.flatten(node.outputs)):
                child = None
            else:
                child = next(rest, None)
            if child is None:
                waiting.pop()
                done.add(id(node))
                order.append(node)
            elif id(child.node) in under_way and id(child.node) not in done:
                raise ValueError(
                    f"Tensor {child!r} from layer '{child._keras_history.layer.name}' is part of a cycle."
                )
            elif id(child.node) not in done:
                waiting.append((child.node, iter(child.node.keras_inputs)))

    for tensor in outputs:
        visit(tensor)
    depths: dict[Node, int] = {}
    layer_depths: dict[int, int] = {}
    for node in reversed(order):
        depth = max(depths.get(node, 0), layer_depths.get(id(node.layer), 0))
        layer_depths[id(node.layer)] = depth
        depths[node] = depth
        if all(id(t) in ends for t in nest.flatten(node.outputs)):
            continue
        for parent in node.parents:
            depths[parent] = max(depth + 1, depths.get(parent, 0))
    for tensor in inputs:
        layer, node = tensor._keras_history.layer, tensor.node
        if id(layer) not in layer_depths:
            layer_depths[id(layer)] = 0
            first_seen[id(layer)] = -1
            layers_seen.append(layer)
            depths[node] = 0
            order.append(node)
    for node in order:
        if node.is_input and all(id(t) not in ends for t in nest.flatten(node.outputs)):
            raise ValueError(
                f'Graph disconnected: cannot obtain value for tensor {node.outputs!r} at layer "{node.layer.name}". '
                "It does not follow from the inputs of the model."
            )
    layers = sorted(unique(layers_seen), key=lambda x: (-layer_depths[id(x)], first_seen[id(x)]))
    return order, depths, layers


def _conform(value: Any, symbol: KerasTensor) -> Any:
    """An input in the rank and dtype of the symbolic one, where that is a matter of a last axis of size 1 or a cast."""
    if not isinstance(value, Tensor) or not isinstance(symbol.type_spec, TensorSpec):
        return value
    wanted, shape = symbol.shape, TensorShape(value.shape)
    mask = getattr(value, "_keras_mask", None)
    if wanted.rank is not None and shape.rank is not None:
        if shape.rank == wanted.rank + 1 and shape[-1] == 1:
            value = squeeze(value, axis=-1)
        elif shape.rank == wanted.rank - 1 and wanted[-1] == 1:
            value = expand_dims(value, axis=-1)
    if value.dtype != symbol.dtype and "string" not in (symbol.dtype.name, value.dtype.name):
        value = cast(value, symbol.dtype)
    set_mask(value, mask)
    return value
