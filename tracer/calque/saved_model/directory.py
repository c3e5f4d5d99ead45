"""A model's directory that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from calque_runtime.checkpoint.files import file_errors, make_directories, sync_directory
from calque_runtime.errors import FailedPreconditionError

__all__ = ["new_directory"]

# What a SavedModel consists of: replaced as a whole. Anything else in the directory is the user's, and stays.
_PARTS = frozenset(
    {
        "saved_model.pb",
        "saved_model.pbtxt",
        "variables",
        "assets",
        "fingerprint.pb",
        "keras_metadata.pb",
        "debug",
    }
)


@contextmanager
def new_directory(path: str) -> Iterator[str]:
    """A temporary directory beside `path` to write a model into; it takes the place of `path` at the end.

    What was at `path` stays as it is until the new directory is complete and on the disk; if the block raises, it stays
    for good and the temporary directory is removed. Files at `path` that are no part of a model are taken over.

    Raises:
        FailedPreconditionError: there is a file at `path`.
        OpError: the system does not allow it.
    """
    target = os.path.abspath(path)
    if os.path.lexists(target) and not os.path.isdir(target):
        raise FailedPreconditionError(None, None, f"{path} is a file: a SavedModel is a directory.")
    if os.path.islink(target):
        target = os.path.realpath(target)
    made = make_directories(os.path.dirname(target))
    unique = os.urandom(6).hex()
    temporary = f"{target}.tmp-{unique}"
    try:
        with file_errors(path):
            os.mkdir(temporary)
            yield temporary
            _sync_tree(temporary)
            _take_place(temporary, target, f"{target}.old-{unique}")
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for directory in made:
            with suppress(OSError):
                os.rmdir(directory)
        raise
    sync_directory(target)


def _take_place(temporary: str, target: str, aside: str) -> None:
    if not os.path.isdir(target):
        os.rename(temporary, target)
        return
    # A directory cannot be renamed onto one that is not empty: the old one steps aside for the moment in between.
    os.rename(target, aside)
    try:
        os.rename(temporary, target)
    except BaseException:
        os.rename(aside, target)
        raise
    for name in os.listdir(aside):
        if name not in _PARTS and not os.path.lexists(os.path.join(target, name)):
            os.rename(os.path.join(aside, name), os.path.join(target, name))
    shutil.rmtree(aside, ignore_errors=True)


def _sync_tree(directory: str) -> None:
    """Make everything in the directory last through a power failure before it takes its place."""
    for folder, _, files in os.walk(directory):
        for name in files:
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_directory(os.path.join(folder, "."))
