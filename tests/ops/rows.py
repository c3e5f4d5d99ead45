"""Rows: one use of an op with inputs and attributes, to be run by every executor and by TensorFlow.

    rows("AddV2", A(2, 3), A(3), dtypes=NUMERIC)
    rows("MatMul", A(2, 3), A(3, 4), dtypes=FLOATS)
    rows("Reshape", A(2, 3), V([3, 2], "int32"), dtypes="float32 string")
    rows("ConcatV2", [A(2, 3), A(1, 3)], V(0, "int32"))

`A(*shape)` is a random array of the row's dtype, `V(values, dtype)` a given one (``dtype=None``: the row's), a list of
them a list input. A file in `cases/` holds the rows of one op family in `ROWS`; `make_golden.py` runs them in TensorFlow
and stores what it gave (`golden/<family>.npz`), `test_rows.py` runs them here. Rows never import TensorFlow or calque.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FLOATS = "float32 float64 float16 bfloat16"
INTS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64"
SIGNED = "int8 int16 int32 int64"
COMPLEX = "complex64 complex128"
REAL = f"{FLOATS} {INTS}"
NUMERIC = f"{FLOATS} {INTS} {COMPLEX}"


def numpy_dtype(name: str) -> np.dtype:
    """The numpy dtype of a TensorFlow dtype name."""
    if name == "string":
        return np.dtype(object)
    if name in ("bool", "bool_"):
        return np.dtype(bool)
    if hasattr(np, name):
        return np.dtype(name)
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, name))


@dataclass(frozen=True)
class A:
    """A random array of that shape: uniform in [low, high), integers in the same range (unsigned: from 0)."""

    shape: tuple[int, ...]
    low: float
    high: float
    dtype: str | None

    def __init__(self, *shape: int, low: float = -2.0, high: float = 3.0, dtype: str | None = None) -> None:
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        object.__setattr__(self, "dtype", dtype)

    def make(self, dtype: str, random: np.random.RandomState) -> np.ndarray:
        kind = numpy_dtype(self.dtype or dtype)
        if kind.kind == "O":
            words = [b"", b"a", b"Hello", "h\u00e9llo".encode(), b"two words", b"\x00\xff"]
            out = np.empty(int(np.prod(self.shape)), object)
            out[:] = [words[i] for i in random.randint(0, len(words), out.size)]
            return out.reshape(self.shape)
        if kind.kind == "b":
            return random.randint(0, 2, self.shape).astype(bool)
        if kind.kind in "iu":
            low = max(0.0, self.low) if kind.kind == "u" else self.low
            return random.randint(
                int(np.ceil(low)), max(int(np.ceil(low)) + 1, int(np.ceil(self.high))), self.shape
            ).astype(kind)
        value = random.uniform(self.low, self.high, self.shape)
        if kind.kind == "c":
            value = value + 1j * random.uniform(self.low, self.high, self.shape)
        return np.asarray(value).astype(kind)


@dataclass(frozen=True, eq=False)
class V:
    """These very values."""

    values: Any
    dtype: str | None = None

    def make(self, dtype: str, random: np.random.RandomState) -> np.ndarray:
        kind = numpy_dtype(self.dtype or dtype)
        if kind.kind == "O":
            flat = np.array(self.values, dtype=object)
            return flat if flat.shape else np.array(self.values, object)
        return np.array(self.values).astype(kind)


@dataclass(frozen=True, eq=False)
class Row:
    """One use of an op.

    Attributes:
        op: the op's registry name.
        inputs: specs by position; a list is a list input.
        attrs: attributes by name, as tf.raw_ops takes them (dtypes as names, strings as str).
        dtype: the row's dtype.
        label: what is particular about it, part of its id.
        error: the name of the error class that TensorFlow raises here, or "".
        grad: check gradients (float64 rows of differentiable ops only).
        rtol, atol: tolerance for floats; None: by dtype.
        compare: "values", or "shape" where values are random by nature.
    """

    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    label: str = ""
    error: str = ""
    grad: bool = True
    rtol: float | None = None
    atol: float | None = None
    compare: str = "values"

    @property
    def id(self) -> str:
        parts = [self.op, self.label, self.dtype]
        return "-".join(p for p in parts if p)

    def arrays(self) -> list[Any]:
        """The inputs' arrays, the same on every machine; list inputs as lists."""
        random = np.random.RandomState(zlib.crc32(self.id.encode()) & 0x7FFFFFFF)
        return [
            [x.make(self.dtype, random) for x in spec]
            if isinstance(spec, list)
            else spec.make(self.dtype, random)
            for spec in self.inputs
        ]


def rows(
    op: str,
    *inputs: Any,
    dtypes: str = "float32",
    label: str = "",
    error: str = "",
    grad: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    compare: str = "values",
    **attrs: Any,
) -> Iterator[Row]:
    """A row for each dtype named in `dtypes`."""
    for dtype in dtypes.split():
        own = {k: (dtype if v == "ROW" else v) for k, v in attrs.items()}
        yield Row(op, inputs, own, dtype, label, error, grad, rtol, atol, compare)
