"""Ragged tensors: to dense and sparse tensors, gathering rows, ranges, filling empty rows, packing as variants.

A ragged tensor is its flat values and, from the outside in, a vector of row splits for each ragged axis: row `i` of an
axis is the part from ``splits[i]`` to ``splits[i + 1]`` of what the next axis (or the values) holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import int64
from ..op import Array, Call, Kernel, Op, Site, op
from ..record import record
from ..shapes import Shape, format_shape, merge
from .common import as_strings, check_size, sum_to
from .sparse import fill_gradient, filled_rows

__all__: list[str] = []

_FIRST, _ROWIDS, _SPLITS = b"FIRST_DIM_SIZE", b"VALUE_ROWIDS", b"ROW_SPLITS"


def check_row_splits(s: Site, splits: Array, count: int | None = None) -> Array:
    """Row splits as int64.

    Args:
        s: the call's site.
        splits: what should be row splits.
        count: of how many values they are; None where that is not to be checked.

    Raises:
        InvalidArgumentError: they are empty, do not start at 0, go down, or do not end at `count`.
    """
    if splits.ndim != 1 or not splits.size:
        raise s.error(
            f"row splits must be a vector of one number at least, but have shape {format_shape(splits.shape)}"
        )
    if splits[0] != 0 or (np.diff(splits) < 0).any():
        raise s.error(f"row splits must start at 0 and must not go down, but are {_some(splits)}")
    if count is not None and splits[-1] != count:
        raise s.error(f"row splits must end at the number of values, {count}, but end at {int(splits[-1])}")
    return splits.astype(np.int64)


def _some(values: Array) -> str:
    shown = ", ".join(str(v) for v in values[:8].tolist())
    return f"[{shown}{', ...' if len(values) > 8 else ''}]"


def check_nested(s: Site, nested: Sequence[Array], values: Array) -> list[Array]:
    """The row splits of every ragged axis as int64.

    Raises:
        InvalidArgumentError: they do not fit each other or the values.
    """
    if not np.ndim(values):
        raise s.error("the values of a ragged tensor must have an axis")
    ends = [*(np.size(splits) - 1 for splits in nested[1:]), len(values)]
    return [check_row_splits(s, splits, end) for splits, end in zip(nested, ends, strict=True)]


def row_ids(splits: Array) -> Array:
    """The row of each value."""
    return np.repeat(np.arange(len(splits) - 1), np.diff(splits))


# To a dense tensor.


@op(
    "RaggedTensorToTensor(shape: Tshape, values: T, default_value: T, row_partition_tensors: "
    "num_row_partition_tensors*Tindex) -> (result: T) | T: type; Tindex: type in index; Tshape: type in index; "
    "num_row_partition_tensors: int >=1; row_partition_types: list(string)"
)
def ragged_tensor_to_tensor(s: Site) -> Kernel:
    """A dense tensor of the rows, cut or filled with the default to one shape; -1 in `shape`: as long as needed."""
    kinds, dtype = [bytes(k) for k in s["row_partition_types"]], s["T"]
    _check_kinds(s, kinds)

    def run(shape: Array, values: Array, default: Array, *partitions: Array) -> Array:
        if not np.ndim(values):
            raise s.error("values must have an axis")
        element = values.shape[1:]
        rank = _ragged_rank(kinds)
        if np.ndim(default) >= values.ndim:
            raise s.error(
                f"default_value.rank = {np.ndim(default)} must be less than the values', {values.ndim}"
            )
        sizes = _asked_sizes(s, shape, rank, element)
        places = _places(s, kinds, partitions, sizes, len(values))
        full = check_size(s, (*sizes[: rank + 1], *element), dtype)
        try:
            filler = np.broadcast_to(default, element)
        except ValueError:
            raise s.error(
                f"default_value of shape {format_shape(np.shape(default))} does not broadcast to that of an element, "
                f"{format_shape(element)}"
            ) from None
        out = np.empty(full, values.dtype)
        out[...] = filler
        flat = out.reshape((int(np.prod(full[: rank + 1], dtype=np.int64)), *element))
        kept = places >= 0
        flat[places[kept]] = values[: len(places)][kept]
        return out

    return run


def _check_kinds(s: Site, kinds: list[bytes]) -> None:
    known = (_FIRST, _ROWIDS, _SPLITS)
    for kind in kinds:
        if kind not in known:
            raise s.error(f"Unknown string for partition info type: {kind.decode(errors='replace')}")
    if not kinds or len(kinds) != s["num_row_partition_tensors"]:
        raise s.error("there must be as many row_partition_types as row_partition_tensors, one at least")
    if kinds[0] == _ROWIDS:
        raise s.error("Cannot handle VALUE_ROWIDS in first dimension.")
    if _FIRST in kinds[1:]:
        raise s.error("FIRST_DIM_SIZE can only be the first of the row_partition_types")


def _ragged_rank(kinds: Sequence[bytes]) -> int:
    return len(kinds) - (kinds[0] == _FIRST)


def _asked_sizes(s: Site, shape: Array, rank: int, element: tuple[int, ...]) -> list[int]:
    """The sizes that `shape` asks for, -1 where it leaves them open: rank + 1 ragged ones and the element's."""
    if not np.ndim(shape):
        if int(shape) != -1:
            raise s.error("a scalar shape must be -1")
        return [-1] * (rank + 1) + list(element)
    asked = [int(d) for d in shape]
    if len(asked) != rank + 1 + len(element):
        raise s.error(
            f"the ragged tensor's rank is {rank + 1 + len(element)}, but shape={asked} has {len(asked)} sizes"
        )
    for own, wanted in zip(element, asked[rank + 1 :], strict=True):
        if wanted not in (-1, own):
            raise s.error(f"the elements' shape is {list(element)}, but shape={asked} asks for {wanted}")
    if min(asked, default=0) < -1:
        raise s.error(f"shape={asked} has a size below -1")
    return asked


