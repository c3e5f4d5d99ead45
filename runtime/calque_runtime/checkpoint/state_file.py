"""The text file ``checkpoint`` that says which checkpoints a directory holds."""

from __future__ import annotations

import os

from ..wire.bundle import CheckpointState, decode_checkpoint_state, encode_checkpoint_state
from .files import file_errors, make_directories, write_whole

__all__ = ["CheckpointState", "latest_checkpoint", "read_state", "write_state"]

_FILENAME = "checkpoint"


def read_state(
    directory: str | os.PathLike[str], latest_filename: str | None = None
) -> CheckpointState | None:
    """What the state file of `directory` says, or None when there is none.

    Paths that the file gives relative to the directory come back with the directory in front.

    Args:
        directory: where the checkpoints are.
        latest_filename: the state file's name, when it is not ``checkpoint``.

    Raises:
        DataLossError: the file is damaged.
    """
    directory = os.fspath(directory)
    path = os.path.join(directory, latest_filename or _FILENAME)
    with file_errors(path):
        try:
            with open(path, "rb") as file:
                text = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
    state = decode_checkpoint_state(text, path)
    if state.model_checkpoint_path:
        state.model_checkpoint_path = os.path.join(directory, state.model_checkpoint_path)
    state.all_model_checkpoint_paths = [os.path.join(directory, p) for p in state.all_model_checkpoint_paths]
    return state


def write_state(
    directory: str | os.PathLike[str], state: CheckpointState, latest_filename: str | None = None
) -> None:
    """Writes the state file of `directory`, whole or not at all.

    Paths are written relative to the directory, so that it can be moved. The newest checkpoint is added to
    the list of all when it is not in it.

    Args:
        directory: where the checkpoints are; made when it is not there.
        state: what to write; its paths are absolute or relative to the working directory.
        latest_filename: the state file's name, when it is not ``checkpoint``.
    """
    directory = os.fspath(directory)
    newest = _relative(state.model_checkpoint_path, directory)
    paths = [_relative(path, directory) for path in state.all_model_checkpoint_paths]
    if newest and newest not in paths:
        paths.append(newest)
    text = encode_checkpoint_state(
        CheckpointState(newest, paths, state.all_model_checkpoint_timestamps, state.last_preserved_timestamp)
    )
    make_directories(directory)
    write_whole(
        os.path.join(directory, latest_filename or _FILENAME), text.encode("utf-8", "surrogateescape")
    )


def latest_checkpoint(directory: str | os.PathLike[str], latest_filename: str | None = None) -> str | None:
    """The prefix of the newest checkpoint in `directory`, or None when there is none.

    Args:
        directory: where the checkpoints are.
        latest_filename: the state file's name, when it is not ``checkpoint``.

    Raises:
        DataLossError: the state file is damaged.
    """
    state = read_state(directory, latest_filename)
    if state is None or not state.model_checkpoint_path:
        return None
    return state.model_checkpoint_path if os.path.exists(state.model_checkpoint_path + ".index") else None


def _relative(path: str, directory: str) -> str:
    return os.path.relpath(path, directory or ".") if path else path
