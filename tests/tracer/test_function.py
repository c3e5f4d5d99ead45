"""`function`: what probes cannot state (lifetimes, threads, locations, edges, messages)."""

from __future__ import annotations

import gc
import inspect
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque.function import ConcreteFunction
from calque.function.polymorphic import Function


def ops_of(concrete: ConcreteFunction) -> list[str]:
    return [op.type for op in concrete.graph.get_operations()]


# Lifetimes


class Model(tf.Module):
    def __init__(self, n: float) -> None:
        super().__init__()
        self.n = n
        self.w = tf.Variable(n)

    @tf.function
    def scale(self, x: Any) -> Any:
        """Scales."""
        return x * self.w * self.n


def test_a_method_does_not_keep_its_instance() -> None:
    m = Model(2.0)
    assert m.scale(1.0).numpy() == 4
    gone, variable = weakref.ref(m), weakref.ref(m.w)
    del m
    gc.collect()
    assert gone() is None
    assert variable() is None
    assert not Model.__dict__["scale"]._bound


def test_a_bound_function_keeps_its_instance() -> None:
    f = Model(3.0).scale
    gc.collect()
    assert f(1.0).numpy() == 9
    assert f.experimental_get_tracing_count() == 1


def test_a_bound_function_is_one_object_as_long_as_it_is_held() -> None:
    m = Model(1.0)
    f = m.scale
    assert m.scale is f
    f(1.0)
    del f
    assert m.scale.experimental_get_tracing_count() == 1
    assert isinstance(m.scale, Function)
    assert Model.scale is Model.__dict__["scale"]
    assert m.scale.__doc__ == "Scales."


def test_instances_that_are_equal_are_still_two() -> None:
    class Same:
        def __init__(self, n: int) -> None:
            self.n = n

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

        @tf.function
        def f(self, x: Any) -> Any:
            return x + self.n

    a, b = Same(1), Same(2)
    assert (a.f(tf.constant(0)).numpy(), b.f(tf.constant(0)).numpy()) == (1, 2)


def test_instances_without_hash_or_weak_references() -> None:
    class NoHash:
        __hash__ = None  # type: ignore[assignment]

        @tf.function
        def f(self, x: Any) -> Any:
            return x + 1

    class Slots:
        __slots__ = ()

        @tf.function
        def f(self, x: Any) -> Any:
            return x + 2

    assert NoHash().f(tf.constant(0)).numpy() == 1
    s = Slots()
    assert s.f(tf.constant(0)).numpy() == 2
    assert s.f.experimental_get_tracing_count() == 1


def test_arguments_are_not_kept() -> None:
    f = tf.function(lambda x, a: x + 1)

    class Thing:
        pass

    x, thing = tf.ones([4]), Thing()
    gone = [weakref.ref(x), weakref.ref(thing)]
    f(x, thing)
    del x, thing
    gc.collect()
    assert [g() for g in gone] == [None, None]


def test_functions_as_arguments_are_not_kept() -> None:
    f = tf.function(lambda g, x: g(x))

    def inner(x: Any) -> Any:
        return x + 1

    gone = weakref.ref(inner)
    assert f(inner, tf.constant(1)).numpy() == 2
    del inner
    gc.collect()
    assert gone() is None


def test_an_id_used_again_is_not_mistaken_for_the_old_object() -> None:
    f = tf.function(lambda thing: tf.constant(thing.n))

    class Thing:
        def __init__(self, n: int) -> None:
            self.n = n

    assert [f(Thing(i)).numpy() for i in range(20)] == list(range(20))


# Threads


def in_threads(work: Any, count: int = 4) -> None:
    failures: list[BaseException] = []

    def guarded(i: int) -> None:
        try:
            work(i)
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_first_calls_at_once_trace_once() -> None:
    ready = threading.Barrier(4)

    @tf.function
    def f(x: Any) -> Any:
        time.sleep(0.01)
        return x + 1

    def work(i: int) -> None:
        ready.wait()
        assert f(tf.constant(i)).numpy() == i + 1

    in_threads(work)
    assert f.experimental_get_tracing_count() == 1


