"""`keras.optimizers`, which are `tf.optimizers`: gradient descent and its relatives, and learning rates that change.

The classes, their arguments, numbers and checkpoints are those of tf-keras (Keras 2 from TensorFlow 2.11 on).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..saving.serialization import deserialize_named, serialize_named
from . import experimental, legacy, schedules
from .adafactor import Adafactor
from .adaptive import Adadelta, Adagrad, RMSprop
from .ftrl import Ftrl
from .moments import Adam, Adamax, AdamW, Nadam
from .optimizer import Optimizer
from .sgd import SGD, Lion

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "SGD",
    "deserialize",
    "experimental",
    "get",
    "legacy",
    "schedules",
    "serialize",
]

_CLASSES = (Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, RMSprop, SGD)


def serialize(optimizer: Any, use_legacy_format: bool = False) -> Any:
    """An optimizer as a dict, see `keras.saving.serialize_keras_object`."""
    return serialize_named(optimizer, (Optimizer, legacy.Optimizer), "optimizers", use_legacy_format)


def deserialize(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    use_legacy_format: bool = False,
    *,
    use_legacy_optimizer: bool = False,
) -> Any:
    """An optimizer from a dict of either form, or of its class's name, in any case.

    Args:
        config: the dict. One with arguments that does not say ``"is_legacy_optimizer": False`` among them is of a
            release before 2.11, and gives one of `legacy`.
        custom_objects: the caller's own classes, by name.
        use_legacy_format: accepted: either form is read.
        use_legacy_optimizer: is it one of `legacy` if there are no arguments?

    Raises:
        ValueError: there is none of that name.
    """
    if isinstance(config, dict) and config.get("config"):
        use_legacy_optimizer = config["config"].get("is_legacy_optimizer", True)
    known: dict[str, Any] = {cls.__name__.lower(): cls for cls in _CLASSES}
    if use_legacy_optimizer:
        known |= {name.lower(): getattr(legacy, name) for name in legacy.__all__ if name != "Optimizer"}
    if isinstance(config, dict) and str(config.get("class_name")).lower() in known:
        config = config | {"class_name": config["class_name"].lower()}
    return deserialize_named(config, known, custom_objects, "optimizer")


def get(identifier: Any, *, use_legacy_optimizer: bool = False) -> Any:
    """An optimizer from its name, in any case, or a dict; an optimizer as it is.

    Raises:
        ValueError: there is none of that name, or it is something else.
    """
    if isinstance(identifier, (Optimizer, legacy.Optimizer)):
        return identifier
    if isinstance(identifier, str):
        identifier = {"class_name": identifier, "config": {}}
    if isinstance(identifier, dict):
        return deserialize(identifier, use_legacy_optimizer=use_legacy_optimizer)
    raise ValueError(f"Could not interpret optimizer identifier: {identifier}")
