"""`keras.saving`: objects as data and back, and names for classes and functions of the user's own."""

from __future__ import annotations

from .registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from .serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "register_keras_serializable",
    "save_model",
    "serialize_keras_object",
]


def __getattr__(name: str) -> object:
    if name in ("load_model", "save_model"):  # they need the models, and everything needs this package
        from .. import models

        return getattr(models, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
