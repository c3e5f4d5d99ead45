"""Plans that note how long their ops take: what the profiler runs in the place of the usual ones.

A timed plan is made for the shapes of its arguments by the same passes as the usual one, and calls the same kernels,
each between two looks at the clock, which takes about 0.4 microseconds.
"""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import passes
from ..dtypes import resource
from ..environment import Environment
from ..ir import Function, Node
from ..op import Kernel, Op, Site
from .bound import compile_ordered
from .specialize import TooLargeError, specialize

__all__ = ["Recorder", "Span"]

# What ran: its name, its kind, the thread, start and duration in nanoseconds, what else is known.
Span = tuple[str, str, int, int, int, dict[str, Any]]


class Recorder:
    """An observer (see `watch`) that times functions and their ops.

    Attributes:
        spans: what ran so far, in the order in which it ended.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._plans: dict[Any, Callable[..., list[Any]]] = {}
        self._kept: list[Any] = []  # what plans are known by the ids of, so that those stay their own
        self._lock = threading.Lock()

    def __call__(
        self, function: Function, captures: Sequence[Any], env: Environment, arrays: Sequence[Any]
    ) -> Callable[..., list[Any]]:
        """What times a call."""
        shapes = tuple([getattr(a, "shape", None) for a in arrays])
        resources = {i: a for i, a in enumerate(arrays) if function.inputs[i].dtype is resource}
        bound = resources | dict(enumerate(captures, len(arrays)))
        key = id(function), id(env), shapes, *((i, id(one)) for i, one in bound.items())
        plan = self._plans.get(key)
        if plan is None:
            with self._lock:
                self._kept.append((function, env, bound))
                plan = self._plans[key] = self._timed_plan(function, bound, env, shapes)
        return plan

    def note(self, name: str, kind: str, start: int, details: dict[str, Any]) -> None:
        """Something that began at `start` (of `time.perf_counter_ns`) has just ended."""
        self.spans.append((name, kind, threading.get_ident(), start, time.perf_counter_ns() - start, details))

    def _timed_plan(
        self, function: Function, bound: Mapping[int, Any], env: Environment, shapes: Sequence[Any]
    ) -> Callable[..., list[Any]]:
        """A plan for arguments of these shapes, with `bound` as those at these places."""
        whole: Callable[..., list[Any]] = env.compiled(function)  # callees first; says what is not supported
        captures = [bound[i] for i in range(len(shapes), len(function.inputs))]
        places = [i for i in range(len(shapes)) if i not in bound]
        plan: Callable[..., list[Any]] | None = None
        if all(function.inputs[i].dtype.is_numpy_compatible for i in places):
            # Otherwise, or where it cannot be taken apart, it runs as it is, and counts as one.
            with contextlib.suppress(TooLargeError, RecursionError):
                ordered = specialize(function, [*shapes, *[None] * len(captures)], bound, env)
                passes.optimize(ordered, env)
                self._time_nodes(ordered, env)
                plan = compile_ordered(ordered, {ordered.inputs[i]: one for i, one in bound.items()}, env)
        details = {"arguments": str([None if s is None else list(s) for s in shapes])}

        def run(*arrays: Any) -> list[Any]:
            start = time.perf_counter_ns()
            try:
                if plan is None:
                    return whole(*arrays, *captures)
                return plan(*[arrays[i] for i in places])
            finally:
                self.note(function.name, "function", start, details)

        return run

    def _time_nodes(self, function: Function, env: Environment) -> None:
        """Let the nodes of an ordered function, and of its branches and loops, run kernels that note their time."""
        for node in function.nodes:
            inner = [ref.function for ref in node.calls() if ref.function is not None]
            if inner and (node.op.name == "_Scan" or not node.op.name.startswith("_")):
                # Groups and parts are kernels of their own.
                for one in inner:
                    self._time_nodes(one, env)
            elif node.op.signature.stateful:
                node.kernel = env, self._timed(node.bound(env), node)
                node.original = None
            elif node.op.kernel is not None:
                node.op = self._timed_op(node.op, node)

    def _timed_op(self, op: Op, node: Node) -> Op:
        timed = copy.copy(op)
        make = op.kernel

        def kernel(site: Site) -> Kernel:
            return self._timed(make(site), node)  # type: ignore[misc]

        timed.kernel = kernel
        return timed

    def _timed(self, run: Kernel, node: Node) -> Kernel:
        kind = node.op.name
        details = {"node": node.name}
        if node.location is not None:
            details["line"] = f"{node.location[0]}:{node.location[1]}"
        spans, clock, thread = self.spans, time.perf_counter_ns, threading.get_ident

        def timed(*arrays: Any) -> Any:
            start = clock()
            result = run(*arrays)
            spans.append((kind, "op", thread(), start, clock() - start, details))
            return result

        return timed
