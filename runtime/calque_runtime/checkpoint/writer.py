"""Writing a bundle, byte for byte as TensorFlow does, and merging several into one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import dtypes, errors
from ..dtypes import DType
from ..record import replace
from ..wire.bundle import BundleHeader, Entry, decode_entry, decode_header, encode_entry, encode_header
from .crc import mask
from .files import create_temporary, file_errors, make_directories, write_all, write_whole
from .ordered_code import decode_name, encode_name, encode_slice_key
from .slices import SliceSpec, is_full, resolve, slice_bounds
from .table import read_table, write_table
from .values import byte_strings, encode_numbers, encode_strings, encode_variants

__all__ = ["BundleWriter", "merge_bundles"]

Array = Any


class BundleWriter:
    """Writes tensors to ``<prefix>.index`` and ``<prefix>.data-*``.

    Each tensor goes to its data file as it is added. The files have other names until `finish`, which makes
    them last, then renames them: the data first, the index last. The same tensors in the same order give the
    same bytes, and with one shard TensorFlow's.

    As a context manager it finishes at the end of the block, or takes everything back on an exception; a
    writer that is dropped unfinished takes everything back as well.

    Args:
        prefix: path of the checkpoint. Directories that are not there are made.
        num_shards: number of data files. Each tensor goes to the one that is shortest so far.
    """

    def __init__(self, prefix: str | os.PathLike[str], num_shards: int = 1) -> None:
        self._open = False
        if num_shards < 1:
            raise errors.InvalidArgumentError(
                None, None, f"A bundle has at least one shard, not {num_shards}."
            )
        self.prefix = os.fspath(prefix)
        self._entries: dict[bytes, Entry] = {}
        self._made = make_directories(os.path.dirname(self.prefix))
        self._shards: list[_Shard] = []
        self._open = True
        try:
            for number in range(num_shards):
                self._shards.append(_Shard(_data_path(self.prefix, number, num_shards)))
        except BaseException:
            self.abort()
            raise

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        if kind is not None:
            self.abort()
        elif self._open:
            self.finish()

    def __del__(self) -> None:
        self.abort()

    def add(self, key: str, array: Any, dtype: Any = None) -> None:
        """Writes a tensor.

        Args:
            key: its name, not used before in this bundle.
            array: its value, an array or anything numpy makes one from. Strings are bytes or text (then
                written as UTF-8), variants the bytes of serialized VariantTensorDataProto messages.
            dtype: its dtype, where the array's does not tell it (quantized integers, variants) or `array` is
                no array.

        Raises:
            InvalidArgumentError: the name is empty or taken, or the value has no such dtype.
        """
        self._check_key(key)
        array, dtype = _as_array(key, array, dtype)
        self._write(encode_name(key), array, dtype)

    def add_slice(
        self, key: str, full_shape: Sequence[int], spec: SliceSpec, array: Any, dtype: Any = None
    ) -> None:
        """Writes a part of a partitioned tensor. A part that is the whole tensor is written as such.

        Args:
            key: the tensor's name, the same for all its parts.
            full_shape: the whole tensor's shape, the same for all its parts.
            spec: the part's place: (start, length) for each dimension, length -1 for the whole of it; or text
                such as ``"400 2 130,270:-"`` or ``"130,270:-"``.
            array: the part's value, as for `add`.
            dtype: as for `add`.

        Raises:
            InvalidArgumentError: the place is not in the tensor, taken, or not of the array's shape; or the
                parts disagree.
        """
        shape = tuple(int(size) for size in full_shape)
        extents = resolve(spec, shape, key)
        array, dtype = _as_array(key, array, dtype)
        part_shape = tuple(end - start for start, end in slice_bounds(extents, shape))
        if array.shape != part_shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Part of {key}: the value has shape {list(array.shape)}, its place {list(part_shape)}.",
            )
        if is_full(extents, shape):
            self.add(key, array, dtype)
            return
        part_key = encode_slice_key(key, extents)
        whole = self._entries.get(encode_name(key))
        if whole is None:
            self._check_key(key)
            whole = Entry(dtype, shape)
        elif not whole.slices or whole.shape != shape or whole.dtype is not dtype:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Part of {key}, {dtype.name} {list(shape)}: it was added before as "
                f"{'parts of' if whole.slices else 'a whole'} {whole.dtype.name} {list(whole.shape)}.",
            )
        elif part_key in self._entries:
            raise errors.InvalidArgumentError(None, None, f"Part {spec!r} of {key} was added before.")
        self._write(part_key, array, dtype)
        self._entries[encode_name(key)] = replace(whole, slices=(*whole.slices, extents))

    def finish(self) -> None:
        """Makes the files appear under their names: the data files, then the index.

        Raises:
            OpError: the system does not allow it; nothing is left behind then.
        """
        self._check_open()
        renamed = []
        try:
            for shard in self._shards:
                shard.sync()
            for shard in self._shards:
                with file_errors(shard.path):
                    os.replace(shard.temporary, shard.path)
                renamed.append(shard.path)
            _write_index(self.prefix, BundleHeader(len(self._shards)), self._entries)
        except BaseException:
            for path in renamed:  # no index leads to them
                with contextlib.suppress(OSError):
                    os.unlink(path)
            self.abort()
            raise
        self._open = False

    def abort(self) -> None:
        """Takes back what was written: no file and no directory of it stays. Does nothing after `finish`."""
        if not self._open:
            return
        self._open = False
        for shard in self._shards:
            shard.discard()
        for directory in self._made:
            with contextlib.suppress(OSError):  # not empty: someone else uses it by now
                os.rmdir(directory)

    def _check_open(self) -> None:
        if not self._open:
            raise errors.FailedPreconditionError(None, None, f"The writer of {self.prefix} is finished.")

    def _check_key(self, key: str) -> None:
        if not key or key.startswith("\0"):
            raise errors.InvalidArgumentError(None, None, f"{key!r} cannot be the name of a tensor.")
        if encode_name(key) in self._entries:
            raise errors.InvalidArgumentError(
                None, None, f"Tensor {key!r} was added to {self.prefix} before."
            )

    def _write(self, key: bytes, array: Array, dtype: DType) -> None:
        self._check_open()
        number = min(range(len(self._shards)), key=lambda n: self._shards[n].size)
        shard = self._shards[number]
        offset = shard.size
        strings: list[bytes] = []
        if dtype.kind in "so":
            strings = byte_strings(array, f"Tensor {decode_name(key)!r}")
        try:
            if dtype.kind == "s":
                crc = encode_strings(strings, shard.write)
            elif dtype.kind == "o":
                crc = encode_variants(strings, shard.write)
            else:
                crc = encode_numbers(array, dtype, shard.write)
        except BaseException:  # the file may hold part of it: nothing can be added after that
            self.abort()
            raise
        self._entries[key] = Entry(dtype, array.shape, number, offset, shard.size - offset, mask(crc))


def merge_bundles(prefixes: Sequence[str | os.PathLike[str]], out_prefix: str | os.PathLike[str]) -> None:
    """Makes one bundle of several, moving their data files: what sharded saving ends with.

    Parts of one tensor may come from several bundles. The sources are gone afterwards.

    Args:
        prefixes: the bundles, in the order that the shards are to have.
        out_prefix: the bundle to make; not one of the sources.

    Raises:
        NotFoundError: a source is not there.
        DataLossError: a source's index is damaged.
        InvalidArgumentError: the same tensor, or part of one, is in two sources, or they do not fit together.
    """
    out = os.fspath(out_prefix)
    sources = [os.fspath(prefix) for prefix in prefixes]
    if not sources or out in sources or len(set(sources)) != len(sources):
        raise errors.InvalidArgumentError(
            None, None, "Merging takes distinct bundles, and another name for the result."
        )
    entries: dict[bytes, Entry] = {}
    headers: list[BundleHeader] = []
    shards: list[str] = []  # the sources' data files, in the result's order
    for prefix in sources:
        path = prefix + ".index"
        with file_errors(path), open(path, "rb") as file:
            table = read_table(file.read(), path)
        headers.append(decode_header(table.pop(b"", b""), path))
        count = headers[-1].num_shards
        for key, data in table.items():
            entry = decode_entry(data, f"{path}: {key!r}")
            known = entries.get(key)
            if known is not None:
                if not (known.slices and entry.slices) or (known.dtype, known.shape) != (
                    entry.dtype,
                    entry.shape,
                ):
                    raise errors.InvalidArgumentError(
                        None, None, f"Merging {', '.join(sources)}: {key!r} is in more than one of them."
                    )
                entry = replace(known, slices=known.slices + entry.slices)
            elif not entry.slices:
                entry = replace(entry, shard=entry.shard + len(shards))
            entries[key] = entry
        shards += [_data_path(prefix, number, count) for number in range(count)]
    if len({header.big_endian for header in headers}) != 1:
        raise errors.InvalidArgumentError(
            None, None, f"Merging {', '.join(sources)}: their byte orders differ."
        )
    for path in shards:
        if not os.path.exists(path):
            raise errors.NotFoundError(
                None, None, f"{path} does not exist, but the index beside it names it."
            )

    make_directories(os.path.dirname(out))
    for number, path in enumerate(shards):
        with file_errors(path):
            os.replace(path, _data_path(out, number, len(shards)))
    _write_index(out, replace(headers[0], num_shards=len(shards)), entries)
    for prefix in sources:
        with file_errors(prefix + ".index"):
            os.unlink(prefix + ".index")


class _Shard:
    """One data file in the making."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = 0
        self.temporary, self._file = create_temporary(path)
        self._pending = bytearray()  # small pieces, put together to spare system calls

    def write(self, data: Any) -> None:
        size = len(data)  # bytes and uint8 arrays only
        self.size += size
        if len(self._pending) + size <= _PENDING_LIMIT:
            self._pending += memoryview(data)
            return
        self._flush()
        with file_errors(self.path):
            write_all(self._file, data)

    def sync(self) -> None:
        self._flush()
        with file_errors(self.path):
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self.temporary)

    def _flush(self) -> None:
        if self._pending:
            with file_errors(self.path):
                write_all(self._file, self._pending)
            self._pending = bytearray()


