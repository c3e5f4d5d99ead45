"""From a scheduled function to the source of its plan, and to the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..environment import Environment
from ..errors import InvalidArgumentError
from ..ir import Function, Node, Value
from ..reference import located
from ..schedule import schedule

__all__ = ["compile_function"]

# Nodes that only pass their input on: the plan uses the input itself.
_ALIASES = frozenset({"Identity", "StopGradient", "PreventGradient", "Snapshot"})


class _Source:
    """The plan being written: lines, and what its globals hold."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.nodes: list[tuple[Node, list[str]] | None] = []  # for each line its node and the names it reads
        self.globals: dict[str, Any] = {}

    def line(self, text: str, node: Node | None = None, reads: list[str] | None = None) -> None:
        self.lines.append("    " + text)
        self.nodes.append(None if node is None else (node, reads or []))

    def bind(self, prefix: str, what: Any) -> str:
        name = f"{prefix}{len(self.globals)}"
        self.globals[name] = what
        return name


def compile_function(function: Function, env: Environment) -> Callable[..., list[Any]]:
    """A Python function that runs `function`: flat arrays in, list of flat arrays out.

    Raises:
        UnimplementedError: an op, attribute or dtype it needs is not supported.
    """
    order = schedule(function)
    names: dict[Value, str] = {}
    source = _Source()
    params = []
    for i, value in enumerate(function.inputs):
        names[value] = f"a{i}"
        params.append(f"a{i}")
    real = _aliases(order)
    last_use = _last_uses(function, order, real)
    dead_arguments = [names[v] for v in function.inputs if v not in last_use]
    if dead_arguments:
        source.line(f"del {', '.join(dead_arguments)}")
    for node in order:
        _write_node(node, source, names, env)
        values = {real.get(v, v) for v in (*node.inputs, *node.outputs)}
        dead = sorted({names[v] for v in values if _dies(v, node, last_use, names)})
        if dead:
            source.line(f"del {', '.join(dead)}")
    source.line(f"return [{', '.join(names[v] for v in function.outputs)}]")
    text = f"def plan({', '.join(params)}):\n" + "\n".join(source.lines) + "\n"
    filename = "<plan of " + function.name.replace("\0", "") + ">"  # which compile refuses in a name
    exec(compile(text, filename, "exec"), source.globals)
    return _guarded(source.globals["plan"], filename, source, len(params), function.name, env)


def _aliases(order: list[Node]) -> dict[Value, Value]:
    """For each value that an alias passes on, the value itself."""
    real: dict[Value, Value] = {}
    for node in order:
        if node.op.name in _ALIASES:
            real[node.outputs[0]] = real.get(node.inputs[0], node.inputs[0])
    return real


def _last_uses(function: Function, order: list[Node], real: dict[Value, Value]) -> dict[Value, Node | None]:
    """For each value (aliases resolved) the last node that reads it; None for results, which stay."""
    last: dict[Value, Node | None] = {}
    for node in order:
        if node.op.name not in _ALIASES:
            for value in node.inputs:
                last[real.get(value, value)] = node
    for value in function.outputs:
        last[real.get(value, value)] = None
    return last


def _dies(value: Value, node: Node, last_use: dict[Value, Node | None], names: dict[Value, str]) -> bool:
    if not names.get(value, "").startswith(("a", "v")) or node.op.name in _ALIASES:
        return False
    if value.node is node:  # an output that nothing reads
        return value not in last_use
    return last_use.get(value) is node


def _write_node(node: Node, source: _Source, names: dict[Value, str], env: Environment) -> None:
    kind = node.op.name
    if kind in _ALIASES:
        names[node.outputs[0]] = names[node.inputs[0]]
        return
    if kind == "Const":
        names[node.outputs[0]] = source.bind("c", node.site()["value"])
        return
    if kind == "NoOp":
        return
    kernel = source.bind("k", node.op.bind(node.site(env)))
    reads = [names[v] for v in node.inputs]
    call = f"{kernel}({', '.join(reads)})"
    first = len(source.lines)
    outputs = []
    for value in node.outputs:
        names[value] = f"v{first}_{value.index}" if len(node.outputs) > 1 else f"v{first}"
        outputs.append(names[value])
    if node.op.signature.single:
        source.line(f"{outputs[0]} = {call}", node, reads)
    elif outputs:
        source.line(f"{', '.join(outputs)}, = {call}", node, reads)
    else:
        source.line(call, node, reads)


def _guarded(
    plan: Callable[..., list[Any]], filename: str, source: _Source, count: int, name: str, env: Environment
) -> Callable[..., list[Any]]:
    def run(*arrays: Any) -> list[Any]:
        if len(arrays) != count:
            raise InvalidArgumentError(None, None, f"'{name}' takes {count} arguments, got {len(arrays)}")
        try:
            with np.errstate(all="ignore"):
                return plan(*arrays)
        except Exception as e:
            raise _explained(e, filename, source, env) from e

    return run


def _explained(error: Exception, filename: str, source: _Source, env: Environment) -> Exception:
    """`error` as a typed error that names the node whose line of the plan raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    at = None if trace is None else source.nodes[trace.tb_lineno - 2]
    if trace is None or at is None:
        return error
    node, reads = at
    variables = trace.tb_frame.f_locals
    inputs = [variables.get(name, source.globals.get(name)) for name in reads]
    return located(node.op.failure(error, node.site(env), inputs), node)