def test_traces_in_two_threads_do_not_mix() -> None:
    inside = threading.Barrier(2)

    def make(op: Any) -> Any:
        @tf.function
        def f(x: Any) -> Any:
            inside.wait()
            y = op(x)
            inside.wait()
            return y

        return f

    functions = [make(tf.sin), make(tf.cos)]
    concretes: list[Any] = [None, None]

    def work(i: int) -> None:
        concretes[i] = functions[i].get_concrete_function(tf.TensorSpec([]))
        assert tf.executing_eagerly()

    in_threads(work, 2)
    assert [ops_of(c) for c in concretes] == [
        ["Placeholder", "Sin", "Identity"],
        ["Placeholder", "Cos", "Identity"],
    ]


def test_eager_calls_while_another_thread_traces() -> None:
    tracing, done = threading.Event(), threading.Event()

    @tf.function
    def f(x: Any) -> Any:
        tracing.set()
        done.wait(10)
        return x

    thread = threading.Thread(target=f, args=(tf.constant(1),))
    thread.start()
    tracing.wait(10)
    try:
        assert (tf.constant(1) + 1).numpy() == 2
    finally:
        done.set()
        thread.join()


def test_calls_from_many_threads() -> None:
    f = tf.function(lambda x: tf.reduce_sum(tf.matmul(x, x)))

    def work(i: int) -> None:
        x = np.full((8, 8), i, np.float32)
        for _ in range(50):
            assert f(x).numpy() == (x @ x).sum()

    in_threads(work)


# Locations and failures


def test_nodes_keep_the_users_line() -> None:
    def f(x: Any) -> Any:
        y = tf.sin(x)
        return y + tf.reduce_mean(x)

    first = inspect.getsourcelines(f)[1]
    g = tf.function(f).get_concrete_function(tf.TensorSpec([3]))
    lines = {node.name: node.location for node in g.function.nodes}
    assert lines["Sin"] == (__file__, first + 1, "f")
    assert lines["Mean"] == (__file__, first + 2, "f")
    assert lines["add"] == (__file__, first + 2, "f")
    assert all(where is not None and where[0] == __file__ for where in lines.values())


def test_a_kernel_that_fails_names_op_node_and_line() -> None:
    def f(x: Any, i: Any) -> Any:
        y = x * 2
        return tf.gather(y, i, name="look_up")

    line = inspect.getsourcelines(f)[1] + 2
    g = tf.function(f)
    with pytest.raises(tf.errors.InvalidArgumentError) as info:
        g(tf.constant([1, 2]), tf.constant([5]))
    assert info.value.op == "GatherV2"
    assert info.value.node_def == "look_up"
    assert f"{__file__}:{line}" in str(info.value)
    assert g(tf.constant([1, 2]), tf.constant([1])).numpy().tolist() == [4]


def test_a_kernel_that_fails_in_an_inner_function() -> None:
    inner = tf.function(lambda x, i: tf.gather(x, i, name="deep"))
    outer = tf.function(lambda x, i: inner(x, i) + 1)
    with pytest.raises(tf.errors.InvalidArgumentError) as info:
        outer(tf.constant([1, 2]), tf.constant([5]))
    assert info.value.node_def == "deep"


def test_errors_while_tracing_are_raised_at_the_users_line() -> None:
    @tf.function
    def f(x: Any) -> Any:
        return tf.matmul(x, x)

    with pytest.raises(ValueError, match="MatMul") as info:
        f(tf.ones([2, 3]))
    assert any(str(entry.path) == __file__ for entry in info.traceback)
    assert tf.executing_eagerly()


def test_a_leaked_tensor_says_where_it_was_made_and_what_to_do() -> None:
    leaked: list[Any] = []

    @tf.function
    def f(x: Any) -> Any:
        leaked.append(x * 2)
        return x

    f(tf.constant(1))
    for use in (lambda: leaked[0] + 1, lambda: tf.function(lambda: leaked[0] + 1)()):
        with pytest.raises(tf.errors.InaccessibleTensorError, match="out of scope") as info:
            use()
        assert isinstance(info.value, TypeError)
        assert f"{__file__}:{inspect.getsourcelines(f.python_function)[1] + 2}" in str(info.value)
        assert "Return it" in str(info.value)


