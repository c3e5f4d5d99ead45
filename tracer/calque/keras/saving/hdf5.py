"""HDF5 files of Keras 2, read with h5py: weights, and whole models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import UnimplementedError
from .metadata import decode
from .training_config import compile_arguments

__all__ = ["load_model_file", "load_weights_file"]


def _open(path: str) -> Any:
    try:
        import h5py
    except ImportError:
        raise UnimplementedError(
            None,
            None,
            f"Reading the HDF5 file '{path}' takes h5py (`pip install calque[hdf5]`). Or convert it: load it "
            "with tf-keras and save it with `model.save('directory', save_format='tf')`.",
        ) from None
    return h5py.File(path, "r")


def load_model_file(path: str, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """A model from a whole-model file of Keras 2.

    Args:
        path: the file.
        custom_objects: classes and functions of the caller's own, by name.
        compile: compile it as it was when it was saved? The optimizer's state is not read.

    Raises:
        ValueError: there is no model in it.
        UnimplementedError: h5py is not installed.
    """
    from ..layers.serialization import deserialize

    with _open(path) as file:
        said = file.attrs.get("model_config")
        if said is None:
            raise ValueError(
                f"No model config found in the file at '{path}': it has weights only. Use `load_weights`."
            )
        model = deserialize(decode(_text(said)), custom_objects)
        _assign(model, file["model_weights"], False, False)
        training = file.attrs.get("training_config")
        if compile and training is not None:
            model.compile(**compile_arguments(decode(_text(training))))
    return model


def load_weights_file(model: Any, path: str, skip_mismatch: bool, by_name: bool) -> None:
    """Give a model the weights of an HDF5 file of Keras 2 (see `weights.load_weights`).

    Raises:
        ValueError: the model is not built, or the weights do not fit.
    """
    if not model.built:
        raise ValueError(
            f"Unable to load weights saved in HDF5 format into the model '{model.name}', which has not created its "
            "variables yet. Call the model first, then load the weights."
        )
    with _open(path) as file:
        _assign(model, file.get("model_weights", file), skip_mismatch, by_name)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _names(group: Any, key: str) -> list[str]:
    """The names in an attribute, which HDF5's limit may have spread over several."""
    if key in group.attrs:
        return [_text(n) for n in group.attrs[key]]
    found: list[str] = []
    while f"{key}{len(found)}" in group.attrs:
        found += [_text(n) for n in group.attrs[f"{key}{len(found)}"]]
    return found


def _legacy_weights(layer: Any) -> list[Any]:
    return list(layer.trainable_weights) + list(layer.non_trainable_weights)


def _assign(model: Any, file: Any, skip_mismatch: bool, by_name: bool) -> None:
    stored = [
        (n, [np.asarray(file[n][w]) for w in _names(file[n], "weight_names")])
        for n in _names(file, "layer_names")
    ]
    stored = [(name, values) for name, values in stored if values]
    layers = [layer for layer in model.layers if _legacy_weights(layer)]
    if by_name:
        known = {layer.name: layer for layer in layers}
        pairs = [(known[name], name, values) for name, values in stored if name in known]
    else:
        if len(stored) != len(layers):
            raise ValueError(
                f"Layer count mismatch when loading weights from file. Model expected {len(layers)} layers, found "
                f"{len(stored)} saved layers."
            )
        pairs = [(layer, name, values) for layer, (name, values) in zip(layers, stored, strict=True)]
    for layer, name, values in pairs:
        weights = _legacy_weights(layer)
        fits = len(weights) == len(values) and all(
            w.shape.is_compatible_with(v.shape) for w, v in zip(weights, values, strict=True)
        )
        if not fits:
            if skip_mismatch:
                continue
            raise ValueError(
                f"Weights of layer '{layer.name}' ({[tuple(w.shape) for w in weights]}) do not fit those saved for "
                f"'{name}' ({[v.shape for v in values]})."
            )
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)
