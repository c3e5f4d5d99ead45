"""What surrounds the body of a converted function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...context import name_scope
from ..options import ConversionOptions, Feature
from ..status import ControlStatus, Status
from .variables import UndefinedReturnValue

__all__ = ["FunctionScope", "with_function_scope"]


class FunctionScope:
    """The context in which a converted function's body runs.

    Args:
        function_name: the function's name.
        scope_name: the name of the variable that holds this scope in the converted function.
        options: the conversion asked for.

    Attributes:
        callopts: the options for calls from the body.
    """

    def __init__(self, function_name: str, scope_name: str, options: ConversionOptions) -> None:
        self.name = scope_name
        self.callopts = options.call_options()
        self._contexts: list[Any] = []
        if options.user_requested:
            self._contexts.append(ControlStatus(Status.ENABLED, options))
        if options.uses(Feature.NAME_SCOPES):
            self._contexts.append(
                name_scope(f"fn{function_name}" if function_name.startswith("_") else function_name)
            )

    def __enter__(self) -> FunctionScope:
        for context in self._contexts:
            context.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        for context in reversed(self._contexts):
            context.__exit__(*exc)

    def ret(self, value: Any, did_return: Any) -> Any:
        """What the function returns: None where no return statement was reached."""
        return None if isinstance(value, UndefinedReturnValue) else value


def with_function_scope(
    thunk: Callable[[FunctionScope], Any], scope_name: str, options: ConversionOptions
) -> Any:
    """What a lambda's body, `thunk`, gives inside a `FunctionScope`."""
    with FunctionScope("lambda_", scope_name, options) as scope:
        return thunk(scope)
