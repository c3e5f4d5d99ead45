"""What every `fit` has: what was measured, noted and shown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.logs import as_numbers
from ..utils.logging import print_msg
from ..utils.progress import Progbar
from .base import Callback

__all__ = ["BaseLogger", "History", "ProgbarLogger"]


class History(Callback):
    """Notes what was measured in each epoch.

    Attributes:
        history: by name, a list with a value for each epoch.
        epoch: the numbers of the epochs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class BaseLogger(Callback):
    """Takes the means of what was measured in the batches of an epoch, by their sizes, into the epoch's logs.

    Args:
        stateful_metrics: the names of values whose last one counts instead.
    """

    def __init__(self, stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.totals: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self.seen, self.totals = 0, {}

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size * logs.get("num_steps", 1)
        for name, value in logs.items():
            if name in self.stateful_metrics:
                self.totals[name] = value
            else:
                self.totals[name] = self.totals.get(name, 0) + value * size

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        if logs is None:
            return
        for name in self.params["metrics"]:
            if name in self.totals:
                last = name in self.stateful_metrics
                logs[name] = self.totals[name] if last else self.totals[name] / self.seen


class ProgbarLogger(Callback):
    """Shows how far it is, and what is measured, on standard output.

    Args:
        count_mode: "steps" or "samples".
        stateful_metrics: names of values that are shown as they are, besides those of the model's metrics; of others,
            the mean is.

    Raises:
        ValueError: another `count_mode`.
    """

    def __init__(self, count_mode: str = "samples", stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError(f'Unknown `count_mode`: {count_mode}. Expected values are ["samples", "steps"]')
        self._supports_tf_logs = True
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose, self.epochs = 1, 1
        self._called_in_fit = False

    def set_params(self, params: Mapping[str, Any]) -> None:
        """See `Callback`."""
        self.params = params
        self.verbose, self.epochs = params["verbose"], params["epochs"]
        self.target = params.get("steps" if self.use_steps else "samples")

    def on_train_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        self._called_in_fit = True

    def on_test_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        if not self._called_in_fit:
            self._start()

    def on_predict_begin(self, logs: Any = None) -> None:
        """See `Callback`."""
        self._start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._start()
        if self.verbose and self.epochs > 1:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._update(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        if not self._called_in_fit:
            self._update(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._update(batch, None)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See `Callback`."""
        self._finish(logs)

    def on_test_end(self, logs: Any = None) -> None:
        """See `Callback`."""
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """See `Callback`."""
        self._finish(logs)

    def _defines(self, *names: str) -> bool:
        return self.verbose == 1 or self.target is None

    def _start(self) -> None:
        self.seen = 0
        self.progbar = None
        self._bar()

    def _bar(self) -> Progbar:
        if self.model is not None:  # the first batch may have made more of them
            self.stateful_metrics |= {m.name for m in self.model.metrics}
        if self.progbar is None:
            unit = "step" if self.use_steps else "sample"
            self.progbar = Progbar(self.target, verbose=self.verbose, unit_name=unit)
        self.progbar.stateful_metrics = self.stateful_metrics
        return self.progbar

    def _update(self, batch: int, logs: Any) -> None:
        if self.use_steps:
            self.seen = batch + 1
        else:
            logs = dict(logs or {})
            self.seen += logs.pop("size", 0) * logs.pop("num_steps", 1)
            logs.pop("batch", None)
        if self.verbose != 1:
            return
        bar = self.progbar
        # Where nothing has to be summed up, the numbers are looked at when they are printed.
        is_plain = bar is not None and bool(logs) and self.stateful_metrics.issuperset(logs)
        if bar is not None and is_plain and time.time() - bar._last_print < bar.interval:
            return
        self._bar().update(self.seen, list(as_numbers(logs or {}).items()), finalize=False)

    def _finish(self, logs: Any) -> None:
        bar = self._bar()
        if self.target is None:
            self.target = bar.target = self.seen
        bar.update(self.target, list(as_numbers(logs or {}).items()), finalize=True)
