"""What the `call` method of a layer takes: its first argument, and whether it takes `training` and `mask`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["CallSpec"]


class CallSpec:
    """The parameters of a layer's `call`.

    Args:
        call: the method, bound; or its parameters by name.

    Attributes:
        names: the parameters' names, in order.
        expects_training, expects_mask: is there such a parameter (or ``**kwargs``, for `training`)?
        default_training: what `training` is where nobody says.
        further_required: the parameters behind the first one that every call must give, but `training`.
    """

    def __init__(self, call: Callable[..., Any] | Mapping[str, inspect.Parameter]) -> None:
        parameters = inspect.signature(call).parameters if callable(call) else call
        self.parameters = parameters
        kinds = inspect.Parameter
        self.names = [
            n for n, p in parameters.items() if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
        ]
        self._positional = [
            n for n, p in parameters.items() if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        ]
        takes_any = any(p.kind is kinds.VAR_KEYWORD for p in parameters.values())
        self.first = self._positional[0] if self._positional else "inputs"
        self.expects_training = "training" in self.names or takes_any
        self.expects_mask = "mask" in self.names or takes_any
        self.takes_mask_by_name = "mask" in self.names
        self.further_required = [
            n for n in self._positional[1:] if parameters[n].default is kinds.empty and n != "training"
        ]
        default = parameters["training"].default if "training" in parameters else None
        self.default_training = None if default is inspect.Parameter.empty else default

    def split(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        """The first argument of a call, and the others.

        Raises:
            ValueError: there is none.
        """
        if args:
            return args[0], args[1:], kwargs
        if self.first in kwargs:
            rest = dict(kwargs)
            return rest.pop(self.first), (), rest
        raise ValueError("The first argument to `Layer.call` must always be passed.")

    def given(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call passes for a parameter behind the first one; None where it passes nothing."""
        if name in kwargs:
            return kwargs[name]
        place = self._place(name)
        return args[place] if place is not None and place < len(args) else None

    def passed(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Does a call pass something for a parameter behind the first one?"""
        place = self._place(name)
        return name in kwargs or (place is not None and place < len(args))

    def with_value(
        self, name: str, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call behind the first one, with this value for a parameter."""
        place = self._place(name)
        if place is not None and place < len(args):
            return (*args[:place], value, *args[place + 1 :]), kwargs
        return args, {**kwargs, name: value}

    def _place(self, name: str) -> int | None:
        return self._positional.index(name) - 1 if name in self._positional else None
