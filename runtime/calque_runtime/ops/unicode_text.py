"""Strings as code points: decoding, encoding, changing the encoding."""

from __future__ import annotations

import codecs
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ..op import Array, Kernel, Site, op, registered
from ..shapes import Shape
from .common import same_shape
from .string import check_splits, each, flat

__all__: list[str] = []

# Encodings by ICU's names, without regard to case and hyphens, and the bytes that each of their characters takes.
_ENCODINGS = {
    "utf8": "utf-8",
    "utf16be": "utf-16-be",
    "utf16le": "utf-16-le",
    "utf32be": "utf-32-be",
    "utf32le": "utf-32-le",
    "usascii": "ascii",
    "ascii": "ascii",
    "iso88591": "latin-1",
    "latin1": "latin-1",
}
_REPLACEMENT = 0xFFFD
_LAST = 0x10FFFF

# A character of these stands for that many bytes that are wrong: decoders themselves never give surrogates.
_WRONG = 0xD800
_LAST_SURROGATE = 0xDFFF


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return chr(_WRONG + error.end - error.start), error.end


codecs.register_error("calque.mark", _mark)


def _size(code: int, codec: str) -> int:
    """The bytes that a code point takes."""
    if codec == "utf-8":
        return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    if codec.startswith("utf-16"):
        return 2 if code < 0x10000 else 4
    return 4 if codec.startswith("utf-32") else 1


def _decoded(text: bytes, codec: str) -> list[tuple[int, int, bool]]:
    """The characters of `text`: code point, bytes, is it well formed?"""
    out = []
    for char in text.decode(codec, "calque.mark"):
        code = ord(char)
        if _WRONG <= code <= _LAST_SURROGATE:
            out.append((_REPLACEMENT, code - _WRONG, False))
        else:
            out.append((code, _size(code, codec), True))
    return out


def _codec(s: Site, attr: str) -> str:
    name = s[attr].decode(errors="replace")
    codec = _ENCODINGS.get(name.lower().replace("-", "").replace("_", ""))
    if codec is None:
        raise s.unsupported(f"the encoding {name} is not supported")
    return codec


def _replacement(s: Site) -> int:
    code: int = s["replacement_char"]
    if not 0 <= code <= _LAST:
        raise s.error("replacement_char out of unicode codepoint range")
    return code


def _decoder(s: Site) -> Kernel:
    """Row splits and code points of the strings, row by row, and where each starts in its string."""
    codec, errors, other = _codec(s, "input_encoding"), s["errors"], _replacement(s)
    control, splits_type = s["replace_control_characters"], s["Tsplits"].np

    def run(x: Array) -> tuple[Array, Array, Array]:
        codes: list[int] = []
        starts: list[int] = []
        lengths: list[int] = []
        for text in flat(x):
            at, before = 0, len(codes)
            for code, size, right in _decoded(text, codec):
                if not right and errors == b"strict":
                    raise s.error("Invalid formatting on input string")
                good = right and not (control and code < 0x20)
                if good or errors != b"ignore":
                    codes.append(code if good else other)
                    starts.append(at)
                at += size
            lengths.append(len(codes) - before)
        splits = np.array([0, *accumulate(lengths)], splits_type)
        return splits, np.array(codes, np.int32), np.array(starts, np.int64)

    return run


def _splits_shape(s: Site) -> Shape:
    shape = s.shapes[0]
    if shape is None or None in shape:
        return (None,)
    return (int(np.prod([d for d in shape if d is not None], dtype=np.int64)) + 1,)


_DECODE = (
    "input_encoding: string; errors: string='replace' in ['strict', 'replace', 'ignore']; replacement_char: int=65533; "
    "replace_control_characters: bool=false; Tsplits: type=int64 in index"
)


@op(f"UnicodeDecode(input: string) -> (row_splits: Tsplits, char_values: int32) | {_DECODE}")
def unicode_decode(s: Site) -> Kernel:
    """The strings' code points, as a ragged matrix with a row for each string."""
    decode = _decoder(s)
    return lambda x: decode(x)[:2]


@op(
    "UnicodeDecodeWithOffsets(input: string) -> (row_splits: Tsplits, char_values: int32, "
    f"char_to_byte_starts: int64) | {_DECODE}"
)
def unicode_decode_with_offsets(s: Site) -> Kernel:
    """The strings' code points and the bytes they start at, as ragged matrices with a row for each string."""
    return _decoder(s)


unicode_decode.shape_rule = lambda s: [_splits_shape(s), (None,)]
unicode_decode_with_offsets.shape_rule = lambda s: [_splits_shape(s), (None,), (None,)]

_OUTPUT = "output_encoding: string in ['UTF-8', 'UTF-16-BE', 'UTF-32-BE']"


@op(
    f"UnicodeTranscode(input: string) -> (output: string) | input_encoding: string; {_OUTPUT}; "
    "errors: string='replace' in ['strict', 'replace', 'ignore']; replacement_char: int=65533; "
    "replace_control_characters: bool=false"
)
def unicode_transcode(s: Site) -> Kernel:
    """The strings in another encoding."""
    source, target = _codec(s, "input_encoding"), _codec(s, "output_encoding")
    errors, other, control = s["errors"], _replacement(s), s["replace_control_characters"]

    def change(text: bytes) -> bytes:
        codes = []
        for code, _, right in _decoded(text, source):
            good = right and not (control and code < 0x20)
            if not good and errors == b"strict":
                raise s.error("Invalid formatting on input string")
            if good or errors == b"replace":
                codes.append(code if good else other)
        return _encoded(codes, target)

    return lambda x: each(x, change)


unicode_transcode.shape_rule = same_shape


def _encoded(codes: list[int], codec: str) -> bytes:
    return "".join(map(chr, codes)).encode(codec, "surrogatepass")


@op(
    "UnicodeEncode(input_values: int32, input_splits: Tsplits) -> (output: string) | "
    f"errors: string='replace' in ['ignore', 'replace', 'strict']; {_OUTPUT}; replacement_char: int=65533; "
    "Tsplits: type=int64 in index"
)
def unicode_encode(s: Site) -> Kernel:
    """A string for each row of a ragged matrix of code points."""
    codec, errors, other = _codec(s, "output_encoding"), s["errors"], _replacement(s)

    def encode(codes: list[int]) -> bytes:
        out = []
        for code in codes:
            right = 0 <= code <= _LAST and not _WRONG <= code <= _LAST_SURROGATE
            if not right and errors == b"strict":
                raise s.error("Code point is out of range for Unicode, or is a surrogate.")
            if right or errors == b"replace":
                out.append(code if right else other)
        return _encoded(out, codec)

    def run(values: Array, splits: Array) -> Array:
        bounds = check_splits(s, splits, len(values))
        codes: list[Any] = values.tolist()
        rows = [encode(codes[a:b]) for a, b in pairwise(bounds)]
        out = np.empty(len(rows), object)
        out[:] = rows
        return out

    return run


@unicode_encode.shape
def _(s: Site) -> list[Shape]:
    shape = s.shapes[1]
    return [(None,) if shape is None or shape[0] is None else (max(0, shape[0] - 1),)]


for _one in (unicode_decode, unicode_decode_with_offsets, unicode_transcode, unicode_encode):
    _one.not_differentiable()

# What docs/ops.md says of limits.
for _names, _words in (
    ("UnicodeDecode UnicodeDecodeWithOffsets UnicodeTranscode", "input encodings: those of Python's codecs"),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
