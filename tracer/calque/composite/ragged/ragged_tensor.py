"""`RaggedTensor`: a tensor whose rows differ in length. How it is made is in `making`, its indexing in `getitem`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from ...api import array_ops, indexing_ops, reduce_ops
from ...api.raw import raw
from ...tensor import EagerTensor, Tensor, convert_to_tensor
from ...tensor_shape import TensorShape
from ..composite import CompositeTensor
from . import making
from .row_partition import RowPartition
from .spec import RaggedTensorSpec

__all__ = ["RaggedTensor"]


class RaggedTensor(CompositeTensor):
    """A tensor whose rows differ in length.

    It holds its elements row after row, in `values`, and where each row begins. `values` may be ragged itself.
    Made by `ragged.constant`, by the ``from_`` functions of this class, and by ops. Elementwise ops and operators take
    it, and keep its rows; reductions take the ragged axes.
    """

    __array_priority__ = 100

    def __init__(self, values: Any, row_partition: RowPartition, internal: bool = False) -> None:
        if not internal:
            raise ValueError(
                "RaggedTensor constructor is private; please use one of the factory methods instead (e.g., "
                "RaggedTensor.from_row_lengths())"
            )
        self._values = values
        self._row_partition = row_partition

    @classmethod
    def _of(cls, values: Any, partition: RowPartition) -> RaggedTensor:
        return cls(values, partition, internal=True)

    from_value_rowids = classmethod(making.from_value_rowids)
    from_row_splits = classmethod(making.from_row_splits)
    from_row_lengths = classmethod(making.from_row_lengths)
    from_row_starts = classmethod(making.from_row_starts)
    from_row_limits = classmethod(making.from_row_limits)
    from_uniform_row_length = classmethod(making.from_uniform_row_length)
    from_nested_value_rowids = classmethod(making.from_nested_value_rowids)
    from_nested_row_splits = classmethod(making.from_nested_row_splits)
    from_nested_row_lengths = classmethod(making.from_nested_row_lengths)
    from_tensor = classmethod(making.from_tensor)
    from_sparse = classmethod(making.from_sparse)

    # What it is

    @property
    def values(self) -> Any:
        """The rows, one behind the other: a tensor, or ragged itself."""
        return self._values

    @property
    def flat_values(self) -> Tensor:
        """The innermost `values`, a tensor."""
        inner = self._values
        while isinstance(inner, RaggedTensor):
            inner = inner._values
        return inner  # type: ignore[no-any-return]

    @property
    def ragged_rank(self) -> int:
        """The number of ragged dimensions, one in another."""
        return 1 + (self._values.ragged_rank if isinstance(self._values, RaggedTensor) else 0)

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._values.dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> TensorShape:
        """The static shape; None for a ragged dimension."""
        partition = self._row_partition
        outer = TensorShape([partition.static_nrows, partition.static_uniform_row_length])
        return outer.concatenate(self._values.shape[1:])

    def get_shape(self) -> TensorShape:
        """The static shape; None for a ragged dimension."""
        return self.shape

    @property
    def row_splits(self) -> Tensor:
        """Where each row begins in `values`, and where the last one ends: of shape [nrows + 1]."""
        return self._row_partition.row_splits

    @property
    def uniform_row_length(self) -> Tensor | None:
        """The length of every row, where they were made with one; else None."""
        return self._row_partition.uniform_row_length

    @property
    def nested_row_splits(self) -> tuple[Tensor, ...]:
        """`row_splits` for each ragged dimension, the outermost first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensor) else ()
        return self.row_splits, *inner

    def nrows(self, out_type: Any = None, name: str | None = None) -> Tensor:
        """The number of rows."""
        count = self._row_partition.nrows()
        return count if out_type is None else _cast(count, out_type)

    def row_starts(self, name: str | None = None) -> Tensor:
        """Where each row begins in `values`."""
        return self.row_splits[:-1]  # type: ignore[no-any-return]

    def row_limits(self, name: str | None = None) -> Tensor:
        """Where each row ends in `values`."""
        return self.row_splits[1:]  # type: ignore[no-any-return]

    def value_rowids(self, name: str | None = None) -> Tensor:
        """The row that each of `values` is in."""
        return self._row_partition.value_rowids()

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Any:
        """The length of each row.

        Args:
            axis: of the rows along that axis: an int from 1 on; deeper ones are ragged where what is above is.
            name: accepted.

        Raises:
            ValueError: the axis is 0 or out of range.
        """
        axis = making.real_axis(axis, self.shape.rank, "axis")
        if axis == 0:
            return self.nrows()
        if axis == 1:
            return self._row_partition.row_lengths()
        if isinstance(self._values, RaggedTensor):
            return self.with_values(self._values.row_lengths(axis - 1))
        sizes = raw("Shape")(self._values, out_type=self.row_splits.dtype)
        return self.with_values(raw("Fill")(sizes[: axis - 1], sizes[axis - 1]))

    def nested_row_lengths(self, name: str | None = None) -> tuple[Tensor, ...]:
        """The length of each row, for each ragged dimension, the outermost first."""
        return tuple(splits[1:] - splits[:-1] for splits in self.nested_row_splits)

    def nested_value_rowids(self, name: str | None = None) -> tuple[Tensor, ...]:
        """`value_rowids` for each ragged dimension, the outermost first."""
        inner = self._values.nested_value_rowids() if isinstance(self._values, RaggedTensor) else ()
        return self.value_rowids(), *inner

    def bounding_shape(self, axis: Any = None, name: str | None = None, out_type: Any = None) -> Any:
        """The smallest shape that holds all rows.

        Args:
            axis: return the sizes of this axis (or these axes) only.
            name: accepted.
            out_type: the type of the result; default: that of `row_splits`.
        """
        kind = self.row_splits.dtype if out_type is None else as_dtype(out_type)
        sizes, inner = [self.nrows()], self
        while isinstance(inner, RaggedTensor):
            lengths = inner._row_partition.row_lengths()
            whole = array_ops.concat([lengths, array_ops.zeros([1], lengths.dtype)], 0)
            sizes.append(reduce_ops.reduce_max(whole))
            inner = inner._values
        rest = raw("Shape")(inner, out_type=self.row_splits.dtype)[1:]
        shape = _cast(array_ops.concat([array_ops.stack(sizes), rest], 0), kind)
        return shape if axis is None else indexing_ops.gather(shape, axis)

    # Others like it

    def with_values(self, new_values: Any) -> RaggedTensor:
        """The same rows of other values, as many as these (a tensor or ragged)."""
        if not isinstance(new_values, RaggedTensor):
            new_values = convert_to_tensor(new_values)
        new_values.shape.with_rank_at_least(1)
        self._values.shape[:1].assert_is_compatible_with(new_values.shape[:1])
        return self._of(new_values, self._row_partition)

    def with_flat_values(self, new_values: Any) -> RaggedTensor:
        """The same rows, at every depth, of other innermost values."""
        inner = self._values
        return self.with_values(
            inner.with_flat_values(new_values) if isinstance(inner, RaggedTensor) else new_values
        )

    def with_row_splits_dtype(self, dtype: Any) -> RaggedTensor:
        """The same with row splits of that type, int32 or int64.

        Raises:
            ValueError: it is another.
        """
        kind = as_dtype(dtype)
        if kind not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"dtype must be int32 or int64, got {kind.name}.")
        if self.row_splits.dtype is kind:
            return self
        inner = self._values
        values = inner.with_row_splits_dtype(kind) if isinstance(inner, RaggedTensor) else inner
        return self._of(values, self._row_partition.with_dtype(kind))

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """The dimensions from `outer_axis` to `inner_axis` made one."""
        return making.merge_dims(self, outer_axis, inner_axis)

    def to_tensor(self, default_value: Any = None, name: str | None = None, shape: Any = None) -> Tensor:
        """As a tensor, short rows filled up.

        Args:
            default_value: what fills the rows; default: zero.
            name: the node's name.
            shape: the shape wanted, None for sizes that the longest row decides; longer rows are cut.
        """
        return making.to_tensor(self, default_value, name, shape)

    def to_sparse(self, name: str | None = None) -> Any:
        """As a sparse tensor."""
        return making.to_sparse(self, name)

    def to_list(self) -> list[Any]:
        """The elements as nested Python lists; eager ones only.

        Raises:
            ValueError: it is in a graph.
        """
        flat = self.flat_values
        if not isinstance(flat, EagerTensor):
            raise ValueError("RaggedTensor.to_list() works in eager code only.")
        rows: Any = np.asarray(flat).tolist()
        for splits in reversed(self.nested_row_splits):
            ends: list[int] = np.asarray(splits).tolist()
            rows = [rows[begin:end] for begin, end in zip(ends[:-1], ends[1:], strict=True)]  # noqa: RUF007
        return rows  # type: ignore[no-any-return]

    def numpy(self) -> Any:
        """As a numpy array: of arrays, one a row, or a plain one if all rows are of one length.

        Raises:
            ValueError: it is in a graph.
        """
        if not isinstance(self.flat_values, EagerTensor):
            raise ValueError("RaggedTensor.numpy() is only supported in eager mode.")
        values = self._values.numpy()
        splits: Any = np.asarray(self.row_splits)
        rows = np.split(values, splits[1:-1])
        if not rows or len(splits) == 1:
            return np.zeros((0, 0, *values.shape[1:]), values.dtype)
        if all(len(row) == len(rows[0]) and row.shape == rows[0].shape for row in rows):
            return np.stack(rows)
        out = np.empty(len(rows), object)
        for i, row in enumerate(rows):
            out[i] = row
        return out

    def consumers(self) -> list[Any]:
        """Not known: an empty list."""
        return []

    @property
    def _type_spec(self) -> RaggedTensorSpec:
        return RaggedTensorSpec(self.shape, self.dtype, self.ragged_rank, self.row_splits.dtype)

    # Python

    def __getitem__(self, key: Any) -> Any:
        from .getitem import getitem

        return getitem(self, key)

    def __iter__(self) -> Iterator[Any]:
        count = self._row_partition.static_nrows
        if count is None:
            raise TypeError("The number of rows of a RaggedTensor in a graph is not known: use nrows().")
        return iter([self[i] for i in range(count)])

    def __bool__(self) -> NoReturn:
        raise TypeError("RaggedTensor may not be used as a boolean.")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ValueError(
            "A RaggedTensor is no array: use .to_tensor() to fill its rows up, .to_list(), or .numpy()."
        )

    def __hash__(self) -> int:
        raise TypeError("RaggedTensor is unhashable.")

    def __repr__(self) -> str:
        if isinstance(self.flat_values, EagerTensor):
            return f"<tf.RaggedTensor {_text(self)}>"
        return f"tf.RaggedTensor(values={self._values!s}, row_splits={self.row_splits!s})"


def _cast(tensor: Tensor, dtype: Any) -> Tensor:
    kind = as_dtype(dtype)
    return tensor if tensor.dtype is kind else raw("Cast")(tensor, DstT=kind)


def _text(value: RaggedTensor) -> str:
    """The rows as numpy prints arrays of them, with commas."""
    with np.printoptions(formatter={"all": _part}):
        return _part(value.numpy())


def _part(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return str(value)
    return np.array2string(value, separator=", ") if value.size else repr(value.tolist())
