"""Rows of ops/random.py and ops/sampling.py.

Stateless ops give TensorFlow's numbers: bits, integers and uniforms exactly, the others to the last digits. Rows of
stateful ops compare shapes; `test_random.py` compares their sequences.
"""

from __future__ import annotations

from ops.rows import FLOATS, A, Row, V, rows

SHAPE = V([3, 5], "int32")
SEED = V([12, -34], "int64")
KEY = V([10413732777507651514], "uint64")
COUNTER = V(
    [18446744073709551614, 17830669156045600267], "uint64"
)  # the lower half wraps within a few blocks
PHILOX = V(1, "int32")
STREAM = (KEY, COUNTER, PHILOX)
BAD = "InvalidArgumentError"

# Exact bits, but for what the math library makes of logarithms and sines.
ULPS = {"float32": 5e-7, "float64": 1e-15, "float16": 1e-3, "bfloat16": 8e-3}

ROWS: list[Row] = [
    *rows("StatelessRandomGetKeyCounter", V([1, 2], "int64"), dtypes="int64"),
    *rows("StatelessRandomGetKeyCounter", V([-5, 2147483647], "int32"), dtypes="int32"),
    *rows("StatelessRandomGetKeyCounter", V([1, 2, 3], "int64"), label="length", error=BAD),
    *rows("StatelessRandomGetKeyCounterAlg", V([1, 2], "int64"), dtypes="int64"),
    *rows("StatelessRandomGetAlg", dtypes="int32"),
    *rows("StatelessRandomUniform", SHAPE, SEED, dtypes=FLOATS, rtol=0, dtype="ROW"),
    *rows("StatelessRandomUniformV2", SHAPE, *STREAM, dtypes=FLOATS, rtol=0, dtype="ROW"),
    *rows("StatelessRandomUniformV2", V([2003], "int64"), *STREAM, label="long", rtol=0, dtype="ROW"),
    *rows("StatelessRandomUniformV2", V([], "int32"), *STREAM, label="scalar", rtol=0, dtype="ROW"),
    *rows("StatelessRandomUniformV2", V([2, 0], "int32"), *STREAM, label="empty", dtype="ROW"),
    *rows("StatelessRandomUniformV2", SHAPE, KEY, COUNTER, V(3, "int32"), label="auto", rtol=0, dtype="ROW"),
    *rows("StatelessRandomUniformV2", SHAPE, KEY, COUNTER, V(2, "int32"), label="threefry", error=BAD),
    *rows("StatelessRandomUniformV2", SHAPE, V([1, 2], "uint64"), COUNTER, PHILOX, label="key", error=BAD),
    *rows("StatelessRandomUniformV2", V([-3], "int32"), *STREAM, label="negative", error=BAD),
    *rows("StatelessRandomUniformV2", V(3, "int32"), *STREAM, label="no-vector", error=BAD),
    *rows("StatelessRandomUniform", SHAPE, V([1, 2, 3], "int64"), label="seed", error=BAD),
    *rows("StatelessRandomUniformInt", SHAPE, SEED, V(-7), V(1000), dtypes="int32 int64"),
    *rows("StatelessRandomUniformIntV2", SHAPE, *STREAM, V(-7), V(1000), dtypes="int32 int64"),
    *rows(
        "StatelessRandomUniformIntV2", SHAPE, *STREAM, V(-(2**31)), V(2**31 - 1), dtypes="int32", label="wide"
    ),
    *rows("StatelessRandomUniformIntV2", SHAPE, *STREAM, V(3), V(3), dtypes="int32", label="none", error=BAD),
    *rows(
        "StatelessRandomUniformIntV2", SHAPE, *STREAM, V([3]), V(9), dtypes="int32", label="vector", error=BAD
    ),
    *rows("StatelessRandomUniformInt", V([0], "int32"), SEED, V(5), V(3), dtypes="int32", label="empty"),
    *rows("StatelessRandomUniformFullInt", SHAPE, SEED, dtypes="int32 int64 uint32 uint64", dtype="ROW"),
    *rows("StatelessRandomUniformFullIntV2", SHAPE, *STREAM, dtypes="int32 int64 uint32 uint64", dtype="ROW"),
    *rows("StatelessShuffle", A(17, 2), *STREAM, dtypes="int64 float32 string"),
    *rows("StatelessShuffle", A(1), *STREAM, dtypes="float32", label="one"),
    *rows("StatelessMultinomial", A(3, 7), V(5, "int32"), SEED, dtypes="float32 float64", grad=False),
    *rows("StatelessMultinomial", A(2, 4), V(6, "int32"), SEED, label="int32", output_dtype="int32"),
    *rows(
        "StatelessMultinomial",
        V([[float("nan"), 1.0, float("inf"), float("-inf"), 0.0]]),
        V(20, "int32"),
        SEED,
        label="not-finite",
    ),
    *rows("StatelessMultinomial", A(3), V(5, "int32"), SEED, label="vector", error=BAD),
    *rows("StatelessMultinomial", A(2, 0), V(5, "int32"), SEED, label="no-classes", error=BAD),
    *rows("StatelessMultinomial", A(2, 3), V(-5, "int32"), SEED, label="negative", error=BAD),
    # Stateful ops.
    *rows("RandomUniform", SHAPE, dtypes=FLOATS, compare="shape", dtype="ROW", seed=1, seed2=2),
    *rows("RandomUniform", SHAPE, compare="shape", label="unseeded", dtype="ROW"),
    *rows("RandomUniform", V([3, -1], "int32"), label="negative", error=BAD, dtype="ROW"),
    *rows("RandomStandardNormal", SHAPE, dtypes=FLOATS, compare="shape", dtype="ROW", seed=1, seed2=-2),
    *rows("TruncatedNormal", SHAPE, dtypes=FLOATS, compare="shape", dtype="ROW", seed=-1),
    *rows("RandomUniformInt", SHAPE, V(-5), V(50), dtypes="int32 int64", compare="shape", seed2=7),
    *rows("RandomUniformInt", SHAPE, V(5), V(3), dtypes="int32", label="none", error=BAD),
    *rows("RandomShuffle", A(101), dtypes="float32 int64", compare="shape", seed=3, seed2=4),
    *rows("Multinomial", A(3, 7), V(5, "int32"), compare="shape", seed=3, seed2=4),
    *rows("RandomGamma", V([4], "int32"), V([0.3, 1.0, 2.0, 50.0]), compare="shape", seed=3, seed2=4),
    *rows("RandomPoissonV2", V([4], "int32"), V([0.3, 9.0, 20.0]), compare="shape", seed=3, seed2=4),
]

