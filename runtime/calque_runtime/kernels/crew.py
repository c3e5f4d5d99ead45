"""Threads that share the work of one kernel: numpy lets go of the interpreter inside its loops.

A helper thread for each processor but one waits for work. Handing some over costs tens of microseconds, so kernels ask
for it only where there is a hundred times that to do. Whoever finds the helpers busy does its work alone.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from ..quiet import loud, quiet

__all__ = ["processors", "share"]


def processors() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


class _Job:
    """Pieces of work that several threads take one after the other.

    It is over when every piece is done, not when every helper has come: one without a processor keeps nobody waiting.
    """

    def __init__(self, work: Callable[[int], Any], count: int) -> None:
        self.work = work
        self.count = count
        self.next = itertools.count().__next__
        self.error: BaseException | None = None
        self.left = count
        self.lock = threading.Lock()
        self.done = threading.Lock()
        self.done.acquire()

    def run(self) -> None:
        """Do pieces until none is left."""
        work, count, following = self.work, self.count, self.next
        done = 0
        try:
            i = following()
            while i < count:
                done += 1
                work(i)
                i = following()
        except BaseException as e:
            self.error = e
            while following() < count:  # nobody need begin another
                done += 1
        if done:
            with self.lock:
                self.left -= done
                if not self.left:
                    self.done.release()

    def help(self) -> None:
        """`run`, in a helper's thread."""
        token = quiet()
        try:
            self.run()
        finally:
            loud(token)


class _Crew:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.queue: SimpleQueue[_Job] = SimpleQueue()
        self.size = 0
        self.process = 0

    def start(self) -> None:
        """Start the helpers, in the process that asks (a fork leaves threads behind)."""
        if self.process == os.getpid():
            return
        self.process = os.getpid()
        self.queue = SimpleQueue()
        self.size = processors() - 1
        for i in range(self.size):
            threading.Thread(target=self._wait, args=(self.queue,), name=f"calque-{i}", daemon=True).start()

    @staticmethod
    def _wait(queue: SimpleQueue[_Job]) -> None:
        while True:
            job = queue.get()
            job.help()
            del job


_crew = _Crew()


def share(work: Callable[[int], Any], count: int) -> None:
    """``work(0)`` to ``work(count - 1)``, each once, on all processors that are free; returns when all are done.

    Raises:
        BaseException: whatever a piece raised first; others may then not have run.
    """
    if count > 1 and _crew.lock.acquire(blocking=False):
        try:
            _crew.start()
            helpers = min(_crew.size, count - 1)
            if helpers:
                job = _Job(work, count)
                for _ in range(helpers):
                    _crew.queue.put(job)
                job.run()
                job.done.acquire()
                if job.error is not None:
                    raise job.error
                return
        finally:
            _crew.lock.release()
    for i in range(count):
        work(i)
