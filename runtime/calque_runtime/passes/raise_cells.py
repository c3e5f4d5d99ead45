"""A scan whose body is a cell of an LSTM or a GRU becomes one op.

before                                                  after
  %r = _Scan(%h, %c, %x, %w, %u, %b) {body=@body}         %k = ConcatV2(%w, %u, %b, 0)  (gates reordered, scaled)
  func @body(%h, %c, %x, %w, %u, %b) {                    %r = _Lstm(%x, %h, %c, %k) {steps=8}
    %p = MatMul(%x, %w)
    %q = MatMul(%h, %u)
    %s = AddV2(%p, %q)
    %z = BiasAdd(%s, %b)
    %i, %f, %g, %o = Split(1, %z)
    %keep = Mul(Sigmoid(%f), %c)
    %new = Mul(Sigmoid(%i), Tanh(%g))
    %c1 = AddV2(%keep, %new)
    %h1 = Mul(Sigmoid(%o), Tanh(%c1))
    return %h1, %c1, %h1
  }

Gates may come in any order, from one product or several, and of ``[x, h]`` joined; of GRUs there are both kinds, with
the state reset before its product or behind it. Masked rounds may keep the state, and the output, which Keras carries
along. The weights are put together once (`plan.weights`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..constants import constant_value
from ..dtypes import int32
from ..environment import Environment
from ..ir import Function, Node, Value
from ..shapes import fixed, is_static
from .drop_dead import run as drop_dead
from .linear_forms import Columns, Linear
from .matching import ADDS, both_ways, pairs
from .rewriting import Builder, nested, rewrite

__all__ = ["run"]

_MANY_ROWS = (
    16  # of a batch, from which on products are faster with columns of the weights that are contiguous
)
_TYPES = frozenset({"float32", "float64"})


def run(function: Function, env: Environment) -> bool:
    """Raise the cells of the scans in `function` and inside its nodes."""
    changed = False
    for one in [*nested(function), function]:
        changed |= rewrite(one, _visit)
    if changed:
        drop_dead(function, env)
    return changed


def _visit(node: Node, builder: Builder) -> list[Value] | None:
    if node.op.name != "_Scan" or not node.inputs:
        return None
    cell = _Cell(node, builder)
    if len(cell.parts) == 2:
        for h, c in ((0, 1), (1, 0)):
            found = _lstm(cell, cell.parts[h], cell.parts[c]) if cell.stacks_only(h) else None
            if found is not None:
                return cell.results(found[0], {h: found[1], c: found[2]})
    if len(cell.parts) == 1 and cell.stacks_only(0):
        found = _gru(cell, cell.parts[0])
        if found is not None:
            return cell.results(found[0], {0: found[1]})
    return None


class _Part(NamedTuple):
    """A part of a scan's state, in its body.

    Attributes:
        before: what it is when a round begins.
        next: what it becomes, where the round is not masked.
    """

    before: Value
    next: Value


class _Cell:
    """A scan, and how its op is written.

    Attributes:
        parts: of its state; those that are the same all the time are one.
        mask: the row of which elements say whose state changes in a round; None: everyone's does.
        linear: takes sums of products apart, in its body.
    """

    def __init__(self, node: Node, builder: Builder) -> None:
        self.node = node
        self.builder = builder
        self.body: Function = node.attrs["body"].function
        states, rows = len(node.attrs["Tstate"]), len(node.attrs["Trows"])
        self._rows: list[Value] = self.body.inputs[states : states + rows]
        self.linear = Linear(self.body.inputs[states + rows :])
        self._outer: dict[Value, Value] = dict(zip(self.body.inputs, node.inputs, strict=True))
        self._after: list[Value] = self.body.outputs[:states]
        self._stacked: list[Value] = self.body.outputs[states:]
        self.mask, changed = self._unmasked(self.body.inputs[:states])
        self.parts: list[_Part] = []
        self._places: list[int] = []  # of each state, its part
        # What is read is the last of those that are the same: Keras puts the output of a round first.
        for before, after in zip(self.body.inputs[:states][::-1], changed[::-1], strict=True):
            part = _Part(before, after)
            place = next((k for k, one in enumerate(self.parts) if self._is_same(one, part)), None)
            self._places.insert(0, len(self.parts) if place is None else place)
            if place is None:
                self.parts.append(part)

    def _unmasked(self, before: Sequence[Value]) -> tuple[Value | None, Sequence[Value]]:
        """The mask that keeps each part of the state as it was, and what they become without it."""
        masks, changed = set(), []
        for old, new in zip(before, self._after, strict=True):
            if new.node.op.name == "SelectV2" and new.node.inputs[2] is old:
                masks.add(_untiled(new.node.inputs[0]))
                changed.append(new.node.inputs[1])
        if len(changed) != len(before) or len(masks) != 1:
            return None, self._after
        (mask,) = masks
        column = None if before[0].shape is None else (before[0].shape[0], 1)
        return (mask, changed) if mask in self._rows and mask.shape == column else (None, self._after)

    def _is_same(self, one: _Part, other: _Part) -> bool:
        """Are two parts the same at the beginning, and change in the same way?"""
        if one.next is not other.next:
            return False
        values = self._outer[one.before], self._outer[other.before]
        if values[0] is values[1]:
            return True
        if any(v.node.op.name != "Const" for v in values) or values[0].shape != values[1].shape:
            return False
        return np.array_equal(*(v.node.attrs["value"] for v in values))

    def stacks_only(self, place: int) -> bool:
        """Is all that it stacks what this part becomes?"""
        same = [v for v, k in zip(self._after, self._places, strict=True) if k == place]
        return all(any(v is one for one in same) for v in self._stacked)

    def results(self, y: Value, last: dict[int, Value]) -> list[Value]:
        """What stands for the scan's results: `y` for what is stacked, for the state what is last of each part."""
        return [*[last[k] for k in self._places], *[y] * len(self._stacked)]

    def source(self, gates: Sequence[Columns | None], h: Value) -> Value | None:
        """The row that all `gates` which multiply one multiply, if that is the same; `h` is no row."""
        found = {v for gate in gates if gate is not None for v in gate.products if v is not h}
        if len(found) != 1:
            return None
        (row,) = found
        return row if row in self._rows and is_static(row.shape) and len(fixed(row.shape)) == 2 else None

    def weights(
        self,
        x: tuple[Value, Sequence[Columns | None]],
        h: tuple[Value, Sequence[Columns | None]],
        scales: Sequence[float],
        state_scale: float,
    ) -> Value:
        """``w`` of `_Lstm` and `_Gru`: for each gate columns, for x, h and 1 rows.

        Args:
            x: the row that gates multiply, and for each gate the sum that has the product and bias; None: zeros.
            h: the same for the state.
            scales: of each gate.
            state_scale: of the rows that multiply the state, besides.
        """
        add, node = self.builder.add, self.node
        units = fixed(h[0].shape)[1]
        dtype = h[0].dtype
        parts = []
        for what, gates in (x, h):
            rows = fixed(what.shape)[1]
            parts.append(
                self._side_by_side(
                    [
                        self._zeros(rows, units)
                        if gate is None or what not in gate.products
                        else gate.product(what, self._outside, self.builder, node)
                        for gate in gates
                    ]
                )
            )
        biases = []
        for both in zip(x[1], h[1], strict=True):
            gates_of = list(dict.fromkeys(gate for gate in both if gate is not None))
            made = [gate.bias(units, dtype, self._outside, self.builder, node) for gate in gates_of]
            biases.append(made[0] if len(made) == 1 else add("AddV2", made, node)[0])
        parts.append(self._side_by_side(biases))
        axis = self.builder.constant(np.int32(0), node)
        (whole,) = add("ConcatV2", [*parts, axis], node, self._list_attrs(3))
        columns = self.builder.constant(np.repeat(np.array(scales, dtype.np), units)[None], node, dtype)
        (whole,) = add("Mul", [whole, columns], node)
        if state_scale != 1:
            scale = np.ones((fixed(whole.shape)[0], 1), dtype.np)
            scale[-1 - units : -1] = state_scale
            (whole,) = add("Mul", [whole, self.builder.constant(scale, node, dtype)], node)
        if fixed(h[0].shape)[0] >= _MANY_ROWS:
            (whole,) = add("_Columns", [whole], node, {"columns": fixed(whole.shape)[1]})
        return whole

    def write(self, op: str, row: Value, inputs: Sequence[Value], after: Sequence[Value] = ()) -> list[Value]:
        """Write the op."""
        dtype = row.dtype
        stacked = len(self.node.attrs["Tstacked"])
        masks = [] if self.mask is None else [self._outer[self.mask]]
        attrs = {"T": dtype, "steps": self.node.attrs["steps"], "last": not stacked, "M": len(masks)}
        if op == "_Gru":
            attrs["N"] = len(after)
        return list(self.builder.add(op, [self._outer[row], *inputs, *masks, *after], self.node, attrs))

    def begin(self, state: Value) -> Value:
        """What a part of the state is before the first round."""
        return self._outer[state]

    def _outside(self, value: Value) -> Value:
        """The outer value of what is fixed in the body."""
        if value.node.op.name == "Const":
            return self.builder.constant(value.node.attrs["value"], self.node, value.dtype)
        return self._outer[value]

    def _zeros(self, rows: int, columns: int) -> Value:
        dtype = self.body.inputs[0].dtype
        zeros = np.broadcast_to(np.zeros((), dtype.np), (rows, columns))
        return self.builder.constant(zeros, self.node, dtype)

    def _side_by_side(self, parts: Sequence[Value]) -> Value:
        axis = self.builder.constant(np.int32(1), self.node)
        return self.builder.add("ConcatV2", [*parts, axis], self.node, self._list_attrs(len(parts)))[0]

    def _list_attrs(self, count: int) -> dict[str, object]:
        return {"N": count, "T": self.body.inputs[0].dtype, "Tidx": int32}


