"""Where functions run: the resources they share, the functions they call, and what they are allowed to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .collecting import paused_collection
from .errors import InvalidArgumentError, PermissionDeniedError
from .ir import Function, FunctionRef, Library

if TYPE_CHECKING:
    from .backend import Backend
    from .plan.bound import BoundPlan

__all__ = ["Environment", "Limits"]

T = TypeVar("T")


class Limits:
    """What a graph may ask for.

    Attributes:
        max_bytes: the largest tensor that an op may make whose size the graph computes (fill, range, tile, ...).
        allow_files: may ops read and write files other than the model's own?
        allow_python: may ops call back into Python?
    """

    __slots__ = ("allow_files", "allow_python", "max_bytes")

    def __init__(
        self, max_bytes: int = 8 << 30, allow_files: bool = False, allow_python: bool = False
    ) -> None:
        self.max_bytes = max_bytes
        self.allow_files = allow_files
        self.allow_python = allow_python


class Environment:
    """One loaded model's, or one process's, place to run functions in.

    Attributes:
        library: the functions that can be called by name.
        resources: shared objects by (kind, container, name): variables, tables, ...
        limits: what a graph may ask for.
        gradients: for each custom gradient that the model's file names, what tells (the name of its function, the
            structure of its results, what its captures stand for).
        own_files: paths of the model's own assets, which ops may read whatever the limits.
        lock: guards `resources` and compilation.
        backends: engines that are offered parts of functions, the first of them first.
        generic_calls: how often a function is called with arguments of some shapes before it is compiled for them.
    """

    generic_calls = 1

    def __init__(self, library: Library | None = None, limits: Limits | None = None) -> None:
        self.library = Library() if library is None else library
        self.resources: dict[tuple[str, str, str], Any] = {}
        self.limits = limits or Limits()
        self.lock = threading.RLock()
        self.gradients: dict[str, Callable[[], tuple[str, Any, list[Any]]]] = {}
        self.own_files: frozenset[str] = frozenset()
        self.backends: tuple[Backend, ...] = ()

    def resource(self, kind: str, container: str, name: str, make: Callable[[], T]) -> T:
        """The shared resource of that name, made when it is first asked for."""
        key = (kind, container, name)
        with self.lock:
            if key not in self.resources:
                self.resources[key] = make()
            return self.resources[key]  # type: ignore[no-any-return]

    def callable(self, ref: FunctionRef) -> Callable[..., Any]:
        """What runs the function that `ref` names: flat arrays in, list of flat arrays out."""
        return self.compiled(self.library.resolve(ref))

    def compiled(self, function: Function) -> Callable[..., Any]:
        """What runs `function`; compiled on the first call of it.

        Raises:
            InvalidArgumentError: it calls itself, directly or not.
            NotFoundError: it calls a function that is not there.
        """
        if function.plan is None:
            from .plan import compile_function

            with self.lock, paused_collection():
                # Callees first, so that how deep calls are nested does not matter here.
                for one in self._callees_first(function):
                    if one.plan is None:
                        one.plan = compile_function(one, self)
        return function.plan  # type: ignore[return-value]

    def bound(self, function: Function, captures: Sequence[Any]) -> BoundPlan:
        """What runs `function` with `captures` as its last arguments: the flat other arguments in, flat results out."""
        from .plan.bound import BoundPlan

        return BoundPlan(function, captures, self)

    def _callees_first(self, function: Function) -> Iterator[Function]:
        """Those that `function` needs and that are not compiled yet, each after all that it calls itself."""
        waiting = [(function, self._callees(function))]
        path = {function.name}
        while waiting:
            one, callees = waiting[-1]
            callee = next(callees, None)
            if callee is None:
                waiting.pop()
                path.discard(one.name)
                yield one
            elif callee.name in path:
                names = [caller.name for caller, _ in waiting]
                cycle = " -> ".join([*names[names.index(callee.name) :][:8], callee.name])
                raise InvalidArgumentError(
                    None, None, f"function '{callee.name}' calls itself: {cycle}, which is not supported"
                )
            elif callee.plan is None:
                path.add(callee.name)
                waiting.append((callee, self._callees(callee)))

    def _callees(self, function: Function) -> Iterator[Function]:
        """The functions that the nodes which will run refer to, as far as they exist."""
        if any(node.op.name in ("Switch", "Merge") for node in function.nodes):
            from .passes.raise_control_flow import raise_control_flow

            raise_control_flow(function)
        if not any(
            node.op.name in self.library or any(True for _ in node.calls()) for node in function.nodes
        ):
            return
        from .op import registered
        from .schedule import schedule

        for node in schedule(function):
            for ref in node.calls():
                if ref.function is not None or ref.name in self.library:
                    yield self.library.resolve(ref)
            if node.op.name in self.library and registered().get(node.op.name) is not node.op:
                yield self.library[node.op.name]  # a node may call a function by having its name as op

    def require_files(self, op: str, what: str) -> None:
        """Refuse unless the caller allowed file access, or `what` is the path of one of the model's own files.

        Raises:
            PermissionDeniedError: it did not.
        """
        if not self.limits.allow_files and what not in self.own_files:
            raise PermissionDeniedError(
                None, op, f"{what}: the graph asks for a file; allow it with Limits(allow_files=True)"
            )
