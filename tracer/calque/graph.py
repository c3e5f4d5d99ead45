"""`Graph`: a graph to build outside of any function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .function.trace import Trace

__all__ = ["Graph"]


class _GraphType(type):
    """Says that the graphs of functions are Graphs."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Trace)


class Graph(metaclass=_GraphType):
    """A graph of ops. The graphs of functions are of this class as well.

    One that is made by ``tf.Graph()`` is filled in ``with graph.as_default():``. There are no sessions to run it:
    what shall run belongs into a `function`. Variables made inside have their value at once.
    """

    def __new__(cls) -> Any:
        """An empty graph."""
        return _Standalone("graph", may_create_variables=True)


class _Standalone(Trace):
    @contextmanager
    def as_default(self) -> Iterator[_Standalone]:
        """Op calls inside are added to this graph."""
        with self.as_current():
            yield self
