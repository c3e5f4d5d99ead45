"""TensorProtos against TensorFlow's writer and reader (golden/tensors.json), and what damaged ones give."""

import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calque_runtime import dtypes, errors
from calque_runtime.structure import ResourceHandle, VariantData
from calque_runtime.wire import schema, tensors

GOLDEN = json.loads((Path(__file__).with_name("golden") / "tensors.json").read_text())
ALL = sorted({row["dtype"] for row in GOLDEN["written"]})


def supported(name):
    """Has the installed ml_dtypes this type? The oldest one that calque takes lacks the narrowest."""
    try:
        return dtypes.as_dtype(name).np is not None
    except errors.UnimplementedError:
        return False


ROWS = {
    kind: [
        pytest.param(
            row,
            id=f"{row.get('what', row['dtype'])}-{row['shape']}",
            marks=pytest.mark.skipif(not supported(row["dtype"]), reason="ml_dtypes is too old"),
        )
        for row in GOLDEN[kind]
    ]
    for kind in ("written", "read")
}
READABLE = [row for row in GOLDEN["written"] + GOLDEN["read"] if supported(row["dtype"])]
USABLE = [name for name in ALL if supported(name)]


def array_of(row):
    dtype = dtypes.as_dtype(row["dtype"])
    if dtype is dtypes.string:
        array = np.empty(len(row["value"]), object)
        array[:] = [bytes.fromhex(x) for x in row["value"]]
    else:
        array = np.frombuffer(bytes.fromhex(row["value"]), dtype.np)
    return array.reshape(row["shape"])


def proto_of(row):
    return schema.parse(schema.TensorProto, bytes.fromhex(row["proto"]), "golden")


def assert_identical(got, want):
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if want.dtype == object:
        assert got.ravel().tolist() == want.ravel().tolist()
    elif want.dtype.name in ("int4", "uint4", "int2", "uint2"):  # their high bits are nobody's business
        assert got.astype(int).tolist() == want.astype(int).tolist()
    else:
        assert got.tobytes() == want.tobytes()  # NaN and the sign of zero too


def test_golden_covers_every_dtype_that_has_values():
    assert {dtypes.as_dtype(n).name for n in ALL} == {
        name for name in schema_names() if name not in ("resource", "variant")
    }


def schema_names():
    return {dtypes.as_dtype(n).name for n in schema.enum("DataType").values() if 0 < n < 100}


@pytest.mark.parametrize("row", ROWS["written"])
def test_encoding_is_tensorflows(row):
    made = tensors.encode_tensor(array_of(row), row["dtype"])
    assert schema.serialize(made, "tensor").hex() == row["proto"]


@pytest.mark.parametrize("row", ROWS["written"] + ROWS["read"])
def test_decoding_is_tensorflows(row):
    assert_identical(tensors.decode_tensor(proto_of(row), "golden"), array_of(row))


@pytest.mark.parametrize("name", ["float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz"])
@pytest.mark.parametrize("shape", [(), (1,), (0,), (4,)])
def test_types_that_tensorflow_writes_only_in_part(name, shape):
    array = np.resize(np.array([1.5, -2, 0, 0.25]).astype(dtypes.as_dtype(name).np), shape)
    assert_identical(tensors.decode_tensor(tensors.encode_tensor(array), "x"), array)


@pytest.mark.parametrize("name", [n for n in USABLE if n != "string"])
def test_non_contiguous_arrays(name):
    row = next(r for r in GOLDEN["written"] if r["dtype"] == name and r["shape"] == [2, 2])
    array = np.resize(array_of(row), (4, 6))
    for view in (array[::2, ::-1], array.T, np.broadcast_to(array[:1, :1], (3, 2))):
        made = tensors.encode_tensor(view, name)
        assert made == tensors.encode_tensor(np.ascontiguousarray(view), name)
        assert_identical(tensors.decode_tensor(made, "x"), np.ascontiguousarray(view))


