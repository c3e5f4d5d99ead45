"""A loop with a fixed number of rounds that reads and writes tensor lists row by row works on arrays instead.

before                                                  after
  %list = TensorListFromTensor(%x, %shape)                %h, %ys = _Scan(%h0, %x, %w) {body=@body, steps=8}
  %new = TensorListReserve(%shape, 8)                     func @body(%h, %x, %w) {
  %r = While(0, %new, %h0, %list, %w) {...}                 %y = MatMul(%x, %w)
  %ys = TensorListStack(%r:1)                               %next = AddV2(%h, %y)
  func @cond(%i, %ys, %h, %list, %w) {                      return %next, %y
    return Less(%i, 8)                                    }
  }
  func @body(%i, %ys, %h, %list, %w) {
    %x = TensorListGetItem(%list, %i, %shape)
    %y = MatMul(%x, %w)
    %more = TensorListSetItem(%ys, %i, %y)
    return AddV2(%i, 1), %more, AddV2(%h, %y), %list, %w
  }

That is what `tf.scan`, `tf.map_fn` and Keras's recurrent layers write. A list that keeps one item, set in every
round, is the last one's. What cannot be told for sure stays a While.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..constants import constant_value
from ..dtypes import DType, variant
from ..effects import has_effect
from ..environment import Environment
from ..infer import infer_ordered
from ..ir import Function, FunctionRef, Node, Value
from ..shapes import compatible, fixed, is_static
from .drop_dead import run as drop_dead
from .hoist_invariants import LOOPS
from .matching import ADDS
from .rewriting import Builder, nested, rewrite, users

__all__ = ["run"]


def run(function: Function, env: Environment) -> bool:
    """Raise the loops of `function` and of what is inside its nodes, the innermost first."""
    changed = False
    for one in [*nested(function), function]:
        changed |= rewrite(one, _visit)
    if changed:
        drop_dead(function, env)
        infer_ordered(function)  # arrays have the shapes that lists had not
    return changed


def _visit(node: Node, builder: Builder) -> list[Value] | None:
    if node.op.name == "TensorListStack":
        return _stacked(node)
    return _Loop(node).raised(builder) if node.op.name in LOOPS else None


def _stacked(node: Node) -> list[Value] | None:
    """The array that a list was made from, where it is stacked again."""
    made = node.inputs[0].node
    if made.op.name != "TensorListFromTensor":
        return None
    source, wanted = made.inputs[0], _shape_in(node.inputs[1])
    whole = source.shape
    if not is_static(whole) or source.dtype is not node.outputs[0].dtype:
        return None
    rows, *item = fixed(whole)
    known = wanted is not False and compatible(wanted, tuple(item))
    return [source] if rows and known and node.attrs.get("num_elements", -1) in (-1, rows) else None


def _shape_in(value: Value) -> Any:
    """The shape that a constant holds for a list's items, None for one of any rank; False if it is no constant."""
    array = constant_value(value)
    if array is None:
        return False
    sizes = np.asarray(array)
    return None if sizes.ndim == 0 else tuple(None if d < 0 else int(d) for d in sizes)


class _List(NamedTuple):
    """A list in the state of a loop that becomes an array.

    Attributes:
        value: what a round sets.
        setting: the node that does.
        element_shape: the outer value that the list was made with.
        every: does each round set an item of its own? Else all set the one there is.
    """

    value: Value
    setting: Node
    element_shape: Value
    every: bool


