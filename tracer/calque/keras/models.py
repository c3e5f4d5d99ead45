"""`keras.models`: models, and making them again from files and configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .engine.functional import Functional
from .engine.input_layer import InputLayer
from .engine.layer import Layer
from .engine.model import Model
from .engine.sequential import Sequential
from .layers.serialization import deserialize
from .saving import legacy_serialization as legacy
from .saving.load import load_model
from .saving.metadata import KERAS_VERSION, decode, encode
from .saving.save import save_model

__all__ = [
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "model_to_json",
    "save_model",
]


def model_to_json(model: Model, **kwargs: Any) -> str:
    """A model's class and configuration as JSON, for `model_from_json`.

    Args:
        model: the model.
        **kwargs: of `json.dumps`.
    """
    said = {
        **legacy.serialize_keras_object(model),
        "keras_version": KERAS_VERSION,
        "backend": "tensorflow",
    }
    return encode(said, **kwargs)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A model, without weights, from what `to_json` gave.

    Args:
        json_string: the text.
        custom_objects: classes and functions of the caller's own, by name.
    """
    return deserialize(decode(json_string), custom_objects)


def model_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A model, without weights, from its class and configuration.

    Args:
        config: what `keras.layers.serialize(model)` gave.
        custom_objects: classes and functions of the caller's own, by name.

    Raises:
        TypeError: `config` is a list.
    """
    if isinstance(config, list):
        raise TypeError(
            "`model_from_config` expects a dictionary, not a list. Did you mean `Sequential.from_config(config)`?"
        )
    return deserialize(config, custom_objects)


def clone_model(
    model: Model, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None
) -> Any:
    """A model of the same architecture with new layers, and weights that start anew.

    Args:
        model: a functional or sequential model, or one whose class has a usable `get_config`.
        input_tensors: symbolic inputs to build it on.
        clone_function: gives the new layer for a layer; None: one from its configuration.

    Raises:
        ValueError: a model of another kind, with `input_tensors` or `clone_function`.
    """
    make = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
    if isinstance(model, Sequential):
        layers = [x if isinstance(x, InputLayer) and clone_function else make(x) for x in model._stack]
        if input_tensors is not None:
            layers = [input_tensors, *[x for x in layers if not isinstance(x, InputLayer)]]
        return Sequential(layers, name=model.name)
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, make)
    if clone_function or input_tensors is not None:
        raise ValueError(
            "Expected a functional or sequential model where `clone_function` or `input_tensors` is given. "
            f"Got a subclassed model of class {type(model).__name__}."
        )
    return type(model).from_config(model.get_config())


def _clone_functional(model: Functional, input_tensors: Any, make: Callable[[Any], Any]) -> Functional:
    from .. import nest
    from .engine.functional_config import network_config, network_from_config

    created: dict[str, Layer] = {}
    for layer in model._own_layers:
        created[layer.name] = make(layer)
    inputs, outputs = network_from_config(network_config(model), created=created)
    if input_tensors is not None:
        outputs = Functional(inputs, outputs)(input_tensors)
        inputs = input_tensors
    return Functional(nest.map_structure(lambda t: t, inputs), outputs, name=model.name)
