"""Ragged tensors from ragged tensors: joining, picking, and changing rows."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ...api import array_ops, indexing_ops, math_ops, reduce_ops
from ...api.raw import raw
from ...tensor import Tensor, convert_to_tensor
from .from_dense import from_tensor
from .functional import on_elements
from .getitem import rows_at
from .making import real_axis
from .ragged_tensor import RaggedTensor
from .row_partition import RowPartition

__all__ = [
    "boolean_mask",
    "concat",
    "expand_dims",
    "gather",
    "range",
    "reverse",
    "row_splits_to_segment_ids",
    "segment_ids_to_row_splits",
    "split",
    "squeeze",
    "stack",
    "stack_dynamic_partitions",
    "tile",
    "where",
]


def range(
    starts: Any,
    limits: Any = None,
    deltas: Any = 1,
    dtype: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> RaggedTensor:
    """A row ``start, start + delta, ...`` below `limit` for each start, limit and delta.

    Args:
        starts, limits, deltas: vectors, or scalars that count for every row; with one of them, that is the limits.
        dtype: the type of the elements.
        name: the node's name.
        row_splits_dtype: the type of the row splits.
    """
    if limits is None:
        starts, limits = 0, starts
    kind = None if dtype is None else as_dtype(dtype)
    given = [convert_to_tensor(v, kind) for v in (starts, limits, deltas)]
    if kind is None:
        order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
        kind = max((v.dtype for v in given), key=order.index)
        given = [v if v.dtype is kind else math_ops.cast(v, kind) for v in given]
    splits = as_dtype(row_splits_dtype)
    row_splits, values = raw("RaggedRange")(*given, Tsplits=splits, name=name)
    return RaggedTensor._of(values, RowPartition(row_splits))


def expand_dims(value: Any, axis: Any, name: str | None = None) -> Any:
    """With a dimension of size 1 put in at `axis`."""
    if not isinstance(value, RaggedTensor):
        return array_ops.expand_dims(value, axis)
    rank = value.shape.rank
    at = real_axis(axis, None if rank is None else rank + 1, "axis")
    if at == 0:
        return RaggedTensor.from_uniform_row_length(value, value.nrows(), nrows=1, validate=False)
    if at == 1:
        return RaggedTensor.from_uniform_row_length(value, 1, nrows=value.nrows(), validate=False)
    return value.with_values(expand_dims(value.values, at - 1))


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Tensors and ragged tensors of one rank, one behind the other along an axis, which may be ragged."""
    parts: list[Any] = [v if isinstance(v, RaggedTensor) else convert_to_tensor(v) for v in values]
    if len(parts) == 1:
        return parts[0]
    rank = next((p.shape.rank for p in parts if p.shape.rank is not None), None)
    at = real_axis(axis, rank, "axis")
    if not any(isinstance(p, RaggedTensor) for p in parts):
        return array_ops.concat(parts, at)
    deepest = max(p.ragged_rank for p in parts if isinstance(p, RaggedTensor))
    parts = _same_splits([_ragged(p, max(deepest, min(at, (rank or 1) - 1))) for p in parts])
    if at == 0:
        return _concat_rows(parts)
    if at == 1:
        return _concat_columns(parts)
    return parts[0].with_values(concat([p.values for p in parts], at - 1))


def _ragged(value: Any, ragged_rank: int) -> Any:
    """`value` with that many ragged dimensions."""
    if ragged_rank == 0:
        return value
    if not isinstance(value, RaggedTensor):
        return from_tensor(RaggedTensor, value, None, None, ragged_rank, dtypes.int64)
    return value.with_values(_ragged(value.values, ragged_rank - 1))


def _same_splits(parts: Sequence[RaggedTensor]) -> list[RaggedTensor]:
    kinds = {p.row_splits.dtype for p in parts}
    return [p.with_row_splits_dtype(dtypes.int64) for p in parts] if len(kinds) > 1 else list(parts)


