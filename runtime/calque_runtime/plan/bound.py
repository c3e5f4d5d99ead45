"""A function bound to its captures, which runs the plan made for the shapes of its arguments.

The first call with arguments of some shapes runs the plan for any shape (`compile_function`): a process that calls a
function once should not wait for the passes. From the second call on there is a plan for just these shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import passes
from ..environment import Environment
from ..errors import InvalidArgumentError
from ..ir import Function, Value
from ..resources import EPOCH
from . import watch
from .codegen import Source
from .specialize import TooLargeError, specialize
from .weights import derived, frontier

__all__ = ["BoundPlan", "compile_ordered", "optimized"]

Plan = Callable[..., list[Any]]
_MOST_SHAPES = 24  # plans kept for one function; the oldest gives way
_MOST_SEEN = 256  # shapes remembered that came once


class BoundPlan:
    """Callable with the flat arguments that are not captures: arrays in, list of flat arrays out.

    Args:
        function: what runs.
        captures: its last arguments, the same in every call.
        env: where it runs.
    """

    def __init__(self, function: Function, captures: Sequence[Any], env: Environment) -> None:
        self.function = function
        self.captures = list(captures)
        self.env = env
        self._given = len(function.inputs) - len(self.captures)
        if self._given < 0:
            raise InvalidArgumentError(
                None,
                None,
                f"'{function.name}' takes {len(function.inputs)} arguments, but has {len(captures)} captures",
            )
        # Shapes stand for nothing where an argument is no array; such functions run the plan for any shape.
        self._shaped = all(v.dtype.is_numpy_compatible for v in function.inputs[: self._given])
        self._plans: dict[Any, Plan] = {}
        self._seen: dict[Any, int] = {}
        self._any: Plan | None = None

    def __call__(self, *arrays: Any) -> list[Any]:
        """Run it."""
        if watch.observers:
            wanted = watch.plan_for(self.function, self.captures, self.env, arrays)
            if wanted is not None:
                return wanted(*arrays)
        if self._shaped:
            key = tuple([a.shape for a in arrays])
            plan = self._plans.get(key)
            if plan is not None:
                return plan(*arrays)
            plan = self._specialized(key)
            if plan is not None:
                return plan(*arrays)
        if self._any is None:
            self._any = self.env.compiled(self.function)
        return self._any(*arrays, *self.captures)

    def specialized(self, arrays: Sequence[Any]) -> Plan | None:
        """The plan for arrays of just these shapes, if there is one."""
        return self._plans.get(tuple([a.shape for a in arrays])) if self._shaped else None

    def _specialized(self, key: tuple[Any, ...]) -> Plan | None:
        """The plan for arguments of these shapes, if they come for the second time."""
        if len(key) != self._given:
            return None  # the plan for any shape says what is wrong
        with self.env.lock:
            if key in self._plans:
                return self._plans[key]
            times = self._seen.get(key, 0) + 1
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen[key] = times
            if times <= self.env.generic_calls:
                return None
            if self._any is None:
                self._any = self.env.compiled(self.function)  # callees first; says what is not supported
            try:
                plan = compile_ordered(*optimized(self.function, key, self.captures, self.env), self.env)
            except (TooLargeError, RecursionError):
                self._shaped = False
                return None
            if len(self._plans) >= _MOST_SHAPES:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = plan
            return plan


def optimized(
    function: Function,
    shapes: Sequence[Any],
    captures: Sequence[Any],
    env: Environment,
    after: Callable[[str, Function, bool], None] | None = None,
) -> tuple[Function, Mapping[Value, Any]]:
    """`function` for arguments of these shapes, as the passes leave it, and what its bound arguments are.

    Args:
        function: stays as it is.
        shapes: of the arguments that are not captures; None for one that is not known.
        captures: the objects that its last arguments always are.
        env: where it runs.
        after: called after each pass (see `passes.optimize`).
    """
    first = len(function.inputs) - len(captures)
    bound = {first + i: capture for i, capture in enumerate(captures)}
    ordered = specialize(function, [*shapes, *[None] * len(captures)], bound, env)
    passes.optimize(ordered, env, after)
    return ordered, {ordered.inputs[i]: capture for i, capture in bound.items()}


def compile_ordered(function: Function, bound: Mapping[Value, Any], env: Environment) -> Plan:
    """A Python function that runs an ordered function: the arguments that are not bound in, flat results out."""
    resources = {v: r for v, r in bound.items() if hasattr(r, "version")}
    nodes = derived(function)
    inside = set(nodes)
    weights = frontier(function, nodes)
    source = Source(function.name, env, ordered=True)
    names = {v: source.bind("r", what) for v, what in bound.items()}
    parameters = [v for v in function.inputs if v not in bound]
    names.update((v, f"a{i}") for i, v in enumerate(parameters))
    if weights:
        used = list(dict.fromkeys(v for node in nodes for v in node.inputs if v in resources))
        held = _Weights(function, nodes, list(weights), [(v, resources[v]) for v in used], env)
        locals_ = [f"w{i}" for i in range(len(weights))]
        source.globals.update(epoch=EPOCH, weights=held, refresh=held.refresh)
        source.line("now, w = weights.state")
        source.line("if now != epoch.value: w = refresh()")
        source.line(f"{', '.join(locals_)}, = w")
        names.update(zip(weights, locals_, strict=True))
    rest = [node for node in function.nodes if node not in inside]
    source.nodes(rest, function.outputs, names)
    source.line(f"return [{', '.join(names[v] for v in function.outputs)}]")
    return source.build("plan", [f"a{i}" for i in range(len(parameters))]).plan  # type: ignore[attr-defined, no-any-return]


class _Weights:
    """The derived values of one plan, and the versions of the variables that they were computed from.

    Attributes:
        state: `EPOCH.value` when the values were last known to be right, and the values. One object, so that a
            thread never sees the one without the other.
    """

    def __init__(
        self,
        function: Function,
        nodes: Sequence[Any],
        values: Sequence[Value],
        variables: Sequence[tuple[Value, Any]],
        env: Environment,
    ) -> None:
        source = Source(function.name, env, ordered=True)
        names = {v: f"a{i}" for i, (v, _) in enumerate(variables)}
        constants = {v.node: None for node in nodes for v in node.inputs if v.node.op.name == "Const"}
        source.nodes([*constants, *nodes], values, names)
        source.line(f"return ({', '.join(names[v] for v in values)},)")
        self._derive = source.build("derive", [f"a{i}" for i in range(len(variables))])
        self._variables = [variable for _, variable in variables]
        self._versions: tuple[list[int], tuple[Any, ...]] | None = None
        self.state: tuple[int, tuple[Any, ...]] = (-1, ())

    def refresh(self) -> tuple[Any, ...]:
        """The values, computed anew if a variable has changed."""
        epoch = EPOCH.value  # before the versions: a change in between is seen at the next call
        versions = [variable.version for variable in self._variables]
        known = self._versions
        if known is None or known[0] != versions:
            known = self._versions = versions, self._derive(*self._variables)
        self.state = epoch, known[1]
        return known[1]
