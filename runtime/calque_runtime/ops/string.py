"""Strings: joining, splitting, cutting, case, hashing, base64, raw bytes. Strings are bytes in object arrays."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ..dtypes import int64
from ..dtypes import string as string_type
from ..errors import OutOfRangeError
from ..farmhash import fingerprint64_all, hash64, siphash
from ..op import Array, Kernel, Op, Site, op
from ..shapes import Shape, broadcast, merge
from .common import check_size, same_shape

__all__ = [
    "check_splits",
    "each",
    "flat",
]


def flat(x: Array) -> list[Any]:
    """The elements in row-major order."""
    return np.asarray(x, object).ravel().tolist()  # type: ignore[no-any-return]


def each(x: Array, change: Callable[[Any], Any], dtype: Any = object) -> Array:
    """`change` of each element, in an array of the same shape."""
    out = np.empty(np.shape(x), dtype)
    out.reshape(-1)[:] = [change(v) for v in flat(x)]
    return out


def _gathered(values: Sequence[bytes]) -> Array:
    """A vector of strings."""
    out = np.empty(len(values), object)
    out[:] = values
    return out


# Joining.


@op("StringJoin(inputs: N*string) -> (output: string) | N: int >=0; separator: string=''")
def string_join(s: Site) -> Kernel:
    """The inputs' strings joined element by element; scalars go with every element."""
    separator = s["separator"]

    def run(*inputs: Array) -> Array:
        shape: tuple[int, ...] = ()
        for x in inputs:
            if np.ndim(x) and shape and np.shape(x) != shape:
                raise s.error(f"Input shapes do not match: {list(shape)} vs. {list(np.shape(x))}")
            shape = shape or np.shape(x)
        count = int(np.prod(shape, dtype=np.int64))
        columns = [flat(x) if np.ndim(x) else flat(x) * count for x in inputs]
        out = np.empty(shape, object)
        out.reshape(-1)[:] = [separator.join(row) for row in zip(*columns, strict=True)] if inputs else [b""]
        return out

    return run


@string_join.shape
def _(s: Site) -> list[Shape]:
    if any(shape is None for shape in s.shapes):
        return [None]
    out: Shape = ()
    for shape in s.shapes:
        if shape:
            out = merge(out, shape) if out else shape
    return [out]


@op(
    "ReduceJoin(inputs: string, reduction_indices: int32) -> (output: string) | keep_dims: bool=false; "
    "separator: string=''"
)
def reduce_join(s: Site) -> Kernel:
    """The strings along some axes joined; the first axis named varies fastest."""
    keep, separator = s["keep_dims"], s["separator"]

    def run(x: Array, axes: Array) -> Array:
        order = _reduced_axes(s, np.ndim(x), axes)
        if not order:
            return x
        rest = [a for a in range(x.ndim) if a not in order]
        moved = np.transpose(x, rest + order[::-1])
        kept = moved.shape[: len(rest)]
        length = int(np.prod(moved.shape[len(rest) :], dtype=np.int64))
        rows = moved.reshape(int(np.prod(kept, dtype=np.int64)), length).tolist()
        out = np.empty(len(rows), object)
        out[:] = [separator.join(row) for row in rows]
        shape = tuple(1 if a in order else n for a, n in enumerate(x.shape)) if keep else kept
        return out.reshape(shape)

    return run


def _reduced_axes(s: Site, rank: int, axes: Array) -> list[int]:
    out: list[int] = []
    for axis in np.ravel(axes).tolist():
        if not -rank <= axis < rank:
            raise s.error(
                f"Invalid reduction dimension {axis} for input with {rank} dimension(s)", OutOfRangeError
            )
        if axis % rank in out:
            raise s.error(f"Duplicate reduction dimension {axis}")
        out.append(axis % rank)
    return out


@reduce_join.shape
def _(s: Site) -> list[Shape]:
    axes, shape = s.const(1), s.shapes[0]
    if axes is None or shape is None:
        return [None]
    order = _reduced_axes(s, len(shape), axes)
    if s["keep_dims"]:
        return [tuple(1 if a in order else n for a, n in enumerate(shape))]
    return [tuple(n for a, n in enumerate(shape) if a not in order)]


