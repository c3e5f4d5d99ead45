"""Rows of ops/signal.py."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"


def I(*values: int) -> V:  # noqa: E743
    return V(list(values), "int32")


ROWS: list[Row] = []
for suffix, shape in (("", (2, 6)), ("2D", (2, 3, 6)), ("3D", (2, 3, 4, 5))):
    rank = max(len(shape) - 1, 1)
    whole, last = shape[-rank:], shape[-1]
    shorter, half = (*whole[:-1], last - 1), (*shape[:-1], last // 2 + 1)
    for op in (f"FFT{suffix}", f"IFFT{suffix}"):
        ROWS += rows(op, A(*shape), dtypes="complex64 complex128")
        ROWS += rows(op, A(0, *whole), dtypes="complex64", label="empty")
    ROWS += [
        *rows(f"FFT{suffix}", A(), dtypes="complex64", label="rank", error=BAD),
        *rows(f"RFFT{suffix}", A(*shape), I(*whole)),
        *rows(f"RFFT{suffix}", A(*shape), I(*whole), Tcomplex="complex128", dtypes="float64"),
        *rows(f"RFFT{suffix}", A(*shape), I(*shorter), label="cut"),
        *rows(f"RFFT{suffix}", A(*shape), I(*whole[:-1], last + 1), label="short", error=BAD),
        *rows(f"RFFT{suffix}", A(*shape), I(*whole, 1), label="length", error=BAD),
        *rows(f"IRFFT{suffix}", A(*half), I(*whole), dtypes="complex64"),
        *rows(f"IRFFT{suffix}", A(*half), I(*whole), Treal="float64", dtypes="complex128"),
        *rows(f"IRFFT{suffix}", A(*half), I(*shorter), dtypes="complex64", label="cut"),
        *rows(
            f"IRFFT{suffix}", A(*half), I(*whole[:-1], last + 2), dtypes="complex64", label="short", error=BAD
        ),
    ]