def _untiled(value: Value) -> Value:
    """What a mask is, before it is repeated along the units."""
    node = value.node
    times = constant_value(node.inputs[1]) if node.op.name == "Tile" else None
    return node.inputs[0] if times is not None and len(times) == 2 and times[0] == 1 else value


def _lstm(cell: _Cell, output: _Part, memory: _Part) -> list[Value] | None:
    """The results of `_Lstm` in the place of a cell with this state, if it is one."""
    (h, h_next), (c, c_next) = output, memory
    if not _is_state(h) or c.shape != h.shape or c.dtype is not h.dtype:
        return None
    parts = _lstm_parts(c, h_next, c_next)
    if parts is None:
        return None
    units = fixed(h.shape)[1]
    gates = [cell.linear.columns(z, units) for z in (parts.i, parts.f, parts.o, parts.g)]
    row = cell.source(gates, h)
    if row is None or not all(_reads(gate, row, h) for gate in gates):
        return None
    w = cell.weights((row, gates), (h, gates), (0.5, 0.5, 0.5, 1), 0.5)
    return cell.write("_Lstm", row, [cell.begin(h), cell.begin(c), w])


class _LstmParts(NamedTuple):
    """What the gates are activations of."""

    i: Value
    f: Value
    o: Value
    g: Value


