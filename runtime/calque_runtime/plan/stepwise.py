"""Long functions in their first calls: a loop over their nodes, for compiling a line takes longer than running it.

Compiling takes 25 microseconds a node, and most long functions run once or twice before there is a plan for the shapes
of their arguments (`bound`). Who goes on calling such a function gets the compiled plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..environment import Environment
from ..errors import InvalidArgumentError
from ..ir import Function, Node, Value
from ..quiet import loud, quiet
from ..reference import located

__all__ = ["ALIASES", "LONG", "stepwise"]

LONG = 1000  # nodes from which on a function begins like this
ALIASES = frozenset(
    {"Identity", "StopGradient", "PreventGradient", "Snapshot"}
)  # they only pass their input on
_CALLS = 4  # with this call it is compiled

# What runs, where its inputs are, where its results go (one place, or several), and what is not needed afterwards.
Step = tuple[Callable[..., Any], Sequence[int], "int | tuple[int, ...]", list[int]]


def stepwise(
    function: Function,
    order: Sequence[Node],
    env: Environment,
    compiled: Callable[[], Callable[..., list[Any]]],
) -> Callable[..., list[Any]]:
    """What runs `function`, for arguments of any shape: flat arrays in, list of flat arrays out.

    Args:
        function: the function.
        order: its nodes, each after those it needs.
        env: where it runs.
        compiled: makes the plan that takes over after some calls.
    """
    count = len(function.inputs)
    places, start, steps, nodes = _steps(function, order, env)
    results = [places[v] for v in function.outputs]
    calls = 0
    later: Callable[..., list[Any]] | None = None

    def run(*arrays: Any) -> list[Any]:
        nonlocal calls, later
        if len(arrays) != count:
            raise InvalidArgumentError(
                None, None, f"'{function.name}' takes {count} arguments, got {len(arrays)}"
            )
        calls += 1
        if later is None and calls >= _CALLS:
            later = compiled()
        return steps_of(arrays) if later is None else later(*arrays)

    def steps_of(arrays: Sequence[Any]) -> list[Any]:
        values = [*arrays, *start]
        done = 0
        token = quiet()
        try:
            for kernel, inputs, into, gone in steps:
                made = kernel(*[values[i] for i in inputs])
                if type(into) is int:
                    values[into] = made
                else:
                    for place, one in zip(into, made, strict=True):  # type: ignore[arg-type]
                        values[place] = one
                for place in gone:
                    values[place] = None
                done += 1
            return [values[i] for i in results]
        except Exception as error:
            node = nodes[done]
            given = [values[i] for i in steps[done][1]]
            raise located(node.op.failure(error, node.site(env), given), node) from error
        finally:
            loud(token)

    return run


def _steps(
    function: Function, order: Sequence[Node], env: Environment
) -> tuple[dict[Value, int], list[Any], list[Step], list[Node]]:
    """The place of each value, what is in the places behind the arguments at first, the steps, and their nodes."""
    places = {value: i for i, value in enumerate(function.inputs)}
    start: list[Any] = []
    steps: list[Step] = []
    nodes: list[Node] = []
    last: list[int] = [-1] * len(places)  # the step that reads a place last
    size = len(places)
    for node in order:
        kind = node.op.name
        inputs = [places[v] for v in node.inputs]
        if kind in ALIASES:
            places[node.outputs[0]] = inputs[0]
        elif kind == "Const":
            places[node.outputs[0]] = size + len(start)
            start.append(node.site()["value"])
            last.append(-1)
        elif kind != "NoOp":
            at = len(steps)
            for i in inputs:
                last[i] = at
            first = size + len(start)
            for i, value in enumerate(node.outputs):
                places[value] = first + i
                start.append(None)
                last.append(at)
            into = first if node.op.signature.single else tuple(range(first, first + len(node.outputs)))
            steps.append((node.bound(env), inputs, into, []))
            nodes.append(node)
    kept = {places[v] for v in function.outputs}
    for place, at in enumerate(last):
        if at >= 0 and place not in kept and (place < size or start[place - size] is None):
            steps[at][3].append(place)
    return places, start, steps, nodes
