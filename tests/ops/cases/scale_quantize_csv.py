"""Images scaled by kernels, fake quantization, comma-separated values."""

from __future__ import annotations

from ops.rows import A, Row, V, rows

ROWS: list[Row] = []

_KINDS = ("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic")
for kind in _KINDS:
    for antialias in (True, False):
        for label, size, scale, move in (
            ("smaller", (4, 3), (0.5, 0.375), (0.0, 0.0)),
            ("bigger", (11, 17), (1.5714, 2.125), (0.0, 0.0)),
            ("moved", (7, 9), (1.25, 0.8), (-1.5, 2.25)),
        ):
            ROWS += rows(
                "ScaleAndTranslate",
                A(2, 7, 8, 3),
                V(size, "int32"),
                V(scale, "float32"),
                V(move, "float32"),
                label=f"{kind}-{label}" + ("" if antialias else "-sharp"),
                kernel_type=kind,
                antialias=antialias,
            )
            if kind in ("lanczos3", "triangle"):
                ROWS += rows(
                    "ScaleAndTranslateGrad",
                    A(2, *size, 3),
                    A(2, 7, 8, 3),
                    V(scale, "float32"),
                    V(move, "float32"),
                    label=f"{kind}-{label}" + ("" if antialias else "-sharp"),
                    kernel_type=kind,
                    antialias=antialias,
                )
_PLACE = (V((5, 4), "int32"), V((0.7, 1.3), "float32"), V((0.0, 1.0), "float32"))
ROWS += rows(
    "ScaleAndTranslate",
    A(1, 6, 5, 2, high=9),
    *_PLACE,
    dtypes="int8 uint8 int32 int64 float64 float16 bfloat16",
    grad=False,
)
ROWS += rows("ScaleAndTranslate", A(0, 6, 5, 2), *_PLACE, label="no-images")
for scale, move in (((1e-37, 1.0), (0.0, 0.0)), ((1e38, 1.0), (0.0, 0.0)), ((1e-3, 2.0), (3.0, 1e30))):
    ROWS += rows(
        "ScaleAndTranslate",
        A(1, 6, 5, 2),
        V((5, 4), "int32"),
        V(scale, "float32"),
        V(move, "float32"),
        label=f"extreme-{scale[0]}",
    )
ROWS += rows("ScaleAndTranslate", A(6, 5, 2), *_PLACE, label="rank", error="InvalidArgumentError")
ROWS += rows(
    "ScaleAndTranslate",
    A(1, 6, 5, 2),
    V((5, 4), "int32"),
    V((0.0, 1.0), "float32"),
    V((0.0, 0.0), "float32"),
    label="zero",
    error="InvalidArgumentError",
)

_X = A(3, 5, low=-8, high=8)
for attrs in (
    {},
    {"min": -1.0, "max": 3.0},
    {"min": 0.5, "max": 2.0, "num_bits": 4},
    {"min": -3.0, "max": -0.2, "narrow_range": True},
):
    label = "-".join(f"{k}{v}" for k, v in attrs.items())
    ROWS += rows("FakeQuantWithMinMaxArgs", _X, label=label, **attrs)
    ROWS += rows("FakeQuantWithMinMaxArgsGradient", A(3, 5), _X, label=label, **attrs)
for low, high in ((-6.0, 6.0), (-1.3, 3.7), (0.5, 2.0), (-3.0, -0.25), (0.0, 0.0)):
    for attrs in ({}, {"num_bits": 3, "narrow_range": True}):
        label = f"{low}-{high}-{attrs.get('num_bits', 8)}"
        limits = V(low, "float32"), V(high, "float32")
        ROWS += rows("FakeQuantWithMinMaxVars", _X, *limits, label=label, **attrs)
        ROWS += rows("FakeQuantWithMinMaxVarsGradient", A(3, 5), _X, *limits, label=label, **attrs)
for x, g in (
    (A(3, 4, low=-8, high=8), A(3, 4)),
    (A(2, 2, 3, 4, low=-8, high=8), A(2, 2, 3, 4)),
    (A(4, low=-8, high=8), A(4)),
):
    limits = V((-1.0, -3.0, 0.25, 0.0), "float32"), V((2.0, 5.0, 4.0, 0.0), "float32")
    ROWS += rows("FakeQuantWithMinMaxVarsPerChannel", x, *limits, label=f"rank{len(x.shape)}")
    ROWS += rows("FakeQuantWithMinMaxVarsPerChannelGradient", g, x, *limits, label=f"rank{len(x.shape)}")
