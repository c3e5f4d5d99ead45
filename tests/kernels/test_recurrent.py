"""Scans and recurrent cells: kernels against the formulas, and traced loops against the reference, cells found or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf
from calque_runtime import dtypes, errors, ops, reference
from calque_runtime.environment import Environment, Limits
from calque_runtime.kernels import recurrent
from calque_runtime.op import Site
from calque_runtime.plan.bound import compile_ordered, optimized

Array = Any


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def kernel(name: str, attrs: dict[str, Any], arrays: list[Array], env: Environment | None = None) -> Any:
    op = ops.require(name)
    types = [dtypes.from_numpy(a.dtype) for a in arrays]
    attrs = {"T": types[0], "M": 0, **attrs}
    return op.bind(Site(op, attrs, types, [a.shape for a in arrays], env=env))(*arrays)


# Batch, inputs, units; in the last the rows of x are multiplied before the steps.
SIZES = [(1, 3, 4), (3, 1, 1), (17, 5, 2), (2, 0, 3), (2, 2100, 8)]


@pytest.fixture(params=SIZES, ids=str)
def sizes(request: pytest.FixtureRequest) -> tuple[int, int, int]:
    found: tuple[int, int, int] = request.param
    return found


def numbers(dtype: Any, *shapes: tuple[int, ...]) -> list[Array]:
    random = np.random.default_rng(2)
    return [(random.standard_normal(s) / max(1, s[0]) ** 0.5).astype(dtype) for s in shapes]


def mask(steps: int, batch: int) -> Array:
    return np.random.default_rng(3).integers(0, 2, (steps, batch, 1)).astype(bool)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_lstm(sizes: tuple[int, int, int], dtype: Any, last: bool, masked: bool) -> None:
    batch, inputs, units = sizes
    x, h, c, w = numbers(
        dtype, (7, batch, inputs), (batch, units), (batch, units), (inputs + units + 1, 4 * units)
    )
    masks = [mask(7, batch)] if masked else []
    y, h_last, c_last = kernel("_Lstm", {"steps": 5, "last": last, "M": masked}, [x, h, c, w, *masks])
    want = []
    for t in range(5):
        old = h, c
        z = np.concatenate([x[t], 2 * h, np.ones((batch, 1), dtype)], 1) @ w
        i, f, o, g = np.split(z, 4, 1)
        c = sigmoid(2 * f) * c + sigmoid(2 * i) * np.tanh(g)
        h = sigmoid(2 * o) * np.tanh(c)
        if masked:
            h, c = np.where(masks[0][t], h, old[0]), np.where(masks[0][t], c, old[1])
        want.append(h)
    close(y, want[-1:] if last else want, dtype)
    close(h_last, h, dtype)
    close(c_last, c, dtype)
    assert y.dtype == h_last.dtype == c_last.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_gru(sizes: tuple[int, int, int], dtype: Any, last: bool, before: bool, masked: bool) -> None:
    batch, inputs, units = sizes
    blocks = 3 if before else 4
    x, h, w, after = numbers(
        dtype,
        (5, batch, inputs),
        (batch, units),
        (inputs + units + 1, blocks * units),
        (units, units),
    )
    masks = [mask(5, batch)] if masked else []
    more = [after] if before else []
    y, h_last = kernel(
        "_Gru", {"steps": 5, "last": last, "M": masked, "N": len(more)}, [x, h, w, *masks, *more]
    )
    want = []
    for t in range(5):
        z = np.concatenate([x[t], h, np.ones((batch, 1), dtype)], 1) @ w
        z, r, *inner, b = np.split(z, blocks, 1)
        r = 2 * sigmoid(2 * r)
        g = np.tanh((r * h) @ after + b if before else r * inner[0] + b)
        z = sigmoid(2 * z)
        new = z * h + (1 - z) * g
        h = np.where(masks[0][t], new, h) if masked else new
        want.append(h)
    close(y, want[-1:] if last else want, dtype)
    close(h_last, h, dtype)


def close(got: Array, want: Any, dtype: Any) -> None:
    np.testing.assert_allclose(got, np.asarray(want), rtol=0, atol=2e-6 if dtype == np.float32 else 1e-13)


def test_arguments_stay_as_they_were() -> None:
    for batch in (1, 2):
        arrays = numbers(np.float32, (3, batch, 2), (batch, 4), (batch, 4), (7, 16))
        copies = [a.copy() for a in arrays]
        kernel("_Lstm", {"steps": 3, "last": False}, arrays)
        kernel("_Gru", {"steps": 3, "last": False, "N": 0}, [arrays[0], arrays[1], arrays[3]])
        for one, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(one, copy)


def test_rows_multiplied_before_the_steps_or_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = numbers(np.float32, (3, 2, 5), (2, 4), (2, 4), (10, 16))
    one = kernel("_Lstm", {"steps": 3, "last": False}, arrays)
    monkeypatch.setattr(recurrent, "_MANY", 1)
    for a, b in zip(one, kernel("_Lstm", {"steps": 3, "last": False}, arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def test_what_steps_give_is_limited() -> None:
    arrays = numbers(np.float32, (1000, 1, 1), (1, 1000), (1, 1000), (1002, 4000))
    with pytest.raises(errors.ResourceExhaustedError, match="limit"):
        kernel("_Lstm", {"steps": 1000}, arrays, Environment(limits=Limits(max_bytes=1 << 20)))


# Traced loops


def check(function: Any, *arrays: Array) -> set[str]:
    """Compare the optimized plan of what captures nothing with the reference; returns the names of the ops in it."""
    concrete = tf.function(function).get_concrete_function(*[tf.TensorSpec(a.shape, a.dtype) for a in arrays])
    assert not concrete.captures
    env = concrete.environment
    want = reference.run(concrete.function, list(arrays), env)
    made, bound = optimized(concrete.function, [a.shape for a in arrays], [], env)
    for got in (compile_ordered(made, bound, env)(*arrays), reference.run(made, list(arrays), env)):
        for one, other in zip(got, want, strict=True):
            assert np.shape(one) == np.shape(other)
            np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)
    return {node.op.name for node in made.nodes}


def lstm_layer(x: Any, h: Any, c: Any, w: Any, u: Any, b: Any) -> Any:
    """An LSTM over the first axis of x, gates in the order o, i, g, f."""

    def step(state: Any, row: Any) -> Any:
        h, c = state
        o, i, g, f = tf.split(b + tf.matmul(h, u) + tf.matmul(row, w), 4, axis=1)
        c = tf.tanh(g) * tf.sigmoid(i) + c * tf.sigmoid(f)
        return tf.tanh(c) * tf.sigmoid(o), c

    return tf.scan(step, x, (h, c))


LSTM = numbers(np.float32, (5, 3, 2), (3, 4), (3, 4), (2, 16), (4, 16), (16,))


def test_scan_of_an_lstm() -> None:
    assert "_Scan" in check(lstm_layer, *LSTM)  # both h and c are stacked, which is no cell of a layer


def over_time(step: Any, x: Any, *state: Any) -> Any:
    """A loop as Keras writes it: the rows of x, one list of results."""
    rows = tf.TensorArray(x.dtype, x.shape[0]).unstack(x)
    results = tf.TensorArray(x.dtype, x.shape[0])

    def body(i: Any, results: Any, *state: Any) -> Any:
        result, *after = step(rows.read(i), *state)
        return i + 1, results.write(i, result), *after

    _, results, *last = tf.while_loop(
        lambda i, *_: i < x.shape[0], body, (tf.constant(0), results, *state), maximum_iterations=x.shape[0]
    )
    return results.stack(), *last


def test_lstm_with_joined_weights() -> None:
    """One product of x and h side by side, and a constant added to the forget gate."""

    def layer(x: Any, h: Any, c: Any, w: Any, b: Any) -> Any:
        def step(x: Any, h: Any, c: Any) -> Any:
            z = tf.matmul(tf.concat([x, h], 1), w) + b
            i, g, f, o = tf.split(z, 4, axis=1)
            c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(g)
            h = tf.tanh(c) * tf.sigmoid(o)
            return h, h, c

        return over_time(step, x, h, c)

    x, h, c, w, u, b = LSTM
    assert "_Lstm" in check(layer, x, h, c, np.concatenate([w, u]), b)


@pytest.mark.parametrize("reset_after", [False, True])
def test_gru_with_separate_weights(reset_after: bool) -> None:
    def layer(x: Any, h: Any, w: Any, u: Any) -> Any:
        def step(x: Any, h: Any) -> Any:
            z = tf.sigmoid(tf.matmul(x, w[:, :4]) + tf.matmul(h, u[:, :4]))
            r = tf.sigmoid(tf.matmul(x, w[:, 4:8]) + tf.matmul(h, u[:, 4:8]))
            a = r * tf.matmul(h, u[:, 8:]) if reset_after else tf.matmul(r * h, u[:, 8:])
            h = (1.0 - z) * tf.tanh(tf.matmul(x, w[:, 8:]) + a) + z * h
            return h, h

        return over_time(step, x, h)

    x, h, w, u = LSTM[0], LSTM[1], *numbers(np.float32, (2, 12), (4, 12))
    assert "_Gru" in check(layer, x, h, w, u)


def test_cells_of_other_kinds_stay_scans() -> None:
    def layer(x: Any, h: Any, w: Any, u: Any) -> Any:
        def step(x: Any, h: Any) -> Any:
            h = tf.tanh(tf.matmul(x, w) + tf.matmul(h, u) * 0.5)
            return h * 2.0, h

        return over_time(step, x, h)

    x, h, w, u = LSTM[0], LSTM[1], *numbers(np.float32, (2, 4), (4, 4))
    assert {"_Scan", "MatMul"} <= check(layer, x, h, w, u)


def test_gates_that_read_another_state() -> None:
    """The old c where an LSTM has h: not the cell it looks like."""

    def layer(x: Any, h: Any, c: Any, w: Any, u: Any, b: Any) -> Any:
        def step(x: Any, h: Any, c: Any) -> Any:
            i, f, g, o = tf.split(tf.matmul(x, w) + tf.matmul(c, u) + b, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            return h, h, c

        return over_time(step, x, h, c)

    assert "_Lstm" not in check(layer, *LSTM)


def test_masked_steps_keep_the_state() -> None:
    def layer(x: Any, h: Any, w: Any, u: Any) -> Any:
        def step(x: Any, h: Any) -> Any:
            seen = tf.reduce_any(tf.not_equal(x, 0.0), axis=1, keepdims=True)
            h = tf.where(seen, tf.tanh(tf.matmul(x, w) + tf.matmul(h, u)), h)
            return h, h

        return over_time(step, x, h)

    x, h, w, u = LSTM[0].copy(), LSTM[1], *numbers(np.float32, (2, 4), (4, 4))
    x[2, 1] = x[3] = 0
    assert "_Scan" in check(layer, x, h, w, u)


def masked_lstm(start: float) -> Any:
    """An LSTM that keeps its state in rows of zeros, and its output, which is `start` before the first round."""

    def layer(x: Any, h: Any, c: Any, w: Any, u: Any, b: Any) -> Any:
        seen = tf.reduce_any(tf.not_equal(x, 0.0), axis=2, keepdims=True)
        rows = tf.TensorArray(tf.float32, x.shape[0]).unstack(x)
        masks = tf.TensorArray(tf.bool, x.shape[0]).unstack(seen)
        results = tf.TensorArray(tf.float32, x.shape[0])

        def body(i: Any, results: Any, p: Any, h: Any, c: Any) -> Any:
            i_, f, g, o = tf.split(tf.matmul(rows.read(i), w) + tf.matmul(h, u) + b, 4, axis=1)
            next_c = tf.sigmoid(f) * c + tf.sigmoid(i_) * tf.tanh(g)
            next_h = tf.sigmoid(o) * tf.tanh(next_c)
            p, h, c = (
                tf.where(masks.read(i), new, old) for new, old in ((next_h, p), (next_h, h), (next_c, c))
            )
            return i + 1, results.write(i, p), p, h, c

        begin = tf.constant(0), results, tf.fill(h.shape, start), tf.zeros_like(h), tf.zeros_like(c)
        _, results, _, h, c = tf.while_loop(lambda i, *_: i < x.shape[0], body, begin)
        return results.stack(), h, c

    return layer


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_masked_lstm(start: float) -> None:
    """Rounds keep the output before the first one too, which must be the state's for the op to do."""
    x, *rest = LSTM
    x = x.copy()
    x[0, 0] = x[2, 1] = x[3] = 0
    names = check(masked_lstm(start), x, *rest)
    assert ("_Lstm" in names) == (start == 0.0)


