"""Serialized Example messages to tensors: dense (fixed or padded), sparse and ragged features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import DType, from_numpy
from ..errors import DataLossError
from ..op import Array, Kernel, Op, Site, register
from ..record import record
from ..shapes import Dim, Shape, format_shape
from .common import check_size

__all__ = [
    "Dense",
    "Features",
    "check_default",
    "check_type",
    "dense_of",
    "joined",
    "pad",
    "show_type",
    "sparse_of",
    "strings_of",
]


def show_type(dtype: DType) -> str:
    """A dtype's name as TensorFlow writes it in messages."""
    return dtype.name.replace("float32", "float").replace("float64", "double")


@record(frozen=True)
class Dense:
    """A dense feature: its type, and the shape of its values, whose first size is None where it varies."""

    dtype: DType
    shape: tuple[Dim, ...]

    @property
    def varies(self) -> bool:
        """Is the first size not known?"""
        return bool(self.shape) and self.shape[0] is None

    @property
    def step(self) -> int:
        """How many values there are to one of the first axis where it varies, else to the whole."""
        return math.prod(d or 0 for d in (self.shape[1:] if self.varies else self.shape))


def dense_of(s: Site, types: Sequence[DType], shapes: Sequence[Shape]) -> list[Dense]:
    """The dense features that two attributes describe.

    Raises:
        InvalidArgumentError: a size other than the first is unknown.
    """
    if len(types) != len(shapes):
        raise s.error(f"there are {len(types)} types but {len(shapes)} shapes of dense features")
    out = []
    for k, (dtype, shape) in enumerate(zip(types, shapes, strict=True)):
        shape = None if shape is None else tuple(shape)
        if shape is None or None in shape[1:]:
            raise s.error(
                f"dense_shapes[{k}] must be known but for its first size, but is {format_shape(shape)}"
            )
        out.append(Dense(dtype, shape))
    return out


def strings_of(keys: Array | Sequence[bytes]) -> list[bytes]:
    """Keys from an attribute or a tensor as a list."""
    return list(keys.ravel().tolist()) if isinstance(keys, np.ndarray) else list(keys)


def check_type(s: Site, name: str, key: bytes, index: int, values: Array, dtype: DType, dense: bool) -> None:
    """Are `values` of that type?

    Raises:
        InvalidArgumentError: they are of another one.
    """
    got = from_numpy(values.dtype)
    if got is dtype:
        return
    words = (
        f"Data type: {show_type(got)} but expected type: {show_type(dtype)}"
        if dense
        else f"Expected type: {show_type(dtype)}, Actual type: {show_type(got)}"
    )
    raise s.error(f"Name: {name}, Key: {_show(key)}, Index: {index}.  Data types don't match. {words}")


def _show(key: bytes) -> str:
    return key.decode(errors="replace")


def check_default(s: Site, k: int, dense: Dense, default: Array) -> None:
    """Does a dense feature's default fit it?

    Raises:
        InvalidArgumentError: it does not: it must be one value to pad with where the size varies, else be all values
            or none.
    """
    if dense.varies:
        if default.size != 1:
            raise s.error(
                f"dense_shape[{k}] is a variable length shape: {_shown(dense.shape)}, therefore def_value[{k}] must "
                f"contain a single element (the padding element).  But its shape is: {_shown(default.shape)}"
            )
    elif default.size and default.shape != dense.shape:
        raise s.error(
            f"def_value[{k}].shape() == {_shown(default.shape)} is not compatible with dense_shapes_[{k}] == "
            f"{_shown(dense.shape)}"
        )


def _shown(shape: Sequence[Dim]) -> str:
    return "[" + ",".join("?" if d is None else str(d) for d in shape) + "]"


def pad(s: Site, rows: Sequence[Array], dense: Dense, fill: Any) -> Array:
    """Rows of whole steps, one below the other, filled up to the longest with `fill`."""
    longest = max((len(row) for row in rows), default=0) // max(dense.step, 1)
    sizes = check_size(s, (len(rows), longest, *(d or 0 for d in dense.shape[1:])), dense.dtype)
    out = np.full((len(rows), longest * dense.step), fill, dense.dtype.np)
    for place, row in zip(out, rows, strict=True):
        place[: len(row)] = row
    return out.reshape(sizes)


