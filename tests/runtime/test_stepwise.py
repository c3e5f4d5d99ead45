"""Long functions in their first calls: node by node, then as compiled plans; both say which node failed."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from calque_runtime import errors, reference
from calque_runtime.collecting import paused_collection
from calque_runtime.environment import Environment
from calque_runtime.ir import Function
from calque_runtime.plan import codegen, compile_function, stepwise
from calque_runtime.text import parse_function

TEXT = """
func @f(%x: float32[4], %unread: float32, %y: float32[4]) -> (a: float32[4], b: float32[4], c: float32[2], d: float32[4], e: float32[4]) {
  %n = Const() {value=tensor<int32[]>0} : int32[]
  %i = Identity(%x) : float32[4]
  %a = AddV2(%i, %y) : float32[4]
  %j = Identity(%a) : float32[4]
  %lost = Exp(%a) : float32[4]
  %p = Split(%n, %a) {num_split=2} : float32[2], float32[2]
  %c = Mul(%p, %p:1) : float32[2]
  %k = Const() {value=tensor<float32[4]>[1.0, 2.0, 3.0, 4.0]} : float32[4]
  %b = Sub(%j, %k) : float32[4]
  %d = Neg(%i) : float32[4]
  return %a, %b, %c, %d, %k
}"""


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function is a long one."""
    monkeypatch.setattr(codegen, "LONG", 1)


def same(got: list[Any], want: list[Any]) -> None:
    for one, other in zip(got, want, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("long")
def test_the_same_in_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    build = codegen.Source.build
    monkeypatch.setattr(codegen.Source, "build", lambda *args: (compiled.append(""), build(*args))[1])
    function: Function = parse_function(TEXT)
    env = Environment()
    plan = compile_function(function, env)
    for call in range(1, 7):
        x, y = np.arange(4, dtype=np.float32) * call, np.full(4, call, np.float32)
        given = [x, np.float32(0), y]
        same(plan(*given), reference.run(function, given, env))
        assert len(compiled) == (call >= stepwise._CALLS)


@pytest.mark.usefixtures("long")
def test_arrays_go_after_their_last_use() -> None:
    seen: list[Any] = []
    function = parse_function(
        "func @f(%x: float32[9]) -> (z: float32[9]) {\n  %a = Exp(%x) : float32[9]\n  %i = Identity(%a) : float32[9]\n"
        "  %b = Neg(%i) : float32[9]\n  %z = Exp(%b) : float32[9]\n  return %z\n}"
    )
    first, *_, last = (node for node in function.nodes if node.op.name in ("Exp", "Neg"))

    class Kept(np.ndarray[Any, Any]):
        pass

    def make(x: Any) -> Any:
        made = np.exp(x).view(Kept)
        seen.append(weakref.ref(made))
        return made

    def look(x: Any) -> Any:
        gc.collect()
        seen.append(seen[0]() is None)
        return np.exp(x)

    import copy

    for node, run in ((first, make), (last, look)):
        node.op = copy.copy(node.op)
        node.op.kernel = lambda site, run=run: run
    compile_function(function, Environment())(np.zeros(9, np.float32))
    assert seen[1] is True


@pytest.mark.usefixtures("long")
@pytest.mark.parametrize("calls", [1, 5])
def test_an_error_names_its_node(calls: int) -> None:
    function = parse_function(
        "func @f(%x: float32, %y: float32) -> (z: float32) {\n  %a = Neg(%x) : float32\n  %b = MatMul(%a, %y) : float32\n"
        "  %z = Exp(%b) : float32\n  return %z\n}"
    )
    plan = compile_function(function, Environment())
    fine = np.ones([2, 2], np.float32)
    for _ in range(calls - 1):
        plan(fine, fine)
    with pytest.raises(errors.InvalidArgumentError, match="size-incompatible") as caught:
        plan(fine, np.ones([3, 2], np.float32))
    assert caught.value.node_def == "b"
    with pytest.raises(errors.InvalidArgumentError, match="'f' takes 2 arguments, got 1"):
        plan(fine)


def test_collections_are_paused_and_go_on() -> None:
    assert gc.isenabled()
    with paused_collection(), paused_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with paused_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