class _Loop:
    """A While, and what is known about each part of its state.

    Attributes:
        counters: at which places the state is a number that each round adds one to, and where it begins.
        fixed: the places of what no round changes.
        lists: the lists that rounds set.
        rest: the places of all other state.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.condition: Function = node.attrs["cond"].function
        self.body: Function = node.attrs["body"].function
        self.users = users(self.body)
        self.counters: dict[int, int] = {}
        self.fixed: list[int] = []
        self.lists: dict[int, _List] = {}
        self.rest: list[int] = []

    def raised(self, builder: Builder) -> list[Value] | None:
        """What stands for the loop's results, if it is of the kind; its body is changed then."""
        if any(has_effect(n) for f in (self.condition, self.body) for n in f.nodes):
            return None
        for i, (before, after) in enumerate(zip(self.body.inputs, self.body.outputs, strict=True)):
            start = self._counts_from(i, after)
            if _origin(after) is before:
                self.fixed.append(i)
            elif start is not None:
                self.counters[i] = start
            else:
                self.rest.append(i)
        steps = self._steps(self.condition.outputs[0])
        if steps is None or steps < 1:
            return None
        for i in self.rest[:]:
            found = self._list(i, steps)
            if found is not None:
                self.lists[i] = found
                self.rest.remove(i)
        rows = self._rows(steps)
        if not rows and not self.lists:
            return None
        return self._write(steps, rows, builder)

    # What the loop is

    def _counts_from(self, i: int, after: Value) -> int | None:
        """Where the state at `i` begins to count in steps of one, if it does."""
        node, before = _origin(after).node, self.body.inputs[i]
        if node.op.name not in ADDS or before not in map(_origin, node.inputs):
            return None
        if not any(_number(v) == 1 for v in node.inputs):
            return None
        return _number(self.node.inputs[i])

    def _steps(self, value: Value) -> int | None:
        """For how many rounds a value of the condition, of conjunctions and counters below limits, is true."""
        node = _origin(value).node
        if node.op.name == "LogicalAnd":
            both = [self._steps(v) for v in node.inputs]
            return None if None in both else min(n for n in both if n is not None)
        if node.op.name not in ("Less", "Greater"):
            return None
        small, large = node.inputs if node.op.name == "Less" else node.inputs[::-1]
        place = self._place(small)
        limit = self._outer_number(large)
        if place not in self.counters or limit is None:
            return None
        return max(0, limit - self.counters[place])

    def _place(self, value: Value) -> int | None:
        value = _origin(value)
        return next((i for i, one in enumerate(self.condition.inputs) if one is value), None)

    def _outer_number(self, value: Value) -> int | None:
        place = self._place(value)
        if place is None:
            return _number(value)
        return _number(self.node.inputs[place]) if place in self.fixed else None

    def _is_round(self, value: Value) -> bool:
        """Is a value of the body the number of the round, from 0?"""
        value = _origin(value)
        return any(self.body.inputs[i] is value for i, start in self.counters.items() if not start)

    def _list(self, i: int, steps: int) -> _List | None:
        """The list at `i`, if all that happens to it is that each round sets one item of it."""
        before, after = self.body.inputs[i], _origin(self.body.outputs[i])
        setting, made = after.node, _origin(self.node.inputs[i]).node
        if setting.op.name != "TensorListSetItem" or made.op.name != "TensorListReserve":
            return None
        held, index, value = setting.inputs
        alone = len(self.users.get(before, ())) == 1 and not self.users.get(after)
        if _origin(held) is not before or not alone or self.body.outputs.count(after) != 1:
            return None
        every = self._is_round(index)
        length = steps if every else 1
        if (not every and _number(index) != 0) or _number(made.inputs[1]) != length:
            return None
        item = _shape_in(made.inputs[0])
        fits = item is not False and is_static(value.shape) and compatible(item, value.shape)
        if not fits or value.dtype is not made.attrs["element_dtype"] or not _is_plain(value.dtype):
            return None
        return _List(value, setting, made.inputs[0], every)

    def _rows(self, steps: int) -> dict[Node, Value]:
        """The nodes of the body that read the round's row of an array, and the array."""
        found = {}
        outer = {self.body.inputs[i]: self.node.inputs[i] for i in self.fixed}
        for node in self.body.nodes:
            if node.op.name != "TensorListGetItem" or not self._is_round(node.inputs[1]):
                continue
            made = _origin(outer.get(_origin(node.inputs[0]), node.inputs[0])).node
            if made.op.name != "TensorListFromTensor":
                continue
            array, wanted = made.inputs[0], _shape_in(node.inputs[2])
            if not is_static(array.shape) or fixed(array.shape)[0] < steps or not _is_plain(array.dtype):
                continue
            if array.dtype is node.outputs[0].dtype and wanted is not False:
                found[node] = array
        return found

    # What becomes of it

    def _write(self, steps: int, rows: dict[Node, Value], builder: Builder) -> list[Value]:
        """Change the body, write the _Scan that runs it; returns what stands for the loop's results."""
        body, node = self.body, self.node
        old = list(body.inputs)
        state = [(old[i], node.inputs[i], body.outputs[i]) for i in self.rest]
        last = {i: self._last(one, state, builder) for i, one in self.lists.items() if not one.every}
        stacks = {i: k for k, i in enumerate(i for i, one in self.lists.items() if one.every)}
        inner_rows, outer_rows = self._row_inputs(steps, rows, builder)
        gone = {one.setting for one in self.lists.values()} | set(rows)
        body.nodes = [one for one in body.nodes if one not in gone]
        outputs = [after for _, _, after in state] + [self.lists[i].value for i in stacks]
        body.outputs = [inner_rows.get(v, v) for v in outputs]
        for one in body.nodes:
            one.inputs = [inner_rows.get(v, v) for v in one.inputs]
        drop_dead(body, Environment())
        read = {v for one in body.nodes for v in one.inputs} | set(body.outputs)
        rows_read = {inner: outer for inner, outer in outer_rows.items() if inner in read}
        kept = [(old[i], node.inputs[i]) for i in self.fixed if old[i] in read]
        arguments = [before for before, _, _ in state] + list(rows_read) + [inner for inner, _ in kept]
        body.inputs = arguments
        for i, value in enumerate(arguments):
            value.node.attrs["index"] = i
        body.arg_attrs = {}
        body.output_names = [f"output_{i}" for i in range(len(body.outputs))]
        infer_ordered(body)
        given = [outer for _, outer, _ in state], list(rows_read.values()), [outer for _, outer in kept]
        made = _scan(given, body, steps, node, builder)
        results = [self._result(i, steps, made, builder) for i in range(len(old))]
        for i, k in stacks.items():
            results[i] = self._as_list(made[len(state) + k], self.lists[i], builder)
        for i, place in last.items():
            axis = builder.constant(np.int32(0), node)
            (whole,) = builder.add("ExpandDims", [made[place], axis], node)
            results[i] = self._as_list(whole, self.lists[i], builder)
        return results

    def _last(self, one: _List, state: list[Any], builder: Builder) -> int:
        """The place in the state of what `one`'s only item is set to; added if it is not there."""
        value = _origin(one.value)
        for k, (_, _, after) in enumerate(state):
            if _origin(after) is value:
                return k
        before = self.body.add_input(self.body.unique_name("last"), value.dtype, value.shape)
        zeros = builder.constant(np.zeros(fixed(value.shape), value.dtype.np), self.node, value.dtype)
        state.append((before, zeros, value))
        return len(state) - 1

    def _row_inputs(
        self, steps: int, rows: dict[Node, Value], builder: Builder
    ) -> tuple[dict[Value, Value], dict[Value, Value]]:
        """Arguments of the body for the rows: by what they stand for inside, and what they are rows of."""
        inside: dict[Value, Value] = {}
        arrays: dict[Value, Value] = {}
        by_array: dict[Value, Value] = {}
        for node, array in rows.items():
            if array not in by_array:
                item = fixed(array.shape)[1:]
                by_array[array] = self.body.add_input(self.body.unique_name("row"), array.dtype, item)
            inside[node.outputs[0]] = by_array[array]
        arrays.update((inner, array) for array, inner in by_array.items())
        for i, start in self.counters.items():
            before = self.body.inputs[i]
            numbers = np.arange(start, start + steps, dtype=before.dtype.np)
            inner = self.body.add_input(self.body.unique_name("number"), before.dtype, ())
            inside[before] = inner
            arrays[inner] = builder.constant(numbers, self.node, before.dtype)
        return inside, arrays

    def _result(self, i: int, steps: int, made: tuple[Value, ...], builder: Builder) -> Value:
        if i in self.counters:
            dtype = self.node.inputs[i].dtype
            return builder.constant(np.asarray(self.counters[i] + steps, dtype.np), self.node, dtype)
        return made[self.rest.index(i)] if i in self.rest else self.node.inputs[i]

    def _as_list(self, array: Value, one: _List, builder: Builder) -> Value:
        attrs = {"element_dtype": array.dtype, "shape_type": one.element_shape.dtype}
        (made,) = builder.add("TensorListFromTensor", [array, one.element_shape], self.node, attrs)
        return made


def _scan(
    given: tuple[list[Value], list[Value], list[Value]],
    body: Function,
    steps: int,
    like: Node,
    builder: Builder,
) -> tuple[Value, ...]:
    state, rows, kept = given
    attrs = {
        "Tstate": tuple(v.dtype for v in state),
        "Trows": tuple(v.dtype for v in rows),
        "Tfixed": tuple(v.dtype for v in kept),
        "Tstacked": tuple(v.dtype for v in body.outputs[len(state) :]),
        "body": FunctionRef(body.name, body),
        "steps": steps,
    }
    return builder.add("_Scan", [*state, *rows, *kept], like, attrs)


def _origin(value: Value) -> Value:
    while value.node.op.name == "Identity":
        value = value.node.inputs[0]
    return value


def _number(value: Value) -> int | None:
    """The integer that a constant is."""
    node = _origin(value).node
    if node.op.name != "Const" or not value.dtype.is_integer:
        return None
    array = np.asarray(node.attrs["value"])
    return int(array) if array.ndim == 0 else None


def _is_plain(dtype: DType) -> bool:
    """Are arrays of it numbers?"""
    return dtype is not variant and dtype.is_numpy_compatible and dtype.kind != "s"
