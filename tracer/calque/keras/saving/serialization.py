"""Objects as dicts that say where their class is found: ``{"module", "class_name", "config", "registered_name"}``.

This is what tf-keras's `serialize` and `get_config` give. The shorter, older form is in `legacy_serialization`; reading
takes both. Reading never imports a module that a dict names: classes are Keras's own, registered ones, or those of
modules that the program has imported already.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...dtypes import DType
from ...tensor import Tensor, constant
from ...tensor_shape import TensorShape
from . import legacy_serialization as legacy
from .function_code import dump_function, load_function
from .registration import (
    CustomObjectScope,
    get_registered_name,
    get_registered_object,
    known_custom_objects,
)

__all__ = [
    "deserialize_keras_object",
    "deserialize_named",
    "enable_unsafe_deserialization",
    "find_in_program",
    "get_named",
    "in_safe_mode",
    "public_name",
    "safe_mode_scope",
    "serialize_keras_object",
    "serialize_named",
]

_PACKAGE = __name__.rpartition(".saving.")[0]  # calque.keras
_ROOMS_OF_FUNCTIONS = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
)
_LAYER_ROOMS = ("layers", "models", "metrics")  # where classes of internal modules are public
# What a name in a file does not lead to: code that nobody wrote to be called by models.
_LIBRARIES = sys.stdlib_module_names | {_PACKAGE.partition(".")[0]}
_INTERNAL = "tf_keras.src"  # what tf-keras says of classes that are not public, such as engine.functional's


class _Local(threading.local):
    safe_mode: bool | None = None


_local = _Local()


@contextmanager
def safe_mode_scope(safe_mode: bool) -> Iterator[None]:
    """Within it, `deserialize_keras_object` has this `safe_mode`, whatever its argument."""
    before, _local.safe_mode = _local.safe_mode, safe_mode
    try:
        yield
    finally:
        _local.safe_mode = before


def enable_unsafe_deserialization() -> None:
    """Let this thread's `deserialize_keras_object` make functions of code that dicts hold."""
    _local.safe_mode = False


def in_safe_mode() -> bool:
    """Is code in configs refused here? Only what `enable_unsafe_deserialization` or a scope allowed is not."""
    return _local.safe_mode is not False


def public_name(cls: type) -> tuple[str, str] | None:
    """The public module and name of one of Keras's classes, ("keras.losses", "Huber"); None: it is no such class."""
    module = cls.__module__
    if not module.startswith(f"{_PACKAGE}."):
        return None
    inner = module[len(_PACKAGE) + 1 :].split(".")
    rooms = [] if inner[0] == "engine" else [".".join(inner[: i + 1]) for i in range(len(inner))]
    candidates = ["", *rooms, *_LAYER_ROOMS]
    for candidate in candidates:
        room = sys.modules.get(f"{_PACKAGE}.{candidate}".rstrip("."))
        if getattr(room, cls.__name__, None) is cls and cls.__name__ in getattr(room, "__all__", ()):
            return f"keras.{candidate}".rstrip("."), cls.__name__
    return None


def serialize_keras_object(obj: Any) -> Any:
    """An object as plain data, which `deserialize_keras_object` makes the object of again.

    Args:
        obj: an object with `get_config`, a function, or plain data; lists, tuples and dicts of those.

    Raises:
        TypeError: it is none of these, or `get_config` gives no dict.
    """
    if legacy.in_saved_model_scope():
        return legacy.serialize_keras_object(obj)
    if obj is None or isinstance(obj, (str, int, float, bool)):
        return obj
    if isinstance(obj, (list, tuple)):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    special = _serialize_value(obj)
    if special is not None:
        return special[0]
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        warnings.warn(
            "A `lambda` is written as its code. Reading it again takes `safe_mode=False`, because it runs that code: "
            "use a named function, registered with `keras.saving.register_keras_serializable`, instead.",
            stacklevel=2,
        )
        return {"class_name": "__lambda__", "config": {"value": dump_function(obj)}}
    return _serialize_object(obj)


