"""Variables: what probes cannot state (state, graphs, threads, messages)."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque.variable import Variable


def test_text_in_a_graph_and_without_a_value() -> None:
    v = tf.Variable([1.0, 2.0], name="w")
    seen = []
    tf.function(lambda: seen.append((repr(v), str(v)))).get_concrete_function()
    assert seen == [("<tf.Variable 'w:0' shape=(2,) dtype=float32>",) * 2]
    v._state.clear()
    assert repr(v) == "<tf.Variable 'w:0' shape=(2,) dtype=float32, numpy=<uninitialized>>"
    assert not v.is_initialized()
    with pytest.raises(tf.errors.FailedPreconditionError, match="'w' has no value"):
        v.read_value()


def test_no_aliasing() -> None:
    a = np.zeros(3, np.float32)
    v = tf.Variable(a)
    x = tf.constant([5.0, 5, 5])
    a[0] = 1
    assert v.numpy().tolist() == [0, 0, 0]
    v.numpy()[0] = 7
    assert v.numpy().tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(v)[0] = 7
    v.assign(x)
    v.assign_add([1.0, 1, 1])
    assert x.numpy().tolist() == [5, 5, 5]
    w = tf.Variable(v)
    v.assign_add([1.0, 1, 1])
    assert w.numpy().tolist() == [6, 6, 6]


def test_reads_keep_their_value() -> None:
    v = tf.Variable([[1.0, 2], [3, 4]])
    read, row, gathered = v.read_value(), v[0], v.sparse_read([0])
    v.scatter_nd_update([[0]], [[9.0, 9]])
    v.scatter_sub(tf.IndexedSlices([[1.0, 1]], [0]))
    assert read.numpy().tolist() == [[1, 2], [3, 4]]
    assert row.numpy().tolist() == [1, 2]
    assert gathered.numpy().tolist() == [[1, 2]]
    assert v.numpy().tolist() == [[8, 8], [3, 4]]


def test_copies() -> None:
    v = tf.Variable([1.0], trainable=False, name="v", constraint=abs, aggregation=tf.VariableAggregation.SUM)
    for other in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (other.name, other.trainable, other.constraint, other.aggregation) == ("v:0", False, abs, 1)
        other.assign([5.0])
    assert v.numpy() == [1.0]
    same = copy.copy(v)
    same.assign([2.0])
    assert v.numpy() == [2.0]


def test_the_initial_value_is_computed_outside_of_the_graph() -> None:
    eager = []

    def initial() -> Any:
        eager.append(tf.executing_eagerly())
        return tf.ones([2])

    made = []

    @tf.function
    def f() -> Any:
        if not made:
            made.append(tf.Variable(initial))
        return made[0] * 2

    assert f().numpy().tolist() == [2, 2]
    assert eager == [True]
    assert made[0].numpy().tolist() == [1, 1]


def test_an_initial_value_from_the_graph_is_computed_once() -> None:
    made: list[Any] = []
    c = tf.constant([1.0, 2.0])

    @tf.function
    def f(x: Any) -> Any:
        if not made:
            made.append(tf.Variable(tf.random.uniform([2]) + c + x))
        return made[0].read_value()

    first = f(tf.constant(10.0)).numpy()
    assert (first >= [11, 12]).all()
    np.testing.assert_array_equal(f(tf.constant(20.0)).numpy(), first)


def test_an_initial_value_that_needs_a_call_has_none_without_one() -> None:
    made: list[Any] = []

    @tf.function
    def f(x: Any) -> Any:
        made.append(tf.Variable(x * 2))
        return x

    with pytest.raises(ValueError, match="depends on the argument 'x'"):
        f.get_concrete_function(tf.TensorSpec([]))


def test_names_and_scopes_in_a_function() -> None:
    made: list[Any] = []

    @tf.function
    def f() -> Any:
        if not made:
            with tf.name_scope("layer"):
                made.append(tf.Variable(1.0, name="w"))
        return made[0].read_value()

    f()
    assert made[0].name == "layer/w:0"


def test_messages() -> None:
    v = tf.Variable([1.0, 2], name="w")
    with pytest.raises(ValueError, match=r"'w:0'.*\(2,\).*\(3,\)"):
        v.assign([1.0, 2, 3])
    with pytest.raises(ValueError, match="requested dtype float32 for Tensor with dtype int32"):
        v.assign(tf.constant([1, 2]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="shapes must be equal"):
        v.assign_add(1.0)
    with pytest.raises(RuntimeError, match="assign_add"):
        v += 1.0
    with pytest.raises(RuntimeError, match=r"assign\(variable \* value\)"):
        v *= 2.0
    with pytest.raises(TypeError, match=r"variable\.ref\(\)"):
        hash(v)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"updates have shape \[1\].*\[1, 2\]"):
        tf.Variable([[1.0, 2]]).scatter_update(tf.IndexedSlices([1.0], [0]))


def test_assignments_fit_in_a_graph_too() -> None:
    v = tf.Variable([1.0, 2])
    for build in (lambda: v.assign([1.0]), lambda: v.assign_add([1.0]), lambda: v.assign_sub([[1.0]])):
        with pytest.raises(ValueError, match="shape"):
            tf.function(build).get_concrete_function()


def test_numpy_in_a_graph_is_refused() -> None:
    v = tf.Variable(1.0)
    with pytest.raises(NotImplementedError, match="eager execution"):
        tf.function(lambda: v.numpy()).get_concrete_function()


def test_set_shape_narrows() -> None:
    v = tf.Variable([[1.0, 2]], shape=[None, None])
    v.set_shape([None, 2])
    assert v.shape.as_list() == [None, 2]
    with pytest.raises(ValueError, match="not compatible"):
        v.set_shape([1, 3])


def test_assign_add_from_many_threads_loses_nothing() -> None:
    v = tf.Variable(0)
    add = tf.function(lambda: v.assign_add(1))
    add()

    def work() -> None:
        for _ in range(200):
            v.assign_add(1)
            add()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert v.numpy() == 1 + 4 * 2 * 200


def test_a_variable_lives_as_long_as_a_function_that_uses_it() -> None:
    def make() -> tuple[Any, Any]:
        v = tf.Variable([1.0])
        f = tf.function(lambda x: x + v)
        f(1.0)
        return f, weakref.ref(v)

    f, gone = make()
    gc.collect()
    assert gone() is not None
    del f
    gc.collect()
    assert gone() is None


def test_state_can_be_wrapped() -> None:
    v = tf.Variable(1.0, name="v")
    same = Variable.from_state(v._state, trainable=False)
    v.assign(3.0)
    assert same.numpy() == 3
    assert not same.trainable


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "float16", "bfloat16", "float64", "complex64"])
def test_assign_add_and_sub_in_every_numeric_dtype(dtype: str) -> None:
    v = tf.Variable([5, 6], dtype=dtype)
    v.assign_add([1, 2])
    v.assign_sub([2, 2])
    assert v.dtype is tf.as_dtype(dtype)
    assert v.numpy().tolist() == [4, 6]