def _places(
    s: Site, kinds: Sequence[bytes], partitions: Sequence[Array], sizes: list[int], count: int
) -> Array:
    """The place of each value in the flat result, -1 for those cut off; fills in the sizes that are open."""
    first = partitions[0]
    if kinds[0] == _FIRST:
        if first.size != 1:
            raise s.error("FIRST_DIM_SIZE takes one number")
        rows = int(first.reshape(-1)[0])
        levels = list(zip(kinds[1:], partitions[1:], strict=True))
    else:
        rows = first.size - 1
        levels = list(zip(kinds, partitions, strict=True))
    if rows < 0:
        raise s.error("Invalid first partition input: it must have one element at least, and not be negative")
    check_size(s, (rows,), int64)
    if sizes[0] < 0:
        sizes[0] = rows
    places = np.arange(rows)
    places[sizes[0] :] = -1
    for axis, (kind, partition) in enumerate(levels, 1):
        ids = _level_rows(s, kind, partition, len(places))
        column = np.arange(len(ids)) - np.searchsorted(ids, ids)
        if sizes[axis] < 0:
            sizes[axis] = int(column.max(initial=-1)) + 1
        size = sizes[axis]
        above = places[ids]
        places = np.where((above >= 0) & (column < size), above * size + column, -1)
    if len(places) > count:
        raise s.error(f"the row partitions are of {len(places)} values, but there are {count}")
    return places


def _level_rows(s: Site, kind: bytes, partition: Array, rows: int) -> Array:
    """The row, of `rows` ones, of each element of a ragged axis."""
    if partition.ndim != 1:
        raise s.error(f"a row partition must be a vector, but has shape {format_shape(partition.shape)}")
    if kind == _SPLITS:
        splits = check_row_splits(s, partition)
        if len(splits) != rows + 1:
            raise s.error(f"Invalid row split size: {len(splits)} for {rows} rows")
        check_size(s, (int(splits[-1]),), int64)
        return row_ids(splits)
    if partition.size and (partition.min() < 0 or partition.max() >= rows):
        raise s.error(f"Got next_value_rowid={int(partition.max())} which is not less than {rows}")
    if (np.diff(partition) < 0).any():
        raise s.error("VALUE_ROWIDS must not go down")
    return partition.astype(np.int64)


