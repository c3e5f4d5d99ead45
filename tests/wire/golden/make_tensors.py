"""Writes tensors.json: TensorProtos as TensorFlow writes and reads them. Run it with TensorFlow's Python.

    python tests/wire/golden/make_tensors.py

"written": what make_tensor_proto makes of an array; "read": hand-made protos and what parse_tensor, which
is the reader of Const nodes too, makes of them. Arrays are stored as the hex of their raw elements, string
arrays as lists of hex.
"""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import tensorflow as tf

OUT = Path(__file__).with_name("tensors.json")
SHAPES = [(), (1,), (3,), (2, 2), (0,), (2, 0, 3), (1, 1, 1)]
FLOATS = "float16 bfloat16 float32 float64 float8_e5m2 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz"
NARROW = "int4 uint4 int2 uint2"
INTS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64"
QUANTIZED = {
    "qint8": np.int8,
    "quint8": np.uint8,
    "qint16": np.int16,
    "quint16": np.uint16,
    "qint32": np.int32,
}


def samples(name):
    """A cycle of telling values of a type: extremes, zeros of both signs, not-a-number."""
    dtype = QUANTIZED.get(name) or tf.as_dtype(name).as_numpy_dtype
    if name in FLOATS.split():
        return np.array([1.5, -0.0, float("nan"), -2.0, float("inf"), 0.0625, 3.0], np.float32).astype(dtype)
    if name == "float4_e2m1fn":
        return np.array([1.5, -0.0, 6.0, -2.0, 0.5], np.float32).astype(dtype)
    if name.startswith("complex"):
        return np.array([1.5 - 2j, complex(-0.0, float("inf")), 0, 3j], dtype)
    if name == "bool":
        return np.array([True, False, True])
    info = ml_dtypes.iinfo(dtype) if name in NARROW.split() else np.iinfo(dtype)
    return np.array([int(info.min), int(info.max), 1, 0], dtype)


def raw(array):
    if array.dtype == object:
        return [x.hex() for x in array.ravel()]
    return array.tobytes().hex()


def written():
    names = [
        *FLOATS.split(),
        "float4_e2m1fn",
        *INTS.split(),
        *NARROW.split(),
        *QUANTIZED,
        "bool",
        "complex64",
        "complex128",
    ]
    for name in names:
        for i, shape in enumerate(SHAPES):
            array = np.resize(np.roll(samples(name), -i), shape)
            given = array
            if name in QUANTIZED:  # TensorFlow's numpy types for these are structures of one field
                given = array.view(tf.as_dtype(name).as_numpy_dtype)
            try:
                yield name, array, tf.make_tensor_proto(given, dtype=name)
            except TypeError as error:  # single elements of the fnuz types have no writer in TensorFlow 2.21
                print("left out:", name, shape, error)
    strings = np.array(
        [b"", b"a\0b\0", "\u00fcber".encode(), b"\xff\xfe", b"x" * 200, b"calque", b"q"], object
    )
    for shape in SHAPES:
        array = np.resize(strings, shape)
        yield "string", array, tf.make_tensor_proto(array, dtype="string")
    big = np.arange(70, dtype=np.uint16).reshape(7, 10)
    yield "uint16", big, tf.make_tensor_proto(big)


def proto(dtype, shape, **fields):
    return type(tf.make_tensor_proto(0))(
        dtype=tf.as_dtype(dtype).as_datatype_enum,
        tensor_shape=tf.TensorShape(shape).as_proto(),
        **fields,
    )


def read():
    short = {
        "float32": {"float_val": [1.0, 2.5]},
        "float64": {"double_val": [1.0, 2.5]},
        "int32": {"int_val": [3, -4]},
        "int8": {"int_val": [3, 200]},
        "uint8": {"int_val": [3, -1]},
        "int16": {"int_val": [3, 70000]},
        "uint16": {"int_val": [3, 65535]},
        "int64": {"int64_val": [3, -(2**40)]},
        "uint32": {"uint32_val": [3, 2**32 - 1]},
        "uint64": {"uint64_val": [3, 2**64 - 1]},
        "bool": {"bool_val": [False, True]},
        "half": {"half_val": [15360, 49152]},
        "bfloat16": {"half_val": [16320, 49024]},
        "complex64": {"scomplex_val": [1, 2, 3, 4]},
        "complex128": {"dcomplex_val": [1, 2, 3, 4]},
        "float8_e5m2": {"float8_val": b"\x3c\xbc"},
        "float8_e4m3fn": {"float8_val": b"\x3c\xbc"},
        "string": {"string_val": [b"a", b"bc"]},
        "int4": {"int_val": [7, -8]},
        "uint4": {"int_val": [3, 15]},
    }
    for name, fields in short.items():
        for shape in [(2,), (5,), (2, 3)]:
            yield f"{name} short", proto(name, shape, **fields)
        yield f"{name} none", proto(name, (3,))
        yield f"{name} empty", proto(name, (0, 4))
    yield "string content", proto("string", (3,), tensor_content=b"\x01\x00\x02abc")
    yield "string long content", proto("string", (2,), tensor_content=b"\xc8\x01\x01" + b"y" * 200 + b"z")
    yield "bool content", proto("bool", (3,), tensor_content=b"\x00\x01\x00")
    yield "uint16 content", proto("uint16", (2,), tensor_content=b"\x01\x00\xff\xff")
    yield (
        "complex64 content",
        proto("complex64", (1,), tensor_content=np.array([1 + 2j], np.complex64).tobytes()),
    )
    yield "int32 content beside a list", proto("int32", (1,), tensor_content=b"\x05\0\0\0", int_val=[9])


def main():
    write = [
        {
            "dtype": name,
            "shape": list(array.shape),
            "value": raw(array),
            "proto": made.SerializeToString().hex(),
        }
        for name, array, made in written()
    ]
    reads = []
    for what, made in read():
        parsed = tf.io.parse_tensor(made.SerializeToString(), tf.as_dtype(made.dtype))
        array = np.asarray(parsed.numpy(), dtype=object if made.dtype == 7 else None)
        name = tf.as_dtype(made.dtype).name
        reads.append({"what": what, "dtype": name, "shape": list(array.shape), "value": raw(array),
                      "proto": made.SerializeToString().hex()})  # fmt: skip
    rows = {"tensorflow": tf.__version__, "written": write, "read": reads}
    lines = [
        f' "{key}": [\n' + ",\n".join("  " + json.dumps(row) for row in rows[key]) + "\n ]"
        for key in ("written", "read")
    ]
    OUT.write_text(f'{{\n "tensorflow": "{tf.__version__}",\n' + ",\n".join(lines) + "\n}\n")


main()
