"""A Python function traced as the body of a branch or a loop: a graph of its own within the one being traced.

What it uses from outside becomes a capture of the graph. The node that runs it gives the captures as operands behind
its own, so graphs that stand for each other (the branches of one If, condition and body of one While) need the same
captures in the same order: `match_captures`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from calque_runtime.errors import InternalError
from calque_runtime.ir import FunctionRef, Value
from calque_runtime.ops import calls

from ..api.array_ops import identity
from ..context import state
from ..function.effects import add_control_dependencies
from ..function.operation import Operation
from ..function.trace import Trace
from ..tensor import SymbolicTensor, Tensor, convert_to_tensor
from .structures import convert_leaves, flat_tensors

__all__ = ["Subgraph", "call", "graph_name", "match_captures", "trace_subgraph"]

_numbers = itertools.count()


class Subgraph:
    """A traced branch or body.

    Attributes:
        trace: its graph.
        structure: what the Python function returned, tensors of the graph at its leaves (or None).
        outputs: the results, flat.
    """

    def __init__(self, trace: Trace, structure: Any) -> None:
        self.trace = trace
        self.structure = structure
        self.outputs: list[SymbolicTensor] = flat_tensors(structure)

    def finish(self, extra: Sequence[SymbolicTensor] = ()) -> FunctionRef:
        """Close the graph: its results are `outputs` and `extra`. Returns the function as an attribute takes it."""
        function = self.trace.function
        function.outputs = [t._value for t in [*self.outputs, *extra]]
        function.output_names = _result_names(len(function.outputs))
        add_control_dependencies(function)
        return FunctionRef(function.name, function)


def _result_names(count: int) -> list[str]:
    return ["identity" if i == 0 else f"identity_{i}" for i in range(count)]


def graph_name(scope: str, part: str) -> str:
    """A name for the graph of a `part` ("true", "body", ...) of the node `scope`, unique in this process."""
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", scope)
    return f"{cleaned}_{part}_{next(_numbers)}"


def trace_subgraph(name: str, body: Callable[[Trace], Any], stand_in: Any = None) -> Subgraph:
    """Trace `body` as a graph within the current one.

    Args:
        name: the function's name in the library.
        body: given the graph, which is current meanwhile, adds arguments, calls the user's function, and returns a
            structure of tensors, of what can become one, and of None.
        stand_in: the tensor that an operation gives where the user's function returns one.

    Raises:
        TypeError: a leaf cannot become a tensor.
    """

    def convert(leaf: Any) -> Any:
        if stand_in is None or not isinstance(leaf, Operation):
            return _converted(leaf)
        with trace.control_dependencies([leaf.node]):
            return identity(stand_in)

    outer = state.trace
    trace = Trace(name, outer is not None and outer.may_create_variables)
    with trace.as_current():
        found = Subgraph(trace, convert_leaves(body(trace), convert))
        found.outputs = [trace.inside(t) for t in found.outputs]
    trace.finish()
    return found


def _converted(leaf: Any) -> Tensor:
    try:
        return convert_to_tensor(leaf)
    except (TypeError, ValueError):
        raise TypeError(
            "A branch or loop body must return zero or more Tensors or None values, but returned a value of type "
            f"{type(leaf).__name__}, which is not a Tensor: {leaf!r}"
        ) from None


def match_captures(traces: Sequence[Trace]) -> list[Any]:
    """Give all graphs the same captures in the same order, behind their arguments.

    Returns:
        What is captured, as tensors of the graph being traced.
    """
    externals: dict[int, Any] = {}
    for trace in traces:
        for external, _ in trace.captures:
            externals.setdefault(trace.capture_key(external), external)
    for trace in traces:
        inner: dict[int, Value] = {}
        with trace.as_current():
            for key, external in externals.items():
                inner[key] = trace.capture_external(external)._value
        trace.order_captures(list(externals))
    outer = state.trace
    if outer is None:  # a branch is traced only where an outer graph is
        return list(externals.values())
    for trace in traces:
        for variable in trace.variables:
            outer.note_variable(variable)
    return [outer.capture_external(e) if not isinstance(e, Tensor) else e for e in externals.values()]


def call(subgraph: Subgraph, ref: FunctionRef, arguments: Sequence[Any]) -> list[Any]:
    """Call a finished subgraph in the graph being traced, which has to lie within the one it was traced in."""
    outer = state.trace
    if outer is None:
        raise InternalError(None, None, "a subgraph can be called in a graph only")
    captures = [outer.capture_external(e) for e, _ in subgraph.trace.captures]
    for variable in subgraph.trace.variables:
        outer.note_variable(variable)
    op = calls.stateful_partitioned_call if subgraph.trace.function.stateful else calls.partitioned_call
    types = tuple(t.dtype for t in subgraph.outputs)
    results = outer.call(op, [[*arguments, *captures]], {"Tout": types, "f": ref}, op.name)
    return list(results)
