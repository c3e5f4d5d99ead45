"""Graphs as summaries: one that is given, or those of all functions that run for a while."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from calque_runtime.environment import Environment
from calque_runtime.ir import Function
from calque_runtime.plan import watch
from calque_runtime.wire.events import encode_function_graph, encode_run_metadata, encode_summary_metadata

from ..api.raw import raw
from ..context import state
from ..function.trace import Trace
from ..profiler import experimental as profiler_
from ..tensor import Tensor, constant
from .state import should_record_summaries, summaries
from .write import recorded, step_tensor, summary_scope, write

__all__ = ["graph", "trace_export", "trace_off", "trace_on"]

_log = logging.getLogger("calque.summary")
# What TensorBoard's graphs plugin calls a RunMetadata of which it shows the graphs, or all; and the version of both.
_GRAPHS, _WHOLE, _VERSION = "graph_run_metadata_graph", "graph_run_metadata", b"1"


def graph(graph_data: Any) -> Tensor:
    """Write a graph to the default writer, if there is one and summaries are recorded.

    Args:
        graph_data: the graph of a concrete function, a `tf.Graph`, or a GraphDef message.

    Returns:
        a bool tensor: was it written?

    Raises:
        ValueError: it is called while a function is traced, or `graph_data` is no graph.
    """
    if state.trace is not None:
        raise ValueError("graph() cannot be invoked inside a graph context.")
    if summaries.writer is None or not should_record_summaries():
        return constant(False)
    if isinstance(graph_data, Trace):
        graph_data = encode_function_graph(graph_data.function)
    if type(graph_data).__name__ != "GraphDef" or not hasattr(graph_data, "SerializeToString"):
        raise ValueError(
            f"Argument 'graph_data' is not tf.Graph or tf.compat.v1.GraphDef. Received graph_data={graph_data} of type "
            f"{type(graph_data).__name__}."
        )
    serialized = graph_data.SerializeToString()

    def write_now(writer: Any) -> None:
        raw("WriteGraphSummary")(writer, step_tensor(0), constant(serialized))

    return recorded(write_now)


class _Tracing:
    """A trace that is on: notes the functions that run, each once.

    Args:
        graphs_alone: was nothing but graphs asked for?
        profiler: is the profiler on with it?
    """

    def __init__(self, graphs_alone: bool, profiler: bool) -> None:
        self.graphs_alone = graphs_alone
        self.profiler = profiler
        self._functions: dict[int, Function] = {}

    @property
    def functions(self) -> list[Function]:
        """Those that ran, in order of their first run."""
        return list(self._functions.values())

    def __call__(
        self, function: Function, captures: Sequence[Any], env: Environment, arrays: Sequence[Any]
    ) -> None:
        self._functions.setdefault(id(function), function)


_tracing: _Tracing | None = None
_lock = threading.Lock()


def trace_on(graph: bool = True, profiler: bool = False, profiler_outdir: Any = None) -> None:
    """Note the graphs of the functions that are called from now on, in all threads, until `trace_export`.

    TensorFlow notes a function only when it is traced meanwhile, or called for the first time, and ops that run outside
    of functions as well; here it is every function that is called, and nothing else.

    Args:
        graph: note graphs?
        profiler: start the profiler too?
        profiler_outdir: where the profiler writes; needed with `profiler`.
    """
    global _tracing
    if state.trace is not None:
        _log.warning("Cannot enable trace inside a tf.function.")
        return
    with _lock:
        if _tracing is not None:
            _log.warning("Trace already enabled")
            return
        profiled = profiler and profiler_outdir is not None
        if profiled:
            profiler_.start(profiler_outdir)
        elif profiler:
            _log.warning("No `profiler_outdir` passed to trace_on(). Profiler won't be enabled.")
        _tracing = _Tracing(graph and not profiler, profiled)
        if graph or profiled:
            watch.add(_tracing)


def trace_export(name: str, step: Any = None, profiler_outdir: Any = None) -> None:
    """Stop what `trace_on` started, and write the graphs to the default writer, if there is one.

    Args:
        name: the tag they are shown under.
        step: the step, an integer; None: the default step.
        profiler_outdir: accepted; it is given to `trace_on`.

    Raises:
        ValueError: no trace is on; or there is a writer, but no step.
    """
    if state.trace is not None:
        _log.warning("Cannot export trace inside a tf.function.")
        return
    tracing = _tracing
    if tracing is None:
        raise ValueError("Must enable trace before export through tf.summary.trace_on.")
    with summary_scope(name, "graph_run_metadata_graph_summary") as (tag, _):
        write(
            tag,
            lambda: constant(encode_run_metadata(tracing.functions)),
            step=step,
            metadata=encode_summary_metadata(_GRAPHS if tracing.graphs_alone else _WHOLE, _VERSION),
        )
    trace_off()


def trace_off() -> None:
    """Stop what `trace_on` started, and forget what was noted."""
    global _tracing
    with _lock:
        tracing, _tracing = _tracing, None
    if tracing is None:
        return
    watch.remove(tracing)
    if tracing.profiler:
        profiler_.stop()
