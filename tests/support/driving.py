"""Building, saving, loading and calling the models of `models`, the same way whichever library does it.

`tf` is calque or TensorFlow, or None where the runtime's objects are called with arrays. What comes back is numpy and
plain Python, so that it can travel between processes and be compared.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from saved_model.calls import Call, arguments, flatten, resolve
from support.models import MODELS

Results = dict[str, Any]  # by the call's name: its results by path, or the text of an error


def build(tf: Any, name: str, folder: Path) -> tuple[Any, Results]:
    """The model, traced by its calls, and what these gave."""
    folder.mkdir(parents=True, exist_ok=True)
    root = MODELS[name].build(tf, folder)
    return root, call_all(tf, root, name, signatures=False)


def save(tf: Any, root: Any, name: str, directory: Path) -> None:
    """Save a model that was built, with the signatures it is to have."""
    signatures = MODELS[name].signatures
    given = {} if signatures is None else {"signatures": signatures(root)}
    tf.saved_model.save(root, str(directory), **given)


def save_loaded(tf: Any, root: Any, directory: Path) -> None:
    """Save a model that was loaded, with the signatures it has (which calque keeps, and TensorFlow has to be given)."""
    given = {} if tf.__name__ == "calque" else {"signatures": dict(root.signatures)}
    tf.saved_model.save(root, str(directory), **given)


def call_all(tf: Any, root: Any, name: str, signatures: bool = True) -> Results:
    """What every call of the model gives, in order."""
    found: Results = {}
    for one in MODELS[name].calls.values():
        if one.target.startswith("signatures") and not signatures:
            continue
        try:
            args, kwargs = arguments(one, tf)
            with contextlib.redirect_stderr(io.StringIO()):  # for those that print
                result = resolve(root, one)(*args, **kwargs)
            found[one.name] = {"structure": structure(result), **leaves(result)}
        except Exception as error:
            found[one.name] = f"{type(error).__name__}: {error}"
    return found


def leaves(result: Any) -> dict[str, Any]:
    """The arrays in a result, by path."""
    return {path: array(leaf) for path, leaf in flatten(result)}


def array(value: Any) -> Any:
    value = value.numpy() if hasattr(value, "numpy") else value
    return np.array(value, object) if isinstance(value, (bytes, str)) else np.asarray(value)


def structure(value: Any) -> Any:
    """How a result is nested, with a dot for each leaf; None stays."""
    if isinstance(value, Mapping):
        return {key: structure(one) for key, one in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value).__name__, {f: structure(one) for f, one in zip(value._fields, value, strict=True)}
    if isinstance(value, (list, tuple)):
        return (
            type(value)(map(structure, value))
            if type(value) in (list, tuple)
            else list(map(structure, value))
        )
    return None if value is None else "."


def variables(root: Any, children: Callable[[Any], Mapping[str, Any]]) -> dict[str, Any]:
    """The variables that attributes lead to, by path: name, dtype, shape, trainable, value, and the path met first.

    Args:
        root: a loaded model.
        children: gives what an object of the library that loaded it holds.
    """
    found: dict[str, Any] = {}
    first: dict[int, str] = {}
    for path, one in sorted(_walk(root, "", children, ())):
        name = first.setdefault(id(one), path)
        shape = one.shape
        if hasattr(shape, "rank"):
            shape = None if shape.rank is None else tuple(shape)
        found[path] = {
            "name": one.name,
            "dtype": one.dtype.name,
            "shape": shape,
            "trainable": bool(one.trainable),
            "value": array(one),
            "same as": name,
        }
    return found


def _walk(
    holder: Any, path: str, children: Callable[[Any], Mapping[str, Any]], above: tuple[Any, ...]
) -> Iterator[tuple[str, Any]]:
    if any(holder is one for one in above):
        return
    for name, child in children(holder).items():
        where = f"{path}.{name}" if path else name
        if hasattr(child, "assign_add") or (hasattr(child, "assign") and hasattr(child, "trainable")):
            yield where, child
        elif name != "signatures" and not callable(getattr(child, "get_concrete_function", None)):
            yield from _walk(child, where, children, (*above, holder))


def gradients(tf: Any, root: Any, name: str) -> Results:
    """Of the sum of each differentiable call's results, by the trainable variables and the arguments. TensorFlow only."""
    trainable: dict[int, Any] = {}
    paths: dict[int, str] = {}
    for path, one in sorted(_walk(root, "", tf.train.TrackableView.children, ()), key=lambda x: x[0]):
        if one.trainable:
            trainable.setdefault(id(one), one)
            paths.setdefault(id(one), path)
    found: Results = {}
    for call_name in MODELS[name].gradients:
        one = MODELS[name].calls[call_name]
        args, kwargs = arguments(one, tf)
        watched = [x for _, x in flatten([args, kwargs]) if tf.is_tensor(x) and x.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            result = resolve(root, one)(*args, **kwargs)
            floats = [t for _, t in flatten(result) if t.dtype.is_floating]
            total = tf.add_n([tf.reduce_sum(tf.cast(t, tf.float64)) for t in floats])
        wanted = {
            **{paths[k]: v for k, v in trainable.items()},
            **{f"argument {i}": x for i, x in enumerate(watched)},
        }
        by = tape.gradient(total, wanted)
        found[call_name] = {k: None if g is None else array(tf.convert_to_tensor(g)) for k, g in by.items()}
    return found


def session_results(tf: Any, name: str, directory: Path) -> Results:
    """What the calls of signatures give in a Session, by the names in the SignatureDefs. TensorFlow only."""
    calls: list[Call] = [c for c in MODELS[name].calls.values() if c.target.startswith("signatures.")]
    found: Results = {}
    v1 = tf.compat.v1
    with v1.Session(graph=tf.Graph()) as session:
        meta = v1.saved_model.load(session, ["serve"], str(directory))
        for one in calls:
            signature = meta.signature_def[one.target.partition(".")[2]]
            feed = {signature.inputs[k].name: v for k, v in one.kwargs.items()}
            fetch = {k: info.name for k, info in signature.outputs.items()}
            got = session.run(fetch, feed)
            found[one.name] = {f"out.{k}": array(v) for k, v in got.items()}
        found["signatures"] = sorted(meta.signature_def)
        found["saved"] = (
            session.run(
                meta.saver_def.save_tensor_name,
                {meta.saver_def.filename_tensor_name: str(directory.parent / f"{directory.name}-by-saver")},
            )
            if meta.HasField("saver_def")
            else None
        )
    return found
