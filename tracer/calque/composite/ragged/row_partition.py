"""How the rows of a ragged tensor lie in its values."""

from __future__ import annotations

from typing import Any

from calque_runtime.constants import constant_value
from calque_runtime.dtypes import DType

from ...api.raw import raw
from ...tensor import EagerTensor, SymbolicTensor, Tensor

__all__ = ["RowPartition", "static_value"]


class RowPartition:
    """Where rows begin and end, as row splits; other encodings are kept where they are known, made where not.

    Attributes:
        row_splits: int32 or int64 of shape [nrows + 1].
        uniform_row_length: the length of every row, a scalar; None: they may differ.
    """

    __slots__ = ("_lengths", "_nrows", "_rowids", "row_splits", "uniform_row_length")

    def __init__(
        self,
        row_splits: Tensor,
        uniform_row_length: Tensor | None = None,
        rowids: Tensor | None = None,
        lengths: Tensor | None = None,
        nrows: Tensor | None = None,
    ) -> None:
        self.row_splits = row_splits
        self.uniform_row_length = uniform_row_length
        self._rowids = rowids
        self._lengths = lengths
        self._nrows = nrows

    @property
    def static_nrows(self) -> int | None:
        """The number of rows, where it is known while tracing."""
        size = self.row_splits.shape[0]
        return None if size is None else size - 1

    @property
    def static_uniform_row_length(self) -> int | None:
        """The length of every row, where it is one and known while tracing."""
        return None if self.uniform_row_length is None else static_value(self.uniform_row_length)

    def nrows(self) -> Tensor:
        """The number of rows, a scalar of the splits' type."""
        if self._nrows is None:
            self._nrows = raw("Shape")(self.row_splits, out_type=self.row_splits.dtype)[0] - 1
        return self._nrows

    def row_lengths(self) -> Tensor:
        """The length of each row."""
        if self._lengths is None:
            self._lengths = self.row_splits[1:] - self.row_splits[:-1]
        return self._lengths

    def value_rowids(self) -> Tensor:
        """The row that each value is in."""
        if self._rowids is None:
            self._rowids = _rowids(self)
        return self._rowids

    def with_dtype(self, dtype: DType) -> RowPartition:
        """The same with splits of another type."""

        def cast(tensor: Tensor | None) -> Any:
            return None if tensor is None else raw("Cast")(tensor, DstT=dtype)

        return RowPartition(
            cast(self.row_splits),
            cast(self.uniform_row_length),
            cast(self._rowids),
            cast(self._lengths),
            cast(self._nrows),
        )


def _rowids(partition: RowPartition) -> Tensor:
    from ...api.array_ops import range as range_
    from ...api.indexing_ops import repeat

    kind = partition.row_splits.dtype
    rows = range_(partition.nrows(), dtype=kind)
    return repeat(rows, partition.row_lengths(), axis=0)  # type: ignore[no-any-return]


def static_value(scalar: Any) -> int | None:
    """The value of a scalar, where it is known while tracing."""
    if isinstance(scalar, EagerTensor):
        return int(scalar)
    if isinstance(scalar, SymbolicTensor):
        found = constant_value(scalar._value)
        return None if found is None else int(found)
    return int(scalar)