@ragged_tensor_to_tensor.shape
def _(s: Site) -> list[Shape]:
    kinds = [bytes(k) for k in s["row_partition_types"]]
    _check_kinds(s, kinds)
    rank, values = _ragged_rank(kinds), s.shapes[1]
    if values is None:
        return [s.const_shape(0) if s.shapes[0] else None]
    known: Shape = (*(None,) * (rank + 1), *values[1:])
    return [merge(known, s.const_shape(0)) if s.shapes[0] else known]


@ragged_tensor_to_tensor.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape as shape_op
    from .indexing import gather, gather_nd, slice_
    from .reduce import sum_
    from .search import where
    from .segment import unsorted_segment_sum
    from .sized import range_

    values, default, partitions = c.inputs[1], c.inputs[2], c.inputs[3:]
    kinds = [bytes(k) for k in c["row_partition_types"]]
    axes = _ragged_rank(kinds) + 1
    # The same op on the numbers 1, 2, ... of the values says which of them each place of the result holds; 0: none.
    count = gather(shape_op(values), np.int32(0))
    places = slice_(shape_op(c.outputs[0]), np.array([0], np.int32), np.array([axes], np.int32))
    numbers = range_(np.int32(1), count + np.int32(1), np.int32(1))
    holds = ragged_tensor_to_tensor(
        places, numbers, np.int32(0), list(partitions), row_partition_types=c["row_partition_types"]
    )
    full = where(holds)
    picked = gather_nd(g, full)
    own = unsorted_segment_sum(picked, gather_nd(holds, full) - np.int32(1), count)
    every = np.arange(axes, dtype=np.int32)
    rest = sum_(g, every) - sum_(picked, np.array([0], np.int32))
    return [None, own, sum_to(rest, default), *[None] * len(partitions)]


# Rows and ranges.


@op(
    "RaggedGather(params_nested_splits: PARAMS_RAGGED_RANK*Tsplits, params_dense_values: Tvalues, indices: Tindices) "
    "-> (output_nested_splits: OUTPUT_RAGGED_RANK*Tsplits, output_dense_values: Tvalues) | Tvalues: type; Tindices: "
    "type in index; Tsplits: type=int64 in index; PARAMS_RAGGED_RANK: int >=1; OUTPUT_RAGGED_RANK: int >=0"
)
def ragged_gather(s: Site) -> Kernel:
    """The rows that `indices`, of any rank, name."""
    dtype, depth = s["Tsplits"].np, s["PARAMS_RAGGED_RANK"]

    def run(*inputs: Array) -> list[Array]:
        nested, values, indices = inputs[:depth], inputs[depth], np.asarray(inputs[depth + 1])
        if s["OUTPUT_RAGGED_RANK"] != depth + indices.ndim - 1:
            raise s.error(f"OUTPUT_RAGGED_RANK must be {depth + indices.ndim - 1}")
        splits = check_nested(s, nested, values)
        rows = len(splits[0]) - 1
        wrong = np.flatnonzero((indices < 0) | (indices >= rows))
        if wrong.size:
            i = np.unravel_index(wrong[0], indices.shape)
            raise s.error(f"indices{[int(x) for x in i]} = {int(indices[i])} is not in [0, {rows})")
        out = [
            np.arange(int(np.prod(indices.shape[:axis])) + 1) * indices.shape[axis]
            for axis in range(1, indices.ndim)
        ]
        chosen = indices.reshape(-1).astype(np.int64)
        for level, one in enumerate(splits):
            starts, lengths = one[chosen], one[chosen + 1] - one[chosen]
            ends = np.cumsum(lengths)
            check_size(s, (int(ends[-1]) if len(ends) else 0,), int64)
            if level or indices.ndim:
                out.append(np.concatenate([[0], ends]))
            chosen = np.repeat(starts - (ends - lengths), lengths) + np.arange(lengths.sum())
        check_size(s, (len(chosen), *values.shape[1:]), s["Tvalues"])
        return [*(x.astype(dtype) for x in out), values[chosen]]

    return run


