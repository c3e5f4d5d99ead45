"""`tf.lookup.experimental`: tables that change. Their content is part of checkpoints and saved models."""

from __future__ import annotations

from typing import Any

from ..api.arguments import tensor
from ..api.raw import raw
from ..context import init_scope
from ..tensor import Tensor, constant
from ..trackable import NoDependency
from .table import LookupTable, over_values

__all__ = ["DenseHashTable", "MutableHashTable"]


class _Changing(LookupTable):
    """A table that ops insert into and remove from."""

    stored = True
    _default_value: Tensor

    def _set_default(self, default_value: Any) -> None:
        with init_scope():
            self._default_value = NoDependency(  # type: ignore[assignment]
                tensor(default_value, self._value_dtype)
            )

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """Give keys values, in place of those they had.

        Args:
            keys: a tensor.
            values: a tensor of its shape, followed by that of a value.
            name: the node's name.

        Raises:
            TypeError: they are of other dtypes.
            InvalidArgumentError: the shapes do not fit.
        """
        given = self._keys(keys)
        return raw("LookupTableInsertV2")(
            self.resource_handle, given, tensor(values, self._value_dtype), name=name
        )

    def remove(self, keys: Any, name: str | None = None) -> Any:
        """Remove keys; those that are not there do not matter.

        Raises:
            TypeError: they are of another dtype.
        """
        return raw("LookupTableRemoveV2")(self.resource_handle, self._keys(keys), name=name)


class MutableHashTable(_Changing):
    """A table that changes.

    Args:
        key_dtype: the keys' dtype.
        value_dtype: the values' dtype.
        default_value: the value of keys that it does not have: a scalar or vector, as every value is.
        name: its name.
        checkpoint: accepted, and of no effect: its content is part of checkpoints, as it is in TensorFlow 2.
        experimental_is_anonymous: accepted, and of no effect: every table is an object of its own.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        name: str = "MutableHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(key_dtype, value_dtype, name)
        self._set_default(default_value)
        self._set_up()

    def _make(self, anonymous: bool) -> Any:
        shape = self._default_value.shape.as_tuple()
        attrs: dict[str, Any] = {} if shape == () else {"value_shape": shape}
        kind = "MutableHashTableOfTensors" if attrs else "MutableHashTable"
        op = f"Anonymous{kind}" if anonymous else f"{kind}V2"
        return raw(op)(key_dtype=self._key_dtype, value_dtype=self._value_dtype, **attrs)

    def lookup(  # type: ignore[override]
        self, keys: Any, dynamic_default_values: Any = None, name: str | None = None
    ) -> Any:
        """The values of keys, the default for those that the table does not have.

        Args:
            keys: a tensor; of a sparse or ragged one, the values are looked up.
            dynamic_default_values: a default for each key, in place of the table's one for all.
            name: the node's name.

        Raises:
            TypeError: the keys are of another dtype.
        """
        default = self._default_value
        if dynamic_default_values is not None:
            default = tensor(dynamic_default_values, self._value_dtype)
        return over_values(keys, lambda flat: self._find(self._keys(flat), default, name))


class DenseHashTable(_Changing):
    """A table that changes, whose keys may be vectors; two keys are set aside for its own use.

    Args:
        key_dtype: the keys' dtype.
        value_dtype: the values' dtype.
        default_value: the value of keys that it does not have: a scalar or vector, as every value is.
        empty_key: the key that stands for an empty place: a scalar or vector, as every key is.
        deleted_key: the key that stands for a deleted one.
        initial_num_buckets: how many places there are at first, a power of two; None: 131072.
        name: its name.
        checkpoint: accepted, and of no effect: its content is part of checkpoints, as it is in TensorFlow 2.
        experimental_is_anonymous: accepted, and of no effect.
    """

    def __init__(
        self,
        key_dtype: Any,
        value_dtype: Any,
        default_value: Any,
        empty_key: Any,
        deleted_key: Any,
        initial_num_buckets: int | None = None,
        name: str = "MutableDenseHashTable",
        checkpoint: bool = True,
        experimental_is_anonymous: bool = False,
    ) -> None:
        super().__init__(key_dtype, value_dtype, name)
        self._set_default(default_value)
        with init_scope():  # arrays: what makes the table may capture nothing
            self._empty_key: Any = tensor(empty_key, self._key_dtype).numpy()
            self._deleted_key: Any = tensor(deleted_key, self._key_dtype).numpy()
        self._buckets: int = 131072 if initial_num_buckets is None else initial_num_buckets
        self._set_up()

    def _make(self, anonymous: bool) -> Any:
        op = "AnonymousMutableDenseHashTable" if anonymous else "MutableDenseHashTableV2"
        return raw(op)(
            constant(self._empty_key, self._key_dtype),
            constant(self._deleted_key, self._key_dtype),
            value_dtype=self._value_dtype,
            value_shape=self._default_value.shape.as_tuple(),
            initial_num_buckets=self._buckets,
        )

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, the default for those that the table does not have.

        Raises:
            TypeError: the keys are of another dtype.
        """
        return over_values(keys, lambda flat: self._find(self._keys(flat), self._default_value, name))

    def insert_or_assign(self, keys: Any, values: Any, name: str | None = None) -> Any:
        """As `insert`."""
        return self.insert(keys, values, name)

    def erase(self, keys: Any, name: str | None = None) -> Any:
        """As `remove`."""
        return self.remove(keys, name)
