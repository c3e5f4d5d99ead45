"""Products of a stack of matrices with one matrix become products of two matrices, and so does what follows them.

before                                              after
  %p = BatchMatMulV2(%x, %w)                          %f = Reshape(%x, [256, 64])
  %r = Reshape(%p, [2, 128, 4, 16])                   %p = MatMul(%f, %w)
  %y = AddV2(%r, %b)                                  %c = Reshape(%b, [64])
  (%x: float32[2,128,64], %b: float32[4,16])          %a = AddV2(%p, %c)
                                                      %y = Reshape(%a, [2, 128, 4, 16])

The same for an Einsum that is such a product. One large product is faster than many small ones, and a bias or an
activation next to its product can join it (`fuse_epilogue`).
"""

from __future__ import annotations

import math

import numpy as np

from ..environment import Environment
from ..ir import Function, Node, Value
from ..shapes import Shape, fixed, is_static, known_size
from .drop_dead import run as drop_dead
from .rewriting import Builder, nested, rewrite, users

__all__ = ["run"]

_SMALL = 1 << 13  # elements of a result that are left as they are
_TYPES = frozenset({"float32", "float64"})
_STACKS = frozenset({"BatchMatMulV2", "BatchMatMulV3"})
_ADDS = frozenset({"AddV2", "Add", "BiasAdd"})
_ACTIVATIONS = frozenset({"Relu", "Relu6", "Sigmoid", "Tanh", "_Gelu"})