def test_the_dtype_follows_from_the_array():
    assert tensors.encode_tensor(np.float32(1)).dtype == dtypes.float32.enum
    assert tensors.encode_tensor(np.array(["a", "b"])).dtype == dtypes.string.enum
    assert tensors.encode_tensor(np.array([b"a"])).string_val == [b"a"]
    assert tensors.encode_tensor(True).dtype == dtypes.bool.enum
    assert tensors.encode_tensor([1, 2], "int64").tensor_content == b"\1" + b"\0" * 7 + b"\2" + b"\0" * 7
    assert tensors.encode_tensor("caf\u00e9").string_val == ["caf\u00e9".encode()]
    assert tensors.encode_tensor(np.array([], object)).dtype == dtypes.string.enum


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (np.zeros(3, np.float64), "float32"),
        (np.zeros(3, np.int32), "string"),
        (np.array([1, 2], object), "string"),
        (np.array([b"a"], object), "variant"),
        (np.array([b"a"], object), "resource"),
        (np.array(["2020-01-01"], "datetime64[D]"), None),
        (2**70, "int32"),
        ([1, "a"], "float32"),
        ([[1], [1, 2]], "float32"),
    ],
)
def test_values_that_are_not_of_the_type(value, dtype):
    with pytest.raises(errors.InvalidArgumentError):
        tensors.encode_tensor(value, dtype)


def test_over_two_gigabytes_is_refused_before_it_is_copied():
    huge = np.broadcast_to(np.float32(0), (2**29,))
    with pytest.raises(errors.ResourceExhaustedError, match="2147483648 bytes"):
        tensors.encode_tensor(huge)


def test_large_content_is_not_copied():
    made = tensors.encode_tensor(np.arange(1000.0))
    array = tensors.decode_tensor(made, "x")
    assert not array.flags.owndata
    assert not array.flags.writeable
    assert array[999] == 999


# Shapes


@pytest.mark.parametrize("shape", [None, (), (0,), (3,), (None,), (2, None, 0), (2**63 - 1,)])
def test_shapes(shape):
    proto = tensors.encode_shape(shape)
    assert tensors.decode_shape(proto, "x") == shape
    again = schema.parse(schema.TensorShapeProto, proto.SerializeToString(), "x")
    assert tensors.decode_shape(again, "x") == shape


def test_shape_bytes():
    assert (
        tensors.encode_shape((None, 0, 5)).SerializeToString().hex()
        == "120b08ffffffffffffffffff01120012020805"
    )
    assert tensors.encode_shape(None).SerializeToString().hex() == "1801"


@pytest.mark.parametrize("shape", [(-1,), (2**63,)])
def test_shapes_that_cannot_be_saved(shape):
    with pytest.raises(errors.InvalidArgumentError):
        tensors.encode_shape(shape)


def test_damaged_shapes():
    low = schema.TensorShapeProto()
    low.dim.add(size=-2)
    both = schema.TensorShapeProto(unknown_rank=True)
    both.dim.add(size=2)
    for proto in low, both:
        with pytest.raises(errors.DataLossError, match="node w"):
            tensors.decode_shape(proto, "node w")


# Dtypes


def test_dtypes():
    for number in schema.enum("DataType").values():
        if number:
            assert tensors.decode_dtype(number, "x").enum == number


@pytest.mark.parametrize(
    ("number", "error"),
    [(0, errors.DataLossError), (99, errors.UnimplementedError), (-5, errors.UnimplementedError)],
)
def test_unknown_dtypes(number, error):
    with pytest.raises(error, match="attr 'T' of node w"):
        tensors.decode_dtype(number, "attr 'T' of node w")
    with pytest.raises(error, match="node w"):
        tensors.decode_tensor(schema.TensorProto(dtype=number), "node w")


