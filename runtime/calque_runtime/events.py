"""Event files: records of what a training run logs, for TensorBoard to show.

A file is a sequence of TFRecords, each an Event message: its length (8 bytes, little endian), their masked checksum,
the message, its masked checksum. The first one names the version of the format.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import threading
import time
import weakref

from .checkpoint.crc import crc32c, mask
from .checkpoint.files import file_errors
from .errors import NotFoundError

__all__ = ["EventFile", "SummaryWriter", "as_record"]

_numbers = itertools.count()  # files of one process in one second have names of their own


def as_record(data: bytes) -> bytes:
    """`data` as a TFRecord."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        [length, struct.pack("<I", mask(crc32c(length))), data, struct.pack("<I", mask(crc32c(data)))]
    )


class EventFile:
    """A new event file in a directory. What is written is kept until it is many, or old, or `flush` is called.

    Whatever is left is written when the object goes, or the process ends. No file stays open in between.

    Args:
        logdir: the directory; made where it is missing.
        max_queue: as many events wait; one more, and all are written.
        flush_millis: an event that comes so long after the last flush is written at once, with those that wait.
        suffix: what the file's name ends in.

    Attributes:
        path: the file.

    Raises:
        OpError: the directory or file cannot be made.
    """

    def __init__(
        self, logdir: str, max_queue: int = 10, flush_millis: int = 120_000, suffix: str = ".v2"
    ) -> None:
        from .wire.events import encode_version_event

        suffix = suffix if suffix.startswith(".") else f".{suffix}"
        host = socket.gethostname()
        name = f"events.out.tfevents.{int(time.time()):010d}.{host}.{os.getpid()}.{next(_numbers)}{suffix}"
        self.path = os.path.join(logdir, name)
        self._max_queue = max_queue
        self._flush_seconds = flush_millis / 1000
        self._lock = threading.Lock()
        self._waiting: list[bytes] = [as_record(encode_version_event(time.time()))]
        with file_errors(logdir):
            os.makedirs(logdir, exist_ok=True)
        self.flush()
        self._left = weakref.finalize(self, _write_the_rest, self.path, self._waiting)

    def write(self, event: bytes) -> None:
        """Add an Event message.

        Raises:
            OpError: it is time to write, and the file cannot be written.
        """
        with self._lock:
            self._waiting.append(as_record(event))
            if len(self._waiting) > self._max_queue or time.monotonic() - self._flushed > self._flush_seconds:
                self._flush()

    def flush(self) -> None:
        """Write what waits.

        Raises:
            OpError: the file cannot be written.
        """
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        with file_errors(self.path):
            _append(self.path, self._waiting)
        self._flushed = time.monotonic()


def _append(path: str, records: list[bytes]) -> None:
    """Write `records` at the end of a file, and forget them."""
    with open(path, "ab") as file:
        file.write(b"".join(records))
    records.clear()


def _write_the_rest(path: str, records: list[bytes]) -> None:
    if records:
        with contextlib.suppress(OSError):  # there is nobody left to tell
            _append(path, records)


class SummaryWriter:
    """The resource that summary ops write to.

    Attributes:
        name: for messages.
        file: where events go; None before it is opened, and after it was closed.
    """

    __slots__ = ("__weakref__", "file", "name")

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.file: EventFile | None = None

    def opened(self) -> EventFile:
        """Where events go.

        Raises:
            NotFoundError: it was closed, or not opened yet.
        """
        file = self.file
        if file is None:
            raise NotFoundError(
                None, None, f"{self!r} is closed, or not open yet: nothing can be written to it"
            )
        return file

    def close(self) -> None:
        """Write what waits; from now on nothing can be written.

        Raises:
            OpError: the file cannot be written.
        """
        if self.file is not None:
            self.file.flush()
            self.file = None

    def __repr__(self) -> str:
        return f"<summary writer {self.name}>"