@op(
    "UnsortedSegmentJoin(inputs: string, segment_ids: Tindices, num_segments: Tnumsegments) -> (output: string) | "
    "separator: string=''; Tindices: type in index; Tnumsegments: type=int32 in index"
)
def unsorted_segment_join(s: Site) -> Kernel:
    """For each segment the strings with its number, joined."""
    separator = s["separator"]

    def run(x: Array, ids: Array, num_segments: Array) -> Array:
        count, depth = int(num_segments), np.ndim(ids)
        if np.shape(x)[:depth] != np.shape(ids):
            raise s.error(
                f"segment_ids of shape {list(ids.shape)} do not fit inputs of shape {list(np.shape(x))}"
            )
        which = np.ravel(ids)
        if len(which) and (which.min() < 0 or which.max() >= count):
            raise s.error("segment_ids are not allowed to exceed num_segments or to have negative values.")
        inner = x.shape[depth:]
        check_size(s, (count, *inner), int64)
        width = int(np.prod(inner, dtype=np.int64))
        groups: list[list[list[bytes]]] = [[[] for _ in range(width)] for _ in range(count)]
        for segment, row in zip(which.tolist(), x.reshape(len(which), width).tolist(), strict=True):
            for cell, value in zip(groups[segment], row, strict=True):
                cell.append(value)
        return _gathered([separator.join(cell) for group in groups for cell in group]).reshape(
            (count, *inner)
        )

    return run


@unsorted_segment_join.shape
def _(s: Site) -> list[Shape]:
    count, x, ids = s.const(2), s.shapes[0], s.shapes[1]
    if x is None or ids is None:
        return [None]
    return [(None if count is None else int(count), *x[len(ids) :])]


# Splitting.


def _sparse(rows: list[list[bytes]]) -> tuple[Array, Array, Array]:
    """Rows of different lengths as a sparse matrix: indices [n, 2], values [n], dense shape [2]."""
    lengths = [len(row) for row in rows]
    first = np.repeat(np.arange(len(rows), dtype=np.int64), lengths)
    second = np.concatenate([np.arange(0), *(np.arange(n) for n in lengths)])
    indices = np.stack([first, second], axis=1).astype(np.int64)
    values = _gathered([v for row in rows for v in row])
    return indices, values, np.array([len(rows), max(lengths, default=0)], np.int64)


_SPACE = b" \t\n\v\f\r"


def _split_on_space(text: bytes, most: int) -> list[bytes]:
    if most <= 0:
        return text.split()
    parts = text.split(maxsplit=most)
    if len(parts) == most and text:  # the rest behind the last split counts, even where nothing is left
        parts.append(b"")
    return parts


@op(
    "StringSplitV2(input: string, sep: string) -> (indices: int64, values: string, shape: int64) | maxsplit: int=-1"
)
def string_split_v2(s: Site) -> Kernel:
    """The strings' parts between `sep` (white space where it is empty), as a sparse matrix."""
    most = s["maxsplit"]

    def run(x: Array, sep: Array) -> tuple[Array, Array, Array]:
        if np.ndim(x) != 1:
            raise s.error(f"input must be a vector, got shape: {list(np.shape(x))}")
        if np.size(sep) != 1 or np.ndim(sep):
            raise s.error(f"sep must be a scalar, got shape: {list(np.shape(sep))}")
        mark = flat(sep)[0]
        if most == 0:
            return _sparse([[v] for v in flat(x)])
        if mark:
            return _sparse([v.split(mark, most) for v in flat(x)])
        return _sparse([_split_on_space(v, most) for v in flat(x)])

    return run


@op(
    "StringSplit(input: string, delimiter: string) -> (indices: int64, values: string, shape: int64) | "
    "skip_empty: bool=true"
)
def string_split(s: Site) -> Kernel:
    """The strings' parts between any of the delimiter's bytes (single bytes where it is empty), as a sparse matrix."""
    skip = s["skip_empty"]

    def parts(text: bytes, delimiters: bytes) -> list[bytes]:
        if not text:
            return []
        if not delimiters:
            return [text[i : i + 1] for i in range(len(text))]
        first = delimiters[:1]
        found = text.translate(bytes(first[0] if b in delimiters else b for b in range(256))).split(first)
        return [p for p in found if p] if skip else found

    def run(x: Array, delimiter: Array) -> tuple[Array, Array, Array]:
        if np.ndim(x) != 1:
            raise s.error(f"input must be a vector, got shape: {list(np.shape(x))}")
        if np.size(delimiter) != 1:
            raise s.error(f"delimiter must be a scalar, got shape: {list(np.shape(delimiter))}")
        mark = flat(delimiter)[0]
        return _sparse([parts(v, mark) for v in flat(x)])

    return run


