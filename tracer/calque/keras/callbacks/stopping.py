"""Callbacks that end training, or change the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..utils.logging import print_msg
from .base import Callback

__all__ = ["EarlyStopping", "LearningRateScheduler", "Monitor", "ReduceLROnPlateau", "TerminateOnNaN"]


class Monitor:
    """Which of two values of something measured is the better one.

    Args:
        name: what is measured.
        mode: "min", "max", or "auto": "max" for accuracies, areas under curves and the like.
        min_delta: by how much a value must be better to count.
    """

    _GROWING = ("acc", "auc", "precision", "recall", "fmeasure", "f1", "iou", "positives", "r2")

    def __init__(self, name: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        grows = mode == "max" or (mode == "auto" and any(part in name.lower() for part in self._GROWING))
        self.name = name
        self.sign = 1.0 if grows else -1.0
        self.min_delta = abs(min_delta)

    @property
    def worst(self) -> float:
        """What every value is better than."""
        return -self.sign * math.inf

    def is_better(self, value: float, than: float) -> bool:
        """Is `value` better?"""
        return bool(self.sign * (value - than) > self.min_delta)

    def value(self, logs: Any) -> float | None:
        """The value in `logs`; None, and a message, if there is none."""
        found = (logs or {}).get(self.name)
        if found is None:
            print_msg(f"'{self.name}' is not available. Available metrics are: {','.join(logs or {})}")
        return found


class EarlyStopping(Callback):
    """Ends training when something measured gets no better.

    Args:
        monitor: what.
        min_delta: by how much a value must be better to count.
        patience: for how many epochs it may get no better.
        verbose: 1: say so.
        mode: "min", "max" or "auto", see `Monitor`.
        baseline: what it must be better than.
        restore_best_weights: go back to the weights of the best epoch?
        start_from_epoch: epochs before this one do not count.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__()
        self._monitor = Monitor(monitor, mode, min_delta)
        self.monitor, self.patience, self.verbose, self.baseline = monitor, patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self._monitor.worst
        self.best_weights: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = self._monitor.worst, None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look whether it got better."""
        value = self._monitor.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
        self.wait += 1
        if self._monitor.is_better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._monitor.is_better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights and self.best_weights is not None:
                if self.verbose:
                    print_msg(
                        f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}."
                    )
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        """Say when it ended."""
        if self.stopped_epoch > 0 and self.verbose:
            print_msg(f"Epoch {self.stopped_epoch + 1}: early stopping")


class TerminateOnNaN(Callback):
    """Ends training when the loss is no number any more."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            print_msg(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: a function of the epoch's number and the learning rate so far, or of the number alone.
        verbose: 1: say so.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set it.

        Raises:
            ValueError: the schedule gives no number.
        """
        before = float(self.model.optimizer.learning_rate)
        try:
            rate = self.schedule(epoch, before)
        except TypeError:  # one of the number alone
            rate = self.schedule(epoch)
        if not np.isscalar(rate) and np.ndim(rate) != 0:
            raise ValueError(f'The output of the "schedule" function should be float. Got: {rate}')
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate)}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note it."""
        if logs is not None:
            logs["lr"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when something measured gets no better.

    Args:
        monitor: what.
        factor: what the rate is multiplied by, less than 1.
        patience: for how many epochs it may get no better.
        verbose: 1: say so.
        mode: "min", "max" or "auto", see `Monitor`.
        min_delta: by how much a value must be better to count.
        cooldown: how many epochs after a change do not count.
        min_lr: the least learning rate.

    Raises:
        ValueError: `factor` is not less than 1.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
    ) -> None:
        super().__init__()
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Got {factor}")
        self._monitor = Monitor(monitor, mode, min_delta)
        self.monitor, self.factor, self.patience, self.verbose = monitor, factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._begin()

    def _begin(self) -> None:
        self.best, self.wait, self.cooldown_counter = self._monitor.worst, 0, 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look whether it got better."""
        optimizer = self.model.optimizer
        if logs is not None:
            logs["lr"] = float(optimizer.learning_rate)
        value = self._monitor.value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._monitor.is_better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            before = float(optimizer.learning_rate)
            if self.wait >= self.patience and before > np.float32(self.min_lr):
                rate = max(before * self.factor, self.min_lr)
                optimizer.learning_rate = rate
                if self.verbose > 0:
                    print_msg(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")
                self.cooldown_counter, self.wait = self.cooldown, 0
