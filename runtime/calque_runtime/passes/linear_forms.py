"""Sums of products with fixed weights and of fixed vectors, taken apart: what the gates of recurrent cells are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from ..constants import constant_value
from ..dtypes import DType
from ..ir import Node, Value
from ..shapes import fixed, is_static
from .rewriting import Builder

__all__ = ["Columns", "Leaf", "Linear"]

_ADDS = frozenset({"Add", "AddV2", "BiasAdd"})
_SPLITS = {"Split": (1, 0), "SplitV": (0, 2)}  # which inputs are the whole and the axis
Outside = Callable[[Value], Value]


class _Weight(NamedTuple):
    """A block of a fixed matrix, or columns of a fixed vector; `stop` behind the last."""

    value: Value
    rows: tuple[int, int]
    start: int
    stop: int


class Leaf(NamedTuple):
    """Columns of what is neither a product nor fixed."""

    value: Value
    start: int
    stop: int

    @property
    def is_whole(self) -> bool:
        """Are they all of its columns?"""
        return (self.start, self.stop) == (0, fixed(self.value.shape)[-1])


class Columns:
    """Some columns of a sum: of products of values with fixed weights, of fixed vectors, and of other values.

    Attributes:
        products: the weights of each value that is multiplied.
        biases: the fixed vectors.
        leaves: the other values.
    """

    def __init__(self) -> None:
        self.products: dict[Value, _Weight] = {}
        self.biases: list[_Weight] = []
        self.leaves: list[Leaf] = []

    def without_leaves(self) -> Columns:
        """The rest of the sum."""
        rest = Columns()
        rest.products, rest.biases = self.products, self.biases
        return rest

    def without_product(self, value: Value) -> Columns:
        """The rest of the sum."""
        rest = Columns()
        rest.products = {v: w for v, w in self.products.items() if v is not value}
        rest.biases, rest.leaves = self.biases, self.leaves
        return rest

    def product(self, value: Value, outside: Outside, builder: Builder, like: Node) -> Value:
        """Write the weights that `value` is multiplied by."""
        weight = self.products[value]
        return _block(outside(weight.value), weight, builder, like)

    def bias(self, size: int, dtype: DType, outside: Outside, builder: Builder, like: Node) -> Value:
        """Write the sum of the fixed vectors, [1, size]."""
        total: Value | None = None
        for one in self.biases:
            value = outside(one.value)
            if not fixed(value.shape):  # a number, for all columns
                (part,) = builder.add("BroadcastTo", [value, _numbers([1, size], builder, like)], like)
            else:
                shape = _numbers([1, fixed(value.shape)[-1]], builder, like)
                (part,) = builder.add("Reshape", [value, shape], like)
                part = _block(part, one, builder, like)
            total = part if total is None else builder.add("AddV2", [total, part], like)[0]
        return builder.constant(np.zeros((1, size), dtype.np), like, dtype) if total is None else total


def _block(value: Value, weight: _Weight, builder: Builder, like: Node) -> Value:
    (first, last), rows_and_columns = weight.rows, fixed(value.shape)
    if (last - first, weight.stop - weight.start) == rows_and_columns:
        return value
    begin = _numbers([first, weight.start], builder, like)
    size = _numbers([last - first, weight.stop - weight.start], builder, like)
    return builder.add("Slice", [value, begin, size], like)[0]


def _numbers(numbers: Iterable[int], builder: Builder, like: Node) -> Value:
    return builder.constant(np.array(list(numbers), np.int32), like)


class Linear:
    """Takes sums apart in a function.

    Args:
        arguments: the arguments that are fixed, besides constants.
    """

    def __init__(self, arguments: Iterable[Value]) -> None:
        self._fixed = set(arguments)

    def columns(self, value: Value, size: int) -> Columns | None:
        """All columns of a matrix [..., size]; None where it has another size, or has two products of one value."""
        found = Columns()
        if not is_static(value.shape) or len(fixed(value.shape)) != 2 or fixed(value.shape)[1] != size:
            return None
        return found if self._collect(value, 0, size, found) else None

    def _collect(self, value: Value, start: int, stop: int, found: Columns) -> bool:
        """Add columns of `value` to what is found; False where that cannot be said."""
        node = value.node
        if self._is_fixed(value):
            return self._bias(value, start, stop, found)
        if node.op.name in _ADDS:
            whole = value.shape
            return all(
                (v.shape == whole or self._is_fixed(v)) and self._collect(v, start, stop, found)
                for v in node.inputs
            )
        if node.op.name in _SPLITS:
            source, axis = (node.inputs[i] for i in _SPLITS[node.op.name])
            parts = [v.shape for v in node.outputs[: value.index]]
            if constant_value(axis) not in (1, -1) or not all(map(is_static, parts)):
                return False
            first = sum(fixed(part)[1] for part in parts)
            return self._collect(source, start + first, stop + first, found)
        if node.op.name == "StridedSlice":
            column = _column_slice(node)
            if column is not None:
                return self._collect(node.inputs[0], start + column, stop + column, found)
        if node.op.name == "MatMul" and self._is_fixed(node.inputs[1]):
            return self._product(node, start, stop, found)
        found.leaves.append(Leaf(value, start, stop))
        return True

    def _bias(self, value: Value, start: int, stop: int, found: Columns) -> bool:
        if not is_static(value.shape):
            return False
        shape = fixed(value.shape)
        if shape and (any(d != 1 for d in shape[:-1]) or len(shape) > 2 or shape[-1] < stop):
            return False
        found.biases.append(_Weight(value, (0, 1), start, stop))
        return True

    def _product(self, node: Node, start: int, stop: int, found: Columns) -> bool:
        left, weight = node.inputs
        if node.attrs.get("transpose_a") or node.attrs.get("transpose_b") or not is_static(weight.shape):
            return False
        first = 0
        for part in self._joined(left):
            if not is_static(part.shape) or part in found.products:
                return False
            last = first + fixed(part.shape)[1]
            found.products[part] = _Weight(weight, (first, last), start, stop)
            first = last
        return True

    def _joined(self, value: Value) -> list[Value]:
        """The matrices that `value` is, side by side."""
        node = value.node
        if node.op.name != "ConcatV2" or constant_value(node.inputs[-1]) not in (1, -1):
            return [value]
        return list(node.inputs[:-1])

    def _is_fixed(self, value: Value) -> bool:
        return value in self._fixed or value.node.op.name == "Const"


def _column_slice(node: Node) -> int | None:
    """The first column of a slice ``x[:, start:stop]`` of a matrix; None for other slices."""
    source = node.inputs[0]
    begin, end, strides = (constant_value(v) for v in node.inputs[1:])
    if begin is None or end is None or strides is None or not is_static(source.shape):
        return None
    if any(node.attrs.get(f"{name}_mask", 0) for name in ("ellipsis", "new_axis", "shrink_axis")):
        return None
    if len(fixed(source.shape)) != 2 or len(begin) != 2 or any(strides != 1):
        return None
    masks = node.attrs.get("begin_mask", 0), node.attrs.get("end_mask", 0)
    ranges = []
    for axis, size in enumerate(fixed(source.shape)):
        first = None if masks[0] >> axis & 1 else int(begin[axis])
        last = None if masks[1] >> axis & 1 else int(end[axis])
        ranges.append(range(size)[first:last])
    return ranges[1].start if len(ranges[0]) == fixed(source.shape)[0] else None
