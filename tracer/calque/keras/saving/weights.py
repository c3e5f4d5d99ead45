"""`save_weights` and `load_weights`: TensorFlow checkpoints, and HDF5 files of Keras 2 to read."""

from __future__ import annotations

import os
from typing import Any

from calque_runtime.checkpoint import CheckpointState, write_state

from ...errors import UnimplementedError
from ...train.checkpoint import Checkpoint

__all__ = ["load_weights", "save_weights"]

_HDF5 = (".h5", ".hdf5", ".keras")


def save_weights(model: Any, path: str, overwrite: bool, save_format: str | None) -> None:
    """Save the weights of a model (and the state of its optimizer) as a TensorFlow checkpoint.

    Args:
        model: the model; it must have been built.
        path: what the names of the checkpoint's files begin with.
        overwrite: may what is there be replaced?
        save_format: "tf" or None.

    Raises:
        ValueError: the model has not been built.
        FileExistsError: there is something, and `overwrite` is false.
        UnimplementedError: another format is asked for.
    """
    if not model.built:
        raise ValueError(
            f"Unable to save weights: model '{model.name}' has none yet. Build it, or call it on data, first."
        )
    if save_format not in (None, "tf") or path.endswith(_HDF5):
        raise UnimplementedError(
            None,
            None,
            f"Weights are saved as TensorFlow checkpoints, but '{path}' asks for an HDF5 file. Save to a path without "
            "such an ending; tf-keras's `load_weights` reads it, and its `save_weights` writes HDF5.",
        )
    if os.path.exists(path + ".index") and not overwrite:
        raise FileExistsError(f"'{path}' exists already; pass overwrite=True to replace it.")
    Checkpoint(root=model).write(path)
    name = os.path.basename(path)
    write_state(os.path.dirname(path) or ".", CheckpointState(name, [name]))


def load_weights(model: Any, path: str, skip_mismatch: bool, by_name: bool) -> Any:
    """Load weights into a model.

    Args:
        model: the model.
        path: what the names of a checkpoint's files begin with, a directory of a saved model, or an HDF5 file.
        skip_mismatch: leave out layers whose weights have another shape (HDF5, by name)?
        by_name: match layers by name instead of place (HDF5)?

    Returns:
        For a checkpoint, the status of its restoration.

    Raises:
        ValueError: the weights do not fit the model.
        NotFoundError: there is nothing of that name.
    """
    if path.endswith(_HDF5):
        from .hdf5 import load_weights_file

        load_weights_file(model, path, skip_mismatch, by_name)
        _finalize(model)
        return None
    if by_name or skip_mismatch:
        raise NotImplementedError(
            "Weights may only be loaded based on topology into Models when loading TensorFlow-formatted weights: "
            "`by_name` and `skip_mismatch` are for HDF5 files."
        )
    if os.path.isdir(path) and os.path.exists(os.path.join(path, "variables", "variables.index")):
        path = os.path.join(path, "variables", "variables")
    status = Checkpoint(root=model).read(path)
    _finalize(model)
    return status


def _finalize(model: Any) -> None:
    """Let layers make what follows from their state."""
    for layer in model._flatten_layers(include_self=False):
        layer.finalize_state()
