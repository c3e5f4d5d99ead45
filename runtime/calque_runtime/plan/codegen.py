"""From nodes in order of execution to Python source, and to the function that runs it.

One line a node, kernels and constants as globals:

    def plan(a0, a1):
        token = quiet()
        try:
            v0 = k0(a0, c0)
            v1 = k1(v0, a1)
            del v0
            return [v1]
        except Exception as error:
            raise explained(error) from error
        finally:
            loud(token)

A value is dropped after its last use. In ordered functions (`plan.specialize`), If and While become Python's own `if`
and `while`, and a ufunc writes into the array of an input that dies there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..environment import Environment
from ..errors import InvalidArgumentError
from ..ir import Function, Node, Value
from ..ops.calls import truth
from ..ops.common import check_size
from ..quiet import loud, quiet
from ..reference import located
from ..schedule import schedule
from ..shapes import fixed, known_size
from .stepwise import ALIASES, LONG, stepwise

__all__ = ["Source", "compile_function"]

_PRODUCTS = frozenset(
    (
        *("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Einsum", "MatMul", "_FusedConv2D"),
        *("_FusedMatMul", "_RowProduct"),
    )
)
_BLAS_ALONE = 1 << 18  # multiplications up to which OpenBLAS uses one thread
_READ, _MULTIPLIED = (
    5e8,
    1e10,
)  # numbers from memory, and multiplications, in a second, which any processor does
_WHILE = frozenset({"While", "StatelessWhile"})
_IF = frozenset({"If", "StatelessIf"})
_IN_PLACE = 1 << 12  # bytes: below, numpy's own cache of small blocks is as fast


def compile_function(function: Function, env: Environment) -> Callable[..., list[Any]]:
    """A Python function that runs `function` for arguments of any shape: flat arrays in, list of flat arrays out.

    Raises:
        UnimplementedError: an op, attribute or dtype it needs is not supported.
    """
    order = schedule(function)
    if len(order) >= LONG:
        return stepwise(function, order, env, lambda: _compiled(function, order, env))
    return _compiled(function, order, env)


def _compiled(function: Function, order: Sequence[Node], env: Environment) -> Callable[..., list[Any]]:
    source = Source(function.name, env)
    names = {value: f"a{i}" for i, value in enumerate(function.inputs)}
    last = _last_uses(order, function.outputs)
    dead = [name for value, name in names.items() if value not in last]
    if dead:
        source.line(f"del {', '.join(dead)}")
    source.nodes(order, function.outputs, names)
    source.line(f"return [{', '.join(names[v] for v in function.outputs)}]")
    return source.build("plan", [f"a{i}" for i in range(len(function.inputs))])


class Source:
    """A Python function being written: lines, and what its globals hold.

    Args:
        name: of the graph function, for messages.
        env: where it runs.
        ordered: are the nodes those of an ordered function?
    """

    def __init__(self, name: str, env: Environment, ordered: bool = False) -> None:
        self.name = name
        self.env = env
        self.ordered = ordered
        self.globals: dict[str, Any] = {}
        self._lines: list[str] = []
        self._nodes: list[tuple[Node, list[str]] | None] = []  # for each line its node and the names it reads
        self._depth = 2
        self._count = 0
        self._shares = False  # does a kernel share its work among threads?
        self._products = (
            0.0  # seconds that one slow processor takes for products so large that BLAS may share them
        )

    def line(self, text: str, node: Node | None = None, reads: list[str] | None = None) -> None:
        """Write one line."""
        self._lines.append("    " * self._depth + text)
        self._nodes.append(None if node is None else (node, reads or []))

    def bind(self, prefix: str, what: Any) -> str:
        """A global name for an object."""
        name = f"{prefix}{len(self.globals)}"
        self.globals[name] = what
        return name

    def local(self) -> str:
        """A local name that is not in use."""
        self._count += 1
        return f"v{self._count}"

    # Nodes

    def nodes(
        self, order: Sequence[Node], results: Iterable[Value], names: dict[Value, str], *, keep: bool = False
    ) -> None:
        """Write `order`, and drop each array after its last use.

        Args:
            order: the nodes.
            results: values that are needed afterwards.
            names: the names of values; those of the nodes' outputs are added.
            keep: are all values there are so far needed afterwards?
        """
        last = _last_uses(order, results)
        live = _Live(last, names, keep)
        fresh = _Fresh(order) if self.ordered else None
        for node in order:
            dying = [v for v in dict.fromkeys(node.inputs) if last[v] is node]
            self._node(node, names, [v for v in dying if live.is_last(names[v])], fresh)
            for value in node.outputs:
                live.begin(value, names.get(value))
            dead = live.end(
                [names[v] for v in dying], [names[v] for v in node.outputs if v in names and v not in last]
            )
            if dead:
                self.line(f"del {', '.join(dead)}")

    def _node(
        self, node: Node, names: dict[Value, str], dying: Sequence[Value], fresh: _Fresh | None
    ) -> None:
        kind = node.op.name
        if kind in ALIASES:
            names[node.outputs[0]] = names[node.inputs[0]]
        elif kind == "Const":
            names[node.outputs[0]] = self.bind("c", node.site()["value"])
        elif kind == "NoOp":
            pass
        elif self.ordered and kind in _WHILE:
            self._while(node, names)
        elif self.ordered and kind in _IF:
            self._if(node, names)
        elif self.ordered and kind == "_Scan":
            self._scan(node, names)
        else:
            self._call(node, names, dying, fresh)

    def _call(
        self, node: Node, names: dict[Value, str], dying: Sequence[Value], fresh: _Fresh | None
    ) -> None:
        run = node.bound(self.env)
        self._shares |= getattr(run, "shares", False)
        if self.ordered and node.op.name in _PRODUCTS:
            self._products += _seconds(node) if len(node.inputs) > 1 else 0.0
        reads = [names[v] for v in node.inputs]
        arguments = reads
        if isinstance(run, partial) and not run.keywords:  # a frame less
            arguments = [self.bind("c", a) for a in run.args] + reads
            run = run.func
        call = f"{self.bind('k', run)}({', '.join(arguments)}"
        if fresh is not None and isinstance(run, np.ufunc) and run.signature is None:
            place = fresh.place(node, dying)
            if place is not None:
                call += f", out={names[place]}"
            fresh.add(node.outputs[0])
        outputs = []
        for value in node.outputs:
            names[value] = self.local()
            outputs.append(names[value])
        if node.op.signature.single:
            self.line(f"{outputs[0]} = {call})", node, reads)
        elif outputs:
            self.line(f"{', '.join(outputs)}, = {call})", node, reads)
        else:
            self.line(f"{call})", node, reads)

    # Control flow

    def _condition(self, value: Value, names: Mapping[Value, str], node: Node) -> str:
        """A Python condition for a tensor."""
        if value.shape == ():
            return names[value]
        site, name = node.site(self.env), self.bind("t", truth)
        return f"{name}({self.bind('s', site)}, {names[value]})"

    def _if(self, node: Node, names: dict[Value, str]) -> None:
        results = [self.local() for _ in node.outputs]
        self.line(f"if {self._condition(node.inputs[0], names, node)}:", node)
        self._branch(node.attrs["then_branch"].function, node, results, names)
        self.line("else:")
        self._branch(node.attrs["else_branch"].function, node, results, names)
        names.update(zip(node.outputs, results, strict=True))

    def _branch(self, function: Function, node: Node, results: list[str], names: dict[Value, str]) -> None:
        inner = dict(zip(function.inputs, [names[v] for v in node.inputs[1:]], strict=True))
        self._depth += 1
        start = len(self._lines)
        self.nodes(function.nodes, function.outputs, inner, keep=True)
        if results:
            self.line(f"{', '.join(results)}, = {', '.join(inner[v] for v in function.outputs)},")
        if len(self._lines) == start:
            self.line("pass")
        self._depth -= 1

    def _while(self, node: Node, names: dict[Value, str]) -> None:
        condition, body = node.attrs["cond"].function, node.attrs["body"].function
        state = []
        for i, value in enumerate(node.inputs):
            if (
                _origin(body.outputs[i]) is body.inputs[i]
            ):  # what a round does not change needs no name of its own
                state.append(names[value])
            else:
                state.append(self.local())
                self.line(f"{state[-1]} = {names[value]}")
        self.line("while True:", node)
        self._depth += 1
        inside = dict(zip(condition.inputs, state, strict=True))
        self.nodes(condition.nodes, condition.outputs, inside, keep=True)
        self.line(f"if not {self._condition(condition.outputs[0], inside, node)}: break", node)
        inside = dict(zip(body.inputs, state, strict=True))
        self.nodes(body.nodes, body.outputs, inside, keep=True)
        pairs = [(s, inside[v]) for s, v in zip(state, body.outputs, strict=True) if s != inside[v]]
        if pairs:
            self.line(f"{', '.join(s for s, _ in pairs)}, = {', '.join(v for _, v in pairs)},")
        self._depth -= 1
        names.update(zip(node.outputs, state, strict=True))

    def _scan(self, node: Node, names: dict[Value, str]) -> None:
        """A loop over rows of arrays, which writes rows of arrays."""
        body, steps = node.attrs["body"].function, node.attrs["steps"]
        states, rows = len(node.attrs["Tstate"]), len(node.attrs["Trows"])
        state = [self.local() for _ in range(states)]
        for name, value in zip(state, node.inputs, strict=False):
            self.line(f"{name} = {names[value]}")
        empty = self.bind("k", np.empty)
        stacked = [self.local() for _ in body.outputs[states:]]
        for name, value in zip(stacked, node.outputs[states:], strict=True):
            shape = self.bind("c", check_size(node.site(self.env), fixed(value.shape), value.dtype))
            self.line(f"{name} = {empty}({shape}, {self.bind('c', value.dtype.np)})", node)
        number, items = self.local(), [self.local() for _ in range(rows)]
        arrays = [names[v] for v in node.inputs[states : states + rows]]
        over = ", ".join([f"range({steps})", *arrays])
        self.line(f"for {', '.join([number, *items])}, in zip({over}):", node)
        self._depth += 1
        inside = dict(zip(body.inputs, state + items, strict=False))
        inside.update(
            zip(
                body.inputs[states + rows :],
                map(names.__getitem__, node.inputs[states + rows :]),
                strict=True,
            )
        )
        self.nodes(body.nodes, body.outputs, inside, keep=True)
        for name, value in zip(stacked, body.outputs[states:], strict=True):
            self.line(f"{name}[{number}] = {inside[value]}", node)
        pairs = [(s, inside[v]) for s, v in zip(state, body.outputs, strict=False) if s != inside[v]]
        if pairs:
            self.line(f"{', '.join(s for s, _ in pairs)}, = {', '.join(v for _, v in pairs)},")
        self._depth -= 1
        names.update(zip(node.outputs, state + stacked, strict=True))

    # The function

    def build(self, name: str, parameters: Sequence[str]) -> Callable[..., Any]:
        """The function of all lines."""
        head = [f"def {name}({', '.join(parameters)}):", "    token = quiet()", "    try:"]
        tail = [
            "    except Exception as error:",
            "        raise explained(error) from error",
            "    finally:",
            "        loud(token)",
        ]
        if self._shares:  # BLAS's threads would be in the way of ours
            head.insert(2, "    own_threads()")
            tail.append("        restore_threads()")
        elif self._products:
            head.insert(2, "    began = guard.begin()")
            tail.append("        guard.end(began)")
        text = "\n".join([*head, *self._lines, *tail]) + "\n"
        filename = "<plan of " + self.name.replace("\0", "") + ">"  # which compile refuses in a name
        lines, offset, env, values = self._nodes, len(head) + 1, self.env, self.globals

        def explained(error: Exception) -> Exception:
            return _explained(error, filename, lines, offset, values, env)

        values.update(quiet=quiet, loud=loud, explained=explained)
        if self._shares:
            from ..kernels.blas import own_threads, restore_threads

            values.update(own_threads=own_threads, restore_threads=restore_threads)
        elif self._products:
            from ..kernels.blas import Guard

            values["guard"] = Guard(self._products)
        exec(compile(text, filename, "exec"), values)
        values[name].source = text
        return _counted(values[name], len(parameters), self.name)


def _seconds(node: Node) -> float:
    """What a slow processor takes for a product of matrices or a convolution; 0 where BLAS has no use for another."""
    factor, result = node.inputs[1].shape or (), node.outputs[0].shape or ()
    numbers, results = (math.prod(n or 0 for n in shape) for shape in (factor, result))
    # Each result takes the numbers of a column of the second factor.
    multiplications = results * numbers // max(1, (result[-1] or 1) if result else 1)
    return max(numbers / _READ, multiplications / _MULTIPLIED) if multiplications > _BLAS_ALONE else 0.0


def _counted(plan: Callable[..., Any], count: int, name: str) -> Callable[..., Any]:
    """`plan`, which answers a wrong number of arguments with an error of ours."""

    def run(*arrays: Any) -> Any:
        if len(arrays) != count:
            raise InvalidArgumentError(None, None, f"'{name}' takes {count} arguments, got {len(arrays)}")
        return plan(*arrays)

    run.plan = plan  # type: ignore[attr-defined]
    return run


def _last_uses(order: Iterable[Node], results: Iterable[Value]) -> dict[Value, Node | None]:
    """For each value the last node that reads it; None for results, which stay."""
    last: dict[Value, Node | None] = {}
    for node in order:
        for value in node.inputs:
            last[value] = node
    for value in results:
        last[value] = None
    return last


def _origin(value: Value) -> Value:
    while value.node.op.name in ALIASES:
        value = value.node.inputs[0]
    return value


class _Live:
    """Which names are still needed: several values may share one.

    Args:
        last: the last reader of each value that has one.
        names: what has a name from the beginning.
        keep: does all of that stay?
    """

    def __init__(self, last: Mapping[Value, Node | None], names: Mapping[Value, str], keep: bool) -> None:
        self._last = last
        self._holders: dict[str, int] = {}
        for value, name in names.items():
            self._holders[name] = self._holders.get(name, 0) + (value in last) + keep

    def begin(self, value: Value, name: str | None) -> None:
        """`value` is there now, under `name`."""
        if name is not None:
            self._holders[name] = self._holders.get(name, 0) + (value in self._last)

    def is_last(self, name: str) -> bool:
        """Does only one value that is still needed have the name?"""
        return self._holders[name] == 1

    def end(self, dying: Sequence[str], unread: Sequence[str]) -> list[str]:
        """Values of the names `dying` were read for the last time; which names can go, those of `unread` among them?"""
        for name in dying:
            self._holders[name] -= 1
        gone = dict.fromkeys([*dying, *unread])
        return [name for name in gone if name[0] in "av" and not self._holders[name]]


class _Fresh:
    """Which values are in arrays that nothing else refers to, so that one that dies can be written over."""

    def __init__(self, order: Iterable[Node]) -> None:
        self._values: set[Value] = set()
        self._shared: set[Value] = set()  # some reader may hand the array itself, or a view of it, on
        for node in order:
            if node.op.name not in _UFUNCS:
                self._shared.update(node.inputs)

    def add(self, value: Value) -> None:
        """`value` is what a ufunc just made."""
        if value not in self._shared:
            self._values.add(value)

    def place(self, node: Node, dying: Sequence[Value]) -> Value | None:
        """An input of `node`, elementwise, whose array can take its result."""
        out = node.outputs[0]
        size = known_size(out.shape)
        if size is None or size * (out.dtype.size or 8) < _IN_PLACE:
            return None
        for value in dying:
            if value in self._values and value.shape == out.shape and value.dtype is out.dtype:
                return value
        return None


# Ops whose results never share memory with their inputs: numpy's ufuncs are their kernels, or what copies.
_UFUNCS = frozenset(
    {
        "Add", "AddV2", "Sub", "Mul", "RealDiv", "Div", "Maximum", "Minimum", "Exp", "Log", "Tanh", "Sqrt",
        "Neg", "Square", "Abs", "MatMul",
    }
)  # fmt: skip


def _explained(
    error: Exception,
    filename: str,
    lines: Sequence[tuple[Node, list[str]] | None],
    offset: int,
    values: Mapping[str, Any],
    env: Environment,
) -> Exception:
    """`error` as a typed error that names the node whose line of the plan raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    row = -1 if trace is None else trace.tb_lineno - offset
    at = lines[row] if 0 <= row < len(lines) else None
    if trace is None or at is None:
        return error
    node, reads = at
    variables = trace.tb_frame.f_locals
    inputs = [variables.get(name, values.get(name)) for name in reads]
    return located(node.op.failure(error, node.site(env), inputs), node)
