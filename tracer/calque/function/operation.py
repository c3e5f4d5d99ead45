"""`tf.Operation`: a node of a graph, as those who look into a graph see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calque_runtime.errors import InvalidArgumentError
from calque_runtime.ir import ARG, Node

from ..tensor import SymbolicTensor

if TYPE_CHECKING:
    from .trace import Trace

__all__ = ["Operation"]


class Operation:
    """A node of a graph. Two of them are equal if they are the same node."""

    __slots__ = ("graph", "node")

    def __init__(self, node: Node, graph: Trace) -> None:
        self.node = node
        self.graph = graph

    @property
    def name(self) -> str:
        """Its name, unique in the graph."""
        return self.node.name

    @property
    def type(self) -> str:
        """The op type's name; arguments are Placeholders."""
        return "Placeholder" if self.node.op is ARG else self.node.op.name

    @property
    def inputs(self) -> tuple[SymbolicTensor, ...]:
        """The tensors it takes, flat."""
        return tuple(SymbolicTensor(v, self.graph) for v in self.node.inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The tensors it gives, flat."""
        return [SymbolicTensor(v, self.graph) for v in self.node.outputs]

    @property
    def control_inputs(self) -> list[Operation]:
        """What must run before it, beside what makes its inputs."""
        return [Operation(n, self.graph) for n in self.node.control]

    @property
    def device(self) -> str:
        """The device it is to run on, "" for any."""
        return self.node.device

    def values(self) -> tuple[SymbolicTensor, ...]:
        """The tensors it gives, flat."""
        return tuple(self.outputs)

    def get_attr(self, name: str) -> Any:
        """The value of an attribute, or its default.

        Raises:
            ValueError: it has no attribute of that name.
        """
        try:
            return self.node.site()[name]
        except InvalidArgumentError:
            raise ValueError(f"Operation '{self.name}' has no attr named '{name}'.") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operation) and self.node is other.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"
