"""`keras.utils`: helpers around data, names and printing."""

from __future__ import annotations

from ..random_generator import set_random_seed
from ..saving import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)
from . import legacy
from .arrays import normalize, pad_sequences, to_categorical, to_ordinal
from .batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from .logging import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from .plot import plot_model
from .progress import Progbar
from .sequences import GeneratorEnqueuer, OrderedEnqueuer, Sequence, SequenceEnqueuer

__all__ = [
    "CustomObjectScope",
    "GeneratorEnqueuer",
    "OrderedEnqueuer",
    "Progbar",
    "Sequence",
    "SequenceEnqueuer",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "is_interactive_logging_enabled",
    "legacy",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
    "to_ordinal",
    "unpack_x_y_sample_weight",
]
