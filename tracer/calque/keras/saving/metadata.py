"""What keras_metadata.pb says of a layer, model or metric, as JSON."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import nest
from ...dtypes import DType
from ...tensor import EagerTensor
from ...tensor_shape import TensorShape
from ...tensor_spec import TensorSpec
from ..mixed_precision import serialize as serialize_policy
from . import legacy_serialization as legacy
from .training_config import training_config

__all__ = ["decode", "encode", "metadata_of"]

KERAS_VERSION = "2.21.0"


def metadata_of(layer: Any) -> dict[str, Any]:
    """The metadata of a layer, model or metric; within a `saved_model_scope` and a `SharedObjectSavingScope`."""
    from ..engine.input_layer import InputLayer
    from ..engine.model import Model

    with legacy.skip_failed_serialization():
        said = dict(legacy.serialize_keras_object(layer))
    if hasattr(layer, "_config_beside_tables"):
        said["config"] = layer._config_beside_tables(said["config"])
    shape = layer._state.build_input_shape
    if getattr(type(layer), "_is_keras_metric", False):
        return {"class_name": said["class_name"], "name": layer.name, "dtype": layer.dtype, **said}
    if isinstance(layer, InputLayer):
        return {
            "class_name": "InputLayer",
            "name": layer.name,
            "dtype": layer.dtype,
            "sparse": layer.sparse,
            "ragged": layer.ragged,
            "batch_input_shape": layer._state.fixed_input,
            "config": layer.get_config(),
        }
    found: dict[str, Any] = {
        "name": layer.name,
        "trainable": layer._state.trainable,
        "expects_training_arg": layer._expects_training_arg,
        "dtype": _plain_policy(layer),
        "batch_input_shape": layer._state.fixed_input,
        "stateful": layer.stateful,
        "must_restore_from_config": layer._must_restore_from_config,
        "preserve_input_structure_in_config": layer._preserves_input_structure,
        "autocast": layer._state.autocast,
        **said,
    }
    if layer.input_spec is not None:
        found["input_spec"] = nest.map_structure(
            lambda x: legacy.serialize_keras_object(x) if x is not None else None, layer.input_spec
        )
    if hasattr(layer.activity_regularizer, "get_config"):
        found["activity_regularizer"] = legacy.serialize_keras_object(layer.activity_regularizer)
    if shape is not None:
        found["build_input_shape"] = shape
    if isinstance(layer, Model):
        found.pop("stateful")
        found |= _of_model(layer, said)
    return found


def _plain_policy(layer: Any) -> Any:
    policy = serialize_policy(layer._state.policy)
    return policy if isinstance(policy, str) else {k: policy[k] for k in ("class_name", "config")}


def _of_model(model: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    spec = model.save_spec(dynamic_batch=False)
    found: dict[str, Any] = {
        "is_graph_network": bool(model._is_graph_network),
        "full_save_spec": None if spec is None else (list(spec[0]), spec[1]),
        "save_spec": None if spec is None else spec[0][0],
        "keras_version": KERAS_VERSION,
        "backend": "tensorflow",
        "model_config": {k: said[k] for k in ("class_name", "config")},
    }
    training = training_config(model)
    if training is not None:
        found["training_config"] = training
    return found


# JSON


def encode(value: Any, **kwargs: Any) -> str:
    """A value as JSON, in which tuples, shapes and specs are marked as what they are; `kwargs` are `json.dumps`'s."""
    return json.dumps(_marked(value), default=_default, **kwargs)


def _marked(value: Any) -> Any:
    if isinstance(value, TensorShape):
        return {"class_name": "TensorShape", "items": None if value.rank is None else value.as_list()}
    if isinstance(value, tuple):
        return {"class_name": "__tuple__", "items": [_marked(v) for v in value]}
    if isinstance(value, list):
        return [_marked(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _marked(v) for k, v in value.items()}
    return value


def _default(value: Any) -> Any:
    if isinstance(value, TensorSpec):
        said = (value.shape, value.dtype.name, value.name)
        return {"class_name": "TypeSpec", "type_spec": "tf.TensorSpec", "serialized": _marked(said)}
    if hasattr(value, "get_config"):
        return {**legacy.serialize_keras_object(value), legacy.PASSIVE: True}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, EagerTensor):
        return value.numpy().tolist()
    if isinstance(value, DType):
        return value.name
    if value is Ellipsis:
        return {"class_name": "__ellipsis__"}
    if isinstance(value, bytes):
        return {"class_name": "__bytes__", "value": value.decode("utf-8")}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if callable(value):
        return value.__name__
    spec = type(value).__name__
    if spec in ("RaggedTensorSpec", "SparseTensorSpec"):
        return {
            "class_name": "TypeSpec",
            "type_spec": f"tf.{spec}",
            "serialized": _marked(value._serialize()),
        }
    raise TypeError(f"Unable to serialize {value!r} to JSON: its type, {type(value)}, is not known there.")


def decode(text: str) -> Any:
    """What `encode` was given."""
    return json.loads(text, object_hook=_decoded)


def _decoded(found: dict[str, Any]) -> Any:
    kind = found.get("class_name")
    if kind == "TensorShape":
        return TensorShape(found["items"])
    if kind == "__tuple__":
        return tuple(found["items"])
    if kind == "__ellipsis__":
        return Ellipsis
    if kind == "__bytes__":
        return found["value"].encode("utf-8")
    if kind == "TypeSpec":
        return _spec(found)
    return found


def _spec(found: Mapping[str, Any]) -> Any:
    said = found["serialized"]
    if found["type_spec"] == "tf.TensorSpec":
        return TensorSpec(*said)
    if found["type_spec"] == "tf.RaggedTensorSpec":
        from ...composite.ragged.spec import RaggedTensorSpec

        return RaggedTensorSpec(said[0], said[1], said[2], said[3])
    if found["type_spec"] == "tf.SparseTensorSpec":
        from ...composite.sparse_tensor import SparseTensorSpec

        return SparseTensorSpec(said[0], said[1])
    return None
