"""`TraceType`: what a function's trace was made for, in place of one argument."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["SupportsTracingProtocol", "TraceType", "TracingContext"]


class TraceType:
    """The type of an argument: calls whose arguments are of the same types share a trace.

    A class of one's own says by ``__tf_tracing_type__(self, context)`` what the type of its objects is; the types are
    compared with ``==`` and must be hashable.
    """

    __slots__ = ()

    def is_subtype_of(self, other: Any) -> bool:
        """May a trace made for `other` be called with a value of this type?"""
        raise NotImplementedError(f"{type(self).__name__} does not say how is_subtype_of() works")

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """The narrowest type of all values of this type and of `others`; None where there is none."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how most_specific_common_supertype() works"
        )

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """What stands for the argument while the Python body is traced."""
        raise NotImplementedError(f"{type(self).__name__} does not say how placeholder_value() works")

    def to_tensors(self, value: Any) -> list[Any]:
        """The tensors that `value` passes to the graph, in the order of `flatten`; default: none."""
        return []

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """A value of this type from as many of `tensors` as `flatten` lists; default: the placeholder."""
        return self.placeholder_value(None)

    def flatten(self) -> list[Any]:
        """The specs of the tensors that a value passes to the graph; default: none."""
        return []

    def cast(self, value: Any, cast_context: Any) -> Any:
        """`value` made one of this type; default: as it is."""
        return value


class TracingContext:
    """What ``__tf_tracing_type__`` is given. It has nothing that a class needs to look at."""

    __slots__ = ()


class _HasTracingType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return hasattr(instance, "__tf_tracing_type__")


class SupportsTracingProtocol(metaclass=_HasTracingType):
    """What has a ``__tf_tracing_type__(self, context)`` that returns a `TraceType`."""
