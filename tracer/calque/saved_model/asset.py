"""Assets: files that belong to a model and travel with it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from calque_runtime import dtypes

from ..tensor import EagerTensor, Tensor
from ..trackable import Trackable

__all__ = ["Asset"]


class Asset(Trackable):
    """A file that a model needs, such as a vocabulary.

    Assign it to an attribute of the model: saving copies the file into the model's ``assets`` folder, and a loaded
    model's functions see the path of that copy.

    Args:
        path: the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        array = np.empty((), object)
        array[()] = self._path.encode()
        self._path_tensor = EagerTensor(array, dtypes.string)

    @property
    def asset_path(self) -> Tensor:
        """The path, as a string tensor; inside a saved function, the path of the saved copy."""
        return self._path_tensor

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Tensor:
        return self._path_tensor

    def __repr__(self) -> str:
        return f"<Asset {self._path}>"
