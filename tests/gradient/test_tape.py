"""What tapes watch and record, what they give, and what they refuse."""

from __future__ import annotations

import gc
import logging
import time
import weakref
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque.context import state


@pytest.fixture(autouse=True)
def no_tape_is_left() -> Any:
    yield
    assert state.tapes == ()


def test_structures_of_targets_and_sources() -> None:
    x, y, v = tf.constant(2.0), tf.constant(3.0), tf.Variable(4.0)
    with tf.GradientTape() as tape:
        tape.watch([x, {"y": y}])
        targets = {"a": x * y, "b": [v * v]}
    found = tape.gradient(targets, {"x": x, "rest": (y, [v])})
    assert found["x"].numpy() == 3.0
    assert found["rest"][0].numpy() == 2.0
    assert found["rest"][1][0].numpy() == 8.0


def test_output_gradients() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y, z = x * x, x * 3.0
    np.testing.assert_array_equal(tape.gradient(y, x, output_gradients=tf.constant([5.0, 7.0])), [10.0, 28.0])
    with pytest.raises(ValueError, match="2 output_gradients for 1 target"):
        tape.gradient(y, x, output_gradients=[5.0, 7.0])
    np.testing.assert_array_equal(
        tape.gradient([y, z], x, output_gradients=[None, tf.constant([1.0, 0.0])]), [5.0, 4.0]
    )


def test_a_source_in_between_does_not_stop_the_gradient() -> None:
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        z = y * y
    of_x, of_y = tape.gradient([z, y], [x, y])
    assert (of_x.numpy(), of_y.numpy()) == (4 * 8 + 4, 9)