@ragged_gather.shape
def _(s: Site) -> list[Shape]:
    values = s.shapes[s["PARAMS_RAGGED_RANK"]]
    rows: list[Shape] = [(None,)] * s["OUTPUT_RAGGED_RANK"]
    return [*rows, None if values is None else (None, *values[1:])]


@op(
    "RaggedRange(starts: T, limits: T, deltas: T) -> (rt_nested_splits: Tsplits, rt_dense_values: T) | T: type=int32 "
    "in [bfloat16, float, double, int32, int64]; Tsplits: type=int64 in index"
)
def ragged_range(s: Site) -> Kernel:
    """For each start, limit and delta a row start, start + delta, ... below the limit; scalars go with all."""
    splits_dtype, dtype = s["Tsplits"].np, s["T"]

    def run(*inputs: Array) -> list[Array]:
        if any(np.ndim(x) > 1 for x in inputs):
            raise s.error("starts, limits and deltas must be scalars or vectors")
        sizes = {len(x) for x in inputs if np.ndim(x)}
        if len(sizes) > 1:
            raise s.error("starts, limits, and deltas must have the same shape")
        count = sizes.pop() if sizes else 1
        wide = np.float64 if dtype.is_floating else object  # Python's ints, which cannot overflow
        start, limit, delta = (np.broadcast_to(x, (count,)).astype(wide) for x in inputs)
        if (delta == 0).any():
            raise s.error("Requires delta != 0")
        lengths = _range_lengths(s, start, limit, delta)
        total = sum(lengths)
        check_size(s, (total,), dtype)
        ends = np.cumsum(np.array(lengths, np.int64))
        number = np.arange(total) - np.repeat(ends - lengths, lengths)
        first, step = (np.repeat(np.broadcast_to(x, (count,)), lengths) for x in (inputs[0], inputs[2]))
        values = first + number.astype(first.dtype) * step
        return [np.concatenate([[0], ends]).astype(splits_dtype), values.astype(dtype.np, copy=False)]

    return run