string_split.shape_rule = string_split_v2.shape_rule = lambda s: [(None, 2), (None,), (2,)]


@op(
    "StringNGrams(data: string, data_splits: Tsplits) -> (ngrams: string, ngrams_splits: Tsplits) | separator: string; "
    "ngram_widths: list(int) >=0; left_pad: string; right_pad: string; pad_width: int; "
    "preserve_short_sequences: bool; Tsplits: type=int64 in index"
)
def string_ngrams(s: Site) -> Kernel:
    """For each row of a ragged matrix, runs of `ngram_widths` strings joined, the row padded at both ends."""
    separator, left, right = s["separator"], s["left_pad"], s["right_pad"]
    widths, pad_width = s["ngram_widths"], s["pad_width"]
    keep_short = s["preserve_short_sequences"]

    def padding(width: int) -> int:
        return width - 1 if pad_width < 0 else min(pad_width, width - 1)

    def grams(row: list[bytes], width: int) -> list[bytes]:
        pad = padding(width)
        padded = [left] * pad + row + [right] * pad
        return [separator.join(padded[i : i + width]) for i in range(len(padded) - width + 1)]

    def of_row(row: list[bytes]) -> list[bytes]:
        out = [g for width in widths for g in grams(row, width)]
        if not out and keep_short and row:
            pad = max(0, pad_width)
            out = [separator.join([left] * pad + row + [right] * pad)]
        return out

    def work(size: int) -> int:
        """How many strings go into the n-grams of a row of `size`."""
        items: int = sum(2 * padding(w) + w * max(0, size + 2 * padding(w) - w + 1) for w in widths)
        return items + (2 * max(0, pad_width) if keep_short else 0)

    def run(data: Array, splits: Array) -> tuple[Array, Array]:
        bounds = check_splits(s, splits, len(data))
        check_size(s, (sum(work(b - a) for a, b in pairwise(bounds)),), string_type)
        values = flat(data)
        rows = [of_row(values[a:b]) for a, b in pairwise(bounds)]
        ends = [0, *accumulate(len(row) for row in rows)] if bounds else []
        return _gathered([g for row in rows for g in row]), np.array(ends, splits.dtype)

    return run


string_ngrams.shape_rule = lambda s: [(None,), s.shapes[1]]


def check_splits(s: Site, splits: Array, count: int) -> list[int]:
    """The row splits of a ragged matrix of `count` values.

    Raises:
        InvalidArgumentError: they do not start at 0, go down, or do not end at `count`.
    """
    bounds: list[int] = np.ravel(splits).tolist()
    if bounds and bounds[0] != 0:
        raise s.error(f"First split value must be 0, got {bounds[0]}")
    if any(b < a for a, b in pairwise(bounds)):
        raise s.error("Invalid split values: they must not go down")
    if bounds and bounds[-1] != count:
        raise s.error(f"Last split value must be data size. Expected {count}, got {bounds[-1]}")
    return bounds


# Parts and length.


def _is_trail(byte: int) -> bool:
    return byte & 0xC0 == 0x80


def _char_starts(text: bytes) -> list[int]:
    """Where UTF-8 characters start; bytes that are no UTF-8 go with the one before."""
    return [i for i, byte in enumerate(text) if i == 0 or not _is_trail(byte)]


@op("StringLength(input: string) -> (output: int32) | unit: string='BYTE' in ['BYTE', 'UTF8_CHAR']")
def string_length(s: Site) -> Kernel:
    """The number of bytes, or of UTF-8 characters."""
    if s["unit"] == b"BYTE":
        return lambda x: each(x, len, np.int32)
    return lambda x: each(x, lambda v: sum(not _is_trail(b) for b in v), np.int32)


