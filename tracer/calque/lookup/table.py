"""`LookupTable`: what all tables have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calque_runtime.dtypes import DType, as_dtype

from ..api.arguments import tensor
from ..api.raw import raw
from ..resource import TableResource
from ..tensor import Tensor

__all__ = ["LookupTable", "over_values"]


class LookupTable(TableResource):
    """A table from keys to values.

    Args:
        key_dtype: the keys' dtype.
        value_dtype: the values' dtype.
        name: for messages.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any, name: str) -> None:
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)
        self._name = name

    @property
    def key_dtype(self) -> DType:
        """The keys' dtype."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The values' dtype."""
        return self._value_dtype

    @property
    def name(self) -> str:
        """The table's name."""
        return self._name

    def size(self, name: str | None = None) -> Any:
        """The number of keys, a scalar of int64."""
        return raw("LookupTableSizeV2")(self.resource_handle, name=name)

    def export(self, name: str | None = None) -> Any:
        """All keys, and their values."""
        return raw("LookupTableExportV2")(
            self.resource_handle, Tkeys=self._key_dtype, Tvalues=self._value_dtype, name=name
        )

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys: a tensor of their shape, followed by that of a value.

        Args:
            keys: a tensor; of a sparse or ragged one, the values are looked up.
            name: the node's name.

        Raises:
            TypeError: they are of another dtype.
        """
        raise NotImplementedError

    def __getitem__(self, keys: Any) -> Any:
        """The values of keys: `lookup`."""
        return self.lookup(keys)

    def _keys(self, keys: Any, dtype: DType | None = None) -> Tensor:
        """`keys` as a tensor.

        Raises:
            TypeError: they are of another dtype than `dtype` (the table's own).
        """
        wanted = self._key_dtype if dtype is None else dtype
        given = tensor(keys, hint=wanted)
        if given.dtype is not wanted:
            raise TypeError(f"Dtype of argument `keys` must be {wanted!r}, received: {given.dtype!r}")
        return given

    def _find(self, keys: Tensor, default: Any, name: str | None) -> Any:
        found = raw("LookupTableFindV2")(self.resource_handle, keys, default, name=name)
        if found.shape.rank is None and keys.shape.rank is not None and default.shape.rank == 0:
            found.set_shape(keys.shape)
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}: {self._key_dtype.name} to {self._value_dtype.name}>"


def over_values(keys: Any, find: Callable[[Any], Any]) -> Any:
    """`find` of a tensor's keys, or of those that a sparse or ragged tensor holds, in a tensor of its structure."""
    from ..composite.ragged.ragged_tensor import RaggedTensor
    from ..composite.sparse_tensor import SparseTensor

    if isinstance(keys, SparseTensor):
        return SparseTensor(keys.indices, find(keys.values), keys.dense_shape)
    if isinstance(keys, RaggedTensor):
        return keys.with_flat_values(find(keys.flat_values))
    return find(keys)
