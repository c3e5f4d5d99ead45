"""Why functions are traced again: the history, the warning, and traces that nothing can reach any more."""

from __future__ import annotations

import gc
import inspect
import logging
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque.function.history import TraceRecord


def history(f: Any) -> list[TraceRecord]:
    return f.experimental_get_tracing_history()  # type: ignore[no-any-return]


def changes(f: Any) -> list[tuple[str, str, str]]:
    return [(d.argument, d.before, d.now) for d in history(f)[-1].differences]


def test_the_history_names_argument_old_new_and_caller() -> None:
    @tf.function
    def f(x: Any, flag: bool = True) -> Any:
        return x

    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    f(tf.ones([2]))
    f(tf.ones([2]))
    f(tf.ones([3]))
    first, second = history(f)
    assert (first.number, first.compared_with, first.differences) == (0, None, ())
    assert first.caller == f"{__file__}:{line}"
    assert second.caller == f"{__file__}:{line + 2}"
    assert second.compared_with == 0
    spec = "TensorSpec(shape=({},), dtype=tf.float32, name=None)"
    assert changes(f) == [("x", spec.format(2), spec.format(3))]
    assert "reduce_retracing" in second.differences[0].cure
    assert str(second) == (
        f"trace 1 at {__file__}:{line + 2}: unlike trace 0 in x: {spec.format(2)} -> {spec.format(3)}"
    )


def test_the_nearest_trace_is_compared_with() -> None:
    f = tf.function(lambda a, b: a)
    f(1, 1)
    f(2, 2)
    f(1, 2)  # one argument away from either: the later one counts
    assert history(f)[-1].compared_with == 1
    assert changes(f) == [("a", "Literal[2]", "Literal[1]")]
    f(1, 3)
    assert (history(f)[-1].compared_with, changes(f)) == (2, [("b", "Literal[2]", "Literal[3]")])


def test_differences_inside_structures() -> None:
    f = tf.function(lambda x: 1)
    f({"a": [1, 2], "b": 3})
    f({"a": [1, 5], "b": 3})
    assert changes(f) == [("x['a'][1]", "Literal[2]", "Literal[5]")]
    f({"a": [1, 5]})
    assert changes(f) == [("x['b']", "Literal[3]", "")]
    f([1])
    assert changes(f) == [("x", "Dict[['a', List[Literal[1], Literal[5]]]]", "List[Literal[1]]")]


def test_dtypes_objects_and_composites() -> None:
    f = tf.function(lambda x: 1)

    class Thing:
        pass

    first, second = Thing(), Thing()
    f(tf.constant(1))
    f(tf.constant(1.0))
    assert history(f)[-1].differences[0].cure == "cast 'x' to one dtype before the call"
    f(first)
    f(second)
    assert "give its class __eq__ and __hash__" in history(f)[-1].differences[0].cure
    f(tf.ragged.constant([[1]]))
    f(tf.ragged.constant([[1], [2]]))
    assert [after for _, _, after in changes(f)] == [
        "RaggedTensorSpec(TensorShape([2, None]), tf.int32, 1, tf.int64)"
    ]


def test_a_warning_says_cause_and_cure(caplog: pytest.LogCaptureFixture) -> None:
    @tf.function
    def busy(step: Any) -> Any:
        return step

    with caplog.at_level(logging.WARNING, "calque"):
        for i in range(4):
            busy(i)
        assert not caplog.records
        for i in range(4, 12):
            busy(i)
    assert len(caplog.records) == 2  # it says it twice and no more
    message = caplog.records[0].getMessage()
    assert message.startswith("5 out of the last 5 calls to <function ")
    assert "Tracing is expensive" in message
    assert "step: Literal[3] -> Literal[4]" in message
    assert f"{__file__}:" in message
    assert "pass 'step' as a tensor" in message


def test_calls_that_are_not_traced_count_against_the_warning(caplog: pytest.LogCaptureFixture) -> None:
    f = tf.function(lambda x: x)
    with caplog.at_level(logging.WARNING, "calque"):
        for i in range(8):
            f(i)
            for _ in range(3):
                f(i)
    assert not caplog.records


