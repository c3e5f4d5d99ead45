"""The ops by their registry names, and factories for the public functions that only convert and call one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from calque_runtime import ops
from calque_runtime.op import Op

from .arguments import pair, tensor

__all__ = ["activation", "binary", "raw", "unary"]

_registry = ops.load_all()


def raw(name: str) -> Op:
    """The op of that name in the registry."""
    found = _registry.get(name)
    return ops.require(name) if found is None else found


def unary(op: str, public: str, doc: str) -> Callable[..., Any]:
    """``public(x, name=None)``: one op on one tensor."""

    def function(x: Any, name: str | None = None) -> Any:
        return raw(op)(tensor(x), name=name)

    return _named(function, public, doc + _ONE.format("x"))


def activation(op: str, public: str, doc: str) -> Callable[..., Any]:
    """``public(features, name=None)``: one op on one tensor."""

    def function(features: Any, name: str | None = None) -> Any:
        return raw(op)(tensor(features), name=name)

    return _named(function, public, doc + _ONE.format("features"))


_ONE = "\n\nArgs:\n    {}: a tensor, or what can become one.\n    name: the node's name."


def binary(op: str, public: str, doc: str) -> Callable[..., Any]:
    """``public(x, y, name=None)``: one op on two tensors of one type that broadcast."""

    def function(x: Any, y: Any, name: str | None = None) -> Any:
        a, b = pair(x, y)
        return raw(op)(a, b, name=name)

    return _named(
        function,
        public,
        f"{doc}\n\nArgs:\n    x, y: tensors of one type, or what can become one; they broadcast.\n"
        "    name: the node's name.",
    )


def _named(function: Callable[..., Any], public: str, doc: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = public
    function.__doc__ = doc
    function.__module__ = sys._getframe(2).f_globals[
        "__name__"
    ]  # that of the factory's caller: pickles name it
    return function