def sparse_of(rows: Sequence[Array], dtype: DType) -> tuple[Array, Array, Array]:
    """Indices, values and shape of the sparse matrix whose rows are given."""
    lengths = np.array([len(row) for row in rows], np.int64)
    indices = np.empty((int(lengths.sum()), 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(len(rows)), lengths)
    starts = np.cumsum(lengths) - lengths
    indices[:, 1] = np.arange(len(indices)) - np.repeat(starts, lengths)
    return indices, joined(rows, dtype), np.array([len(rows), lengths.max(initial=0)], np.int64)


def joined(rows: Sequence[Array], dtype: DType) -> Array:
    """The rows' values, one after the other."""
    return np.concatenate(rows) if rows else np.empty(0, dtype.np)


class Features:
    """The features of the examples of one call, by key, and the examples' names for errors."""

    def __init__(
        self, s: Site, examples: Sequence[dict[bytes, Array]], names: list[bytes], named: bool = True
    ) -> None:
        if names and len(names) != len(examples):
            raise s.error(
                f"Expected len(names) == len(serialized), but got: {len(names)} vs. {len(examples)}"
            )
        self.s, self.examples, self.names, self.named = s, examples, names, named

    def name(self, i: int) -> str:
        """What errors call example `i`."""
        return _show(self.names[i]) if self.names else "<unknown>"

    def dense(self, key: bytes, dense: Dense, default: Array) -> list[Array]:
        """A feature's values in every example, whole steps where its size varies."""
        out = []
        for i, example in enumerate(self.examples):
            values = example.get(key)
            if values is None:
                if not dense.varies and not default.size and dense.step:
                    name = f"Name: {self.name(i)}, " if self.named else ""
                    raise self.s.error(
                        f"{name}Feature: {_show(key)} (data type: {show_type(dense.dtype)}) is required but could not "
                        "be found."
                    )
                out.append(default.ravel()[:0] if dense.varies else default.ravel())
                continue
            check_type(self.s, self.name(i), key, i, values, dense.dtype, True)
            self._check_count(i, key, values, dense)
            out.append(values)
        return out

    def _check_count(self, i: int, key: bytes, values: Array, dense: Dense) -> None:
        where = (
            f"Name: {self.name(i)}, Key: {_show(key)}, Index: {i}.  Number of {show_type(dense.dtype)} values"
        )
        if dense.varies:
            if len(values) % dense.step if dense.step else len(values):
                raise self.s.error(
                    f"{where} is not a multiple of stride length. Saw {len(values)} values but output shape is: "
                    f"{_shown(dense.shape)}"
                )
        elif len(values) != dense.step:
            raise self.s.error(
                f"{where} != expected.  Values size: {len(values)} but output shape: {_shown(dense.shape)}"
            )

    def loose(self, key: bytes, dtype: DType) -> list[Array]:
        """The values that a sparse or ragged feature has in every example."""
        out = []
        for i, example in enumerate(self.examples):
            values = example.get(key)
            if values is None:
                values = np.empty(0, dtype.np)
            else:
                check_type(self.s, self.name(i), key, i, values, dtype, False)
            out.append(values)
        return out

    def sparse(self, keys: Sequence[bytes], types: Sequence[DType], single: bool) -> list[Array]:
        """The indices of all the sparse features, their values, their shapes; of one example where `single`."""
        found = [sparse_of(self.loose(key, dtype), dtype) for key, dtype in zip(keys, types, strict=True)]
        if single:
            found = [(indices[:, 1:], values, size[1:]) for indices, values, size in found]
        return [part for parts in zip(*found, strict=True) for part in parts]

    def batches(
        self, keys: Sequence[bytes], dense: Sequence[Dense], defaults: Sequence[Array], single: bool
    ) -> list[Array]:
        """The dense features as tensors, padded where their sizes vary; of one example where `single`."""
        out = []
        for key, one, default in zip(keys, dense, defaults, strict=True):
            rows = self.dense(key, one, default)
            if one.varies:
                batch = pad(self.s, rows, one, default.item())
            else:
                batch = joined(rows, one.dtype).reshape(len(rows), *(d or 0 for d in one.shape))
            out.append(batch.reshape(batch.shape[1:]) if single else batch)
        return out


def _read(s: Site, serialized: Array, keys: list[bytes]) -> list[dict[bytes, Array]]:
    from ..wire.examples import example_features

    examples = []
    for data in serialized.ravel().tolist():
        try:
            examples.append(example_features(data, keys, "serialized"))
        except DataLossError:
            raise s.error(f"Could not parse example input, value: '{_show(data[:200])}'") from None
    return examples


def _parsed(
    s: Site,
    serialized: Array,
    names: list[bytes],
    keys: tuple[list[bytes], list[bytes], list[bytes]],
    defaults: Sequence[Array],
    dense: Sequence[Dense],
    named: bool = True,
) -> list[Array]:
    """The flat outputs of an op that parses examples: a batch of them, or one where `serialized` is a scalar."""
    sparse_keys, dense_keys, ragged_keys = keys
    sparse_types = s["sparse_types"]
    ragged_types = s["ragged_value_types"] if ragged_keys else ()
    for what, have, types in (
        ("sparse_keys", sparse_keys, sparse_types),
        ("dense_keys", dense_keys, dense),
        ("ragged_keys", ragged_keys, ragged_types),
    ):
        if len(have) != len(types):
            raise s.error(f"{what} must have {len(types)} elements, one for each type, but has {len(have)}")
    for k, (one, default) in enumerate(zip(dense, defaults, strict=True)):
        check_default(s, k, one, default)
    single = serialized.ndim == 0
    parser = Features(s, _read(s, serialized, [*sparse_keys, *dense_keys, *ragged_keys]), names, named)
    out = [
        *parser.sparse(sparse_keys, sparse_types, single),
        *parser.batches(dense_keys, dense, defaults, single),
    ]
    splits = []
    for k, (key, dtype) in enumerate(zip(ragged_keys, ragged_types, strict=True)):
        rows = parser.loose(key, dtype)
        out.append(joined(rows, dtype))
        ends = np.cumsum([0, *map(len, rows)])
        splits.append((ends[:0] if single else ends).astype(s["ragged_split_types"][k].np))
    return [*out, *splits]


def _shapes(s: Site, known: Shape, sparse: int, dense: Sequence[Dense], ragged: int) -> list[Shape]:
    batch: tuple[Dim, ...] = (None,) if known is None else known
    rank = None if known is None else len(known) + 1
    # A batch's fixed sizes are those of the attribute; a varying one is whatever the batch's longest needs.
    middle: list[Shape] = [None if rank is None else (*batch, *one.shape) for one in dense]
    return [
        *[(None, rank)] * sparse,
        *[(None,)] * sparse,
        *[(rank,)] * sparse,
        *middle,
        *[(None,)] * ragged,
        *[
            (
                None
                if known is None
                else known[0] + 1
                if known and known[0] is not None
                else 0
                if not known
                else None,
            )
        ]
        * ragged,
    ]


def _parse_example(s: Site) -> Kernel:
    sparse, count = s["Nsparse"], s["Ndense"]
    dense = dense_of(s, s["Tdense"], s["dense_shapes"])

    def run(serialized: Array, names: Array, *rest: Array) -> list[Array]:
        if serialized.ndim != 1:
            raise s.error(f"serialized must be a vector, but has shape {format_shape(serialized.shape)}")
        keys = [key.item() for key in rest[: sparse + count]]
        return _parsed(
            s,
            serialized,
            strings_of(names),
            (keys[:sparse], keys[sparse:], []),
            rest[sparse + count :],
            dense,
        )

    return run


parse_example: Op = register(
    Op(
        "ParseExample(serialized: string, names: string, sparse_keys: Nsparse*string, dense_keys: Ndense*string, "
        "dense_defaults: list(Tdense)) -> (sparse_indices: Nsparse*int64, sparse_values: list(sparse_types), "
        "sparse_shapes: Nsparse*int64, dense_values: list(Tdense)) | Nsparse: int >=0; Ndense: int >=0; "
        "sparse_types: list(type) >=0 in [float, int64, string]; Tdense: list(type) >=0 in [float, int64, string]; "
        "dense_shapes: list(shape) >=0",
        _parse_example,
        "A batch of serialized Example messages as sparse and dense tensors, a key for each.",
    )
).not_differentiable()


@parse_example.shape
def _(s: Site) -> list[Shape]:
    known = (None,) if s.shapes[0] is None else s.shapes[0]
    return _shapes(s, known, s["Nsparse"], dense_of(s, s["Tdense"], s["dense_shapes"]), 0)


def _parse_example_v2(s: Site) -> Kernel:
    dense = dense_of(s, s["Tdense"], s["dense_shapes"])

    def run(
        serialized: Array,
        names: Array,
        sparse_keys: Array,
        dense_keys: Array,
        ragged_keys: Array,
        *defaults: Array,
    ) -> list[Array]:
        if serialized.ndim > 1:
            raise s.error(
                f"serialized must be a scalar or vector, but has shape {format_shape(serialized.shape)}"
            )
        keys = (strings_of(sparse_keys), strings_of(dense_keys), strings_of(ragged_keys))
        return _parsed(s, serialized, strings_of(names), keys, defaults, dense)

    return run


parse_example_v2: Op = register(
    Op(
        "ParseExampleV2(serialized: string, names: string, sparse_keys: string, dense_keys: string, "
        "ragged_keys: string, dense_defaults: list(Tdense)) -> (sparse_indices: num_sparse*int64, "
        "sparse_values: list(sparse_types), sparse_shapes: num_sparse*int64, dense_values: list(Tdense), "
        "ragged_values: list(ragged_value_types), ragged_row_splits: list(ragged_split_types)) | "
        "Tdense: list(type) >=0 in [float, int64, string]; num_sparse: int >=0; "
        "sparse_types: list(type) >=0 in [float, int64, string]; "
        "ragged_value_types: list(type) >=0 in [float, int64, string]; "
        "ragged_split_types: list(type) >=0 in [int32, int64]; dense_shapes: list(shape) >=0",
        _parse_example_v2,
        "Serialized Example messages, a batch or one, as sparse, dense and ragged tensors, a key for each.",
    )
).not_differentiable()


@parse_example_v2.shape
def _(s: Site) -> list[Shape]:
    dense = dense_of(s, s["Tdense"], s["dense_shapes"])
    return _shapes(s, s.shapes[0], s["num_sparse"], dense, len(s["ragged_value_types"]))


def _parse_single_example(s: Site) -> Kernel:
    dense = dense_of(s, s["Tdense"], s["dense_shapes"])
    keys = (strings_of(s["sparse_keys"]), strings_of(s["dense_keys"]), list[bytes]())

    def run(serialized: Array, *defaults: Array) -> list[Array]:
        if serialized.ndim:
            raise s.error(f"serialized must be a scalar, but has shape {format_shape(serialized.shape)}")
        return _parsed(s, serialized, [], keys, defaults, dense, named=False)

    return run


parse_single_example: Op = register(
    Op(
        "ParseSingleExample(serialized: string, dense_defaults: list(Tdense)) -> (sparse_indices: num_sparse*int64, "
        "sparse_values: list(sparse_types), sparse_shapes: num_sparse*int64, dense_values: list(Tdense)) | "
        "num_sparse: int >=0; sparse_keys: list(string) >=0; dense_keys: list(string) >=0; "
        "sparse_types: list(type) >=0 in [float, int64, string]; Tdense: list(type) >=0 in [float, int64, string]; "
        "dense_shapes: list(shape) >=0",
        _parse_single_example,
        "One serialized Example message as sparse and dense tensors, a key for each.",
    )
).not_differentiable()


@parse_single_example.shape
def _(s: Site) -> list[Shape]:
    return _shapes(s, (), s["num_sparse"], dense_of(s, s["Tdense"], s["dense_shapes"]), 0)
