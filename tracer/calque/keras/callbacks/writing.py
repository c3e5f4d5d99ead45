"""Callbacks that write files: checkpoints, tables, logs for TensorBoard."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from ..utils.logging import print_msg
from .base import Callback
from .stopping import Monitor

__all__ = ["BackupAndRestore", "CSVLogger", "LambdaCallback", "ModelCheckpoint", "TensorBoard"]


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, after epochs or batches.

    Args:
        filepath: where; ``{epoch}`` and the names of what is measured in it are filled in, as by `str.format`.
        monitor: what tells which epoch is the best.
        verbose: 1: say so.
        save_best_only: save when it got better only?
        save_weights_only: save weights instead of the model?
        mode: "min", "max" or "auto", see `Monitor`.
        save_freq: "epoch", or after so many batches.
        options: accepted.
        initial_value_threshold: what the first value must be better than.

    Raises:
        TypeError: an unknown argument.
        ValueError: another `save_freq`.
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
        unknown = set(kwargs) - {"load_weights_on_restart", "period"}
        if unknown:
            raise TypeError(f"Invalid keyword arguments: {sorted(unknown)}")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Unrecognized save_freq: {save_freq}. Expected save_freq are 'epoch' or integer values"
            )
        self._monitor = Monitor(monitor, mode)
        self.filepath, self.monitor, self.verbose = os.fspath(filepath), monitor, verbose
        self.save_best_only, self.save_weights_only, self.save_freq = (
            save_best_only,
            save_weights_only,
            save_freq,
        )
        self.period = kwargs.get("period", 1)
        self.best = self._monitor.worst if initial_value_threshold is None else initial_value_threshold
        self._epoch = self._batches = self._since = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save, if it is after batches."""
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches % self.save_freq == 0:
            self._save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, if it is after epochs."""
        self._since += 1
        if self.save_freq == "epoch" and self._since >= self.period:
            self._since = 0
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        path = self._path(epoch, batch, logs)
        if self.save_best_only:
            value = self._monitor.value(logs)
            if value is None:
                return
            if not self._monitor.is_better(value, self.best):
                if self.verbose > 0:
                    print_msg(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
                return
            if self.verbose > 0:
                print_msg(
                    f"\nEpoch {epoch + 1}: {self.monitor} improved from {self.best:.5f} to {value:.5f}, saving to "
                    f"{path}"
                )
            self.best = value
        elif self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: saving model to {path}")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _path(self, epoch: int, batch: int | None, logs: Any) -> str:
        named = {"epoch": epoch + 1, **(logs or {})}
        if batch is not None:
            named["batch"] = batch + 1
        try:
            path: str = self.filepath.format(**named)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}. It can hold '
                f"{sorted(named)}."
            ) from error
        return path


class CSVLogger(Callback):
    """Writes what was measured in each epoch as a line of a table.

    Args:
        filename: the file.
        separator: between columns.
        append: add to what is there?
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None
        self._file: TextIO | None = None
        self._writer: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the file."""
        has_head = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self._file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115
        self._writer = None
        self.keys = None
        self._has_head = has_head

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write a line."""
        if self._file is None:
            return
        logs = logs or {}
        if self._writer is None:
            names = sorted(logs)
            if not any(name.startswith("val_") for name in names):
                names += [f"val_{name}" for name in names if name != "lr"] if self.model.stop_training else []
            self.keys = names
            self._writer = csv.DictWriter(
                self._file, ["epoch", *names], delimiter=self.sep, extrasaction="ignore"
            )
            if not self._has_head:
                self._writer.writeheader()
        row = {name: _cell(logs.get(name, "NA")) for name in self.keys or ()}
        self._writer.writerow({"epoch": epoch, **row})
        self._file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _cell(value: Any) -> Any:
    if np.ndim(value) > 0 and not isinstance(value, str):
        return f'"[{", ".join(map(str, np.ravel(value)))}]"'
    return value


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end, on_batch_begin, on_batch_end, on_train_begin, on_train_end: what is called.
        **kwargs: the same for the other methods of `Callback`.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_batch_begin: Callable[..., Any] | None = None,
        on_batch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            **kwargs,
        }
        self._given = {name for name, function in given.items() if function is not None}
        self.__dict__.update({name: function for name, function in given.items() if function is not None})

    def _has(self, *names: str) -> bool:
        return bool(self._given & set(names))


