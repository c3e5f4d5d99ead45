"""Where functions run: the resources they share, the functions they call, and what they are allowed to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import InvalidArgumentError, PermissionDeniedError
from .ir import Function, FunctionRef, Library

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
        own_files: paths of the model's own assets, which ops may read whatever the limits.
        lock: guards `resources` and compilation.
    """

    def __init__(self, library: Library | None = None, limits: Limits | None = None) -> None:
        self.library = Library() if library is None else library
        self.resources: dict[tuple[str, str, str], Any] = {}
        self.limits = limits or Limits()
        self.lock = threading.RLock()
        self.own_files: frozenset[str] = frozenset()
        # The functions being compiled, to find one that calls itself.
        self._compiling: set[str] = set()

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
        """What runs `function`; compiled on the first call of it."""
        if function.plan is None:
            from .plan import compile_function

            with self.lock:
                if function.name in self._compiling:
                    raise InvalidArgumentError(None, None, f"function '{function.name}' calls itself")
                if function.plan is None:
                    self._compiling.add(function.name)
                    try:
                        function.plan = compile_function(function, self)
                    finally:
                        self._compiling.discard(function.name)
        return function.plan

    def require_files(self, op: str, what: str) -> None:
        """Refuse unless the caller allowed file access, or `what` is the path of one of the model's own files.

        Raises:
            PermissionDeniedError: it did not.
        """
        if not self.limits.allow_files and what not in self.own_files:
            raise PermissionDeniedError(
                None, op, f"{what}: the graph asks for a file; allow it with Limits(allow_files=True)"
            )