# Arguments


def test_messages_of_calls_that_fit_nothing() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="ids")])
    def f(ids: Any, flag: bool = True) -> Any:
        return ids

    with pytest.raises(TypeError, match=r"Can not cast TensorSpec\(shape=\(\), dtype=tf.float32.*'ids' of f"):
        f(tf.constant(1.0))
    with pytest.raises(TypeError, match=r"Can not cast False.*default.*'flag' of f"):
        f([1], False)
    with pytest.raises(TypeError, match=r"missing a required argument: 'ids'.*f\(ids"):
        f()
    g = f.get_concrete_function()
    assert g(tf.constant([[1, 2], [3, 4]])).shape == (2, 2)  # eager: whatever its ops can do with
    with pytest.raises(
        TypeError, match=r"Can not cast TensorSpec\(shape=\(2, 2\).* to TensorSpec\(shape=\(None,\).*'ids'"
    ):
        tf.function(lambda: g(tf.constant([[1, 2], [3, 4]])))()
    with pytest.raises(TypeError, match=r"Can not cast False to Literal\[True\] for argument 'flag'"):
        g(tf.constant([1]), False)


def test_unhashable_objects_are_refused_with_their_name() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(TypeError, match="Could not generate a generic TraceType for .*Odd.*given as 'thing'"):
        tf.function(lambda thing: 1)(thing=Odd())


def test_concrete_functions_take_flat_tensors_by_name() -> None:
    s = tf.TensorSpec([], tf.int32)
    g = tf.function(lambda d, k: d["a"] * 10 + d["b"] + k).get_concrete_function({"a": s, "b": s}, k=s)
    assert g.arg_names == ["d", "d_1", "k"]
    assert g({"a": 1, "b": 2}, k=3).numpy() == 15
    one, two, three = map(tf.constant, (1, 2, 3))
    assert g(d=one, d_1=two, k=three).numpy() == 15
    assert g(one, two, three).numpy() == 15
    with pytest.raises(TypeError, match="Can not cast 1 to a Dict"):
        g(1, k=3)  # not flat: an int is no tensor
    assert g.graph.structured_input_signature == g.structured_input_signature


def test_concrete_function_attributes() -> None:
    v, c = tf.Variable(2.0, trainable=False), tf.constant([1.0, 2.0])
    g = tf.function(lambda x, n: {"r": x * v + c, "n": None}).get_concrete_function(tf.TensorSpec([2]), 5)
    assert [t.dtype for t in g.inputs] == [tf.float32, tf.resource, tf.float32]
    assert g.captured_inputs[0] is v.handle
    assert g.captured_inputs[1] is c
    assert g.variables == (v,)
    assert g.trainable_variables == ()
    assert g.structured_outputs["n"] is None
    assert g.structured_outputs["r"].shape == [2]
    assert g.output_shapes["r"] == [2]
    assert g.output_dtypes["r"] is tf.float32
    assert g.structured_input_signature == ((tf.TensorSpec([2], tf.float32, name="x"), 5), {})
    assert g.name.startswith("__inference_")
    assert g.graph.get_tensor_by_name("x:0").shape == [2]
    with pytest.raises(KeyError, match="nonsense"):
        g.graph.get_operation_by_name("nonsense")
    with pytest.raises(KeyError, match="x:5"):
        g.graph.get_tensor_by_name("x:5")
    assert g(tf.constant([1.0, 1.0]))["r"].numpy().tolist() == [3, 4]


