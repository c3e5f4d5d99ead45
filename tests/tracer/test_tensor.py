"""Tensors: what probes cannot state (memory, messages, symbolic tensors)."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import calque as tf
from calque.tensor import EagerTensor, SymbolicTensor, TensorReference

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "bfloat16", "float32",
    "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "int4", "uint4",
]  # fmt: skip


def traced(build: Any, *specs: tf.TensorSpec) -> Any:
    """What `build` returned while it was traced (tensors of a graph that is finished)."""
    kept = []
    tf.function(lambda *args: kept.append(build(*args))).get_concrete_function(*specs)
    return kept[0]


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_every_dtype_goes_in_and_comes_out(name: str, shape: tuple[int, ...]) -> None:
    dtype = tf.as_dtype(name)
    array = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype.np)
    x = tf.constant(array)
    assert x.dtype is dtype
    assert x.shape == shape
    out = np.asarray(x.numpy())
    assert out.dtype == dtype.np
    np.testing.assert_array_equal(out, array)
    assert pickle.loads(pickle.dumps(x)).dtype is dtype
    assert f"dtype={name}" in repr(x)
    assert f"dtype={name}" in str(x)


def test_asarray_is_a_view_that_cannot_be_written_to() -> None:
    x = tf.zeros([3])
    view = np.asarray(x)
    assert np.shares_memory(view, np.asarray(x))
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1
    own = np.array(x)
    own[0] = 1
    assert x.numpy().tolist() == [0, 0, 0]


def test_numpy_is_the_callers_own() -> None:
    x = tf.zeros([3])
    assert not np.shares_memory(x.numpy(), np.asarray(x))
    assert type(tf.constant(1.5).numpy()) is np.float32
    assert type(tf.constant("a").numpy()) is bytes


def test_an_array_protocol_object_is_taken() -> None:
    class Holder:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array([1, 2], np.int16)

    assert tf.constant(Holder()).dtype is tf.int16


def test_results_do_not_alias_what_the_caller_can_change() -> None:
    a = np.arange(4, dtype=np.float32)
    kept = [
        tf.identity(a),
        tf.reshape(a, [2, 2]),
        tf.stack([a]),
        tf.function(lambda x: x)(a),
        tf.transpose(a),
    ]
    a[:] = 9
    for x in kept:
        assert sorted(np.ravel(x.numpy())) == [0, 1, 2, 3]


def test_big_arrays_of_python_numbers_convert() -> None:
    rows = [[float(i * j) for j in range(100)] for i in range(100)]
    np.testing.assert_array_equal(tf.constant(rows).numpy(), np.array(rows, np.float32))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, [2, 3]], "non-rectangular"),
        ([1, "a"], "mixed types"),
        (2**70, "out-of-range"),
        (None, "unsupported type"),
        ([[None]], "unsupported type"),
        ({}, "unsupported type"),
        (1e300, "out of range"),
    ],
)
def test_messages_of_refused_values(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tf.constant(value)


def test_messages_name_value_and_type() -> None:
    with pytest.raises(TypeError, match=r"Cannot convert 1\.5 to EagerTensor of dtype int32"):
        tf.constant(1.5, tf.int32)
    with pytest.raises(TypeError, match=r"its range, 0 to 255"):
        tf.constant(300, tf.uint8)
    with pytest.raises(ValueError, match="conversion requested dtype float32 for Tensor with dtype int32"):
        tf.convert_to_tensor(tf.constant(1), tf.float32)
    with pytest.raises(TypeError, match="6 elements"):
        tf.constant([1, 2, 3, 4, 5, 6], shape=[4])


def test_unhashable_and_references() -> None:
    x, y = tf.constant(1), tf.constant(1)
    with pytest.raises(TypeError, match=r"tensor\.ref\(\)"):
        hash(x)
    assert x.ref() == x.ref()
    assert x.ref() != y.ref()
    assert {x.ref(): "x", y.ref(): "y"}[x.ref()] == "x"
    assert isinstance(x.ref(), TensorReference)
    assert x.ref().deref() is x
    assert x.ref() != 1


def test_missing_attributes_say_what_to_do() -> None:
    with pytest.raises(AttributeError, match=r"numpy\(\)"):
        tf.constant(1).reshape  # noqa: B018
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        tf.constant(1).nonsense  # noqa: B018
    assert not hasattr(tf.constant(1), "name")


def test_copies() -> None:
    x = tf.constant([1, 2])
    assert copy.copy(x) is x
    assert copy.deepcopy(x).numpy().tolist() == [1, 2]


def test_tensors_can_be_referred_to_weakly_and_are_freed() -> None:
    x = tf.constant([1, 2])
    gone = weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None


def test_division_keeps_numpys_silence() -> None:
    with np.errstate(all="raise"):
        assert np.isinf((tf.constant(1.0) / 0).numpy())


def test_a_failing_op_names_itself_and_the_shapes() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as info:
        tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))
    assert info.value.op == "MatMul"
    assert "[2,3]" in str(info.value).replace(" ", "")
    with pytest.raises(tf.errors.InvalidArgumentError, match="AddV2.*int32 tensor but is a float"):
        tf.constant(1) + tf.constant(1.0)


# Symbolic tensors


def test_symbolic_text() -> None:
    x, y, z = traced(
        lambda a, b, c: (a, b, c), tf.TensorSpec([2, None]), tf.TensorSpec(None, tf.int32), tf.TensorSpec([])
    )
    assert repr(x) == "<tf.Tensor 'args_0:0' shape=(2, None) dtype=float32>"
    assert str(x) == 'Tensor("args_0:0", shape=(2, None), dtype=float32)'
    assert str(y) == 'Tensor("args_1:0", dtype=int32)'
    assert repr(y) == "<tf.Tensor 'args_1:0' shape=<unknown> dtype=int32>"
    assert str(z) == 'Tensor("args_2:0", shape=(), dtype=float32)'
    assert isinstance(x, SymbolicTensor)
    assert not isinstance(x, EagerTensor)


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (bool, tf.errors.OperatorNotAllowedInGraphError),
        (int, TypeError),
        (float, TypeError),
        (complex, TypeError),
        (lambda x: [1][x], TypeError),
        (np.array, NotImplementedError),
        (np.sin, NotImplementedError),
        (lambda x: x.numpy(), AttributeError),
        (iter, TypeError),
        (hash, TypeError),
        (len, TypeError),
    ],
)
def test_symbolic_tensors_have_no_value(use: Any, error: type[Exception]) -> None:
    here = []

    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        doubled = x * 2
        with pytest.raises(error) as info:
            use(doubled)
        here.append(str(info.value))
        return x

    f.get_concrete_function(tf.TensorSpec(None if use is len else []))
    assert here


def test_the_message_for_a_symbolic_bool_says_where_the_tensor_was_made() -> None:
    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        positive = x > 0
        return x if positive else -x

    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match=r"test_tensor\.py:\d+ in f"):
        f(tf.constant(1.0))


def test_symbolic_properties() -> None:
    x, y = traced(lambda a: (a, tf.sin(a)), tf.TensorSpec([2]))
    assert x.name == "args_0:0"
    assert y.op.name == "Sin"
    assert y.op.type == "Sin"
    assert y.op.inputs[0].op == x.op
    assert y.value_index == 0
    assert y.graph is x.graph
    assert x.device == ""
    assert y.op.outputs[0].name == y.name
    assert repr(y.op) == "<tf.Operation 'Sin' type=Sin>"
    assert isinstance(y.op, tf.Operation)
    assert y.op.values()[0].shape == [2]
    assert y.op.control_inputs == []
    assert y.op.get_attr("T") is tf.float32
    with pytest.raises(ValueError, match="has no attr named 'nonsense'"):
        y.op.get_attr("nonsense")


def test_iterating_over_a_symbolic_tensor_of_unknown_length_is_refused() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None])], autograph=False)
    def f(x: Any) -> Any:
        return list(x)

    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError, match="iterator"):
        f([1.0])


def test_bfloat16_arrays_are_ml_dtypes() -> None:
    assert tf.constant(1.5, tf.bfloat16).numpy().dtype == ml_dtypes.bfloat16


def test_handles_print_and_have_no_array() -> None:
    handle = tf.Variable(1.0, name="weights").handle
    assert 'value=<ResourceHandle(name="weights", device="/job:localhost' in repr(handle)
    assert f"{handle}" in str(handle)
    for ask in (handle.numpy, lambda: np.asarray(handle)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot convert a Tensor of dtype resource"):
            ask()
    with pytest.raises(BufferError if sys.version_info >= (3, 12) else TypeError):
        memoryview(handle)


def test_eager_tensors_take_attributes_and_check_shapes() -> None:
    x = tf.constant([1, 2])
    x.note = "kept"  # type: ignore[attr-defined]
    assert x.note == "kept"  # type: ignore[attr-defined]
    x.set_shape([None])
    with pytest.raises(ValueError, match="not compatible with supplied shape"):
        x.set_shape([3])
