"""Callbacks that every `fit` has: what was measured, noted and shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..utils.progress import Progbar
from .base import Callback, numbers

__all__ = ["History", "ProgbarLogger"]


class History(Callback):
    """Notes what was measured in each epoch.

    Attributes:
        history: by name, a list of numbers.
        epoch: the epochs' numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.__dict__["history"] = self


class ProgbarLogger(Callback):
    """Shows how far it is, and what is measured, on standard output.

    Args:
        count_mode: "steps" or "samples".
        stateful_metrics: the names of values that are shown as they are; of others, the mean is.

    Raises:
        ValueError: another `count_mode`.
    """

    _supports_tf_logs = True

    def __init__(self, count_mode: str = "samples", stateful_metrics: Any = None) -> None:
        super().__init__()
        if count_mode not in ("steps", "samples"):
            raise ValueError(f'Unknown `count_mode`: {count_mode}. Expected values are ["samples", "steps"]')
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self._bar: Progbar | None = None
        self._shown = 0  # steps
        self._trains = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin."""
        self._trains = True

    def on_test_begin(self, logs: Any = None) -> None:
        """Begin, unless it is a validation while training."""
        if not self._trains:
            self._start()

    def on_predict_begin(self, logs: Any = None) -> None:
        """Begin."""
        self._start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Say which epoch it is."""
        self._start()
        if self.params["verbose"] and self.params["epochs"] > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def _start(self) -> None:
        self._bar, self._shown = None, 0

    def _update(self, batch: int, logs: Any, finalize: bool = False) -> None:
        verbose = self.params["verbose"]
        if self._bar is None:
            names = self.stateful_metrics
            if names is None:
                names = {m.name for m in self.model.metrics}
            self._bar = Progbar(
                self.params["steps"], verbose=verbose, stateful_metrics=names, unit_name="step"
            )
        self._shown = max(self._shown, batch + 1)
        if verbose == 1 and not finalize and self._is_soon():
            return
        self._bar.update(self._shown, list(_shown(logs)), finalize=finalize)

    def _is_soon(self) -> bool:
        """Was the bar shown a moment ago? Then the numbers need not be looked at."""
        import time

        return self._bar is not None and time.time() - self._bar._last_print < self._bar.interval

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Show a step."""
        self._update(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Show a step, unless it is of a validation while training."""
        if not self._trains:
            self._update(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Show a step."""
        self._update(batch, None)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Show the epoch."""
        self._finish(logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Show the end."""
        if not self._trains:
            self._finish(logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """Show the end."""
        self._finish(None)

    def on_train_end(self, logs: Any = None) -> None:
        """Evaluations are shown again."""
        self._trains = False

    def _finish(self, logs: Any) -> None:
        if self._bar is None:
            return
        if self._bar.target is None:
            self._bar.target = self._shown
        names = self._bar.stateful_metrics
        names.update(logs or {})
        self._bar.update(self._bar.target, list(_shown(logs)), finalize=True)
        self._bar = None


def _shown(logs: Any) -> Any:
    for name, value in (numbers(logs) or {}).items():
        if np.ndim(value) == 0 and not isinstance(value, (str, bytes)):
            yield name, float(value)
