"""Counting the numbers that sparse and ragged matrices, or the rows of dense ones, hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape
from .common import check_size
from .ragged import check_row_splits, row_ids
from .sparse import check_sparse, sparse_shapes

__all__: list[str] = []

_TYPES = "[int32, int64, float, double]"


def _check_weights(s: Site, weights: Array, values: Array) -> None:
    if weights.size and weights.shape != values.shape:
        raise s.error(
            f"Weights and data must have the same shape. Weight shape: {format_shape(weights.shape)}; data shape: "
            f"{format_shape(values.shape)}"
        )


def _sparse_rows(s: Site, indices: Array, values: Array, shape: Array) -> tuple[Array, int]:
    """The row of each value, and how many rows there are."""
    check_sparse(s, indices, values, shape)
    if len(shape) not in (1, 2):
        raise s.error(f"a sparse vector or matrix is needed, but the dense shape is {shape.tolist()}")
    if len(shape) == 1:
        return np.zeros(len(values), np.int64), 1
    rows = indices[:, 0]
    if rows.size and (rows.min() < 0 or rows.max() >= shape[0]):
        raise s.error(f"a row of the indices is not in [0, {int(shape[0])})")
    return rows, int(shape[0])


# Into a sparse tensor.


def _count_op(name: str, inputs: str, rows_of: Any, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        shortest, longest, binary = s["minlength"], s["maxlength"], s["binary_output"]
        dtype = s["output_type"].np

        def run(*arrays: Array) -> list[Array]:
            *source, weights = arrays
            rows, count, values, rank = rows_of(s, *source)
            numbers = np.ravel(values)
            _check_weights(s, weights, values)
            if numbers.size and numbers.min() < 0:
                raise s.error("Input values must all be non-negative")
            most = int(numbers.max(initial=0)) + 1
            size = longest if longest >= 0 else max(most, shortest)
            kept = numbers < size
            pairs = np.stack([rows[kept], numbers[kept].astype(np.int64)], axis=1)
            order = np.lexsort((pairs[:, 1], pairs[:, 0]))
            pairs = pairs[order]
            new = np.ones(len(pairs), bool)
            new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
            first = np.flatnonzero(new)
            if binary or not len(first):
                out = np.ones(len(first), dtype)
            elif weights.size:
                out = np.add.reduceat(np.ravel(weights)[kept][order], first, dtype=dtype)
            else:
                out = np.diff(first, append=len(pairs)).astype(dtype)
            sizes = np.array([count, size], np.int64)
            return [pairs[first][:, 2 - rank :], out, sizes[2 - rank :]]

        return run

    one = register(
        Op(
            f"{name}({inputs}, weights: output_type) -> (output_indices: int64, output_values: output_type, "
            "output_dense_shape: int64) | T: type in index; minlength: int=-1 >=-1; maxlength: int=-1 >=-1; "
            f"binary_output: bool; output_type: type in {_TYPES}",
            kernel,
            doc,
        )
    )
    return one.not_differentiable()


def _dense_rows(s: Site, values: Array) -> tuple[Array, int, Array, int]:
    if np.ndim(values) not in (1, 2):
        raise s.error(f"Input must be a 1 or 2-dimensional tensor. Got: {list(np.shape(values))}")
    if values.ndim == 1:
        return np.zeros(len(values), np.int64), 1, values, 1
    return np.repeat(np.arange(len(values)), values.shape[1]), len(values), values, 2


def _ragged_rows(s: Site, splits: Array, values: Array) -> tuple[Array, int, Array, int]:
    if np.ndim(values) != 1:
        raise s.error(f"values must be a vector, but have shape {format_shape(np.shape(values))}")
    rows = row_ids(check_row_splits(s, splits, len(values)))
    return rows, len(splits) - 1, values, 2


dense_count_sparse_output: Op = _count_op(
    "DenseCountSparseOutput",
    "values: T",
    _dense_rows,
    "How often each number occurs in a vector or in each row of a matrix, as a sparse tensor.",
)
sparse_count_sparse_output: Op = _count_op(
    "SparseCountSparseOutput",
    "indices: int64, values: T, dense_shape: int64",
    lambda s, i, v, shape: (*_sparse_rows(s, i, v, shape), v, len(shape)),
    "How often each number occurs in a sparse vector or each row of a sparse matrix, as a sparse tensor.",
)
ragged_count_sparse_output: Op = _count_op(
    "RaggedCountSparseOutput",
    "splits: int64, values: T",
    _ragged_rows,
    "How often each number occurs in each row of a ragged matrix, as a sparse tensor.",
)
dense_count_sparse_output.shape_rule = lambda s: sparse_shapes(
    None if s.shapes[0] is None else len(s.shapes[0])
)
sparse_count_sparse_output.shape_rule = lambda s: sparse_shapes(
    None if s.shapes[2] is None else s.shapes[2][0]
)
ragged_count_sparse_output.shape_rule = lambda s: sparse_shapes(2)


# Into a dense one.


def _counted(s: Site, rows: Array, count: int, values: Array, size: Array, weights: Array) -> Array:
    if np.size(size) != 1 or int(size.item()) < 0:
        raise s.error(f"size must be one number that is not negative, but is {np.ravel(size).tolist()}")
    length = int(size.item())
    _check_weights(s, weights, values)
    if values.size and values.min() < 0:
        raise s.error("Input must be non-negative")
    out = np.zeros(check_size(s, (count, length), s["T"]), weights.dtype)
    kept = values < length
    places = rows[kept], values[kept]
    if s["binary_output"]:
        out[places] = 1
    else:
        np.add.at(out, places, weights[kept] if weights.size else out.dtype.type(1))
    return out


_BINS = f"T: type in {_TYPES}; binary_output: bool=false"


@op(
    "SparseBincount(indices: int64, values: Tidx, dense_shape: int64, size: Tidx, weights: T) -> (output: T) | Tidx: "
    f"type in index; {_BINS}"
)
def sparse_bincount(s: Site) -> Kernel:
    """How often each number below `size` occurs in a sparse vector or each row of a sparse matrix."""

    def run(indices: Array, values: Array, shape: Array, size: Array, weights: Array) -> Array:
        rows, count = _sparse_rows(s, indices, values, shape)
        out = _counted(s, rows, count, values, size, weights)
        return out if len(shape) == 2 else out[0]

    return run


@sparse_bincount.shape
def _(s: Site) -> list[Shape]:
    sizes, size = s.const_shape(2), s.const(3)
    if sizes is None:
        return [None]
    return [(*sizes[:-1], None if size is None else int(size.item()))]


@op(
    "RaggedBincount(splits: int64, values: Tidx, size: Tidx, weights: T) -> (output: T) | Tidx: type in index; "
    f"{_BINS}"
)
def ragged_bincount(s: Site) -> Kernel:
    """How often each number below `size` occurs in each row of a ragged matrix."""

    def run(splits: Array, values: Array, size: Array, weights: Array) -> Array:
        rows, count, _, _ = _ragged_rows(s, splits, values)
        return _counted(s, rows, count, values, size, weights)

    return run


@ragged_bincount.shape
def _(s: Site) -> list[Shape]:
    splits, size = s.shapes[0], s.const(2)
    rows = None if splits is None or splits[0] is None else max(splits[0] - 1, 0)
    return [(rows, None if size is None else int(size.item()))]


sparse_bincount.not_differentiable()
ragged_bincount.not_differentiable()
