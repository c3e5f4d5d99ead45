"""How a tensor's elements lie in a data file.

Numbers are raw, in C order and the bundle's byte order; 4-bit (and 2-bit) integers take the low bits of a
byte each. Strings and variants carry their lengths and checksums of them. Encoders stand beside decoders.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import DType
from ..errors import DataLossError, InvalidArgumentError
from .crc import crc32c, extend, mask, unmask
from .varint import encode_varint, read_varint

__all__ = [
    "byte_strings",
    "decode_numbers",
    "decode_strings",
    "decode_variants",
    "encode_numbers",
    "encode_strings",
    "encode_variants",
    "is_raw",
]

Array = Any
Write = Callable[[Any], object]  # takes a contiguous buffer

# Integers narrower than the byte that holds them: how many low bits count.
_SUB_BYTE: dict[DType, int] = {dtypes.int4: 4, dtypes.uint4: 4, dtypes.int2: 2, dtypes.uint2: 2}

_WORD_MAX = 0xFFFFFFFF
# Bytes handled at a time: small enough that the checksum finds them in the processor's cache.
_CHUNK = 1 << 20
# Bytes from which a thread for writing pays: it takes 0.1 ms to start, the checksum 0.4 ms.
_LARGE = 1 << 22


def is_raw(dtype: DType, big_endian: bool) -> bool:
    """Are the bytes in the file those of an array in memory, so that it can be mapped?

    Bools are not counted in: a byte other than 0 or 1 must not get into a numpy bool.
    """
    if dtype in _SUB_BYTE or dtype.kind in "so" or dtype is dtypes.bool:
        return False
    return not big_endian or dtype.np.itemsize == 1


def decode_numbers(data: Array, dtype: DType, big_endian: bool) -> Array:
    """The elements in `data`, a flat uint8 array that belongs to the caller and may be changed."""
    if dtype is dtypes.bool:
        return data != 0
    bits = _SUB_BYTE.get(dtype)
    if bits is not None:
        # Move the low bits to the top and back: the shift back repeats the sign, or zeros if unsigned.
        data <<= 8 - bits
        signed = data.view(np.uint8 if dtype.is_unsigned else np.int8)
        signed >>= 8 - bits
        return signed.astype(dtype.np)
    values = data.view(dtype.np)
    if big_endian and dtype.np.itemsize > 1:
        # The two halves of a complex number are swapped one by one.
        half = dtype.np.itemsize // 2 if dtype.is_complex else dtype.np.itemsize
        data.view(f"u{half}").byteswap(inplace=True)
    return values


def encode_numbers(array: Array, dtype: DType, write: Write) -> int:
    """Writes the elements of `array`, and returns their unmasked checksum.

    A native contiguous array is written from where it lies, where it is large by another thread beside the checksum;
    any other is converted a piece at a time.
    """
    if array.dtype.kind not in "biufc":  # ml_dtypes' types: numpy is to move their bits, not their values
        array = array.view(f"u{array.dtype.itemsize}")
    bits = _SUB_BYTE.get(dtype)
    crc = 0
    if bits is None and array.nbytes >= _LARGE and _lies_as_written(array):
        return _write_at_once(array.reshape(-1).view(np.uint8), write)
    for piece in _pieces(array):
        if bits is not None:
            piece = piece & np.uint8((1 << bits) - 1)
        crc = extend(crc, piece)
        write(piece)
    return crc


def _write_at_once(data: Array, write: Write) -> int:
    """Writes `data`, a flat uint8 array, and returns its unmasked checksum.

    The checksum holds Python's lock, the system's copying does not: so the other thread writes.
    """
    failure: list[BaseException] = []

    def run() -> None:
        try:
            write(data)
        except BaseException as error:
            failure.append(error)

    writing = threading.Thread(target=run)
    writing.start()
    try:
        crc = 0
        for start in range(0, data.size, _CHUNK):  # in pieces: an interrupt need not wait for all of it
            crc = extend(crc, data[start : start + _CHUNK])
    finally:
        writing.join()
    if failure:
        raise failure[0]
    return crc


def _lies_as_written(array: Array) -> bool:
    return bool(array.flags.c_contiguous and array.dtype == array.dtype.newbyteorder("<"))


def _pieces(array: Array) -> Iterator[Array]:
    """The bytes of `array`, little-endian and in C order, as contiguous uint8 arrays."""
    little = array.dtype.newbyteorder("<")
    if array.nbytes <= _CHUNK or _lies_as_written(array):
        data = np.ascontiguousarray(array, little).reshape(-1).view(np.uint8)
        for start in range(0, data.size, _CHUNK):
            yield data[start : start + _CHUNK]
        return
    flags: Any = ["readonly", "contig"]  # numpy's stubs have "config" for "contig"
    walk: Any = np.nditer(
        array,
        flags=["external_loop", "buffered"],
        op_flags=[flags],
        op_dtypes=[little],
        order="C",
        buffersize=_CHUNK // little.itemsize,
    )
    for piece in walk:
        yield piece.view(np.uint8)


def decode_strings(data: bytes, count: int, big_endian: bool, where: str) -> tuple[Array, int]:
    """The strings in `data` as a flat object array of bytes, and the unmasked checksum of it all.

    Layout: the lengths as varints, a masked checksum of them, the strings one behind the other. Checksums
    count each length as a 32-bit number (64-bit when it needs it), so the varints themselves are not covered.

    Args:
        data: the entry's bytes.
        count: number of strings.
        big_endian: the bundle's byte order.
        where: file and tensor, for messages.

    Raises:
        DataLossError: the lengths do not fit `data` or their checksum.
    """
    if count + 4 > len(data):  # before anything of that length is made
        raise DataLossError(None, None, f"{where}: {len(data)} bytes cannot hold {count} strings.")
    lengths = []
    at = 0
    for _ in range(count):
        byte = data[at] if at < len(data) else 0x80
        if byte < 0x80:
            at += 1
        else:
            byte, at = read_varint(data, at, len(data), where)
        lengths.append(byte)
    order = "big" if big_endian else "little"
    crc = crc32c(_fixed_lengths(lengths, order))
    stored = data[at : at + 4]
    at += 4
    if len(stored) < 4 or unmask(int.from_bytes(stored, order)) != crc:  # type: ignore[arg-type]
        raise DataLossError(None, None, f"{where}: the checksum of the string lengths does not match.")
    if at + sum(lengths) != len(data):
        raise DataLossError(
            None,
            None,
            f"{where}: strings of {sum(lengths)} bytes in all do not fill the {len(data) - at} bytes there.",
        )
    crc = extend(extend(crc, stored), np.frombuffer(data, np.uint8, offset=at) if at < len(data) else b"")
    values = np.empty(count, object)
    for i, length in enumerate(lengths):
        values[i] = data[at : at + length]
        at += length
    return values, crc


def encode_strings(values: list[bytes], write: Write) -> int:
    """Writes a string tensor's elements, and returns their unmasked checksum."""
    lengths = [len(value) for value in values]
    crc = crc32c(_fixed_lengths(lengths, "little"))
    stored = mask(crc).to_bytes(4, "little")
    crc = extend(crc, stored)
    write(b"".join(map(encode_varint, lengths)) + stored)
    start = held = 0
    for i, length in enumerate(lengths):
        held += length
        if held >= _CHUNK or i == len(lengths) - 1:
            joined = values[i] if start == i else b"".join(values[start : i + 1])
            crc = extend(crc, joined)
            write(joined)
            start, held = i + 1, 0
    return crc