def test_a_target_that_is_the_source() -> None:
    x, v = tf.constant([1.0, 2.0]), tf.Variable([3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
    np.testing.assert_array_equal(tape.gradient(x, x), [1.0, 1.0])
    np.testing.assert_array_equal(tape.gradient([x, x], x), [2.0, 2.0])
    np.testing.assert_array_equal(tape.gradient(v, v), [1.0])


def test_unconnected() -> None:
    x, y, v = tf.constant([1.0, 2.0]), tf.constant(1.0), tf.Variable([[1.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        z = y * 2.0
    assert tape.gradient(z, [x, v]) == [None, None]
    zero = tape.gradient(z, [x, v], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert [g.numpy().tolist() for g in zero] == [[0.0, 0.0], [[0.0]]]
    assert [g.numpy().tolist() for g in tape.gradient(z, [x], unconnected_gradients="zero")] == [[0.0, 0.0]]
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'nonsense'"):
        tape.gradient(z, x, unconnected_gradients="nonsense")


def test_what_no_gradient_flows_through() -> None:
    x = tf.constant([1.5, 2.5])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        stopped = tf.stop_gradient(x) * 2.0
        whole = tf.floor(x)
        number = tf.cast(tf.cast(x, tf.int32), tf.float32)
    assert [tape.gradient(y, x) for y in (stopped, whole, number)] == [None, None, None]


def test_used_tapes() -> None:
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.gradient(y, x)
    for again in (tape.gradient, tape.jacobian, tape.batch_jacobian):
        with pytest.raises(
            RuntimeError, match="A non-persistent GradientTape can only be used to compute one"
        ):
            again(y, x)


def test_mistakes() -> None:
    x = tf.constant(1.0)
    tape = tf.GradientTape()
    with pytest.raises(ValueError, match="not tf.Tensor or tf.Variable"):
        tape.watch(np.array(1.0))
    with pytest.raises(RuntimeError, match="call watch"):
        tape.watch(x)
    with pytest.raises(RuntimeError, match="not recording"), tape.stop_recording():
        pass
    with tape:
        with pytest.raises(ValueError, match="Tape is still recording"), tape:
            pass
        tape.watch(x)
        y = x * x
    with pytest.raises(TypeError, match="received None"):
        tape.gradient(None, x)
    with pytest.raises(RuntimeError, match="tf.gradients is not supported when eager"):
        tf.gradients(y, x)


def test_an_op_without_a_gradient_is_an_error() -> None:
    x = tf.constant([[[0.2, 0.4, 0.6]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.raw_ops.AdjustHue(images=x, delta=tf.constant(0.1))
    with pytest.raises(LookupError, match="gradient registry has no entry for: AdjustHue"):
        tape.gradient(y, x)


def test_watching_what_is_no_number_warns(caplog: pytest.LogCaptureFixture) -> None:
    x = tf.constant(1)
    with caplog.at_level(logging.WARNING, "calque"), tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert "must be floating" in caplog.text
    assert tape.gradient(y, x) is None


def test_watched_variables() -> None:
    b, a = tf.Variable(1.0), tf.Variable(2.0)
    still = tf.Variable(3.0, trainable=False)
    function = tf.function(lambda: a * b + still)
    with tf.GradientTape() as tape:
        y = function()
    assert [v is w for v, w in zip(tape.watched_variables(), (b, a), strict=True)] == [True, True]
    assert [g.numpy() for g in tape.gradient(y, [a, b])] == [1.0, 2.0]
    assert len(tape.watched_variables()) == 2
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(still)
        y = a * still
    assert tape.gradient(y, [still, a])[1] is None


def test_stop_and_reset() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        with tape.stop_recording():
            unseen = x * x
        seen = x * 2.0
    assert tape.gradient(unseen, x) is None
    assert tape.gradient(seen, x).numpy() == 2.0
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
        tape.reset()
        tape.watch(x)
        z = y + x
    assert tape.gradient(z, x).numpy() == 1.0


def test_gradient_inside_of_the_tape() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        first = tape.gradient(x * x * x, x)
        second = tape.gradient(first, x)
    assert (first.numpy(), second.numpy(), tape.gradient(second, x).numpy()) == (27.0, 18.0, 6.0)


def test_persistent_tape_over_a_function() -> None:
    x = tf.constant(2.0)
    cube = tf.function(lambda x: x * x * x)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        first = tape.gradient(cube(x), x)
        second = tape.gradient(first, x)
    assert (first.numpy(), second.numpy(), tape.gradient(second, x).numpy()) == (12.0, 12.0, 6.0)


def test_rows() -> None:
    table = tf.Variable(np.arange(8.0).reshape(4, 2))
    with tf.GradientTape(persistent=True) as tape:
        once = tf.reduce_sum(tf.gather(table, [1, 3, 1]) * 2.0)
        twice = once + tf.reduce_sum(tf.gather(table, [[0], [1]]))
        mixed = once + tf.reduce_sum(table)
        nested = tf.reduce_sum(tf.gather(tf.gather(table, [3, 2]), [1]))
    rows = tape.gradient(once, table)
    assert isinstance(rows, tf.IndexedSlices)
    assert rows.indices.numpy().tolist() == [1, 3, 1]
    assert rows.values.numpy().tolist() == [[2.0, 2.0]] * 3
    assert rows.dense_shape.numpy().tolist() == [4, 2]
    both = tape.gradient(twice, table)
    assert isinstance(both, tf.IndexedSlices)
    assert sorted(both.indices.numpy().tolist()) == [0, 1, 1, 1, 3]
    dense = tape.gradient(mixed, table)
    assert isinstance(dense, tf.Tensor)
    assert dense.numpy().tolist() == [[1, 1], [5, 5], [1, 1], [3, 3]]
    assert tf.convert_to_tensor(tape.gradient(nested, table)).numpy().tolist() == [
        [0, 0],
        [0, 0],
        [1, 1],
        [0, 0],
    ]


def test_rows_through_a_function() -> None:
    table = tf.Variable(np.arange(6.0).reshape(3, 2))
    function = tf.function(lambda at: tf.reduce_sum(tf.gather(table, at) ** 2))
    with tf.GradientTape() as tape:
        y = function(tf.constant([2, 0]))
    rows = tape.gradient(y, table)
    assert isinstance(rows, tf.IndexedSlices)
    assert rows.values.numpy().tolist() == [[8.0, 10.0], [0.0, 2.0]]
    inside = tf.function(lambda: _rows_of(table))()
    assert isinstance(inside, tf.IndexedSlices)


def _rows_of(table: Any) -> Any:
    with tf.GradientTape() as tape:
        y = table.sparse_read([1])
    return tape.gradient(y, table)


def test_jacobians() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    w = tf.Variable([[1.0, -1.0, 2.0], [0.5, 3.0, 1.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.sin(tf.matmul(x, w))
    whole = tape.jacobian(y, [x, w])
    assert [tuple(j.shape) for j in whole] == [(3, 3, 3, 2), (3, 3, 2, 3)]
    batch = tape.batch_jacobian(y, x)
    np.testing.assert_allclose(
        batch,
        np.einsum("bijk,bi->bijk", np.ones((3, 3, 2, 1)), np.ones((3, 3)))[..., 0]
        * np.cos(y_of(x, w))[..., None]
        * w.numpy().T,
        rtol=1e-5,
    )
    for b in range(3):
        np.testing.assert_allclose(batch[b], whole[0][b, :, b], rtol=1e-5)
    inside = tf.function(lambda x: _jacobian(x, w))(x)
    np.testing.assert_allclose(inside, whole[0], rtol=1e-5)


def y_of(x: Any, w: Any) -> Any:
    return x.numpy() @ w.numpy()


def _jacobian(x: Any, w: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.sin(tf.matmul(x, w))
    return tape.jacobian(y, x)


def test_jacobian_of_a_tape_that_is_not_persistent() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.jacobian(y, x, experimental_use_pfor=False)
    np.testing.assert_array_equal(tape.jacobian(y, x), [[2.0, 0.0], [0.0, 4.0]])


def test_gradients_of_the_graph() -> None:
    @tf.function
    def run(x: Any) -> Any:
        y = x * x
        z = tf.reduce_sum(y * y)
        assert tf.gradients(z, tf.constant(1.0)) == [None]
        with pytest.raises(ValueError, match="Length mismatch"):
            tf.gradients([z, y], x, grad_ys=[z])
        with pytest.raises(TypeError, match="must be numeric"):
            tf.gradients(x > 0.0, x)
        return (
            tf.gradients(z, [x, y]),
            tf.gradients(z, [x, y], stop_gradients=[y], unconnected_gradients="zero"),
            tf.gradients(y, x, grad_ys=[tf.constant([1.0, 10.0])]),
            tf.hessians(z, x),
        )

    whole, stopped, started, hessian = run(tf.constant([1.0, 2.0]))
    assert [g.numpy().tolist() for g in whole] == [[4.0, 32.0], [2.0, 8.0]]
    assert [g.numpy().tolist() for g in stopped] == [[0.0, 0.0], [2.0, 8.0]]
    assert started[0].numpy().tolist() == [2.0, 40.0]
    assert hessian[0].numpy().tolist() == [[12.0, 0.0], [0.0, 48.0]]


def test_registered_gradients() -> None:
    x = tf.constant([[[0.2, 0.4, 0.6]]])
    tf.RegisterGradient("AdjustHue")(lambda op, g: [g * 2.0, None])
    try:
        with pytest.raises(KeyError, match="Registering two gradient with name 'AdjustHue'"):
            tf.RegisterGradient("AdjustHue")(lambda op, g: [g, None])

        def gradient(x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.raw_ops.AdjustHue(images=x, delta=tf.constant(0.1))
            return tape.gradient(y, x)

        assert gradient(x).numpy().tolist() == [[[2.0, 2.0, 2.0]]]
        assert tf.function(gradient)(x).numpy().tolist() == [[[2.0, 2.0, 2.0]]]
    finally:
        from calque.gradient import registry

        del registry._registered["AdjustHue"]


def test_memory_is_released_with_the_tape() -> None:
    x = tf.constant(np.ones(1000, np.float32))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.sin(x)
        held = weakref.ref(y)
        z = y * y
        del y
    gc.collect()
    assert held() is not None
    tape.gradient(z, x)
    gc.collect()
    assert held() is None


def test_long_chains_are_linear() -> None:
    def seconds(n: int) -> float:
        x = tf.constant(1.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(n):
                y = y + 1.0
        before = time.process_time()
        assert tape.gradient(y, x).numpy() == 1.0
        return time.process_time() - before

    seconds(100)
    assert seconds(10_000) < 40 * max(min(seconds(1000) for _ in range(3)), 1e-3)


def test_a_long_chain_in_a_function() -> None:
    @tf.function
    def chain(x: Any) -> Any:
        for _ in range(3000):
            x = x + 1.0
        return x

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = chain(x)
    assert tape.gradient(y, x).numpy() == 1.0
