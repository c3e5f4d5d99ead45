"""Reading a bundle: the tensors of a checkpoint or of a SavedModel's ``variables/variables``."""

from __future__ import annotations

import mmap
import os
import threading
from typing import Any

import numpy as np

from .. import errors
from ..dtypes import DType
from ..wire.bundle import BUNDLE_VERSION, Entry, decode_entry, decode_header
from .crc import crc32c, extend, unmask
from .files import file_errors, is_there
from .ordered_code import decode_name, encode_name, encode_slice_key
from .slices import Extents, SliceSpec, format_slice, resolve, slice_bounds
from .table import read_table
from .values import decode_numbers, decode_strings, decode_variants, is_raw

__all__ = ["BundleReader"]

Array = Any
Bounds = tuple[tuple[int, int], ...]

_CHUNK = 1 << 20  # read and checked at a time, so that the checksum finds the bytes in the processor's cache
_MAX_RANK = 32  # what every numpy can hold
_MAX_SUGGESTIONS_AMONG = 1000


class BundleReader:
    """The tensors behind a checkpoint's prefix.

    The index is read, and its checksums are verified, at once; data files are opened (mapped) when a tensor
    of theirs is asked for. A reader may be used by several threads. Both object-based and name-based
    checkpoints are bundles; only their keys differ.

    Args:
        prefix: the path without ``.index``.

    Attributes:
        prefix: the same.
        num_shards: number of data files.
        big_endian: are the values stored with their most significant byte first?

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: the index is damaged.
    """

    def __init__(self, prefix: str | os.PathLike[str]) -> None:
        self.prefix = os.fspath(prefix)
        self._index_path = self.prefix + ".index"
        if not is_there(self._index_path):
            raise errors.NotFoundError(None, None, f"{self._index_path} does not exist. {self._advice()}")
        with file_errors(self._index_path), open(self._index_path, "rb") as file:
            table = read_table(file.read(), self._index_path)
        header_data = table.pop(b"", None)
        if header_data is None:
            raise errors.DataLossError(None, None, f"{self._index_path} is damaged: it has no bundle header.")
        header = decode_header(header_data, self._index_path)
        if header.min_consumer > BUNDLE_VERSION or BUNDLE_VERSION in header.bad_consumers:
            raise errors.UnimplementedError(
                None,
                None,
                f"{self._index_path} asks for a reader of bundle version {header.min_consumer} or newer; "
                f"this one is {BUNDLE_VERSION}.",
            )
        self.num_shards = header.num_shards
        self.big_endian = header.big_endian
        self._table = table
        self._decoded: dict[bytes, Entry] = {}
        self._shards: dict[int, _Shard] = {}
        self._verified: set[bytes] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> BundleReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"BundleReader({self.prefix!r})"

    def close(self) -> None:
        """Lets go of the data files. Arrays mapped before stay valid, and the reader may be used again."""
        with self._lock:
            self._shards.clear()

    # What is in it

    def keys(self) -> list[str]:
        """The tensors' names, sorted by their bytes."""
        return [decode_name(key) for key in self._table if not _is_part(key)]

    @property
    def entries(self) -> dict[str, Entry]:
        """What the index says of each tensor, by name. The parts of partitioned tensors are not listed."""
        return {decode_name(key): self._entry(key) for key in self._table if not _is_part(key)}

    def entry(self, key: str) -> Entry:
        """What the index says of one tensor.

        Raises:
            NotFoundError: no tensor has this name.
        """
        return self._find(key)[1]

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shape of each tensor by name."""
        return {name: list(entry.shape) for name, entry in self.entries.items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """The dtype of each tensor by name."""
        return {name: entry.dtype for name, entry in self.entries.items()}

    def has_tensor(self, key: str) -> bool:
        """Is there a tensor of this name?"""
        raw = encode_name(key)
        return raw in self._table and not _is_part(raw)

    # Values

    def get_tensor(self, key: str) -> Array:
        """A tensor's value, verified: a new array that belongs to the caller.

        Args:
            key: its name.

        Returns:
            An array of the tensor's dtype and shape; strings as an object array of bytes, variants as an
            object array of serialized VariantTensorDataProto.

        Raises:
            NotFoundError: no tensor has this name, or its data file is missing.
            DataLossError: its bytes are damaged or cut short.
        """
        raw, entry = self._find(key)
        if entry.slices:
            return self._assemble(key, entry, tuple((0, size) for size in entry.shape))
        return self._read(raw, entry)

    def get_slice(self, key: str, spec: SliceSpec) -> Array:
        """Part of a tensor, verified: a new array. It may span the parts that are stored.

        Args:
            key: the tensor's name.
            spec: (start, length) for each dimension, length -1 for the whole of it; or text such as
                ``"400 2 130,270:-"`` or ``"130,270:-"``. Empty text is the whole tensor.

        Raises:
            NotFoundError: no tensor has this name, or its data file is missing.
            InvalidArgumentError: there is no such part, or the tensor's shape is not the one in `spec`.
            DataLossError: its bytes are damaged or cut short.
        """
        if spec == "":
            return self.get_tensor(key)
        raw, entry = self._find(key)
        bounds = slice_bounds(resolve(spec, entry.shape, key), entry.shape)
        if entry.slices:
            return self._assemble(key, entry, bounds)
        return self._read(raw, entry)[tuple(slice(*bound) for bound in bounds)].copy()

    def map_tensor(self, key: str, verify: bool = True) -> Array:
        """A tensor's value as a read-only array, backed by the data file itself where that can be.

        It can be for numbers stored whole, in this machine's byte order, at an offset that suits their
        alignment: arithmetic on unaligned arrays is several times slower than a copy made once. Everything
        else (strings, bools, 4-bit integers, partitioned tensors) is read as by `get_tensor`.

        Args:
            key: its name.
            verify: check the bytes' checksum now, if this reader has not yet (about 0.1 s a GiB). Without it
                nothing is read before it is used: call `verify_tensor` at the first use.

        Raises:
            NotFoundError: no tensor has this name, or its data file is missing.
            DataLossError: its bytes are damaged or cut short.
        """
        raw, entry = self._find(key)
        alignment = entry.dtype.np.alignment
        if entry.slices or not is_raw(entry.dtype, self.big_endian) or entry.offset % alignment:
            values = self.get_tensor(key)
            values.flags.writeable = False
            return values
        data = self._bytes_of(raw, entry)
        self._check_count(raw, entry)
        if verify:
            self.verify_tensor(key)
        values = data.view(entry.dtype.np).reshape(entry.shape)
        values.flags.writeable = False
        return values

    def verify_tensor(self, key: str) -> None:
        """Checks a tensor's bytes against their checksum, once in this reader's life.

        Raises:
            NotFoundError: no tensor has this name, or its data file is missing.
            DataLossError: its bytes are damaged or cut short.
        """
        raw, entry = self._find(key)
        if raw in self._verified:
            return
        if entry.slices or not is_raw(entry.dtype, self.big_endian):
            self.get_tensor(key)  # their checksums hang together with their contents
        else:
            data = self._bytes_of(raw, entry)
            self._check_count(raw, entry)
            self._check_crc(raw, entry, crc32c(data))
        self._verified.add(raw)

    def verify(self) -> None:
        """Checks every tensor against its checksum.

        Raises:
            NotFoundError: a data file is missing.
            DataLossError: bytes of some tensor are damaged or cut short.
        """
        for key in self.keys():
            self.verify_tensor(key)

    # Index

    def _find(self, key: str) -> tuple[bytes, Entry]:
        raw = encode_name(key)
        if not self.has_tensor(key):
            import difflib  # only ever needed here

            similar: list[str] = []
            if len(self._table) <= _MAX_SUGGESTIONS_AMONG:
                similar = difflib.get_close_matches(key, self.keys(), n=3)
            hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
            raise errors.NotFoundError(None, None, f"Key {key} not found in checkpoint {self.prefix}.{hint}")
        return raw, self._entry(raw)

    def _entry(self, raw: bytes) -> Entry:
        entry = self._decoded.get(raw)
        if entry is None:
            where = self._where(raw)
            entry = decode_entry(self._table[raw], where)
            if entry.shard >= self.num_shards:
                raise errors.DataLossError(
                    None, None, f"{where}: it is said to be in shard {entry.shard} of {self.num_shards}."
                )
            self._decoded[raw] = entry
        return entry

    def _where(self, raw: bytes) -> str:
        return f"{self._index_path}: tensor {decode_name(raw)!r}"

    def _advice(self) -> str:
        if os.path.isdir(self.prefix):
            return (
                f"{self.prefix} is a directory: give the prefix of a checkpoint in it, such as "
                f"latest_checkpoint(directory), or variables/variables in a SavedModel."
            )
        stem, extension = os.path.splitext(self.prefix)
        if extension == ".index" or extension.startswith(".data-"):
            return f"Give the checkpoint's prefix, without the extension: {stem}"
        if os.path.exists(self.prefix):
            return (
                f"{self.prefix} may be a checkpoint of the old V1 format (one file), which is not supported."
            )
        return "A checkpoint is named by its prefix: <prefix>.index and <prefix>.data-00000-of-00001."

    # Data

    def _bytes_of(self, raw: bytes, entry: Entry) -> Array:
        """The bytes of an entry, as they are in the file: a read-only uint8 array over its mapping."""
        shard = self._shard(entry.shard)
        if entry.offset + entry.size > shard.data.size:
            raise errors.DataLossError(
                None,
                None,
                f"{shard.path} is cut short: tensor {decode_name(raw)!r} needs bytes {entry.offset} to "
                f"{entry.offset + entry.size}, the file has {shard.data.size}.",
            )
        return shard.data[entry.offset : entry.offset + entry.size]

    def _shard(self, number: int) -> _Shard:
        with self._lock:
            shard = self._shards.get(number)
            if shard is None:
                path = f"{self.prefix}.data-{number:05d}-of-{self.num_shards:05d}"
                shard = self._shards[number] = _Shard(path)
            return shard

    def _check_count(self, raw: bytes, entry: Entry) -> int:
        """The number of elements, if the entry's shape and dtype make sense and agree with its size."""
        if len(entry.shape) > _MAX_RANK:
            raise errors.UnimplementedError(
                None,
                None,
                f"{self._where(raw)} has {len(entry.shape)} dimensions, over {_MAX_RANK}",
            )
        count = span = 1
        for size in entry.shape:
            count *= size
            span *= max(size, 1)
        itemsize = max(entry.dtype.np.itemsize, 1)
        if span * itemsize > np.iinfo(np.intp).max:
            raise errors.DataLossError(
                None, None, f"{self._where(raw)}: the shape {list(entry.shape)} is beyond any memory."
            )
        if entry.dtype.kind not in "so" and not entry.slices and count * itemsize != entry.size:
            raise errors.DataLossError(
                None,
                None,
                f"{self._where(raw)}: {entry.size} bytes are not those of shape {list(entry.shape)} and dtype "
                f"{entry.dtype.name} ({count * itemsize}).",
            )
        return count

    def _check_crc(self, raw: bytes, entry: Entry, crc: int) -> None:
        if crc != unmask(entry.crc):
            raise errors.DataLossError(
                None,
                None,
                f"{self._shard(entry.shard).path} is damaged: the checksum of tensor {decode_name(raw)!r} (bytes "
                f"{entry.offset} to {entry.offset + entry.size}) does not match.",
            )

    def _read(self, raw: bytes, entry: Entry) -> Array:
        """The verified value of an entry that is stored whole."""
        data = self._bytes_of(raw, entry)
        count = self._check_count(raw, entry)
        if entry.dtype.kind in "so":
            decode = decode_strings if entry.dtype.kind == "s" else decode_variants
            where = f"{self._shard(entry.shard).path}: tensor {decode_name(raw)!r} at byte {entry.offset}"
            values, crc = decode(data.tobytes(), count, self.big_endian, where)
        else:
            copy = np.empty(entry.size, np.uint8)
            crc = 0
            for start in range(0, entry.size, _CHUNK):
                chunk = copy[start : start + _CHUNK]
                chunk[...] = data[start : start + _CHUNK]
                crc = extend(crc, chunk)
            values = copy
        self._check_crc(raw, entry, crc)
        if entry.dtype.kind not in "so":
            values = decode_numbers(values, entry.dtype, self.big_endian)
        return values.reshape(entry.shape)

    # Partitioned tensors

    def _assemble(self, key: str, entry: Entry, wanted: Bounds) -> Array:
        """The value of the box `wanted` of a partitioned tensor, from the parts that meet it."""
        self._check_count(encode_name(key), entry)
        shape = tuple(end - start for start, end in wanted)
        pieces: list[tuple[bytes, Entry, Bounds, Bounds]] = []  # of each part: its box, and the box it gives
        volume = stored = 0
        for extents in entry.slices:
            box = slice_bounds(extents, entry.shape)
            shared = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, wanted, strict=True))
            size = _volume(shared)
            if size:
                raw, part = self._part(key, entry, extents, box)
                pieces.append((raw, part, box, shared))
                volume += size
                stored += part.size
        # Both are checked before anything of the claimed size is made.
        if volume != _volume(wanted) or stored > sum(
            self._shard(n).data.size for n in {p[1].shard for p in pieces}
        ):
            raise errors.DataLossError(
                None,
                None,
                f"{self._where(encode_name(key))}: its {len(entry.slices)} parts do not cover it exactly once.",
            )
        out = np.empty(shape, entry.dtype.np)
        covered = np.zeros(shape, np.bool_)
        for raw, part, box, shared in pieces:
            to = tuple(
                slice(a - origin, b - origin) for (a, b), (origin, _) in zip(shared, wanted, strict=True)
            )
            at = tuple(slice(a - origin, b - origin) for (a, b), (origin, _) in zip(shared, box, strict=True))
            out[to] = self._read(raw, part)[at]
            covered[to] = True
        if not covered.all():  # as many elements as there should be, but some twice
            raise errors.DataLossError(None, None, f"{self._where(encode_name(key))}: its parts overlap.")
        return out

    def _part(self, key: str, entry: Entry, extents: Extents, box: Bounds) -> tuple[bytes, Entry]:
        raw = encode_slice_key(key, extents)
        where = f"{self._where(encode_name(key))}: its part {format_slice(extents)}"
        if raw not in self._table:
            raise errors.DataLossError(None, None, f"{where} is not in the index.")
        part = self._entry(raw)
        if part.slices or part.dtype is not entry.dtype or part.shape != tuple(b - a for a, b in box):
            raise errors.DataLossError(
                None,
                None,
                f"{where} has dtype {part.dtype.name} and shape {list(part.shape)}, which do not fit.",
            )
        self._bytes_of(raw, part)  # that they are there
        self._check_count(raw, part)
        return raw, part


class _Shard:
    """One data file, mapped."""

    def __init__(self, path: str) -> None:
        self.path = path
        advice = " The checkpoint's index names it: was it copied without its data files?"
        if not is_there(path):
            raise errors.NotFoundError(None, None, f"{path} does not exist.{advice}")
        with file_errors(path), open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # An empty file cannot be mapped. Arrays keep the mapping alive, the mapping the file.
            contents: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        self.data: Array = np.frombuffer(contents, np.uint8) if size else np.empty(0, np.uint8)


def _is_part(key: bytes) -> bool:
    """Is this the key of a part of a partitioned tensor? (Ordered code starts with a zero.)"""
    return key[:1] == b"\0"


def _name(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")


def _volume(bounds: Bounds) -> int:
    volume = 1
    for start, end in bounds:
        volume *= max(end - start, 0)
    return volume
