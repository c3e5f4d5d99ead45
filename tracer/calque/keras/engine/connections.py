"""A layer's place in functional models: the calls of it on symbolic tensors, and what they gave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import nest
from ...tensor_shape import TensorShape
from .weights import WeightHolder

__all__ = ["Connections"]


class Connections(WeightHolder):
    """The symbolic inputs and outputs of a layer."""

    @property
    def _inbound_nodes(self) -> list[Any]:
        return self._state.inbound

    @property
    def _outbound_nodes(self) -> list[Any]:
        return self._state.outbound

    @property
    def inbound_nodes(self) -> list[Any]:
        """The calls of it on symbolic tensors."""
        return self._state.inbound

    @property
    def outbound_nodes(self) -> list[Any]:
        """The calls of other layers on what it gave for symbolic tensors."""
        return self._state.outbound

    def _node(self, index: int, what: str) -> Any:
        nodes = self._state.inbound
        if not nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {what}: call it on a "
                "`keras.Input` first."
            )
        if index >= len(nodes):
            raise ValueError(
                f"Asked to get {what} at node {index}, but the layer has only {len(nodes)} inbound nodes."
            )
        return nodes[index]

    def _the_one(self, what: str, get: Callable[[Any], Any]) -> Any:
        nodes = self._state.inbound
        found = get(self._node(0, what))
        if len(nodes) > 1 and any(_differ(get(node), found) for node in nodes[1:]):
            raise AttributeError(
                f"The layer {self.name} has multiple inbound nodes, hence the notion of {what} is ill-defined. Use "
                f"`get_{what.replace(' ', '_')}_at(node_index)` instead."
            )
        return found

    @property
    def input(self) -> Any:
        """The symbolic tensors it was called on, if it was called once."""
        return self._the_one("input", lambda n: n.input_tensors)

    @property
    def output(self) -> Any:
        """The symbolic tensors it gave, if it was called once."""
        return self._the_one("output", lambda n: n.outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of `input`, a tuple."""
        return _tuples(self._the_one("input shape", lambda n: n.input_shapes))

    @property
    def output_shape(self) -> Any:
        """The shape of `output`, a tuple."""
        return _tuples(self._the_one("output shape", lambda n: n.output_shapes))

    @property
    def input_mask(self) -> Any:
        """The masks of `input`."""
        return nest.map_structure(lambda t: t._keras_mask, self.input)

    @property
    def output_mask(self) -> Any:
        """The masks of `output`."""
        return nest.map_structure(lambda t: t._keras_mask, self.output)

    def get_input_at(self, node_index: int) -> Any:
        """The symbolic tensors of a call of it."""
        return self._node(node_index, "input").input_tensors

    def get_output_at(self, node_index: int) -> Any:
        """The symbolic results of a call of it."""
        return self._node(node_index, "output").outputs

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shapes of `get_input_at`."""
        return _tuples(self._node(node_index, "input shape").input_shapes)

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shapes of `get_output_at`."""
        return _tuples(self._node(node_index, "output shape").output_shapes)


def _tuples(shapes: Any) -> Any:
    def one(shape: Any) -> Any:
        return None if shape is None or shape.rank is None else tuple(shape.as_list())

    return nest.map_structure(one, shapes)


def _differ(a: Any, b: Any) -> bool:
    flat_a, flat_b = nest.flatten(a), nest.flatten(b)
    return len(flat_a) != len(flat_b) or any(
        x is not y and not _same_shape(x, y) for x, y in zip(flat_a, flat_b, strict=True)
    )


def _same_shape(a: Any, b: Any) -> bool:
    return isinstance(a, TensorShape) and isinstance(b, TensorShape) and a.as_list() == b.as_list()
