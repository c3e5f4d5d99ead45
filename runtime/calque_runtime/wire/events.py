"""What TensorBoard reads: Event and RunMetadata messages, and the graphs of functions as GraphDefs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from calque_runtime.clone import clone_function
from calque_runtime.dtypes import DType
from calque_runtime.ir import Function, Graph, Node
from calque_runtime.ops.control import placeholder
from calque_runtime.ops.python_calls import PYTHON_FUNCTION

from . import schema
from .examples import tensor_to_bytes
from .graphs import encode_graph

__all__ = [
    "encode_function_graph",
    "encode_graph_event",
    "encode_run_metadata",
    "encode_summary_event",
    "encode_summary_metadata",
    "encode_tensor_event",
    "encode_version_event",
]

_VERSION = "brain.Event:2"  # of the event files that TensorFlow writes since its first release
_WRITER = "calque.events"


def encode_version_event(wall_time: float) -> bytes:
    """The first record of an event file."""
    event = schema.Event(wall_time=wall_time, file_version=_VERSION)
    event.source_metadata.writer = _WRITER
    return schema.serialize(event, "an event")


def encode_tensor_event(
    wall_time: float, step: int, tag: str, array: Any, dtype: DType, metadata: bytes
) -> bytes:
    """A tensor under a tag; `metadata` is the SummaryMetadata, as bytes, that says which plugin shows it.

    Raises:
        DataLossError: `metadata` is no SummaryMetadata.
        ResourceExhaustedError: the tensor takes 2 GiB or more.
    """
    event = schema.Event(wall_time=wall_time, step=step)
    value = event.summary.value.add(tag=tag)
    value.tensor.ParseFromString(tensor_to_bytes(array, dtype))
    if metadata:
        value.metadata.CopyFrom(schema.parse(schema.SummaryMetadata, metadata, "the summary's metadata"))
    return schema.serialize(event, f"the event of '{tag}'")


def encode_summary_event(wall_time: float, step: int, summaries: Iterable[bytes]) -> bytes:
    """What the bytes of Summary messages hold, as one.

    Raises:
        DataLossError: they are none.
    """
    event = schema.Event(wall_time=wall_time, step=step)
    event.summary.SetInParent()
    for number, summary in enumerate(summaries):
        what = f"Bad tf.compat.v1.Summary binary proto tensor string at index {number}"
        event.summary.MergeFrom(schema.parse(schema.Summary, summary, what))
    return schema.serialize(event, "the summary's event")


def encode_graph_event(wall_time: float, step: int, graph: bytes) -> bytes:
    """The graph that the bytes of a GraphDef hold.

    Raises:
        DataLossError: they are none.
    """
    schema.parse(schema.GraphDef, graph, "the graph")
    return schema.serialize(
        schema.Event(wall_time=wall_time, step=step, graph_def=graph), "the graph's event"
    )


def encode_summary_metadata(plugin: str, content: bytes = b"", description: str | None = None) -> bytes:
    """The bytes of a SummaryMetadata: which of TensorBoard's plugins shows a value, and what it says of it."""
    metadata = schema.SummaryMetadata(summary_description=description or "")
    metadata.plugin_data.plugin_name = plugin
    metadata.plugin_data.content = content
    return schema.serialize(metadata, "the summary's metadata")


def encode_run_metadata(functions: Iterable[Function]) -> bytes:
    """The bytes of a RunMetadata that shows the graphs of some functions, as TensorFlow collects them.

    There is one partition, and what stands for the graph after optimization is the graph as it was traced: TensorBoard
    shows no more than that.
    """
    metadata = schema.RunMetadata()
    for function in functions:
        graph = encode_function_graph(function, placeholders=False)
        graphs = metadata.function_graphs.add(pre_optimization_graph=graph, post_optimization_graph=graph)
        graphs.partition_graphs.add().CopyFrom(graph)
        metadata.partition_graphs.add().CopyFrom(graph)
    return schema.serialize(metadata, "the graphs of the functions that ran")


def encode_function_graph(function: Function, placeholders: bool = True) -> Any:
    """A function as a GraphDef to look at, with the functions that it calls in its library.

    Shapes are noted where they are known, and Python functions that nodes call are left out.

    Args:
        function: what to show.
        placeholders: arguments are Placeholders, and nothing marks the results; else, as runtimes have it, arguments
            are ``_Arg`` nodes, and results ``_Retval`` nodes.

    Raises:
        OpError: as `graphs.encode_function`.
    """
    graph = Graph()
    graph.nodes = [_argument(v.node) if placeholders else v.node for v in function.inputs] + function.nodes
    graph.nodes = [_to_look_at(node) for node in graph.nodes]
    proto = encode_graph(graph, [_without_python(one) for one in _called(function)])
    if not placeholders:
        for index, (name, value) in enumerate(zip(function.output_names, function.outputs, strict=True)):
            node = proto.node.add(name=f"{name}_RetVal", op="_Retval", input=[_reference(value)])
            node.attr["T"].type = value.dtype.enum
            node.attr["index"].i = index
    return proto


def _reference(value: Any) -> str:
    return f"{value.node.name}:{value.index}" if value.index else value.node.name


def _argument(node: Node) -> Node:
    (value,) = node.outputs
    return Node(
        placeholder,
        node.name,
        [],
        {"dtype": value.dtype, "shape": value.shape},
        [value.dtype],
        [value.shape],
    )


def _to_look_at(node: Node) -> Node:
    """`node` with the shapes of its outputs, and without what no file can hold."""
    shown = copy.copy(node)
    shown.attrs = {k: v for k, v in node.attrs.items() if k != PYTHON_FUNCTION}
    if any(v.shape is not None for v in node.outputs):
        shown.attrs["_output_shapes"] = tuple(v.shape for v in node.outputs)
    return shown


def _without_python(function: Function) -> Function:
    if not any(PYTHON_FUNCTION in node.attrs for node in function.nodes):
        return function
    bare = clone_function(function, function.name)
    for node in bare.nodes:
        node.attrs.pop(PYTHON_FUNCTION, None)
    return bare


def _called(function: Function) -> Iterator[Function]:
    """Every function that `function` calls, directly or not, once, in order of first mention."""
    waiting, seen = [function], {id(function)}
    while waiting:
        for ref in waiting.pop().calls():
            if ref.function is not None and id(ref.function) not in seen:
                seen.add(id(ref.function))
                waiting.append(ref.function)
                yield ref.function
