"""How often numbers occur, as a sparse tensor, or in sparse and ragged ones."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes

from ..api import array_ops, math_ops, reduce_ops
from ..api.raw import raw
from ..tensor import convert_to_tensor
from .ragged.ragged_tensor import RaggedTensor
from .sparse_tensor import SparseTensor

__all__ = ["bincount", "counts_of_rows"]


def bincount(
    values: Any,
    weights: Any = None,
    axis: Any = 0,
    minlength: Any = None,
    maxlength: Any = None,
    binary_output: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """How often each number occurs in `values`, in all or in each row.

    Args:
        values: numbers not below 0: a tensor, sparse or ragged tensor of rank 1 or 2.
        weights: what each counts for; of the kind and shape of `values`. Default: 1.
        axis: 0: count all; -1: each row.
        minlength: the least size of the last dimension.
        maxlength: numbers from there on are left out.
        binary_output: only whether a number occurs, not how often?
        name: the node's name.

    Raises:
        ValueError: the axis is another.
    """
    if axis not in (0, -1):
        raise ValueError(
            f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported."
        )
    if axis == 0:
        values, weights = _flat(values), None if weights is None else _flat(weights)
    attrs: dict[str, Any] = {
        "minlength": -1 if minlength is None else int(minlength),
        "maxlength": -1 if maxlength is None else int(maxlength),
        "binary_output": binary_output,
        "name": name,
    }
    if isinstance(values, SparseTensor):
        each = _weights(None if weights is None else weights.values)
        made = raw("SparseCountSparseOutput")(
            values.indices, values.values, values.dense_shape, each, **attrs
        )
    elif isinstance(values, RaggedTensor):
        each = _weights(None if weights is None else weights.values)
        splits = math_ops.cast(values.row_splits, dtypes.int64)
        made = raw("RaggedCountSparseOutput")(splits, values.values, each, **attrs)
    else:
        made = raw("DenseCountSparseOutput")(convert_to_tensor(values), _weights(weights), **attrs)
    return SparseTensor(*made)


def counts_of_rows(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """`tf.math.bincount` of a ragged or sparse tensor."""
    if axis in (None, 0):
        flat = None if weights is None else _flat(weights)
        return reduce_ops.bincount(_flat(arr), flat, minlength, maxlength, dtype, name, axis, binary_output)
    values = arr.values
    values = values if values.dtype is dtypes.int64 else math_ops.cast(values, dtypes.int32)
    size = reduce_ops._bincount_size(values, minlength, maxlength)
    each = array_ops.zeros([0], dtype) if weights is None else weights.values
    attrs: dict[str, Any] = {"binary_output": binary_output, "name": name}
    if isinstance(arr, SparseTensor):
        return raw("SparseBincount")(arr.indices, values, arr.dense_shape, size, each, **attrs)
    return raw("RaggedBincount")(math_ops.cast(arr.row_splits, dtypes.int64), values, size, each, **attrs)


def _weights(weights: Any) -> Any:
    return array_ops.zeros([0], dtypes.int32) if weights is None else convert_to_tensor(weights)


def _flat(value: Any) -> Any:
    if isinstance(value, SparseTensor):
        return value.values
    if isinstance(value, RaggedTensor):
        return value.flat_values
    return array_ops.reshape(convert_to_tensor(value), [-1])
