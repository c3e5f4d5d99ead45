"""A functional model as a configuration: layers, and the calls between them, in Keras 2's form."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ... import nest
from .keras_tensor import KerasTensor
from .node import CONSTANT

if TYPE_CHECKING:
    from .functional import Functional

__all__ = ["network_config", "network_from_config"]


def network_config(model: Functional) -> dict[str, Any]:
    """What `Functional.get_config` gives."""
    from ..layers.serialization import serialize

    own = model._network_nodes
    index: dict[tuple[int, int], int] = {}
    for layer in model._own_layers:
        kept = [i for i in range(len(layer._inbound_nodes)) if (id(layer), i) in own]
        index.update({(id(layer), i): new for new, i in enumerate(kept, int(_counts_from_one(layer)))})
    layers = []
    for layer in model._own_layers:
        nodes = [
            node.serialize(index)
            for i, node in enumerate(layer._inbound_nodes)
            if (id(layer), i) in own and not node.is_input
        ]
        layers.append(serialize(layer) | {"name": layer.name, "inbound_nodes": nodes})

    def reference(tensor: KerasTensor) -> list[Any]:
        layer, node_index, tensor_index = tensor._keras_history
        return [layer.name, index[id(layer), node_index], tensor_index]

    def references(structure: Any) -> Any:
        found = nest.map_structure(reference, structure)
        return found if nest.is_nested(structure) else [found]

    return copy.deepcopy(
        {
            "name": model.name,
            "trainable": model._state.trainable,
            "layers": layers,
            "input_layers": references(model._nested_inputs),
            "output_layers": references(model._nested_outputs),
        }
    )


class _Network:
    """The layers of a configuration, called as far as their arguments are there."""

    def __init__(
        self, config: Mapping[str, Any], custom_objects: Any, created: Mapping[str, Any] | None
    ) -> None:
        from ..layers.serialization import deserialize

        self.layers: dict[str, Any] = {}
        self._waiting: list[tuple[Any, Any]] = []
        self._nodes: dict[str, list[Any]] = {}  # by layer: its calls in this model
        for data in config["layers"]:
            layer = (created or {}).get(data["name"]) or deserialize(data, custom_objects)
            self.layers[data["name"]] = layer
            first = [None] if _counts_from_one(layer) else []
            self._nodes[data["name"]] = list(layer._inbound_nodes[:1]) if _is_input(layer) else first
            self._waiting += [(data["name"], node) for node in data.get("inbound_nodes") or []]

    def build(self) -> None:
        """Make the calls.

        Raises:
            ValueError: a call takes what nobody gives.
        """
        while self._waiting:
            left = []
            blocked: set[str] = set()
            for name, node in self._waiting:
                if name in blocked or not self._call(name, node):  # calls of one layer keep their order
                    blocked.add(name)
                    left.append((name, node))
            if len(left) == len(self._waiting):
                raise ValueError(
                    f"The configuration is of no model: the layers {sorted({n for n, _ in left})} take results that no "
                    "other layer gives."
                )
            self._waiting = left

    def tensor(self, reference: Any) -> KerasTensor | None:
        """The symbolic tensor that a reference means, if it is there."""
        name, node_index, tensor_index = reference[:3]
        nodes = self._nodes.get(name, [])
        if node_index >= len(nodes) or nodes[node_index] is None:
            return None
        found: KerasTensor = nest.flatten(nodes[node_index].outputs)[tensor_index]
        return found

    def _call(self, name: str, node: Any) -> bool:
        layer = self.layers[name]
        kwargs: dict[str, Any] = {}
        missing = False

        def value(edge: Any) -> Any:
            nonlocal missing
            if len(edge) > 3 and isinstance(edge[3], Mapping):
                kwargs.update(edge[3])
            if edge[0] == CONSTANT:
                return edge[2]
            found = self.tensor(edge)
            missing = missing or found is None
            return found

        inputs = _map_edges(value, node)
        if not layer._is_op_layer and isinstance(inputs, list) and len(inputs) == 1 and not _was_nested(node):
            inputs = inputs[0]

        def argument(leaf: Any) -> Any:
            nonlocal missing
            if _is_reference(leaf, self.layers):
                found = self.tensor(leaf)
                missing = missing or found is None
                return found
            return leaf

        kwargs = {k: _map_references(argument, v, self.layers) for k, v in kwargs.items()}
        if missing:
            return False
        before = len(layer._inbound_nodes)
        layer(inputs, **kwargs)
        self._nodes[name].append(layer._inbound_nodes[before])
        return True


def _counts_from_one(layer: Any) -> bool:
    """Are a layer's calls numbered from 1 on? A model's are, in Keras 2: its own graph counts as call 0."""
    from .functional import Functional
    from .sequential import Sequential

    if isinstance(layer, Sequential):
        return not layer._stack or _is_input(layer._stack[0])
    return isinstance(layer, Functional) and _is_input(layer._own_layers[0])


def _is_input(layer: Any) -> bool:
    from .input_layer import InputLayer

    return isinstance(layer, InputLayer)


def _is_edge(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _map_edges(get: Any, node: Any) -> Any:
    if _is_edge(node):
        return get(node)
    if isinstance(node, Mapping):
        return {k: _map_edges(get, v) for k, v in node.items()}
    return [_map_edges(get, v) for v in node]


def _was_nested(node: Any) -> bool:
    return not (isinstance(node, (list, tuple)) and len(node) == 1 and _is_edge(node[0]))


def _is_reference(value: Any, layers: Mapping[str, Any]) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 3
        and isinstance(value[0], str)
        and value[0] in layers
        and all(isinstance(i, int) for i in value[1:])
    )


def _map_references(get: Any, value: Any, layers: Mapping[str, Any]) -> Any:
    if _is_reference(value, layers):
        return get(value)
    if isinstance(value, Mapping):
        return {k: _map_references(get, v, layers) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_map_references(get, v, layers) for v in value]
    return value


def network_from_config(
    config: Mapping[str, Any], custom_objects: Any = None, created: Mapping[str, Any] | None = None
) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of the model that a configuration describes.

    Args:
        config: what `network_config` gave.
        custom_objects: classes and functions of the caller's own, by name.
        created: layers that are there already, by name.

    Raises:
        ValueError: the configuration contradicts itself, or names a class that is not known.
    """
    network = _Network(config, custom_objects, created)
    network.build()

    def tensor(reference: Any) -> Any:
        found = network.tensor(reference)
        if found is None:
            raise ValueError(f"The configuration is of no model: there is no result {list(reference)}.")
        return found

    inputs, outputs = (_map_edges(tensor, config[key]) for key in ("input_layers", "output_layers"))
    return _single(inputs, config["input_layers"]), _single(outputs, config["output_layers"])


def _single(value: Any, references: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 and _is_edge(references[0]) else value
