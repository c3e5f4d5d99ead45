"""`Progbar`: how far it is, how long it takes, and the means of what is measured, on one line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .logging import print_msg

__all__ = ["Progbar"]


class Progbar:
    """A progress bar.

    Args:
        target: how many steps there are; None: nobody knows.
        width: how many characters the bar has.
        verbose: 0: it prints nothing; 1: a bar that grows; 2: a line at the end.
        interval: how many seconds pass between two prints, at least.
        stateful_metrics: the names of values that are shown as they are; of others, the mean is.
        unit_name: what a step is called.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self._overwrites = sys.stdout.isatty() or "ipykernel" in sys.modules or "posix" in sys.modules
        self._printed = 0  # characters on the line that the next print goes over
        self._seen = 0
        self._values: dict[str, tuple[Any, int]] = {}  # sums, and of how many steps
        self._start = time.time()
        self._last_print = 0.0
        self._after_first_step: float | None = None

    def update(
        self, current: int, values: Sequence[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Note that steps were done.

        Args:
            current: how many, in all.
            values: what was measured since the last call: (name, value) pairs.
            finalize: is it the end? None: where `current` is `target`.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._seen, 1)
        for name, value in values or ():
            if name in self.stateful_metrics:
                self._values[name] = (value, 1)
            else:
                total, count = self._values.get(name, (0, 0))
                self._values[name] = (total + value * steps, count + steps)
        self._seen = current
        now = time.time()
        if self.verbose == 1 and (finalize or now - self._last_print >= self.interval):
            self._print_bar(current, now, finalize)
            self._last_print = now
        elif self.verbose == 2 and finalize:
            counted = "" if self.target is None else self._counted(current)
            line = f"{counted} - {now - self._start:.0f}s{self._measured()}"
            if self.target:
                line += f" - {_time_each(now - self._start, 'epoch')} - "
                line += _time_each((now - self._start) / self.target, "step")
            print_msg(f"{line}\n", line_break=False)

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """Note that `n` more steps were done."""
        self.update(self._seen + n, values)

    def _counted(self, current: int) -> str:
        digits = len(str(self.target))
        return f"{current:{digits}d}/{self.target}"

    def _print_bar(self, current: int, now: float, finalize: bool) -> None:
        if self.target is None:
            bar = f"{current:7d}/Unknown"
        else:
            filled = int(self.width * current / self.target) if self.target else self.width
            head = ">" if current < self.target else "="
            bar = "=" * (filled - 1) + head if filled > 0 else ""
            bar = f"{self._counted(current)} [{bar}{'.' * (self.width - filled)}]"
        each = self._seconds_each(current, now)
        if self.target is None or finalize:
            info = f" - {now - self._start:.0f}s {_time_each(each, self.unit_name)}"
        else:
            info = f" - ETA: {_duration(each * (self.target - current))}"
        line = bar + info + self._measured()
        before = "\b" * self._printed + "\r" if self._overwrites else "\n"
        rest = " " * max(self._printed - len(line), 0)
        self._printed = len(line)
        print_msg(before + line + rest + ("\n" if finalize else ""), line_break=False)

    def _measured(self) -> str:
        text = ""
        for name, (total, count) in self._values.items():
            text += f" - {name}:"
            if isinstance(total, str):
                text += f" {total}"
            else:
                mean = float(np.mean(np.asarray(total) / max(1, count)))
                text += f" {mean:.4f}" if abs(mean) > 1e-3 else f" {mean:.4e}"
        return text

    def _seconds_each(self, current: int, now: float) -> float:
        """How long a step takes; the first, in which functions are traced, does not count once there are others."""
        if not current:
            return 0.0
        if self._after_first_step is not None and current > 1:
            each = (now - self._after_first_step) / (current - 1)
        else:
            each = (now - self._start) / current
        if current == 1:
            self._after_first_step = now
        return each


def _time_each(seconds: float, unit: str) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit}"
    return f"{seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/{unit}"


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if seconds > 60 else f"{whole}s"
