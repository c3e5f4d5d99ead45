"""The reference executor and plans agree, on random graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calque_runtime import dtypes, ops, reference
from calque_runtime.backend import Reference
from calque_runtime.environment import Environment
from calque_runtime.errors import OpError
from calque_runtime.ir import Function, FunctionRef, Library, Node, Value
from calque_runtime.plan import compile_function
from calque_runtime.plan.bound import compile_ordered, optimized
from calque_runtime.resources import Variable
from calque_runtime.text import parse_function, parse_module, print_function
from calque_runtime.verify import verify

SHAPE = (2, 4)
UNARY = ("Neg", "Abs", "Tanh", "Square", "Identity", "StopGradient", "Snapshot", "Sign")
BINARY = ("AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference")

# One step of a random program: what it does, and numbers to choose operands with.
STEP = st.tuples(
    st.sampled_from(
        [
            *UNARY,
            *BINARY,
            "AddN",
            "Const",
            "IdentityN",
            "split",
            "reduce",
            "read",
            "add",
            "assign",
            "call",
            "if",
            "while",
        ]
    ),
    st.tuples(*[st.integers(0, 1 << 20)] * 3),
)
PROGRAM = st.lists(STEP, min_size=1, max_size=14)


LOOP = """
func @NAME_cond(%i: int32[], %x: float64) -> (bool[]) {
  %limit = Const() {value=tensor<int32[]>COUNT} : int32[]
  %less = Less(%i, %limit) : bool[]
  return %less
}
func @NAME_body(%i: int32[], %x: float64) -> (int32[], float64) {
  %one = Const() {value=tensor<int32[]>1} : int32[]
  %next = AddV2(%i, %one) : int32[]
  %half = Const() {value=tensor<float64[]>0.5} : float64[]
  %less = Mul(%x, %half) : float64
  %more = AddV2(%less, %half) : float64
  return %next, %more
}
"""


class Builder:
    """A random function of two float64 arrays, a variable and what earlier functions of the library compute."""

    def __init__(self, name: str, library: Library, shapes: bool) -> None:
        self.function = Function(name)
        self.library = library
        self.callees = [library[n] for n in library]
        self.shape = SHAPE if shapes else None
        self.values = [self.argument(f"x{i}") for i in range(2)]
        self.variable = self.function.add_input("v", dtypes.resource, ())
        self.function.unique_name("v")
        self.variable.handle = dtypes.float64, SHAPE
        self.last_effect: Node | None = None

    def argument(self, name: str) -> Value:
        return self.function.add_input(self.function.unique_name(name), dtypes.float64, self.shape)

    def node(self, kind: str, inputs: list[Value], **attrs: Any) -> Node:
        op = ops.require(kind)
        types, at = [], 0
        for arg in op.signature.inputs:
            count = len(inputs) - len(op.signature.inputs) + 1 if arg.is_list else 1
            group = [v.dtype for v in inputs[at : at + count]]
            types.append(group if arg.is_list else group[0])
            at += count
        full = op.signature.complete(types, attrs)
        made = Node(op, self.function.unique_name(kind), inputs, full, op.signature.output_dtypes(full))
        for value, shape in zip(made.outputs, op.infer_shapes(made.site()), strict=True):
            value.shape = shape if self.shape else None
        return self.function.add(made)

    def effect(self, kind: str, inputs: list[Value], **attrs: Any) -> Node:
        """A node that runs in program order with the other effects."""
        made = self.node(kind, inputs, **attrs)
        if self.last_effect is not None:
            made.control.append(self.last_effect)
        self.last_effect = made
        return made

    def constant(self, value: Any) -> Value:
        array = np.asarray(value)
        return self.node("Const", [], value=array, dtype=dtypes.from_numpy(array.dtype)).outputs[0]

    def pick(self, number: int) -> Value:
        return self.values[number % len(self.values)]

    def callee(self, number: int) -> FunctionRef | None:
        if not self.callees:
            return None
        function = self.callees[number % len(self.callees)]
        return FunctionRef(function.name, function)

    def step(self, kind: str, numbers: tuple[int, int, int]) -> None:
        a, b, c = numbers
        x, y = self.pick(a), self.pick(b)
        if kind in UNARY:
            self.values += self.node(kind, [x]).outputs
        elif kind in BINARY:
            self.values += self.node(kind, [x, y]).outputs
        elif kind == "AddN":
            self.values += self.node(kind, [x, y, self.pick(c)]).outputs
        elif kind == "Const":
            self.values.append(self.constant(np.random.RandomState(a).uniform(-2, 2, SHAPE)))
        elif kind == "IdentityN":
            self.values += self.node(kind, [x, y]).outputs
        elif kind == "split":
            axis = self.constant(np.array(1, np.int32))
            parts = self.node("Split", [axis, x], num_split=2).outputs
            self.values += self.node("ConcatV2", [parts[a % 2], parts[b % 2], axis]).outputs
        elif kind == "reduce":
            total = self.node("Sum", [x, self.constant(np.array([c % 2], np.int32))], keep_dims=True).outputs[
                0
            ]
            self.values += self.node("Sub", [y, total]).outputs
        elif kind == "read":
            self.values += self.effect("ReadVariableOp", [self.variable], dtype=dtypes.float64).outputs
        elif kind in ("add", "assign"):
            self.effect("AssignAddVariableOp" if kind == "add" else "AssignVariableOp", [self.variable, x])
        elif kind == "call" and (f := self.callee(c)) is not None:
            tout = (dtypes.float64,) * len(f.function.outputs)
            self.values += self.effect(
                "StatefulPartitionedCall", [x, y, self.variable], Tout=tout, f=f
            ).outputs
        elif kind == "if" and (f := self.callee(c)) is not None and (g := self.callee(b)) is not None:
            if len(f.function.outputs) == len(g.function.outputs):
                tout = (dtypes.float64,) * len(f.function.outputs)
                inputs = [self.constant(np.array(bool(a % 2))), x, y, self.variable]
                self.values += self.effect("If", inputs, Tout=tout, then_branch=f, else_branch=g).outputs
        elif kind == "while":
            self.loop(x, a % 4)

    def loop(self, x: Value, count: int) -> None:
        """Halves `x` and adds a half, `count` times."""
        name = f"{self.function.name}_loop_{len(self.library)}"
        parts = parse_module(LOOP.replace("NAME", name).replace("COUNT", str(count)))
        condition, body = (FunctionRef(f.name, self.library.add(f)) for f in parts.values())
        start = self.constant(np.array(0, np.int32))
        self.values.append(self.node("While", [start, x], cond=condition, body=body).outputs[1])

    def finish(self, results: list[int], order: int) -> Function:
        function = self.function
        function.outputs = [self.pick(r) for r in results]
        if self.last_effect is not None:
            function.control_outputs = {"last": self.last_effect}
        # Program order is only a promise of traced functions; schedules have to find their own.
        np.random.RandomState(order).shuffle(function.nodes)
        return self.library.add(function)


@st.composite
def libraries(draw: st.DrawFn) -> tuple[Library, str]:
    """A library of random functions, each of which may call those before it, and the name of the last."""
    library, callable_names = Library(), []
    shapes = draw(st.booleans())
    for i in range(draw(st.integers(1, 3))):
        builder = Builder(f"f{i}", library, shapes)
        builder.callees = [library[n] for n in callable_names]
        for kind, numbers in draw(PROGRAM):
            builder.step(kind, numbers)
        results = draw(st.lists(st.integers(0, 1 << 20), min_size=1, max_size=4))
        callable_names.append(builder.finish(results, draw(st.integers(0, 1000))).name)
    return library, callable_names[-1]


def start() -> tuple[list[Any], Variable]:
    random = np.random.RandomState(5)
    variable = Variable(dtypes.float64, SHAPE, "v", random.uniform(-1, 1, SHAPE))
    return [random.uniform(-2, 2, SHAPE), random.uniform(-2, 2, SHAPE), variable], variable


def same(got: list[Any], want: list[Any]) -> None:
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_array_equal(one, other)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(libraries())
def test_plan_agrees_with_reference(made: tuple[Library, str]) -> None:
    library, name = made
    function = library[name]
    verify(function, library)
    arrays, variable = start()
    before = [a.copy() for a in arrays[:2]]
    env = Environment(library)
    # Calls inside go through plans in either case: each function of the library gets its turn as `function`.
    want = [reference.run(function, arrays, env) for _ in range(2)]
    end = variable.value
    arrays, variable = start()
    plan = compile_function(function, Environment(library))
    for expected in want:
        same(plan(*arrays), expected)
    np.testing.assert_array_equal(variable.value, end)
    for array, old in zip(arrays[:2], before, strict=True):
        np.testing.assert_array_equal(array, old)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(libraries(), st.booleans())
def test_optimized_plan_agrees_with_reference(made: tuple[Library, str], backend: bool) -> None:
    library, name = made
    function = library[name]
    arrays, variable = start()
    before = [a.copy() for a in arrays[:2]]
    env = Environment(library)
    want = [reference.run(function, arrays, env) for _ in range(3)]
    end = variable.value
    arrays, variable = start()
    env = Environment(library)
    if backend:
        env.backends = (Reference(),)
    plan = compile_ordered(*optimized(function, [SHAPE, SHAPE], [variable], env, verified), env)
    for expected in want:
        same(plan(*arrays[:2]), expected)
    np.testing.assert_array_equal(variable.value, end)
    for array, old in zip(arrays[:2], before, strict=True):
        np.testing.assert_array_equal(array, old)


def verified(name: str, function: Function, changed: bool) -> None:
    """The graph is in order after each pass."""
    try:
        verify(function)
    except OpError as e:
        raise AssertionError(f"after {name}: {e}\n{function}") from e


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(libraries())
def test_text_changes_nothing(made: tuple[Library, str]) -> None:
    library, name = made
    function = library[name]
    text = print_function(function, full=True)
    again = parse_function(text)
    assert print_function(again, full=True) == text
    verify(again, library)
    arrays, _ = start()
    want = reference.run(function, arrays, Environment(library))
    arrays, _ = start()
    same(reference.run(again, arrays, Environment(library)), want)


def test_nodes_that_nothing_needs_do_not_run() -> None:
    function = parse_function(
        """
        func @f(%x: float32[2], %p: bool[]) -> (float32[2]) {
          %never = Assert(%p, %x)
          %y = Neg(%x) : float32[2]
          return %y
        }
        """
    )
    arrays = [np.float32([1, 2]), np.array(False)]
    want = [np.float32([-1, -2])]
    same(reference.run(function, arrays, Environment()), want)
    same(compile_function(function, Environment())(*arrays), want)


def test_results_may_be_arguments_and_repeat() -> None:
    function = parse_function(
        """
        func @f(%x: float32[2], %y: float32[2]) -> (float32[2], float32[2], float32[2]) {
          %i = Identity(%y) : float32[2]
          return %x, %i, %x
        }
        """
    )
    x, y = np.float32([1, 2]), np.float32([3, 4])
    for run in (
        lambda *a: reference.run(function, a, Environment()),
        compile_function(function, Environment()),
    ):
        same(run(x, y), [x, y, x])
