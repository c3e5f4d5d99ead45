"""Conditionals and loops in graphs: their nodes, captures, effects and messages. Values: the probes."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque_runtime.ir import Node
from calque_runtime.verify import verify


def nodes(concrete: Any, kind: str) -> list[Node]:
    return [node for node in concrete.function.nodes if kind in node.op.name]


def check(function: Any) -> None:
    """The function and all that it calls are well formed."""
    verify(function)
    for ref in function.calls():
        check(ref.function)


def test_an_if_takes_the_captures_of_both_branches() -> None:
    v = tf.Variable(1.0)
    a = tf.constant([1.0, 2.0])

    @tf.function(autograph=False)
    def f(x: Any, y: Any) -> Any:
        return tf.cond(x > 0, lambda: y * v, lambda: tf.reduce_sum(a) + x)

    g = f.get_concrete_function(tf.TensorSpec([]), tf.TensorSpec([]))
    (node,) = nodes(g, "If")
    assert node.op.name == "If"  # it reads a variable
    assert node.name == "cond"
    assert len(node.inputs) == 1 + 4
    branches = [node.attrs["then_branch"].function, node.attrs["else_branch"].function]
    assert [v.dtype for v in branches[0].inputs] == [v.dtype for v in branches[1].inputs]
    assert all(len(b.inputs) == 4 for b in branches)
    assert g.variables == (v,)
    check(g.function)
    assert f(tf.constant(2.0), tf.constant(3.0)).numpy() == 3.0
    assert f(tf.constant(-2.0), tf.constant(3.0)).numpy() == 1.0


def test_a_tensor_captured_twice_is_one_operand() -> None:
    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        again = (x + 1.0).op.outputs[0]
        return tf.cond(x > 0, lambda: again, lambda: again.op.outputs[0] * 2.0)

    g = f.get_concrete_function(tf.TensorSpec([]))
    (node,) = nodes(g, "If")
    assert node.op.name == "StatelessIf"
    assert len(node.inputs) == 2


def test_a_while_passes_captures_on() -> None:
    v = tf.Variable(2.0)

    @tf.function(autograph=False)
    def f(x: Any, n: Any) -> Any:
        return tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * v + x), (0, x))

    g = f.get_concrete_function(tf.TensorSpec([]), tf.TensorSpec([], tf.int32))
    (node,) = nodes(g, "While")
    # A counter, the limit, two loop variables; n for the condition; the variable and x for the body.
    assert len(node.inputs) == len(node.outputs) == 2 + 2 + 1 + 2
    body = node.attrs["body"].function
    assert body.outputs[4:] == body.inputs[4:]
    check(g.function)
    assert f(tf.constant(1.0), tf.constant(3))[1].numpy() == 15.0


def test_values_known_outside_are_known_inside() -> None:
    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        sizes = tf.constant([2, 3])
        return tf.cond(tf.size(x) > 0, lambda: tf.reshape(x, sizes), lambda: tf.zeros(sizes))

    assert f.get_concrete_function(tf.TensorSpec([None])).output_shapes == (2, 3)


def test_nodes_stand_at_the_users_line() -> None:
    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        return tf.cond(x > 0, lambda: x * 2.0, lambda: x)

    g = f.get_concrete_function(tf.TensorSpec([]))
    (node,) = nodes(g, "If")
    assert node.location is not None
    file, line, name = node.location
    assert (file, name) == (__file__, "f")
    assert "tf.cond" in inspect.getsource(inspect.getmodule(check)).splitlines()[line - 1]  # type: ignore[arg-type]
    (mul,) = nodes(type("G", (), {"function": node.attrs["then_branch"].function}), "Mul")
    assert mul.location is not None
    assert mul.location[:2] == (file, line)


def edges(concrete: Any) -> set[tuple[str, str]]:
    return {(node.name, other.name) for node in concrete.function.nodes for other in node.control}


def test_effects_of_branches_are_ordered_by_resource() -> None:
    v, w, u = tf.Variable(1.0), tf.Variable(1.0), tf.Variable(1.0)

    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        w.assign(x)
        before = v * 1.0
        tf.cond(x > 0, lambda: v.assign_add(w).read_value(), lambda: x)
        a = v + 0.0
        b = w + 0.0
        u.assign(x)
        return before, a, b

    g = f.get_concrete_function(tf.TensorSpec([]))
    (branch,) = nodes(g, "If")
    reads = [node.name for node in nodes(g, "ReadVariableOp")]
    assigned_w, assigned_u = (node.name for node in nodes(g, "AssignVariableOp"))
    found = edges(g)
    assert (branch.name, reads[0]) in found  # v is read before it may change
    assert (reads[1], branch.name) in found  # and after
    assert (branch.name, assigned_w) in found  # the branch reads w
    assert (reads[2], branch.name) not in found  # and leaves it as it is
    assert not any(assigned_u in edge for edge in found)
    assert set(g.function.control_outputs) == {branch.name, assigned_w, assigned_u}
    assert [t.numpy() for t in f(tf.constant(3.0))] == [1.0, 4.0, 3.0]


def test_conditionals_without_effects_are_no_control_outputs() -> None:
    v = tf.Variable(1.0)
    read = tf.function(lambda x: tf.cond(x > 0, lambda: v + x, lambda: x), autograph=False)
    assert read.get_concrete_function(tf.TensorSpec([])).function.control_outputs == {}
    looped = tf.function(
        lambda x: tf.while_loop(lambda y: y < 9.0, lambda y: (y + v,), (x,)), autograph=False
    )
    assert looped.get_concrete_function(tf.TensorSpec([])).function.control_outputs == {}


def test_a_branch_may_create_a_variable_on_the_first_call() -> None:
    made: list[Any] = []

    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        def yes() -> Any:
            if not made:
                made.append(tf.Variable(5.0))
            return made[0] * x

        return tf.cond(x > 0, yes, lambda: x)

    assert f(tf.constant(2.0)).numpy() == 10.0
    assert f(tf.constant(-2.0)).numpy() == -2.0


MESSAGES = [
    (
        lambda x: tf.cond(x > 0, lambda: {"a": [x, 1]}, lambda: {"a": [x, 1.5]}),
        TypeError,
        r"result of true_fn\['a'\]\[1\] is a tensor of int32 .* that of false_fn\['a'\]\[1\] is a tensor of float32",
    ),
    (
        lambda x: tf.cond(x > 0, lambda: (x, None), lambda: (x, x)),
        ValueError,
        r"result of true_fn\[1\] is None, but that of false_fn\[1\] is a tensor of float32 and shape \(\): both must be",
    ),
    (
        lambda x: tf.cond(x > 0, lambda: [x], lambda: (x,)),
        TypeError,
        "same number, type, and overall structure",
    ),
    (lambda x: tf.cond(x, lambda: 1, lambda: 2), tf.errors.InvalidArgumentError, "must be a bool scalar"),
    (
        lambda x: tf.cond(x > 0, lambda: object(), lambda: 2),
        TypeError,
        "a value of type object, which is not a",
    ),
    (
        lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, {"k": y["k"] > 0}), (0, {"k": x})),
        TypeError,
        r"Loop variable loop_vars\[1\]\['k'\] enters the loop with type tf.float32, but has type tf.bool",
    ),
    (
        lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.stack([y, y])), (0, x)),
        ValueError,
        r"Loop variable loop_vars\[1\] enters the loop with shape \(\), but has shape \(2,\) after one iteration",
    ),
    (
        lambda x: tf.while_loop(lambda i: [True, True], lambda i: i, (x,)),
        tf.errors.InvalidArgumentError,
        "bool scalar",
    ),
    (
        lambda x: tf.while_loop(
            lambda i: i < 3.0, lambda i: i, (x,), shape_invariants=(tf.TensorShape([2]),)
        ),
        ValueError,
        r"invariant specified for loop_vars\[0\] is not compatible",
    ),
    (
        lambda x: tf.while_loop(lambda i: i < 3.0, lambda i: i, (x,), shape_invariants=tf.TensorShape([])),
        ValueError,
        "'shape_invariants' must have the structure of 'loop_vars'",
    ),
    (lambda x: tf.switch_case(x, [lambda: 1, lambda: 2]), TypeError, "must be an int32 Tensor"),
    (
        lambda x: tf.TensorArray(tf.float32, 2).write(0, x).write(1, [x, x]),
        ValueError,
        r"Inconsistent shapes: saw \(2,\) but expected \(\)",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), MESSAGES)
def test_messages(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        tf.function(call, autograph=False)(tf.constant(1.0))


def test_composite_tensors_pass_through_branches_and_loops() -> None:
    sparse = tf.sparse.from_dense([[0, 1], [2, 0]])

    @tf.function(autograph=False)
    def f(s: Any, n: Any) -> Any:
        doubled = lambda i, s: (i + 1, tf.sparse.map_values(tf.multiply, s, 2))  # noqa: E731
        looped = tf.while_loop(lambda i, s: i < n, doubled, (0, s))[1]
        return tf.cond(n > 2, lambda: looped, lambda: s)

    np.testing.assert_array_equal(tf.sparse.to_dense(f(sparse, tf.constant(3))), [[0, 8], [16, 0]])
    np.testing.assert_array_equal(tf.sparse.to_dense(f(sparse, tf.constant(1))), [[0, 1], [2, 0]])


def recurrent(x: Any) -> Any:
    states = tf.TensorArray(tf.float64, 0, dynamic_size=True)
    source = tf.TensorArray(tf.float64, tf.shape(x)[0]).unstack(x)

    def step(i: Any, h: Any, states: Any) -> Any:
        h = tf.cond(h > 0.5, lambda: tf.tanh(h * source.read(i)), lambda: h + source.read(i))
        return i + 1, h, states.write(i, h)

    start = (0, tf.constant(0.1, tf.float64), states)
    _, h, states = tf.while_loop(lambda i, *_: i < tf.shape(x)[0], step, start)
    return tf.reduce_sum(states.stack() * states.gather([2, 1, 0])) + h


DIFFERENTIABLE = {
    "recurrent": recurrent,
    "map_fn": lambda x: tf.reduce_sum(tf.map_fn(lambda e: e * e * x[0], x)),
    "scan": lambda x: tf.reduce_sum(tf.scan(lambda a, e: a * e + a, x)),
    "foldl": lambda x: tf.foldl(lambda a, e: a * e + e, x),
    "foldr": lambda x: tf.foldr(lambda a, e: tf.sin(a * e), x),
    "vectorized_map": lambda x: tf.reduce_sum(tf.vectorized_map(lambda e: e * e * e, x)),
    "py_function": lambda x: tf.reduce_sum(tf.py_function(lambda e: e * e * e, [x], tf.float64)),
    "split": lambda x: tf.reduce_sum(
        tf.TensorArray(tf.float64, 2, infer_shape=False).split(x, [1, 2]).concat() * x
    ),
    "scatter": lambda x: tf.reduce_sum(
        tf.TensorArray(tf.float64, 4).scatter([3, 0, 1], x * x).stack() ** 2.0
    ),
    "switch_case": lambda x: tf.reduce_sum(
        tf.switch_case(tf.cast(x[1], tf.int32), [lambda: x, lambda: x * x, lambda: -x])
    ),
}


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_those_of_finite_differences(name: str, traced: bool) -> None:
    call: Any = DIFFERENTIABLE[name]
    f = tf.function(call, autograph=False) if traced else call
    at, step = np.array([0.7, 1.3, 0.4]), 1e-6
    x = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    wanted = [(call(tf.constant(at + d)) - call(tf.constant(at - d))) / (2 * step) for d in np.eye(3) * step]
    np.testing.assert_allclose(tape.gradient(y, x), wanted, rtol=1e-5, atol=1e-6)


def test_a_graph_that_calls_python_is_not_saved(tmp_path: Path) -> None:
    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([])], autograph=False)
        def __call__(self, x: Any) -> Any:
            return tf.cond(x > 0, lambda: tf.numpy_function(np.sin, [x], tf.float32), lambda: x)

    model = Model()
    assert model(tf.constant(-1.0)).numpy() == -1.0
    with pytest.raises(
        tf.errors.UnimplementedError, match=r"calls back into Python at .*test_control_flow.py:\d+"
    ):
        tf.saved_model.save(model, str(tmp_path / "m"))
    assert not (tmp_path / "m").exists()


def test_a_function_called_in_a_loop_keeps_its_python_alive() -> None:
    def make() -> Any:
        offset = object.__new__(type("Offset", (), {"value": 3}))
        return tf.function(
            lambda x: tf.while_loop(
                lambda i, y: i < 2,
                lambda i, y: (
                    i + 1,
                    tf.ensure_shape(tf.py_function(lambda a: a + offset.value, [y], tf.int32), []),
                ),
                (0, x),
            )[1],
            autograph=False,
        )

    assert make()(tf.constant(1)).numpy() == 7


RAGGED: dict[str, tuple[Any, Any]] = {
    "sums of rows": (lambda r: tf.map_fn(tf.reduce_sum, r, fn_output_signature=tf.int32), [3, 3, 0]),
    "rows": (lambda r: tf.map_fn(lambda row: row * 2, r).to_list(), [[2, 4], [6], []]),
    "rows of rows": (
        lambda r: tf.map_fn(
            lambda row: tf.RaggedTensor.from_row_lengths(row, [tf.size(row)]),
            r,
            fn_output_signature=tf.RaggedTensorSpec([1, None], tf.int32),
        ).to_list(),
        [[[1, 2]], [[3]], [[]]],
    ),
    "ranges": (
        lambda r: tf.map_fn(
            tf.range, r.row_lengths(), fn_output_signature=tf.RaggedTensorSpec([None], tf.int64)
        ).to_list(),
        [[0, 1], [0], []],
    ),
    "rows of a sparse tensor": (
        lambda r: tf.map_fn(tf.sparse.to_dense, r.to_sparse(), fn_output_signature=tf.int32),
        [[1, 2], [3, 0], [0, 0]],
    ),
}


@pytest.mark.parametrize("name", RAGGED)
def test_map_fn_over_ragged_and_sparse_tensors(name: str) -> None:
    call, wanted = RAGGED[name]
    ragged = tf.ragged.constant([[1, 2], [3], []])
    found = call(ragged)
    assert (found if isinstance(found, list) else found.numpy().tolist()) == wanted


def test_map_fn_over_ragged_tensors_in_a_function() -> None:
    @tf.function(autograph=False)
    def f(r: Any) -> Any:
        ranges = tf.map_fn(
            tf.range, r.row_lengths(), fn_output_signature=tf.RaggedTensorSpec([None], tf.int64)
        )
        return ranges, tf.map_fn(tf.reduce_sum, r, fn_output_signature=tf.int32)

    ranges, sums = f(tf.ragged.constant([[1, 2], [3], []]))
    assert ranges.to_list() == [[0, 1], [0], []]
    assert sums.numpy().tolist() == [3, 3, 0]


def test_map_fn_names_the_type_it_was_promised() -> None:
    with pytest.raises(ValueError, match=r"Expected `fn` to return a:\n\s+RaggedTensorSpec"):
        tf.map_fn(lambda x: x, tf.constant([1, 2]), fn_output_signature=tf.RaggedTensorSpec([None], tf.int32))
    with pytest.raises(TypeError, match="map_fn can not generate SparseTensorSpec"):
        tf.map_fn(lambda x: x, tf.constant([1, 2]), fn_output_signature=tf.SparseTensorSpec([None], tf.int32))


@pytest.mark.parametrize("traced", [False, True])
def test_py_function_of_ragged_tensors(traced: bool) -> None:
    ragged = tf.ragged.constant([[1.0, 2.0], [3.0]])

    def doubled(x: Any) -> Any:
        return x + tf.py_function(lambda one: one * 2.0, [x], tf.RaggedTensorSpec.from_value(x))

    def of_lengths(x: Any) -> Any:
        spec = tf.RaggedTensorSpec([None, None], tf.int32)
        return tf.py_function(tf.RaggedTensor.from_row_lengths, [[1, 2, 3], x.row_lengths()], [spec])[0]

    def wrong(x: Any) -> Any:
        return tf.py_function(lambda one: one, [x], tf.float32)

    doubled, of_lengths, wrong = (
        tf.function(f, autograph=False) if traced else f for f in (doubled, of_lengths, wrong)
    )
    assert doubled(ragged).to_list() == [[3.0, 6.0], [9.0]]
    assert of_lengths(ragged).to_list() == [[1, 2], [3]]
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"returned .* which did not match Tout=\[tf.float32\]"
    ):
        wrong(ragged)


def test_an_operation_returned_from_a_branch_gives_the_condition() -> None:
    seen: list[int] = []

    @tf.function(autograph=False)
    def f(x: Any) -> Any:
        def yes() -> Any:
            return tf.numpy_function(lambda a: seen.append(int(a)) or a, [x], tf.int32).op

        return tf.cond(x > 0, yes, lambda: tf.constant(0).op)

    assert f(tf.constant(4)).numpy() is np.True_
    assert f(tf.constant(-4)).numpy() is np.False_
    assert seen == [4]


def test_tensor_arrays_in_signatures_are_saved(tmp_path: Path) -> None:
    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None])], autograph=False)
        def parts(self, x: Any) -> Any:
            return tf.TensorArray(tf.float32, tf.size(x)).unstack(x)

        @tf.function(input_signature=[tf.TensorArraySpec([], tf.float32)], autograph=False)
        def doubled(self, parts: Any) -> Any:
            return parts.stack() * 2.0

    tf.saved_model.save(Model(), str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    parts = loaded.parts(tf.constant([1.0, 2.0]))
    assert isinstance(parts, tf.TensorArray)
    assert loaded.doubled(parts).numpy().tolist() == [2.0, 4.0]
    assert loaded.doubled(tf.TensorArray(tf.float32, 1).write(0, 3.0)).numpy().tolist() == [6.0]
