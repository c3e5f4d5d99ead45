"""Numbers to strings and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import DType, bfloat16, float16, float32
from ..dtypes import bool as bool_type
from ..dtypes import string as string_type
from ..op import Array, Kernel, Site, op, registered
from .common import as_strings, check_size, same_shape, scalar
from .string import each

__all__ = [
    "escaped",
    "number_reader",
    "summary",
]


def _number(value: float, flags: str, width: int, rest: str) -> str:
    """A float as C prints it: its infinities and NaNs are never filled with zeros, and a NaN may have a sign."""
    if np.isnan(value):
        sign = "-" if np.signbit(value) else "+" if "+" in flags else ""
        text = sign + "nan"
        return text.ljust(width) if "-" in flags else text.rjust(width)
    if np.isinf(value):
        flags = flags.replace("0", "")
    return f"%{flags}{width or ''}{rest}" % value


@op(
    "AsString(input: T) -> (output: string) | T: type in [float, double, int32, uint8, int16, int8, int64, bfloat16, "
    "uint16, half, uint32, uint64, complex64, complex128, bool, variant, string]; precision: int=-1; "
    "scientific: bool=false; shortest: bool=false; width: int=-1; fill: string=''"
)
def as_string(s: Site) -> Kernel:
    """Each element as C's printf would print it."""
    dtype: DType = s["T"]
    precision, width, fill = s["precision"], max(0, s["width"]), s["fill"].decode(errors="replace")
    is_float = dtype.is_floating or dtype.is_complex
    if s["scientific"] and s["shortest"]:
        raise s.error("Cannot select both scientific and shortest notation")
    if len(fill) > 1:
        raise s.error("Fill string must be one or fewer characters")
    if fill not in ("", "0", "-", "+", " "):
        raise s.error(f'Fill argument not supported: "{fill}"')
    if not is_float and dtype is not string_type:
        if s["scientific"] or s["shortest"]:
            raise s.error(f"scientific and shortest format not supported for datatype {dtype.name}")
        if precision >= 0:
            raise s.error(f"precision not supported for datatype {dtype.name}")
    if dtype.kind == "o":
        raise s.unsupported("AsString of variants is not supported")
    check_size(s, (max(width, precision, 0),), string_type)
    kind = "e" if s["scientific"] else "g" if s["shortest"] else "f"
    rest = f".{precision}{kind}" if precision >= 0 else kind
    if dtype is bool_type:
        return lambda x: each(x, lambda v: b"true" if v else b"false")
    if dtype is string_type:
        return lambda x: each(x, lambda v: v.ljust(width) if fill == "-" else v.rjust(width))
    if dtype.is_complex:

        def both(v: complex) -> bytes:
            return f"({_number(v.real, fill, width, rest)},{_number(v.imag, fill, width, rest)})".encode()

        return lambda x: each(x, both)
    if is_float:
        return lambda x: each(
            np.asarray(x).astype(np.float64), lambda v: _number(float(v), fill, width, rest).encode()
        )
    signs = "" if dtype.is_unsigned and fill in ("+", " ") else fill
    template = f"%{signs}{width or ''}d"
    return lambda x: each(x, lambda v: (template % v).encode())


_FLOAT = re.compile(rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)", re.I)
_HEX = re.compile(rb"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?")
_INT = re.compile(rb"[+-]?\d+")
_UNSIGNED = re.compile(rb"\+?\d+")


def number_reader(dtype: DType) -> Callable[[bytes], Any]:
    """What reads a number of that type from text; white space around it does not count. It raises ValueError."""

    def to_float(text: bytes) -> Any:
        bare = text.strip()
        if _FLOAT.fullmatch(bare):
            return float(bare)
        if _HEX.fullmatch(bare):
            try:
                return float.fromhex(bare.decode())
            except OverflowError:
                return -np.inf if bare.startswith(b"-") else np.inf
        raise ValueError(text)

    def to_int(text: bytes) -> int:
        bare = text.strip()
        # int() takes time quadratic in the length, and no type here has more digits than this.
        if not (_UNSIGNED if dtype.is_unsigned else _INT).fullmatch(bare) or len(bare.lstrip(b"+-0")) > 20:
            raise ValueError(text)
        value = int(bare[:1].strip(b"0123456789") + (bare.lstrip(b"+-0") or b"0"))
        if not dtype.min <= value <= dtype.max:
            raise ValueError(text)
        return value

    return to_float if dtype.is_floating else to_int


