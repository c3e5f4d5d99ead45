"""Lookup tables: making, filling, asking and changing them. See `calque_runtime.tables`.

The ops of TF1, whose handles are references to strings, become these before a graph runs (`passes.references`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import DType, int64, string
from ..errors import FailedPreconditionError, NotFoundError, OutOfRangeError
from ..op import Array, Kernel, Op, Site, register, registered
from ..shapes import Shape, is_static
from ..tables import DenseTable, MutableTable, StaticTable, Table
from .common import check_size

__all__: list[str] = []

_SHARING = "container: string=''; shared_name: string=''; use_node_name_sharing: bool=false"
_TYPES = "key_dtype: type; value_dtype: type"
_DENSE = "; value_shape: shape=[]; initial_num_buckets: int=131072; max_load_factor: float=0.800000011920929"
_KEYS = frozenset("iusfb")

Make = Callable[[Site, str, "tuple[Array, ...]"], Table]


def _static(s: Site, name: str, _: tuple[Array, ...]) -> Table:
    return StaticTable(s["key_dtype"], s["value_dtype"], name)


def _mutable(s: Site, name: str, _: tuple[Array, ...]) -> Table:
    return MutableTable(s["key_dtype"], s["value_dtype"], (), name)


def _of_tensors(s: Site, name: str, _: tuple[Array, ...]) -> Table:
    shape = _value_shape(s)
    if len(shape) != 1:
        raise s.error(f"Default value must be a vector, got shape {list(shape)}")
    return MutableTable(s["key_dtype"], s["value_dtype"], shape, name)


def _dense(s: Site, name: str, keys: tuple[Array, ...]) -> Table:
    empty = np.asarray(keys[0])
    deleted = np.asarray(keys[1]) if len(keys) > 1 else None
    buckets = s["initial_num_buckets"]
    check_size(s, (buckets,), s["key_dtype"])
    return DenseTable(
        empty,
        deleted,
        s["key_dtype"],
        s["value_dtype"],
        _value_shape(s),
        buckets,
        s["max_load_factor"],
        name,
    )


def _value_shape(s: Site) -> tuple[int, ...]:
    shape = s["value_shape"]
    if shape is None or not is_static(shape) or len(shape) > 1:
        raise s.error(f"value_shape must be a scalar's or a vector's, but is {shape}")
    return tuple(d for d in shape if d is not None)


def _declare(name: str, doc: str, make: Make, inputs: str = "", attrs: str = "") -> None:
    """The op that makes a table, or gives the one that was made before under its name."""

    def kernel(s: Site) -> Kernel:
        if s["key_dtype"].kind not in _KEYS or s["value_dtype"].kind == "o":
            raise s.unsupported(
                f"a table from {s['key_dtype'].name} to {s['value_dtype'].name} is not supported"
            )
        if name.startswith("Anonymous"):
            return lambda *keys: make(s, s.name, keys)
        env = s.env
        if env is None:
            raise s.error("a table needs an environment to live in")
        shared, container = s["shared_name"].decode() or s.name, s["container"].decode()

        def run(*keys: Array) -> Table:
            found = env.resource("table", container, shared, lambda: make(s, shared, keys))
            found.check_dtypes(s["key_dtype"], s["value_dtype"])
            return found

        return run

    sharing = "" if name.startswith("Anonymous") else f"{_SHARING}; "
    one = register(
        Op(f"{name}({inputs}) -> (table_handle: resource) | {sharing}{_TYPES}{attrs} | stateful", kernel, doc)
    )
    one.shape_rule = lambda s: [()]
    one.not_differentiable()


for _name, _doc, _make, _inputs, _attrs in (
    ("HashTable", "A table that is filled once.", _static, "", ""),
    ("MutableHashTable", "A table that starts out empty.", _mutable, "", ""),
    (
        "MutableHashTableOfTensors",
        "A table with vectors as values that starts out empty.",
        _of_tensors,
        "",
        "; value_shape: shape=[]",
    ),
    (
        "MutableDenseHashTable",
        "A table that starts out empty; two keys are set aside.",
        _dense,
        "empty_key: key_dtype, deleted_key: key_dtype",
        _DENSE,
    ),
):
    _declare(f"{_name}V2", _doc, _make, _inputs, _attrs)
    _declare(f"Anonymous{_name}", _doc, _make, _inputs, _attrs)


def _table(s: Site, handle: Any) -> Table:
    """The table that a handle stands for.

    Raises:
        InvalidArgumentError: it stands for none.
    """
    if not isinstance(handle, Table):
        raise s.error(f"the handle is no lookup table, but {handle!r}")
    return handle


def _on_table(name: str, signature: str, attrs: str, kernel: Callable[[Site], Kernel], doc: str) -> Op:
    """Declare an op whose first input is a table."""
    one = Op(f"{name}(table_handle: resource{signature} | {attrs} | stateful", kernel, doc)
    return register(one).not_differentiable()


def _initialize(s: Site) -> Kernel:
    def run(handle: Any, keys: Array, values: Array) -> tuple[()]:
        table = _table(s, handle)
        if np.ndim(keys) != 1:
            raise s.error(f"Keys must be a vector, but received shape {list(np.shape(keys))}")
        if np.shape(keys) != np.shape(values):
            raise s.error(
                f"Keys and values must have the same size {list(np.shape(keys))} vs {list(np.shape(values))}"
            )
        table.fill(keys, values)
        return ()

    return run


_on_table(
    "InitializeTableV2",
    ", keys: Tkey, values: Tval) -> ()",
    "Tkey: type; Tval: type",
    _initialize,
    "Fill a table with these keys and values.",
)


def _find(s: Site) -> Kernel:
    def run(handle: Any, keys: Array, default: Array) -> Array:
        return _table(s, handle).find(np.asarray(keys), np.asarray(default))

    return run


def _found_shape(s: Site) -> list[Shape]:
    keys, table = s.shapes[1], s.const(0)
    if keys is None or not isinstance(table, Table):
        return [None]
    return [keys[: len(keys) - len(table.key_shape)] + table.value_shape]


lookup_table_find: Op = _on_table(
    "LookupTableFindV2",
    ", keys: Tin, default_value: Tout) -> (values: Tout)",
    "Tin: type; Tout: type",
    _find,
    "The values of keys, and the default where the table has none.",
)
lookup_table_find.shape_rule = _found_shape


def _insert(s: Site) -> Kernel:
    def run(handle: Any, keys: Array, values: Array) -> tuple[()]:
        _table(s, handle).insert(np.asarray(keys), np.asarray(values))
        return ()

    return run


_on_table(
    "LookupTableInsertV2",
    ", keys: Tin, values: Tout) -> ()",
    "Tin: type; Tout: type",
    _insert,
    "Give keys values in a table that can be changed.",
)


def _remove(s: Site) -> Kernel:
    def run(handle: Any, keys: Array) -> tuple[()]:
        _table(s, handle).remove(np.asarray(keys))
        return ()

    return run


_on_table(
    "LookupTableRemoveV2",
    ", keys: Tin) -> ()",
    "Tin: type",
    _remove,
    "Remove keys from a table that can be changed.",
)


def _size(s: Site) -> Kernel:
    return lambda handle: np.int64(_table(s, handle).size)


lookup_table_size: Op = _on_table("LookupTableSizeV2", ") -> (size: int64)", "", _size, "The number of keys.")
lookup_table_size.shape_rule = lambda s: [()]


def _export(s: Site) -> Kernel:
    def run(handle: Any) -> tuple[Array, Array]:
        table = _table(s, handle)
        table.check_dtypes(s["Tkeys"], s["Tvalues"])
        return table.content()

    return run


_on_table(
    "LookupTableExportV2",
    ") -> (keys: Tkeys, values: Tvalues)",
    "Tkeys: type; Tvalues: type",
    _export,
    "All keys and their values.",
)


def _import(s: Site) -> Kernel:
    def run(handle: Any, keys: Array, values: Array) -> tuple[()]:
        _table(s, handle).fill(np.asarray(keys), np.asarray(values))
        return ()

    return run


_on_table(
    "LookupTableImportV2",
    ", keys: Tin, values: Tout) -> ()",
    "Tin: type; Tout: type",
    _import,
    "Replace what a table holds.",
)


# Tables from text files

_WHOLE_LINE, _LINE_NUMBER = -2, -1


def _from_file(s: Site) -> Kernel:
    env = s.env
    if env is None:
        raise s.error("a file needs an environment that allows it")
    delimiter = s["delimiter"]
    if len(delimiter) != 1:
        raise s.error("delimiter should be only 1 char")
    key_index, value_index = s["key_index"], s["value_index"]
    most, offset = s["vocab_size"], s["offset"]

    def run(handle: Any, filename: Array) -> tuple[()]:
        table = _table(s, handle)
        if np.size(filename) != 1:
            raise s.error(f"filename should be a single string, but got {list(np.shape(filename))}")
        path = os.fsdecode(np.asarray(filename).item())
        env.require_files(s.op.name, path)
        _check_column(s, "Key", key_index, table.key_dtype)
        _check_column(s, "Value", value_index, table.value_dtype)
        lines = _lines(s, path, most)
        columns = (
            _column(s, path, lines, key_index, table.key_dtype, delimiter, offset),
            _column(s, path, lines, value_index, table.value_dtype, delimiter, offset),
        )
        try:
            table.fill(*columns)
        except FailedPreconditionError as e:
            raise s.error(f"{path}: {e.message}", FailedPreconditionError) from None
        return ()

    return run


def _check_column(s: Site, what: str, index: int, dtype: DType) -> None:
    if index == _LINE_NUMBER and dtype is not int64:
        raise s.error(
            f"{what} index for line number requires table {what.lower()} dtype of int64, got {dtype.name}"
        )
    if index == _WHOLE_LINE and (dtype.is_floating or dtype.is_bool):
        raise s.error(
            f"{what} index for whole line requires table {what.lower()} dtype of integer or string, got {dtype.name}"
        )
    if dtype is not string and not dtype.is_integer and not dtype.is_floating:
        raise s.error(f"Data type {dtype.name} not supported.")


def _lines(s: Site, path: str, most: int) -> list[bytes]:
    """The lines of the file, the first `most` of them (-1: all), without their ends (``\\n`` or ``\\r\\n``).

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: a line is empty, or there are fewer than `most`.
        OutOfRangeError: there is nothing to be read.
    """
    from ..checkpoint.files import is_there

    is_there(path)  # which refuses a pipe
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as e:
        raise s.error(f"{path}: {e.strerror}", NotFoundError) from None
    if not lines[-1]:  # behind the end of the last line
        lines.pop()
    if most >= 0:
        if len(lines) < most:
            raise s.error(f"Invalid vocab_size in {path}: expected {most} but got {len(lines)}")
        lines = lines[:most]
    if not lines:
        raise s.error(f"{path} has no line to fill the table with", OutOfRangeError)
    lines = [line[:-1] if line.endswith(b"\r") else line for line in lines]
    if b"" in lines:
        raise s.error(f"Invalid content in {path}: line {lines.index(b'') + 1} is empty")
    return lines


def _column(
    s: Site, path: str, lines: list[bytes], index: int, dtype: DType, delimiter: bytes, offset: int
) -> Array:
    """The keys or values that column `index` of the lines holds."""
    if index == _LINE_NUMBER:
        return np.arange(offset, offset + len(lines), dtype=np.int64)
    if index == _WHOLE_LINE:
        fields = lines
    else:
        fields = []
        for number, line in enumerate(lines):
            parts = line.split(delimiter)
            if len(parts) <= index:
                shown = line.decode(errors="replace")
                raise s.error(
                    f"Invalid number of columns in {path} line {number} ({shown}) : expected at least {index + 1} got "
                    f"{len(parts)}"
                )
            fields.append(parts[index])
    if dtype is string:
        out = np.empty(len(fields), object)
        out[:] = fields
        return out
    return np.array([_number(s, f, i, dtype) for i, f in enumerate(fields)], dtype.np)


def _number(s: Site, field: bytes, line: int, dtype: DType) -> Any:
    try:
        if b"_" not in field:  # which Python reads as a digit separator
            value = float(field) if dtype.is_floating else int(field)
            if dtype.is_floating or dtype.min <= value <= dtype.max:
                return value
    except ValueError:
        pass
    shown = field.decode(errors="replace")
    raise s.error(f"Field {shown} in line {line} is not a valid {dtype.name}.")


_on_table(
    "InitializeTableFromTextFileV2",
    ", filename: string) -> ()",
    "key_index: int >=-2; value_index: int >=-2; vocab_size: int=-1 >=-1; delimiter: string='\\t'; offset: int=0",
    _from_file,
    "Fill a table with the lines of a text file, or with columns of them, and their numbers.",
)

# What docs/ops.md says of limits.
for _names, _words in (
    (
        (
            "HashTableV2 MutableHashTableV2 MutableHashTableOfTensorsV2 MutableDenseHashTableV2 "
            "AnonymousHashTable AnonymousMutableHashTable AnonymousMutableHashTableOfTensors "
            "AnonymousMutableDenseHashTable"
        ),
        "pairs of key and value types that TensorFlow has no table for are refused",
    ),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
