"""What derives from variables is computed once, and again when one of them has changed."""

from __future__ import annotations

import threading

import numpy as np

from calque_runtime import dtypes
from calque_runtime.environment import Environment
from calque_runtime.resources import Variable
from calque_runtime.text import parse_function

TEXT = """
func @f(%x: float32[2,3], %w: resource[]<float32[4,3]>, %b: resource[]<float32[4]>) -> (y: float32[2,4]) {
  %rw = ReadVariableOp(%w) : float32[4,3]
  %rb = ReadVariableOp(%b) : float32[4]
  %p = Const() {value=tensor<int32[2]>[1, 0]} : int32[2]
  %t = Transpose(%rw, %p) : float32[3,4]
  %m = MatMul(%x, %t) : float32[2,4]
  %y = AddV2(%m, %rb) : float32[2,4]
  return %y
}
"""


def model() -> tuple[Environment, Variable, Variable]:
    w = Variable(dtypes.float32, (4, 3), "w", np.arange(12, dtype=np.float32).reshape(4, 3))
    b = Variable(dtypes.float32, (4,), "b", np.zeros(4, np.float32))
    return Environment(), w, b


def test_new_values_are_seen() -> None:
    env, w, b = model()
    run = env.bound(parse_function(TEXT), [w, b])
    x = np.ones((2, 3), np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(run(x)[0], x @ w.value.T)
    w.assign(np.full((4, 3), 2, np.float32))
    np.testing.assert_array_equal(run(x)[0], x @ w.value.T)
    b.update(lambda old: old + 1)
    np.testing.assert_array_equal(run(x)[0], x @ w.value.T + 1)
    Variable(dtypes.float32, (), "other", np.float32(1)).assign(np.float32(2))
    np.testing.assert_array_equal(run(x)[0], x @ w.value.T + 1)


def test_one_variable_for_two_arguments() -> None:
    env = Environment()
    text = """
    func @f(%x: float32[2], %v: resource[]<float32[2]>, %w: resource[]<float32[2]>) -> (y: float32[2], z: float32[2]) {
      %a = ReadVariableOp(%v) : float32[2]
      %set = AssignVariableOp(%w, %x) ^a
      %b = ReadVariableOp(%v) : float32[2] ^set
      return %a, %b ^set
    }
    """
    v = Variable(dtypes.float32, (2,), "v", np.float32([1, 2]))
    run = env.bound(parse_function(text), [v, v])
    for i in range(4):
        before = v.value
        old, new = run(np.full(2, i, np.float32))
        np.testing.assert_array_equal(old, before)
        np.testing.assert_array_equal(new, [i, i])


def test_threads_see_one_value_or_the_other() -> None:
    env, w, b = model()
    run = env.bound(parse_function(TEXT), [w, b])
    x = np.ones((2, 3), np.float32)
    wrong: list[float] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            (y,) = run(x)
            if len(np.unique(y)) != 1 or y[0, 0] % 3:
                wrong.append(float(y[0, 0]))

    w.assign(np.zeros((4, 3), np.float32))
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(300):
        w.assign(np.full((4, 3), i, np.float32))
        (y,) = run(x)
        assert y[0, 0] == 3 * i, "a thread sees its own assignment"
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_arguments_of_many_shapes() -> None:
    env, w, b = model()
    text = TEXT.replace("float32[2,3]", "float32[?,3]").replace("float32[2,4]", "float32[?,4]")
    run = env.bound(parse_function(text), [w, b])
    for _ in range(2):
        for n in range(60):
            x = np.full((n, 3), n, np.float32)
            for _ in range(3):
                np.testing.assert_array_equal(run(x)[0], x @ w.value.T)


def test_random_numbers_go_on_from_plan_to_plan() -> None:
    text = """
    func @f(%n: int32[1]) -> (y: float32) {
      %y = RandomUniform(%n) {dtype=float32, seed=3, seed2=4} : float32
      return %y
    }
    """
    run = Environment().bound(parse_function(text), [])
    seen = [run(np.int32([4]))[0].tolist() for _ in range(4)]
    assert len({tuple(one) for one in seen}) == 4, "a new plan does not begin anew"
    again = Environment().bound(parse_function(text), [])
    assert [again(np.int32([4]))[0].tolist() for _ in range(4)] == seen
