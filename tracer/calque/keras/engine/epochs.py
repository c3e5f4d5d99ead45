"""`Epochs`: the batches of one call of `fit`, `evaluate` or `predict`, epoch by epoch and step by step."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import OutOfRangeError
from .data_adapter import Source, class_weights

__all__ = ["Epochs"]

_log = logging.getLogger("calque")


class Epochs:
    """Goes through a source of batches.

    Args:
        source: the batches.
        steps: how many make an epoch; None: all there are; -1: an epoch does not end.
        initial_epoch, epochs: the numbers of the first epoch and of the one behind the last.
        steps_per_call: how many batches are taken at once.
        class_weight: by class, what samples of it count.

    Attributes:
        steps: how many batches make an epoch; None while nobody knows.
        first_step: with which step the first epoch begins.
        of_one_size: see `Source`.

    Raises:
        ValueError: a number is out of range, or there is no data.
    """

    def __init__(
        self,
        source: Source,
        steps: int | None = None,
        initial_epoch: int = 0,
        epochs: int = 1,
        steps_per_call: int = 1,
        class_weight: Mapping[int, float] | None = None,
    ) -> None:
        if steps not in (None, -1) and steps <= 0:
            raise ValueError(
                f"steps_per_epoch must be positive, None or -1. Received {steps}. See `Model.fit`."
            )
        if initial_epoch < 0:
            raise ValueError(f"Expected initial_epoch to be non-negative. Received is {initial_epoch}.")
        if epochs <= 0:
            raise ValueError(f"Expected epochs to be positive. Received is {epochs}.")
        if steps == -1:
            _log.warning(
                "The training loop will run indefinitely since you have set `steps_per_epoch=-1`. Please use "
                "batch-level callbacks to save checkpoints or log training progress, etc"
            )
        self._source, self.of_one_size = source, source.of_one_size
        self.initial_epoch, self._epochs = initial_epoch, epochs
        self.steps = None if steps == -1 else source.size if steps is None else steps
        self.first_step = 0
        if self.steps == 0:
            raise ValueError("Expected input data to be non-empty.")
        if steps_per_call > 1 and self.steps is None:
            raise ValueError(
                "Could not infer the size of the data. With `steps_per_execution > 1`, you must specify the number of "
                "steps to run."
            )
        self._at_once = steps_per_call if self.steps is None else min(steps_per_call, self.steps)
        self._weigh = class_weights(class_weight) if class_weight else None
        self._ran_out = False
        self._steps_done = 0

    def __iter__(self) -> Iterator[tuple[int, Iterator[Any]]]:
        """The epochs: number and batches."""
        batches: Any = None
        for epoch in range(self.initial_epoch, self._epochs):
            if self._ran_out:
                return
            if batches is None or self._source.restarts:
                batches = self._source.batches(self._epochs - self.initial_epoch)
                if self._weigh is not None:
                    batches = map(self._weigh, batches)
            yield epoch, batches
            self._source.at_epoch_end()

    def calls(self) -> Iterator[tuple[int, int]]:
        """The calls of an epoch: the number of the first step of each, and how many steps it takes."""
        self._steps_done, self.first_step = self.first_step, 0
        while not self._ran_out and (self.steps is None or self._steps_done < self.steps):
            count = self._at_once
            if self.steps is not None:
                count = min(count, self.steps - self._steps_done)
            yield self._steps_done, count
            self._steps_done += count

    def ended(self, error: BaseException) -> bool:
        """Is this the end of the batches? Then notes whether it came too early."""
        if not isinstance(error, (StopIteration, OutOfRangeError)):
            return False
        if self.steps is None:
            self.steps = self._steps_done
            return True
        self._ran_out = True
        _log.warning(
            "Your input ran out of data; interrupting training. Make sure that your dataset or generator can generate "
            "at least `steps_per_epoch * epochs` batches (in this case, %d batches). You may need to use the repeat() "
            "function when building your dataset.",
            (self._epochs - self.initial_epoch) * self.steps,
        )
        return True
