"""What TensorFlow makes of the models of `tf_models`: saved, loaded, called. The TensorFlow process imports this file."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from interop.tf_models import CASES, examples


def record_all(directory: str) -> dict[str, Any]:
    """Every model saved below `directory`, loaded and called there; the text of the error where that fails."""
    found: dict[str, Any] = {}
    for name in CASES:
        try:
            found[name] = record(name, f"{directory}/{name}")
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


def record(name: str, directory: str) -> list[tuple[str, Any, Any]]:
    """Save a model; method, arguments and result of each call of it, loaded, in order; signatures after the methods."""
    import tensorflow as tf

    model = CASES[name].build(tf)
    methods = {m: getattr(model, m) for m in CASES[name].calls}
    signatures = {m: f for m, f in methods.items() if f.input_signature is not None and serves(f)}
    tf.saved_model.save(model, directory, signatures=signatures or None)
    loaded = tf.saved_model.load(directory)
    found: list[tuple[str, Any, Any]] = []
    for method, calls in CASES[name].calls.items():
        for args in calls:
            args = (
                {"examples": (examples(),), "example": (examples()[0],)}[args]
                if isinstance(args, str)
                else args
            )
            tensors = [tf.constant(a) if isinstance(a, (np.ndarray, np.generic)) else a for a in args]
            found.append((method, args, plain(getattr(loaded, method)(*tensors))))
            if method in signatures:
                function = loaded.signatures[method]
                names = [
                    p for p in inspect.signature(methods[method].python_function).parameters if p != "self"
                ]
                given = dict(zip(names, args, strict=True))
                result = function(**{n: tf.constant(v) for n, v in given.items()})
                found.append((f"signatures.{method}", given, plain(result)))
    return found


def serves(function: Any) -> bool:
    """Can it be a signature: does it give tensors, or a dict of them?"""
    import tensorflow as tf

    result = function.get_concrete_function().structured_outputs
    leaves = (
        result.values()
        if isinstance(result, dict)
        else result
        if isinstance(result, (list, tuple))
        else [result]
    )
    return all(isinstance(one, (tf.Tensor, tf.TensorSpec)) for one in leaves)


def plain(value: Any) -> Any:
    """A result as arrays in lists and dicts; composite tensors as dicts of their parts."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if hasattr(value, "_fields"):
        return [plain(one) for one in value]
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "dense_shape"):
        return {k: plain(getattr(value, k)) for k in ("indices", "values", "dense_shape")}
    if hasattr(value, "row_splits"):
        return {k: plain(getattr(value, k)) for k in ("values", "row_splits")}
    return value.numpy() if hasattr(value, "numpy") else value
