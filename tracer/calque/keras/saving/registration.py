"""Classes and functions of the user's own, known by name while configs are read.

What a name means is looked up in the scopes around the caller, then among what was registered for the whole process,
then among the objects handed to the reading function.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "known_custom_objects",
    "register_keras_serializable",
]

T = TypeVar("T")

_objects: dict[str, Any] = {}
_names: dict[Any, str] = {}


class _Scopes(threading.local):
    """What the scopes around this thread's code add, merged."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}


_scopes = _Scopes()


class CustomObjectScope:
    """Within the scope, names in configs mean these objects.

    Args:
        *args: dicts of objects by name; later ones win.
    """

    def __init__(self, *args: Mapping[str, Any] | None) -> None:
        self.custom_objects = args
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> CustomObjectScope:
        self._before.append(_scopes.objects)
        merged = dict(_scopes.objects)
        for objects in self.custom_objects:
            merged.update(objects or {})
        _scopes.objects = merged
        return self

    def __exit__(self, *_: object) -> None:
        _scopes.objects = self._before.pop()


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The dict of what is registered for the whole process, by name: changing it registers and forgets objects."""
    return _objects


def known_custom_objects() -> dict[str, Any]:
    """What the process and the scopes around the caller know; the scopes win."""
    return {**_objects, **_scopes.objects}


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that makes a class or function known as ``package>name``, in configs written and read.

    Args:
        package: what the name begins with.
        name: the rest; None: the name of the class or function.

    Raises:
        ValueError: a class has no ``get_config()``.
    """

    def register(registered: T) -> T:
        if inspect.isclass(registered) and not hasattr(registered, "get_config"):
            raise ValueError(
                f"Cannot register class '{registered.__name__}', which has no get_config() method: define one that "
                "gives the arguments of its constructor as a dict."
            )
        known_as = f"{package}>{name if name is not None else getattr(registered, '__name__', '')}"
        _objects[known_as] = registered
        _names[registered] = known_as
        return registered

    return register


def get_registered_name(obj: Any) -> str:
    """The name that a class or function is registered under, or its own."""
    try:
        known_as = _names.get(obj)
    except TypeError:  # not hashable
        known_as = None
    return str(obj.__name__) if known_as is None else known_as


def get_registered_object(
    name: str | None,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """What a name means, or None.

    Args:
        name: a class or function's name, or the one it was registered under.
        custom_objects: the caller's own objects, by name.
        module_objects: the objects of a module, looked at last.
    """
    for objects in (_scopes.objects, _objects, custom_objects, module_objects):
        if objects and name is not None and name in objects:
            return objects[name]
    return None
