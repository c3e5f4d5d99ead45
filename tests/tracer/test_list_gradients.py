"""Gradient rules of TensorList ops. What the programs compute is linear, so that the derivative is the program itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import calque
from calque_runtime import ops
from calque_runtime.op import Call

F = {"element_dtype": "float64"}
X = np.arange(1.0, 9.0).reshape(4, 2)


class Tape:
    """Calls ops and goes back through them, by their rules."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        op = ops.require(name)

        def call(*inputs: Any, **attrs: Any) -> Any:
            tensors = [calque.convert_to_tensor(x) for x in inputs]
            full = op.signature.complete([t.dtype for t in tensors], attrs)
            made = op(*tensors, **attrs)
            outputs = made if isinstance(made, list) else [made]
            self.calls.append(Call(op, tensors, outputs, full))
            return made

        return call

    def gradient(self, y: Any, g: Any, x: Any) -> Any:
        found: dict[int, Any] = {id(y): calque.convert_to_tensor(g)}
        for call in reversed(self.calls):
            coming = [found.get(id(out)) for out in call.outputs]
            if all(one is None for one in coming):
                continue
            if not call.op.differentiable:
                continue
            assert call.op.gradient is not None, call.op.name
            for tensor, one in zip(call.inputs, call.op.gradient(call, *coming), strict=True):
                if one is not None:
                    there = found.get(id(tensor))
                    found[id(tensor)] = one if there is None else ops.require("AddN")([there, one])
        return found[id(x)]


def through_set_and_get(t: Tape, x: Any) -> Any:
    lst = t.TensorListFromTensor(x, np.int32([2]))
    first = t.TensorListGetItem(lst, np.int32(0), np.int32([2]), **F)
    lst = t.TensorListSetItem(lst, np.int32(2), first, **F)
    lst = t.TensorListSetItem(
        lst, np.int32(0), t.TensorListGetItem(lst, np.int32(3), np.int32([2]), **F), **F
    )
    return t.TensorListStack(lst, np.int32([2]), **F)


def through_growing(t: Tape, x: Any) -> Any:
    lst = t.TensorListFromTensor(x, np.int32([2]))
    first = t.TensorListGetItem(lst, np.int32(0), np.int32([2]), **F)
    lst = t.TensorListSetItem(lst, np.int32(5), first, resize_if_index_out_of_bounds=True, **F)
    return t.TensorListStack(lst, np.int32([2]), **F)


def through_push_and_pop(t: Tape, x: Any) -> Any:
    lst = t.TensorListFromTensor(x, np.int32([2]))
    rest, last = t.TensorListPopBack(lst, np.int32([2]), **F)
    rest, before = t.TensorListPopBack(rest, np.int32([2]), **F)
    lst = t.TensorListPushBack(t.TensorListPushBack(rest, last, **F), before, **F)
    return t.TensorListStack(t.TensorListPushBack(lst, last, **F), np.int32([2]), **F)


def through_dropping(t: Tape, x: Any) -> Any:
    rest, _ = t.TensorListPopBack(t.TensorListFromTensor(x, np.int32([2])), np.int32([2]), **F)
    return t.TensorListStack(rest, np.int32([2]), **F)


def through_the_last(t: Tape, x: Any) -> Any:
    return t.TensorListPopBack(t.TensorListFromTensor(x, np.int32([2])), np.int32([2]), **F)[1]


def through_resizing(t: Tape, x: Any) -> Any:
    lst = t.TensorListFromTensor(x, np.int32([2]))
    return t.TensorListStack(
        t.TensorListResize(t.TensorListResize(lst, np.int32(2)), np.int32(6)), np.int32([2]), **F
    )


def through_pieces(t: Tape, x: Any) -> Any:
    lst = t.TensorListSplit(x, np.int32([-1, 2]), np.int64([1, 1, 2]), **F)
    first = t.TensorListGetItem(lst, np.int32(0), np.int32([1, 2]), **F)
    lst = t.TensorListSetItem(lst, np.int32(1), first, **F)
    return t.TensorListConcatV2(lst, np.int32([-1, 2]), np.int64([]), **F)[0]


def through_scatter_and_gather(t: Tape, x: Any) -> Any:
    lst = t.TensorListScatterV2(x, np.int32([3, 0, 1, 4]), np.int32([2]), np.int32(6), **F)
    return t.TensorListGather(lst, np.int32([0, 5, 3]), np.int32([2]), **F)


def through_scatter_into(t: Tape, x: Any) -> Any:
    lst = t.TensorListFromTensor(x, np.int32([2]))
    lst = t.TensorListScatterIntoExistingList(lst, x, np.int32([1, 0, 4, 5]), **F)
    return t.TensorListStack(lst, np.int32([2]), **F)


PROGRAMS = [
    through_set_and_get,
    through_growing,
    through_push_and_pop,
    through_dropping,
    through_the_last,
    through_resizing,
    through_pieces,
    through_scatter_and_gather,
    through_scatter_into,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_gradient_of_a_linear_program(program: Callable[[Tape, Any], Any]) -> None:
    tape, x = Tape(), calque.constant(X)
    y = program(tape, x)
    g = np.random.RandomState(0).standard_normal(y.shape)
    got = tape.gradient(y, g, x).numpy()
    want = np.empty_like(X)
    for at in np.ndindex(*X.shape):
        unit = np.zeros_like(X)
        unit[at] = 1.0
        want[at] = np.sum(g * program(Tape(), calque.constant(unit)).numpy())
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert np.abs(want).sum() > 0