def run(function: Function, env: Environment) -> bool:
    """Flatten in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= _Flattening(one).run()
    return changed


class _Flattening:
    """Flattens in one walk over a function.

    Attributes:
        flat: products of two matrices so far, and what was added to them.
        shaped: what was reshaped so far.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.users = users(function)
        self.flat: set[Value] = set()
        self.shaped: dict[tuple[Value, tuple[int, ...]], Value] = {}

    def run(self) -> bool:
        changed = rewrite(self.function, self.visit)
        if changed:
            drop_dead(self.function, Environment())
        return changed

    def visit(self, node: Node, builder: Builder) -> tuple[Value, ...] | None:
        name = node.op.name
        if name == "MatMul":
            self.flat.add(node.outputs[0])
            return None
        if name == "Reshape":
            self._take_in(node)
            return None
        if name in _STACKS:
            return self._stack(node, builder)
        if name == "Einsum":
            return self._einsum(node, builder)
        if name in _ADDS:
            for value, other in (node.inputs, node.inputs[::-1]):
                product = self._behind_reshape(value, node)
                if product is not None:
                    return self._added(node, product, other, builder)
        elif name in _ACTIVATIONS:
            product = self._behind_reshape(node.inputs[0], node)
            if product is not None:
                (result,) = builder.add(node.op, [product], node)
                return self._shaped(node, result, builder)
        return None

    # Products

    def _stack(self, node: Node, builder: Builder) -> tuple[Value, ...] | None:
        x, w = node.inputs
        site = node.site()
        if site["adj_x"] or not _fits(node) or len(x.shape or ()) < 2:
            return None
        shape = fixed(w.shape)
        if math.prod(shape[:-2]) != 1 or len(shape) > len(x.shape or ()) or len(x.shape or ()) == 2:
            return None
        return self._product(node, x, fixed(x.shape)[-1], w, shape[-2:], site["adj_y"], builder)

    def _einsum(self, node: Node, builder: Builder) -> tuple[Value, ...] | None:
        if len(node.inputs) != 2 or not _fits(node):
            return None
        left, _, out = node.site()["equation"].decode().replace(" ", "").partition("->")
        x, _, y = left.partition(",")
        if "." in left or any(len(set(one)) != len(one) for one in (x, y, out)):
            return None
        inner = [a for a in x if a in y and a not in out]
        free = [a for a in x if a not in inner]
        other = [a for a in y if a not in inner]
        if not inner or not other or set(free) & set(other) or [*free, *other] != list(out):
            return None
        if [*free, *inner] != list(x):
            return None
        transposed = [*other, *inner] == list(y)
        if not transposed and [*inner, *other] != list(y):
            return None
        shape = fixed(node.inputs[1].shape)
        depth = math.prod(shape[y.index(a)] for a in inner)
        width = math.prod(shape) // max(1, depth)
        sizes = (width, depth) if transposed else (depth, width)
        return self._product(node, node.inputs[0], depth, node.inputs[1], sizes, transposed, builder)

    def _product(
        self,
        node: Node,
        x: Value,
        depth: int,
        w: Value,
        sizes: tuple[int, ...],
        transposed: bool,
        builder: Builder,
    ) -> tuple[Value, ...]:
        """The product of `x`, its last axes as one of that depth, and `w` as a matrix of these sizes."""
        rows = (known_size(x.shape) or 0) // max(1, depth)
        a = self._reshaped(x, (rows, depth), node, builder)
        b = self._reshaped(w, sizes, node, builder)
        (result,) = builder.add("MatMul", [a, b], node, {"transpose_b": True} if transposed else {})
        return self._shaped(node, result, builder)

    # What follows them

    def _take_in(self, node: Node) -> None:
        """Let a reshape of a reshaped product take the product itself."""
        value = node.inputs[0]
        if value.node.op.name == "Reshape" and value.node.inputs[0] in self.flat and self._only_here(value):
            node.inputs[0] = product = value.node.inputs[0]
            if self._only_here(product):
                self.users[product] = [node]

    def _behind_reshape(self, value: Value, node: Node) -> Value | None:
        """The product that `value` is in another shape, for this node alone."""
        if value.node.op.name != "Reshape" or not _fits(node):
            return None
        product = value.node.inputs[0]
        if product not in self.flat or not self._only_here(value) or not self._only_here(product):
            return None
        return product if is_static(product.shape) else None

    def _only_here(self, value: Value) -> bool:
        return len(self.users.get(value, ())) <= 1 and value not in self.function.outputs

    def _added(self, node: Node, product: Value, other: Value, builder: Builder) -> tuple[Value, ...] | None:
        out = fixed(node.outputs[0].shape)
        columns = fixed(product.shape)[-1]
        if known_size(product.shape) != math.prod(out):
            return None
        if node.op.name == "BiasAdd" and node.site()["data_format"] != b"NHWC":
            return None
        if _is_vector(other.shape, out, columns):
            shape: tuple[int, ...] = (columns,)
        elif other.shape == out:
            shape = fixed(product.shape)
        else:
            return None
        second = self._reshaped(other, shape, node, builder)
        (result,) = builder.add("AddV2", [product, second], node)
        return self._shaped(node, result, builder)

    def _shaped(self, node: Node, result: Value, builder: Builder) -> tuple[Value, ...]:
        """`result` in the shape that the node's result has."""
        self.flat.add(result)
        old = node.outputs[0]
        shaped = self._reshaped(result, fixed(old.shape), node, builder)
        readers = self.users.get(old, [])
        if old in self.function.outputs:
            readers = [*readers, node, node]
        self.users[shaped] = readers
        if shaped is not result:
            self.users[result] = [shaped.node]
        return (shaped,)

    def _reshaped(self, value: Value, shape: tuple[int, ...], like: Node, builder: Builder) -> Value:
        while value.shape != shape and value.node.op.name == "Reshape":
            value = value.node.inputs[0]
        if value.shape == shape:
            return value
        known = self.shaped.get((value, shape))
        if known is None:
            sizes = builder.constant(np.array(shape, np.int32), like)
            known = self.shaped[value, shape] = builder.add("Reshape", [value, sizes], like)[0]
        return known


def _fits(node: Node) -> bool:
    values = [*node.inputs, *node.outputs]
    kind = node.outputs[0].dtype
    return (
        all(is_static(v.shape) and v.dtype is kind for v in values)
        and kind.name in _TYPES
        and (known_size(node.outputs[0].shape) or 0) >= _SMALL
    )


def _is_vector(shape: Shape, out: tuple[int, ...], columns: int) -> bool:
    """Does an array of this shape add the same numbers to each row of `columns` numbers of the result?"""
    full = (1,) * (len(out) - len(shape or ())) + tuple(shape or ())
    for k in range(len(out)):
        if math.prod(out[k:]) == columns:
            return all(d == 1 for d in full[:k]) and full[k:] == out[k:]
    return False
