"""`ElementwiseOptimizer`: a step as a formula, of which the dense and the sparse form are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import calque as tf

from ....indexed_slices import IndexedSlices
from ....variable import Variable
from ... import config as settings
from .optimizer import Optimizer

__all__ = ["ElementwiseOptimizer", "checked_momentum", "positive"]


class ElementwiseOptimizer(Optimizer):
    """An optimizer whose steps look at each element alone.

    Subclasses name their slots with `_slot_list` and define `_formula`. A sparse gradient changes the rows that it has;
    where `_sparse_fades` is true, the others' slots fade as with a gradient of 0.

    Args:
        name, kwargs: see `Optimizer`.
        learning_rate: a number, variable, schedule, or function without arguments.
        **hyperparameters: the others.
    """

    _configured: ClassVar[
        tuple[str, ...]
    ] = ()  # what the config has, besides the learning rate and its decay

    def __init__(
        self, name: str | None, learning_rate: Any, kwargs: dict[str, Any], **hyperparameters: Any
    ) -> None:
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        for key, value in hyperparameters.items():
            self._set_hyper(key, value)

    def _slot_list(self) -> Mapping[str, Any]:
        """The slots, and what each starts with, in the order in which they are made."""
        return {}

    @property
    def _sparse_fades(self) -> bool:
        return False

    def _formula(
        self, grad: Any, value: Any, slots: dict[str, Any], dtype: Any
    ) -> tuple[Any, dict[str, Any]]:
        """What elements and their slots become, given their gradient; no slot that stays is given back.

        Args:
            grad: the gradient.
            value: the elements.
            slots: their slots, by name.
            dtype: the dtype of all.
        """
        raise NotImplementedError

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for name, start in self._slot_list().items():
            for var in var_list:
                self.add_slot(var, name, start)

    def _slots_of(self, var: Variable) -> dict[str, Variable]:
        return {name: self.get_slot(var, name) for name in self._slot_list()}

    def _resource_apply_dense(self, grad: Any, var: Variable, apply_state: Any = None) -> Any:
        """See `Optimizer`."""
        slots = self._slots_of(var)
        held = {name: slot.read_value() for name, slot in slots.items()}
        value, changed = self._formula(grad, var.read_value(), held, var.dtype)
        for name, after in changed.items():
            slots[name].assign(after)
        return var.assign(value)

    def _resource_apply_sparse(self, grad: Any, var: Variable, indices: Any, apply_state: Any = None) -> Any:
        """See `Optimizer`."""
        if self._sparse_fades:
            dense = tf.convert_to_tensor(IndexedSlices(grad, indices, tf.shape(var)))
            return self._resource_apply_dense(dense, var)
        slots = self._slots_of(var)
        rows = {name: tf.gather(slot, indices) for name, slot in slots.items()}
        value, changed = self._formula(grad, tf.gather(var, indices), rows, var.dtype)
        for name, after in changed.items():
            slots[name].scatter_update(IndexedSlices(after, indices))
        return var.scatter_update(IndexedSlices(value, indices))

    def get_config(self) -> dict[str, Any]:
        """The arguments to make such an optimizer from."""
        own = {
            name: self._serialize_hyperparameter(name) if name in self._hyper else getattr(self, name)
            for name in self._configured
        }
        rate = self._serialize_hyperparameter("learning_rate")
        return super().get_config() | {"learning_rate": rate, "decay": self._initial_decay} | own


def checked_momentum(momentum: Any) -> bool:
    """Does a momentum need a slot?

    Raises:
        ValueError: it is out of range.
    """
    if not isinstance(momentum, (int, float)):
        return True
    if not 0 <= momentum <= 1:
        raise ValueError(
            f"`momentum` must be between [0, 1]. Received: momentum={momentum} (of type {type(momentum)})."
        )
    return momentum > 0


def positive(epsilon: float | None) -> float:
    """An epsilon; None and 0 are `keras.backend.epsilon()`."""
    return epsilon or settings.epsilon()
