"""Optimizers: tf-keras's numbers step for step, eagerly and in functions; their state, options and errors."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from support import optimizing

GOLDEN = Path(__file__).parent / "golden" / "optimizers.npz"


@cache
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as stored:
        return {key: stored[key] for key in stored.files}


def expected(
    row: str, kind: str = "optimizer", rows: tuple[str, ...] = optimizing.OPTIMIZERS
) -> list[np.ndarray]:
    prefix = f"{kind}|{rows.index(row)}|"
    return [golden()[f"{prefix}{k}"] for k in range(sum(key.startswith(prefix) for key in golden()))]


def check(seen: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    assert len(seen) == len(wanted)
    for mine, theirs in zip(seen, wanted, strict=True):
        # Ten steps, each rounded; what is left of large numbers has their rounding.
        largest = float(np.max(np.abs(theirs), initial=1.0))
        np.testing.assert_allclose(mine, theirs, rtol=5e-6, atol=1e-7 * largest)
        assert mine.dtype == theirs.dtype


@pytest.mark.parametrize("row", optimizing.OPTIMIZERS)
def test_steps_are_tf_keras_s(row: str) -> None:
    optimizer = optimizing.make(row, tf.optimizers)
    check(optimizing.train(optimizer, optimizing.variables(tf), tf), expected(row))


@pytest.mark.parametrize("row", optimizing.OPTIMIZERS)
def test_steps_in_a_function(row: str) -> None:
    optimizer = optimizing.make(row, tf.optimizers)
    held = optimizing.variables(tf)

    @tf.function
    def step(dense: Any, rows: Any, at: Any, vector: Any) -> None:
        sparse = tf.IndexedSlices(rows, at, [4, 2])
        optimizer.apply_gradients(zip([dense, sparse, vector], held, strict=True))

    seen = []
    for number in range(optimizing.STEPS):
        dense, rows, vector = optimizing.gradients(number, tf)
        step(dense, rows.values, tf.constant(rows.indices), vector)
        seen += [v.numpy() for v in held] + [v.numpy() for v in optimizer.variables]
    check(seen, expected(row))
    assert step.experimental_get_tracing_count() <= 2


@pytest.mark.parametrize("row", optimizing.LEGACY)
def test_steps_of_older_ones_are_tf_keras_s(row: str) -> None:
    optimizer = optimizing.make_legacy(row, tf.optimizers)
    seen = optimizing.train(optimizer, optimizing.variables(tf), tf)
    check(seen, expected(row, "legacy", optimizing.LEGACY))
    config = optimizer.get_config()
    again = type(optimizer).from_config(config)
    assert again.get_config() == config


@pytest.mark.parametrize("row", optimizing.SCHEDULES)
def test_learning_rates(row: str) -> None:
    schedule = optimizing.make(row, tf.optimizers.schedules)
    wanted = golden()[f"schedule|{optimizing.SCHEDULES.index(row)}"]
    traced = tf.function(lambda step: schedule(step))
    for call in (schedule, traced):
        seen = np.array([call(tf.constant(s, tf.int64)).numpy() for s in optimizing.SCHEDULE_STEPS])
        np.testing.assert_allclose(seen, wanted, rtol=1e-6, atol=1e-7)
        assert seen.dtype == wanted.dtype
    again = tf.optimizers.schedules.deserialize(tf.optimizers.schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()
    assert type(again) is type(schedule)


def test_a_schedule_of_one_s_own() -> None:
    class Halving(tf.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return tf.pow(0.5, tf.cast(step, tf.float32))

        def get_config(self) -> dict[str, Any]:
            return {}

    v = tf.Variable(0.0)
    optimizer = tf.optimizers.SGD(Halving())
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant(-1.0), v)])
    assert v.numpy() == 1.75
    config = optimizer.get_config()
    assert config["learning_rate"]["class_name"] == config["learning_rate"]["registered_name"] == "Halving"
    tf.optimizers.SGD.from_config(config, {"Halving": Halving})
    with pytest.raises(TypeError, match="Could not locate class 'Halving'"):
        tf.optimizers.SGD.from_config(config)
    with pytest.raises(ValueError, match="Unknown learning rate schedule: 'Halving'"):
        tf.optimizers.schedules.deserialize({"class_name": "Halving", "config": {}})
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.1


def test_the_learning_rate_may_be_a_variable_or_a_function() -> None:
    v, rate = tf.Variable(0.0), tf.Variable(1.0)
    for given in (rate, lambda: rate * 1.0):
        optimizer = tf.optimizers.SGD(given)
        v.assign(0.0)
        rate.assign(1.0)
        optimizer.apply_gradients([(tf.constant(-1.0), v)])
        rate.assign(10.0)
        optimizer.apply_gradients([(tf.constant(-1.0), v)])
        assert v.numpy() == 11.0


def test_the_learning_rate_can_be_set() -> None:
    optimizer = tf.optimizers.Adam(0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    optimizer.lr = 0.125
    assert float(optimizer.lr) == 0.125


def test_variables_and_weights() -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    optimizer = tf.optimizers.Adam()
    with pytest.raises(ValueError, match="has not yet been built"):
        optimizer.set_weights([])
    optimizer.build([v])
    assert [w.name for w in optimizer.variables] == ["iteration:0", "m/v:0", "v/v:0"]
    assert optimizer.variables() == optimizer.weights
    optimizer.set_weights([3, np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    np.testing.assert_array_equal(optimizer.get_weights()[2], [3.0, 4.0])
    assert int(optimizer.iterations) == 3
    with pytest.raises(ValueError, match=r"Optimizer variable m/v:0 has shape \(2,\) not compatible"):
        optimizer.set_weights([3, np.zeros(3), np.zeros(2)])
    with pytest.raises(RuntimeError, match="Cannot set `iterations`"):
        optimizer.iterations = tf.Variable(0, dtype=tf.int64)


def test_iterations_can_be_shared() -> None:
    steps = tf.Variable(5, dtype=tf.int64)
    optimizer = tf.optimizers.SGD()
    optimizer.iterations = steps
    optimizer.apply_gradients([(tf.constant(1.0), tf.Variable(0.0))])
    assert int(steps) == 6
    assert optimizer.variables[0] is steps


def test_gradients_that_are_none(caplog: pytest.LogCaptureFixture) -> None:
    v, w = tf.Variable(1.0, name="v"), tf.Variable(1.0, name="w")
    optimizer = tf.optimizers.SGD(1.0)
    assert optimizer.apply_gradients([]) is optimizer.iterations
    with caplog.at_level(logging.WARNING, "calque"):
        optimizer.apply_gradients([(tf.constant(1.0), v), (None, w)])
    assert "Gradients do not exist for variables ['w:0']" in caplog.text
    assert (v.numpy(), w.numpy()) == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"No gradients provided for any variable: \['w:0'\]"):
        optimizer.apply_gradients([(None, w)])


def test_a_variable_that_came_late() -> None:
    optimizer = tf.optimizers.SGD()
    optimizer.apply_gradients([(tf.constant(1.0), tf.Variable(0.0))])
    with pytest.raises(KeyError, match="cannot recognize variable late:0"):
        optimizer.apply_gradients([(tf.constant(1.0), tf.Variable(0.0, name="late"))])


def test_constraints_hold_after_a_step() -> None:
    v = tf.Variable([1.0, 1.0], constraint=lambda x: tf.clip_by_value(x, 0.0, 1.0))
    tf.optimizers.SGD(1.0).apply_gradients([(tf.constant([5.0, -5.0]), v)])
    np.testing.assert_array_equal(v.numpy(), [0.0, 1.0])


def test_weight_decay_spares_variables() -> None:
    held = [tf.Variable(1.0, name=name) for name in ("kernel", "bias", "scale")]
    optimizer = tf.optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay([held[2]], ["bias"])
    optimizer.apply_gradients([(tf.constant(0.0), v) for v in held])
    assert [float(v) for v in held] == [0.75, 1.0, 1.0]
    with pytest.raises(ValueError, match="only be configured before"):
        optimizer.exclude_from_weight_decay([held[0]])


def test_averages_become_the_values_at_the_end() -> None:
    v = tf.Variable(1.0)
    optimizer = tf.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    optimizer.apply_gradients([(tf.constant(1.0), v)])
    assert float(v) == 0.0
    optimizer.finalize_variable_values([v])
    assert float(v) == 0.5


@pytest.mark.parametrize("row", optimizing.OPTIMIZERS)
def test_config(row: str) -> None:
    optimizer = optimizing.make(row, tf.optimizers)
    config = optimizer.get_config()
    again = type(optimizer).from_config(config)
    assert again.get_config() == config


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"clipnorm": 1.0, "global_clipnorm": 1.0}, ValueError, "At most one of"),
        ({"momentum": 2.0}, ValueError, "`momentum` must be between"),
        ({"use_ema": True, "ema_momentum": 2.0}, ValueError, "`ema_momentum` must be"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, ValueError, "`ema_overwrite_frequency`"),
        ({"decay": 0.1}, ValueError, "decay is deprecated in the new Keras optimizer"),
        ({"beta_1": 0.1}, TypeError, "SGD takes no argument beta_1"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tf.optimizers.SGD(**arguments)


def test_what_a_subclass_must_define() -> None:
    class Lazy(tf.optimizers.Optimizer):
        def __init__(self) -> None:
            super().__init__("lazy")
            self._learning_rate = self._build_learning_rate(0.1)

    with pytest.raises(NotImplementedError, match="Lazy must define update_step"):
        Lazy().apply_gradients([(tf.constant(1.0), tf.Variable(1.0))])


def test_a_checkpoint_carries_on(tmp_path: Path) -> None:
    row = "RMSprop(0.1, momentum=0.9, centered=True, clipnorm=1.0)"
    for built in (False, True):
        held, optimizer = optimizing.variables(tf), optimizing.make(row, tf.optimizers)
        optimizing.train(optimizer, held, tf, steps=2)
        path = tf.train.Checkpoint(held=held, optimizer=optimizer).write(tmp_path / "ckpt")
        again, other = optimizing.variables(tf), optimizing.make(row, tf.optimizers)
        if built:
            other.build(again)
        status = tf.train.Checkpoint(held=again, optimizer=other).read(path)
        seen = optimizing.train(other, again, tf, start=2, steps=2)
        status.assert_consumed()
        check(seen, expected(row)[-len(seen) :])


def test_an_optimizer_can_be_saved_with_its_model(tmp_path: Path) -> None:
    model = tf.Module()
    model.held = optimizing.variables(tf)
    model.optimizer = tf.optimizers.Adam()
    optimizing.train(model.optimizer, model.held, tf, steps=1)
    tf.saved_model.save(model, tmp_path / "model")
    loaded = tf.saved_model.load(tmp_path / "model")
    assert int(loaded.optimizer._iterations) == 1
    np.testing.assert_array_equal(loaded.optimizer._momentums[0], model.optimizer._momentums[0])
