"""Recurrent layers that are made of one cell of their own kind, whose arguments and attributes they have."""

from __future__ import annotations

from typing import Any

import calque as tf

from ... import activations, regularizers
from ...engine.input_spec import InputSpec
from ...naming import snake_case
from .base import RNN
from .cells import arguments_for

__all__ = ["CellLayer", "FusedLayer", "VectorLayer", "of_cell"]

_FLAGS = ("go_backwards", "return_sequences", "return_state", "stateful", "time_major", "unroll")
_COMMON = ("dtype", "name", "rng_type", "trainable")


def of_cell(name: str) -> Any:
    """A property of a layer that is an attribute of its cell."""
    return property(lambda self: getattr(self.cell, name), doc=f"The cell's `{name}`.")


class CellLayer(RNN):
    """A recurrent layer with a cell of its own.

    Args:
        cell: the cell.
        given: the arguments of the layer's constructor, by name.
        **kwargs: those of every layer.
    """

    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")

    def __init__(self, cell: Any, given: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(cell, **{flag: given[flag] for flag in _FLAGS if flag in given}, **kwargs)
        self.activity_regularizer = regularizers.get(given["activity_regularizer"])

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such a layer from."""
        config = super().get_config()
        del config["cell"]
        own = {k: v for k, v in self.cell.get_config().items() if k not in _COMMON}
        return config | own | {"activity_regularizer": regularizers.serialize(self.activity_regularizer)}

    @classmethod
    def from_config(cls, config: Any) -> Any:  # type: ignore[override]
        """A layer from what `get_config` gave."""
        return cls(**config)


class VectorLayer(CellLayer):
    """A recurrent layer over sequences of vectors, ``(batch, time, features)``.

    Args:
        cell: the class of the cell.
        given, **kwargs: see `CellLayer`; also `implementation` and `seed`, which are the cell's.
    """

    units = of_cell("units")

    def __init__(self, cell: Any, given: dict[str, Any], **kwargs: Any) -> None:
        common = {k: kwargs[k] for k in ("dtype", "implementation", "seed") if k in kwargs}
        kwargs = {
            k: v for k, v in kwargs.items() if k not in ("enable_caching_device", "implementation", "seed")
        }
        made = cell(
            **arguments_for(cell, given),
            **common,
            trainable=kwargs.get("trainable", True),
            name=snake_case(cell.__name__),
        )
        super().__init__(made, given, **kwargs)
        self.input_spec = [InputSpec(ndim=3)]


class FusedLayer(VectorLayer):
    """A layer whose cell can do with weights that were read before the loop, all gates in one product.

    Layers of the default kind do: those with tanh and sigmoid, a bias, and no dropout of the state. What they drop of
    the inputs is drawn for each time step.
    """

    recurrent_activation = of_cell("recurrent_activation")
    implementation = of_cell("implementation")

    def call(  # type: ignore[override]
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        """See `RNN.call`."""
        return super().call(inputs, mask=mask, training=training, initial_state=initial_state)

    def _is_fused(self) -> bool:
        cell = self.cell
        return (
            cell.activation in (activations.tanh, tf.tanh)
            and cell.recurrent_activation in (activations.sigmoid, tf.sigmoid)
            and cell.recurrent_dropout == 0
            and not self.unroll
            and cell.use_bias
            and getattr(cell, "reset_after", True)
        )

    def _prepared(self, inputs: Any, constants: Any, training: Any) -> Any:
        if not self._is_fused():
            return super()._prepared(inputs, constants, training)
        cell = self.cell
        masks = cell.get_dropout_mask_for_cell(inputs, training, count=cell._gates)
        if masks is not None:
            inputs = inputs * masks[0]
        weights = [tf.convert_to_tensor(w) for w in (cell.kernel, cell.recurrent_kernel, cell.bias)]
        return inputs, lambda x, states: cell.fused(x, states, *weights)

    @classmethod
    def from_config(cls, config: Any) -> Any:  # type: ignore[override]
        """A layer from what `get_config` gave; `implementation` 0, of old, is 1."""
        old = config.get("implementation") == 0
        return super().from_config({**config, "implementation": 1} if old else config)
