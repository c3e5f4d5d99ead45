"""Rows of ops/quantize_scaled.py."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

BAD = "InvalidArgumentError"


X = A(3, 5, 4, low=-9.0, high=9.0)
ROWS: list[Row] = []
LIMITS = V([-3.0, -1.0, 0.0, -8.0]), V([1.0, 5.0, 2.0, 0.0])
ROUNDED = [f"QuantizeAndDequantizeV{k}" for k in (2, 3, 4)]
for name in ROUNDED:
    bits = [V(5, "int32")] if name.endswith("3") else []
    given = {} if bits else {"num_bits": 5}
    low, high = V(-3.0), V(7.0)
    ROWS += [
        *rows(name, X, low, high, *bits, **given, range_given=True, dtypes="float32 float64"),
        *rows(name, X, low, high, *bits, **given, range_given=False, dtypes="float32 float64", label="auto"),
        *rows(name, X, low, high, *bits, **given, range_given=True, signed_input=False, label="unsigned"),
        *rows(name, X, low, high, *bits, **given, range_given=True, narrow_range=True, label="narrow"),
        *rows(
            name,
            X,
            V([0.0] * 5),
            V([0.0] * 5),
            *bits,
            **given,
            range_given=False,
            axis=1,
            label="auto_channels",
        ),
        *rows(name, X, high, low, *bits, **given, range_given=True, label="swapped", error=BAD),
    ]
    if bits:  # the other two ask for scalars here
        ROWS += rows(name, X, *LIMITS, *bits, range_given=True, axis=2, label="channels")
    else:
        ROWS += rows(name, X, low, high, range_given=True, round_mode="HALF_UP", label="up")
ROWS += [
    *rows(
        "QuantizeAndDequantizeV4Grad", A(3, 4), A(3, 4), V(-1.0), V(1.0), dtypes="float32 float64", grad=False
    ),
    *rows(
        "QuantizeAndDequantizeV4Grad",
        A(3, 2),
        A(3, 2),
        V([-1.0, 0.0]),
        V([1.0, 2.0]),
        axis=1,
        label="channels",
    ),
]
