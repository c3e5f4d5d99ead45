"""Strategies with one replica. What is expected is what TensorFlow 2.21 gives on a machine with one processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import calque as tf

MAKE = {
    "mirrored": tf.distribute.MirroredStrategy,
    "one device": lambda: tf.distribute.OneDeviceStrategy("cpu:0"),
}


@pytest.fixture(params=MAKE)
def strategy(request: pytest.FixtureRequest) -> Any:
    return MAKE[request.param]()


def test_outside_of_strategies_code_runs_for_the_only_replica() -> None:
    context = tf.distribute.get_replica_context()
    assert not tf.distribute.has_strategy()
    assert not tf.distribute.in_cross_replica_context()
    assert (context.replica_id_in_sync_group, context.num_replicas_in_sync) == (0, 1)
    assert context.strategy is tf.distribute.get_strategy()


def test_a_scope_is_for_all_replicas(strategy: Any) -> None:
    with strategy.scope() as entered:
        assert entered is strategy is tf.distribute.get_strategy()
        assert tf.distribute.has_strategy()
        assert tf.distribute.in_cross_replica_context()
        assert tf.distribute.get_replica_context() is None
        mine = tf.Variable(1.0)
        read = tf.Variable(1.0, synchronization=tf.VariableSynchronization.ON_READ)
    assert not tf.distribute.has_strategy()
    assert strategy.extended.variable_created_in_scope(mine)
    assert not strategy.extended.variable_created_in_scope(tf.Variable(1.0))
    assert mine.trainable
    assert not read.trainable
    assert read.synchronization is tf.VariableSynchronization.ON_READ


def test_run_calls_the_function_in_a_replica_context(strategy: Any) -> None:
    def replica(x: Any, scale: float) -> Any:
        context = tf.distribute.get_replica_context()
        merged = context.merge_call(
            lambda s, y: (s is strategy, tf.distribute.in_cross_replica_context(), y), args=(x,)
        )
        return context.all_reduce("sum", x * scale), context.replica_id_in_sync_group, merged

    total, number, (same, crossed, y) = strategy.run(replica, args=(tf.constant(2.0),), kwargs={"scale": 3.0})
    assert (total.numpy(), number, same, crossed, y.numpy()) == (6.0, 0, True, True, 2.0)
    in_graph = tf.function(lambda x: strategy.run(replica, (x, 3.0))[0])
    assert in_graph(tf.constant(2.0)).numpy() == 6.0


def test_reductions(strategy: Any) -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_array_equal(strategy.reduce("SUM", x, axis=None), x)
    np.testing.assert_array_equal(strategy.reduce(tf.distribute.ReduceOp.MEAN, x, axis=0), [2.0, 3.5])
    np.testing.assert_array_equal(strategy.reduce("sum", x, axis=1), [3.0, 8.0])
    with pytest.raises(ValueError, match="'FOO' is not a valid ReduceOp"):
        strategy.reduce("foo", x, axis=None)


def test_misuse_is_refused(strategy: Any) -> None:
    with strategy.scope(), pytest.raises(RuntimeError, match="Mixing different"):
        tf.distribute.OneDeviceStrategy("cpu:0").scope().__enter__()
    with pytest.raises(RuntimeError, match="cross-replica context"):
        strategy.run(lambda: strategy.scope().__enter__())
    with pytest.raises(ValueError, match="must be a list or tuple"):
        strategy.run(lambda x: x, tf.constant(1.0))
    with pytest.raises(ValueError, match="2 devices are named"):
        tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"])
    with pytest.raises(ValueError, match="there is no device 'gpu:0'"):
        tf.distribute.OneDeviceStrategy("gpu:0")
    with pytest.raises(ValueError, match="ON_READ only for non-trainable"):
        tf.Variable(1.0, trainable=True, synchronization=tf.VariableSynchronization.ON_READ)


def test_creators_see_every_argument_and_the_innermost_comes_first() -> None:
    seen: list[Any] = []

    def creator(name: str) -> Any:
        def create(next_creator: Any, **kwargs: Any) -> Any:
            seen.append((name, sorted(kwargs)))
            return next_creator(**(kwargs | {"trainable": False}))

        return create

    with tf.variable_creator_scope(creator("outer")), tf.variable_creator_scope(creator("inner")):
        v = tf.Variable(1.0, name="v")
    assert [name for name, _ in seen] == ["inner", "outer"]
    assert {"initial_value", "name", "dtype", "shape", "synchronization", "aggregation"} <= set(seen[0][1])
    assert not v.trainable
    with tf.variable_creator_scope(lambda next_creator, **kwargs: 5):
        assert tf.Variable(3.0) == 5


@pytest.mark.parametrize(
    ("text", "fields", "again"),
    [
        ("/job:worker/replica:0/task:1/device:GPU:2", ("worker", 0, 1, "GPU", 2), None),
        ("cpu:0", (None, None, None, "CPU", 0), "/device:CPU:0"),
        ("CPU", (None, None, None, "CPU", None), "/device:CPU:*"),
        ("/gpu:1", (None, None, None, "GPU", 1), "/device:GPU:1"),
        ("", (None, None, None, None, None), ""),
    ],
)
def test_device_names(text: str, fields: tuple[Any, ...], again: str | None) -> None:
    spec = tf.DeviceSpec.from_string(text)
    assert (spec.job, spec.replica, spec.task, spec.device_type, spec.device_index) == fields
    assert spec.to_string() == (text if again is None else again)
    assert tf.DeviceSpec(job="a").make_merged_spec(spec).job == (fields[0] or "a")
    with pytest.raises(ValueError, match="Unknown attribute 'foo'"):
        tf.DeviceSpec.from_string("/foo:1")


def test_types_of_others_become_tensors() -> None:
    class Celsius:
        def __init__(self, degrees: float) -> None:
            self.degrees = degrees

    tf.register_tensor_conversion_function(
        Celsius, lambda value, dtype=None, name=None, as_ref=False: tf.constant(value.degrees, dtype)
    )
    assert (tf.convert_to_tensor(Celsius(20.0)) + 1).numpy() == 21.0
    assert tf.add(Celsius(20.0), 1).numpy() == 21.0
    with pytest.raises(TypeError, match="must be a type"):
        tf.register_tensor_conversion_function(3, lambda: 0)
    with pytest.raises(TypeError, match="numeric types"):
        tf.register_tensor_conversion_function(int, lambda: 0)


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "lecun_normal", "variance_scaling"])
def test_variance_scaling_has_the_variance(name: str) -> None:
    tf.random.set_seed(3)
    values = tf.initializers.get(name)([400, 300]).numpy()
    inputs = {
        "glorot_uniform": 2 / 700,
        "he_normal": 2 / 400,
        "lecun_normal": 1 / 400,
        "variance_scaling": 1 / 400,
    }
    assert values.var() == pytest.approx(inputs[name], rel=0.03)
    assert abs(values.mean()) < 1e-3


def test_other_initializers() -> None:
    q = tf.initializers.Orthogonal()([5, 3]).numpy()
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=1e-5)
    np.testing.assert_array_equal(tf.initializers.Identity(2.0)([2, 3]), [[2, 0, 0], [0, 2, 0]])
    np.testing.assert_array_equal(tf.constant_initializer([1, 2, 3, 4])([2, 2], tf.float32), [[1, 2], [3, 4]])
    assert tf.zeros_initializer()([2], tf.bool).numpy().tolist() == [False, False]
    assert tf.initializers.RandomNormal.from_config({"mean": 1.0, "stddev": 0.0})([2]).numpy().tolist() == [
        1,
        1,
    ]
    with pytest.raises(ValueError, match="floating point"):
        tf.random_normal_initializer()([2], tf.int32)