_PENDING_LIMIT = 1 << 16


def _as_array(key: str, value: Any, dtype: Any) -> tuple[Array, DType]:
    what = f"Tensor {key!r}"
    try:
        if dtype is None:
            array = np.asanyarray(value)
            found = dtypes.from_numpy(array.dtype)
        else:
            found = dtypes.as_dtype(dtype)
            known = isinstance(value, (np.ndarray, np.generic))
            array = np.asanyarray(value) if known else np.asarray(value, found.np)
    except (TypeError, ValueError, OverflowError) as error:
        raise errors.InvalidArgumentError(None, None, f"{what}: the value is no tensor: {error}") from error
    if found is dtypes.resource or found is not found.base_dtype:
        raise errors.InvalidArgumentError(
            None, None, f"{what}: a checkpoint does not hold values of {found!r}."
        )
    if found.kind in "so":
        fits = array.dtype.kind in "OSU"
    else:
        fits = array.dtype.newbyteorder("=") == found.np
    if not fits:
        raise errors.InvalidArgumentError(
            None, None, f"{what}: an array of {array.dtype} is not of {found!r}."
        )
    return array, found


def _write_index(prefix: str, header: BundleHeader, entries: dict[bytes, Entry]) -> None:
    items = [(b"", encode_header(header))]
    items += [(key, encode_entry(entries[key])) for key in sorted(entries)]
    write_whole(prefix + ".index", write_table(items))


def _data_path(prefix: str, number: int, count: int) -> str:
    return f"{prefix}.data-{number:05d}-of-{count:05d}"
