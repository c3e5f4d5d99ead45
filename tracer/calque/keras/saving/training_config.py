"""How a model was compiled, as keras_metadata.pb has it, and the arguments of `compile` to do so again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import legacy_serialization as legacy

__all__ = ["compile_arguments", "training_config"]

_PLAIN = (str, int, float, bool, type(None))


def training_config(model: Any) -> dict[str, Any] | None:
    """The arguments that a model was compiled with, as plain data; None if it was not compiled."""
    given = getattr(model, "_compile_arguments", None)
    optimizer = getattr(model, "optimizer", None)
    if given is None or optimizer is None:
        return None
    config = {k: _plain(given.get(k)) for k in ("loss", "metrics", "weighted_metrics", "loss_weights")}
    said = optimizer.get_config()
    return config | {
        "optimizer_config": {
            "class_name": legacy.serialize_keras_object(optimizer)["class_name"],
            "config": said,
        }
    }


def _plain(value: Any) -> Any:
    """Losses and metrics as names or as dicts of class and configuration, nested as they were given."""
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, _PLAIN):
        return value
    return legacy.serialize_keras_object(value)


def compile_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile` from what `training_config` gave, or an older release's form of it."""
    from ..losses import deserialize as deserialize_loss
    from ..optimizers import deserialize as deserialize_optimizer

    found: dict[str, Any] = {"loss_weights": config.get("loss_weights")}
    optimizer = config["optimizer_config"]
    found["optimizer"] = deserialize_optimizer(_optimizer(optimizer))
    found["loss"] = _made(config.get("loss"), deserialize_loss)
    for name in ("metrics", "weighted_metrics"):
        listed = config.get(name)
        found[name] = None if listed is None else _made(listed, _metric)
    if found["metrics"] is None and config.get("sample_weight_mode") is None:
        found["metrics"] = []
    return found


def _optimizer(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    name = optimizer["class_name"].removeprefix("Custom>")  # as some releases write their own
    return {"class_name": name, "config": dict(optimizer["config"])}


def _made(value: Any, make: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return [_made(v, make) for v in value]
    if isinstance(value, Mapping) and not ({"class_name", "config"} <= set(value)):
        return {k: _made(v, make) for k, v in value.items()}
    return make(value)


def _metric(config: Any) -> Any:
    """A metric; losses may be given as metrics, too."""
    from ..losses import deserialize as deserialize_loss
    from ..metrics import deserialize as deserialize_metric

    try:
        return deserialize_metric(config)
    except TypeError:
        return deserialize_loss(config)