def _fixed_lengths(lengths: list[int], order: str) -> bytes:
    if max(lengths, default=0) <= _WORD_MAX:
        return np.array(lengths, "<u4" if order == "little" else ">u4").tobytes()
    return b"".join(n.to_bytes(4 if n <= _WORD_MAX else 8, order) for n in lengths)  # type: ignore[arg-type]


def decode_variants(data: bytes, count: int, big_endian: bool, where: str) -> tuple[Array, int]:
    """The variants in `data` as a flat object array of serialized messages, and the unmasked checksum.

    Layout, for each: its length as a varint, a serialized VariantTensorDataProto, the masked checksum of all
    lengths (64-bit), messages and checksums so far.

    Raises:
        DataLossError: a length or a checksum does not fit.
    """
    if 5 * count > len(data):
        raise DataLossError(None, None, f"{where}: {len(data)} bytes cannot hold {count} variants.")
    order: Any = "big" if big_endian else "little"
    values = np.empty(count, object)
    crc = at = 0
    for i in range(count):
        length, at = read_varint(data, at, len(data), where)
        values[i] = data[at : at + length]
        at += length
        stored = data[at : at + 4]
        at += 4
        crc = extend(extend(crc, length.to_bytes(8, order)), values[i])
        if len(stored) < 4 or unmask(int.from_bytes(stored, order)) != crc:
            raise DataLossError(None, None, f"{where}: the checksum of variant {i} does not match.")
        crc = extend(crc, stored)
    if at != len(data):
        raise DataLossError(
            None, None, f"{where}: {len(data) - at} bytes are left over behind the last variant."
        )
    return values, crc


def encode_variants(values: list[bytes], write: Write) -> int:
    """Writes a variant tensor's serialized messages, and returns their unmasked checksum."""
    crc = 0
    for value in values:
        crc = extend(extend(crc, len(value).to_bytes(8, "little")), value)
        stored = mask(crc).to_bytes(4, "little")
        crc = extend(crc, stored)
        write(encode_varint(len(value)) + value + stored)
    return crc


def byte_strings(array: Array, what: str) -> list[bytes]:
    """The elements of an array of strings in C order, text as UTF-8.

    Raises:
        InvalidArgumentError: an element is neither bytes nor text.
    """
    out = []
    for value in array.ravel().tolist():
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogateescape")
        elif not isinstance(value, bytes):
            raise InvalidArgumentError(
                None,
                None,
                f"{what}: an element of a string tensor is {type(value).__name__}, not bytes or str.",
            )
        out.append(value)
    return out
