"""Rows of ops/records.py."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

from ops.rows import COMPLEX, FLOATS, INTS, A, Row, V, rows

BAD = "InvalidArgumentError"


def S(values: Any) -> V:
    return V(values, "string")


I, F, T, D, L = V([7], "int32"), V([1.5], "float32"), S([b"d"]), V(2.5, "float64"), V([3], "int64")  # noqa: E741
NEEDED = V([], "float32")


def csv(lines: Any, *defaults: V, label: str, error: str = "", **attrs: Any) -> list[Row]:
    return list(rows("DecodeCSV", S(lines), [*defaults], dtypes="string", label=label, error=error, **attrs))


ROWS: list[Row] = [
    *csv([b"1,2.5,a", b"3,4,b c"], I, F, T, label="plain"),
    *csv([b'1,2.5,"a,""x"""', b"3,,"], I, F, T, label="quoted"),
    *csv(b"1,2,3", I, D, L, label="scalar"),
    *csv([[b"1,2"], [b"3,4"]], I, F, label="matrix"),
    *csv([], I, F, label="empty"),
    *csv([b"1,2"], I, NEEDED, label="needed"),
    *csv([b"1,"], I, NEEDED, label="missing", error=BAD),
    *csv([b"1"], I, F, label="few", error=BAD),
    *csv([b"1,2,3"], I, F, label="many", error=BAD),
    *csv([b""], T, label="nothing", error=BAD),
    *csv([b"1,2", b"x,2"], I, F, label="int", error=BAD),
    *csv([b"1,y"], I, F, label="float", error=BAD),
    *csv([b"1.5,1"], I, F, label="fraction", error=BAD),
    *csv([b"9999999999,1"], I, F, label="range", error=BAD),
    *csv([b" 1 , 2 "], I, F, label="spaces"),
    *csv([b"1,1e400,nan"], I, F, D, label="wild"),
    *csv([b'a"b,1'], T, F, label="inner_quote", error=BAD),
    *csv([b'"a"b,1'], T, F, label="after_quote", error=BAD),
    *csv([b'"a,1'], T, F, label="open_quote", error=BAD),
    *csv([b'"a\nb",2'], T, F, label="quoted_line"),
    *csv([b"a\nb,2"], T, F, label="line", error=BAD),
    *csv([b'"",1'], T, F, label="empty_quotes"),
    *csv([b"a b;1"], T, F, field_delim=";", label="delimiter"),
    *csv([b"1,2"], I, F, field_delim=",,", label="delimiters", error=BAD),
    *csv([b"NA,NA"], T, F, na_value="NA", label="na"),
    *csv([b"\"a\",'b'"], T, T, use_quote_delim=False, label="no_quotes"),
    *csv([b"1,2,3", b"4,,6"], F, F, select_cols=[0, 2], label="select"),
    *csv([b"1,2,3"], F, select_cols=[5], label="select_range", error=BAD),
    *csv([b"1,2,3"], F, F, select_cols=[2, 0], label="select_order", error=BAD),
    *csv([b"1"], V([1, 2], "int32"), label="defaults", error=BAD),
    *csv([b"1"], V(5, "int32"), label="scalar_default"),
    *rows("SerializeTensor", A(2, 3), dtypes=f"{FLOATS} {INTS} {COMPLEX} bool string"),
    *rows("SerializeTensor", A(), dtypes="float32 string", label="scalar"),
    *rows("SerializeTensor", A(2, 0), label="empty"),
    *rows("ParseTensor", S(b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08\0\0\x80?\0\0\0@"), out_type="float32"),
    *rows(
        "ParseTensor", S(b"\x08\x03\x12\x04\x12\x02\x08\x03\x3a\x02\x05\x06"), out_type="int32", label="list"
    ),
    *rows("ParseTensor", S(b"\x08\x07\x12\0\x42\x02hi"), out_type="string", label="string"),
    *rows("ParseTensor", S(b"\x08\x01\x12\0"), out_type="int32", label="type", error=BAD),
    *rows("ParseTensor", S(b"abc"), out_type="int32", label="damaged", error=BAD),
    *rows("ParseTensor", S([b"\x08\x01\x12\0"]), out_type="float32", label="rank", error=BAD),
    *rows(
        "DecodeJSONExample",
        S([b"{}", b'{"features": {"feature": {"a": {"int64List": {"value": ["5", 6]}}}}}']),
        dtypes="string",
        compare="shape",  # TensorFlow does not pack the numbers
    ),
    *rows("DecodeJSONExample", S(b'{"feature": {}}'), label="unknown", error=BAD),
    *rows("DecodeCompressed", S([b"ab", b""]), dtypes="string"),
    *rows(
        "DecodeCompressed",
        S([zlib.compress(b"ab" * 50)]),
        compression_type="ZLIB",
        dtypes="string",
        label="zlib",
    ),
    *rows("DecodeCompressed", S(gzip.compress(b"x" * 70, mtime=0)), compression_type="GZIP", label="gzip"),
    *rows("DecodeCompressed", S([b"ab"]), compression_type="BZ2", label="kind", error=BAD),
    *rows("DecodeCompressed", S([b"ab"]), compression_type="ZLIB", label="damaged", error="DataLossError"),
]