class TensorBoard(Callback):
    """Logs for TensorBoard: losses and metrics of each epoch, and, if asked for, weights and the graph.

    Args:
        log_dir: the directory; training is the run ``train``, validation ``validation``.
        histogram_freq: after how many epochs the weights' histograms are written; 0: never.
        write_graph: write the graph of the model?
        write_images: show kernels as images?
        write_steps_per_second: write how many steps an epoch did in a second?
        update_freq: "epoch", "batch", or after so many batches.
        profile_batch: accepted; `tf.profiler.experimental` records what ops take.
        embeddings_freq, embeddings_metadata: accepted, without effect.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_graph, self.write_images = histogram_freq, write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Any] = {}
        self._step = self._epoch_began = 0
        self._time = 0.0

    def _writer(self, run: str) -> Any:
        from ... import summary

        if run not in self._writers:
            self._writers[run] = summary.create_file_writer(os.path.join(self.log_dir, run))
        return self._writers[run]

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin: where an earlier training ended."""
        self._step = int(self.model.optimizer.iterations) if self.model.optimizer is not None else 0
        self._graph_due = self.write_graph

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the time."""
        import time

        self._time, self._epoch_began = time.time(), self._step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write what was measured, if it is after batches."""
        from ... import summary

        self._step += 1
        if self._graph_due:
            self._write_graph()
        if self.update_freq == "epoch" or self._step % self.update_freq:
            return
        with self._writer("train").as_default():
            for name, value in (logs or {}).items():
                summary.scalar(f"batch_{name}", value, step=self._step)

    def _write_graph(self) -> None:
        from ... import summary

        self._graph_due = False
        step = self.model.__dict__["_steps"].get("train")
        traces = getattr(step, "concrete_functions", None)
        if traces:
            with self._writer("train").as_default():
                summary.graph(traces[0].graph)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write what was measured."""
        import time

        from ... import summary

        logs = dict(logs or {})
        trained = {k: v for k, v in logs.items() if not k.startswith("val_")}
        optimizer = self.model.optimizer
        if optimizer is not None:
            trained["learning_rate"] = float(optimizer.learning_rate)
        if self.write_steps_per_second:
            took = max(time.time() - self._time, 1e-9)
            trained["epoch_steps_per_second"] = (self._step - self._epoch_began) / took
        with self._writer("train").as_default():
            for name, value in trained.items():
                tag = name if name.startswith("epoch_") else f"epoch_{name}"
                summary.scalar(tag, value, step=epoch)
            if self.histogram_freq and epoch % self.histogram_freq == 0:
                self._write_weights(epoch)
        validated = {k.removeprefix("val_"): v for k, v in logs.items() if k.startswith("val_")}
        if validated:
            with self._writer("validation").as_default():
                for name, value in validated.items():
                    summary.scalar(f"epoch_{name}", value, step=epoch)
        for writer in self._writers.values():
            writer.flush()

    def _write_weights(self, epoch: int) -> None:
        from ... import summary

        for weight in self.model.weights:
            name = weight.name.replace(":", "_")
            summary.histogram(f"{name}/histogram", weight, step=epoch)
            if self.write_images:
                picture = _as_picture(weight.numpy())
                if picture is not None:
                    summary.image(f"{name}/image", picture, step=epoch)

    def on_train_end(self, logs: Any = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def _as_picture(weight: Any) -> Any:
    """A weight as a batch of gray images; None for one of more than three dimensions that is no kernel of images."""
    value = np.squeeze(weight)
    if value.ndim == 1:
        value = value[None, :, None, None]
    elif value.ndim == 2:
        value = (value.T if value.shape[0] > value.shape[1] else value)[None, :, :, None]
    elif value.ndim == 3:
        value = np.moveaxis(value, -1, 0)[..., None]
    else:
        return None
    low, high = value.min(), value.max()
    return (value - low) / (high - low) if high > low else np.zeros_like(value)


class BackupAndRestore(Callback):
    """Saves the training after each epoch, and goes on from there when it is run again after an interruption.

    Args:
        backup_dir: where; of no use to anybody else. It is removed when training ends.
        save_freq: "epoch", or after so many batches; what was done in an epoch that was interrupted is done again.
        delete_checkpoint: remove the files when training ends?
        save_before_preemption: accepted, without effect.

    Raises:
        ValueError: no directory.
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        delete_checkpoint: bool = True,
        save_before_preemption: bool = False,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        self.backup_dir, self.save_freq, self.delete_checkpoint = (
            os.fspath(backup_dir),
            save_freq,
            delete_checkpoint,
        )
        self._manager: Any = None
        self._epochs: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Go back to where an earlier training was interrupted."""
        from ...train import Checkpoint, CheckpointManager
        from ...variable import Variable

        self._epochs = Variable(0, dtype="int64", trainable=False, name="epochs")
        if self.model.optimizer is not None and self.model.built:
            self.model.optimizer.build(self.model.trainable_variables)
        checkpoint = Checkpoint(model=self.model, optimizer=self.model.optimizer, epochs=self._epochs)
        self._manager = CheckpointManager(checkpoint, os.path.join(self.backup_dir, "chief"), max_to_keep=1)
        if self._manager.latest_checkpoint:
            checkpoint.restore(self._manager.latest_checkpoint)

    @property
    def epochs_done(self) -> int:
        """How many epochs were over when an earlier training was interrupted."""
        return 0 if self._epochs is None else int(self._epochs.numpy())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save."""
        self._epochs.assign(epoch + 1)
        self._manager.save()

    def on_train_end(self, logs: Any = None) -> None:
        """Remove what was saved."""
        import shutil

        if self.delete_checkpoint:
            shutil.rmtree(os.path.join(self.backup_dir, "chief"), ignore_errors=True)
