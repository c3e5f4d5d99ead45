"""Switch, Merge and loops inside functions: they run as If and While, and what has no such form is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import errors
from calque_runtime.environment import Environment
from calque_runtime.ir import Function
from calque_runtime.passes.raise_control_flow import raise_control_flow
from calque_runtime.passes.references import replace_references
from calque_runtime.resources import Variable
from calque_runtime.text import parse_function

COND = """
func @f(%x: float32, %p: bool) -> (y: float32, i: int32[]) {
  %id = Identity(%p) : bool
  %s = Switch(%x, %id) : float32, float32
  %t = Switch(%p, %p) : bool, bool
  %on = Identity(%t:1) : bool
  %one = Const() {value=tensor<float32[]>1.0} : float32[] ^on
  %a = Neg(%s) : float32
  %b = Add(%s:1, %one) : float32
  %m = Merge(%a, %b) : float32, int32[]
  return %m, %m:1
}
"""

LOOP = """
func @f(%x: float32, %n: int32) -> (y: float32, i: int32) {
  %zero = Const() {value=tensor<int32[]>0} : int32[]
  %ei = Enter(%zero) {frame_name="f"} : int32
  %ex = Enter(%x) {frame_name="f"} : float32
  %en = Enter(%n) {frame_name="f", is_constant=true} : int32
  %ek = Enter(%x) {frame_name="f", is_constant=true} : float32
  %mi = Merge(%ei, %ni) : int32, int32[]
  %mx = Merge(%ex, %nx) : float32, int32[]
  %less = Less(%mi, %en) : bool
  %go = LoopCond(%less) : bool
  %si = Switch(%mi, %go) : int32, int32
  %sx = Switch(%mx, %go) : float32, float32
  %body = Identity(%si:1) : int32
  %one = Const() {value=tensor<int32[]>1} : int32[] ^body
  %ai = Add(%body, %one) : int32
  %ax = Mul(%sx:1, %ek) : float32
  %ni = NextIteration(%ai) : int32
  %nx = NextIteration(%ax) : float32
  %xi = Exit(%si) : int32
  %xx = Exit(%sx) : float32
  return %xx, %xi
}
"""


def run(text: str, *arrays: Any) -> list[Any]:
    return list(Environment().compiled(parse_function(text))(*arrays))


def kinds(function: Function) -> set[str]:
    return {node.op.name for node in function.nodes}


@pytest.mark.parametrize(("p", "want"), [(True, (4.0, 1)), (False, (-3.0, 0))])
def test_a_condition_in_a_function_runs(p: bool, want: tuple[float, int]) -> None:
    assert tuple(run(COND, np.float32(3), np.bool_(p))) == want


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_loop_in_a_function_runs(n: int) -> None:
    y, i = run(LOOP, np.float32(2), np.int32(n))
    assert (y, i) == (2.0 ** (n + 1), n)


def test_what_they_become() -> None:
    function = parse_function(COND)
    raise_control_flow(function)
    assert kinds(function) == {"If"}
    (node,) = function.nodes
    assert kinds(node.attrs["then_branch"].function) == {"Add", "Const", "Identity"}
    assert kinds(node.attrs["else_branch"].function) == {"Neg", "Const"}
    function = parse_function(LOOP)
    raise_control_flow(function)
    assert kinds(function) == {"Const", "While"}
    node = next(node for node in function.nodes if node.op.name == "While")
    assert [v.node.name for v in node.inputs] == ["zero", "x", "n", "x"]
    assert kinds(node.attrs["cond"].function) == {"Less"}


def test_two_on_one_condition_are_one_if_unless_one_needs_the_other() -> None:
    text = """
    func @f(%x: float32, %p: bool) -> (a: float32, b: float32, c: float32) {
      %s = Switch(%x, %p) : float32, float32
      %a0 = Neg(%s) : float32
      %a1 = Exp(%s:1) : float32
      %a = Merge(%a0, %a1) : float32, int32[]
      %b0 = Abs(%s) : float32
      %b1 = Sin(%s:1) : float32
      %b = Merge(%b0, %b1) : float32, int32[]
      %t = Switch(%a, %p) : float32, float32
      %c0 = Neg(%t) : float32
      %c = Merge(%c0, %t:1) : float32, int32[]
      return %a, %b, %c
    }
    """
    function = parse_function(text)
    raise_control_flow(function)
    assert [node.op.name for node in function.nodes] == ["If", "If"]
    assert run(text, np.float32(2), np.bool_(False)) == [-2.0, 2.0, 2.0]


def test_only_the_branch_that_is_taken_has_effects() -> None:
    text = """
    func @f(%v: resource[]<float32[]>, %x: float32[], %p: bool) -> (y: float32[]) {
      %s = Switch(%x, %p) : float32, float32
      %w = Switch(%v, %p) : resource[], resource[]
      %add = AssignAddVariableOp(%w:1, %s:1)
      %a = Neg(%s) : float32
      %b = ReadVariableOp(%w:1) : float32[] ^add
      %m = Merge(%a, %b) : float32, int32[]
      return %m
    }
    """
    from calque_runtime import dtypes

    variable = Variable(dtypes.float32, (), "v", np.array(1, np.float32))
    plan = Environment().compiled(parse_function(text))
    assert plan(variable, np.float32(2), np.bool_(False)) == [-2.0]
    assert variable.value == 1
    assert plan(variable, np.float32(2), np.bool_(True)) == [3.0]


def test_references_are_read_after_what_changes_them() -> None:
    text = """
    func @f(%x: float32[]) -> (a: float32[], b: float32[]) {
      %v = VariableV2() {shape=[], shared_name="v"} : float32[]
      %set = Assign(%v, %x) : float32
      %add = AssignAdd(%set, %x) : float32
      %a = Identity(%add) : float32
      %b = Neg(%v) : float32 ^add
      return %a, %b
    }
    """
    function = parse_function(text)
    replace_references(function)
    assert not kinds(function) & {"VariableV2", "Assign", "AssignAdd"}
    assert [float(v) for v in Environment().compiled(function)(np.array(3, np.float32))] == [6.0, -6.0]


REFUSED = {
    "the Merge of what no one condition divides": """
    func @f(%x: float32, %p: bool, %q: bool) -> (y: float32) {
      %s = Switch(%x, %p) : float32, float32
      %t = Switch(%x, %q) : float32, float32
      %m = Merge(%s, %t) : float32, int32[]
      return %m
    }
    """,
    "a result that is there sometimes": """
    func @f(%x: float32, %p: bool) -> (y: float32) {
      %s = Switch(%x, %p) : float32, float32
      %m = Neg(%s) : float32
      return %m
    }
    """,
    "a loop variable that never comes back": """
    func @f(%x: float32, %p: bool) -> (y: float32) {
      %e = Enter(%x) {frame_name="f"} : float32
      %m = Merge(%e, %e) : float32, int32[]
      %go = LoopCond(%p) : bool
      %s = Switch(%m, %go) : float32, float32
      %out = Exit(%s) : float32
      return %out
    }
    """,
    "a loop of something else than variables": """
    func @f(%x: float32, %p: bool) -> (y: float32) {
      %go = LoopCond(%p) : bool
      %s = Switch(%x, %go) : float32, float32
      %out = Exit(%s) : float32
      return %out
    }
    """,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    with pytest.raises(errors.UnimplementedError, match="node '[ms]'"):
        raise_control_flow(parse_function(REFUSED[name]))


def test_a_cycle_that_is_no_loop() -> None:
    text = """
    func @f(%x: float32, %p: bool) -> (y: float32) {
      %s = Switch(%b, %p) : float32, float32
      %a = Neg(%s) : float32
      %b = Add(%a, %x) : float32
      return %b
    }
    """
    with pytest.raises(errors.InvalidArgumentError, match="cycle"):
        raise_control_flow(parse_function(text))
