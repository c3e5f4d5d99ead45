"""Which ops a meta graph uses, and from where they are reached.

Counts nodes in the messages themselves, so that functions count which cannot be decoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from calque_runtime import ops

__all__ = ["Census"]


class _Part:
    """The ops in some nodes, and the functions that these call."""

    def __init__(self) -> None:
        self.ops: Counter[str] = Counter()
        self.calls: set[str] = set()


class Census:
    """The ops of a GraphDef with its library.

    Args:
        graph_def: the message.
    """

    def __init__(self, graph_def: Any) -> None:
        self._names = {function.signature.name for function in graph_def.library.function}
        self._nodes = {node.name: node for node in graph_def.node}
        self._functions = {
            function.signature.name: self._part(function.node_def) for function in graph_def.library.function
        }
        self.functions = len(self._functions)
        self._top = self._part(graph_def.node)

    def _part(self, nodes: Iterable[Any]) -> _Part:
        part = _Part()
        for node in nodes:
            if node.op in self._names:
                part.calls.add(node.op)
            else:
                part.ops[node.op] += 1
            part.calls.update(_references(node))
        return part

    def file(self) -> Counter[str]:
        """Every op: of the top-level graph and of all functions."""
        return self._sum([self._top, *self._functions.values()])

    def reached(self, tensors: Iterable[str] = (), functions: Iterable[str] = ()) -> Counter[str]:
        """The ops that run for some results, each function counted once.

        Args:
            tensors: names of tensors or nodes of the top-level graph.
            functions: names of functions.
        """
        names: dict[str, None] = {}
        waiting = [tensor.lstrip("^").partition(":")[0] for tensor in tensors]
        while waiting:
            name = waiting.pop()
            if name in self._nodes and name not in names:
                names[name] = None
                waiting += [ref.lstrip("^").partition(":")[0] for ref in self._nodes[name].input]
        top = self._part(self._nodes[name] for name in names)
        called = self._closure([*functions, *sorted(top.calls)])
        return self._sum([top, *(self._functions[name] for name in called)])

    def _closure(self, functions: Iterable[str]) -> list[str]:
        found: dict[str, None] = {}
        waiting = list(functions)
        while waiting:
            name = waiting.pop()
            if name in self._functions and name not in found:
                found[name] = None
                waiting += sorted(self._functions[name].calls)
        return list(found)

    def unsupported(self) -> list[str]:
        """The ops in the file that calque does not have, sorted."""
        return sorted(name for name in self.file() if ops.find(name) is None)

    @staticmethod
    def _sum(parts: Iterable[_Part]) -> Counter[str]:
        total: Counter[str] = Counter()
        for part in parts:
            total.update(part.ops)
        return total


def _references(node: Any) -> Iterator[str]:
    for value in node.attr.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield value.func.name
        elif kind == "list":
            for function in value.list.func:
                yield function.name
