"""Looking into checkpoints on disk without objects."""

from __future__ import annotations

import os
from typing import Any

from calque_runtime.checkpoint import BundleReader, CheckpointState, latest_checkpoint, read_state

from .checkpoint import PathLike

__all__ = ["get_checkpoint_state", "latest_checkpoint", "list_variables", "load_checkpoint", "load_variable"]


def get_checkpoint_state(
    checkpoint_dir: PathLike, latest_filename: str | None = None
) -> CheckpointState | None:
    """What the state file of a directory says, or None when there is none.

    Args:
        checkpoint_dir: the directory.
        latest_filename: the state file's name, if it is not ``checkpoint``.

    Raises:
        DataLossError: the state file is damaged.
    """
    return read_state(checkpoint_dir, latest_filename)


def load_checkpoint(ckpt_dir_or_file: PathLike) -> BundleReader:
    """A reader of a checkpoint: `get_tensor`, `has_tensor`, `get_variable_to_shape_map` and `..._dtype_map`.

    Args:
        ckpt_dir_or_file: the path of a checkpoint, or a directory, which gives its newest.

    Raises:
        ValueError: there is none in the directory.
        NotFoundError: there is no such checkpoint.
        DataLossError: it is damaged.
    """
    path = os.fspath(ckpt_dir_or_file)
    if os.path.isdir(path):
        latest = latest_checkpoint(path)
        if latest is None:
            raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
        path = latest
    return BundleReader(path)


def list_variables(ckpt_dir_or_file: PathLike) -> list[tuple[str, list[int]]]:
    """The name (key) and shape of each tensor in a checkpoint, sorted by name.

    Args:
        ckpt_dir_or_file: as for `load_checkpoint`.

    Raises:
        ValueError, NotFoundError, DataLossError: as `load_checkpoint`.
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: PathLike, name: str) -> Any:
    """The value of one tensor in a checkpoint: an array, or a scalar (bytes for a string) where its shape is ().

    Args:
        ckpt_dir_or_file: as for `load_checkpoint`.
        name: its name (key). A trailing ``:0`` is left out.

    Raises:
        ValueError, NotFoundError, DataLossError: as `load_checkpoint`; NotFoundError also for a name not in it.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))[()]
