"""Objects that hold state and other such objects, under names: what checkpoints and saved models are made of.

A `Trackable` names its children (`_trackable_children`) and gives and takes the values that it stores itself
(`_serialize_to_tensors`, `_restore_from_tensors`). `AutoTrackable` makes children of what is assigned to its
attributes.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

__all__ = [
    "AutoTrackable",
    "BOOKKEEPING",
    "DelegatingTrackableMixin",
    "NoDependency",
    "Restoration",
    "SavedChildren",
    "Trackable",
    "functions_of",
]

# A checkpoint's children of an object: (local name, object number).
SavedChildren = Sequence[tuple[str, int]]

# Attributes in which the bookkeeping of this module lies: of no concern to those who walk an object's attributes.
BOOKKEEPING = frozenset(("_self_pending", "_self_setattr_tracking", "_self_tracked"))


class Restoration(Protocol):
    """A checkpoint being restored; see `calque.train.restore`."""

    def bind(self, node: int, target: Trackable) -> None:
        """Give `target` and its children the values of the checkpoint's object number `node`."""


class Trackable:
    """An object with children by name and, maybe, values of its own.

    Subclasses whose children are not those of `_track_trackable` override `_trackable_children` and call
    `_restore_pending` when there are new ones.
    """

    # What a saved model calls objects of this class.
    _saved_identifier = "_generic_user_object"

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        """The objects that this one holds, by local name, in a fixed order.

        Args:
            save_type: "checkpoint", or "savedmodel", where functions on the class are children as well.
        """
        return dict(self.__dict__.get("_self_tracked", ()))

    def _saved_children(self, cache: dict[str, Any]) -> dict[str, Trackable]:
        """The children that a saved model gets.

        Args:
            cache: one for each save, for classes that make functions or objects when they are saved.
        """
        return self._trackable_children("savedmodel")

    def _serialize_to_tensors(self) -> Mapping[str, Any]:
        """The arrays that this object itself stores, by attribute name (``VARIABLE_VALUE`` for a variable).

        A value of several parts is a mapping from how each part's key ends to an (array, dtype) pair.
        """
        return {}

    def _restore_from_tensors(self, restored: Mapping[str, Any]) -> None:
        """Take the values that `_serialize_to_tensors` gave."""

    def _translate_children(
        self, saved: SavedChildren, keys: Callable[[int], Sequence[str]]
    ) -> SavedChildren:
        """A checkpoint's children of this object under the names that they have here, where those differ.

        Args:
            saved: the children under the checkpoint's names.
            keys: gives the keys of the values of the checkpoint's object of a number.
        """
        return saved

    def _slot_variables(self) -> list[tuple[Trackable, str, Trackable]]:
        """What an optimizer keeps for variables: ``(variable, slot name, slot variable)``."""
        return []

    def _track_trackable(self, trackable: Trackable, name: str, overwrite: bool = False) -> Trackable:
        """Make `trackable` a child.

        Args:
            trackable: the child.
            name: its local name.
            overwrite: may it take the place of another child of that name?

        Returns:
            `trackable`. If a checkpoint was restored before, it has the value that was waiting for it.

        Raises:
            TypeError: it is no Trackable.
            ValueError: there is a child of that name already.
        """
        if not isinstance(trackable, Trackable):
            raise TypeError(
                f"only Trackable objects can be tracked, but '{name}' is a {type(trackable).__name__}"
            )
        tracked = self.__dict__.setdefault("_self_tracked", {})
        if not overwrite and tracked.get(name, trackable) is not trackable:
            raise ValueError(
                f"a Trackable with the name '{name}' is already declared as a dependency of this "
                f"{type(self).__name__}: use another name, or overwrite=True"
            )
        tracked[name] = trackable
        self._restore_child(name, trackable)
        return trackable

    def _untrack(self, name: str) -> None:
        """Let go of the child `name`, if there is one."""
        self.__dict__.get("_self_tracked", {}).pop(name, None)

    # Values that wait for objects that are not there yet. `_self_pending` holds, for a child's name (None: any child)
    # or for the number of a variable and a slot's name, the restoration and the checkpoint's object to take them from.

    def _defer(self, restoration: Restoration, children: Mapping[Any, int]) -> None:
        """Remember that `restoration` has values for these children; what earlier ones had no longer counts."""
        pending = self.__dict__.setdefault("_self_pending", {})
        for name, node in children.items():
            pending[name] = (restoration, node)

    def _restore_child(self, name: str, child: Trackable) -> None:
        """Give a new child the values that were waiting for it."""
        pending = self.__dict__.get("_self_pending")
        if pending:
            for key in (None, name):
                if key in pending:
                    restoration, node = pending[None] if key is None else pending.pop(name)
                    restoration.bind(node, child)

    def _restore_pending(self) -> None:
        """Give children that are there now the values that were waiting for them."""
        if self.__dict__.get("_self_pending"):
            for name, child in self._trackable_children("checkpoint").items():
                self._restore_child(name, child)

    def _restore_slot(self, variable: Trackable, slot_name: str, slot_variable: Trackable) -> None:
        """For optimizers, when they have made a slot variable: give it the value that was waiting for it."""
        pending = self.__dict__.get("_self_pending")
        if pending:
            waiting = pending.pop((id(variable), slot_name), None)
            if waiting is not None:
                restoration, node = waiting
                restoration.bind(node, slot_variable)


