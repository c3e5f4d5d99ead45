"""`tf.profiler.experimental`: records which functions and ops run when, and for how long.

Noted are calls of functions, with every op of their plans (of functions in loaded models, too), and what `Trace` marks.
Ops that run outside of functions are not. The record is a file ``plugins/profile/<time>/<host>.trace.json.gz`` in the
format of Chrome's trace viewer: https://ui.perfetto.dev and chrome://tracing open it. It is not the XPlane file that
TensorFlow writes.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
import time
from collections import namedtuple
from typing import Any

from calque_runtime.checkpoint.files import file_errors
from calque_runtime.plan import watch
from calque_runtime.plan.timed import Recorder, Span

from ..errors import AlreadyExistsError, UnavailableError

__all__ = ["Profile", "ProfilerOptions", "Trace", "start", "stop"]

ProfilerOptions = namedtuple(
    "ProfilerOptions",
    ["host_tracer_level", "python_tracer_level", "device_tracer_level", "delay_ms"],
    defaults=[2, 0, 1, None],
)
ProfilerOptions.__doc__ = "TensorFlow's options of the profiler; accepted, and of no effect."


class _Session:
    """A profiler that runs: where it writes, and what it has seen."""

    def __init__(self, logdir: str) -> None:
        self.logdir = logdir
        self.recorder = Recorder()
        self.began = time.perf_counter_ns()


_session: _Session | None = None
_lock = threading.Lock()


def start(logdir: Any, options: Any = None) -> None:
    """Begin to record, in all threads.

    Args:
        logdir: the directory that `stop` writes to.
        options: a `ProfilerOptions`; accepted.

    Raises:
        AlreadyExistsError: it is recording already.
    """
    global _session
    with _lock:
        if _session is not None:
            raise AlreadyExistsError(None, None, "Another profiler is running.")
        _session = _Session(os.fspath(logdir))
        watch.add(_session.recorder)


def stop(save: bool = True) -> None:
    """Stop recording, and write what was recorded, unless not to `save`.

    Raises:
        UnavailableError: it was not recording.
        OpError: the file cannot be written.
    """
    global _session
    with _lock:
        session, _session = _session, None
    if session is None:
        raise UnavailableError(None, None, "Cannot export profiling results. No profiler is running.")
    watch.remove(session.recorder)
    if save:
        _write(session)


class Profile:
    """Records what runs in its context: ``with tf.profiler.experimental.Profile(logdir): ...``.

    Args:
        logdir: the directory that the record is written to.
        options: a `ProfilerOptions`; accepted.
    """

    def __init__(self, logdir: Any, options: Any = None) -> None:
        self._logdir = logdir
        self._options = options

    def __enter__(self) -> None:
        start(self._logdir, self._options)

    def __exit__(self, *exc: object) -> None:
        stop()


class Trace:
    """Marks a part of the program in the record: ``with tf.profiler.experimental.Trace("train", step_num=3): ...``.

    Args:
        name: what it is called.
        **kwargs: what else the record says of it.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        self._name = name
        self._details = {key: str(value) for key, value in kwargs.items()}
        self._start = 0

    def set_metadata(self, **kwargs: Any) -> None:
        """Add to what the record says of it."""
        self._details.update((key, str(value)) for key, value in kwargs.items())

    def __enter__(self) -> Trace:
        self._start = time.perf_counter_ns()
        return self

    def __exit__(self, *exc: object) -> None:
        session = _session
        if session is not None:
            session.recorder.note(self._name, "trace", self._start, self._details)


def _write(session: _Session) -> None:
    directory = os.path.join(session.logdir, "plugins", "profile", time.strftime("%Y_%m_%d_%H_%M_%S"))
    path = os.path.join(directory, f"{socket.gethostname()}.trace.json.gz")
    events = [_event(span, session.began) for span in session.recorder.spans]
    with file_errors(path):
        os.makedirs(directory, exist_ok=True)
        with gzip.open(path, "wt", encoding="utf-8") as file:
            json.dump({"displayTimeUnit": "ns", "traceEvents": events}, file)


def _event(span: Span, began: int) -> dict[str, Any]:
    """A complete event of the trace format: times in microseconds."""
    name, kind, thread, start_ns, duration, details = span
    return {
        "ph": "X",
        "name": name,
        "cat": kind,
        "pid": os.getpid(),
        "tid": thread,
        "ts": (start_ns - began) / 1000,
        "dur": duration / 1000,
        "args": details,
    }
