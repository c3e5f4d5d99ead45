"""Sums and products of which a pass does not mind the order: what it looks for comes in any."""

from __future__ import annotations

from collections.abc import Iterator

from ..ir import Node, Value

__all__ = ["ADDS", "both_ways", "factors", "pairs"]

ADDS = frozenset({"Add", "AddV2"})


def both_ways(node: Node) -> Iterator[tuple[Value, Value]]:
    """The two inputs of `node`, in either order."""
    one, other = node.inputs
    yield one, other
    yield other, one


def pairs(value: Value) -> Iterator[tuple[Value, Value]]:
    """The two factors of a product, in either order; nothing where `value` is none."""
    if value.node.op.name == "Mul":
        yield from both_ways(value.node)


def factors(value: Value, depth: int) -> Iterator[Value]:
    """What a product of products, nested at most so deep, multiplies."""
    if depth and value.node.op.name == "Mul":
        for one in value.node.inputs:
            yield from factors(one, depth - 1)
    else:
        yield value
