"""Rows of ops/quantize.py."""

from __future__ import annotations

from ops.rows import FLOATS, A, Row, V, rows

BAD = "InvalidArgumentError"


def F(value: object) -> V:
    return V(value, "float32")


X = A(3, 5, 4, low=-9.0, high=9.0)
ARGS, VARS, CHANNELS = (f"FakeQuantWithMinMax{kind}" for kind in ("Args", "Vars", "VarsPerChannel"))
LOWS, HIGHS = F([-1.0, -3.0, 0.0, 0.5]), F([2.0, 0.0, 0.0, 6.0])
ROWS: list[Row] = [
    *rows(ARGS, X),
    *rows(ARGS, X, min=-1.0, max=5.0, num_bits=4, narrow_range=True, label="narrow"),
    *rows(ARGS, X, min=1.0, max=5.0, label="above"),
    *rows(ARGS, X, min=3.0, max=1.0, label="swapped", error=BAD),
    *rows(f"{ARGS}Gradient", A(3, 4), A(3, 4, low=-4.0, high=4.0), min=-1.0, max=2.0),
    *rows(f"{ARGS}Gradient", A(3, 4), A(3, 3), label="mismatch", error=BAD),
    *rows(VARS, X, F(-2.0), F(7.0), num_bits=6),
    *rows(VARS, X, F(0.0), F(0.0), label="nothing"),
    *rows(VARS, X, F([0.0]), F([0.0]), label="rank", error=BAD),
    *rows(f"{VARS}Gradient", A(3, 4), A(3, 4, low=-4.0, high=4.0), F(-1.0), F(2.0)),
    *rows(f"{VARS}Gradient", A(3, 4), A(3, 4), F(0.0), F(0.0), label="nothing"),
    *rows(CHANNELS, X, LOWS, HIGHS),
    *rows(CHANNELS, A(4), LOWS, HIGHS, narrow_range=True, label="vector"),
    *rows(CHANNELS, X, F([1.0]), F([1.0]), label="mismatch", error=BAD),
    *rows(f"{CHANNELS}Gradient", A(5, 4), A(5, 4, low=-4.0, high=4.0), LOWS, HIGHS),
    *rows(f"{CHANNELS}Gradient", A(4), A(4, low=-4.0, high=4.0), LOWS, HIGHS, label="vector"),
]
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
            V([-3.0, -1.0, 0.0, -8.0]),
            V([1.0, 5.0, 2.0, 0.0]),
            *bits,
            **given,
            range_given=True,
            axis=2,
            label="channels",
        ),
        *rows(name, X, V([0.0] * 5), V([0.0] * 5), *bits, **given, range_given=False, axis=1, label="auto_channels"),
        *rows(name, X, high, low, *bits, **given, range_given=True, label="swapped", error=BAD),
    ]
    if not bits:
        ROWS += rows(name, X, low, high, range_given=True, round_mode="HALF_UP", label="up")
ROWS += [
    *rows("QuantizeAndDequantizeV4Grad", A(3, 4), A(3, 4), V(-1.0), V(1.0), dtypes=f"{FLOATS}"),
    *rows("QuantizeAndDequantizeV4Grad", A(3, 2), A(3, 2), V([-1.0, 0.0]), V([1.0, 2.0]), axis=1, label="channels"),
]
