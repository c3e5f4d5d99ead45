"""Python's operators on tensors and variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calque_runtime.dtypes import DType

from ..tensor import Tensor
from ..variable import Variable
from . import math_ops
from .arguments import like, pair, tensor
from .indexing_ops import getitem
from .raw import raw

__all__ = ["install"]


def _forward(name: str, function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    reflected = f"__r{name}__"

    def operator(self: Any, other: Any) -> Any:
        if not isinstance(other, Tensor):
            self = tensor(self)
            try:
                other = like(other, self._dtype)
            except (TypeError, ValueError):
                if hasattr(type(other), reflected):  # the other operand may know better
                    return NotImplemented
                raise
        return function(self, other, name=name)

    return operator


def _reflected(name: str, function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        me = tensor(self)
        return function(like(other, me._dtype), me, name=name)

    return operator


def _compared(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return function(self, other)

    return operator


def _equality(op: str, otherwise: bool) -> Callable[[Any, Any], Any]:
    """``==`` or ``!=`` on tensors, element by element; for None, and shapes that do not broadcast, one bool for all."""

    def operator(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, DType):
            return otherwise
        a, b = pair(self, other)
        return raw(op)(a, b, incompatible_shape_error=False)

    return operator


def _and(x: Any, y: Any, name: str | None = None) -> Any:
    """``x & y``: logical for bools, bitwise for integers."""
    a, b = pair(x, y)
    return raw("LogicalAnd" if a.dtype.is_bool else "BitwiseAnd")(a, b, name=name)


def _or(x: Any, y: Any, name: str | None = None) -> Any:
    """``x | y``: logical for bools, bitwise for integers."""
    a, b = pair(x, y)
    return raw("LogicalOr" if a.dtype.is_bool else "BitwiseOr")(a, b, name=name)


def _xor(x: Any, y: Any, name: str | None = None) -> Any:
    """``x ^ y``: logical for bools, bitwise for integers."""
    a, b = pair(x, y)
    return math_ops.logical_xor(a, b, name) if a.dtype.is_bool else raw("BitwiseXor")(a, b, name=name)


def _invert(x: Any, name: str | None = None) -> Any:
    """``~x``: logical for bools, bitwise for integers."""
    a = tensor(x)
    return raw("LogicalNot" if a.dtype.is_bool else "Invert")(a, name=name)


_BINARY: dict[str, Callable[..., Any]] = {
    "add": math_ops.add,
    "sub": math_ops.subtract,
    "mul": math_ops.multiply,
    "truediv": math_ops.truediv,
    "floordiv": math_ops.floordiv,
    "mod": math_ops.floormod,
    "pow": math_ops.pow,
    "matmul": math_ops.matmul,
    "and": _and,
    "or": _or,
    "xor": _xor,
}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "lt": math_ops.less,
    "le": math_ops.less_equal,
    "gt": math_ops.greater,
    "ge": math_ops.greater_equal,
}


def install() -> None:
    """Give `Tensor` and `Variable` their operators."""
    for cls in (Tensor, Variable):
        own: Any = cls
        for name, function in _BINARY.items():
            setattr(own, f"__{name}__", _forward(name, function))
            setattr(own, f"__r{name}__", _reflected(name, function))
        for name, function in _COMPARISONS.items():
            setattr(own, f"__{name}__", _compared(function))
        own.__neg__ = lambda self: math_ops.negative(self)
        own.__abs__ = lambda self: math_ops.abs(self)
        own.__invert__ = lambda self: _invert(self)
        own.__getitem__ = getitem
        own.__eq__ = _equality("Equal", False)
        own.__ne__ = _equality("NotEqual", True)