for _dtype in FLOATS.split():
    for _name in ("StatelessRandomNormal", "StatelessTruncatedNormal"):
        ROWS += rows(_name, SHAPE, SEED, dtypes=_dtype, rtol=ULPS[_dtype], dtype="ROW")
        ROWS += rows(_name + "V2", V([1003], "int64"), *STREAM, dtypes=_dtype, rtol=ULPS[_dtype], dtype="ROW")
for _dtype in ("float16", "float32", "float64"):
    _alpha = V([[0.1, 0.5, 1.0, 1.3], [0.0, 10.0, 1000.0, float("nan")]])
    _how = {"dtypes": _dtype, "rtol": ULPS[_dtype] * 10, "grad": False}
    ROWS += rows("StatelessRandomGammaV2", V([50, 2, 4], "int32"), SEED, _alpha, **_how)
    ROWS += rows("StatelessRandomGammaV3", V([50, 2, 4], "int32"), *STREAM, _alpha, **_how)
    _rate = V([0.0, 0.1, 1.0, 9.0, 10.0, 20.0, 1000.0, -4.0])
    ROWS += rows(
        "StatelessRandomPoisson", V([50, 8], "int32"), SEED, _rate, dtypes=_dtype, grad=False, dtype="ROW"
    )
    ROWS += rows(
        "StatelessRandomPoisson",
        V([50, 8], "int32"),
        SEED,
        _rate,
        label="int",
        dtypes=_dtype,
        grad=False,
        dtype="int32",
    )
ROWS += rows("StatelessRandomGammaV2", V([3, 5], "int32"), SEED, V([1.0, 2.0]), label="shape", error=BAD)
