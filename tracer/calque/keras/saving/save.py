"""`model.save`: a SavedModel with keras_metadata.pb, from which Keras 2 makes models again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from calque_runtime.wire.keras_metadata import FILE_NAME, KerasNode, encode_keras_metadata

from ...errors import UnimplementedError
from ...object_graph import ObjectView
from ...saved_model.save import save_with
from ..engine.layer import Layer
from . import legacy_serialization as legacy
from .metadata import encode, metadata_of

__all__ = ["save_model"]


def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
    signatures: Any = None,
    options: Any = None,
    save_traces: bool = True,
    **kwargs: Any,
) -> None:
    """Save a model as a SavedModel directory, in the form of Keras 2.

    Args:
        model: the model. It must have been built.
        filepath: the directory.
        overwrite: may what is there be replaced?
        include_optimizer: save the state of the optimizer?
        save_format: "tf" or None.
        signatures, options: see `tf.saved_model.save`.
        save_traces: save the functions of layers? Without them, only models whose classes are known can be loaded.

    Raises:
        ValueError: the model has not been built, or an argument is unknown.
        UnimplementedError: another format is asked for.
        FileExistsError: there is something, and `overwrite` is false.
    """
    if kwargs:
        raise ValueError(f"The following argument(s) are not supported: {sorted(kwargs)}")
    path = os.fspath(filepath)
    if save_format not in (None, "tf") or path.endswith((".h5", ".hdf5", ".keras")):
        raise UnimplementedError(
            None,
            None,
            f"Models are saved as SavedModel directories, but '{path}' asks for an HDF5 file or a .keras archive. Save "
            "to a path without such an ending; tf-keras reads it (`tf_keras.models.load_model`) and saves it in other "
            "formats.",
        )
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"'{path}' exists already; pass overwrite=True to replace it.")
    if not model.built or (save_traces and model._state.save_spec is None):
        raise ValueError(
            f"Model {model!r} cannot be saved either because the input shape is not available or because the forward "
            "pass of the model is not defined. To define a forward pass, please override `Model.call()`. To specify an "
            "input shape, either call `build(input_shape)` directly, or call the model on actual data using `Model()`, "
            "`Model.fit()`, or `Model.predict()`."
        )
    kept = None
    if not include_optimizer:
        kept, model.optimizer = model.optimizer, None
    try:
        with legacy.SharedObjectSavingScope(), legacy.saved_model_scope():
            save_with(model, path, signatures, options, _metadata_file, {"keras_traces": save_traces})
    finally:
        if kept is not None:
            model.optimizer = kept


def _metadata_file(view: ObjectView) -> Mapping[str, bytes]:
    nodes = [
        KerasNode(number, ".".join(("root", *names)), node._saved_identifier, encode(metadata_of(node)))
        for number, (node, names) in enumerate(zip(view.nodes, view.names, strict=True))
        if isinstance(node, Layer)
    ]
    return {FILE_NAME: encode_keras_metadata(nodes)}