ROWS += rows("FakeQuantWithMinMaxArgs", _X, label="order", min=2.0, max=1.0, error="InvalidArgumentError")
ROWS += rows("FakeQuantWithMinMaxArgs", _X, label="bits", num_bits=17, error="InvalidArgumentError")
ROWS += rows(
    "FakeQuantWithMinMaxVars",
    _X,
    V((0.0, 1.0), "float32"),
    V(1.0, "float32"),
    label="vector",
    error="InvalidArgumentError",
)
ROWS += rows(
    "FakeQuantWithMinMaxVarsPerChannel",
    _X,
    V(0.0, "float32"),
    V(1.0, "float32"),
    label="scalar",
    error="InvalidArgumentError",
)

_DEFAULTS = [V([7], "int32"), V([b"none"], "string"), V([1.5], "float32")]


def _csv(label: str, lines: object, defaults: list[V] = _DEFAULTS, error: str = "", **attrs: object) -> None:
    ROWS.extend(
        rows("DecodeCSV", V(lines, "string"), defaults, dtypes="string", label=label, error=error, **attrs)
    )


_csv("plain", [b"1,a,2.5", b"2,b c,-1e3", b" 3 , d , 4 "])
_csv("empty-fields", [b"1,,2.5", b",b,", b",,"])
_csv("quotes", [b'1,"a,b",2.5', b'2,"say ""hi""",3', b'3,"two\nlines","4"'])
_csv("newline", [b"1,a,2.5\n", b"\r\n2,b,3\r\n"], use_quote_delim=False, error="InvalidArgumentError")
_csv("no-quotes", [b'1,"a",2.5', b'2,b"c,3'], use_quote_delim=False)
_csv("tabs", [b"1\ta\t2.5", b"2\tb,c\t3"], field_delim="\t")
_csv("missing-value", [b"NA,a,2.5", b"1,NA,NA"], na_value="NA")
_csv("line-ends", [b"\n1,\r\n a,2.5", b"3,b,0x10"])
_csv("end-of-line", [b"1,a,2.5\n"], error="InvalidArgumentError")
_csv("scalar", b"1,a,2.5")
_csv("matrix", [[b"1,a,2.5", b"2,b,3"], [b"3,c,4", b"4,d,5"]])
_csv("selected", [b"9,1,x,a,2.5", b"9,2,y,b,3"], select_cols=[1, 3, 4])
_csv(
    "types",
    [b"-9223372036854775808,inf,1e-3", b"5,-2.5,nan"],
    [V([0], "int64"), V([0], "float64"), V([0], "float64")],
)
_csv("required", [b"1,a,2.5", b",b,3"], [V([], "int32"), *_DEFAULTS[1:]], error="InvalidArgumentError")
_csv("given", [b"1,a,2.5", b"5,b,3"], [V([], "int32"), *_DEFAULTS[1:]])
_csv("too-few", [b"1,a"], error="InvalidArgumentError")
_csv("too-many", [b"1,a,2,3"], error="InvalidArgumentError")
_csv("empty-line", [b""], error="InvalidArgumentError")
_csv("bad-int", [b"1.5,a,2"], error="InvalidArgumentError")
_csv("int-range", [b"2147483648,a,2"], error="InvalidArgumentError")
_csv("bad-float", [b"1,a,x"], error="InvalidArgumentError")
_csv("underscore", [b"1_0,a,1"], error="InvalidArgumentError")
_csv("open-quote", [b'1,"a,2'], error="InvalidArgumentError")
_csv("after-quote", [b'1,"a"b,2'], error="InvalidArgumentError")
_csv("quote-inside", [b'1,a"b,2'], error="InvalidArgumentError")
_csv("delimiter", [b"1,a,2"], field_delim=",,", error="InvalidArgumentError")
_csv("order", [b"1,a,2"], select_cols=[2, 1, 0], error="InvalidArgumentError")
