"""Lines of comma-separated values to columns."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..dtypes import string
from ..op import Array, Kernel, Op, Site, register
from ..shapes import Shape, format_shape
from .string_format import number_reader

__all__: list[str] = []


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _fields(s: Site, line: bytes, delimiter: bytes, quoting: bool) -> list[bytes]:
    """The fields of a line."""
    fields: list[bytes] = []
    at, end = 0, len(line)
    while at < end:
        if line[at : at + 1] in (b"\n", b"\r"):
            at += 1
        elif quoting and line[at : at + 1] == b'"':
            field, at = _quoted(s, line, at + 1, delimiter)
            fields.append(field)
        else:
            stop = line.find(delimiter, at)
            stop = end if stop < 0 else stop
            field = line[at:stop]
            if b"\n" in field or b"\r" in field or (quoting and b'"' in field):
                raise s.error("Unquoted fields cannot have quotes/CRLFs inside")
            fields.append(field)
            at = stop + 1
    if line.endswith(delimiter):
        fields.append(b"")
    return fields


def _quoted(s: Site, line: bytes, at: int, delimiter: bytes) -> tuple[bytes, int]:
    """The field whose text begins at `at`, after its quote, and where the next one begins."""
    parts = []
    while True:
        stop = line.find(b'"', at)
        after = line[stop + 1 : stop + 2]
        if stop < 0 or after not in (b'"', b"", delimiter):
            raise s.error("Quoted field has to end with quote followed by delim or end")
        parts.append(line[at:stop])
        at = stop + 2
        if after != b'"':
            return b"".join(parts), at
        parts.append(b'"')


def _decode_csv(s: Site) -> Kernel:
    types, selected = s["OUT_TYPE"], list(s["select_cols"])
    delimiter, missing, quoting = _bytes(s["field_delim"]), _bytes(s["na_value"]), s["use_quote_delim"]
    if len(delimiter) != 1:
        raise s.error("field_delim should be only 1 char")
    if selected and len(selected) != len(types):
        raise s.error(
            f"select_cols must have {len(types)} elements, one for each type, but has {len(selected)}"
        )
    if any(a >= b for a, b in pairwise(selected)) or any(c < 0 for c in selected):
        raise s.error(f"select_cols should be strictly increasing indices, but is {selected}")
    readers = [(lambda text: text) if dtype is string else number_reader(dtype) for dtype in types]

    def column(number: int, texts: list[bytes], default: Array) -> Array:
        dtype, read = types[number], readers[number]
        out = np.empty(len(texts), dtype.np)
        for i, text in enumerate(texts):
            if not text or text == missing:
                if not default.size:
                    raise s.error(f"Field {number} is required but missing in record {i}!")
                out[i] = default.item()
                continue
            try:
                out[i] = read(text)
            except ValueError:
                shown = text.decode(errors="replace")
                raise s.error(f"Field {number} in record {i} is not a valid {dtype.name}: {shown}") from None
        return out

    def run(records: Array, *defaults: Array) -> list[Array]:
        for k, default in enumerate(defaults):
            if default.ndim > 1 or default.size > 1:
                raise s.error(f"There should only be 1 default per field but field {k} has {default.size}")
        rows = []
        for i, line in enumerate(records.ravel().tolist()):
            row = _fields(s, line, delimiter, quoting)
            if selected:
                row = [row[c] for c in selected if c < len(row)]
            if len(row) != len(types):
                raise s.error(f"Expect {len(types)} fields but have {len(row)} in record {i}")
            rows.append(row)
        columns = zip(*rows, strict=True) if rows else [()] * len(types)
        return [
            column(k, list(texts), default).reshape(records.shape)
            for k, (texts, default) in enumerate(zip(columns, defaults, strict=True))
        ]

    return run


decode_csv: Op = register(
    Op(
        "DecodeCSV(records: string, record_defaults: list(OUT_TYPE)) -> (output: list(OUT_TYPE)) | "
        "OUT_TYPE: list(type) >=1 in [float, double, int32, int64, string]; field_delim: string=','; "
        "use_quote_delim: bool=true; na_value: string=''; select_cols: list(int)=[]",
        _decode_csv,
        "The columns of comma-separated lines, of the shape of `records` each; an empty field is the column's default.",
    )
).not_differentiable()


@decode_csv.shape
def _(s: Site) -> list[Shape]:
    for k, known in enumerate(s.shapes[1:]):
        if known is not None and len(known) > 1:
            raise s.error(
                f"record_defaults[{k}] must be a scalar or vector, but has shape {format_shape(known)}"
            )
    return [s.shapes[0]] * len(s["OUT_TYPE"])
