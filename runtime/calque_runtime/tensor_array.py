"""TensorArrays: what the loops of TF1 graphs write to and read from, an object that lives for one run."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import DType
from .errors import InvalidArgumentError
from .lists import add
from .shapes import Shape, compatible, format_shape, is_static, merge

__all__ = ["TensorArray"]


class TensorArray:
    """An array of tensors, each written once, and read once where reading clears.

    Attributes:
        dtype: of the tensors.
        element_shape: the static shape that every tensor has to fit.
        dynamic: does a write behind the end make it longer?
        clear: is a tensor dropped once it was read?
        identical: has every tensor the shape of the first one written?
        aggregate: is what is written a second time added to what is there, as gradients are?
        gradients: the arrays of its gradients, by the name of the calculation that they belong to.
    """

    __slots__ = (
        "_cleared",
        "_items",
        "aggregate",
        "clear",
        "closed",
        "dtype",
        "dynamic",
        "element_shape",
        "gradients",
        "identical",
    )

    def __init__(
        self,
        dtype: DType,
        size: int,
        element_shape: Shape = None,
        dynamic: bool = False,
        clear: bool = True,
        identical: bool = False,
        aggregate: bool = False,
    ) -> None:
        self.dtype = dtype
        self.element_shape = element_shape
        self.dynamic = dynamic
        self.clear = clear
        self.identical = identical
        self.aggregate = aggregate
        self.closed = False
        self.gradients: dict[bytes, TensorArray] = {}
        self._items: list[Any] = [None] * size
        self._cleared: set[int] = set()

    @property
    def size(self) -> int:
        """The number of tensors, written or not."""
        return len(self._items)

    def close(self) -> None:
        """Drop the tensors: it cannot be used any more."""
        self.closed = True
        self._items = []

    def grow(self, size: int) -> None:
        """Make it at least `size` long."""
        self._items.extend([None] * (size - len(self._items)))

    def write(self, i: int, value: Any) -> None:
        """Make `value` its tensor `i`.

        Raises:
            InvalidArgumentError: there is no place `i`, it has been written or read, or the shape does not fit.
        """
        if i >= len(self._items) and self.dynamic:
            self.grow(i + 1)
        if not 0 <= i < len(self._items):
            raise _error(
                f"Tried to write to index {i} but array is not resizeable and size is: {len(self._items)}"
            )
        shape = np.shape(value)
        if not compatible(self.element_shape, shape):
            raise _error(
                f"Could not write to TensorArray index {i} because the value shape is {format_shape(shape)} which is "
                f"incompatible with the TensorArray's element shape: {format_shape(self.element_shape)}"
            )
        if self.identical:
            self.element_shape = merge(self.element_shape, shape)
        if i in self._cleared:
            raise _error(f"Could not write to TensorArray index {i} because it has already been read.")
        there = self._items[i]
        if there is not None and not self.aggregate:
            raise _error(f"Could not write to TensorArray index {i} because it has already been written to.")
        self._items[i] = value if there is None else add(there, value)

    def read(self, i: int) -> Any:
        """Tensor `i`; zeros (an empty string) where it was never written and the shape is known.

        Raises:
            InvalidArgumentError: there is no such tensor, or reading has cleared it.
        """
        if not 0 <= i < len(self._items):
            raise _error(f"Tried to read from index {i} but array size is: {len(self._items)}")
        if i in self._cleared:
            raise _error(
                f"Could not read index {i} twice because it was cleared after a previous read (perhaps try setting "
                "clear_after_read = false?)."
            )
        item = self._items[i]
        if item is None:
            shape = self.element_shape
            if shape is None or not is_static(shape):
                raise _error(
                    f"Could not read from TensorArray index {i}: it was never written, and the element shape is not "
                    f"fully defined: {format_shape(shape)}"
                )
            kind = self.dtype.kind
            item = np.full(shape, b"", object) if kind == "s" else np.zeros(shape, self.dtype.np)
        if self.clear:
            self._items[i] = None
            self._cleared.add(i)
        return item

    def gradient(self, source: bytes, lead: tuple[int, ...] = ()) -> TensorArray:
        """The array of its gradients in the calculation `source`, which is made when it is first asked for.

        Args:
            source: names the calculation.
            lead: the axes in front of an element's in a gradient.
        """
        found = self.gradients.get(source)
        if found is None:
            shape = None if self.element_shape is None else (*lead, *self.element_shape)
            if shape is None or not is_static(shape):
                known = {np.shape(item) for item in self._items if item is not None}
                shape = (*lead, *known.pop()) if len(known) == 1 else shape
            found = TensorArray(
                self.dtype, self.size, shape, clear=False, identical=self.identical, aggregate=True
            )
            self.gradients[source] = found
            self.dynamic = False  # there would be no place for the gradient of what comes later
        return found

    def __repr__(self) -> str:
        return f"<TensorArray of {self.size}: {self.dtype.name}{format_shape(self.element_shape)}>"


def _error(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)
