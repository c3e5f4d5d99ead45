"""Backends: what they are offered, and that numpy takes over where they decline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, errors
from calque_runtime.backend import Backend, Part, Reference
from calque_runtime.environment import Environment
from calque_runtime.plan.bound import compile_ordered, optimized
from calque_runtime.resources import Variable
from calque_runtime.text import parse_function

TEXT = """
func @f(%x: float32[4,300], %w: resource[]<float32[300,200]>, %b: resource[]<float32[200]>) -> (y: float32[4,200], z: float32[4,200]) {
  %rw = ReadVariableOp(%w) : float32[300,200]
  %rb = ReadVariableOp(%b) : float32[200]
  %p = MatMul(%x, %rw) : float32[4,200]
  %q = AddV2(%p, %rb) : float32[4,200]
  %y = Relu(%q) : float32[4,200]
  %set = AssignAddVariableOp(%b, %rb) ^rb
  %e = Exp(%x) : float32[4,300]
  %z = MatMul(%e, %rw) : float32[4,200]
  return %y, %z ^set
}
"""


class Recording(Backend):
    """Claims some ops, and runs what it gets with the reference executor, or as it is told."""

    name = "recording"

    def __init__(self, claimed: set[str], run: Callable[[Part], Any] | None = None) -> None:
        self.claimed = claimed
        self.parts: list[Part] = []
        self.calls = 0
        self.run = run or Reference().compile

    def claims(self, node: Any) -> bool:
        return node.op.name in self.claimed

    def compile(self, part: Part) -> Any:
        self.parts.append(part)
        inner = self.run(part)

        def counted(*arrays: Any) -> Any:
            self.calls += 1
            return inner(*arrays)

        return None if inner is None else counted


def results(backends: tuple[Backend, ...]) -> list[list[Any]]:
    random = np.random.default_rng(1)
    w = Variable(dtypes.float32, (300, 200), "w", random.standard_normal((300, 200)).astype(np.float32))
    b = Variable(dtypes.float32, (200,), "b", np.ones(200, np.float32))
    env = Environment()
    env.backends = backends
    plan = compile_ordered(*optimized(parse_function(TEXT), [(4, 300)], [w, b], env), env)
    x = random.standard_normal((4, 300)).astype(np.float32)
    return [plan(x) for _ in range(3)]


def same(got: list[list[Any]], want: list[list[Any]]) -> None:
    for one, other in zip(got, want, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_backend_gets_the_largest_parts_it_claims() -> None:
    backend = Recording({"MatMul", "AddV2", "Relu"})
    same(results((backend,)), results(()))
    kinds = sorted(tuple(node.op.name for node in part.function.nodes) for part in backend.parts)
    assert kinds == [("MatMul",), ("MatMul", "AddV2", "Relu")]
    assert backend.calls == 6
    for part in backend.parts:
        assert all(v.shape and None not in v.shape for v in part.function.inputs)
        for i, value in enumerate(part.function.inputs):
            # What is assigned to in the function itself is no weight: b changes from call to call.
            assert (i in part.weights) == (value.shape == (300, 200))


def test_weights_are_the_same_objects_until_a_variable_changes() -> None:
    seen: list[int] = []

    def run(part: Part) -> Any:
        (at,) = part.weights
        inner = Reference().compile(part)

        def call(*arrays: Any) -> Any:
            seen.append(id(arrays[at]))
            return inner(*arrays)  # type: ignore[misc]

        return call

    results((Recording({"MatMul"}, run),))
    assert len(set(seen)) == 1


@pytest.mark.parametrize("when", ["compiling", "answering None", "running"])
def test_numpy_takes_over(when: str) -> None:
    def run(part: Part) -> Any:
        if when == "answering None":
            return None
        if when == "compiling":
            raise errors.UnimplementedError(None, None, "not this one")

        def call(*arrays: Any) -> Any:
            raise errors.UnimplementedError(None, None, "not with these")

        return call

    backend = Recording({"MatMul", "AddV2"}, run)
    same(results((backend,)), results(()))
    assert backend.calls == (2 if when == "running" else 0), "each part is tried once"


def test_two_threads_may_be_declined_at_once() -> None:
    both = threading.Barrier(2)

    def run(part: Part) -> Any:
        def call(*arrays: Any) -> Any:
            both.wait(10)
            raise errors.UnimplementedError(None, None, "not with these")

        return call

    env = Environment()
    env.backends = (Recording({"Exp"}, run),)
    text = """
    func @f(%x: float32[4]) -> (y: float32[4]) {
      %y = Exp(%x) : float32[4]
      return %y
    }
    """
    plan = compile_ordered(*optimized(parse_function(text), [(4,)], [], env), env)
    with ThreadPoolExecutor(2) as pool:
        for (y,) in pool.map(plan, [np.zeros(4, np.float32)] * 2):
            np.testing.assert_array_equal(y, np.ones(4))


def test_other_errors_are_the_callers() -> None:
    def run(part: Part) -> Any:
        def call(*arrays: Any) -> Any:
            raise ValueError("the engine broke")

        return call

    with pytest.raises(errors.InvalidArgumentError, match="the engine broke"):
        results((Recording({"MatMul"}, run),))


def test_groups_are_offered_too() -> None:
    text = """
    func @f(%x: float32[512,256]) -> (y: float32[512,256]) {
      %a = Exp(%x) : float32[512,256]
      %y = Tanh(%a) : float32[512,256]
      return %y
    }
    """
    taken: list[Part] = []

    class Loops(Backend):
        name = "loops"

        def compile_group(self, part: Part) -> Any:
            taken.append(part)
            return Reference().compile(part)

    env = Environment()
    env.backends = (Loops(),)
    plan = compile_ordered(*optimized(parse_function(text), [(512, 256)], [], env), env)
    x = np.random.default_rng(2).standard_normal((512, 256)).astype(np.float32)
    np.testing.assert_allclose(plan(x)[0], np.tanh(np.exp(x)), rtol=1e-6)
    assert [node.op.name for node in taken[0].function.nodes] == ["Exp", "Tanh"]
