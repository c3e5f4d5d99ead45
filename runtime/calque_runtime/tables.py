"""Lookup tables: what a resource (or, in TF1 graphs, a string reference) stands for that maps keys to values."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from .dtypes import DType
from .errors import AbortedError, FailedPreconditionError, InvalidArgumentError, UnimplementedError
from .farmhash import hash64
from .shapes import format_shape

__all__ = ["DenseTable", "MutableTable", "StaticTable", "Table"]

_MASK = (1 << 64) - 1


class Table:
    """Keys and their values.

    The values stand in one array, `_slots` says in which row that of a key does: a lookup asks the dict for all its
    keys, and takes the rows in one go.

    Attributes:
        key_dtype: of the keys.
        value_dtype: of the values.
        value_shape: the shape of one value.
        key_shape: the shape of one key.
        name: for messages.
        lock: held while the table is read or changed.
    """

    key_shape: tuple[int, ...] = ()
    # Of one default for each key, some kinds of tables take the first for all, as they do in TensorFlow.
    own_defaults = False

    def __init__(
        self, key_dtype: DType, value_dtype: DType, value_shape: tuple[int, ...] = (), name: str = ""
    ) -> None:
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        self.value_shape = value_shape
        self.name = name
        self.lock = threading.RLock()
        self._slots: dict[Any, int] = {}
        self._values = self._room(0)
        self._free: list[int] = []  # rows of keys that were removed

    def _room(self, rows: int) -> Any:
        return np.empty((rows, *self.value_shape), self.value_dtype.np)

    def __repr__(self) -> str:
        return f"<table {self.name}: {self.key_dtype.name} to {self.value_dtype.name}, {self.size} keys>"

    @property
    def size(self) -> int:
        """The number of keys."""
        return len(self._slots)

    def check_dtypes(self, keys: DType, values: DType) -> None:
        """Raises InvalidArgumentError if its keys or values are of other types."""
        if keys is not self.key_dtype or values is not self.value_dtype:
            raise _invalid(
                f"Conflicting key/value dtypes {keys.name}->{values.name} with "
                f"{self.key_dtype.name}-{self.value_dtype.name} for table {self.name}"
            )

    def find(self, keys: Any, default: Any) -> Any:
        """The values of `keys`, from `default` (one value, or one for each key) where the table has none.

        Raises:
            FailedPreconditionError: the table was never filled.
            InvalidArgumentError: a dtype or shape does not fit.
        """
        shape = (*self._batch(keys), *self.value_shape)
        self._check("default_value", default, self.value_dtype)
        if default.shape not in (self.value_shape, shape):
            raise _invalid(
                f"Expected shape {format_shape(self.value_shape)} or {format_shape(shape)} for default value, got "
                f"{format_shape(default.shape)}"
            )
        flat = self._hashable(keys)
        with self.lock:
            self._ready()
            at = np.fromiter(map(self._slots.get, flat, repeat(-1)), np.intp, len(flat))
            missing = at < 0
            if not missing.any():
                return self._values[at].reshape(shape)
            # A row that is missing reads any row for the moment; there is none where the table is empty.
            out = self._values[np.where(missing, 0, at)] if len(self._values) else self._room(len(flat))
        if default.shape != self.value_shape:
            rows = default.reshape(len(flat), *self.value_shape)
            default = rows[missing] if self.own_defaults else rows[0]
        out[missing] = default
        return out.reshape(shape)

    def insert(self, keys: Any, values: Any) -> None:
        """Give `keys` these values; the last one where a key repeats.

        Raises:
            InvalidArgumentError: a dtype or shape does not fit.
            UnimplementedError: the table cannot be changed.
        """
        rows = self._check_values(keys, values)
        flat = self._hashable(keys)
        with self.lock:
            self._put(flat, rows)

    def _put(self, keys: Sequence[Any], rows: Any) -> None:
        slots = self._slots
        at = [slots.get(key, -1) for key in keys]
        for i, key in enumerate(keys):
            if at[i] < 0:
                known = slots.get(key)  # given one by an earlier place of this batch
                if known is None:
                    known = self._free.pop() if self._free else len(slots)
                    slots[key] = known
                at[i] = known
        count = max(len(slots) + len(self._free), len(self._values))
        if count > len(self._values):
            room = self._room(max(count, 2 * len(self._values)))
            room[: len(self._values)] = self._values
            self._values = room
        if at:
            self._values[at] = rows

    def remove(self, keys: Any) -> None:
        """Remove `keys`; those that are not there do not matter.

        Raises:
            InvalidArgumentError: the dtype or shape does not fit.
            UnimplementedError: the table cannot be changed.
        """
        self._batch(keys)
        with self.lock:
            for key in self._hashable(keys):
                slot = self._slots.pop(key, None)
                if slot is not None:
                    self._free.append(slot)

    def fill(self, keys: Any, values: Any) -> None:
        """Replace everything the table holds.

        Raises:
            InvalidArgumentError: a dtype or shape does not fit.
            FailedPreconditionError: the table may be filled only once.
        """
        rows = self._check_values(keys, values)
        flat = self._hashable(keys)
        with self.lock:
            self.clear()
            self._put(flat, rows)

    def clear(self) -> None:
        """Remove every key."""
        with self.lock:
            self._slots, self._free = {}, []
            self._values = self._room(0)

    def content(self) -> tuple[Any, Any]:
        """All keys and their values, in the order in which the keys came."""
        with self.lock:
            keys = _array(self._slots, self.key_dtype, (len(self._slots), *self.key_shape))
            at = np.fromiter(self._slots.values(), np.intp, len(self._slots))
            return keys, self._values[at]

    def _ready(self) -> None:
        """Raises FailedPreconditionError if it cannot be asked yet."""

    def _batch(self, keys: Any) -> tuple[int, ...]:
        """The shape of the batch of keys that `keys` is."""
        self._check("key", keys, self.key_dtype)
        return tuple(keys.shape)

    def _check(self, what: str, array: Any, dtype: DType) -> None:
        if array.dtype != dtype.np:
            raise _invalid(
                f"the table '{self.name}' takes {what} of dtype {dtype.name}, but got {array.dtype}"
            )

    def _check_values(self, keys: Any, values: Any) -> Any:
        """`values` as rows, one for each key."""
        self._check("value", values, self.value_dtype)
        want = (*self._batch(keys), *self.value_shape)
        if values.shape != want:
            raise _invalid(f"Expected shape {format_shape(want)} for value, got {format_shape(values.shape)}")
        return values.reshape(-1, *self.value_shape) if self.value_shape else values.ravel()

    def _hashable(self, keys: Any) -> list[Any]:
        """The keys as Python values."""
        return keys.ravel().tolist()  # type: ignore[no-any-return]


class StaticTable(Table):
    """A table that is filled once and never changed (``HashTable``).

    Attributes:
        initialized: was it filled?
    """

    def __init__(self, key_dtype: DType, value_dtype: DType, name: str = "") -> None:
        super().__init__(key_dtype, value_dtype, (), name)
        self.initialized = False

    def _ready(self) -> None:
        if not self.initialized:
            raise FailedPreconditionError(None, None, f"Table not initialized: '{self.name}'")

    def insert(self, keys: Any, values: Any) -> None:
        """Raises UnimplementedError."""
        raise UnimplementedError(
            None, None, "Insert not supported by InitializableLookupTable implementations"
        )

    def remove(self, keys: Any) -> None:
        """Raises UnimplementedError."""
        raise UnimplementedError(
            None, None, "Remove not supported by InitializableLookupTable implementations"
        )

    def fill(self, keys: Any, values: Any) -> None:
        """Fill it. Filling it again with as many keys does nothing."""
        if keys.ndim != 1:
            raise _invalid(f"Keys must be a vector, but received shape {format_shape(keys.shape)}")
        rows = self._check_values(keys, values)
        flat = self._hashable(keys)
        with self.lock:
            if self.initialized:
                if len(flat) != self.size:
                    raise FailedPreconditionError(
                        None, None, f"Table '{self.name}' was already initialized with different data."
                    )
                return
            slots = dict(zip(flat, range(len(flat)), strict=True))
            if len(slots) != len(flat):
                self._check_repeated(flat, rows.tolist())
            self._slots, self._values = slots, np.array(rows)
            self.initialized = True

    def _check_repeated(self, keys: list[Any], values: list[Any]) -> None:
        seen: dict[Any, Any] = {}
        for key, value in zip(keys, values, strict=True):
            if seen.setdefault(key, value) != value:
                raise FailedPreconditionError(
                    None,
                    None,
                    f"HashTable has different value for same key. Key {key!r} has {seen[key]!r} and trying to add "
                    f"value {value!r}",
                )

    def content(self) -> tuple[Any, Any]:
        """All keys and their values.

        Raises:
            AbortedError: it was never filled.
        """
        if not self.initialized:
            raise AbortedError(None, None, f"HashTable '{self.name}' is not initialized.")
        return super().content()


class MutableTable(Table):
    """A table that ops insert into and remove from (``MutableHashTable``, ``MutableHashTableOfTensors``)."""

    own_defaults = True


class DenseTable(Table):
    """A table with a key that stands for an empty place and one for a deleted one (``MutableDenseHashTable``).

    What it exports is what TensorFlow does: all its buckets, each key in the bucket where TensorFlow looks for it.

    Args:
        empty: the key that no entry may have.
        deleted: another one.
        key_dtype: of the keys, which have the shape of `empty`.
        value_dtype: of the values.
        value_shape: of a value.
        buckets: how many there are at first, a power of two.
        load: the share of them that may be taken.
        name: for messages.
    """

    def __init__(
        self,
        empty: Any,
        deleted: Any,
        key_dtype: DType,
        value_dtype: DType,
        value_shape: tuple[int, ...],
        buckets: int,
        load: float,
        name: str = "",
    ) -> None:
        if buckets < 4 or buckets & (buckets - 1):
            raise _invalid(f"Number of buckets must be at least 4 and a power of 2, got: {buckets}")
        if not 0 < load < 1:
            raise _invalid(f"max_load_factor must be between 0 and 1, got: {load}")
        if len(value_shape) > 1 or np.ndim(empty) > 1 or np.shape(empty) != np.shape(deleted):
            raise _invalid(
                "Empty key, deleted key and values must be scalars or vectors, the keys of one shape; got "
                f"{format_shape(np.shape(empty))}, {format_shape(np.shape(deleted))} and {format_shape(value_shape)}"
            )
        super().__init__(key_dtype, value_dtype, value_shape, name)
        self.key_shape = np.shape(empty)
        self._empty, self._deleted = Table._hashable(self, empty), Table._hashable(self, deleted)
        if self._empty == self._deleted:
            raise _invalid("Empty and deleted keys cannot be equal")
        self._buckets, self._load = buckets, load

    def _batch(self, keys: Any) -> tuple[int, ...]:
        self._check("key", keys, self.key_dtype)
        cut = keys.ndim - len(self.key_shape)
        if cut < 0 or keys.shape[cut:] != self.key_shape:
            raise _invalid(
                f"Input key shape {format_shape(keys.shape)} must end with the table's key shape "
                f"{format_shape(self.key_shape)}"
            )
        return tuple(keys.shape[:cut])

    def _hashable(self, keys: Any) -> list[Any]:
        flat = keys.reshape(-1, *self.key_shape).tolist()
        if self.key_shape:
            flat = [tuple(key) for key in flat]
        for name, reserved in (
            ("empty_key", self._key(self._empty)),
            ("deleted_key", self._key(self._deleted)),
        ):
            if reserved in flat:
                raise _invalid(f"Using the {name} as a table key is not allowed")
        return flat  # type: ignore[no-any-return]

    def _key(self, parts: list[Any]) -> Any:
        return tuple(parts) if self.key_shape else parts[0]

    def fill(self, keys: Any, values: Any) -> None:
        """Replace everything by what `content` gave."""
        self._check("key", keys, self.key_dtype)
        self._check("value", values, self.value_dtype)
        width = int(np.prod(self.key_shape, dtype=np.int64))
        size = int(np.prod(self.value_shape, dtype=np.int64))
        count = keys.shape[0] if keys.ndim else 0
        if keys.shape not in ((count, width), (count, *self.key_shape)) or values.size != count * size:
            raise _invalid(
                f"Expected keys of shape [?,{width}] and values of shape [?,{size}], got {format_shape(keys.shape)} "
                f"and {format_shape(values.shape)}"
            )
        keys, values = keys.reshape(count, width), values.reshape(count, *self.value_shape)
        used = ~((keys == _array(self._empty, self.key_dtype, (width,))).all(1))
        used &= ~((keys == _array(self._deleted, self.key_dtype, (width,))).all(1))
        keys = keys[used].reshape(-1, *self.key_shape)
        with self.lock:
            self.clear()
            self._buckets = max(self._buckets, count) if count & (count - 1) == 0 else self._buckets
            self._put(self._hashable(keys), values[used])

    def content(self) -> tuple[Any, Any]:
        """The keys of all buckets, as a matrix, and their values, likewise."""
        with self.lock:
            keys, rows = super().content()
            count = self._buckets
            while len(keys) > count * self._load:
                count *= 2
            width, size = len(self._empty), int(np.prod(self.value_shape, dtype=np.int64))
            all_keys = np.empty((count, width), self.key_dtype.np)
            all_keys[:] = _array(self._empty, self.key_dtype, (width,))
            if self.value_dtype.kind == "s":
                all_values = np.full((count, size), b"", object)
            else:
                all_values = np.zeros((count, size), self.value_dtype.np)
            taken: set[int] = set()
            at = [_bucket(key, count, taken) for key in keys.reshape(-1, width).tolist()]
            if at:
                all_keys[at] = keys.reshape(-1, width)
                all_values[at] = rows.reshape(-1, size)
            return all_keys, all_values


def _bucket(key: list[Any], count: int, taken: set[int]) -> int:
    """The bucket of a key: the one its hash names, or the next free one, going on by steps of 1, 2, 3, ..."""
    if len(key) == 1:
        at = _hash(key[0])
    else:
        at = 0
        for part in key:
            at ^= (_hash(part) + 0x9E3779B97F4A7800 + (at << 10) + (at >> 4)) & _MASK
            at &= _MASK
    at &= count - 1
    step = 0
    while at in taken:
        step += 1
        at = (at + step) & (count - 1)
    taken.add(at)
    return at


def _hash(key: Any) -> int:
    return hash64(key) if isinstance(key, bytes) else int(key) & _MASK


def _array(values: Iterable[Any], dtype: DType, shape: tuple[int, ...]) -> Any:
    flat = list(values)
    if dtype.kind == "s":  # tuples and bytes: numpy must not look into them
        out = np.empty(shape, object)
        if flat:
            out.reshape(-1)[:] = [p for v in flat for p in v] if isinstance(flat[0], tuple) else flat
        return out
    return np.array(flat, dtype.np).reshape(shape)


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)
