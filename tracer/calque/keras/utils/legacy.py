"""`keras.utils.legacy`: objects as dicts in the older form."""

from __future__ import annotations

from ..saving.legacy_serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
