"""`tf.types.experimental`: classes to annotate with, and to ask ``isinstance`` about."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..composite.trace_type import SupportsTracingProtocol, TraceType
from ..function import ConcreteFunction
from ..function import Function as PolymorphicFunction
from ..function.signature import FunctionSignature as FunctionType
from ..tensor import Tensor

__all__ = [
    "AtomicFunction",
    "Callable",
    "ConcreteFunction",
    "FunctionType",
    "GenericFunction",
    "PolymorphicFunction",
    "SupportsTracingProtocol",
    "TensorLike",
    "TraceType",
]


class _EitherFunction(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, (PolymorphicFunction, ConcreteFunction))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, (PolymorphicFunction, ConcreteFunction))


class Callable(metaclass=_EitherFunction):
    """What `tf.function` makes, or one trace of it."""


AtomicFunction = ConcreteFunction
GenericFunction = PolymorphicFunction
# What becomes a tensor where one is wanted.
_Python = int | float | bool | str | bytes | complex | tuple[Any, ...] | list[Any]
TensorLike: Any = Tensor | _Python | np.ndarray | np.generic
