"""`tf.io`: `tf.train.Example` messages as tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..composite.sparse_tensor import SparseTensor
from ..tensor import Tensor, constant
from .arguments import tensor
from .array_ops import concat, expand_dims, reshape
from .math_ops import cast
from .raw import raw

__all__ = [
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "SparseFeature",
    "VarLenFeature",
    "parse_example",
    "parse_single_example",
]


class FixedLenFeature(NamedTuple):
    """A feature of which every example has as many values.

    Attributes:
        shape: the shape of an example's values.
        dtype: their dtype.
        default_value: what an example that lacks the feature has; None: it is an error.
    """

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature that is a sequence of values of one shape; shorter ones are filled up.

    Attributes:
        shape: the shape of one value.
        dtype: its dtype.
        allow_missing: must be True: an example may lack the feature.
        default_value: what shorter sequences are filled up with; None: zeros.
    """

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature of any number of values: a sparse tensor.

    Attributes:
        dtype: the values' dtype.
    """

    dtype: Any


class SparseFeature(NamedTuple):
    """A sparse tensor whose indices and values are features.

    Attributes:
        index_key: the name of the feature of indices, or one for each axis.
        value_key: that of the values.
        dtype: the values' dtype.
        size: the size of the axis, or of each.
        already_sorted: are the indices in order?
    """

    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


class _Features:
    """The features of a call, as the op takes them."""

    def __init__(self, features: dict[str, Any]) -> None:
        if not features:
            raise ValueError("Missing: features was empty.")
        self.sparse: dict[str, Any] = {}
        self.dense: dict[str, tuple[Any, Any, Tensor]] = {}  # dtype, shape, default
        for key in sorted(features):
            self._add(key, features[key])

    def _add(self, key: str, feature: Any) -> None:
        if isinstance(feature, VarLenFeature):
            self.sparse[key] = as_dtype(feature.dtype)
        elif isinstance(feature, SparseFeature):
            keys = [feature.index_key] if isinstance(feature.index_key, str) else list(feature.index_key)
            for index_key in keys:
                self.sparse.setdefault(index_key, dtypes.int64)
            self.sparse[feature.value_key] = as_dtype(feature.dtype)
        elif isinstance(feature, FixedLenSequenceFeature):
            if not feature.allow_missing:
                raise ValueError(
                    f"Unsupported: FixedLenSequenceFeature requires allow_missing to be True. Feature: {key}."
                )
            dtype = as_dtype(feature.dtype)
            value = feature.default_value
            value = ("" if dtype is dtypes.string else 0) if value is None else value
            self.dense[key] = dtype, (None, *_sizes(feature.shape)), reshape(constant(value, dtype), [])
        elif isinstance(feature, FixedLenFeature):
            dtype, shape = as_dtype(feature.dtype), _sizes(feature.shape)
            default = (
                constant([], dtype)
                if feature.default_value is None
                else constant(feature.default_value, dtype, shape=shape)
            )
            self.dense[key] = dtype, shape, default
        else:
            raise ValueError(f"Invalid feature {key}:{feature}.")


def _sizes(shape: Any) -> tuple[int, ...]:
    if isinstance(shape, int):
        return (shape,)
    return tuple(int(s) for s in shape)


def parse_example(serialized: Any, features: Any, example_names: Any = None, name: str | None = None) -> Any:
    """The features of serialized `tf.train.Example` messages.

    Args:
        serialized: a vector of strings; or one string, for the features of one example.
        features: for each name a `FixedLenFeature`, `FixedLenSequenceFeature`, `VarLenFeature` or `SparseFeature`.
        example_names: the examples' names, for messages.
        name: the node's name.

    Returns:
        A dict of tensors and sparse tensors by name.

    Raises:
        ValueError: there are no features, or one is no such thing.
    """
    wanted = _Features(features)
    names = constant([], dtypes.string) if example_names is None else tensor(example_names)
    result = raw("ParseExampleV2")(
        tensor(serialized),
        names,
        _keys(wanted.sparse),
        _keys(wanted.dense),
        _keys({}),
        [default for _, _, default in wanted.dense.values()],
        num_sparse=len(wanted.sparse),
        sparse_types=tuple(wanted.sparse.values()),
        ragged_value_types=(),
        ragged_split_types=(),
        dense_shapes=tuple(shape for _, shape, _ in wanted.dense.values()),
        name=name,
    )
    indices, values, shapes, dense = result[:4]
    found: dict[str, Any] = {
        key: SparseTensor(i, v, s)
        for key, i, v, s in zip(wanted.sparse, indices, values, shapes, strict=True)
    }
    found.update(zip(wanted.dense, dense, strict=True))
    return {
        key: _combined(found, feature) if isinstance(feature, SparseFeature) else found[key]
        for key, feature in features.items()
    }


def _keys(entries: Any) -> Any:
    out = np.empty(len(entries), object)
    out[:] = [key.encode() for key in entries]
    return constant(out, dtypes.string, shape=[len(entries)])


def _combined(found: dict[str, Any], feature: SparseFeature) -> Any:
    """The sparse tensor of a `SparseFeature`, from the features of its indices and values."""
    values = found[feature.value_key]
    keys = [feature.index_key] if isinstance(feature.index_key, str) else list(feature.index_key)
    sizes = [feature.size] if isinstance(feature.size, int) else list(feature.size)
    columns = [expand_dims(cast(found[key].values, dtypes.int64), 1) for key in keys]
    batch = values.indices[:, :-1]  # the example's number, where there are several
    indices = concat([batch, *columns], 1)
    whole = concat([values.dense_shape[:-1], constant(sizes, dtypes.int64)], 0)
    if feature.already_sorted:
        return SparseTensor(indices, values.values, whole)
    order, sorted_values = raw("SparseReorder")(indices, values.values, whole)
    return SparseTensor(order, sorted_values, whole)


def parse_single_example(
    serialized: Any, features: Any, example_names: Any = None, name: str | None = None
) -> Any:
    """The features of one serialized `tf.train.Example` message, a scalar string: see `parse_example`."""
    return parse_example(serialized, features, example_names, name)