class NoDependency:
    """Assign ``NoDependency(value)`` to an attribute of an AutoTrackable to have `value` there, untracked."""

    def __init__(self, value: Any) -> None:
        self.value = value


class AutoTrackable(Trackable):
    """A Trackable whose children are its attributes.

    Trackable objects assigned to an attribute are tracked under its name. Lists, dicts and tuples become tracked ones
    of the same kind (see `calque.data_structures`). Other values, arrays among them, are not tracked. Deleting an
    attribute, or assigning something else to it, lets go of what was there.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, NoDependency):
            self._untrack(name)
            super().__setattr__(name, value.value)
            return
        if self.__dict__.get("_self_setattr_tracking", True) and name not in BOOKKEEPING:
            from .data_structures import wrap

            value = wrap(value)
            if isinstance(value, Trackable):
                self._track_trackable(value, name, overwrite=True)
            else:
                self._untrack(name)
        try:
            super().__setattr__(name, value)
        except AttributeError:
            self._untrack(name)  # a property without a setter: nothing was assigned
            raise

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._untrack(name)

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        """The tracked attributes in the order of their first assignment.

        For a saved model, functions come last, by sorted name, and those defined on the class count too.
        """
        children = super()._trackable_children(save_type)
        if save_type != "savedmodel":
            return children
        functions = functions_of(self)
        return {name: child for name, child in children.items() if name not in functions} | functions


def functions_of(obj: Any) -> dict[str, Trackable]:
    """The `function`s and concrete functions among an object's attributes, methods bound to it, by sorted name.

    As in TensorFlow, properties count: what one raises is as if it were not there.
    """
    from .function.concrete import ConcreteFunction
    from .function.polymorphic import Function

    kinds = (Function, ConcreteFunction)
    plain = (property, functools.cached_property, *kinds)
    found: dict[str, Trackable] = {}
    for name in dir(obj):
        static = inspect.getattr_static(obj, name, None)
        if not isinstance(static, plain) or (isinstance(static, property) and static.fget is None):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = getattr(obj, name, None)  # of a method: the function of this instance
        except Exception:
            continue
        if isinstance(value, kinds):
            found[name] = value
    return found


class DelegatingTrackableMixin:
    """Put before Trackable among a class's bases: what is tracked is another object, and this one stands for it.

    Args:
        trackable_obj: the object.
    """

    def __init__(self, trackable_obj: Trackable) -> None:
        self._trackable = trackable_obj

    @property
    def _saved_identifier(self) -> str:
        return self._trackable._saved_identifier

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Trackable]:
        return self._trackable._trackable_children(save_type)

    def _serialize_to_tensors(self) -> Mapping[str, Any]:
        return self._trackable._serialize_to_tensors()

    def _restore_from_tensors(self, restored: Mapping[str, Any]) -> None:
        self._trackable._restore_from_tensors(restored)

    def _slot_variables(self) -> list[tuple[Trackable, str, Trackable]]:
        return self._trackable._slot_variables()

    def _track_trackable(self, trackable: Trackable, name: str, overwrite: bool = False) -> Trackable:
        return self._trackable._track_trackable(trackable, name, overwrite)

    def _defer(self, restoration: Restoration, children: Mapping[Any, int]) -> None:
        self._trackable._defer(restoration, children)
