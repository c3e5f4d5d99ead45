"""`StackedRNNCells`: cells on top of each other as one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import calque as tf

from ...engine.arguments import as_shapes
from ...engine.layer import Layer
from ...saving.serialization import serialize_keras_object
from .cells import initial_state_of, output_size_of, takes

__all__ = ["StackedRNNCells"]


class StackedRNNCells(Layer):
    """A cell made of several: each gets the output of the one before.

    Args:
        cells: the cells.

    A further keyword argument, ``reverse_state_order``: are the states those of the last cell first?

    Raises:
        ValueError: a cell has no `call` or `state_size`.
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        for cell in cells:
            for needed in ("call", "state_size"):
                if needed not in dir(cell):
                    raise ValueError(
                        f"All cells must have a `{needed}` {'method' if needed == 'call' else 'attribute'}. Received "
                        f"cell without a `{needed}`: {cell}"
                    )
        reverse = kwargs.pop("reverse_state_order", False)
        if reverse:
            logging.getLogger("tensorflow").warning(
                "reverse_state_order=True in StackedRNNCells is deprecated: rely on the natural order of states."
            )
        super().__init__(**kwargs)
        self.cells = list(cells)
        self.reverse_state_order = reverse

    def _in_state_order(self) -> Any:
        return self.cells[::-1] if self.reverse_state_order else self.cells

    @property
    def state_size(self) -> Any:
        """Those of the cells, a tuple."""
        return tuple(cell.state_size for cell in self._in_state_order())

    @property
    def output_size(self) -> Any:
        """That of the last cell."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """Those of the cells, a tuple."""
        return tuple(initial_state_of(cell, inputs, batch_size, dtype) for cell in self._in_state_order())

    def call(
        self, inputs: Any, states: Any, constants: Any = None, training: Any = None, **kwargs: Any
    ) -> Any:
        """One time step of all cells: the output of the last one, and the new states."""
        sizes = self.state_size[::-1] if self.reverse_state_order else self.state_size
        nested = tf.nest.pack_sequence_as(sizes, tf.nest.flatten(states))
        after = []
        for cell, own in zip(self.cells, nested, strict=True):
            own = own if tf.nest.is_nested(own) else [own]
            further = dict(kwargs)
            if takes(cell.call, "training"):
                further["training"] = training
            if takes(cell.call, "constants"):
                further["constants"] = constants
            run = cell if callable(cell) else cell.call
            inputs, new = run(inputs, own, **further)
            after.append(new)
        return inputs, tf.nest.pack_sequence_as(sizes, tf.nest.flatten(after))

    def build(self, input_shape: Any) -> None:
        """Build the cells."""
        shape = as_shapes(input_shape[0] if isinstance(input_shape, list) else input_shape)
        batch = tf.nest.flatten(tf.nest.map_structure(lambda s: s[0], shape))[0]
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                with tf.name_scope(cell.name):
                    cell.build(shape)
                    cell.built = True
            size = output_size_of(cell)
            shape = tf.nest.map_structure(
                lambda s: tf.TensorShape([batch, *tf.TensorShape(s).as_list()]), size
            )
        super().build(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The configurations of the cells."""
        return super().get_config() | {"cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A stack from what `get_config` gave.

        Args:
            config: the dict.
            custom_objects: classes and functions of the caller's own, by name.
        """
        from ..serialization import deserialize

        rest = dict(config)
        cells = [deserialize(cell, custom_objects=custom_objects) for cell in rest.pop("cells")]
        return cls(cells, **rest)
