"""Structured values against TensorFlow's coder (golden/messages.json), and what damaged ones give."""

import collections
import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calque_runtime import dtypes, errors
from calque_runtime.structure import (
    BoundedTensorSpecValue,
    NamedTupleValue,
    NumpyValue,
    ShapeValue,
    TensorSpecValue,
    TensorValue,
    TypeSpecValue,
)
from calque_runtime.wire import schema, structured, tensors

GOLDEN = json.loads((Path(__file__).with_name("golden") / "messages.json").read_text())["structured"]
SPEC = TensorSpecValue((None, 3), dtypes.float32, "images")

# What make_messages.py gave TensorFlow's coder, in calque's terms.
VALUES = {
    "none": None,
    "bool": True,
    "int": -(2**40),
    "float": 0.1,
    "str": "gr\u00fc\u00dfe",
    "list": [1, [2.0, "a"], []],
    "tuple": (1, (), (None, False)),
    "dict": {"a": {"": (2,)}, "b": 1},
    "named tuple": NamedTupleValue("Point", (("x", 1), ("y", [SPEC]))),
    "shape": ShapeValue((1, None)),
    "scalar shape": ShapeValue(()),
    "unknown shape": ShapeValue(None),
    "dtype": dtypes.bfloat16,
    "spec": SPEC,
    "nameless spec": TensorSpecValue(None, dtypes.string),
    "bounded spec": BoundedTensorSpecValue(
        (2,), dtypes.int32, "action", np.int32([0, 1]), np.array(9, np.int32)
    ),
    "ragged spec": TypeSpecValue(
        3, "RaggedTensorSpec", (ShapeValue((None, None)), dtypes.int64, 1, dtypes.int64), 2
    ),
    "sparse spec": TypeSpecValue(1, "SparseTensorSpec", (ShapeValue((None, 5)), dtypes.float32), 3),
    "dataset spec": TypeSpecValue(
        5,
        "DatasetSpec",
        (
            (TensorSpecValue((), dtypes.int64), {"x": TensorSpecValue((4,), dtypes.float32)}),
            ShapeValue(()),
        ),
        1,
    ),
    "tensor": TensorValue(np.float32([[1.5, 2.5]])),
    "numpy": NumpyValue(np.array([1, 2, 3], np.int16)),
    "signature": (([], {"inputs": SPEC}), {}),
}


def test_every_golden_value_is_compared():
    assert VALUES.keys() == GOLDEN.keys()


