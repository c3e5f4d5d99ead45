"""What TensorFlow makes of the models of `tf1_models`: built in a session, run there, saved. TensorFlow imports this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from interop.tf1_models import CASES, Feeds

__all__ = ["record_all"]


def record_all(directory: str, only: str = "") -> dict[tuple[str, str], Any]:
    """By the names of model and mode: inputs and outputs, or the text of the error where TensorFlow fails."""
    found: dict[tuple[str, str], Any] = {}
    for name, case in CASES.items():
        for mode in case.modes:
            if only in name:
                try:
                    found[name, mode] = record(name, mode, f"{directory}/{name}-{mode}")
                except Exception as error:
                    found[name, mode] = f"{type(error).__name__}: {error}"
    return found


def record(name: str, mode: str, directory: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Build a model, run it and save it below `directory`.

    Args:
        name: the model's.
        mode: ``v1``: reference variables and control flow by Switch and Merge; ``v2``: resource variables and functions.
        directory: where to save it.

    Returns:
        Inputs and outputs by name.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    (v1.enable_control_flow_v2 if mode == "v2" else v1.disable_control_flow_v2)()
    (v1.enable_resource_variables if mode == "v2" else v1.disable_resource_variables)()
    with v1.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(7)
        feeds = Feeds(v1, Path(directory).parent)
        outputs = CASES[name].build(tf, feeds)
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        session.run(v1.tables_initializer())
        iterators = v1.get_collection("iterator_initializer")
        session.run(iterators)
        builder = v1.saved_model.Builder(directory)
        signature = v1.saved_model.build_signature_def(
            *(
                {k: v1.saved_model.build_tensor_info(t) for k, t in one.items()}
                for one in (feeds.tensors, outputs)
            ),
            v1.saved_model.signature_constants.PREDICT_METHOD_NAME,
        )
        builder.add_meta_graph_and_variables(
            session,
            [v1.saved_model.tag_constants.SERVING],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.group(v1.tables_initializer(), v1.local_variables_initializer(), *iterators),
            strip_default_attrs=len(name) % 2 == 0,
        )
        builder.save()
        values = session.run(outputs, {feeds.tensors[k]: v for k, v in feeds.values.items()})
    return feeds.values, {k: plain(v) for k, v in values.items()}


def plain(value: Any) -> Any:
    """A result as an array, or as the parts of a sparse tensor."""
    if hasattr(value, "dense_shape"):
        return {part: np.asarray(getattr(value, part)) for part in ("indices", "values", "dense_shape")}
    return np.asarray(value, object) if isinstance(value, (bytes, str)) else np.asarray(value)
