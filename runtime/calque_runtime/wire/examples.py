"""The records that data and requests come as in strings: Example, SequenceExample and TensorProto messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import DType
from calque_runtime.errors import DataLossError

from . import schema
from .tensors import decode_dtype, decode_tensor, encode_shape, encode_tensor

__all__ = [
    "example_features",
    "example_from_json",
    "sequence_features",
    "tensor_from_bytes",
    "tensor_to_bytes",
]

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


def example_from_json(text: bytes, where: str) -> bytes:
    """The bytes of the Example message that `text` describes in protobuf's JSON form.

    Raises:
        DataLossError: `text` is no such description.
    """
    from google.protobuf import json_format

    try:
        message = json_format.Parse(text.decode(), schema.Example(), descriptor_pool=schema.pool())
    except (json_format.ParseError, UnicodeDecodeError, RecursionError, ValueError) as e:
        raise DataLossError(None, None, f"{where}: this is not the JSON form of an Example: {e}") from e
    return schema.serialize(message, where)


def tensor_to_bytes(array: Array, dtype: DType) -> bytes:
    """A tensor as the bytes of a TensorProto, laid out as the op SerializeTensor does: never in typed lists of numbers.

    Raises:
        InvalidArgumentError: the array's elements are not of that type.
        ResourceExhaustedError: it takes 2 GiB or more.
    """
    if dtype in (dtypes.string, dtypes.resource, dtypes.variant):
        proto = encode_tensor(array, dtype)
    else:
        proto = schema.TensorProto(dtype=dtype.enum, tensor_shape=encode_shape(array.shape))
        proto.tensor_content = array.tobytes()
    return schema.serialize(proto, "the tensor")


def tensor_from_bytes(data: bytes, where: str) -> tuple[Array, DType]:
    """The tensor that the bytes of a TensorProto hold, and its type.

    Raises:
        DataLossError: `data` is no TensorProto, or a damaged one.
        ResourceExhaustedError, UnimplementedError: as `decode_tensor`.
    """
    proto = schema.parse(schema.TensorProto, data, where)
    dtype = decode_dtype(proto.dtype, where)
    array = decode_tensor(proto, where)
    return (array if array.flags.writeable else array.copy()), dtype