def same(a, b):
    """Equality that tells 1, 1.0 and True, list and tuple, and the order of dicts apart."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return a == b or (a != a and b != b)


@pytest.mark.parametrize("name", VALUES)
def test_decoding_is_tensorflows(name):
    proto = schema.parse(schema.StructuredValue, bytes.fromhex(GOLDEN[name]), name)
    assert same(structured.decode_value(proto, name), VALUES[name])


@pytest.mark.parametrize("name", VALUES)
def test_encoding_is_tensorflows(name):
    assert schema.serialize(structured.encode_value(VALUES[name]), name).hex() == GOLDEN[name]


def test_a_real_named_tuple():
    point = collections.namedtuple("Point", ["x", "y"])
    made = structured.encode_value(point(1, [SPEC]))
    assert schema.serialize(made, "x").hex() == GOLDEN["named tuple"]


def test_type_specs_by_themselves():
    spec = VALUES["ragged spec"]
    proto = structured.encode_type_spec(spec)
    assert proto == structured.encode_value(spec).type_spec_value
    assert structured.decode_type_spec(proto, "x") == spec


def test_values_compare_by_value():
    assert VALUES["bounded spec"] == BoundedTensorSpecValue(
        (2,), dtypes.int32, "action", np.int32([0, 1]), np.array(9, np.int32)
    )
    assert TensorValue(np.float32([1])) != TensorValue(np.float32([2]))
    assert TensorValue(np.float32([1])) != TensorValue(np.float64([1]))
    assert TensorValue(np.float32([1])) != NumpyValue(np.float32([1]))
    assert len({TensorValue(np.float32([1])), TensorValue(np.float32([1]))}) == 1
    assert {SPEC: 1}[TensorSpecValue((None, 3), dtypes.float32, "images")] == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "a object cannot be saved"),
        ({1: 2}, "the key 1, which is no string"),
        ([2**63], "does not fit the 64 bits"),
        ((-(2**63) - 1,), "does not fit the 64 bits"),
        ({"a": {1, 2}}, "a set cannot be saved"),
        (b"bytes", "a bytes cannot be saved"),
        (np.zeros(2), "a ndarray cannot be saved"),
    ],
)
def test_values_that_cannot_be_saved(value, said):
    with pytest.raises(errors.InvalidArgumentError, match=said):
        structured.encode_value(value)


def test_nesting():
    def nest(depth, wrap):
        value = 1
        for _ in range(depth):
            value = wrap(value)
        return value

    wraps = [
        lambda v: [v],
        lambda v: {"k": v},
        lambda v: NamedTupleValue("N", (("k", v),)),
        lambda v: TypeSpecValue(12, "C", v, 1),
    ]
    for wrap in wraps:
        value = nest(30, wrap)
        data = structured.encode_value(value).SerializeToString()
        assert structured.decode_value(schema.parse(schema.StructuredValue, data, "x"), "x") == value
        with pytest.raises(errors.InvalidArgumentError, match="nested more than 30 deep"):
            structured.encode_value(nest(31, wrap))


def test_reading_too_deep_a_message():
    proto = schema.StructuredValue()
    inner = proto
    for _ in range(90):
        inner = inner.list_value.values.add()
    inner.bool_value = True
    with pytest.raises(errors.DataLossError, match=r"function f.*nested more than 60 deep"):
        structured.decode_value(proto, "function f")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "function f: a value of no kind"),
        ("tuple_value { values { none_value {} } values {} }", r"function f\[1\]: a value of no kind"),
        ("dict_value { fields { key: 'a' value {} } }", r"function f\['a'\]: a value of no kind"),
        ("named_tuple_value { values { key: 'args' value {} } }", r"function f\.args: a value of no kind"),
        ("tensor_dtype_value: DT_INVALID", "function f: the dtype is missing"),
        ("tensor_spec_value { shape { dim { size: -7 } } dtype: DT_FLOAT }", "function f: shape .* below -1"),
        ("type_spec_value { type_spec_class_name: 'C' }", "function f, C: a value of no kind"),
        (
            "tensor_value { dtype: DT_FLOAT tensor_content: 'abc' tensor_shape {} }",
            "function f: tensor_content",
        ),
        (
            "bounded_tensor_spec_value { dtype: DT_FLOAT minimum { dtype: DT_FLOAT float_val: [1, 2] } }",
            r"function f\.minimum: float_val has 2 values",
        ),
    ],
)
def test_damaged_values(text, said):
    proto = schema.from_text(schema.StructuredValue, text, "text")
    with pytest.raises(errors.DataLossError, match=said):
        structured.decode_value(proto, "function f")


def test_an_unknown_dtype():
    proto = schema.StructuredValue(tensor_dtype_value=77)
    with pytest.raises(errors.UnimplementedError, match="function f: dtype number 77"):
        structured.decode_value(proto, "function f")


shapes = st.none() | st.lists(st.none() | st.integers(0, 2**63 - 1), max_size=4).map(tuple)
some_dtypes = st.sampled_from([dtypes.float32, dtypes.string, dtypes.resource, dtypes.qint8])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | texts
    | some_dtypes
    | shapes.map(ShapeValue)
    | st.builds(TensorSpecValue, shapes, some_dtypes, texts)
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(texts, inner, max_size=3).map(lambda d: dict(sorted(d.items())))
        | st.builds(NamedTupleValue, texts, st.lists(st.tuples(texts, inner), max_size=3).map(tuple))
        | st.builds(TypeSpecValue, st.integers(0, 13), texts, inner, st.integers(0, 9))
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_any_value_survives(value):
    data = schema.serialize(structured.encode_value(value), "x")
    again = structured.decode_value(schema.parse(schema.StructuredValue, data, "x"), "x")
    assert repr(again) == repr(value)  # NaN is not equal to itself
    assert schema.serialize(structured.encode_value(again), "x") == data


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mutated_values_decode_or_raise_a_calque_error(data):
    damaged = bytearray.fromhex(GOLDEN[data.draw(st.sampled_from(sorted(GOLDEN)))])
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    said = "where"
    with mock.patch.object(tensors, "MAX_TENSOR_BYTES", 2**16):
        try:
            structured.decode_value(schema.parse(schema.StructuredValue, bytes(damaged), "where"), "where")
        except errors.OpError as error:
            said = error.message
    assert said.startswith("where")
