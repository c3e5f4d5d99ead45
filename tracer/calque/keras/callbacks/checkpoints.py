"""Callbacks that save models while they are trained."""

from __future__ import annotations

import logging
import os
import re
import shutil
from typing import Any

import numpy as np

from ... import saved_model, train
from ...context import init_scope
from ...variable import Variable
from ..engine.logs import as_numbers
from ..utils.logging import print_msg
from .base import Callback
from .stopping import grows, known_mode

__all__ = ["BackupAndRestore", "ModelCheckpoint"]

_log = logging.getLogger("calque")


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, after epochs or after so many batches.

    Args:
        filepath: where to; `{epoch}`, `{batch}` and what is measured (`{val_loss:.2f}`) are filled in.
        monitor: the name of what is measured.
        verbose: 1: say so.
        save_best_only: save only when what is measured is better than ever?
        save_weights_only: save the weights, as a checkpoint, or the whole model?
        mode: is "min" or "max" better? "auto": less, but of what has acc in its name, or begins with fmeasure, more.
        save_freq: "epoch", or after how many batches.
        options: a `train.CheckpointOptions` for weights, a `saved_model.SaveOptions` for models.
        initial_value_threshold: what the first value must be better than.
        **kwargs: `load_weights_on_restart` and `period`, of older releases.

    Raises:
        TypeError: `options` is of another kind.
        ValueError: `save_freq` is none of both.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        options: Any = None,
        initial_value_threshold: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self._supports_tf_logs = True
        self.filepath = os.fspath(filepath)
        self.monitor, self.verbose = monitor, verbose
        self.save_best_only, self.save_weights_only, self.save_freq = (
            save_best_only,
            save_weights_only,
            save_freq,
        )
        kind = train.CheckpointOptions if save_weights_only else saved_model.SaveOptions
        if options is not None and not isinstance(options, kind):
            name = "tf.train.CheckpointOptions" if save_weights_only else "tf.saved_model.SaveOptions"
            raise TypeError(
                f"If save_weights_only is {save_weights_only}, then `options` must be either None or a {name}. Got "
                f"{options}."
            )
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f'Unrecognized save_freq: {save_freq}. Expected save_freq are "epoch" or integer'
            )
        self._options = options
        self.load_weights_on_restart = kwargs.get("load_weights_on_restart", False)
        self.period = kwargs.get("period", 1)
        more = grows(known_mode(mode, "ModelCheckpoint"), "acc" in monitor or monitor.startswith("fmeasure"))
        self.monitor_op: Any = np.greater if more else np.less
        self.best = initial_value_threshold
        if self.best is None:
            self.best = -np.inf if more else np.inf
        self.epochs_since_last_save = 0
        self._current_epoch = 0
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen = -1

    def _implements_train_batch_hooks(self) -> bool:
        return bool(self.save_freq != "epoch")

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`.

        Raises:
            ValueError: `load_weights_on_restart`, and the file cannot be read.
        """
        if not self.load_weights_on_restart:
            return
        path = self._latest()
        if path is not None:
            try:
                self.model.load_weights(path)
            except (OSError, ValueError) as error:
                raise ValueError(f"Error loading file from {path}. Reason: {error}") from error

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        if self.save_freq == "epoch":
            return
        seen = batch + 1 if batch <= self._last_batch_seen else batch - self._last_batch_seen
        self._batches_seen_since_last_saving += seen
        self._last_batch_seen = batch
        if self._batches_seen_since_last_saving >= self.save_freq:
            self._batches_seen_since_last_saving = 0
            self._save_model(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch" and self.epochs_since_last_save >= self.period:
            self._save_model(epoch, None, logs)

    def _save_model(self, epoch: int, batch: int | None, logs: Any) -> None:
        logs = as_numbers(logs or {})
        self.epochs_since_last_save = 0
        path = self._path(epoch, batch, logs)
        if self.save_best_only:
            current = logs.get(self.monitor)
            if current is None:
                _log.warning("Can save best model only with %s available, skipping.", self.monitor)
                return
            if not self.monitor_op(current, self.best):
                self._say(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
                return
            self._say(
                f"\nEpoch {epoch + 1}: {self.monitor} improved from {self.best:.5f} to {current:.5f}, saving model to "
                f"{path}"
            )
            self.best = current
        else:
            self._say(f"\nEpoch {epoch + 1}: saving model to {path}")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True, options=self._options)
        else:
            self.model.save(path, overwrite=True, options=self._options)

    def _say(self, message: str) -> None:
        if self.verbose > 0:
            print_msg(message)

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        numbers = (
            {"epoch": epoch + 1}
            if batch is None or "batch" in logs
            else {"epoch": epoch + 1, "batch": batch + 1}
        )
        try:
            path: str = self.filepath.format(**numbers, **logs)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}'
            ) from error
        return path

    def _latest(self) -> str | None:
        """The file of this callback that was written last, or None."""
        folder, name = os.path.split(self.filepath)
        pattern = re.compile("^" + re.sub(r"{.*}", ".*", name) + "$")
        checkpoint = train.latest_checkpoint(folder)
        if checkpoint is not None and pattern.match(os.path.basename(checkpoint)):
            return checkpoint
        if not os.path.isdir(folder or "."):
            return None
        found = [os.path.join(folder, f) for f in os.listdir(folder or ".") if pattern.match(f)]
        return max(found, key=lambda f: (os.path.getmtime(f), f), default=None)


class BackupAndRestore(Callback):
    """Saves the state of training, so that `fit`, called again after an interruption, goes on where it was.

    Args:
        backup_dir: the directory of the backup; of one training only.
        save_freq: "epoch", or after how many batches.
        delete_checkpoint: remove it when training ends?
        save_before_preemption: accepted.

    Raises:
        ValueError: there is no `save_freq`.
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        delete_checkpoint: bool = True,
        save_before_preemption: bool = False,
    ) -> None:
        super().__init__()
        if not save_freq and not save_before_preemption:
            raise ValueError("Either `save_freq` or `save_before_preemption` must be set.")
        self._supports_tf_logs = True
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq, self.delete_checkpoint = save_freq, delete_checkpoint
        self.save_before_preemption = save_before_preemption
        self._batches_count = 0
        self._current_epoch = 0
        self._state: _TrainingState | None = None

    def _implements_train_batch_hooks(self) -> bool:
        return bool(self.save_freq != "epoch")

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`: goes back to the state that was saved, if there is one."""
        model = self.model
        if not model.built:
            _log.warning(
                "To use the BackupAndRestore callback, you model must be built before you call `fit()`. Model %s is "
                "unbuilt. You can build it beforehand by calling it on a batch of data.",
                model,
            )
        elif hasattr(model.optimizer, "build"):
            model.optimizer.build(model.trainable_variables)
        self._state = _TrainingState(model, self.backup_dir)
        model.__dict__["_training_state"] = self._state
        self._state.restore()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        if self.save_freq and self.save_freq != "epoch":
            self._batches_count += 1
            if self._batches_count >= self.save_freq:
                self._batches_count = 0
                self._back_up(self._current_epoch, batch)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._current_epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        if self.save_freq == "epoch":
            self._back_up(epoch, None)

    def _back_up(self, epoch: int, batch: int | None) -> None:
        if self._state is not None:
            self._state.back_up(epoch, batch)

    def on_train_end(self, logs: Any = None) -> None:
        """See `Callback`."""
        if self._state is not None and self.delete_checkpoint:
            self._state.delete()
        self._state = None
        self.model.__dict__.pop("_training_state", None)


class _TrainingState:
    """A checkpoint of a model, and how far its training was."""

    def __init__(self, model: Any, directory: str) -> None:
        self._directory = os.path.join(directory, "chief")
        with init_scope():
            self._epoch = Variable(-1, dtype="int64", trainable=False, name="ckpt_saved_epoch")
            self._batch = Variable(-1, dtype="int64", trainable=False, name="ckpt_saved_batch")
        checkpoint = train.Checkpoint(model=model, ckpt_saved_epoch=self._epoch, ckpt_saved_batch=self._batch)
        self._manager = train.CheckpointManager(checkpoint, self._directory, max_to_keep=1)

    def restore(self) -> None:
        """Go back to what was saved last, if there is something."""
        self._manager.restore_or_initialize()

    def back_up(self, epoch: int, batch: int | None) -> None:
        """Save the state after this epoch, or, of an epoch that is not over, after this batch."""
        self._epoch.assign(epoch)
        self._batch.assign(-1 if batch is None else batch)
        self._manager.save()

    def start(self, initial_epoch: int, steps: int | None) -> tuple[int, int]:
        """The epoch and the step in it at which training goes on."""
        epoch, batch = int(self._epoch.numpy()), int(self._batch.numpy())
        if epoch < 0:
            return initial_epoch, 0
        if batch < 0 or (steps is not None and batch + 1 >= steps):
            return epoch + 1, 0
        return epoch, batch + 1

    def delete(self) -> None:
        """Remove what was saved."""
        shutil.rmtree(self._directory, ignore_errors=True)