def _lstm_parts(c: Value, h_next: Value, c_next: Value) -> _LstmParts | None:
    """Takes h' = sigmoid(o) tanh(c'), c' = sigmoid(f) c + sigmoid(i) tanh(g) apart."""
    for o, squashed in pairs(h_next):
        if o.node.op.name != "Sigmoid" or squashed.node.op.name != "Tanh":
            continue
        if squashed.node.inputs[0] is not c_next or c_next.node.op.name not in ADDS:
            continue
        for kept, added in both_ways(c_next.node):
            for (f, old), (i, g) in ((a, b) for a in pairs(kept) for b in pairs(added)):
                names = f.node.op.name, i.node.op.name, g.node.op.name
                if old is c and names == ("Sigmoid", "Sigmoid", "Tanh"):
                    return _LstmParts(*(v.node.inputs[0] for v in (i, f, o, g)))
    return None


def _gru(cell: _Cell, state: _Part) -> list[Value] | None:
    """The results of `_Gru` in the place of a cell with this state, if it is one."""
    h, h_next = state
    if not _is_state(h):
        return None
    found = _gru_parts(h, h_next)
    if found is None:
        return None
    update, new = found
    units = fixed(h.shape)[1]
    z, candidate = cell.linear.columns(update, units), cell.linear.columns(new, units)
    if z is None or candidate is None:
        return None
    if len(candidate.leaves) == 1:
        return _gru_after(cell, h, z, candidate)
    return _gru_before(cell, h, z, candidate)


