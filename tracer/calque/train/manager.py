"""`CheckpointManager`: the checkpoints of one directory, old ones deleted."""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Callable
from typing import Any

from calque_runtime.checkpoint import CheckpointState, read_state, write_state

from .checkpoint import Checkpoint, CheckpointOptions, PathLike

__all__ = ["CheckpointManager"]


class CheckpointManager:
    """Keeps the last checkpoints of a directory, and, if asked to, one every few hours for good.

    Args:
        checkpoint: what to save and restore.
        directory: where. What its state file says of earlier checkpoints is taken over.
        max_to_keep: how many to keep; None keeps all.
        keep_checkpoint_every_n_hours: when one is to be deleted and the last one kept for good is older than it by so
            many hours, it is kept for good instead.
        checkpoint_name: checkpoints are ``<directory>/<checkpoint_name>-<number>``.
        step_counter: a variable or integer that counts steps, for `checkpoint_interval`.
        checkpoint_interval: `save` does nothing before so many steps have passed since the last time.
        init_fn: called by `restore_or_initialize` when there is nothing to restore.
        last_checkpoint_step: the step of the last checkpoint.

    Raises:
        ValueError: `max_to_keep` is not positive; an interval without a step counter.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: PathLike,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
        last_checkpoint_step: int | None = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
        self._checkpoint = checkpoint
        self._directory = os.fspath(directory)
        self._max_to_keep = max_to_keep
        self._keep_seconds = (
            None if keep_checkpoint_every_n_hours is None else keep_checkpoint_every_n_hours * 3600.0
        )
        self._prefix = os.path.join(self._directory, checkpoint_name)
        self._step_counter = step_counter
        self._interval = checkpoint_interval
        self._init_fn = init_fn
        self._last_step = last_checkpoint_step
        self._latest: str | None = None
        self._kept: dict[str, float] = {}  # path and time of each checkpoint, oldest first
        self._last_preserved = time.time()
        state = read_state(self._directory)
        if state is not None:
            self._take_over(state)

    def _take_over(self, state: CheckpointState) -> None:
        paths, times = state.all_model_checkpoint_paths, state.all_model_checkpoint_timestamps
        self._latest = state.model_checkpoint_path or None
        if len(paths) == len(times):
            self._last_preserved = state.last_preserved_timestamp
        else:  # written by Checkpoint.save, which does not note times
            times = [self._last_preserved] * len(paths)
        self._kept = dict(zip(paths, times, strict=True))

    @property
    def directory(self) -> str:
        """Where the checkpoints are."""
        return self._directory

    @property
    def checkpoint(self) -> Checkpoint:
        """What is saved and restored."""
        return self._checkpoint

    @property
    def checkpoint_interval(self) -> int | None:
        """How many steps pass between checkpoints, or None."""
        return self._interval

    @property
    def latest_checkpoint(self) -> str | None:
        """The path of the newest checkpoint, or None."""
        return self._latest

    @property
    def checkpoints(self) -> list[str]:
        """The paths of the checkpoints kept, oldest first, without those kept for good."""
        return list(self._kept)

    def save(
        self,
        checkpoint_number: Any = None,
        check_interval: bool = True,
        options: CheckpointOptions | None = None,
    ) -> str | None:
        """Write a checkpoint, then delete those that are too many.

        Args:
            checkpoint_number: its number, an integer or a variable; None: the checkpoint's save counter.
            check_interval: False saves whether or not the interval has passed.
            options: see CheckpointOptions.

        Returns:
            Its path, or None if `checkpoint_interval` steps have not passed.
        """
        if self._interval is not None:
            step = int(self._step_counter)
            if check_interval and self._last_step is not None and step - self._last_step < self._interval:
                return None
            self._last_step = step
        number = None if checkpoint_number is None else int(checkpoint_number)
        path = self._checkpoint._save_numbered(self._prefix, number, options)
        self._kept.pop(path, None)
        self._kept[path] = time.time()
        self._latest = path
        # First with the new checkpoint, then without the old ones: whenever it is read, what it names is there or was.
        self._write_state()
        if self._delete_old():
            self._write_state()
        return path

    def _write_state(self) -> None:
        state = CheckpointState(
            self._latest or "", list(self._kept), list(self._kept.values()), self._last_preserved
        )
        write_state(self._directory, state)

    def _delete_old(self) -> bool:
        if self._max_to_keep is None or len(self._kept) <= self._max_to_keep:
            return False
        while len(self._kept) > self._max_to_keep:
            path = next(iter(self._kept))
            made = self._kept.pop(path)
            if self._keep_seconds is not None and made - self._keep_seconds >= self._last_preserved:
                self._last_preserved = made
                continue
            for file in [path + ".index", *glob.glob(glob.escape(path) + ".data-?????-of-?????")]:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(file)
        return True

    def restore_or_initialize(self) -> str | None:
        """Restore the newest checkpoint, or call `init_fn`, if there is none.

        Returns:
            The path of the checkpoint restored, or None.
        """
        if self._latest is not None:
            self._checkpoint.restore(self._latest)
            if self._interval is not None:
                self._last_step = int(self._step_counter)
            return self._latest
        if self._init_fn is not None:
            self._init_fn()
        return None
