"""`PythonState`: Python values in checkpoints."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..trackable import Trackable

__all__ = ["PythonState"]


class PythonState(Trackable, metaclass=abc.ABCMeta):
    """An object whose state is a string of bytes in a checkpoint, made and taken by methods of the subclass."""

    @abc.abstractmethod
    def serialize(self) -> Any:
        """The state: bytes, or text."""

    @abc.abstractmethod
    def deserialize(self, string_value: bytes) -> None:
        """Take a state that `serialize` gave."""

    def _serialize_to_tensors(self) -> Mapping[str, Any]:
        state = self.serialize()
        array = np.empty((), object)
        array[()] = state.encode() if isinstance(state, str) else bytes(state)
        return {"py_state": array}

    def _restore_from_tensors(self, restored: Mapping[str, Any]) -> None:
        self.deserialize(restored["py_state"][()])
