"""Ragged tensors from other things, and other things from them.

The ``from_`` functions are class methods of `RaggedTensor`, whose docstrings they are. `validate` asks for checks that
splits, lengths or row numbers describe rows at all; without them, wrong ones end in wrong results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from ...api import array_ops, indexing_ops, math_ops, reduce_ops
from ...api.raw import raw
from ...errors import InvalidArgumentError
from ...tensor import EagerTensor, Tensor, convert_to_tensor
from ...tensor_shape import TensorShape
from ..sparse_tensor import SparseTensor
from .row_partition import RowPartition, static_value

if TYPE_CHECKING:
    from .ragged_tensor import RaggedTensor

__all__ = [
    "as_values",
    "from_nested_row_lengths",
    "from_nested_row_splits",
    "from_nested_value_rowids",
    "from_row_lengths",
    "from_row_limits",
    "from_row_splits",
    "from_row_starts",
    "from_sparse",
    "from_tensor",
    "from_uniform_row_length",
    "from_value_rowids",
    "merge_dims",
    "real_axis",
    "to_sparse",
    "to_tensor",
    "with_static_shape",
]


def as_values(values: Any) -> Any:
    """`values` as what rows are made of: a ragged tensor as it is, all else as a tensor of rank 1 or more."""
    from .ragged_tensor import RaggedTensor

    if isinstance(values, RaggedTensor):
        return values
    tensor = convert_to_tensor(values)
    tensor.shape.with_rank_at_least(1)
    return tensor


def _partition(value: Any, what: str, values: Any = None) -> Tensor:
    """A vector of splits, lengths or row numbers: int32 or int64, of the type of the splits in `values`, if any."""
    from .ragged_tensor import RaggedTensor

    tensor = convert_to_tensor(value, dtype_hint=dtypes.int64)
    if not isinstance(value, (Tensor, np.ndarray)) and tensor.dtype is not dtypes.int64:
        tensor = math_ops.cast(tensor, dtypes.int64)
    if tensor.dtype not in (dtypes.int32, dtypes.int64):
        raise ValueError(f"{what} must have dtype int32 or int64, got {tensor.dtype.name}.")
    if isinstance(values, RaggedTensor):
        tensor = math_ops.cast(tensor, values.row_splits.dtype)
    return tensor


def _count(values: Any, dtype: DType) -> Tensor:
    """How many values there are along the first dimension."""
    from .ragged_tensor import RaggedTensor

    if isinstance(values, RaggedTensor):
        return math_ops.cast(values.nrows(), dtype)  # type: ignore[no-any-return]
    return raw("Shape")(values, out_type=dtype)[0]  # type: ignore[no-any-return]


def _check(condition: Any, what: str) -> None:
    """Raise, now or when the graph runs, unless all of `condition` is true."""
    if isinstance(condition, EagerTensor):
        if not np.all(np.asarray(condition)):
            raise InvalidArgumentError(
                None, None, f"Arguments to {what} do not form a valid RaggedTensor: {_RULES[what]}"
            )
        return
    from ...api.debugging_ops import Assert

    Assert(
        reduce_ops.reduce_all(condition),
        [f"Arguments to {what} do not form a valid RaggedTensor: {_RULES[what]}"],
    )


_RULES = {
    "from_row_splits": "row_splits must begin with 0, not decrease, and end with the number of values.",
    "from_row_lengths": "row_lengths must not be negative, and add up to the number of values.",
    "from_row_starts": "row_starts must begin with 0, not decrease, and not exceed the number of values.",
    "from_row_limits": "row_limits must not be negative, not decrease, and end with the number of values.",
    "from_value_rowids": "value_rowids must not decrease, be at least 0 and less than nrows, one for each value.",
    "from_uniform_row_length": "uniform_row_length times nrows must be the number of values.",
}


def from_row_splits(
    cls: Any, values: Any, row_splits: Any, name: str | None = None, validate: bool = True
) -> RaggedTensor:
    """Rows ``values[row_splits[i]:row_splits[i + 1]]``.

    Args:
        cls: the class.
        values: the rows one behind the other: a tensor, or ragged.
        row_splits: where each row begins, and where the last one ends: int32 or int64 of shape [nrows + 1].
        name: accepted.
        validate: check that the splits begin with 0, do not decrease, and end with the number of values.

    Raises:
        ValueError: there are no splits, or they are of another type.
        InvalidArgumentError: a check fails.
    """
    if isinstance(row_splits, (list, tuple)) and not row_splits:
        raise ValueError("row_splits tensor may not be empty.")
    values = as_values(values)
    splits = _partition(row_splits, "row_splits", values)
    splits.shape.assert_has_rank(1)
    if splits.shape[0] == 0:
        raise ValueError("row_splits tensor may not be empty.")
    if validate:
        rising = reduce_ops.reduce_all(splits[1:] >= splits[:-1])
        ends = math_ops.logical_and(splits[0] == 0, splits[-1] == _count(values, splits.dtype))
        _check(math_ops.logical_and(rising, ends), "from_row_splits")
    return cls._of(values, RowPartition(splits))  # type: ignore[no-any-return]


def from_row_lengths(
    cls: Any, values: Any, row_lengths: Any, name: str | None = None, validate: bool = True
) -> RaggedTensor:
    """Rows of these lengths.

    Args:
        cls: the class.
        values: the rows one behind the other: a tensor, or ragged.
        row_lengths: the length of each row: int32 or int64 of shape [nrows].
        name: accepted.
        validate: check that the lengths are not negative, and add up to the number of values.

    Raises:
        InvalidArgumentError: a check fails.
    """
    values = as_values(values)
    lengths = _partition(row_lengths, "row_lengths", values)
    lengths.shape.assert_has_rank(1)
    splits = _splits_of_lengths(lengths)
    if validate:
        positive = reduce_ops.reduce_all(lengths >= 0)
        _check(math_ops.logical_and(positive, splits[-1] == _count(values, splits.dtype)), "from_row_lengths")
    return cls._of(values, RowPartition(splits, lengths=lengths))  # type: ignore[no-any-return]


def _splits_of_lengths(lengths: Tensor) -> Tensor:
    zero = array_ops.zeros([1], lengths.dtype)
    return array_ops.concat([zero, reduce_ops.cumsum(lengths)], 0)  # type: ignore[no-any-return]


def from_row_starts(
    cls: Any, values: Any, row_starts: Any, name: str | None = None, validate: bool = True
) -> RaggedTensor:
    """Rows that begin there; each ends where the next one begins.

    Args:
        cls: the class.
        values: the rows one behind the other: a tensor, or ragged.
        row_starts: where each row begins: int32 or int64 of shape [nrows].
        name: accepted.
        validate: check that the starts begin with 0, do not decrease, and do not exceed the number of values.

    Raises:
        InvalidArgumentError: a check fails.
    """
    values = as_values(values)
    starts = _partition(row_starts, "row_starts", values)
    starts.shape.assert_has_rank(1)
    count = _count(values, starts.dtype)
    splits = array_ops.concat([starts, array_ops.reshape(count, [1])], 0)
    if validate:
        rising = reduce_ops.reduce_all(splits[1:] >= splits[:-1])
        _check(math_ops.logical_and(rising, reduce_ops.reduce_all(starts[:1] == 0)), "from_row_starts")
    return cls._of(values, RowPartition(splits))  # type: ignore[no-any-return]


def from_row_limits(
    cls: Any, values: Any, row_limits: Any, name: str | None = None, validate: bool = True
) -> RaggedTensor:
    """Rows that end there; each begins where the one before ends.

    Args:
        cls: the class.
        values: the rows one behind the other: a tensor, or ragged.
        row_limits: where each row ends: int32 or int64 of shape [nrows].
        name: accepted.
        validate: check that the limits do not decrease, and end with the number of values.

    Raises:
        InvalidArgumentError: a check fails.
    """
    values = as_values(values)
    limits = _partition(row_limits, "row_limits", values)
    limits.shape.assert_has_rank(1)
    splits = array_ops.concat([array_ops.zeros([1], limits.dtype), limits], 0)
    if validate:
        rising = reduce_ops.reduce_all(splits[1:] >= splits[:-1])
        whole = reduce_ops.reduce_all(limits[-1:] == _count(values, splits.dtype))
        _check(math_ops.logical_and(rising, whole), "from_row_limits")
    return cls._of(values, RowPartition(splits))  # type: ignore[no-any-return]


def from_value_rowids(
    cls: Any,
    values: Any,
    value_rowids: Any,
    nrows: Any = None,
    name: str | None = None,
    validate: bool = True,
) -> RaggedTensor:
    """Rows of the values with the same row number.

    Args:
        cls: the class.
        values: the rows one behind the other: a tensor, or ragged.
        value_rowids: the row of each value, in rising order: int32 or int64 of shape [nvals].
        nrows: the number of rows; default: the last row number and one.
        name: accepted.
        validate: check that the row numbers do not decrease and are in range.

    Raises:
        ValueError: `nrows` is negative, or no int.
        InvalidArgumentError: a check fails.
    """
    values = as_values(values)
    rowids = _partition(value_rowids, "value_rowids", values)
    rowids.shape.assert_has_rank(1)
    if nrows is None:
        last = array_ops.concat([array_ops.zeros([1], rowids.dtype) - 1, rowids], 0)[-1]
        count = last + 1
    else:
        known = nrows if isinstance(nrows, int) else None
        if known is not None and known < 0:
            raise ValueError(f"Expected nrows >= 0; got {known}")
        count = math_ops.cast(convert_to_tensor(nrows), rowids.dtype)
    if validate:
        rising = reduce_ops.reduce_all(rowids[1:] >= rowids[:-1])
        inside = reduce_ops.reduce_all(math_ops.logical_and(rowids >= 0, rowids < count))
        whole = raw("Shape")(rowids, out_type=rowids.dtype)[0] == _count(values, rowids.dtype)
        _check(math_ops.logical_and(math_ops.logical_and(rising, inside), whole), "from_value_rowids")
    lengths = reduce_ops.unsorted_segment_sum(array_ops.ones_like(rowids), rowids, count)
    static = static_value(count)
    if static is not None and not isinstance(lengths, EagerTensor):
        lengths.set_shape([static])
    partition = RowPartition(_splits_of_lengths(lengths), rowids=rowids, lengths=lengths, nrows=count)
    return cls._of(values, partition)  # type: ignore[no-any-return]


def from_uniform_row_length(
    cls: Any,
    values: Any,
    uniform_row_length: Any,
    nrows: Any = None,
    validate: bool = True,
    name: str | None = None,
) -> RaggedTensor:
    """Rows of one length, known as such: the dimension is not ragged in the static shape.

    Args:
        cls: the class.
        values: the rows one behind the other: a tensor, or ragged.
        uniform_row_length: the length of every row.
        nrows: the number of rows; needed only where the length is 0.
        validate: check that length times rows is the number of values.
        name: accepted.

    Raises:
        ValueError: the length is negative.
        InvalidArgumentError: a check fails.
    """
    from .ragged_tensor import RaggedTensor

    values = as_values(values)
    kind = values.row_splits.dtype if isinstance(values, RaggedTensor) else dtypes.int64
    if isinstance(uniform_row_length, Tensor) and not isinstance(values, RaggedTensor):
        kind = uniform_row_length.dtype
    length = math_ops.cast(convert_to_tensor(uniform_row_length), kind)
    static = static_value(length)
    if static is not None and static < 0:
        raise ValueError(f"uniform_row_length must be non-negative, got {static}.")
    count = _count(values, kind)
    if nrows is not None:
        rows = math_ops.cast(convert_to_tensor(nrows), kind)
    else:
        one = convert_to_tensor(1, kind)
        rows = math_ops.floordiv(count, math_ops.maximum(length, one))
    if validate:
        sizes = [static_value(rows), static, static_value(count)]
        if None not in sizes and sizes[0] * static != sizes[2]:  # type: ignore[operator]
            raise ValueError(
                f"uniform_row_length={static} times nrows={sizes[0]} must equal nvals={sizes[2]}"
            )
        _check(rows * length == count, "from_uniform_row_length")
    splits = array_ops.range(rows + 1, dtype=kind) * length
    nvals, fixed = values.shape[0], static_value(rows) if nrows is not None else None
    if fixed is None and nvals is not None and static:
        fixed = nvals // static
    if fixed is not None and not isinstance(splits, EagerTensor):
        splits.set_shape([fixed + 1])
    return cls._of(values, RowPartition(splits, uniform_row_length=length, nrows=rows))  # type: ignore[no-any-return]


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, Tensor):
        raise TypeError(f"Argument `{what}` must be a list of Tensors. Received {value!r}.")
    return list(value)


def from_nested_row_splits(
    cls: Any, flat_values: Any, nested_row_splits: Any, name: str | None = None, validate: bool = True
) -> Any:
    """Rows of rows: `from_row_splits` for each of the splits, the innermost first."""
    result = flat_values
    for splits in reversed(_sequence(nested_row_splits, "nested_row_splits")):
        result = cls.from_row_splits(result, splits, validate=validate)
    return result


def from_nested_row_lengths(
    cls: Any, flat_values: Any, nested_row_lengths: Any, name: str | None = None, validate: bool = True
) -> Any:
    """Rows of rows: `from_row_lengths` for each of the lengths, the innermost first."""
    result = flat_values
    for lengths in reversed(_sequence(nested_row_lengths, "nested_row_lengths")):
        result = cls.from_row_lengths(result, lengths, validate=validate)
    return result


def from_nested_value_rowids(
    cls: Any,
    flat_values: Any,
    nested_value_rowids: Any,
    nested_nrows: Any = None,
    name: str | None = None,
    validate: bool = True,
) -> Any:
    """Rows of rows: `from_value_rowids` for each of the row numbers, the innermost first.

    Raises:
        ValueError: there are not as many of `nested_nrows` as of the others.
    """
    rowids = _sequence(nested_value_rowids, "nested_value_rowids")
    nrows = [None] * len(rowids) if nested_nrows is None else _sequence(nested_nrows, "nested_nrows")
    if len(nrows) != len(rowids):
        raise ValueError(
            f"Argument `nested_nrows` must have the same length as argument `nested_value_rowids`. "
            f"len(nested_nrows)={len(nrows)} vs. len(nested_values_rowids)={len(rowids)}."
        )
    result = flat_values
    for ids, count in zip(reversed(rowids), reversed(nrows), strict=True):
        result = cls.from_value_rowids(result, ids, count, validate=validate)
    return result


def from_tensor(
    cls: Any,
    tensor: Any,
    lengths: Any = None,
    padding: Any = None,
    ragged_rank: int = 1,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """A tensor as a ragged one, cut to `lengths` or freed of trailing `padding`.

    Args:
        cls: the class.
        tensor: of rank 2 or more.
        lengths: the length of each row; or a tuple of nested row lengths.
        padding: the value that fills rows up: trailing ones are left out.
        ragged_rank: the ragged dimensions of the result, 1 or more.
        name: accepted.
        row_splits_dtype: the type of the row splits.

    Raises:
        ValueError: both `lengths` and `padding` are given, or `ragged_rank` does not fit.
    """
    from .from_dense import from_tensor as convert

    return convert(cls, tensor, lengths, padding, ragged_rank, as_dtype(row_splits_dtype))


def from_sparse(
    cls: Any, st_input: Any, name: str | None = None, row_splits_dtype: Any = dtypes.int64
) -> RaggedTensor:
    """The rows of a sparse matrix whose elements are at the front of their rows.

    Raises:
        TypeError: it is no sparse tensor.
        ValueError: it is of another rank than 2.
        InvalidArgumentError: an element is behind a gap.
    """
    if not isinstance(st_input, SparseTensor):
        raise TypeError(f"Argument `st_input` must be of type SparseTensor, got {type(st_input).__name__}")
    rank = st_input.dense_shape.shape[0]
    if rank is not None and rank != 2:
        raise ValueError(f"rank(st_input) must be 2, got {rank}")
    kind = as_dtype(row_splits_dtype)
    rows = math_ops.cast(st_input.indices[:, 0], kind)
    ragged: RaggedTensor = cls.from_value_rowids(
        st_input.values, rows, math_ops.cast(st_input.dense_shape[0], kind), validate=False
    )
    columns = math_ops.cast(st_input.indices[:, 1], kind)
    place = array_ops.range(_count(rows, kind), dtype=kind) - indexing_ops.gather(ragged.row_starts(), rows)
    problem = "SparseTensor is not right-ragged"
    wrong = reduce_ops.reduce_any(columns != place)
    if isinstance(wrong, EagerTensor):
        if bool(wrong):
            raise InvalidArgumentError(None, None, f"{problem}: an element stands behind a gap in its row.")
    else:
        from ...api.debugging_ops import Assert

        Assert(math_ops.logical_not(wrong), [problem])
    return ragged


def to_tensor(ragged: RaggedTensor, default_value: Any, name: str | None, shape: Any) -> Tensor:
    """See `RaggedTensor.to_tensor`."""
    flat = ragged.flat_values
    default = (
        array_ops.zeros([], flat.dtype)
        if default_value is None
        else convert_to_tensor(default_value, flat.dtype)
    )
    wanted: Any
    if isinstance(shape, Tensor):
        wanted, static = shape, TensorShape(None)
    elif shape is None:
        wanted, static = convert_to_tensor(-1, dtypes.int64), TensorShape(None)
    else:
        static = TensorShape(shape)
        wanted = (
            convert_to_tensor(-1, dtypes.int64)
            if static.rank is None
            else convert_to_tensor([-1 if d is None else d for d in static.as_list()], dtypes.int64)
        )
    result: Tensor = raw("RaggedTensorToTensor")(
        wanted,
        flat,
        default,
        list(ragged.nested_row_splits),
        row_partition_types=[b"ROW_SPLITS"] * ragged.ragged_rank,
        name=name,
    )
    if not isinstance(result, EagerTensor):
        known = ragged.shape if static.rank is None else static
        if not isinstance(shape, Tensor) and known.rank is not None:
            if static.rank is not None and ragged.shape.rank is not None:
                own = ragged.shape.as_list()
                known = TensorShape([d if d is not None else o for d, o in zip(known, own, strict=True)])
            result.set_shape(known)
    return result


def to_sparse(ragged: RaggedTensor, name: str | None) -> SparseTensor:
    """See `RaggedTensor.to_sparse`."""
    splits = [math_ops.cast(s, dtypes.int64) for s in ragged.nested_row_splits]
    return SparseTensor(*raw("RaggedTensorToSparse")(splits, ragged.flat_values, name=name))


def real_axis(axis: int, rank: int | None, what: str) -> int:
    """`axis` counted from the front.

    Raises:
        TypeError: it is no int.
        ValueError: it is out of range, or negative where the rank is not known.
    """
    if isinstance(axis, (bool, float)) or not hasattr(axis, "__index__"):
        raise TypeError(f"{what} must be an int; got {type(axis).__name__}")
    axis = int(axis)
    if rank is None:
        if axis < 0:
            raise ValueError(f"{what}={axis} may only be negative if ndims is statically known.")
        return axis
    if not -rank <= axis < rank:
        raise ValueError(f"{what}={axis} out of bounds: expected {-rank}<={what}<{rank}")
    return axis % rank


def merge_dims(value: Any, outer_axis: int, inner_axis: int) -> Any:
    """`value` (ragged, or a tensor) with the dimensions from one axis to the other made one."""
    from .ragged_tensor import RaggedTensor

    rank = value.shape.rank
    outer, inner = real_axis(outer_axis, rank, "outer_axis"), real_axis(inner_axis, rank, "inner_axis")
    if not outer < inner:
        raise ValueError(f"Expected outer_axis ({outer_axis}) to be less than inner_axis ({inner_axis})")
    if not isinstance(value, RaggedTensor):
        sizes = raw("Shape")(value, out_type=dtypes.int32)
        shape = array_ops.concat([sizes[:outer], [-1], sizes[inner + 1 :]], 0)
        return array_ops.reshape(value, shape)
    if outer > 1:
        return value.with_values(merge_dims(value.values, outer - 1, inner - 1))
    inside, splits = value.values, value.row_splits
    for _ in range(inner - max(outer, 1)):
        if isinstance(inside, RaggedTensor):
            splits = indexing_ops.gather(inside.row_splits, splits)
            inside = inside.values
        else:
            splits = splits * raw("Shape")(inside, out_type=splits.dtype)[1]
            inside = merge_dims(inside, 0, 1)
    return inside if outer == 0 else RaggedTensor._of(inside, RowPartition(splits))


def with_static_shape(ragged: Any, shape: TensorShape) -> Any:
    """`ragged` with what is known of its shape: sizes that are not ragged although they could be."""
    from .ragged_tensor import RaggedTensor

    if not isinstance(ragged, RaggedTensor) or shape.rank is None:
        return ragged
    partition = ragged._row_partition
    if shape[1] is not None and partition.uniform_row_length is None:
        length = convert_to_tensor(shape[1], partition.row_splits.dtype)
        partition = RowPartition(partition.row_splits, uniform_row_length=length)
    inner = with_static_shape(ragged.values, shape[1:])
    return RaggedTensor._of(inner, partition)
