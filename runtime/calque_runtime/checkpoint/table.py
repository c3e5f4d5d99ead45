"""The sorted string table that a bundle's ``.index`` file is.

File: data blocks, an empty metaindex block, an index block with one entry a data block, a footer of 48 bytes.
Block: entries, the offsets of the restart points and their count (u32 each), then a trailer of five bytes:
the kind (0 stored, 1 snappy) and the masked crc32c of all that came before it.
Entry: how many bytes of the key before it the key shares, how many follow, the value's size (varints), the
key's tail, the value. At a restart point the key shares nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from ..errors import DataLossError
from ..record import record
from .crc import crc32c, mask, unmask
from .snappy import decompress
from .varint import encode_varint, read_varint

__all__ = ["read_table", "write_table"]

_MAGIC = 0xDB4775248B80FB57
_FOOTER_SIZE = 48
_TRAILER_SIZE = 5
_STORED, _SNAPPY = 0, 1

# What TensorFlow's writer uses; a reader takes any.
_BLOCK_SIZE = 262144
_DATA_RESTART_INTERVAL = 16
_INDEX_RESTART_INTERVAL = 1

# Shared prefixes let a small file spell out many long keys. With a restart point every 16 entries the keys
# are at most 16 times the block; four times that is room for any honest writer.
_MAX_KEY_RATIO = 64


@record(frozen=True)
class _Handle:
    offset: int
    size: int  # of the contents, without the trailer


def read_table(data: bytes, where: str) -> dict[bytes, bytes]:
    """Every key and value of a table, in the order of the keys, with every block's checksum verified.

    Args:
        data: the whole file.
        where: the file's name, for messages.

    Raises:
        DataLossError: the table is damaged or cut short. The message names the file and the place.
    """
    if len(data) < _FOOTER_SIZE:
        raise _damaged(where, f"{len(data)} bytes are too few to hold the footer of {_FOOTER_SIZE}")
    footer_at = len(data) - _FOOTER_SIZE
    if int.from_bytes(data[-8:], "little") != _MAGIC:
        raise _damaged(
            where, f"no table magic number in the footer at byte {footer_at}; is the file cut short?"
        )
    at = f"{where}: footer at byte {footer_at}"
    metaindex, next_at = _read_handle(data, footer_at, len(data) - 8, at)
    index, _ = _read_handle(data, next_at, len(data) - 8, at)
    _read_block(data, metaindex, footer_at, where)

    out: dict[bytes, bytes] = {}
    last_key: bytes | None = None
    bound: bytes | None = None
    for separator, value in _read_block(data, index, footer_at, where):
        handle, end = _read_handle(value, 0, len(value), f"{where}: index block at byte {index.offset}")
        if end != len(value):
            raise _damaged(where, f"the index block at byte {index.offset} has junk behind a block's place")
        entries = _read_block(data, handle, footer_at, where)
        if entries:
            first, last = entries[0][0], entries[-1][0]
            if (last_key is not None and first <= last_key) or (bound is not None and first <= bound):
                raise _damaged(where, f"keys of the block at byte {handle.offset} are out of order")
            if last > separator:
                raise _damaged(where, f"keys of the block at byte {handle.offset} pass the one in the index")
            last_key = last
            out.update(entries)
        bound = separator
    return out


def write_table(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The table of `items`, byte for byte as TensorFlow writes it.

    Args:
        items: (key, value) pairs in strictly ascending order of the keys' bytes.
    """
    out = bytearray()
    block = _BlockBuilder(_DATA_RESTART_INTERVAL)
    index = _BlockBuilder(_INDEX_RESTART_INTERVAL)
    pending: _Handle | None = None  # a finished block's place, until the key after it is known
    for key, value in items:
        if pending is not None:
            index.add(_shortest_separator(block.last_key, key), _encode_handle(pending))
            pending = None
            block = _BlockBuilder(_DATA_RESTART_INTERVAL)
        block.add(key, value)
        if block.size >= _BLOCK_SIZE:
            pending = _append_block(out, block)
    if pending is None and not block.empty:
        pending = _append_block(out, block)
    metaindex = _append_block(out, _BlockBuilder(_DATA_RESTART_INTERVAL))
    if pending is not None:
        index.add(_short_successor(block.last_key), _encode_handle(pending))
    footer = _encode_handle(metaindex) + _encode_handle(_append_block(out, index))
    out += footer.ljust(_FOOTER_SIZE - 8, b"\0") + _MAGIC.to_bytes(8, "little")
    return bytes(out)


def _damaged(where: str, what: str) -> DataLossError:
    return DataLossError(None, None, f"{where} is damaged: {what}.")


def _read_handle(data: bytes, at: int, end: int, where: str) -> tuple[_Handle, int]:
    offset, at = read_varint(data, at, end, where)
    size, at = read_varint(data, at, end, where)
    return _Handle(offset, size), at


