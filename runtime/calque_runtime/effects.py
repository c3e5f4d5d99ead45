"""Which nodes do something besides giving results: what must run, and what must keep its place."""

from __future__ import annotations

from collections.abc import Iterable

from .ir import Function, FunctionRef, Node

__all__ = ["READS", "callees", "has_effect", "is_pure"]

# Stateful ops that change nothing another op could see.
READS = frozenset(
    {
        "DisableCopyOnRead",
        "GuaranteeConst",
        "HashTableV2",
        "LookupTableExportV2",
        "LookupTableFindV2",
        "LookupTableSizeV2",
        "Multinomial",
        "MutableHashTableV2",
        "Placeholder",
        "RandomGamma",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "ReadFile",
        "ReadVariableOp",
        "ResourceGather",
        "ResourceGatherNd",
        "TruncatedNormal",
        "VarHandleOp",
        "VarIsInitializedOp",
        "VariableShape",
    }
)


def callees(node: Node) -> Iterable[Function]:
    """The functions at hand that `node`'s attributes refer to."""
    for value in node.attrs.values():
        for ref in value if isinstance(value, tuple) else (value,):
            if isinstance(ref, FunctionRef) and ref.function is not None:
                yield ref.function


def has_effect(node: Node) -> bool:
    """Must `node` run even if nothing reads its results?"""
    if not node.op.signature.stateful or node.op.name in READS:
        return False
    called = list(callees(node))
    return not called or any(f.control_outputs for f in called)


def is_pure(node: Node) -> bool:
    """Are `node`'s results determined by its inputs and attributes alone, wherever it runs?"""
    return not node.op.signature.stateful and not any(True for _ in node.calls())
