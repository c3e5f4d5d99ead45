"""Query, key and value of attention, products of one matrix with three, become one product with all three.

before                                              after
  %q = MatMul(%x, %wq)                                %w = ConcatV2(%wq, %wk, %wv, 1)
  %a = AddV2(%q, %bq)                                 %b = ConcatV2(%bq, %bk, %bv, 0)
  %k = MatMul(%x, %wk)                                %p = MatMul(%x, %w)
  %v = MatMul(%x, %wv)                                %y = AddV2(%p, %b)
  (%a, %k and %v are read by _Attention)              %a, %k, %v = Split(1, %y)

The joint weights derive from variables, and are computed once. The parts are views: products of matrices take rows at
any distance.
"""

from __future__ import annotations

import numpy as np

from ..environment import Environment
from ..ir import Function, Node, Value
from ..plan.weights import derived
from ..shapes import fixed, is_static
from .drop_dead import run as drop_dead
from .rewriting import Builder, rewrite, users

__all__ = ["run"]

_ADDS = frozenset({"AddV2", "Add", "BiasAdd"})


def run(function: Function, env: Environment) -> bool:
    """Merge in `function`; what is inside its nodes has no weights of its own."""
    if not any(node.op.name == "_Attention" for node in function.nodes):
        return False
    return _Merging(function).run()


class _Projection:
    """One product, with the bias behind it if there is one.

    Attributes:
        product: the MatMul.
        bias: a vector, or None.
        result: what others read.
    """

    def __init__(self, product: Node, bias: Value | None, result: Value) -> None:
        self.product = product
        self.bias = bias
        self.result = result


class _Merging:
    def __init__(self, function: Function) -> None:
        self.function = function
        self.users = users(function)
        stable = {v for node in derived(function) for v in node.outputs}
        self.stable = stable | {v for node in function.nodes if node.op.name == "Const" for v in node.outputs}
        # For the last result of each group in order of execution: the group; for each result: its place in its group.
        self.first: dict[Node, list[_Projection]] = {}
        self.members: dict[Node, tuple[_Projection, int]] = {}
        self.made: dict[Node, tuple[Value, ...]] = {}

    def run(self) -> bool:
        groups: dict[tuple[Value, tuple[int, ...], bool], list[_Projection]] = {}
        for node in self.function.nodes:
            found = self._projection(node)
            if found is not None:
                key = node.inputs[0], fixed(node.inputs[1].shape), found.bias is None
                groups.setdefault(key, []).append(found)
        for group in groups.values():
            if len(group) < 2:
                continue
            for i, one in enumerate(group):
                self.members[one.result.node] = group[0], i
            self.first[group[0].result.node] = group
        if not self.members:
            return False
        # What derives from variables depends on nothing else: the joint weights may need any of it.
        nodes = self.function.nodes
        early = [node for node in nodes if any(v in self.stable for v in node.outputs)]
        self.function.nodes = early + [
            node for node in nodes if not any(v in self.stable for v in node.outputs)
        ]
        changed = rewrite(self.function, self.visit)
        if changed:
            drop_dead(self.function, Environment())
        return changed

    def _projection(self, node: Node) -> _Projection | None:
        """`node` as a projection, if it is a product with weights that only attention reads."""
        if node.op.name != "MatMul" or node.outputs[0] in self.stable:
            return None
        x, w = node.inputs
        site = node.site()
        if site["transpose_a"] or site["transpose_b"] or w not in self.stable or x in self.stable:
            return None
        if not is_static(w.shape) or not is_static(x.shape) or x.dtype.name not in ("float32", "float64"):
            return None
        result, bias = node.outputs[0], None
        reader = self._reader(result)
        if reader is not None and reader.op.name in _ADDS:
            bias = next((v for v in reader.inputs if v is not result), None)
            columns = fixed(w.shape)[1]
            if bias is None or bias not in self.stable or bias.shape != (columns,):
                return None
            result = reader.outputs[0]
            reader = self._reader(result)
        if reader is not None and reader.op.name == "Reshape":
            reader = self._reader(reader.outputs[0])
        return None if reader is None or reader.op.name != "_Attention" else _Projection(node, bias, result)

    def _reader(self, value: Value) -> Node | None:
        """The one node that reads `value`."""
        readers = self.users.get(value, [])
        return readers[0] if len(readers) == 1 and value not in self.function.outputs else None

    def visit(self, node: Node, builder: Builder) -> tuple[Value, ...] | None:
        member = self.members.get(node)
        if member is None:
            return None
        leader, i = member
        parts = self.made.get(leader.result.node)
        if parts is None:  # the first of them: weights and biases come before all that is computed
            parts = self.made[leader.result.node] = self._merged(self.first[leader.result.node], builder)
        return (parts[i],)

    def _merged(self, group: list[_Projection], builder: Builder) -> tuple[Value, ...]:
        like = group[0].result.node
        one = builder.constant(np.array(1, np.int32), like)
        weights = self._joint([p.product.inputs[1] for p in group], one, like, builder)
        (product,) = builder.add("MatMul", [group[0].product.inputs[0], weights], like)
        if group[0].bias is not None:
            zero = builder.constant(np.array(0, np.int32), like)
            bias = self._joint([p.bias for p in group if p.bias is not None], zero, like, builder)
            (product,) = builder.add("AddV2", [product, bias], like)
        return builder.add("Split", [one, product], like, {"num_split": len(group)})

    def _joint(self, values: list[Value], axis: Value, like: Node, builder: Builder) -> Value:
        attrs = {"N": len(values), "T": values[0].dtype, "Tidx": axis.dtype}
        return builder.add("ConcatV2", [*values, axis], like, attrs)[0]
