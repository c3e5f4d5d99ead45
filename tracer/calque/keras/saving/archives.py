"""Model files that are no directories: HDF5 files are read, Keras 3's archives are refused with advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import UnimplementedError
from .hdf5 import load_model_file

__all__ = ["load_archive"]

_HDF5 = b"\x89HDF\r\n\x1a\n"


def load_archive(path: str, custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool) -> Any:
    """A model from a file; the arguments are those of `load_model`.

    Raises:
        UnimplementedError: it is a .keras archive, or something else than an HDF5 file.
    """
    from .serialization import safe_mode_scope

    with open(path, "rb") as file:
        start = file.read(8)
    if start == _HDF5:
        with safe_mode_scope(safe_mode):
            return load_model_file(path, custom_objects, compile)
    if start[:4] == b"PK\x03\x04":
        raise UnimplementedError(
            None,
            None,
            f"'{path}' is a .keras archive, which is not read. Convert it where it was made: with Keras 3, "
            "`model.export('directory')` gives a SavedModel for inference; with tf-keras, "
            "`model.save('directory', save_format='tf')` gives one that can be trained on.",
        )
    raise UnimplementedError(
        None, None, f"'{path}' is neither a SavedModel directory nor an HDF5 file of Keras 2."
    )
