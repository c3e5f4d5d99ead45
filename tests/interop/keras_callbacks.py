"""Trainings with callbacks, and what is printed, under calque and under tf-keras; see `keras_training`."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from typing import Any

import numpy as np

from .keras_training import data, found, mlp


def callbacks(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    calls: list[Any] = []

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            method = super().__getattribute__(name)
            if not name.startswith("on_") or name in ("on_batch_begin", "on_batch_end"):
                return method

            def note(*arguments: Any) -> Any:
                *numbers, logs = arguments
                kinds = sorted({type(v).__name__ for v in (logs or {}).values()})
                calls.append([name, *numbers, list(logs or {}), kinds])
                return method(*arguments)

            return note

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

    model = mlp(keras, 2)
    model.compile("sgd", "mse", metrics=["mae"])
    watch = Watch()
    history = model.fit(
        x, y, epochs=2, batch_size=25, verbose=0, shuffle=False, validation_split=0.5, callbacks=watch
    )
    params = dict(watch.params)
    answer = found(model, history, params=params)
    model.evaluate(x, y, verbose=0, callbacks=[watch])
    model.predict(x, verbose=0, batch_size=50)
    return answer | {"calls": calls}


def learning_rates(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    answer: dict[str, Any] = {}
    plateau = keras.callbacks.ReduceLROnPlateau
    for i, callback in enumerate(
        (
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5, verbose=1),
            plateau("loss", factor=0.5, patience=1, min_delta=1.0, cooldown=1, verbose=1),
            plateau("val_mae", factor=0.1, patience=0, mode="max", min_lr=0.005),
            keras.callbacks.EarlyStopping("loss", min_delta=0.05, patience=1, verbose=1),
            keras.callbacks.EarlyStopping(
                "val_loss", mode="max", restore_best_weights=True, patience=2, verbose=1
            ),
            keras.callbacks.EarlyStopping("loss", baseline=0.1, patience=2, start_from_epoch=1),
            keras.callbacks.TerminateOnNaN(),
        )
    ):
        model = mlp(keras, 2)
        model.compile(keras.optimizers.SGD(1e20 if i == 7 else 0.1), "mse", metrics=["mae"])
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            history = model.fit(
                x, y, epochs=6, verbose=0, shuffle=False, validation_split=0.2, callbacks=[callback]
            )
        part = found(model, history, rate=float(model.optimizer.learning_rate), text=text.getvalue())
        if i == 7:
            part = {"epochs": history.epoch, "text": text.getvalue()}
        answer |= {f"{i} {k}": v for k, v in part.items()}
    return answer


def tables(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.csv")
        model = mlp(keras, 2)
        model.compile("sgd", "mse", metrics=["mae"])
        for settings in ({}, {"separator": ";", "append": True}):
            logger = keras.callbacks.CSVLogger(path, **settings)
            model.fit(
                x, y, epochs=2, verbose=0, shuffle=False, callbacks=[logger], validation_data=(x, y),
                validation_freq=2,
            )  # fmt: skip
        with open(path, newline="") as file:
            text = file.read()
    numbers = re.compile(r"\d+\.\d+")
    return {"text": numbers.sub("#", text), "numbers": np.asarray(numbers.findall(text), "float64")}


def checkpoints(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    answer: dict[str, Any] = {}
    for i, settings in enumerate(
        (
            {"filepath": "w-{epoch:02d}", "save_weights_only": True, "verbose": 1},
            {"filepath": "b-{epoch}-{batch}", "save_weights_only": True, "save_freq": 3},
            {"filepath": "best", "save_weights_only": True, "save_best_only": True, "monitor": "loss", "verbose": 1},
            {"filepath": "max", "save_weights_only": True, "save_best_only": True, "monitor": "val_mae", "mode": "max",
             "initial_value_threshold": 100.0, "verbose": 1},
            {"filepath": "deep/model-{loss:.3f}"},
        )
    ):  # fmt: skip
        model = mlp(keras, 2)
        model.compile("sgd", "mse", metrics=["mae"])
        text = io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            given = {**settings, "filepath": os.path.join(folder, settings["filepath"])}
            with contextlib.redirect_stdout(text):
                model.fit(
                    x, y, epochs=3, batch_size=20, verbose=0, shuffle=False, validation_split=0.2,
                    callbacks=[keras.callbacks.ModelCheckpoint(**given)],
                )  # fmt: skip
            names = sorted(os.listdir(os.path.join(folder, "deep") if i == 4 else folder))
            answer[f"{i} text"] = text.getvalue().replace(folder, "")
        answer[f"{i} files"] = [name for name in names if not name.startswith(".")]
    return answer


def backup(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    answer: dict[str, Any] = {}

    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        for frequency in ("epoch", 2):
            model = mlp(keras, 2)
            model.compile("adam", "mse")
            settings = {"epochs": 4, "batch_size": 20, "verbose": 0, "shuffle": False}
            with contextlib.suppress(KeyboardInterrupt):
                kept = keras.callbacks.BackupAndRestore(folder, save_freq=frequency)
                model.fit(x, y, callbacks=[kept, Stop()], **settings)
            model = mlp(keras, 2)
            model.compile("adam", "mse")
            kept = keras.callbacks.BackupAndRestore(folder, save_freq=frequency)
            history = model.fit(x, y, callbacks=[kept], **settings)
            part = found(model, history)
            if frequency != "epoch":  # an epoch that goes on takes the first batches again: ends earlier
                part = {"epochs": part["epochs"]}
            answer |= {f"{frequency} {k}": v for k, v in part.items()}
    return answer


def shown(keras: Any, tf: Any) -> Any:
    x, y = data(2)
    answer = {}
    for verbose in (0, 1, 2, "auto"):
        model = mlp(keras, 2)
        model.compile("sgd", "mse", metrics=["mae"])
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            model.fit(x, y, epochs=2, verbose=verbose, shuffle=False, validation_split=0.2)
            model.evaluate(x, y, verbose=verbose)
            model.predict(x, verbose=verbose)
            model.fit(x, y, verbose=verbose, shuffle=False)
        answer[str(verbose)] = _last_lines(text.getvalue())
    return answer


def _last_lines(text: str) -> list[str]:
    """What is seen on a screen, without times."""
    lines = [re.split(r"[\r\b]+", line)[-1].rstrip() for line in text.split("\n")]
    lines = [re.sub(r"\d+(s|ms|us)(/\w+)?", "#", line) for line in lines]
    return [re.sub(r"( - #)+ #", " - #", line) for line in lines]


CALLBACKS = (callbacks, learning_rates, tables, checkpoints, backup, shown)
