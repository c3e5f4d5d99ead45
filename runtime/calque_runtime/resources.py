"""Resources: the state that functions share. A resource tensor is the Python object itself."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import DType
from .errors import FailedPreconditionError, InvalidArgumentError
from .shapes import Shape, compatible, format_shape

__all__ = ["EPOCH", "Variable"]


class _Epoch:
    """A number that changes whenever any variable is assigned to: one look tells that nothing has changed."""

    __slots__ = ("_numbers", "value")

    def __init__(self) -> None:
        self._numbers = itertools.count(1)  # whose `next` is atomic
        self.value = 0

    def advance(self) -> None:
        """A variable has changed; its version says so already."""
        self.value = next(self._numbers)


EPOCH = _Epoch()


class Variable:
    """A variable's state.

    A value is never changed in place: an assignment replaces the array, so that a value once read stays what it was,
    and a mapped file is never written to. `version` counts assignments, for those who cache what they derive.

    Attributes:
        dtype: its element type.
        shape: the static shape that every value must fit.
        name: for messages.
        version: the number of assignments so far.
        lock: held while reading, computing and assigning a new value belong together.
    """

    __slots__ = ("_load", "_value", "dtype", "lock", "name", "shape", "version")

    def __init__(
        self,
        dtype: DType,
        shape: Shape,
        name: str = "",
        value: Any = None,
        load: Callable[[], Any] | None = None,
    ) -> None:
        self.dtype = dtype
        self.shape = shape
        self.name = name
        self.lock = threading.RLock()
        self.version = 0
        self._value = value
        self._load = load

    @property
    def initialized(self) -> bool:
        """Has it a value?"""
        return self._value is not None or self._load is not None

    @property
    def value(self) -> Any:
        """The array it holds; not to be written to.

        Raises:
            FailedPreconditionError: it has none yet.
        """
        value = self._value
        if value is not None:
            return value
        with self.lock:
            if self._value is None:
                if self._load is None:
                    raise FailedPreconditionError(
                        None,
                        None,
                        f"variable '{self.name}' has no value yet: initialize it, or restore a checkpoint",
                    )
                self._value = self._load()
                self._load = None
            return self._value

    def defer(self, load: Callable[[], Any]) -> None:
        """Take the value from `load` when it is first read."""
        with self.lock:
            self._value, self._load = None, load
            self._changed()

    def assign(self, value: Any) -> None:
        """Replace the value.

        Raises:
            InvalidArgumentError: its shape or dtype does not fit.
        """
        array = np.asarray(value)
        if array.dtype != self.dtype.np:
            raise InvalidArgumentError(
                None, None, f"variable '{self.name}' is {self.dtype.name}, cannot be assigned {array.dtype}"
            )
        if array.shape != self.shape and not compatible(self.shape, array.shape):
            raise InvalidArgumentError(
                None,
                None,
                f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable shape "
                f"{format_shape(self.shape)}, and the assigned value shape {format_shape(array.shape)} are "
                "incompatible.",
            )
        with self.lock:
            self._value, self._load = array, None
            self._changed()

    def update(self, change: Callable[[Any], Any]) -> Any:
        """Replace the value by ``change(value)``, with no other update in between; returns the new value."""
        with self.lock:
            self.assign(change(self.value))
            return self._value

    def clear(self) -> None:
        """Drop the value: the variable is uninitialized again."""
        with self.lock:
            self._value = self._load = None
            self._changed()

    def _changed(self) -> None:
        self.version += 1
        EPOCH.advance()

    def __repr__(self) -> str:
        return f"<variable {self.name}: {self.dtype.name}{format_shape(self.shape)}>"
