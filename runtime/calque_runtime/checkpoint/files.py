"""Files that appear whole or not at all, and file errors under calque's names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ..errors import FailedPreconditionError, NotFoundError, PermissionDeniedError, UnknownError

__all__ = [
    "create_temporary",
    "file_errors",
    "is_there",
    "make_directories",
    "sync_directory",
    "write_all",
    "write_whole",
]


@contextlib.contextmanager
def file_errors(path: str, advice: str = "") -> Iterator[None]:
    """Turns the system's errors about `path` into calque's.

    Args:
        path: the file that is worked on.
        advice: what to say further when it does not exist.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(None, None, f"{path} does not exist.{advice}") from error
    except PermissionError as error:
        raise PermissionDeniedError(None, None, f"{path}: permission denied.") from error
    except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
        raise FailedPreconditionError(None, None, f"{path}: {error.strerror}.") from error
    except OSError as error:
        raise UnknownError(None, None, f"{path}: {error.strerror or error}.") from error


def is_there(path: str) -> bool:
    """Is there a file `path`? A pipe or a device in its place is refused: reading it might never end.

    Raises:
        FailedPreconditionError: it is neither a file nor a directory.
    """
    if os.path.isfile(path) or os.path.isdir(path):  # that a directory is no file, opening it will say
        return True
    if os.path.exists(path):
        raise FailedPreconditionError(None, None, f"{path} is not a regular file.")
    return False


def make_directories(path: str) -> list[str]:
    """Makes the directory `path` and those above it; returns the ones that were not there, deepest first."""
    missing = []
    while path and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for directory in reversed(missing):
        with file_errors(directory), contextlib.suppress(FileExistsError):
            os.mkdir(directory)
    return missing


def create_temporary(path: str) -> tuple[str, Any]:
    """A new file beside `path`, to be renamed to it once it is whole: (its name, the unbuffered file)."""
    temporary = f"{path}.tmp-{os.urandom(6).hex()}"
    with file_errors(path):
        return temporary, open(temporary, "xb", buffering=0)


def sync_directory(path: str) -> None:
    """Makes renames beside the file `path` last through a power failure, where that can be asked for."""
    with contextlib.suppress(OSError):
        descriptor = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(path: str, data: bytes) -> None:
    """Writes `data` to the file `path`: a reader finds what was there before, or all of it.

    Raises:
        OpError: the system does not allow it; nothing is left behind then.
    """
    temporary, file = create_temporary(path)
    try:
        with file_errors(path):
            with file:
                write_all(file, data)
                os.fsync(file.fileno())
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(path)


def write_all(file: Any, data: Any) -> None:
    """Writes all of a contiguous buffer to an unbuffered file, which may take it a part at a time."""
    written = file.write(data)
    size = memoryview(data).nbytes
    while written < size:
        written += file.write(memoryview(data).cast("B")[written:])
