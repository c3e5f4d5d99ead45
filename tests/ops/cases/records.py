"""Rows of ops/records.py."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

from ops.rows import COMPLEX, FLOATS, INTS, A, Row, V, rows

BAD = "InvalidArgumentError"


def S(values: Any) -> V:
    return V(values, "string")


ROWS: list[Row] = [
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