def _encode_handle(handle: _Handle) -> bytes:
    return encode_varint(handle.offset) + encode_varint(handle.size)


def _read_block(data: bytes, handle: _Handle, limit: int, where: str) -> list[tuple[bytes, bytes]]:
    """The entries of the block at `handle`, which must lie before byte `limit`."""
    offset, size = handle.offset, handle.size
    if offset + size + _TRAILER_SIZE > limit:
        raise _damaged(where, f"a block of {size} bytes at byte {offset} would run past the end")
    kind = data[offset + size]
    stored = int.from_bytes(data[offset + size + 1 : offset + size + _TRAILER_SIZE], "little")
    if crc32c(data[offset : offset + size + 1]) != unmask(stored):
        raise _damaged(where, f"the checksum of the block of {size} bytes at byte {offset} does not match")
    contents = data[offset : offset + size]
    where = f"{where}: block at byte {offset}"
    if kind == _SNAPPY:
        contents = decompress(contents, where)
    elif kind != _STORED:
        raise _damaged(where, f"{kind} is no known kind of block")
    return _parse_block(contents, where)


def _parse_block(block: bytes, where: str) -> list[tuple[bytes, bytes]]:
    if len(block) < 4:
        raise _damaged(where, "it is too short to hold its number of restart points")
    count = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * count
    if count == 0 or end < 0:
        raise _damaged(where, f"{count} restart points do not fit its {len(block)} bytes")
    restarts = set(struct.unpack_from(f"<{count}I", block, end))
    if 0 not in restarts or len(restarts) != count:
        raise _damaged(where, "its restart points are not in order")
    entries: list[tuple[bytes, bytes]] = []
    key = b""
    key_bytes = 0
    key_limit = _MAX_KEY_RATIO * len(block)
    at = restarts_met = 0
    while at < end:
        start = at
        shared, at = read_varint(block, at, end, where)
        fresh, at = read_varint(block, at, end, where)
        size, at = read_varint(block, at, end, where)
        if start in restarts:
            restarts_met += 1
            if shared:
                raise _damaged(where, f"the restart point at byte {start} shares a key's start")
        if shared > len(key) or at + fresh + size > end:
            raise _damaged(where, f"the entry at byte {start} reaches outside the block")
        previous = key
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        if entries and key <= previous:
            raise _damaged(where, f"the key at byte {start} is not after the one before it")
        key_bytes += len(key)
        if key_bytes > key_limit:
            raise _damaged(where, f"its {len(block)} bytes spell out keys of over {key_limit} bytes")
        entries.append((key, block[at : at + size]))
        at += size
    if entries and restarts_met != count:
        raise _damaged(where, "a restart point is not at the start of an entry")
    return entries


class _BlockBuilder:
    """One block in the making."""

    def __init__(self, restart_interval: int) -> None:
        self._interval = restart_interval
        self._data = bytearray()
        self._restarts = [0]
        self._since_restart = 0
        self.last_key = b""

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._since_restart < self._interval:
            shared = _shared_length(self.last_key, key)
        else:
            self._restarts.append(len(self._data))
            self._since_restart = 0
        self._data += encode_varint(shared) + encode_varint(len(key) - shared) + encode_varint(len(value))
        self._data += key[shared:]
        self._data += value
        self.last_key = key
        self._since_restart += 1

    @property
    def empty(self) -> bool:
        return not self._data

    @property
    def size(self) -> int:
        return len(self._data) + 4 * len(self._restarts) + 4

    def contents(self) -> bytes:
        return bytes(self._data) + struct.pack(
            f"<{len(self._restarts) + 1}I", *self._restarts, len(self._restarts)
        )


def _append_block(out: bytearray, block: _BlockBuilder) -> _Handle:
    contents = block.contents()
    handle = _Handle(len(out), len(contents))
    contents += bytes([_STORED])
    out += contents + mask(crc32c(contents)).to_bytes(4, "little")
    return handle


def _shared_length(a: bytes, b: bytes) -> int:
    shorter = min(len(a), len(b))
    if a[:shorter] == b[:shorter]:
        return shorter
    low, high = 0, shorter  # a[:low] == b[:low], a[:high] != b[:high]
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _shortest_separator(last: bytes, following: bytes) -> bytes:
    """A short key that is at least `last` and less than `following`."""
    at = _shared_length(last, following)
    if at < min(len(last), len(following)) and last[at] + 1 < following[at]:
        return last[:at] + bytes([last[at] + 1])
    return last


def _short_successor(last: bytes) -> bytes:
    """A short key that is at least `last`."""
    for at, byte in enumerate(last):
        if byte != 0xFF:
            return last[:at] + bytes([byte + 1])
    return last
