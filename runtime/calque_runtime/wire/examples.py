"""Example and SequenceExample messages, the records that training data and requests come as, as numpy arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from . import schema

__all__ = ["example_features", "sequence_features"]

Array = Any
_DTYPES = {"float_list": np.float32, "int64_list": np.int64}


def _values(feature: Any) -> Array | None:
    """A feature's values: a vector of float32, int64 or bytes; None where it holds no list of any kind."""
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    values = getattr(feature, kind).value
    if kind == "bytes_list":
        out = np.empty(len(values), object)
        out[:] = list(values)
        return out
    return np.array(values, _DTYPES[kind])


def _chosen(features: Any, keys: Iterable[bytes]) -> dict[bytes, Array]:
    found = {}
    for key in keys:
        try:
            name = key.decode()
        except UnicodeDecodeError:  # no message holds such a key
            continue
        if name in features:
            values = _values(features[name])
            if values is not None:
                found[key] = values
    return found


def example_features(data: bytes, keys: Iterable[bytes], where: str) -> dict[bytes, Array]:
    """Those of the features `keys` that a serialized Example has.

    Args:
        data: the message.
        keys: names of features.
        where: what `data` is, for the error.

    Returns:
        for each name a vector of float32, int64 or bytes.

    Raises:
        DataLossError: `data` is no Example.
    """
    return _chosen(schema.parse(schema.Example, data, where).features.feature, keys)


def sequence_features(
    data: bytes, keys: Iterable[bytes], list_keys: Iterable[bytes], where: str
) -> tuple[dict[bytes, Array], dict[bytes, list[Array | None]]]:
    """Those of the context features `keys` and feature lists `list_keys` that a serialized SequenceExample has.

    Args:
        data: the message.
        keys: names of features of the context.
        list_keys: names of feature lists.
        where: what `data` is, for the error.

    Returns:
        for each feature a vector as `example_features` gives; for each list one a step (None where the step is empty).

    Raises:
        DataLossError: `data` is no SequenceExample.
    """
    message = schema.parse(schema.SequenceExample, data, where)
    lists = message.feature_lists.feature_list
    found: dict[bytes, list[Array | None]] = {}
    for key in list_keys:
        name = key.decode(errors="replace")
        if name in lists:
            found[key] = [_values(feature) for feature in lists[name].feature]
    return _chosen(message.context.feature, keys), found