def test_a_function_made_in_a_loop_is_told_apart(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "calque"):
        for i in range(5):

            @tf.function
            def f(x: Any) -> Any:
                return x

            f(i)
    assert len(caplog.records) == 1
    assert "make it once, outside of the loop" in caplog.records[0].getMessage()


def test_tracing_inside_of_tracing_does_not_count(caplog: pytest.LogCaptureFixture) -> None:
    inner = tf.function(lambda x: x + 1)
    outer = tf.function(lambda x: inner(x))
    with caplog.at_level(logging.WARNING, "calque"):
        for i in range(4):
            inner(i)
        for i in range(4, 8):
            outer(i)
    assert not caplog.records


def test_traces_for_objects_that_are_gone_are_dropped() -> None:
    class Thing:
        pass

    f = tf.function(lambda thing: tf.constant(1))
    for _ in range(5):
        f(Thing())
    gc.collect()
    f(1)
    assert len(f.concrete_functions) == 1
    assert f.experimental_get_tracing_count() == 6


def test_equal_objects_share_a_trace_after_the_first_is_gone() -> None:
    class Key:
        def __init__(self, n: int) -> None:
            self.n = n

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Key) and other.n == self.n

        def __hash__(self) -> int:
            return hash(self.n)

    f = tf.function(lambda key: tf.constant(key.n))
    first = Key(3)
    assert f(first).numpy() == f(Key(3)).numpy() == 3
    assert f.experimental_get_tracing_count() == 1
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
    assert f(Key(4)).numpy() == 4


def test_nan_and_bound_functions_are_recognized() -> None:
    f = tf.function(lambda x: tf.constant(1))
    for _ in range(3):
        f(float("nan"))
    assert f.experimental_get_tracing_count() == 1
    assert not f._traces.quick

    class Model:
        @tf.function
        def step(self, x: Any) -> Any:
            return x

    model, other = Model(), Model()
    for one in (model, model, other):
        f(one.step)
    assert f.experimental_get_tracing_count() == 3


def module_function(x: Any) -> Any:
    return x * 2


def test_functions_are_pickled_without_their_traces() -> None:
    f = tf.function(module_function, reduce_retracing=True, input_signature=[tf.TensorSpec([None], tf.int32)])
    f([1])
    copy = pickle.loads(pickle.dumps(f))
    assert copy.concrete_functions == []
    assert copy.input_signature == f.input_signature
    np.testing.assert_array_equal(copy([1, 2]), [2, 4])


def test_compiler_ir_is_refused_with_the_reason() -> None:
    f = tf.function(module_function, jit_compile=True)
    with pytest.raises(tf.errors.UnimplementedError, match="no XLA"):
        f.experimental_get_compiler_ir(tf.constant(1))()


def test_effects_without_control_edges_still_run() -> None:
    v = tf.Variable(1.0)

    def body(x: Any) -> Any:
        before = v.read_value()
        v.assign_add(x)
        return before

    ordered = tf.function(body).get_concrete_function(tf.TensorSpec([]))
    free = tf.function(body, experimental_attributes={"_disable_acd": True})
    assert len(ordered.graph.control_outputs) == 2
    assert free.get_concrete_function(tf.TensorSpec([])).graph.control_outputs == []
    assert free(tf.constant(2.0)).numpy() == 1
    assert v.numpy() == 3


def test_captures_can_be_asked_for_at_each_call() -> None:
    x, y = tf.constant(1.0), tf.constant(2.0)
    f = tf.function(lambda: x + y).get_concrete_function()
    values = [10.0]
    spec = tf.TensorSpec([])
    f.replace_capture_with_deferred_capture(y, lambda: tf.constant(values[0]), spec)
    assert f().numpy() == 11
    values[0] = 20.0
    assert f().numpy() == 21
    assert tf.function(lambda: f())().numpy() == 21
    with pytest.raises(ValueError, match="Attempting to substitute closure with spec"):
        f.replace_capture_with_deferred_capture(x, lambda: x, tf.TensorSpec([2]))
    with pytest.raises(ValueError, match="Did not find"):
        f.replace_capture_with_deferred_capture(tf.constant(1.0), lambda: x, spec)
    f.set_external_captures([tf.constant(5.0), lambda: tf.constant(6.0)])
    assert f().numpy() == 11
    with pytest.raises(ValueError, match="2 captures are wanted"):
        f.set_external_captures([x])
