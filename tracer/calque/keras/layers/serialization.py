"""Layers as configurations and back: `keras.layers.serialize` and `deserialize`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ..saving import legacy_serialization as legacy
from ..saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize", "known_classes", "serialize"]

_INTERNAL = ("Functional", "Model", "Sequential")


def known_classes() -> dict[str, Any]:
    """The classes of Keras's own that a configuration may name, by name."""
    from ..engine.functional import Functional
    from ..engine.model import Model
    from ..engine.sequential import Sequential
    from .batch_normalization import SyncBatchNormalization

    room = sys.modules[__package__]
    found = {n: getattr(room, n) for n in room.__all__ if isinstance(getattr(room, n), type)}
    return found | {
        "Functional": Functional,
        "Model": Model,
        "Network": Functional,
        "Sequential": Sequential,
        "SyncBatchNormalization": SyncBatchNormalization,
    }


def serialize(layer: Any, use_legacy_format: bool = False) -> Any:
    """A layer's class and configuration.

    Args:
        layer: the layer.
        use_legacy_format: in the older form, without module and registered name?
    """
    return legacy.serialize_keras_object(layer) if use_legacy_format else serialize_keras_object(layer)


def deserialize(
    config: Mapping[str, Any],
    custom_objects: Mapping[str, Any] | None = None,
    use_legacy_format: bool = False,
) -> Any:
    """A layer, without weights, from what `serialize` gave, in either form.

    Args:
        config: class and configuration.
        custom_objects: classes and functions of the caller's own, by name.
        use_legacy_format: accepted; the form is seen.

    Raises:
        ValueError: the class is unknown.
    """
    if "module" in config and not use_legacy_format:
        config = dict(config)
        if config.get("class_name") in known_classes() and config["class_name"] not in (custom_objects or {}):
            config.pop("build_config", None)  # Keras's own layers are not built before they are called
        return deserialize_keras_object(config, custom_objects)
    return legacy.deserialize_keras_object(
        dict(config),
        module_objects=known_classes(),
        custom_objects=custom_objects,
        printable_module_name="layer",
    )