def _concat_rows(parts: Sequence[Any]) -> Any:
    if not isinstance(parts[0], RaggedTensor):
        return array_ops.concat(parts, 0)
    lengths = array_ops.concat([p.row_lengths() for p in parts], 0)
    inner = _concat_rows([p.values for p in parts])
    uniform = {p._row_partition.static_uniform_row_length for p in parts}
    if len(uniform) == 1 and None not in uniform:
        return RaggedTensor.from_uniform_row_length(
            inner, uniform.pop(), nrows=reduce_ops.reduce_sum([p.nrows() for p in parts]), validate=False
        )
    return RaggedTensor.from_row_lengths(inner, lengths, validate=False)


def _concat_columns(parts: Sequence[RaggedTensor]) -> RaggedTensor:
    """Rows side by side: all rows under each other, put in order, and each group of rows made one."""
    count, number = parts[0].nrows(), len(parts)
    under = _concat_rows(parts)
    kind = under.row_splits.dtype
    grid = array_ops.reshape(array_ops.range(count * number, dtype=kind), [number, -1])
    order = array_ops.reshape(array_ops.transpose(grid), [-1])
    mixed = rows_at(under, order)
    return RaggedTensor._of(mixed.values, RowPartition(mixed.row_splits[::number]))


def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Tensors and ragged tensors of one rank along a new axis; the result is ragged.

    Args:
        values: of rank R each; they may have rows of different lengths.
        axis: the new axis, in [-R - 1, R].
        name: accepted.
    """
    parts = [v if isinstance(v, RaggedTensor) else convert_to_tensor(v) for v in values]
    rank = next((p.shape.rank for p in parts if p.shape.rank is not None), None)
    at = real_axis(axis, None if rank is None else rank + 1, "axis")
    if rank == 0:
        return array_ops.stack(parts, at)
    if at == 0 and not any(isinstance(p, RaggedTensor) for p in parts):
        if rank == 1:
            lengths = [array_ops.shape(p, dtypes.int64)[0] for p in parts]
            return RaggedTensor.from_row_lengths(
                array_ops.concat(parts, 0), array_ops.stack(lengths), validate=False
            )
        parts = [_ragged(p, 1) for p in parts]
    return concat([expand_dims(p, at) for p in parts], at)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Rows of `params` by number; either may be ragged.

    Args:
        params: a tensor or ragged tensor.
        indices: integers, a tensor or ragged tensor.
        validate_indices: accepted.
        axis: 0, or `batch_dims`.
        batch_dims: 0, or 1: the numbers of each row are places in the same row of `params`.
        name: accepted.

    Raises:
        ValueError: `axis` or `batch_dims` is another.
    """
    if batch_dims not in (0, 1) or axis not in (None, batch_dims):
        raise ValueError(
            f"tf.gather of ragged tensors takes batch_dims 0 or 1 and the axis equal to it, got batch_dims={batch_dims}"
            f" and axis={axis}."
        )
    if not isinstance(indices, RaggedTensor):
        indices = convert_to_tensor(indices, dtype_hint=dtypes.int64)
    if batch_dims == 1:
        return _gather_in_rows(params, indices)
    if isinstance(indices, RaggedTensor):
        return indices.with_values(gather(params, indices.values))
    if not isinstance(params, RaggedTensor):
        return indexing_ops.gather(params, indices)
    rank = indices.shape.rank
    if rank is None:
        raise ValueError("tf.gather of a ragged tensor needs indices of known rank.")
    picked: Any = rows_at(params, array_ops.reshape(indices, [-1]))
    if rank == 0:
        return picked.values if isinstance(picked, RaggedTensor) else picked
    sizes = array_ops.shape(indices, dtypes.int64)
    for dimension in builtins.range(rank - 1, 0, -1):
        static = indices.shape[dimension]
        picked = RaggedTensor.from_uniform_row_length(
            picked,
            sizes[dimension] if static is None else static,
            nrows=reduce_ops.reduce_prod(sizes[:dimension]),
            validate=False,
        )
    return picked


def _gather_in_rows(params: Any, indices: Any) -> Any:
    rows = _ragged(params if isinstance(params, RaggedTensor) else convert_to_tensor(params), 1)
    numbers = indices if isinstance(indices, RaggedTensor) else _ragged(indices, 1)
    kind = rows.row_splits.dtype
    numbers = numbers.with_row_splits_dtype(kind)
    starts = indexing_ops.gather(rows.row_splits[:-1], numbers.value_rowids())
    places = math_ops.cast(numbers.values, kind) + starts
    return numbers.with_values(gather(rows.values, places))


def boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """The elements (or rows) of `data` where `mask` is True, in their rows.

    Args:
        data: a tensor or ragged tensor.
        mask: bools: a tensor or ragged tensor whose dimensions are the first of `data`.
        name: accepted.

    Returns:
        Ragged, of the rank of `data`, if `mask` has several dimensions; else of the kind of `data`.

    Raises:
        ValueError: `mask` is a scalar, or of unknown rank.
    """
    if not isinstance(mask, RaggedTensor):
        mask = convert_to_tensor(mask, dtypes.bool)
    if not isinstance(data, RaggedTensor):
        data = convert_to_tensor(data)
    rank = mask.shape.rank
    if rank is None:
        raise ValueError("mask.shape.ndims must be known statically.")
    if rank == 0:
        raise ValueError("mask cannot be scalar.")
    if isinstance(mask, RaggedTensor) or rank > 1:
        rows = _ragged(mask, max(1, mask.ragged_rank) if isinstance(mask, RaggedTensor) else rank - 1)
        held = _ragged(data, 1)
        kind = held.row_splits.dtype
        rows = rows.with_row_splits_dtype(kind)
        kept = boolean_mask(held.values, rows.values)
        if isinstance(rows.values, RaggedTensor) or rows.values.shape.rank != 1:
            return RaggedTensor._of(kept, RowPartition(rows.row_splits))
        ones = math_ops.cast(rows.values, kind)
        lengths = reduce_ops.unsorted_segment_sum(ones, rows.value_rowids(), rows.nrows())
        return RaggedTensor.from_row_lengths(kept, lengths, validate=False)
    if isinstance(data, RaggedTensor):
        return rows_at(data, array_ops.reshape(indexing_ops.where(mask), [-1]))
    return indexing_ops.boolean_mask(data, mask)


def reverse(tensor: RaggedTensor, axis: Any, name: str | None = None) -> Any:
    """With the order along some axes turned round."""
    rank = tensor.shape.rank
    keys = [slice(None)] * (rank or 1)
    for one in axis:
        keys[real_axis(one, rank, "axis")] = slice(None, None, -1)
    return tensor[tuple(keys)]


def tile(input: RaggedTensor, multiples: Any, name: str | None = None) -> Any:
    """Repeated along each axis; how often must be known while tracing.

    Raises:
        ValueError: it is not known, or there is not one number for each axis.
    """
    from ...function.graph_mode import get_static_value

    found = get_static_value(convert_to_tensor(multiples))
    if found is None or len(found) != input.shape.rank:
        raise ValueError("tf.tile of a ragged tensor needs one number for each axis, known while tracing.")
    result: Any = input
    for axis in reversed(builtins.range(len(found))):
        times = int(found[axis])
        if times == 0:
            result = _cut(result, axis)
        elif times > 1:
            result = concat([result] * times, axis)
    return result


