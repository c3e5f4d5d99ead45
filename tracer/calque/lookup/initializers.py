"""What tables are filled from: tensors, or the lines of a file."""

from __future__ import annotations

import os
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import DType, as_dtype

from ..api.arguments import tensor
from ..api.raw import raw
from ..context import init_scope
from ..saved_model.asset import Asset
from ..trackable import AutoTrackable, NoDependency

__all__ = ["KeyValueTensorInitializer", "TableInitializer", "TextFileIndex", "TextFileInitializer"]


class TableInitializer(AutoTrackable):
    """What a table is filled from.

    Args:
        key_dtype: of the keys.
        value_dtype: of the values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    @property
    def key_dtype(self) -> DType:
        """The keys' dtype."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The values' dtype."""
        return self._value_dtype

    def initialize(self, table: Any) -> Any:
        """Fill a table.

        Raises:
            TypeError: its keys or values are of other types.
        """
        self._check(table)
        return self._initialize_handle(table.resource_handle)

    def _check(self, table: Any) -> None:
        for what in ("key_dtype", "value_dtype"):
            own, other = getattr(self, what), getattr(table, what)
            if own is not other:
                raise TypeError(
                    f"Invalid `{what}` of the table: expected {own!r}, received {other!r}, for table {table.name}."
                )

    def _initialize_handle(self, handle: Any) -> Any:
        raise NotImplementedError


class KeyValueTensorInitializer(TableInitializer):
    """Keys and their values.

    Args:
        keys: a tensor.
        values: a tensor of the same shape.
        key_dtype: the keys' dtype; None: that of `keys`.
        value_dtype: the values' dtype; None: that of `values`.
        name: of no effect.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None
    ) -> None:
        with init_scope():
            own, theirs = tensor(keys, key_dtype), tensor(values, value_dtype)
        super().__init__(own.dtype, theirs.dtype)
        self._keys, self._values = NoDependency(own), NoDependency(theirs)

    def _initialize_handle(self, handle: Any) -> Any:
        return raw("LookupTableImportV2")(handle, self._keys, self._values)


class TextFileIndex:
    """Which part of a line is meant, in place of a column's number: all of it, or its number in the file."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class TextFileInitializer(TableInitializer):
    """The lines of a file. The file becomes an asset of the model that the table is saved with.

    Args:
        filename: the file.
        key_dtype: the keys' dtype.
        key_index: where in a line the key stands: a column, or one of `TextFileIndex`.
        value_dtype: the values' dtype.
        value_index: where in a line the value stands.
        vocab_size: how many lines there are to be, if known.
        delimiter: what separates the columns.
        name: of no effect.
        value_index_offset: added to values that are line numbers.

    Raises:
        ValueError: the file has no name, or an index and a dtype do not go together.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
        value_index_offset: int = 0,
    ) -> None:
        super().__init__(key_dtype, value_dtype)
        for what, index, dtype in (
            ("key", key_index, self._key_dtype),
            ("value", value_index, self._value_dtype),
        ):
            if index == TextFileIndex.LINE_NUMBER and dtype is not dtypes.int64:
                raise ValueError(
                    f"`{what}_dtype` must be int64 if `{what}_index` is {index}, received: {dtype!r}"
                )
            if index == TextFileIndex.WHOLE_LINE and not (dtype.is_integer or dtype is dtypes.string):
                raise ValueError(
                    f"`{what}_dtype` should be either integer or string for `{what}_index` {index}, received: {dtype!r}"
                )
            if index < TextFileIndex.WHOLE_LINE:
                raise ValueError(
                    f"`{what}_index` should be >= {TextFileIndex.WHOLE_LINE}, received: {index}."
                )
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"Invalid `vocab_size`, should be > 0, received: {vocab_size}.")
        if key_index == value_index:
            raise ValueError(
                f"Invalid `key_index` and `value_index`: they must be different, but are both {key_index}."
            )
        path = tensor(filename).numpy() if not isinstance(filename, (str, os.PathLike)) else filename
        path = path.decode() if isinstance(path, bytes) else os.fspath(path)
        if not path:
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        self._filename = Asset(path)
        self._key_index = key_index
        self._value_index = value_index
        self._vocab_size = vocab_size
        self._delimiter = delimiter
        self._value_index_offset = value_index_offset

    def _initialize_handle(self, handle: Any) -> Any:
        return raw("InitializeTableFromTextFileV2")(
            handle,
            self._filename.asset_path,
            key_index=self._key_index,
            value_index=self._value_index,
            vocab_size=-1 if self._vocab_size is None else self._vocab_size,
            delimiter=self._delimiter.encode(),
            offset=self._value_index_offset,
        )
