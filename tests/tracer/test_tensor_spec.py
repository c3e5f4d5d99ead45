"""TensorSpec and VariableSpec: values, texts and errors as measured with TensorFlow."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from calque.tensor import constant
from calque.tensor_spec import TensorSpec, TypeSpec, VariableSpec, type_spec_from_value
from calque.variable import Variable
from calque_runtime import dtypes


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (TensorSpec([2]), "TensorSpec(shape=(2,), dtype=tf.float32, name=None)"),
        (TensorSpec([2], "int32", "n"), "TensorSpec(shape=(2,), dtype=tf.int32, name='n')"),
        (TensorSpec(None), "TensorSpec(shape=<unknown>, dtype=tf.float32, name=None)"),
        (TensorSpec([None, 2], name="x"), "TensorSpec(shape=(None, 2), dtype=tf.float32, name='x')"),
        (TensorSpec([], dtypes.bfloat16), "TensorSpec(shape=(), dtype=tf.bfloat16, name=None)"),
        (VariableSpec([2]), "VariableSpec(shape=(2,), dtype=tf.float32, trainable=True, alias_id=None)"),
        (
            VariableSpec([2], np.int32, False, 3),
            "VariableSpec(shape=(2,), dtype=tf.int32, trainable=False, alias_id=3)",
        ),
    ],
)
def test_text_and_pickle(spec: TypeSpec, text: str) -> None:
    assert repr(spec) == str(spec) == text
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert isinstance(spec, TypeSpec)


def test_bad_arguments() -> None:
    with pytest.raises(TypeError):
        TensorSpec("x")
    with pytest.raises(TypeError):
        TensorSpec([2], "foo")


def test_from_tensor_and_spec() -> None:
    tensor = constant([1, 2])
    assert TensorSpec.from_tensor(tensor) == TensorSpec([2], dtypes.int32)
    assert TensorSpec.from_tensor(tensor, "q").name == "q"
    assert TensorSpec.from_spec(TensorSpec([2], name="old")).name == "old"
    assert TensorSpec.from_spec(TensorSpec([2], name="old"), "new").name == "new"
    for value in (3, Variable([1.0])):
        with pytest.raises(ValueError, match=r"`tensor` should be a tf\.Tensor"):
            TensorSpec.from_tensor(value)


def test_compatibility() -> None:
    spec = TensorSpec([2], dtypes.int32)
    assert spec.is_compatible_with(constant([1, 2]))
    assert not TensorSpec([3], dtypes.int32).is_compatible_with(constant([1, 2]))
    assert not TensorSpec([2]).is_compatible_with(constant([1, 2]))
    assert spec.is_compatible_with(TensorSpec([None], dtypes.int32, "x"))
    assert not spec.is_compatible_with(np.array([1, 2], np.int32))
    assert not spec.is_compatible_with([1, 2])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (TensorSpec([2]), TensorSpec([3]), TensorSpec([None])),
        (TensorSpec([2]), TensorSpec([3], "int32"), None),
        (TensorSpec([2], name="a"), TensorSpec([3], name="b"), None),
        (TensorSpec([2], name="a"), TensorSpec([3]), None),
        (TensorSpec([2], name="a"), TensorSpec([3], name="a"), TensorSpec([None], name="a")),
        (TensorSpec([2]), TensorSpec([3, 4]), TensorSpec(None)),
        (TensorSpec([2]), VariableSpec([2]), None),
        (TensorSpec([2]), 3, None),
        (VariableSpec([2]), VariableSpec([3]), VariableSpec([None])),
        (VariableSpec([2]), VariableSpec([2], trainable=False), None),
    ],
)
def test_common_supertype(a: TypeSpec, b: Any, expected: TypeSpec | None) -> None:
    assert a.most_specific_common_supertype([b]) == expected
    if expected is None:
        with pytest.raises(ValueError, match="No TypeSpec is compatible with both"):
            a.most_specific_compatible_type(b)
    else:
        assert a.most_specific_compatible_type(b) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (TensorSpec([2]), TensorSpec([None]), True),
        (TensorSpec([None]), TensorSpec([2]), False),
        (TensorSpec([2]), TensorSpec([2], "int32"), False),
        (TensorSpec([2], name="a"), TensorSpec([2], name="b"), False),
        (TensorSpec([2], name="a"), TensorSpec([2]), False),
        (TensorSpec([2]), TensorSpec([2], name="b"), True),
        (TensorSpec([2]), 3, False),
        (VariableSpec([2]), VariableSpec([None]), True),
        (VariableSpec([2]), VariableSpec([2], trainable=False), False),
        (VariableSpec([2]), TensorSpec([2]), False),
    ],
)
def test_subtypes(a: TypeSpec, b: Any, expected: bool) -> None:
    assert a.is_subtype_of(b) is expected


def test_equality_and_hash() -> None:
    assert TensorSpec([2]) == TensorSpec((2,))
    assert TensorSpec([2]) != TensorSpec([2], name="x")
    assert TensorSpec([2]) != TensorSpec([3])
    assert TensorSpec([2]) != 3
    assert hash(TensorSpec([2])) == hash(TensorSpec([2], name="b"))
    assert len({VariableSpec([2]), VariableSpec([2]), VariableSpec([2], trainable=False)}) == 2


def test_of_values() -> None:
    variable = Variable([1.0, 2.0], trainable=False)
    assert type_spec_from_value(constant(1)) == TensorSpec([], dtypes.int32)
    assert (
        type_spec_from_value(variable)
        == VariableSpec([2], trainable=False)
        == VariableSpec.from_value(variable)
    )
    assert type_spec_from_value(3) == TensorSpec([], dtypes.int32)
    assert type_spec_from_value(np.array(3)) == TensorSpec([], dtypes.int64)
    assert VariableSpec([2]).is_compatible_with(variable)
    assert not VariableSpec([3]).is_compatible_with(variable)
    with pytest.raises(TypeError, match="Could not build a TypeSpec"):
        type_spec_from_value(object())
