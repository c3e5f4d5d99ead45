"""`Node`: one call of a layer on symbolic tensors, an edge of a functional model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import nest
from ...dtypes import DType
from ...tensor import EagerTensor, Tensor
from .keras_tensor import KerasHistory, KerasTensor, keras_tensors_in

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["CONSTANT", "Node"]

CONSTANT = "_CONSTANT_VALUE"  # in configs, the layer of an argument that is no result of a layer


class Node:
    """One call of a layer.

    Args:
        layer: the layer. It and its inputs' layers note the node.
        call_args, call_kwargs: the arguments, with KerasTensors in them.
        outputs: what it gives: a structure of KerasTensors. They get their history here, but for an input layer's,
            which have it.
    """

    def __init__(
        self,
        layer: Layer,
        call_args: tuple[Any, ...] = (),
        call_kwargs: Mapping[str, Any] | None = None,
        outputs: Any = None,
    ) -> None:
        self.layer = layer
        # In structures of the node's own: a list may be changed after the call.
        given = call_args, dict(call_kwargs or {})
        self.call_args, self.call_kwargs = nest.map_structure(lambda leaf: leaf, given)
        self.outputs = outputs
        self.keras_inputs = keras_tensors_in(self.call_args, self.call_kwargs)
        self.is_input = not self.keras_inputs
        number = len(layer._inbound_nodes)
        layer._inbound_nodes.append(self)
        for tensor in self.keras_inputs:
            tensor._keras_history.layer._outbound_nodes.append(self)
        for index, tensor in enumerate(nest.flatten(outputs)):
            tensor._keras_history = KerasHistory(layer, number, index)

    @property
    def parents(self) -> list[Node]:
        """The calls whose results it takes."""
        return [t.node for t in self.keras_inputs]

    def arguments(self, values: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with real tensors in the place of symbolic ones.

        Args:
            values: by the KerasTensors' ids.
        """

        def real(leaf: Any) -> Any:
            return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

        args, kwargs = nest.map_structure(real, (self.call_args, self.call_kwargs))
        return tuple(args), kwargs

    @property
    def input_tensors(self) -> Any:
        """The first argument; a single tensor as itself."""
        if self.is_input:
            return self.outputs
        return self.call_args[0] if self.call_args else self.call_kwargs

    @property
    def input_shapes(self) -> Any:
        """The shapes of `input_tensors`."""
        return nest.map_structure(lambda t: getattr(t, "shape", None), self.input_tensors)

    @property
    def output_shapes(self) -> Any:
        """The shapes of `outputs`."""
        return nest.map_structure(lambda t: t.shape, self.outputs)

    def iterate_inbound(self) -> Iterator[tuple[Any, int, int, KerasTensor]]:
        """For each symbolic argument: layer, index of its call, index of the result, tensor."""
        for tensor in self.keras_inputs:
            yield (*tensor._keras_history, tensor)

    def serialize(self, new_index: Mapping[tuple[int, int], int]) -> Any:
        """The node as Keras 2 writes it into the config of a functional model.

        Args:
            new_index: (id of a layer, index of a call of it) -> the index among the calls that belong to the model.
        """

        def reference(tensor: KerasTensor) -> list[Any]:
            layer, node_index, tensor_index = tensor._keras_history
            return [layer.name, new_index.get((id(layer), node_index), 0), tensor_index]

        def plain(leaf: Any) -> Any:
            if isinstance(leaf, KerasTensor):
                return reference(leaf)
            if isinstance(leaf, EagerTensor):
                return leaf.numpy().tolist()
            if isinstance(leaf, (np.ndarray, np.generic)):
                return leaf.tolist()
            if isinstance(leaf, DType):
                return leaf.name
            if isinstance(leaf, Tensor) or hasattr(leaf, "read_value"):
                raise ValueError(
                    f"Layer '{self.layer.name}' was called with {leaf!r}, which a config cannot hold: make it a weight "
                    "of a layer."
                )
            return leaf

        names = self.layer._call_spec.names
        kwargs = dict(self.call_kwargs) | dict(zip(names[1:], self.call_args[1:], strict=False))
        said = nest.map_structure(plain, kwargs)

        def edge(leaf: Any) -> list[Any]:
            if isinstance(leaf, KerasTensor):
                return [*reference(leaf), dict(said)]
            return [CONSTANT, -1, plain(leaf), dict(said)]

        inputs = self.call_args[0] if self.call_args else None
        if not self.call_args:
            return [[CONSTANT, -1, None, dict(said)]]
        if isinstance(inputs, (list, tuple)) and not nest.flatten(inputs):
            return [[CONSTANT, -1, inputs, dict(said)]]
        data = nest.map_structure(edge, inputs)
        return data if nest.is_nested(inputs) or self.layer._is_op_layer else [data]
