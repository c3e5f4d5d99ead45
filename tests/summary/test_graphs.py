"""Graphs in event files: those given, and those of the functions that ran."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque_runtime.plan import watch
from calque_runtime.wire import schema
from summary.reading import events, graphs, values


class Dense(tf.Module):
    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.w = tf.Variable(tf.ones([3, 3]), name="w")

    @tf.Module.with_name_scope
    def __call__(self, x: Any) -> Any:
        return tf.nn.relu(tf.matmul(x, self.w))


class Model(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Dense("first"), Dense("second")

    @tf.function
    def __call__(self, x: Any) -> Any:
        return self.second(self.first(x))


@pytest.fixture(autouse=True)
def _traces_end() -> Any:
    yield
    tf.summary.trace_off()
    assert watch.observers == ()


def exported(tmp_path: Path, name: str = "trace") -> list[Any]:
    """The graphs of the trace that is on."""
    writer = tf.summary.create_file_writer(tmp_path)
    with writer.as_default():
        tf.summary.trace_export(name, step=0)
    writer.close()
    value = values(tmp_path)[name, 0]
    assert value.metadata.plugin_data.plugin_name == "graph_run_metadata_graph"
    assert value.metadata.plugin_data.content == b"1"
    return graphs(value)


def nodes(graph: Any) -> dict[str, tuple[str, list[str]]]:
    return {node.name: (node.op, list(node.input)) for node in graph.node}


def test_nodes_are_grouped_by_module(tmp_path: Path) -> None:
    model = Model()
    tf.summary.trace_on()
    model(tf.ones([2, 3]))
    model(tf.ones([2, 3]))
    (graph,) = exported(tmp_path)
    assert nodes(graph) == {
        "x": ("_Arg", []),
        "w_handle": ("_Arg", []),
        "w_handle_1": ("_Arg", []),
        "first/ReadVariableOp": ("ReadVariableOp", ["w_handle"]),
        "first/MatMul": ("MatMul", ["x", "first/ReadVariableOp"]),
        "first/Relu": ("Relu", ["first/MatMul"]),
        "second/ReadVariableOp": ("ReadVariableOp", ["w_handle_1"]),
        "second/MatMul": ("MatMul", ["first/Relu", "second/ReadVariableOp"]),
        "second/Relu": ("Relu", ["second/MatMul"]),
        "Identity": ("Identity", ["second/Relu"]),
        "identity_RetVal": ("_Retval", ["Identity"]),
    }
    (product,) = (node for node in graph.node if node.name == "first/MatMul")
    assert [d.size for d in product.attr["_output_shapes"].list.shape[0].dim] == [2, 3]


def test_functions_that_are_called_are_in_the_library(tmp_path: Path) -> None:
    @tf.function
    def inner(x: Any) -> Any:
        return tf.numpy_function(np.sin, [x], tf.float32)

    @tf.function
    def outer(x: Any) -> Any:
        return inner(x) * 2.0

    outer(tf.constant(1.0))
    tf.summary.trace_on(graph=True)
    outer(tf.constant(1.0))
    (graph,) = exported(tmp_path)
    (callee,) = graph.library.function
    assert callee.signature.name.startswith("__inference_inner")
    (call,) = (node for node in graph.node if node.op == "StatefulPartitionedCall")
    assert call.attr["f"].func.name == callee.signature.name
    assert [node.op for node in callee.node_def] == ["PyFunc", "Identity"]


def test_functions_under_tapes_are_seen(tmp_path: Path) -> None:
    model = Model()
    tf.summary.trace_on()
    with tf.GradientTape() as tape:
        y = model(tf.ones([1, 3]))
    tape.gradient(y, model.trainable_variables)
    forward, backward = exported(tmp_path)
    assert "first/Relu" in nodes(forward)
    assert "ReluGrad" in {op for op, _ in nodes(backward).values()}


def test_a_graph_that_is_given(tmp_path: Path) -> None:
    concrete = Model().__call__.get_concrete_function(tf.TensorSpec([None, 3]))
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(30.0)
    writer = tf.summary.create_file_writer(tmp_path)
    with writer.as_default():
        assert tf.summary.graph(concrete.graph).numpy()
        assert tf.summary.graph(graph).numpy()
        assert tf.summary.graph(graph.as_graph_def()).numpy()
        with tf.summary.record_if(False):
            assert not tf.summary.graph(graph).numpy()
    writer.close()
    found = [schema.GraphDef.FromString(e.graph_def) for e in events(tmp_path)[1:]]
    model, alone, again = found
    placeholder = model.node[0]
    assert (placeholder.name, placeholder.op) == ("x", "Placeholder")
    assert [d.size for d in placeholder.attr["shape"].shape.dim] == [-1, 3]
    assert "second/Relu" in nodes(model)
    assert nodes(alone) == {"Const": ("Const", [])}
    assert again == alone


def test_traces_that_are_not_on(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Must enable trace before export"):
        tf.summary.trace_export("trace", step=0)
    tf.summary.trace_on()
    tf.summary.trace_on()
    assert "Trace already enabled" in caplog.text
    tf.summary.trace_off()
    tf.summary.trace_off()
    tf.summary.trace_on(profiler=True)
    assert "No `profiler_outdir` passed" in caplog.text

    @tf.function
    def traced() -> None:
        tf.summary.trace_on()
        tf.summary.trace_export("trace")
        with pytest.raises(ValueError, match="inside a graph context"):
            tf.summary.graph(tf.Graph())

    traced()
    assert "Cannot enable trace inside a tf.function." in caplog.text
    assert "Cannot export trace inside a tf.function." in caplog.text


def test_an_export_needs_a_step(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(tmp_path)
    tf.summary.trace_on()
    with writer.as_default(), pytest.raises(ValueError, match="No step set"):
        tf.summary.trace_export("trace")
    tf.summary.trace_export("trace", step=0)  # without a writer it only ends
    with pytest.raises(ValueError, match="Must enable trace"):
        tf.summary.trace_export("trace", step=0)
