"""Layers whose weights take an initializer, a regularizer and a constraint each, as arguments and in the config."""

from __future__ import annotations

from typing import Any

from .. import constraints, initializers, regularizers
from ..engine.layer import Layer
from ..saving.serialization import serialize_keras_object

__all__ = ["WeightedLayer"]

_KINDS: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}


class WeightedLayer(Layer):
    """A layer that keeps what it is told of a weight: as ``kernel_initializer``, ``kernel_regularizer`` and so on."""

    _weights_told: tuple[str, ...] = ()

    def _tell(
        self, weight: str, initializer: Any = None, regularizer: Any = None, constraint: Any = None
    ) -> None:
        """Keep what the arguments of the constructor say of a weight: objects, names or configs."""
        given = {"initializer": initializer, "regularizer": regularizer, "constraint": constraint}
        for kind, value in given.items():
            setattr(self, f"{weight}_{kind}", _KINDS[kind].get(value))
        self.__dict__["_weights_told"] = (*self._weights_told, weight)

    def _add(self, weight: str, shape: Any, name: str | None = None, **kwargs: Any) -> Any:
        """Make the weight as the arguments said; `name`: what it is called, where that is not `weight`."""
        told = {kind: getattr(self, f"{weight}_{kind}") for kind in _KINDS}
        return self.add_weight(name or weight, shape=shape, **told, **kwargs)

    def _weights_config(self, activity: bool = True) -> dict[str, Any]:
        """What the config says of the weights, and, if `activity`, of the activity regularizer."""
        said = {
            f"{weight}_{kind}": _serialized(room, getattr(self, f"{weight}_{kind}"))
            for weight in self._weights_told
            for kind, room in _KINDS.items()
        }
        if activity:
            said["activity_regularizer"] = _serialized(regularizers, self.activity_regularizer)
        return said


def _serialized(room: Any, value: Any) -> Any:
    if value is None or hasattr(value, "get_config"):
        return room.serialize(value)
    return serialize_keras_object(value)
