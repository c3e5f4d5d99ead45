"""Writers of summaries: to an event file, or to nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from calque_runtime import dtypes
from calque_runtime.events import SummaryWriter as WriterState

from ..api.arguments import tensor
from ..api.debugging_ops import no_op
from ..api.raw import raw
from ..context import init_scope, state
from ..errors import UnimplementedError
from ..tensor import EagerTensor, SymbolicTensor
from .state import summaries

__all__ = ["FileWriter", "SummaryWriter", "create_file_writer", "create_noop_writer", "flush"]

_QUEUE, _FLUSH_MILLIS, _SUFFIX = 10, 2 * 60 * 1000, ".v2"


class SummaryWriter:
    """What summaries are written to: made by `create_file_writer` or `create_noop_writer`."""

    def as_default(self, step: Any = None) -> Any:
        """A context in which summaries go to this writer; `step`, where it is given, is the default step there."""
        return _AsDefault(self, step)

    def set_as_default(self, step: Any = None) -> None:
        """Let this thread's summaries go to this writer; `step`, where it is given, is the default step from now on."""
        self.as_default(step).__enter__()

    def init(self) -> Any:
        """Open the file; a writer made outside of graphs is open already."""
        raise NotImplementedError

    def flush(self) -> Any:
        """Write to the file what waits to be written."""
        raise NotImplementedError

    def close(self) -> Any:
        """Write what waits, and close the writer."""
        raise NotImplementedError


class _AsDefault:
    """A class, and no generator, so that `set_as_default` can enter it and let it go."""

    def __init__(self, writer: SummaryWriter, step: Any) -> None:
        self._writer = writer
        self._step = step
        self._before: list[tuple[Any, Any]] = []

    def __enter__(self) -> SummaryWriter:
        self._before.append((summaries.writer, summaries.step))
        summaries.writer = self._writer
        if self._step is not None:
            summaries.step = self._step
        return self._writer

    def __exit__(self, *exc: object) -> None:
        if summaries.writer is not None:
            summaries.writer.flush()
        summaries.writer, step = self._before.pop()
        if self._step is not None:
            summaries.step = step


class FileWriter(SummaryWriter):
    """Writes to an event file; in a graph, when the graph runs.

    Attributes:
        resource: the writer, as a tensor for ops.
    """

    def __init__(self, logdir: str, max_queue: Any, flush_millis: Any, filename_suffix: Any) -> None:
        self._state = WriterState(os.path.basename(os.path.normpath(logdir)))
        self.resource = EagerTensor(self._state, dtypes.resource)
        self._closed = False
        raw("CreateSummaryFileWriter")(
            self.resource,
            tensor(logdir),
            tensor(max_queue, dtypes.int32),
            tensor(flush_millis, dtypes.int32),
            tensor(filename_suffix),
        )

    def as_default(self, step: Any = None) -> Any:
        """See `SummaryWriter.as_default`.

        Raises:
            RuntimeError: it is closed.
        """
        self._check_open()
        return super().as_default(step)

    def init(self) -> Any:
        """See `SummaryWriter.init`.

        Raises:
            RuntimeError: it is closed.
        """
        self._check_open()
        return no_op()

    def flush(self) -> Any:
        """See `SummaryWriter.flush`."""
        return None if self._is_closed() else raw("FlushSummaryWriter")(self.resource)

    def close(self) -> Any:
        """See `SummaryWriter.close`."""
        if self._is_closed():
            return None
        done = raw("CloseSummaryWriter")(self.resource)
        self._closed = state.trace is None
        return done

    def _is_closed(self) -> bool:
        return state.trace is None and self._closed

    def _check_open(self) -> None:
        if self._is_closed():
            raise RuntimeError(f"SummaryWriter {self!r} is already closed")


class _NoopWriter(SummaryWriter):
    @contextmanager
    def as_default(self, step: Any = None) -> Iterator[None]:
        """Changes nothing."""
        yield

    def set_as_default(self, step: Any = None) -> None:
        """Changes nothing."""

    def init(self) -> None:
        """Does nothing."""

    def flush(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


def create_file_writer(
    logdir: Any,
    max_queue: Any = None,
    flush_millis: Any = None,
    filename_suffix: Any = None,
    name: str | None = None,
    experimental_trackable: bool = False,
    experimental_mesh: Any = None,
) -> SummaryWriter:
    """A writer to a new event file in a directory.

    Made in a traced function, it is made when the function is traced, and stays the same in every call.

    Args:
        logdir: the directory; made where it is missing.
        max_queue: as many summaries wait before they are written to the file; 10 by default.
        flush_millis: no longer than that between two summaries; 120,000 by default.
        filename_suffix: ends the file's name; ".v2" by default.
        name: accepted.
        experimental_trackable: must be False.
        experimental_mesh: must be None.

    Raises:
        ValueError: `logdir` is None, or an argument a tensor of a graph.
        UnimplementedError: a writer that can be saved, or one for a mesh, is asked for.
        OpError: the directory or file cannot be made.
    """
    if logdir is None:
        raise ValueError("Argument `logdir` cannot be None")
    if experimental_trackable or experimental_mesh is not None:
        raise UnimplementedError(
            None,
            None,
            "a summary writer cannot be saved with a model, nor be on a mesh of devices: make it where it is used, "
            "without `experimental_trackable` and `experimental_mesh`.",
        )
    given = {
        "logdir": logdir,
        "max_queue": _QUEUE if max_queue is None else max_queue,
        "flush_millis": _FLUSH_MILLIS if flush_millis is None else flush_millis,
        "filename_suffix": _SUFFIX if filename_suffix is None else filename_suffix,
    }
    for key, value in given.items():
        if isinstance(value, SymbolicTensor):
            raise ValueError(
                f"Invalid graph Tensor argument '{key}={value}' to create_file_writer() inside an @tf.function. The "
                "create call will be lifted into the outer eager execution context, so it cannot consume graph tensors "
                "defined inside the function body."
            )
    given["logdir"] = _path(logdir)
    with init_scope():
        return FileWriter(**given)


def _path(logdir: Any) -> str:
    value = logdir.numpy() if isinstance(logdir, EagerTensor) else logdir
    return os.fsdecode(value)


def create_noop_writer() -> SummaryWriter:
    """A writer that does nothing, for code that wants one."""
    return _NoopWriter()


def flush(writer: SummaryWriter | None = None, name: str | None = None) -> Any:
    """Write to its file what a writer (the default one) was given so far.

    Raises:
        ValueError: `writer` is no writer.
    """
    if writer is None:
        writer = summaries.writer
        if writer is None:
            return no_op()
    if not isinstance(writer, SummaryWriter):
        raise ValueError(f"Invalid argument to flush(): {writer!r}")
    return writer.flush()