@op(
    "Substr(input: string, pos: T, len: T) -> (output: string) | T: type in index; "
    "unit: string='BYTE' in ['BYTE', 'UTF8_CHAR']"
)
def substr(s: Site) -> Kernel:
    """`len` bytes or characters from `pos`, which counts from the end where it is negative."""
    by_bytes = s["unit"] == b"BYTE"

    def part(text: bytes, pos: int, length: int, index: int) -> bytes:
        starts = range(len(text)) if by_bytes else _char_starts(text)
        count = len(starts)
        if not -count <= pos <= count:
            shown = f" b'{text.decode(errors='backslashreplace')}'" if by_bytes else ""
            raise s.error(f"pos {pos} out of range for string{shown} at index {index}")
        first = pos + count if pos < 0 else pos
        # A negative length is a large one to TensorFlow's bytes, and none to its characters.
        last = count if by_bytes and length < 0 else min(count, first + max(0, length))
        ends = [*starts, len(text)]
        return text[ends[first] : ends[last]]

    def run(x: Array, pos: Array, length: Array) -> Array:
        if np.shape(pos) != np.shape(length):
            raise s.error(
                f"pos and len should have the same shape, got: {list(np.shape(pos))} vs. {list(np.shape(length))}"
            )
        try:
            x, pos, length = np.broadcast_arrays(np.asarray(x, object), pos, length)
        except ValueError:
            raise s.error(f"Incompatible shapes: {list(np.shape(x))} vs. {list(np.shape(pos))}") from None
        parts = zip(flat(x), pos.ravel().tolist(), length.ravel().tolist(), strict=True)
        return _gathered([part(t, p, n, i) for i, (t, p, n) in enumerate(parts)]).reshape(x.shape)

    return run


@substr.shape
def _(s: Site) -> list[Shape]:
    merge(s.shapes[1], s.shapes[2])
    return [broadcast(s.shapes[0], s.shapes[1])]


@op("StringStrip(input: string) -> (output: string)")
def string_strip(s: Site) -> Kernel:
    """The strings without white space at the ends."""
    return lambda x: each(x, lambda v: v.strip(_SPACE))


# Case.


def _case(s: Site, ascii_only: Callable[[bytes], bytes], full: Callable[[str], str]) -> Kernel:
    encoding = s["encoding"]
    if encoding == b"":
        return lambda x: each(x, ascii_only)
    if encoding == b"utf-8":
        return lambda x: each(x, lambda v: full(v.decode(errors="replace")).encode())
    raise s.error(
        f"only utf-8 or '' (no encoding) is supported, received {encoding.decode(errors='replace')}"
    )


@op("StringLower(input: string) -> (output: string) | encoding: string=''")
def string_lower(s: Site) -> Kernel:
    """Lower case: of ASCII letters, or of all letters with the encoding "utf-8"."""
    return _case(s, bytes.lower, str.lower)


@op("StringUpper(input: string) -> (output: string) | encoding: string=''")
def string_upper(s: Site) -> Kernel:
    """Upper case: of ASCII letters, or of all letters with the encoding "utf-8"."""
    return _case(s, bytes.upper, str.upper)


# Hashing.


@op("StringToHashBucketFast(input: string) -> (output: int64) | num_buckets: int >=1")
def hash_bucket_fast(s: Site) -> Kernel:
    """The string's FarmHash fingerprint, modulo the number of buckets."""
    buckets = np.uint64(s["num_buckets"])

    def run(x: Array) -> Array:
        return (fingerprint64_all(flat(x)) % buckets).astype(np.int64).reshape(np.shape(x))

    return run


@op("StringToHashBucketStrong(input: string) -> (output: int64) | num_buckets: int >=1; key: list(int)")
def hash_bucket_strong(s: Site) -> Kernel:
    """The string's SipHash under a key of two numbers, modulo the number of buckets."""
    key, buckets = s["key"], s["num_buckets"]
    if len(key) != 2:
        raise s.error("Key must have 2 elements")
    return lambda x: each(x, lambda v: siphash(v, (key[0], key[1])) % buckets, np.int64)


@op("StringToHashBucket(string_tensor: string) -> (output: int64) | num_buckets: int >=1")
def hash_bucket(s: Site) -> Kernel:
    """TensorFlow's older hash of the string, modulo the number of buckets."""
    buckets = s["num_buckets"]
    return lambda x: each(x, lambda v: hash64(v) % buckets, np.int64)


# Bytes.


@op("EncodeBase64(input: string) -> (output: string) | pad: bool=false")
def encode_base64(s: Site) -> Kernel:
    """Base64 with the alphabet that is safe in addresses (``-`` and ``_``)."""
    if s["pad"]:
        return lambda x: each(x, base64.urlsafe_b64encode)
    return lambda x: each(x, lambda v: base64.urlsafe_b64encode(v).rstrip(b"="))


