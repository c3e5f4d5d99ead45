"""`Sequence`: batches by number; and what fetches batches in other threads while the caller works."""

from __future__ import annotations

import queue
import random
import threading
from abc import abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["GeneratorEnqueuer", "OrderedEnqueuer", "Sequence", "SequenceEnqueuer"]


class Sequence:
    """The base of data sets that give batches by number. Subclasses define ``__getitem__`` and ``__len__``."""

    @abstractmethod
    def __getitem__(self, index: int) -> Any:
        """A batch."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index).")

    @abstractmethod
    def __len__(self) -> int:
        """How many batches there are."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__().")

    def on_epoch_end(self) -> None:
        """Called at the end of every epoch."""

    def __iter__(self) -> Iterator[Any]:
        """All batches, once."""
        for i in range(len(self)):
            yield self[i]


class SequenceEnqueuer:
    """The base: `start` it, take batches from `get`, `stop` it. Batches are fetched in threads.

    Args:
        sequence: what gives the batches.
        use_multiprocessing: accepted; threads do the work in either case.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False) -> None:
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self.queue: queue.Queue[Future[Any] | None] | None = None
        self.run_thread: threading.Thread | None = None
        self.stop_signal: threading.Event | None = None
        self.workers = 0

    def is_running(self) -> bool:
        """Has it been started, and not stopped?"""
        return self.stop_signal is not None and not self.stop_signal.is_set()

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Begin to fetch.

        Args:
            workers: how many threads fetch.
            max_queue_size: how many batches wait for the caller, at the most.
        """
        self.workers = workers
        self.queue = queue.Queue(max_queue_size)
        self.stop_signal = threading.Event()
        self.run_thread = threading.Thread(target=self._run, daemon=True)
        self.run_thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Stop fetching; batches that wait are dropped."""
        if self.stop_signal is None or self.run_thread is None:
            return
        self.stop_signal.set()
        if self.run_thread is not threading.current_thread():  # it may be the last that knows of this object
            self.run_thread.join(timeout)

    def __del__(self) -> None:
        if self.is_running():
            self.stop()

    def _put(self, future: Future[Any] | None) -> bool:
        """Let a batch wait for the caller; False: it was stopped before there was room."""
        while self.is_running() and self.queue is not None:
            try:
                self.queue.put(future, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    @abstractmethod
    def _run(self) -> None:
        raise NotImplementedError

    def get(self) -> Iterator[Any]:
        """The batches, in order; what fetching them raises is raised here."""
        while self.is_running() and self.queue is not None:
            try:
                future = self.queue.get(timeout=0.1)
            except queue.Empty:
                continue
            if future is None:
                return
            try:
                batch = future.result()
            except StopIteration:
                return
            except Exception:
                self.stop()
                raise
            if batch is not None:
                yield batch


class OrderedEnqueuer(SequenceEnqueuer):
    """Fetches the batches of a `Sequence`, again and again.

    Args:
        sequence: the `Sequence`.
        use_multiprocessing: see `SequenceEnqueuer`.
        shuffle: in another order each time?
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _run(self) -> None:
        with ThreadPoolExecutor(self.workers) as pool:
            while self.is_running():
                order = list(range(len(self.sequence)))
                if self.shuffle:
                    random.shuffle(order)
                fetched = []
                for i in order:
                    fetched.append(pool.submit(self.sequence.__getitem__, i))
                    if not self._put(fetched[-1]):
                        return
                for future in fetched:  # an epoch ends when all of its batches are there
                    future.exception()
                self.sequence.on_epoch_end()


class GeneratorEnqueuer(SequenceEnqueuer):
    """Fetches what a generator gives.

    Args:
        generator: the generator; with several workers, it must allow calls from several threads.
        use_multiprocessing: see `SequenceEnqueuer`.
        random_seed: accepted.
    """

    def __init__(
        self, generator: Any, use_multiprocessing: bool = False, random_seed: int | None = None
    ) -> None:
        super().__init__(generator, use_multiprocessing)
        self.random_seed = random_seed

    def _run(self) -> None:
        end = object()
        with ThreadPoolExecutor(self.workers) as pool:
            while self.is_running():
                future = pool.submit(next, self.sequence, end)
                if future.exception() is None and future.result() is end:
                    self._put(None)
                    return
                if not self._put(future):
                    return