def split(
    value: RaggedTensor,
    num_or_size_splits: Any,
    axis: int = 0,
    num: int | None = None,
    name: str | None = None,
) -> list[Any]:
    """In parts along the outermost axis: so many equal ones, or of these sizes, known while tracing.

    Raises:
        ValueError: the axis is another, or the number of rows is not known or cannot be divided.
    """
    count = value._row_partition.static_nrows
    if axis != 0 or count is None:
        raise ValueError(
            "A ragged tensor is split along axis 0, with the number of rows known while tracing."
        )
    if isinstance(num_or_size_splits, int):
        if count % num_or_size_splits:
            raise ValueError(f"{count} rows cannot be divided into {num_or_size_splits} equal parts.")
        sizes = [count // num_or_size_splits] * num_or_size_splits
    else:
        sizes = [int(n) for n in num_or_size_splits]
    ends = [sum(sizes[: i + 1]) for i in builtins.range(len(sizes))]
    return [value[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Without those axes, which are of size 1.

    Raises:
        ValueError: none is given, or one is ragged or of another size.
    """
    if not isinstance(input, RaggedTensor):
        return array_ops.squeeze(input, axis)
    if axis is None:
        raise ValueError("Ragged.squeeze must have an axis argument.")
    axes = sorted(
        {real_axis(a, input.shape.rank, "axis") for a in ([axis] if isinstance(axis, int) else axis)}
    )
    result: Any = input
    for at in reversed(axes):
        result = _squeezed(result, at)
    return result


def _squeezed(value: Any, axis: int) -> Any:
    if not isinstance(value, RaggedTensor):
        return array_ops.squeeze(value, [axis])
    if value.shape[axis] != 1:
        raise ValueError(f"Can not squeeze dim[{axis}], expected a dimension of 1, got {value.shape[axis]}.")
    if axis <= 1:
        return value[0] if axis == 0 else value.values
    return value.with_values(_squeezed(value.values, axis - 1))


def _cut(value: Any, axis: int) -> Any:
    return value[(slice(None),) * axis + (slice(0, 0),)]


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """`x` where the condition holds, else `y`; they broadcast.

    Raises:
        ValueError: only one of `x` and `y` is given.
    """
    if (x is None) != (y is None):
        raise ValueError("x and y must both be non-None or both be None.")
    if x is None:
        return _coordinates(condition)
    return on_elements(indexing_ops.where, [condition, x, y])


def _coordinates(condition: RaggedTensor) -> Tensor:
    """The indices of the elements that are True, one row each."""
    places = indexing_ops.where(condition.flat_values)
    flat = places[:, 0]
    columns = [places[:, i] for i in builtins.range(1, places.shape[1] or 1)]
    for splits in reversed(condition.nested_row_splits):
        partition = RowPartition(math_ops.cast(splits, dtypes.int64))
        rows = indexing_ops.gather(partition.value_rowids(), flat)
        columns.insert(0, flat - indexing_ops.gather(partition.row_splits, rows))
        flat = rows
    return array_ops.stack([flat, *columns], axis=1)  # type: ignore[no-any-return]


def stack_dynamic_partitions(
    data: Any, partitions: Any, num_partitions: Any, name: str | None = None
) -> RaggedTensor:
    """Row i holds the elements of `data` whose partition is i, in order.

    Args:
        data: a tensor or ragged tensor.
        partitions: integers below `num_partitions`, of the first dimensions of `data`.
        num_partitions: the number of rows.
        name: accepted.
    """
    if isinstance(partitions, RaggedTensor):
        data, partitions = _ragged(data, 1).values, partitions.values
        return stack_dynamic_partitions(data, partitions, num_partitions)
    numbers = convert_to_tensor(partitions)
    values = data if isinstance(data, RaggedTensor) else convert_to_tensor(data)
    for _ in builtins.range((numbers.shape.rank or 1) - 1):
        values = _merged(values)
    numbers = array_ops.reshape(numbers, [-1])
    order = _stable_order(numbers)
    from .making import from_value_rowids

    return from_value_rowids(
        RaggedTensor,
        gather(values, order),
        math_ops.cast(indexing_ops.gather(numbers, order), dtypes.int64),
        nrows=num_partitions,
        validate=False,
    )


def _merged(value: Any) -> Any:
    from .making import merge_dims

    return merge_dims(value, 0, 1)


def _stable_order(numbers: Tensor) -> Tensor:
    from ...api.order_ops import argsort

    return argsort(numbers, stable=True)  # type: ignore[no-any-return]


def row_splits_to_segment_ids(splits: Any, name: str | None = None, out_type: Any = None) -> Tensor:
    """The row of each value, for rows with these splits."""
    given = convert_to_tensor(splits, dtype_hint=dtypes.int64)
    kind = given.dtype if out_type is None else as_dtype(out_type)
    return math_ops.cast(RowPartition(given).value_rowids(), kind)  # type: ignore[no-any-return]


def segment_ids_to_row_splits(
    segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: str | None = None
) -> Tensor:
    """The splits of rows whose values have these row numbers, in rising order."""
    ids = convert_to_tensor(segment_ids, dtype_hint=dtypes.int64)
    kind = ids.dtype if out_type is None else as_dtype(out_type)
    from .making import from_value_rowids

    rows = math_ops.cast(ids, dtypes.int64)
    made = from_value_rowids(RaggedTensor, rows, rows, nrows=num_segments, validate=False)
    return math_ops.cast(made.row_splits, kind)  # type: ignore[no-any-return]
