"""Gradient functions by name: of ops that users give one (`RegisterGradient`), and of custom gradients.

A node with a custom gradient names it in the attribute ``_gradient_op_type``. Where the graph was traced, the name
carries the function, so that it lives as long as a node that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from calque_runtime.op import Call

from ..tensor import convert_to_tensor

__all__ = [
    "EagerOperation",
    "GradientName",
    "RegisterGradient",
    "call",
    "custom",
    "find",
    "no_gradient",
    "register",
]

GradientFunction = Callable[..., Any]
_registered: dict[str, GradientFunction | None] = {}


class GradientName(bytes):
    """The name of a custom gradient, with its function.

    Attributes:
        function: from the operation and the gradients of its outputs to those of its inputs.
    """

    function: GradientFunction

    @classmethod
    def of(cls, name: str, function: GradientFunction) -> GradientName:
        """The name `name` of `function`."""
        made = cls(name.encode())
        made.function = function
        return made


class EagerOperation:
    """What a registered gradient function sees of an op that ran on eager tensors."""

    def __init__(self, call: Call) -> None:
        self.type = call.op.name
        self.name = call.op.name
        self.inputs = tuple(call.inputs)
        self.outputs = list(call.outputs)
        self._call = call

    def get_attr(self, name: str) -> Any:
        """The value of an attribute.

        Raises:
            ValueError: it has no attribute of that name.
        """
        try:
            return self._call[name]
        except KeyError:
            raise ValueError(f"Operation '{self.name}' has no attr named '{name}'.") from None


def register(name: str, function: GradientFunction | None) -> None:
    """Make `function` the gradient called `name`; None: there is no gradient."""
    _registered[name] = function


def custom(name: bytes | str) -> GradientFunction | None:
    """The custom gradient that a node names, or None."""
    if isinstance(name, GradientName):
        return name.function
    return find(name.decode() if isinstance(name, bytes) else name)


def find(name: str) -> GradientFunction | None:
    """The gradient function of that name, or None."""
    if name not in _registered:
        return None
    return _registered[name] or _nothing


def _nothing(operation: Any, *gradients: Any) -> list[None]:
    return [None] * len(operation.inputs)


def call(function: GradientFunction, operation: Any, gradients: Sequence[Any], count: int) -> list[Any]:
    """The gradients of an op's `count` inputs by a registered function, which gets zeros where there is no gradient.

    Raises:
        ValueError: it gives not one gradient for each input.
    """
    from .aggregation import zeros_like

    filled = [
        zeros_like(out) if g is None else g for g, out in zip(gradients, operation.outputs, strict=True)
    ]
    found = function(operation, *filled)
    if not isinstance(found, (list, tuple)):
        found = [found]
    if len(found) != count:
        raise ValueError(
            f"Num gradients {len(found)} generated for op {operation.name} ({operation.type}) do not match num inputs "
            f"{count}"
        )
    return [g if g is None or hasattr(g, "dtype") else convert_to_tensor(g) for g in found]


class RegisterGradient:
    """Decorator: registers the gradient function of an op type.

    Args:
        op_type: the op type's name.

    The function gets the operation (``inputs``, ``outputs``, ``get_attr``) and a gradient for each output, and returns
    one for each input: a tensor, or None. It goes before the op's own rule.

    Raises:
        TypeError: `op_type` is not a string.
        KeyError: there is a registered gradient for that type already.
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: GradientFunction) -> GradientFunction:
        """Register `f`."""
        if self._op_type in _registered:
            raise KeyError(f"Registering two gradient with name '{self._op_type}'!")
        register(self._op_type, f)
        return f


def no_gradient(op_type: str) -> None:
    """Say that an op type is not differentiable: no gradient flows through it.

    Raises:
        TypeError: `op_type` is not a string.
    """
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    register(op_type, None)