@op(
    "StringToNumber(string_tensor: string) -> (output: out_type) | "
    "out_type: type=float in [float, double, int32, int64, uint32, uint64]"
)
def string_to_number(s: Site) -> Kernel:
    """The numbers that the strings stand for; white space around them does not count."""
    dtype: DType = s["out_type"]
    read = number_reader(dtype)

    def number(text: bytes) -> Any:
        try:
            return read(text)
        except ValueError:
            shown = text.decode(errors="replace")
            raise s.error(f"StringToNumberOp could not correctly convert string: {shown}") from None

    return lambda x: each(x, number, dtype.np)


# Tensors as text, for printing.


def _shown_float(value: float, digits: int, exact: int) -> str:
    """The fewer digits where they read back as the same number, else the exact ones."""
    short = f"%.{digits}g" % value
    same = np.float32(short) == np.float32(value) if digits == 6 else float(short) == value
    return short if same or np.isnan(value) else f"%.{exact}g" % value


_ESCAPES = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 39: "\\'", 92: "\\\\"}


def escaped(value: bytes) -> bytes:
    """A text with quotes, backslashes and control characters as C has them in a literal."""
    parts = []
    for byte in value:
        if byte in _ESCAPES:
            parts.append(_ESCAPES[byte].encode())
        elif byte < 32 or byte == 127:
            parts.append(b"\\%03o" % byte)
        else:
            parts.append(bytes([byte]))
    return b"".join(parts)


def _shown(value: Any, dtype: DType) -> bytes:
    if dtype is string_type:
        return b'"' + escaped(value) + b'"'
    if dtype is bool_type:
        return b"1" if value else b"0"
    if dtype in (float16, bfloat16, float32):
        return _shown_float(float(value), 6, 9).encode()
    if dtype.is_floating:
        return _shown_float(float(value), 15, 17).encode()
    return str(value).encode() if dtype.is_integer else b"?"


def summary(array: Array, dtype: DType, at_ends: int) -> bytes:
    """A tensor's text: nested brackets, `at_ends` entries at both ends of each axis (all where it is negative)."""
    ends = np.size(array) if at_ends < 0 else min(at_ends, np.size(array))
    return _summary(np.asarray(array), dtype, ends, 0)


def _summary(array: Array, dtype: DType, ends: int, depth: int) -> bytes:
    if array.ndim == 0:
        return _shown(array.item() if dtype.kind != "f" else array[()], dtype)
    space = b" " if array.ndim == 1 else b"\n" * (array.ndim - 1) + b" " * (depth + 1)
    count = len(array)
    shown = [_summary(array[i, ...], dtype, ends, depth + 1) for i in range(min(ends, count))]
    text = space.join(shown)
    if count > 2 * ends:
        text += space + b"..."
    for i in range(max(ends, count - ends), count):
        text += space + _summary(array[i, ...], dtype, ends, depth + 1)
    return b"[" + text + b"]"


@op(
    "StringFormat(inputs: list(T)) -> (output: string) | T: list(type) >=0; template: string='%s'; "
    "placeholder: string='%s'; summarize: int=3"
)
def string_format(s: Site) -> Kernel:
    """The template with each placeholder replaced by the text of an input."""
    pieces = s["template"].split(s["placeholder"]) if s["placeholder"] else [s["template"]]
    types, summarize = s["T"], s["summarize"]
    if len(pieces) - 1 != len(types):
        raise s.error(
            f"num placeholders in template and num inputs must match: {len(pieces) - 1} vs. {len(types)}"
        )

    def run(*inputs: Array) -> Array:
        out = [pieces[0]]
        for piece, x, dtype in zip(pieces[1:], inputs, types, strict=True):
            out += [summary(x, dtype, summarize), piece]
        return as_strings(b"".join(out))

    return run


as_string.shape_rule = string_to_number.shape_rule = same_shape
string_format.shape_rule = scalar
for _one in (as_string, string_to_number, string_format):
    _one.not_differentiable()

# What docs/ops.md says of limits.
for _names, _words in (("AsString", "refused: variants"),):
    for _name in _names.split():
        registered()[_name].limited(_words)
