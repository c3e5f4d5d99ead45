"""Callbacks that end training, or change the learning rate, when what is measured says so."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from ...tensor import Tensor
from ..engine.logs import as_numbers
from ..utils.logging import print_msg
from .base import Callback

__all__ = [
    "EarlyStopping",
    "LearningRateScheduler",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
    "grows",
    "known_mode",
]

_log = logging.getLogger("calque")


def known_mode(mode: str, callback: str) -> str:
    """The mode, "auto" (and a warning) for one that is none."""
    if mode in ("auto", "min", "max"):
        return mode
    _log.warning("%s mode %s is unknown, fallback to auto mode.", callback, mode)
    return "auto"


def grows(mode: str, by_name: bool) -> bool:
    """Is more better? In the mode "auto" the name of what is measured says so."""
    return mode == "max" or (mode == "auto" and by_name)


class TerminateOnNaN(Callback):
    """Ends training when the loss is not a finite number."""

    def __init__(self) -> None:
        super().__init__()
        self._supports_tf_logs = True

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        loss = as_numbers((logs or {}).get("loss"))
        if loss is not None and not np.all(np.isfinite(loss)):
            print_msg(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class EarlyStopping(Callback):
    """Ends training when what is measured gets no better.

    Args:
        monitor: the name of what is measured.
        min_delta: by how much it must get better for that to count.
        patience: after how many epochs without that training ends.
        verbose: 1: say so.
        mode: is "min" or "max" better? "auto": less, but of what ends in acc, accuracy or auc more.
        baseline: what it must be better than, too.
        restore_best_weights: give the model the weights of its best epoch at the end?
        start_from_epoch: the first epoch that counts.
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
        self.monitor, self.patience, self.verbose, self.baseline = monitor, patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        more = grows(known_mode(mode, "EarlyStopping"), monitor.endswith(("acc", "accuracy", "auc")))
        self.monitor_op: Any = np.greater if more else np.less
        self.min_delta = abs(min_delta) * (1 if more else -1)
        self.on_train_begin()

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: Any = np.inf if self.monitor_op is np.less else -np.inf
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """See `Callback`."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_msg(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_msg(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: Any) -> Any:
        """What is measured; None, and a warning, if it is not there."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            _log.warning(
                "Early stopping conditioned on metric `%s` which is not available. Available metrics are: %s",
                self.monitor,
                ",".join(logs or {}),
            )
        return value

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        return bool(self.monitor_op(value - self.min_delta, reference))


def _rate(optimizer: Any) -> float:
    """An optimizer's learning rate.

    Raises:
        ValueError: it has none.
    """
    if not hasattr(optimizer, "lr"):
        raise ValueError('Optimizer must have a "lr" attribute.')
    rate = optimizer.lr
    return float(rate.numpy() if hasattr(rate, "numpy") else rate)


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
        """See `Callback`.

        Raises:
            ValueError: the optimizer has no learning rate, or the schedule gives no float.
        """
        optimizer = self.model.optimizer
        before = _rate(optimizer)
        try:
            rate = self.schedule(epoch, before)
        except TypeError:  # it takes the number alone
            rate = self.schedule(epoch)
        if not isinstance(rate, (Tensor, float, np.float32, np.float64)):
            raise ValueError(f'The output of the "schedule" function should be float. Got: {rate}')
        if isinstance(rate, Tensor) and not rate.dtype.is_floating:
            raise ValueError(f"The dtype of `lr` Tensor should be float. Got: {rate.dtype}")
        optimizer.lr = float(as_numbers(rate))
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`; adds the learning rate as "lr"."""
        if logs is not None:
            logs["lr"] = np.float32(_rate(self.model.optimizer))


class ReduceLROnPlateau(Callback):
    """Makes the learning rate smaller when what is measured gets no better.

    Args:
        monitor: the name of what is measured.
        factor: what the learning rate is multiplied by, less than 1.
        patience: after how many epochs without getting better.
        verbose: 1: say so.
        mode: is "min" or "max" better? "auto": less, but of what has acc in its name more.
        min_delta: by how much it must get better for that to count.
        cooldown: how many epochs are waited after that.
        min_lr: the smallest learning rate.
        **kwargs: `epsilon`, the old name of `min_delta`.

    Raises:
        ValueError: the factor is not less than 1.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Got {factor}")
        self.monitor, self.factor, self.min_lr = monitor, factor, min_lr
        self.min_delta = kwargs.get("epsilon", min_delta)
        self.patience, self.verbose, self.cooldown = patience, verbose, cooldown
        self.mode = known_mode(mode, "Learning rate reduction")
        self.on_train_begin()

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        self._more = grows(self.mode, "acc" in self.monitor)
        self.best: Any = -np.inf if self._more else np.inf
        self.cooldown_counter = self.wait = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`; adds the learning rate as "lr"."""
        logs = {} if logs is None else logs
        before = _rate(self.model.optimizer)
        logs["lr"] = np.float32(before)
        current = logs.get(self.monitor)
        if current is None:
            _log.warning(
                "Learning rate reduction is conditioned on metric `%s` which is not available. Available metrics are: "
                "%s",
                self.monitor,
                ",".join(logs),
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_better(current):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and before > np.float32(self.min_lr):
                rate = max(before * self.factor, self.min_lr)
                self.model.optimizer.lr = rate
                if self.verbose > 0:
                    print_msg(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def in_cooldown(self) -> bool:
        """Are epochs waited for after a change?"""
        return self.cooldown_counter > 0

    def _is_better(self, value: Any) -> bool:
        return bool(value > self.best + self.min_delta if self._more else value < self.best - self.min_delta)
