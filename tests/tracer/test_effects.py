"""Effects of traced functions: their order, and the control edges that keep it on other runtimes."""

from __future__ import annotations

from typing import Any

import pytest

import calque as tf
from calque.function import ConcreteFunction


def edges_of(concrete: ConcreteFunction) -> set[tuple[str, str]]:
    """Control edges: (what waits, what it waits for)."""
    return {(op.name, c.name) for op in concrete.graph.get_operations() for c in op.control_inputs}


def test_control_edges_per_resource() -> None:
    v, w = tf.Variable(1.0), tf.Variable(1.0)

    @tf.function
    def f() -> Any:
        a = v.read_value()
        v.assign_add(1.0)
        b = v.read_value()
        w.assign(3.0)
        return a, b

    g = f.get_concrete_function()
    reads = [op.name for op in g.graph.get_operations() if op.type == "ReadVariableOp"]
    edges = edges_of(g)
    assert ("AssignAddVariableOp", reads[0]) in edges
    assert (reads[1], "AssignAddVariableOp") in edges
    assert not any("AssignVariableOp" in edge for edge in edges)  # the other variable is on its own
    assert set(g.function.control_outputs) == {"AssignAddVariableOp", "AssignVariableOp"}


def test_control_edges_of_effects_without_a_resource(capfd: pytest.CaptureFixture[str]) -> None:
    @tf.function
    def f(x: Any) -> Any:
        tf.print("first", x)
        tf.debugging.Assert(x > 0, [x])
        tf.print("second", x)

    f(tf.constant(1))
    assert capfd.readouterr().err == "first 1\nsecond 1\n"
    g = f.get_concrete_function(tf.constant(1))
    assert ("Assert", "PrintV2") in edges_of(g)
    assert ("PrintV2_1", "Assert") in edges_of(g)
    with pytest.raises(tf.errors.InvalidArgumentError):
        f(tf.constant(-1))
    assert capfd.readouterr().err == "first -1\n"


def test_pure_functions_have_no_control_outputs() -> None:
    v = tf.Variable(1.0)
    g = tf.function(lambda x: x + v).get_concrete_function(1.0)
    assert g.function.control_outputs == {}


def test_calls_carry_effects_outwards() -> None:
    v = tf.Variable(0)
    inner = tf.function(lambda: v.assign_add(1))

    @tf.function
    def outer() -> Any:
        inner()
        a = v.read_value()
        inner()
        return a

    g = outer.get_concrete_function()
    calls = [op.name for op in g.graph.get_operations() if op.type == "StatefulPartitionedCall"]
    read = next(
        op.name for op in g.graph.get_operations() if op.type == "ReadVariableOp" and op.control_inputs
    )
    assert (read, calls[0]) in edges_of(g)
    assert (calls[1], read) in edges_of(g)
    assert outer().numpy() == 1
    assert v.numpy() == 2


def test_control_dependencies_by_hand() -> None:
    @tf.function
    def f(x: Any) -> Any:
        a = tf.sin(x)
        with tf.control_dependencies([a]):
            b = tf.cos(x)
        return b

    assert ("Cos", "Sin") in edges_of(f.get_concrete_function(1.0 * tf.ones([])))
    with tf.control_dependencies([tf.constant(1)]):
        assert (tf.constant(1) + 1).numpy() == 2


def test_effects_of_python_happen_once_a_trace_in_order() -> None:
    events: list[str] = []
    v = tf.Variable(0)

    @tf.function
    def f(x: Any) -> Any:
        events.append("begin")
        v.assign_add(x)
        events.append("end")
        return v.read_value()

    assert [f(tf.constant(i)).numpy() for i in (1, 2, 3)] == [1, 3, 6]
    assert events == ["begin", "end"]