def test_a_reference_type_gives_the_array_of_its_base():
    proto = tensors.encode_tensor(np.float32([1, 2]))
    proto.dtype = dtypes.float32.enum + 100
    assert_identical(tensors.decode_tensor(proto, "x"), np.float32([1, 2]))


# Damaged tensors


def proto(dtype, shape, **fields):
    made = schema.TensorProto(dtype=dtypes.as_dtype(dtype).enum, **fields)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


BAD = {
    "content too short": proto("float32", [2], tensor_content=b"\0" * 7),
    "content too long": proto("float32", [2], tensor_content=b"\0" * 9),
    "content of nothing": proto("float32", [0], tensor_content=b"\0" * 4),
    "content, lying shape": proto("float32", [2**62, 2**62], tensor_content=b"\0" * 4),
    "content of resources": proto("resource", [1], tensor_content=b"\0"),
    "too many values": proto("float32", [2], float_val=[1, 2, 3]),
    "values of nothing": proto("int32", [0], int_val=[1]),
    "half a complex": proto("complex64", [2], scomplex_val=[1, 2, 3]),
    "negative size": proto("float32", [-3], float_val=[1]),
    "unknown size": proto("float32", [-1], float_val=[1]),
    "unknown rank": schema.TensorProto(dtype=1, tensor_shape=tensors.encode_shape(None)),
    "string lengths cut": proto("string", [2], tensor_content=b"\x80\x80"),
    "string length endless": proto("string", [2], tensor_content=b"\x80" * 9 + b"\x01"),
    "strings cut": proto("string", [2], tensor_content=b"\x05\x05abc"),
    "strings too long": proto("string", [1], tensor_content=b"\x01abc"),
    "strings, lying shape": proto("string", [2**62], tensor_content=b"\x01a"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_damaged_tensors(bad):
    with pytest.raises(errors.DataLossError, match="node w, attr value"):
        tensors.decode_tensor(bad, "node w, attr value")


@pytest.mark.parametrize("dtype", ["float32", "complex128", "string", "bool", "int4", "variant"])
@pytest.mark.parametrize("shape", [[2**60], [2**62, 2**62], [2**31]])
def test_a_lying_shape_takes_no_memory(dtype, shape):
    with pytest.raises(errors.ResourceExhaustedError, match="limit is 2147483647"):
        tensors.decode_tensor(proto(dtype, shape), "x")


def test_a_shape_without_elements_may_have_huge_sizes():
    with pytest.raises(errors.UnimplementedError):
        tensors.decode_tensor(proto("float32", [0, 2**62, 2**62]), "x")
    assert tensors.decode_tensor(proto("float32", [0, 10**6]), "x").shape == (0, 10**6)


def test_a_rank_over_numpys():
    with pytest.raises(errors.UnimplementedError, match="no arrays of shape"):
        tensors.decode_tensor(proto("float32", [1] * 100), "x")


@pytest.mark.parametrize(("name", "want"), [("int4", [-1, 7, -8]), ("uint4", [15, 7, 8]), ("int2", [-1, -1, 0]), ("uint2", [3, 3, 0])])  # fmt: skip
def test_high_bits_of_narrow_types_do_not_count(name, want):
    if not supported(name):
        pytest.skip("ml_dtypes is too old")
    content = tensors.decode_tensor(proto(name, [3], tensor_content=b"\xff\x67\x58"), "x")
    listed = tensors.decode_tensor(proto(name, [3], int_val=[-1, 0x67, 0x58]), "x")
    assert content.astype(int).tolist() == listed.astype(int).tolist() == want


@pytest.mark.skipif(not supported("float4_e2m1fn"), reason="ml_dtypes is too old")
def test_float4_keeps_its_low_bits():
    array = tensors.decode_tensor(proto("float4_e2m1fn", [2], float8_val=b"\xf2\x0f"), "x")
    assert array.astype(float).tolist() == [1.0, -6.0]


def test_bool_content_is_true_for_any_bit():
    array = tensors.decode_tensor(proto("bool", [3], tensor_content=b"\x00\x02\xff"), "x")
    assert array.tobytes() == b"\0\1\1"


# Resources and variants


def test_resource_handles():
    handle = ResourceHandle(
        "/cpu:0", "c", "w", 2**64 - 1, "N10tensorflow3VarE", ((dtypes.float32, (None, 2)),)
    )
    array = np.array([[handle, ResourceHandle()]], object)
    made = tensors.encode_tensor(array)
    assert made.dtype == dtypes.resource.enum
    assert made.resource_handle_val[0].dtypes_and_shapes[0].shape.dim[1].size == 2
    assert tensors.decode_tensor(made, "x").tolist() == array.tolist()


def test_variants():
    inner = VariantData("inner", b"", (np.array([b"x", b"y"], object),), (dtypes.string,))
    nest = np.empty((), object)
    nest[()] = inner
    parts = (np.arange(4, dtype=np.int8), nest, np.zeros((0, 2), object))
    outer = VariantData(
        "tensorflow::TensorList", b"\x01\x02", parts, (dtypes.qint8, dtypes.variant, dtypes.variant)
    )
    made = tensors.encode_tensor(np.array([outer, VariantData("t")], object))
    assert [t.dtype for t in made.variant_val[0].tensors] == [d.enum for d in outer.dtypes]
    again = tensors.decode_tensor(schema.parse(schema.TensorProto, made.SerializeToString(), "x"), "x")
    assert again.tolist() == [outer, VariantData("t")]
    assert again[0].tensors[1][()].tensors[0].tolist() == [b"x", b"y"]


def test_variants_differ_by_what_they_hold():
    def one(*values, kind=np.float32):
        return VariantData("t", b"", (np.array(values, kind),), (dtypes.float32,))

    assert one(1, 2) == one(1, 2)
    assert hash(one(1, 2)) == hash(one(1, 2))
    assert one(1, 2) != one(1, 3)
    assert one(1, 2) != one(1, 2, kind=np.float64)
    assert one() != VariantData("t")


def test_variant_dtypes_must_match_its_tensors():
    untyped = tensors.encode_tensor(np.array([VariantData("t", b"", (np.zeros(2),))], object))
    assert untyped.variant_val[0].tensors[0].dtype == dtypes.float64.enum
    with pytest.raises(errors.InvalidArgumentError, match="1 tensors and 2 dtypes"):
        tensors.encode_tensor(
            np.array([VariantData("t", b"", (np.zeros(2),), (dtypes.float64,) * 2)], object)
        )


def test_an_error_inside_a_variant_says_where():
    bad = proto("variant", [1])
    bad.variant_val.add(type_name="T", tensors=[proto("float32", [2], tensor_content=b"x")])
    with pytest.raises(errors.DataLossError, match="node w, variant 'T'"):
        tensors.decode_tensor(bad, "node w")


# Any bytes at all


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_tensors_decode_or_raise_a_calque_error(data):
    row = data.draw(st.sampled_from(READABLE))
    damaged = bytearray.fromhex(row["proto"])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with mock.patch.object(tensors, "MAX_TENSOR_BYTES", 2**16):
        try:
            array = tensors.decode_tensor(schema.parse(schema.TensorProto, bytes(damaged), "x"), "x")
        except errors.OpError as error:
            said = error.message
        else:
            said = f"x has {array.nbytes} bytes"
            assert array.nbytes <= 2**16
    assert said.startswith("x")


@settings(max_examples=200, deadline=None)
@given(st.integers(-1, 40) | st.integers(-(2**63), 2**63 - 1).filter(lambda n: n > 10**10 or n < 0), st.sampled_from(USABLE), st.binary(max_size=24))  # fmt: skip
def test_any_size_and_content(size, name, content):
    try:
        array = tensors.decode_tensor(proto(name, [size], tensor_content=content), "x")
    except errors.OpError:
        return
    assert array.shape == (size,)