def test_quick_calls_do_not_mix_up_values() -> None:
    f = tf.function(lambda x, n=1: x + tf.cast(n, x.dtype) if not isinstance(n, str) else x)
    x = tf.constant(10)
    for _ in range(2):
        assert f(x).numpy() == 11
        assert f(x, 2).numpy() == 12
        assert f(x, tf.constant(5)).numpy() == 15
        assert f(x, "a").numpy() == 10
        assert f(tf.constant(10.0), 2).dtype is tf.float32
    g = tf.function(lambda a, b: a if b else -a)
    for _ in range(2):
        assert [g(x, b).numpy() for b in (True, False, 1, 0, None)] == [10, -10, 10, -10, -10]


def test_quick_calls_with_nan() -> None:
    f = tf.function(lambda n: tf.constant(0))
    for _ in range(3):
        f(float("nan"))
    nan = float("nan")
    f(nan)
    count = f.experimental_get_tracing_count()
    f(nan)
    assert f.experimental_get_tracing_count() == count


def test_functions_of_other_graphs_tensors_are_traced_for_each_graph() -> None:
    @tf.function
    def outer(x: Any) -> Any:
        @tf.function
        def inner(y: Any) -> Any:
            return x + y

        return inner(x) + inner(x)

    assert outer(tf.constant(1)).numpy() == 4
    assert outer(tf.constant(1.5)).numpy() == 6


# The rest


def test_variable_creation_messages() -> None:
    @tf.function
    def every_time() -> Any:
        return tf.Variable(1.0).read_value()

    with pytest.raises(ValueError, match=r"created on the first call.*every_time"):
        every_time()


def test_decorator_forms() -> None:
    @tf.function
    def plain(x: Any) -> Any:
        return x

    @tf.function()
    def called(x: Any) -> Any:
        return x

    @tf.function(reduce_retracing=True, jit_compile=True, autograph=False)
    def optioned(x: Any) -> Any:
        return x

    for f in (plain, called, optioned):
        assert isinstance(f, Function)
        assert f(tf.constant(3)).numpy() == 3
    assert repr(plain).startswith("<function plain: 1 concrete")
    with pytest.raises(TypeError, match="not a callable"):
        tf.function(3)


def test_run_functions_eagerly_sees_values() -> None:
    seen = []

    @tf.function
    def f(x: Any) -> Any:
        seen.append(isinstance(x, tf.Tensor) and hasattr(x, "numpy"))
        return x

    tf.config.run_functions_eagerly(True)
    try:
        f(tf.constant(1))
    finally:
        tf.config.run_functions_eagerly(False)
    f(tf.constant(1))
    assert seen == [True, False]


def test_an_exception_leaves_scopes_and_traces_as_they_were() -> None:
    @tf.function
    def f(x: Any) -> Any:
        with tf.name_scope("inside"):
            raise KeyError("mine")

    with tf.name_scope("outside"):
        with pytest.raises(KeyError, match="mine"):
            f(tf.constant(1))
        assert tf.Variable(1.0, name="v").name == "outside/v:0"
    assert f.experimental_get_tracing_count() == 0


def test_a_function_traced_inside_init_scope_is_not_part_of_the_graph() -> None:
    inner = tf.function(lambda: tf.constant(2) * 3)

    @tf.function
    def outer(x: Any) -> Any:
        with tf.init_scope():
            y = inner()
        assert isinstance(y, tf.Tensor)
        return x + y

    assert outer(tf.constant(1)).numpy() == 7


def test_results_of_one_call_do_not_change_with_the_next() -> None:
    f = tf.function(lambda x: [x, tf.reshape(x, [-1]), x + 1, tf.constant([1.0, 2.0])])
    a = np.ones((2, 2), np.float32)
    first = f(a)
    a[:] = 5
    f(a)
    assert [np.ravel(t.numpy()).tolist() for t in first] == [[1] * 4, [1] * 4, [2] * 4, [1, 2]]


def test_deep_chains_trace_and_run() -> None:
    @tf.function
    def f(x: Any) -> Any:
        for _ in range(3000):
            x = x + 1
        return x

    assert f(tf.constant(0)).numpy() == 3000


def test_deep_recursion_over_python_values() -> None:
    @tf.function
    def down(n: int, x: Any) -> Any:
        return x if n == 0 else down(n - 1, x + 1)

    assert down(20, tf.constant(0)).numpy() == 20
