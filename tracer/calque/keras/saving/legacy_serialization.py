"""Objects as dicts of the form ``{"class_name": ..., "config": ...}``: what Keras 2 writes into SavedModels and HDF5.

Functions and classes are their names alone. Names are found in a module's objects, handed in by the module that reads.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .registration import CustomObjectScope, get_registered_name, get_registered_object, known_custom_objects

__all__ = [
    "PASSIVE",
    "SHARED_OBJECT_KEY",
    "SharedObjectLoadingScope",
    "SharedObjectSavingScope",
    "UNDEFINED_CONFIG_KEY",
    "deserialize_keras_object",
    "in_saved_model_scope",
    "saved_model_scope",
    "serialize_keras_object",
    "skip_failed_serialization",
]

SHARED_OBJECT_KEY = "shared_object_id"
UNDEFINED_CONFIG_KEY = "layer was saved without config"
PASSIVE = "__passive_serialization__"  # marks dicts that stand for objects inside of a config


class _Local(threading.local):
    saving: SharedObjectSavingScope | None = None
    loading: SharedObjectLoadingScope | None = None
    skips_failures = False
    saved_model = False


_local = _Local()


@contextmanager
def saved_model_scope() -> Iterator[None]:
    """Within it, everything is written in this form, as SavedModels have it."""
    before, _local.saved_model = _local.saved_model, True
    try:
        yield
    finally:
        _local.saved_model = before


def in_saved_model_scope() -> bool:
    """Is the caller within a `saved_model_scope`?"""
    return _local.saved_model


@contextmanager
def skip_failed_serialization() -> Iterator[None]:
    """Within it, an object without a usable `get_config` gets a config that says so, instead of an error."""
    before, _local.skips_failures = _local.skips_failures, True
    try:
        yield
    finally:
        _local.skips_failures = before


class _SharedConfig(dict[str, Any]):
    """The config of an object; it gets the object's number when it is asked for a second time."""

    def __init__(self, config: Mapping[str, Any], number: int) -> None:
        super().__init__(config)
        self.number = number


class SharedObjectSavingScope:
    """Within it, an object met twice is written with one number both times."""

    def __enter__(self) -> SharedObjectSavingScope:
        self._outer = _local.saving
        if self._outer is not None:  # the outermost one counts
            return self._outer
        self._configs: dict[int, tuple[Any, _SharedConfig]] = {}
        _local.saving = self
        return self

    def __exit__(self, *_: object) -> None:
        _local.saving = self._outer

    def again(self, obj: Any) -> dict[str, Any] | None:
        """The config of an object that was met before, now with its number."""
        _, config = self._configs.get(id(obj), (None, None))
        if config is not None:
            config[SHARED_OBJECT_KEY] = config.number
        return config

    def note(self, obj: Any, config: Mapping[str, Any]) -> dict[str, Any]:
        """Remember the config of an object."""
        shared = _SharedConfig(config, len(self._configs))
        self._configs[id(obj)] = obj, shared
        return shared


class SharedObjectLoadingScope:
    """Within it, configs with one number give one object."""

    def __enter__(self) -> SharedObjectLoadingScope:
        self._before = _local.loading
        self.objects: dict[Any, Any] = {}
        _local.loading = self
        return self

    def __exit__(self, *_: object) -> None:
        _local.loading = self._before


def serialize_keras_object(instance: Any) -> Any:
    """An object as a dict of its class's name and its config; a function or class as its name; None as None.

    Raises:
        ValueError: it is none of these.
        NotImplementedError: its `get_config` is not defined.
    """
    if instance is None:
        return None
    if not hasattr(instance, "get_config") or isinstance(instance, type):
        if hasattr(instance, "__name__"):
            return get_registered_name(instance)
        raise ValueError(
            f"Cannot serialize {instance} because it doesn't implement `get_config()`: define that method, to give "
            "the arguments of the constructor as a dict."
        )
    name = get_registered_name(type(instance))
    try:
        config = instance.get_config()
    except NotImplementedError:
        if _local.skips_failures:
            return {"class_name": name, "config": {UNDEFINED_CONFIG_KEY: True}}
        raise
    written = {"class_name": name, "config": {key: _serialize_item(item) for key, item in config.items()}}
    if _local.saving is None:
        return written
    return _local.saving.again(instance) or _local.saving.note(instance, written)


def _serialize_item(item: Any) -> Any:
    if isinstance(item, str):
        return item
    try:
        written = serialize_keras_object(item)
    except ValueError:
        return item  # plain data
    if isinstance(written, dict) and not isinstance(item, dict):
        written[PASSIVE] = True
    return written


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a dict, or a name, stands for.

    Args:
        identifier: what `serialize_keras_object` gave. A class's name gives an instance made without arguments, a
            function's name the function; a function is given back.
        module_objects: what names mean in the module that asks.
        custom_objects: what they mean besides.
        printable_module_name: what to call such objects in errors.

    Raises:
        ValueError: the name is unknown, or it is something else.
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, str):
        found = {**(module_objects or {}), **known_custom_objects(), **(custom_objects or {})}.get(identifier)
        if found is None:
            raise _unknown(printable_module_name, identifier)
        return found() if inspect.isclass(found) else found
    if isinstance(identifier, dict):
        return _from_dict(identifier, module_objects, custom_objects or {}, printable_module_name)
    raise ValueError(f"Could not interpret serialized {printable_module_name}: {identifier}")


def _from_dict(
    identifier: dict[str, Any],
    module_objects: Mapping[str, Any] | None,
    custom_objects: Mapping[str, Any],
    kind: str,
) -> Any:
    if "class_name" not in identifier or "config" not in identifier:
        raise ValueError(
            f"Improper config format for {identifier}: expected a dict with `class_name` and `config`."
        )
    number = identifier.get(SHARED_OBJECT_KEY)
    shared = None if _local.loading is None or number is None else _local.loading.objects
    if shared is not None and number in shared:
        return shared[number]
    name = identifier["class_name"]
    cls = get_registered_object(name, custom_objects, module_objects)
    if cls is None:
        raise _unknown(kind, name)
    config = identifier["config"]
    if isinstance(config, dict):
        config = {
            key: _deserialize_item(key, item, module_objects, custom_objects) for key, item in config.items()
        }
    if not hasattr(cls, "from_config"):  # a function that gives an object
        with CustomObjectScope(custom_objects):
            made = cls(**config)
    elif "custom_objects" in inspect.signature(cls.from_config).parameters:
        made = cls.from_config(config, custom_objects={**known_custom_objects(), **custom_objects})
    else:
        with CustomObjectScope(custom_objects):
            made = cls.from_config(config)
    if shared is not None:
        shared[number] = made
    return made


def _deserialize_item(
    key: str, item: Any, module_objects: Mapping[str, Any] | None, custom_objects: Mapping[str, Any]
) -> Any:
    if key == "name":
        return item
    if isinstance(item, dict) and PASSIVE in item:
        return deserialize_keras_object(item, module_objects, custom_objects, "config_item")
    if isinstance(item, str):  # custom functions are written as their names
        found = get_registered_object(item, custom_objects)
        return found if inspect.isfunction(found) else item
    return item


def _unknown(kind: str, name: str) -> ValueError:
    return ValueError(
        f"Unknown {kind}: '{name}'. If it is a class or function of your own, register it with "
        "`keras.saving.register_keras_serializable`, put it into a `keras.utils.custom_object_scope`, or pass it in "
        "`custom_objects`."
    )
