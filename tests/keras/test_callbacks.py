"""Callbacks: what they are given and when, and what they write; tests/interop compares histories with tf-keras's."""

from __future__ import annotations

import csv
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque import keras
from summary.reading import events

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 4)).astype(np.float32)
Y = RANDOM.normal(size=(40, 1)).astype(np.float32)


def compiled(rate: float = 0.1, **settings: Any) -> Any:
    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros", input_shape=(4,), name="d")])
    model.compile(keras.optimizers.SGD(rate), "mse", metrics=["mae"], **settings)
    return model


def fit(model: Any, *callbacks: Any, **settings: Any) -> Any:
    given = {"epochs": 3, "batch_size": 10, "verbose": 0, "shuffle": False} | settings
    return model.fit(X, Y, callbacks=list(callbacks), **given)


class Kinds(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the types in the logs of batches."""

    def __init__(self, takes_tensors: bool = False) -> None:
        super().__init__()
        self._supports_tf_logs = takes_tensors
        self.kinds: set[type] = set()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.kinds |= {type(v) for v in logs.values()}


def test_callbacks_get_numbers_and_those_that_take_tensors_tensors() -> None:
    numbers, tensors = Kinds(), Kinds(True)
    fit(compiled(), numbers)
    fit(compiled(), tensors)
    assert numbers.kinds == {float}
    assert tensors.kinds != {float}


def test_a_callback_may_stop_training_within_an_epoch() -> None:
    model = compiled()
    seen: list[int] = []

    def stop(batch: int, logs: Any) -> None:
        seen.append(batch)
        model.stop_training = batch == 1

    history = fit(model, keras.callbacks.LambdaCallback(on_batch_end=stop))
    assert seen == [0, 1]
    assert history.epoch == [0]


def test_what_a_callback_adds_to_the_logs_is_noted() -> None:
    add = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(more=epoch))
    assert fit(compiled(), add).history["more"] == [0, 1, 2]


def test_a_list_of_callbacks_in_a_loop_of_ones_own() -> None:
    calls: list[Any] = []
    watch = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: calls.append("begin"),
        on_train_batch_end=lambda batch, logs: calls.append((batch, logs)),
        on_epoch_end=lambda epoch, logs: calls.append((epoch, logs)),
    )
    model = compiled()
    together = keras.callbacks.CallbackList(
        [watch], add_history=True, model=model, epochs=1, verbose=0, steps=1
    )
    together.on_train_begin()
    together.on_train_batch_begin(0)
    together.on_train_batch_end(0, {"loss": tf.constant(2.0)})
    together.on_epoch_end(0, {"loss": 2.0})
    assert calls == ["begin", (0, {"loss": 2.0}), (0, {"loss": 2.0})]
    assert model.history.history == {"loss": [2.0]}
    assert watch in list(together)


def test_early_stopping_goes_back_to_the_best_weights() -> None:
    model = compiled()
    values = iter([3.0, 1.0, 2.0, 2.5, 2.6])
    weights: list[Any] = []

    def note(epoch: int, logs: Any) -> None:
        logs["score"] = next(values)
        weights.append(model.get_weights()[0])

    stopping = keras.callbacks.EarlyStopping("score", patience=2, restore_best_weights=True)
    history = fit(model, keras.callbacks.LambdaCallback(on_epoch_end=note), stopping, epochs=5)
    assert history.epoch == [0, 1, 2, 3]
    assert stopping.stopped_epoch == 3
    assert stopping.best_epoch == 1
    np.testing.assert_array_equal(model.get_weights()[0], weights[1])


def test_what_is_not_measured_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "calque"):
        fit(
            compiled(), keras.callbacks.EarlyStopping("nothing"), keras.callbacks.ReduceLROnPlateau("nothing")
        )
    assert "metric `nothing` which is not available. Available metrics are: loss,mae" in caplog.text


@pytest.mark.parametrize("rate", ["a", tf.constant(1)])
def test_a_learning_rate_that_is_no_float(rate: Any) -> None:
    with pytest.raises(ValueError, match="should be float"):
        fit(compiled(), keras.callbacks.LearningRateScheduler(lambda epoch, before: rate))


def test_nan_ends_training(capsys: pytest.CaptureFixture[str]) -> None:
    history = fit(compiled(rate=1e30), keras.callbacks.TerminateOnNaN(), epochs=5)
    assert history.epoch == [0]
    assert "Invalid loss, terminating training" in capsys.readouterr().out


def test_a_table(tmp_path: Path) -> None:
    history = fit(compiled(), keras.callbacks.CSVLogger(tmp_path / "log.csv", separator=";"), epochs=2)
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [float(row["loss"]) for row in rows] == history.history["loss"]
    assert [row["epoch"] for row in rows] == ["0", "1"]


def test_checkpoints_of_models_and_weights(tmp_path: Path) -> None:
    model = compiled()
    fit(
        model,
        keras.callbacks.ModelCheckpoint(tmp_path / "model-{epoch}"),
        keras.callbacks.ModelCheckpoint(tmp_path / "weights", save_weights_only=True),
        epochs=2,
    )
    loaded = keras.models.load_model(tmp_path / "model-2")
    other = compiled()
    other.load_weights(tmp_path / "weights")
    for a, b, c in zip(model.get_weights(), loaded.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_checkpoints_refuse_what_makes_no_sense(tmp_path: Path) -> None:
    checkpoint = keras.callbacks.ModelCheckpoint
    with pytest.raises(ValueError, match="save_freq"):
        checkpoint(tmp_path, save_freq="now")
    with pytest.raises(TypeError, match=r"tf\.train\.CheckpointOptions"):
        checkpoint(tmp_path, save_weights_only=True, options=tf.saved_model.SaveOptions())
    with pytest.raises(KeyError, match="Failed to format this callback filepath"):
        fit(compiled(), checkpoint(str(tmp_path / "{nothing}")))


@pytest.mark.parametrize("frequency", ["epoch", 3])
def test_training_goes_on_after_an_interruption(tmp_path: Path, frequency: Any) -> None:
    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.steps = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.steps += 1
            if self.steps == 8:
                raise KeyboardInterrupt

    def made() -> Any:
        model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros", input_shape=(4,))])
        model.compile(keras.optimizers.Adam(0.1), "mse")
        return model

    backup = keras.callbacks.BackupAndRestore(tmp_path, save_freq=frequency)
    with pytest.raises(KeyboardInterrupt):
        fit(made(), backup, Stop())
    resumed, whole = made(), made()
    steps: list[int] = []
    watch = keras.callbacks.LambdaCallback(on_batch_begin=lambda batch, logs: steps.append(batch))
    history = fit(resumed, keras.callbacks.BackupAndRestore(tmp_path, save_freq=frequency), watch)
    assert history.epoch[0] == 1
    assert steps[0] == (0 if frequency == "epoch" else 2)
    assert not (tmp_path / "chief").exists()
    if frequency == "epoch":
        fit(whole)
        for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def tags(folder: Path) -> dict[str, list[int]]:
    """The tags in event files, and their steps."""
    found: dict[str, list[int]] = {}
    for event in events(folder):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append(event.step)
    return found


def test_logs_for_tensorboard(tmp_path: Path) -> None:
    board = keras.callbacks.TensorBoard(
        tmp_path, histogram_freq=2, write_images=True, write_steps_per_second=True
    )
    fit(compiled(), board, validation_data=(X, Y))
    train, validation = tags(tmp_path / "train"), tags(tmp_path / "validation")
    for name in ("epoch_loss", "epoch_mae", "epoch_steps_per_second"):
        assert train[name] == [0, 1, 2]
    assert train["keras"] == [0]
    assert train["d/kernel_0/histogram"] == [0, 2]
    assert train["d/kernel_0/image"] == [0, 2]
    assert validation["epoch_loss"] == [0, 1, 2]
    assert validation["evaluation_loss_vs_iterations"] == [4, 8, 12]
    assert any(event.graph_def for event in events(tmp_path / "train"))


def test_tensorboard_every_other_batch(tmp_path: Path) -> None:
    class Says(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            tf.summary.scalar("mean", tf.reduce_mean(inputs))
            return inputs

    model = keras.Sequential([Says(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    fit(model, keras.callbacks.TensorBoard(tmp_path, update_freq=2), epochs=1)
    found = tags(tmp_path / "train")
    assert found["batch_loss"] == [2, 4]
    assert [steps for tag, steps in found.items() if tag.endswith("mean")] == [[0, 2]]


def test_tensorboard_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Unrecognized arguments"):
        keras.callbacks.TensorBoard(tmp_path, nonsense=1)
    for batches in (-1, (3, 2), "a", (1, 2, 3)):
        with pytest.raises(ValueError, match="profile_batch must be"):
            keras.callbacks.TensorBoard(tmp_path, profile_batch=batches)


def test_the_bar_is_shown_while_it_grows(capsys: pytest.CaptureFixture[str]) -> None:
    slow = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: time.sleep(0.06))
    fit(compiled(), slow, epochs=1, verbose=1)
    text = capsys.readouterr().out
    assert "1/4 [======>" in text
    assert "3/4 [=====================>" in text
    assert "4/4 [==============================]" in text
