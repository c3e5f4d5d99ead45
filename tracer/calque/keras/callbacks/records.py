"""Callbacks that hand on what is measured: to a table in a file, to functions."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from typing import IO, Any

import numpy as np

from .base import Callback

__all__ = ["CSVLogger", "LambdaCallback"]


class CSVLogger(Callback):
    """Writes what was measured in each epoch to a CSV file.

    Args:
        filename: the file.
        separator: between the fields.
        append: add to a file that is there?
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.sep, self.filename, self.append = separator, os.fspath(filename), append
        self.keys: list[str] | None = None
        self.append_header = True
        self.writer: csv.DictWriter[str] | None = None
        self.csv_file: IO[str] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        if self.append and os.path.exists(self.filename):
            self.append_header = os.path.getsize(self.filename) == 0
        self.csv_file = open(  # noqa: SIM115  on_train_end closes it
            self.filename, "a" if self.append else "w", newline="", encoding="utf-8"
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        logs = logs or {}
        if self.csv_file is None:
            return
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]  # they may come with a later epoch
        if self.writer is None:
            self.writer = csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep)
            if self.append_header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch} | {key: _cell(logs.get(key, "NA")) for key in self.keys})
        self.csv_file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """See `Callback`."""
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None


def _cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0 or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'


class LambdaCallback(Callback):
    """A callback made of functions, with the arguments of the methods of the same name.

    Args:
        on_epoch_begin, on_epoch_end: of (epoch, logs).
        on_batch_begin, on_batch_end: of (batch, logs).
        on_train_begin, on_train_end: of (logs).
        **kwargs: other methods of `Callback`.
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
        }
        self.__dict__.update(kwargs | {name: method for name, method in given.items() if method is not None})