_URL_SAFE = bytes.maketrans(b"-_+/", b"+/!!")  # the other alphabet's characters must fail


@op("DecodeBase64(input: string) -> (output: string)")
def decode_base64(s: Site) -> Kernel:
    """The bytes that address-safe base64, padded or not, stands for."""

    def decode(text: bytes) -> bytes:
        if len(text) % 4 == 1:
            raise s.error("Base64 string length cannot be 1 modulo 4.")
        body = text
        if len(text) % 4 == 0 and text.endswith(b"="):
            body = text[:-2] if text.endswith(b"==") else text[:-1]
        try:
            if b"=" in body:
                raise binascii.Error
            return base64.b64decode(body.translate(_URL_SAFE) + b"=" * (-len(body) % 4), validate=True)
        except binascii.Error:
            raise s.error("Invalid character found in base64.") from None

    return lambda x: each(x, decode)


def _raw(s: Site) -> tuple[np.dtype[Any], Callable[[Array], Array]]:
    """The type to read bytes as, and what turns them into the machine's own order."""
    dtype = s["out_type"].np
    if s["little_endian"] or dtype.itemsize == 1:
        return dtype, lambda a: a
    width = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    swapped = np.dtype(f"u{width}")
    return dtype, lambda a: a.view(swapped).byteswap().view(dtype)


@op(
    "DecodeRaw(bytes: string) -> (output: out_type) | out_type: type in [half, float, double, int32, uint16, uint8, "
    "int16, int8, int64, complex64, complex128, bool, bfloat16]; little_endian: bool=true"
)
def decode_raw(s: Site) -> Kernel:
    """The strings' bytes as numbers, along a new last axis."""
    dtype, ordered = _raw(s)

    def run(x: Array) -> Array:
        values = flat(x)
        length = len(values[0]) if values else 0
        for i, value in enumerate(values):
            if len(value) != length:
                raise s.error(
                    "DecodeRaw requires input strings to all be the same size, "
                    f"but element {i} has size {length} != {len(value)}"
                )
        if length % dtype.itemsize:
            raise s.error(
                f"Input to DecodeRaw has length {length} that is not a multiple of {dtype.itemsize}, "
                f"the size of {s['out_type'].name}"
            )
        data = np.frombuffer(bytearray(b"".join(values)), np.uint8).view(
            np.uint8 if dtype == np.bool_ else dtype
        )
        shape = (*np.shape(x), length // dtype.itemsize)
        return (data != 0 if dtype == np.bool_ else ordered(data)).reshape(shape)

    return run


@op(
    "DecodePaddedRaw(input_bytes: string, fixed_length: int32) -> (output: out_type) | out_type: type in [half, float, "
    "double, int32, uint16, uint8, int16, int8, int64, bfloat16]; little_endian: bool=true"
)
def decode_padded_raw(s: Site) -> Kernel:
    """The strings' bytes, cut or filled with zeros to one length, as numbers along a new last axis."""
    dtype, ordered = _raw(s)

    def run(x: Array, fixed_length: Array) -> Array:
        length = int(fixed_length)
        if length <= 0:
            raise s.error(f"fixed_length ({length}) must be greater than zero.")
        if length % dtype.itemsize:
            raise s.error(
                f"fixed_length ({length}) must be a multiple of the size of out_type ({dtype.itemsize})"
            )
        shape = check_size(s, (*np.shape(x), length // dtype.itemsize), s["out_type"])
        joined = b"".join([v[:length].ljust(length, b"\0") for v in flat(x)])
        return ordered(np.frombuffer(bytearray(joined), dtype)).reshape(shape)

    return run


def _with_new_axis(s: Site) -> list[Shape]:
    return [None if s.shapes[0] is None else (*s.shapes[0], None)]


decode_raw.shape_rule = decode_padded_raw.shape_rule = _with_new_axis

_SAME_SHAPE: tuple[Op, ...] = (
    string_length,
    string_strip,
    string_lower,
    string_upper,
    hash_bucket_fast,
    hash_bucket_strong,
    hash_bucket,
    encode_base64,
    decode_base64,
)
for _one in _SAME_SHAPE:
    _one.shape_rule = same_shape
    _one.not_differentiable()
for _one in (
    string_join,
    reduce_join,
    unsorted_segment_join,
    string_split,
    string_split_v2,
    string_ngrams,
    substr,
    decode_raw,
    decode_padded_raw,
):
    _one.not_differentiable()
