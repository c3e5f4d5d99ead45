"""`Model.export`: a SavedModel for inference alone, in the form of Keras 3."""

from __future__ import annotations

import os
from typing import Any

from ...data_structures import ListWrapper
from ...function.polymorphic import Function
from ...saved_model.save import save
from ...trackable import AutoTrackable
from .layer_functions import infer, input_specs

__all__ = ["export_model"]


class _Exported(AutoTrackable):
    """The root of an exported model: an endpoint, and lists of variables."""


def export_model(model: Any, filepath: Any, verbose: bool = False) -> None:
    """Save a model for inference: the function `serve`, and the signatures "serve" and "serving_default".

    Args:
        model: the model. It must have been called, or have symbolic inputs.
        filepath: the directory.
        verbose: say so.

    Raises:
        ValueError: the shape of the inputs is not known.
    """
    if model._state.save_spec is None:
        raise ValueError(
            f"The model '{model.name}' provided has never been called: its input shape is not known. Call it on data, "
            "or build it, before exporting it."
        )
    inputs, specs = input_specs(model)

    def serve(*args: Any) -> Any:
        return infer(model, inputs, args)

    root: Any = _Exported()
    root.serve = Function(serve, "serve", input_signature=specs)
    root.variables = ListWrapper(model.variables)
    root.trainable_variables = ListWrapper(model.trainable_variables)
    root.non_trainable_variables = ListWrapper(model.non_trainable_variables)
    root._misc_assets = ListWrapper(
        list(model._flatten_layers(include_self=False)) if _has_resources(model) else []
    )
    save(root, os.fspath(filepath), signatures={"serve": root.serve, "serving_default": root.serve})
    if verbose:
        print(f"Saved artifact at '{os.fspath(filepath)}'. It has the endpoint 'serve'.")


def _has_resources(model: Any) -> bool:
    """Does a layer hold a table or a file, which must be saved with it?"""
    from ...object_graph import walk
    from ...resource import TableResource
    from ...saved_model.asset import Asset

    return any(isinstance(node, (Asset, TableResource)) for node in walk(model).nodes)
