"""Tables that are filled once: `StaticHashTable`, and `StaticVocabularyTable`, which numbers what it does not know."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype
from calque_runtime.tables import StaticTable

from ..api.arguments import tensor
from ..api.indexing_ops import where
from ..api.math_ops import add, cast, not_equal
from ..api.raw import raw
from ..api.string_ops import as_string, to_hash_bucket_fast
from ..context import init_scope
from ..trackable import NoDependency
from .initializers import KeyValueTensorInitializer, TableInitializer
from .table import LookupTable, over_values

__all__ = ["StaticHashTable", "StaticVocabularyTable"]


class StaticHashTable(LookupTable):
    """A table that is filled once.

    Args:
        initializer: what it is filled from.
        default_value: the value of keys that it does not have, a scalar.
        name: its name.
        experimental_is_anonymous: accepted, and of no effect: every table is an object of its own.

    Raises:
        TypeError: `default_value` is of another dtype than the values.
    """

    def __init__(
        self,
        initializer: Any,
        default_value: Any,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(initializer.key_dtype, initializer.value_dtype, name or "hash_table")
        with init_scope():
            self._default_value = NoDependency(tensor(default_value, self._value_dtype))
        self._initializer = initializer
        self._set_up()

    @property
    def default_value(self) -> Any:
        """The value of keys that the table does not have."""
        return self._default_value

    def _make(self, anonymous: bool) -> Any:
        op = "AnonymousHashTable" if anonymous else "HashTableV2"
        return raw(op)(key_dtype=self._key_dtype, value_dtype=self._value_dtype)

    def _fill(self) -> None:
        self._initializer.initialize(self)

    def _copy(self, table: Any) -> None:
        if table.initialized and isinstance(self.handle, StaticTable) and not self.handle.initialized:
            keys, values = table.content()
            self._initializer = KeyValueTensorInitializer(keys, values, self._key_dtype, self._value_dtype)
            self._fill()

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, `default_value` for those that the table does not have.

        Raises:
            TypeError: the keys are of another dtype.
        """
        return over_values(keys, lambda flat: self._find(self._keys(flat), self._default_value, name))


class StaticVocabularyTable(LookupTable):
    """Numbers for strings (or integers): those of a vocabulary have the numbers it gives, the others share some more.

    Args:
        initializer: the vocabulary, from keys to numbers of int64; None: there is none.
        num_oov_buckets: how many more numbers there are; a key that is not in the vocabulary gets one by its hash.
        lookup_key_dtype: the keys' dtype: int32 may be looked up in a vocabulary of int64.
        name: its name.
        experimental_is_anonymous: accepted, and of no effect.

    Raises:
        ValueError: `num_oov_buckets` is not positive.
        TypeError: the vocabulary does not give int64, or the keys are neither integers nor strings.
    """

    def __init__(
        self,
        initializer: Any,
        num_oov_buckets: int,
        lookup_key_dtype: Any = None,
        name: str | None = None,
        experimental_is_anonymous: bool = False,
    ) -> None:
        if num_oov_buckets <= 0:
            raise ValueError(
                "`num_oov_buckets` must be > 0; use StaticHashTable for a table without buckets. Received: "
                f"{num_oov_buckets}."
            )
        if initializer is not None and initializer.value_dtype is not dtypes.int64:
            raise TypeError(
                f"Invalid `value_dtype`, expected {dtypes.int64!r} but got {initializer.value_dtype!r}."
            )
        own = dtypes.string if initializer is None else initializer.key_dtype
        wanted = own if lookup_key_dtype is None else as_dtype(lookup_key_dtype)
        if wanted.is_integer is not own.is_integer and initializer is not None:
            raise TypeError(
                f"Invalid `key_dtype`, expected an integer type for both or a string for both, got {own!r} and "
                f"{wanted!r}."
            )
        if not (wanted.is_integer or wanted is dtypes.string):
            raise TypeError(f"Invalid `key_dtype`, expected an integer or string type, got {wanted!r}.")
        super().__init__(wanted, dtypes.int64, name or "string_to_index")
        self._num_oov_buckets = num_oov_buckets
        self._table_dtype = own
        with init_scope():
            self._missing = NoDependency(tensor(-1, dtypes.int64))
        self._initializer: TableInitializer | None = initializer
        if initializer is not None:
            self._set_up()

    @property
    def resource_handle(self) -> Any:
        """The table, as a tensor for ops; None without a vocabulary."""
        return None if self._initializer is None else super().resource_handle

    def _make(self, anonymous: bool) -> Any:
        op = "AnonymousHashTable" if anonymous else "HashTableV2"
        return raw(op)(key_dtype=self._table_dtype, value_dtype=dtypes.int64)

    def _fill(self) -> None:
        if self._initializer is not None:
            self._initializer._initialize_handle(super().resource_handle)

    def _trackable_children(self, save_type: str = "checkpoint") -> dict[str, Any]:
        children = super()._trackable_children(save_type)
        return {} if self._initializer is None else children

    def _known(self) -> Any:
        """How many keys the vocabulary has."""
        return tensor(0, dtypes.int64) if self._initializer is None else super().size()

    def size(self, name: str | None = None) -> Any:
        """The number of numbers: of keys, and of buckets for others."""
        return add(self._known(), tensor(self._num_oov_buckets, dtypes.int64), name=name)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The numbers of keys, of int64.

        Raises:
            TypeError: the keys are of another dtype.
        """
        return over_values(keys, lambda flat: self._number(flat, name))

    def _number(self, keys: Any, name: str | None) -> Any:
        given = self._keys(keys)
        text = given if given.dtype is dtypes.string else as_string(given)
        other = to_hash_bucket_fast(text, self._num_oov_buckets)
        if self._initializer is None:
            return other
        own = given if given.dtype is self._table_dtype else cast(given, self._table_dtype)
        numbers = self._find(own, self._missing, None)
        return where(not_equal(numbers, self._missing), numbers, other + self._known(), name=name)
