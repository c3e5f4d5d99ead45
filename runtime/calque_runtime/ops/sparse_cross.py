"""Feature crosses: for each row every combination of one value of each column, joined or hashed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..dtypes import int64, string
from ..farmhash import fingerprint64, fingerprint_cat64, siphash
from ..op import Array, Kernel, Site, op, registered
from .common import check_size
from .sparse import check_sparse, sparse_shapes

__all__: list[str] = []

_COLUMNS = "indices: N*int64, values: list(sparse_types), shapes: N*int64, dense_inputs: list(dense_types)"
_TYPES = "sparse_types: list(type) >=0 in [int64, string]; dense_types: list(type) >=0 in [int64, string]"
_NO_BUCKETS = (1 << 63) - 1  # hashes are taken modulo this where there is no number of buckets

Rows = list[list[Any]]  # the features of each row


def _columns(s: Site, arrays: Sequence[Array]) -> tuple[list[Rows], int]:
    """The rows of each column, sparse ones first, and how many rows there are."""
    n = s["N"]
    indices, values, shapes, dense = arrays[:n], arrays[n : 2 * n], arrays[2 * n : 3 * n], arrays[3 * n :]
    counts = [int(shape[0]) for shape in shapes if shape.size] + [len(x) for x in dense if np.ndim(x)]
    if not counts or min(counts) != max(counts):
        raise s.error(f"there must be columns of one number of rows, but their numbers are {counts}")
    columns: list[Rows] = []
    for i, v, shape in zip(indices, values, shapes, strict=True):
        check_sparse(s, i, v, shape)
        if len(shape) != 2 or (len(i) and (i[:, 0].min() < 0 or i[:, 0].max() >= counts[0])):
            raise s.error("sparse columns must be matrices whose rows are all below the batch size")
        check_size(s, (counts[0],), int64)
        rows: Rows = [[] for _ in range(counts[0])]
        for row, value in zip(i[:, 0].tolist(), v.tolist(), strict=True):
            rows[row].append(value)
        columns.append(rows)
    for x in dense:
        if x.ndim != 2:
            raise s.error(f"dense_inputs must be matrices, but one has the shape {list(x.shape)}")
        columns.append(x.tolist())
    return columns, counts[0]


def _crossed(
    s: Site, arrays: Sequence[Array], join: Callable[[tuple[Any, ...]], Any], dtype: Any
) -> list[Array]:
    columns, count = _columns(s, arrays)
    total = 0
    for row in range(count):
        one = 1
        for column in columns:
            one *= len(column[row])
        total += one
    check_size(s, (total,), int64)
    out: list[Any] = []
    lengths = []
    for row in range(count):
        before = len(out)
        out.extend(join(features) for features in product(*(column[row] for column in columns)))
        lengths.append(len(out) - before)
    sizes = np.array(lengths, np.int64)
    first = np.repeat(np.arange(count), sizes)
    second = np.arange(len(out)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    values = np.empty(len(out), dtype)
    values[:] = out
    return [np.stack([first, second], axis=1), values, np.array([count, max(lengths, default=0)], np.int64)]


def _text(separator: bytes) -> Callable[[tuple[Any, ...]], bytes]:
    return lambda row: separator.join(v if isinstance(v, bytes) else str(v).encode() for v in row)


def _hash(hashes: list[int], buckets: int) -> int:
    total = hashes[0]
    for one in hashes[1:]:
        total = fingerprint_cat64(total, one)
    return total % (buckets or _NO_BUCKETS)


def _number(value: Any) -> int:
    return fingerprint64(value) if isinstance(value, bytes) else value & ((1 << 64) - 1)


@op(
    f"SparseCross({_COLUMNS}) -> (output_indices: int64, output_values: out_type, output_shape: int64) | N: int >=0; "
    f"hashed_output: bool; num_buckets: int >=0; hash_key: int; {_TYPES}; out_type: type in [int64, string]; "
    "internal_type: type in [int64, string]"
)
def sparse_cross(s: Site) -> Kernel:
    """Every combination of one value of each column of a row: joined by ``_X_``, or hashed."""
    hashed, buckets, key = s["hashed_output"], s["num_buckets"], s["hash_key"] & ((1 << 64) - 1)
    inner = s["internal_type"]
    if hashed != (s["out_type"] is int64) or (inner is int64 and not hashed):
        raise s.unsupported(
            "out_type must be int64 if hashed_output, else it and internal_type must be string"
        )
    if inner is string and int64 in (*s["sparse_types"], *s["dense_types"]):
        raise s.error("inputs should be of internal type string but are int64")
    if hashed:
        return lambda *arrays: _crossed(
            s, arrays, lambda row: _hash([key, *map(_number, row)], buckets), np.int64
        )
    return lambda *arrays: _crossed(s, arrays, _text(b"_X_"), object)


@op(
    f"SparseCrossV2({_COLUMNS}, sep: string) -> (output_indices: int64, output_values: string, output_shape: int64) | "
    f"N: int >=0; {_TYPES}"
)
def sparse_cross_v2(s: Site) -> Kernel:
    """Every combination of one value of each column of a row, joined by `sep`; numbers as decimals."""

    def run(*arrays: Array) -> list[Array]:
        separator = np.asarray(arrays[-1], object).reshape(-1)
        if len(separator) != 1:
            raise s.error("sep must be a scalar")
        return _crossed(s, arrays[:-1], _text(separator[0]), object)

    return run


@op(
    f"SparseCrossHashed({_COLUMNS}, num_buckets: int64, strong_hash: bool, salt: int64) -> (output_indices: int64, "
    f"output_values: int64, output_shape: int64) | N: int >=0; {_TYPES}"
)
def sparse_cross_hashed(s: Site) -> Kernel:
    """Every combination of one value of each column of a row, hashed: a keyed hash of strings if `strong_hash`."""

    def run(*arrays: Array) -> list[Array]:
        *columns, buckets, strong, salt = arrays
        if np.size(buckets) != 1 or np.size(strong) != 1 or np.size(salt) != 2:
            raise s.error("num_buckets and strong_hash must be scalars, and salt must have two numbers")
        key = int(salt[0]), int(salt[1])
        number: Callable[[Any], int] = _number
        if np.asarray(strong).item():
            if int64 in (*s["sparse_types"], *s["dense_types"]):
                raise s.unsupported(
                    "a strong hash of int64 is not supported: convert to strings (tf.as_string)"
                )
            number = lambda value: siphash(value, key)  # noqa: E731
        modulus = int(np.asarray(buckets).item())
        return _crossed(s, columns, lambda row: _hash(list(map(number, row)), modulus), np.int64)

    return run


for _one in (sparse_cross, sparse_cross_v2, sparse_cross_hashed):
    _one.shape_rule = lambda s: sparse_shapes(2)
    _one.not_differentiable()

# What docs/ops.md says of limits.
for _names, _words in (("SparseCross", "refused: strings from internal_type int64"),):
    for _name in _names.split():
        registered()[_name].limited(_words)