def _gru_parts(h: Value, h_next: Value) -> tuple[Value, Value] | None:
    """Takes h' = sigmoid(z) h + (1 - sigmoid(z)) tanh(g) apart into z and g."""
    if h_next.node.op.name not in ADDS:
        return None
    for kept, added in both_ways(h_next.node):
        for (z, old), (rest, g) in ((a, b) for a in pairs(kept) for b in pairs(added)):
            if old is not h or z.node.op.name != "Sigmoid" or g.node.op.name != "Tanh":
                continue
            if rest.node.op.name == "Sub" and _is_one(rest.node.inputs[0]) and rest.node.inputs[1] is z:
                return z.node.inputs[0], g.node.inputs[0]
    return None


def _gru_after(cell: _Cell, h: Value, z: Columns, candidate: Columns) -> list[Value] | None:
    """The state is reset behind its product: tanh(b + sigmoid(r) a)."""
    (leaf,) = candidate.leaves
    units = fixed(h.shape)[1]
    for gate, product in pairs(leaf.value) if leaf.is_whole else ():
        if gate.node.op.name != "Sigmoid":
            continue
        r = cell.linear.columns(gate.node.inputs[0], units)
        a = cell.linear.columns(product, units)
        b = candidate.without_leaves()
        row = cell.source([z, r, a, b], h)
        if row is None or a is None or not (_reads(z, row, h) and _reads(r, row, h)):
            continue
        if a.leaves or set(a.products) != {h} or set(b.products) != {row}:
            continue
        w = cell.weights((row, [z, r, None, b]), (h, [z, r, a, None]), (0.5, 0.5, 0.5, 1), 1)
        return cell.write("_Gru", row, [cell.begin(h), w])
    return None


def _gru_before(cell: _Cell, h: Value, z: Columns, candidate: Columns) -> list[Value] | None:
    """The state is reset before its product: tanh(b + (sigmoid(r) h) after)."""
    units = fixed(h.shape)[1]
    for value in candidate.products:
        for gate, old in pairs(value):
            if gate.node.op.name != "Sigmoid" or old is not h or candidate.leaves:
                continue
            r = cell.linear.columns(gate.node.inputs[0], units)
            b = candidate.without_product(value)
            row = cell.source([z, r, b], h)
            if row is None or set(b.products) != {row} or not (_reads(z, row, h) and _reads(r, row, h)):
                continue
            w = cell.weights((row, [z, r, b]), (h, [z, r, None]), (0.5, 0.5, 1), 1)
            after = candidate.product(value, cell._outside, cell.builder, cell.node)
            half = cell.builder.constant(np.array(0.5, h.dtype.np), cell.node, h.dtype)
            (after,) = cell.builder.add("Mul", [after, half], cell.node)
            return cell.write("_Gru", row, [cell.begin(h), w], [after])
    return None


def _is_state(value: Value) -> bool:
    return is_static(value.shape) and len(fixed(value.shape)) == 2 and value.dtype.name in _TYPES


def _reads(gate: Columns | None, row: Value, h: Value) -> bool:
    """Is a gate of one product of the row, one of the state, and biases?"""
    return gate is not None and not gate.leaves and set(gate.products) == {row, h}


def _is_one(value: Value) -> bool:
    array = value.node.attrs.get("value") if value.node.op.name == "Const" else None
    return array is not None and np.ndim(array) == 0 and float(array) == 1