@pytest.mark.parametrize("shape", [(0, 3, 2), (1, 3, 2), (4, 0, 2)])
def test_no_steps_and_no_rows(shape: tuple[int, ...]) -> None:
    def layer(x: Any, h: Any, w: Any) -> Any:
        def step(x: Any, h: Any) -> Any:
            h = h + tf.matmul(x, w)
            return h, h

        return over_time(step, x, h)

    check(layer, *numbers(np.float32, shape, (shape[1], 4), (2, 4)))


def test_map_fn() -> None:
    x, w = numbers(np.float32, (5, 3, 2), (2, 4))
    assert "_Scan" in check(lambda x, w: tf.map_fn(lambda row: tf.matmul(row, w) + 1.0, x), x, w)
    numbers_only = np.arange(6, dtype=np.int32)
    assert "_Scan" in check(lambda x: tf.map_fn(lambda n: n * n, x), numbers_only)


def test_errors_in_a_scan_name_the_line() -> None:
    def layer(x: Any, at: Any) -> Any:
        return tf.map_fn(lambda row: tf.gather(row, at), x)

    concrete = tf.function(layer).get_concrete_function(
        tf.TensorSpec([4, 3], tf.float32), tf.TensorSpec([], tf.int32)
    )
    made, bound = optimized(concrete.function, [(4, 3), ()], [], concrete.environment)
    assert any(node.op.name == "_Scan" for node in made.nodes)
    plan = compile_ordered(made, bound, concrete.environment)
    with pytest.raises(errors.InvalidArgumentError, match="test_recurrent.py"):
        plan(np.ones((4, 3), np.float32), np.int32(7))
