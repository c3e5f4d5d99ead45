"""The tensors in the golden bundles: what `make_golden.py` gives TensorFlow to save, and the tests expect.

Values come from numpy alone, so that both sides make the same ones.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

Array = Any


def _numbers(dtype: str) -> Array:
    kind = np.dtype(getattr(ml_dtypes, dtype, None) or dtype)
    if dtype == "bool":
        return np.array([[True, False, True], [False, False, True]])
    if dtype.startswith(("int4", "uint4")):
        low = -8 if dtype == "int4" else 0
        return np.arange(low, low + 16).reshape(4, 4).astype(kind)
    if dtype.startswith("complex"):
        return np.array([1 + 2j, -0.5j, np.inf, complex(np.nan, -0.0), 3], kind)
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return np.array([[info.min, 0, 1], [info.max, 7, 100]], kind)
    return np.array([0.0, -0.0, 1.5, -2.25, np.inf, -np.inf, np.nan, 0.09375]).astype(kind)


# "odd" comes first so that nothing after it is aligned.
DTYPES: list[tuple[str, str, Array]] = [("odd", "uint8", np.array([1, 2, 3], np.uint8))] + [
    (dtype, dtype, _numbers(dtype))
    for dtype in [
        *("float32", "float64", "float16", "bfloat16", "float8_e5m2", "float8_e4m3fn"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("bool", "complex64", "complex128", "int4", "uint4"),
    ]
]
QUANTIZED: list[tuple[str, str, Array]] = [
    (dtype, dtype, np.array([-1, 0, 5]).astype(dtype[1:]))
    for dtype in ("qint8", "quint8", "qint16", "quint16", "qint32")
]
SHAPES: list[tuple[str, str, Array]] = [
    ("scalar", "float32", np.float32(3.5)),
    ("zero", "float32", np.zeros(0, np.float32)),
    ("zero_rows", "int64", np.zeros((0, 3), np.int64)),
    ("zero_columns", "bool", np.zeros((2, 0), np.bool_)),
    ("no_strings", "string", np.zeros((0, 2), object)),
    ("deep", "int32", np.arange(24, dtype=np.int32).reshape(1, 2, 1, 3, 4, 1)),
    ("last", "float64", np.linspace(0, 1, 7)),
]
STRINGS: list[tuple[str, str, Array]] = [
    ("empty", "string", np.array(b"", object)),
    ("one", "string", np.array(b"\x00\xff\x80", object)),
    (
        "long",
        "string",
        np.array([[b"", b"a" * 5000], ["é漢".encode(), b"x" * 127], [b"y" * 128, b""]], object),
    ),
    ("number", "int32", np.int32(7)),
    ("many", "string", np.array([b"s%d" % i for i in range(200)], object)),
]

MATRIX = np.arange(42, dtype=np.float32).reshape(7, 6)
LONG = np.arange(800, dtype=np.int64).reshape(400, 2)
# (name, full value, slices as text), saved in this order.
SLICED: list[tuple[str, Array, list[str]]] = [
    ("rows", MATRIX, ["7 6 0,3:-", "7 6 3,4:0,6"]),
    ("columns", MATRIX, ["7 6 -:4,2", "7 6 -:0,4"]),
    ("blocks", MATRIX, ["7 6 0,2:0,5", "7 6 0,2:5,1", "7 6 2,5:0,5", "7 6 2,5:5,1"]),
    ("long", LONG, ["400 2 0,130:-", "400 2 130,270:-"]),
    ("whole", MATRIX, ["7 6 -:-"]),
    ("whole_by_numbers", MATRIX, ["7 6 0,7:0,6"]),
    ("strings", np.array([b"a", b"", b"ccc", b"not saved"], object), ["4 0,1", "4 1,2"]),
    ("vector", np.arange(5, dtype=np.float64), ["5 0,2", "5 2,3"]),
    ("c", np.arange(100000, dtype=np.uint8), ["100000 0,70000", "100000 70000,30000"]),
]

BUNDLES: dict[str, list[tuple[str, str, Array]]] = {
    "dtypes": DTYPES,
    "quantized": QUANTIZED,
    "shapes": SHAPES,
    "strings": STRINGS,
}

# The shards of the merged bundle: each (name, value, slice as text).
SHARDS: list[list[tuple[str, Array, str]]] = [
    [("b", np.float32(1.5), ""), ("w", MATRIX[3:], "7 6 3,4:-")],
    [("a", np.array([b"one", b""], object), ""), ("w", MATRIX[:3], "7 6 0,3:-")],
    [("z", np.arange(3), "")],
]


def many() -> list[tuple[str, Array]]:
    """Enough tensors for an index of several blocks."""
    return [(f"model/layer_{i // 7:04d}/block/w{i:05d}", np.float32(i)) for i in range(0, 6000)]


def apply_slice(value: Array, text: str) -> Array:
    """The part of `value` that `text` names."""
    places = text.split(" ")[-1].split(":")
    bounds = (part.split(",") for part in places)
    return value[
        tuple(slice(None) if b == ["-"] else slice(int(b[0]), int(b[0]) + int(b[1])) for b in bounds)
    ]
