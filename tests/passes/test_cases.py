"""Each pass on graphs written as text: what it makes of them, and that they still compute the same.

A file of `cases/` is named after its pass and holds cases: a title behind ``==``, a graph, ``--``, the graph that the
pass leaves (nothing where it changes nothing). Arguments of type resource are variables that are the same in every
call. A second graph after another ``--`` is the function that a node of the first refers to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime import passes, reference
from calque_runtime.dtypes import resource
from calque_runtime.environment import Environment
from calque_runtime.ir import Function
from calque_runtime.kernels import crew
from calque_runtime.plan.bound import compile_ordered
from calque_runtime.plan.specialize import specialize
from calque_runtime.resources import Variable
from calque_runtime.text import parse_module, print_function
from calque_runtime.verify import verify

CASES = Path(__file__).parent / "cases"


def cases() -> list[Any]:
    found = []
    for file in sorted(CASES.glob("*.txt")):
        for part in file.read_text().split("\n== ")[1:]:
            title, _, text = part.partition("\n")
            before, _, after = text.partition("\n--\n")
            found.append(pytest.param(file.stem, before, after.strip(), id=f"{file.stem}: {title}"))
    return found


def ordered(text: str) -> tuple[Function, list[Any], Environment]:
    """The function `f` of the text as passes get it, and new variables for its resources."""
    library = parse_module(text)
    env = Environment(library)
    function = library["f"]
    random = np.random.default_rng(3)
    bound = {}
    for i, value in enumerate(function.inputs):
        if value.dtype is resource:
            assert value.handle is not None, "a resource needs its variable's type"
            dtype, shape = value.handle
            array = random.uniform(0.5, 1.5, shape).astype(dtype.np)
            bound[i] = Variable(dtype, shape, value.node.name, array)
    made = specialize(function, [None] * len(function.inputs), bound, env)
    return made, [bound.get(i) for i in range(len(function.inputs))], env


def shown(function: Function) -> str:
    """The text of a function, and of those inside its nodes."""
    texts = [print_function(function).strip()]
    for node in function.nodes:
        texts += [shown(ref.function) for ref in node.calls() if ref.function is not None]
    return "\n".join(texts)


def arguments(function: Function, bound: list[Any]) -> list[Any]:
    random = np.random.default_rng(5)
    arrays = []
    for value, held in zip(function.inputs, bound, strict=True):
        if held is not None:
            arrays.append(held)
        elif value.dtype.is_floating:
            arrays.append(random.uniform(-2, 2, value.shape).astype(value.dtype.np))
        else:
            arrays.append(random.integers(0, 3, value.shape).astype(value.dtype.np))
    return arrays


@pytest.mark.parametrize(("name", "before", "after"), cases())
def test_pass(name: str, before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "processors", lambda: 2)  # which one pass asks for
    function, bound, env = ordered(before)
    changed = passes.find(name)(function, env)
    verify(function)
    assert changed == bool(after), f"the pass says that it changed {'something' if changed else 'nothing'}"
    assert shown(function) == (after or shown(ordered(before)[0]))
    untouched, own, _ = ordered(before)
    want = reference.run(untouched, arguments(untouched, own), env)
    again, own, _ = ordered(before)
    passes.find(name)(again, env)
    same(reference.run(again, arguments(again, own), env), want)
    plan = compile_ordered(function, {v: b for v, b in zip(function.inputs, bound, strict=True) if b}, env)
    given = arguments(function, bound)
    same(plan(*[a for a, b in zip(given, bound, strict=True) if not b]), want)


def same(got: list[Any], want: list[Any]) -> None:
    for one, other in zip(got, want, strict=True):
        largest = max(1.0, float(np.abs(other).max(initial=0)))  # sums that come out small have large terms
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6 * largest)


def test_every_pass_has_cases() -> None:
    elsewhere = {"drop_dead", "offer_parts"}  # the latter in tests/runtime/test_backends.py
    assert {file.stem for file in CASES.glob("*.txt")} == set(passes.PIPELINE) - elsewhere


def test_drop_dead() -> None:
    """What an earlier pass left behind goes; ordered functions have no such nodes to begin with."""
    function, _, env = ordered(
        """
        func @f(%v: resource[]<float32[2]>, %x: float32[2]) -> (y: float32[2], z: float32[2]) {
          %set = AssignVariableOp(%v, %x)
          %a = Exp(%x) : float32[2]
          %b = Neg(%a) : float32[2]
          return %a, %b ^set
        }
        """
    )
    del function.outputs[1], function.output_names[1]
    assert passes.find("drop_dead")(function, env)
    assert [node.name for node in function.nodes] == ["set", "a"]
    assert not passes.find("drop_dead")(function, env)