def _serialize_value(obj: Any) -> tuple[Any] | None:
    """A value that is no object with a config, in a tuple; None: it is one."""
    if isinstance(obj, bytes):
        return ({"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}},)
    if isinstance(obj, TensorShape):
        return (None if obj.rank is None else obj.as_list(),)
    if isinstance(obj, DType):
        return (obj.name,)
    if isinstance(obj, Tensor):
        value = {"value": obj.numpy().tolist(), "dtype": obj.dtype.name}
        return ({"class_name": "__tensor__", "config": value},)
    if isinstance(obj, np.ndarray) and obj.ndim:
        return ({"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}},)
    if isinstance(obj, (np.ndarray, np.generic)):
        return (obj.item(),)
    return None


def _serialize_object(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    public = public_name(cls)
    module, class_name = public or (cls.__module__.replace(_PACKAGE, _INTERNAL), cls.__name__)
    registered = get_registered_name(cls) if public is None else None
    written: dict[str, Any] = {
        "module": None if module == "__main__" else module,
        "class_name": class_name,
        "config": _config(obj),
        "registered_name": registered,
    }
    for step in ("build", "compile"):
        get = getattr(obj, f"get_{step}_config", None)
        config = get() if get is not None else None
        if config is not None:
            written[f"{step}_config"] = serialize_keras_object(config)
    return written


def _config(obj: Any) -> Any:
    if not isinstance(obj, types.FunctionType) and hasattr(obj, "get_config"):
        config = obj.get_config()
        if not isinstance(config, dict):
            raise TypeError(f"The `get_config()` method of {obj} should return a dict. It returned: {config}")
        return serialize_keras_object(config)
    if hasattr(obj, "__name__"):
        return get_registered_name(obj)
    raise TypeError(
        f"Cannot serialize object {obj} of type {type(obj)}. To be serializable, a class must implement the "
        "`get_config()` method."
    )


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    module_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a dict of either form stands for.

    Args:
        config: what `serialize_keras_object` gave.
        custom_objects: what names mean, besides those of Keras and the registered ones.
        safe_mode: refuse functions that are written as their code?
        module_objects: what the names of a module mean, for configs that do not say their module.
        printable_module_name: what to call such objects in errors.

    Raises:
        TypeError: there is no such class or function, or `config` is nothing of this kind.
        ValueError: it holds code, and `safe_mode` is on.
    """
    safe = safe_mode if _local.safe_mode is None else _local.safe_mode
    custom = {**(custom_objects or {}), **known_custom_objects()}
    if isinstance(config, str) and custom.get(config) is not None:
        return custom[config]
    if module_objects is not None and isinstance(config, (str, dict)):
        return deserialize_named(config, module_objects, custom, printable_module_name)
    if config is None or isinstance(config, (str, int, float, bool)):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(item, custom, safe) for item in config]
    if not isinstance(config, dict):
        raise TypeError(f"Could not parse config: {config}")
    if "class_name" not in config or "config" not in config:
        return {key: deserialize_keras_object(value, custom, safe) for key, value in config.items()}
    name, inner = config["class_name"], config["config"]
    value = _deserialize_value(name, inner or {}, safe)
    if value is not None:
        return value
    found = _find(config, custom)
    if name == "function" or inspect.isfunction(found):
        return found
    return _make(found, config, custom, safe)


def _deserialize_value(name: str, inner: Any, safe: bool) -> Any:
    if name == "__tensor__":
        return constant(inner["value"], dtype=inner["dtype"])
    if name == "__numpy__":
        return np.array(inner["value"], dtype=inner["dtype"])
    if name == "__bytes__":
        return inner["value"].encode("utf-8")
    if name == "__lambda__":
        if safe:
            raise ValueError(
                "This config holds a `lambda`, as code that would be run. That is refused unless you trust where it "
                "comes from, and say so with `safe_mode=False`."
            )
        return load_function(inner["value"])
    return None


def _find(config: dict[str, Any], custom: Mapping[str, Any]) -> Any:
    """The class or function that a dict names."""
    is_function = config["class_name"] == "function"
    name = config["config"] if is_function else config["class_name"]
    found = get_registered_object(name if is_function else config.get("registered_name", name), custom)
    if found is None:
        found = get_registered_object(name, custom)
    module = config.get("module")
    if found is None and isinstance(module, str):
        found = _find_in_keras(module, name, is_function)
        if found is None:
            found = find_in_program(module, name)
    if found is None:
        kind = "function" if is_function else "class"
        raise TypeError(
            f"Could not locate {kind} '{name}' of module {module}. If it is your own, import its module first, or "
            f"register it with `@keras.saving.register_keras_serializable()`. Full object config: {config}"
        )
    return found


def find_in_program(module: Any, name: Any) -> Any:
    """What a module of the program's own has, if it is imported; None for what is Python's or calque's there."""
    if not isinstance(module, str) or not isinstance(name, str) or _is_library(module):
        return None
    found = getattr(sys.modules[module], name, None) if module in sys.modules else None
    return None if _is_library(getattr(found, "__module__", None)) else found


def _is_library(module: Any) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in _LIBRARIES


def _find_in_keras(module: str, name: str, is_function: bool) -> Any:
    top, _, inner = module.partition(".")
    if top in ("keras", "tf_keras"):
        rooms = [inner.removeprefix("src.").removeprefix("src"), *_LAYER_ROOMS]
    elif is_function and module == "builtins":
        rooms = list(_ROOMS_OF_FUNCTIONS)
    else:
        return None
    for room in rooms:
        try:
            there = importlib.import_module(f"{_PACKAGE}.{room}".rstrip("."))
        except ModuleNotFoundError:
            continue
        if name in getattr(there, "__all__", ()):
            return getattr(there, name)
    return None


def _make(cls: Any, config: dict[str, Any], custom: Mapping[str, Any], safe: bool) -> Any:
    if not hasattr(cls, "from_config"):
        raise TypeError(
            f"Unable to reconstruct an instance of '{config['class_name']}' because the class is missing a "
            f"`from_config()` method. Full object config: {config}"
        )
    with CustomObjectScope(custom), safe_mode_scope(safe):
        made = cls.from_config(dict(config["config"] or {}))
        if config.get("build_config"):
            made.build_from_config(config["build_config"])
        if config.get("compile_config"):
            made.compile_from_config(config["compile_config"])
    return made


# What the rooms of named objects (losses, initializers, ...) have in common


def serialize_named(obj: Any, base: type | tuple[type, ...], kind: str, use_legacy_format: bool) -> Any:
    """An object of a room in either form; warns if it is of another kind."""
    if obj is None:
        return None
    if not isinstance(obj, base):
        wanted = base[0] if isinstance(base, tuple) else base
        warnings.warn(
            f"`keras.{kind}.serialize()` is for objects of type `keras.{kind}.{wanted.__name__}`. Found an instance "
            f"of type {type(obj)}, which may lead to improper serialization.",
            stacklevel=3,
        )
    return legacy.serialize_keras_object(obj) if use_legacy_format else serialize_keras_object(obj)


def deserialize_named(
    config: Any, module_objects: Mapping[str, Any], custom_objects: Mapping[str, Any] | None, kind: str
) -> Any:
    """An object of a room from a name or a dict of either form; anything else is given back.

    Args:
        config: the name of a function (which is given) or of a class (an instance made without arguments), or a dict.
        module_objects: the room's objects, by all their names.
        custom_objects: the caller's own.
        kind: what to call such an object in errors.

    Raises:
        ValueError: the name is unknown.
        TypeError: the class that a dict names is not there.
    """
    if isinstance(config, dict):
        if "class_name" not in config:
            raise ValueError(f"Unknown `config` as a `dict`, config={config}")
        own = {**(custom_objects or {}), **known_custom_objects()}
        if config.get("class_name") == "function":
            name = config.get("config")
            return own[name] if name in own else deserialize_named(name, module_objects, own, kind)
        if "module" in config and config["class_name"] not in module_objects:
            return deserialize_keras_object(config, custom_objects)
        if config.get("registered_name") in own:
            return _make(own[config["registered_name"]], config, own, True)
        config = {"class_name": config["class_name"], "config": config.get("config") or {}}
    return legacy.deserialize_keras_object(config, module_objects, custom_objects, kind)


def get_named(identifier: Any, deserialize: Callable[[Any], Any], kind: str) -> Any:
    """An object of a room from a name or a dict, by its `deserialize`; None, and what can be called, as it is.

    Raises:
        ValueError: there is none of that name, or it is something else.
    """
    if identifier is None or callable(identifier):
        return identifier
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    raise ValueError(f"Could not interpret {kind} identifier: {identifier}")
