"""The objects of a loaded model, of no class that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..object_graph import walk
from ..resource import restored_table, stored_table
from ..trackable import AutoTrackable, Trackable
from ..variable import Variable

__all__ = [
    "CallableLoadedObject",
    "LoadedObject",
    "LoadedResource",
]


class LoadedObject(AutoTrackable):
    """A loaded object: what it held is its attributes; its class is not known.

    Attributes that are not among them: `variables`, `trainable_variables` and `non_trainable_variables`, of it and of
    all that it holds, those nearest to it first.
    """

    def __getattr__(self, name: str) -> Any:
        # Reached only where nothing of that name was saved. Keras keeps its own attributes (`layers`, `metrics` ...)
        # apart, in an object of this name.
        keras = self.__dict__.get("keras_api")
        if isinstance(keras, LoadedObject) and name in keras.__dict__:
            return keras.__dict__[name]
        if name in ("variables", "trainable_variables", "non_trainable_variables"):
            view = walk(self)
            held = {
                number for children in view.children for _, number in children
            }  # an optimizer's slots are not
            found = [v for n, v in enumerate(view.nodes) if n in held and isinstance(v, Variable)]
            return tuple(
                v for v in found if name == "variables" or v.trainable == (name == "trainable_variables")
            )
        there = ", ".join(sorted(k for k in self.__dict__ if not k.startswith("_"))) or "none"
        raise AttributeError(f"the loaded object has no attribute '{name}'; it has: {there}")

    def _slot_variables(self) -> list[tuple[Trackable, str, Trackable]]:
        return list(self.__dict__.get("_slots", ()))

    def __repr__(self) -> str:
        names = sorted(k for k in self.__dict__ if not k.startswith("_"))
        return f"<loaded object: {', '.join(names) or 'empty'}>"


class CallableLoadedObject(LoadedObject):
    """A loaded object that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object's saved ``__call__``."""
        return self.__dict__["__call__"](*args, **kwargs)


class LoadedResource(LoadedObject):
    """A table or another resource.

    Attributes:
        handle: the resource itself; None where it could not be made.
    """

    handle: Any = None

    def _serialize_to_tensors(self) -> Mapping[str, Any]:
        return stored_table(self.handle) if self.__dict__["_saved_as"].saveable_objects else {}

    def _restore_from_tensors(self, restored: Mapping[str, Any]) -> None:
        restored_table(self.handle, restored)