def _range_lengths(s: Site, start: Array, limit: Array, delta: Array) -> list[int]:
    lengths = []
    for a, b, d in zip(start.tolist(), limit.tolist(), delta.tolist(), strict=True):
        size = np.ceil((b - a) / d) if isinstance(d, float) else -((a - b) // d)
        if not abs(size) < 2**62:
            raise s.error(f"a range from {a} to {b} by {d} has no end")
        lengths.append(max(0, int(size)))
    return lengths


@ragged_range.shape
def _(s: Site) -> list[Shape]:
    if any(x is None for x in s.shapes):
        return [(None,), (None,)]
    rows = next((x[0] for x in s.shapes if x), 1)
    return [(None if rows is None else rows + 1,), (None,)]


ragged_range.not_differentiable()


# To a sparse tensor.


@op(
    "RaggedTensorToSparse(rt_nested_splits: RAGGED_RANK*Tsplits, rt_dense_values: T) -> (sparse_indices: int64, "
    "sparse_values: T, sparse_dense_shape: int64) | RAGGED_RANK: int >=1; T: type; Tsplits: type=int64 in index"
)
def ragged_tensor_to_sparse(s: Site) -> Kernel:
    """The values as a sparse tensor whose rows are as long as the longest."""

    def run(*inputs: Array) -> list[Array]:
        *nested, values = inputs
        splits = check_nested(s, nested, values)
        element = values.shape[1:]
        width = int(np.prod(element, dtype=np.int64))
        columns: list[Array] = [np.arange(len(splits[0]) - 1)]
        for one in splits:
            rows = row_ids(one)
            columns = [c[rows] for c in columns] + [np.arange(len(rows)) - one[:-1][rows]]
        columns = [np.repeat(c, width) for c in columns]
        inner = np.indices(element).reshape(len(element), width)
        columns += [np.tile(c, len(values)) for c in inner]
        longest = [int(np.diff(one).max(initial=0)) for one in splits]
        shape = np.array([len(splits[0]) - 1, *longest, *element], np.int64)
        return [np.stack(columns, axis=1).astype(np.int64), values.reshape(-1), shape]

    return run


@ragged_tensor_to_sparse.shape
def _(s: Site) -> list[Shape]:
    values = s.shapes[-1]
    rank = None if values is None else len(values) + s["RAGGED_RANK"]
    return [(None, rank), (None,), (rank,)]


@ragged_tensor_to_sparse.grad
def _(c: Call, _indices: Any, g: Any, _shape: Any) -> list[Any]:
    from .array import reshape
    from .array import shape as shape_op

    return [*[None] * (len(c.inputs) - 1), None if g is None else reshape(g, shape_op(c.inputs[-1]))]


# Empty rows.


@op(
    "RaggedFillEmptyRows(value_rowids: int64, values: T, nrows: int64, default_value: T) -> "
    "(output_value_rowids: int64, output_values: T, empty_row_indicator: bool, reverse_index_map: int64) | T: type"
)
def ragged_fill_empty_rows(s: Site) -> Kernel:
    """The ragged matrix with the default value in every row that has no value."""

    def run(ids: Array, values: Array, rows: Array, default: Array) -> list[Array]:
        if ids.ndim != 1 or values.ndim != 1 or len(ids) != len(values) or np.size(rows) != 1:
            raise s.error("value_rowids and values must be vectors of one length, and nrows a scalar")
        _, out_rows, out, empty, place = filled_rows(s, ids, int(rows.item()), values, default)
        return [out_rows, out, empty, place]

    return run


@ragged_fill_empty_rows.shape
def _(s: Site) -> list[Shape]:
    rows = s.const(2)
    return [(None,), (None,), (None if rows is None else int(rows.item()),), s.shapes[0]]


ragged_fill_empty_rows_grad: Op = fill_gradient("RaggedFillEmptyRows")


@ragged_fill_empty_rows.grad
def _(c: Call, _rows: Any, g: Any, _empty: Any, _place: Any) -> list[Any]:
    if g is None:
        return [None] * 4
    values, default = ragged_fill_empty_rows_grad(c.outputs[3], g)
    return [None, values, None, default]


# As variants.


@record(frozen=True)
class RaggedVariant:
    """A ragged tensor as one element of a variant tensor: its row splits, from the outside in, and its flat values."""

    splits: tuple[Array, ...]
    values: Array


@op(
    "RaggedTensorToVariant(rt_nested_splits: RAGGED_RANK*Tsplits, rt_dense_values: Tvalues) -> "
    "(encoded_ragged: variant) | RAGGED_RANK: int >=0; Tvalues: type; Tsplits: type=int64 in index; batched_input: bool"
)
def ragged_tensor_to_variant(s: Site) -> Kernel:
    """The ragged tensor as a variant, or, where `batched_input` says so, a vector with a variant for each row."""
    batched = s["batched_input"]

    def run(*inputs: Array) -> Any:
        *nested, values = inputs
        if nested:
            check_nested(s, nested, values)
        if not batched:
            return RaggedVariant(tuple(nested), values)
        if not np.ndim(values):
            raise s.error("a batch must have an axis")
        rows = len(nested[0]) - 1 if nested else len(values)
        out = np.empty(rows, object)
        for i in range(rows):
            out[i] = _row(nested, values, i)
        return out

    return run


def _row(nested: Sequence[Array], values: Array, i: int) -> RaggedVariant:
    if not nested:
        return RaggedVariant((), values[i, ...])
    start, end = int(nested[0][i]), int(nested[0][i + 1])
    inner = []
    for splits in nested[1:]:
        part = splits[start : end + 1]
        start, end = int(part[0]), int(part[-1])
        inner.append(part - part[0])
    return RaggedVariant(tuple(inner), values[start:end])


@ragged_tensor_to_variant.shape
def _(s: Site) -> list[Shape]:
    if not s["batched_input"]:
        return [()]
    first = s.shapes[0]
    if first is None or first[0] is None:
        return [(None,)]
    return [(first[0] - 1 if s["RAGGED_RANK"] else first[0],)]


@op(
    "RaggedTensorFromVariant(encoded_ragged: variant) -> (output_nested_splits: output_ragged_rank*Tsplits, "
    "output_dense_values: Tvalues) | input_ragged_rank: int >=-1; output_ragged_rank: int >=0; Tvalues: type; "
    "Tsplits: type=int64 in index"
)
def ragged_tensor_from_variant(s: Site) -> Kernel:
    """The ragged tensor that a variant holds; those of a tensor of variants are stacked along new outer axes."""
    inner, outer = s["input_ragged_rank"], s["output_ragged_rank"]
    splits_dtype, values_dtype = s["Tsplits"].np, s["Tvalues"].np

    def run(encoded: Any) -> list[Array]:
        batch = encoded if isinstance(encoded, np.ndarray) else as_strings(encoded, ())
        depth = outer - batch.ndim if inner == -1 else inner
        if depth < 0 or depth + batch.ndim != outer:
            raise s.error(
                f"output_ragged_rank must be input_ragged_rank ({depth}) and the rank of encoded_ragged ({batch.ndim})"
            )
        elements = batch.reshape(-1).tolist()
        for one in elements:
            if not isinstance(one, RaggedVariant):
                raise s.error(f"encoded_ragged holds a {type(one).__name__}, not a ragged tensor")
            if len(one.splits) != depth or one.values.dtype != values_dtype:
                raise s.error(
                    f"encoded_ragged holds a ragged tensor of rank {len(one.splits)} and {one.values.dtype}, "
                    f"not of {depth} and {values_dtype}"
                )
        if not batch.ndim:
            return [*(x.astype(splits_dtype, copy=False) for x in elements[0].splits), elements[0].values]
        return [
            *(x.astype(splits_dtype) for x in _batch_splits(batch, elements)),
            _joined(s, elements, depth),
        ]

    return run


def _batch_splits(batch: Array, elements: list[RaggedVariant]) -> list[Array]:
    """The row splits of the axes of the batch, and of those inside of its elements."""
    out = [
        np.arange(int(np.prod(batch.shape[:axis])) + 1) * batch.shape[axis] for axis in range(1, batch.ndim)
    ]
    depth = len(elements[0].splits) if elements else 0
    levels = [[len(one.splits[0]) - 1 if depth else len(one.values) for one in elements]]
    out.append(np.concatenate([[0], np.cumsum(levels[0])]))
    for level in range(depth):
        lengths = [np.diff(one.splits[level]) for one in elements]
        out.append(np.concatenate([[0], np.cumsum(np.concatenate(lengths))]))
    return out


def _joined(s: Site, elements: list[RaggedVariant], depth: int) -> Array:
    if not elements:
        return np.zeros((0,), s["Tvalues"].np)
    if len({one.values.shape[1:] for one in elements}) > 1:
        raise s.error("the values of the ragged tensors must be of one shape, but for the first axis")
    return np.concatenate([one.values for one in elements])


@ragged_tensor_from_variant.shape
def _(s: Site) -> list[Shape]:
    return [*[(None,)] * s["output_ragged_rank"], None]


ragged_tensor_to_variant.not_differentiable()
ragged_tensor_from_variant.not_differentiable()
