"""`tf.io.gfile`: files and folders of this machine."""

from __future__ import annotations

import builtins
import glob as _glob
import os
import shutil
from collections.abc import Iterator
from typing import Any

from calque_runtime.errors import AlreadyExistsError, NotFoundError

__all__ = [
    "GFile",
    "copy",
    "exists",
    "glob",
    "isdir",
    "join",
    "listdir",
    "makedirs",
    "mkdir",
    "remove",
    "rename",
    "rmtree",
    "walk",
]


def _path(path: Any) -> str:
    return os.fsdecode(path)


def _missing(path: Any) -> NotFoundError:
    return NotFoundError(None, None, f"{_path(path)}; No such file or directory")


class GFile:
    """A file, opened when it is first read or written; also a context manager.

    Args:
        name: its path.
        mode: as of `open`.
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        self._name, self._mode = _path(name), mode
        self._file: Any = None

    def _opened(self) -> Any:
        if self._file is None:
            try:
                encoding = None if "b" in self._mode else "utf-8"
                self._file = builtins.open(self._name, self._mode, encoding=encoding)  # noqa: SIM115
            except FileNotFoundError:
                raise _missing(self._name) from None
        return self._file

    @property
    def name(self) -> str:
        """The path."""
        return self._name

    @property
    def mode(self) -> str:
        """How it was opened."""
        return self._mode

    def read(self, n: int = -1) -> Any:
        """`n` characters (or bytes); -1: the rest."""
        return self._opened().read(n)

    def readline(self) -> Any:
        """The next line."""
        return self._opened().readline()

    def readlines(self) -> list[Any]:
        """The lines that are left."""
        lines: list[Any] = self._opened().readlines()
        return lines

    def write(self, file_content: Any) -> None:
        """Write."""
        self._opened().write(file_content)

    def seek(self, offset: int, whence: int = 0) -> None:
        """Go to a place."""
        self._opened().seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        place: int = self._opened().tell()
        return place

    def size(self) -> int:
        """The file's size in bytes."""
        return os.path.getsize(self._name)

    def flush(self) -> None:
        """Write what waits to be written."""
        self._opened().flush()

    def close(self) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> GFile:
        self._opened()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._opened())


def exists(path: Any) -> bool:
    """Is there such a file or folder?"""
    return os.path.exists(_path(path))


def isdir(path: Any) -> bool:
    """Is it a folder?"""
    return os.path.isdir(_path(path))


def listdir(path: Any) -> list[str]:
    """The names in a folder.

    Raises:
        NotFoundError: there is none.
    """
    if not isdir(path):
        raise NotFoundError(None, None, "Could not find directory")
    return os.listdir(_path(path))


def glob(pattern: Any) -> list[str]:
    """The paths that match a pattern, or one of several, sorted."""
    many = [pattern] if isinstance(pattern, (str, bytes, os.PathLike)) else list(pattern)
    return sorted(path for one in many for path in _glob.glob(_path(one)))


def makedirs(path: Any) -> None:
    """Make a folder, and those it is in; it may be there."""
    os.makedirs(_path(path), exist_ok=True)


def mkdir(path: Any) -> None:
    """Make a folder.

    Raises:
        AlreadyExistsError: it is there.
        NotFoundError: the folder it is to be in is not.
    """
    try:
        os.mkdir(_path(path))
    except FileExistsError:
        raise AlreadyExistsError(None, None, f"{_path(path)}; File exists") from None
    except FileNotFoundError:
        raise _missing(path) from None


def remove(path: Any) -> None:
    """Remove a file.

    Raises:
        NotFoundError: there is none.
    """
    try:
        os.remove(_path(path))
    except FileNotFoundError:
        raise _missing(path) from None


def rmtree(path: Any) -> None:
    """Remove a folder with all that is in it.

    Raises:
        NotFoundError: there is none.
    """
    if not exists(path):
        raise _missing(path)
    shutil.rmtree(_path(path))


def _check_target(path: Any, overwrite: bool) -> None:
    if not overwrite and exists(path):
        raise AlreadyExistsError(None, None, f"file already exists: {_path(path)}")


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copy a file.

    Raises:
        AlreadyExistsError: there is a file at `dst`, and `overwrite` is False.
        NotFoundError: there is no file at `src`.
    """
    _check_target(dst, overwrite)
    try:
        shutil.copyfile(_path(src), _path(dst))
    except FileNotFoundError:
        raise _missing(src) from None


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Give a file or folder another name.

    Raises:
        AlreadyExistsError: `dst` is there, and `overwrite` is False.
        NotFoundError: there is nothing at `src`.
    """
    _check_target(dst, overwrite)
    try:
        os.replace(_path(src), _path(dst))
    except FileNotFoundError:
        raise _missing(src) from None


def join(path: Any, *paths: Any) -> str:
    """Parts of a path as one."""
    return os.path.join(_path(path), *map(_path, paths))


def walk(top: Any, topdown: bool = True, onerror: Any = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`: (folder, folders in it, files in it) for each folder from `top` on."""
    return os.walk(_path(top), topdown, onerror)
