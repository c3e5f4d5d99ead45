"""Tensor lists: what a variant tensor holds in the loops that TensorFlow writes.

A list is a value: an op that changes one gives a new list and leaves the old one as it was. So that a loop that sets
each of n items stays linear, the items stand in chunks that lists share: a new list copies one chunk and the list of
chunks, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .dtypes import DType
from .errors import InvalidArgumentError
from .shapes import Shape, format_shape, merge

__all__ = ["TensorList", "add", "stack", "zeros_like"]

_CHUNK = 256  # items
_NOTHING: list[Any] = [None] * _CHUNK


class TensorList:
    """A list of tensors of one dtype; never changed once it is made.

    It is no Python sequence, so that numpy takes it for one object.

    Attributes:
        dtype: of the items.
        element_shape: the static shape that every item has to fit.
        max_num_elements: the most items that may be pushed; negative: any number.
        length: the number of items. An item that was never set is None.
    """

    __slots__ = ("_chunks", "_source", "dtype", "element_shape", "length", "max_num_elements")

    def __init__(
        self, dtype: DType, element_shape: Shape, length: int = 0, max_num_elements: int = -1
    ) -> None:
        self.dtype = dtype
        self.element_shape = element_shape
        self.length = length
        self.max_num_elements = max_num_elements
        # A chunk that is None is all unset; where there is a source, it is that part of the source.
        self._chunks: list[list[Any] | None] = [None] * -(-length // _CHUNK)
        self._source: Any = None

    @classmethod
    def of(cls, items: Iterable[Any], dtype: DType, element_shape: Shape, maximum: int = -1) -> TensorList:
        """The list of these items."""
        flat = list(items)
        made = cls(dtype, element_shape, len(flat), maximum)
        made._chunks = [flat[i : i + _CHUNK] for i in range(0, len(flat), _CHUNK)]
        return made

    @classmethod
    def unstacked(cls, array: Any, dtype: DType, element_shape: Shape) -> TensorList:
        """The list of ``array[0], array[1], ...``, in time that does not depend on their number."""
        made = cls(dtype, element_shape, len(array))
        made._source = array
        return made

    def _like(self, chunks: list[list[Any] | None], length: int) -> TensorList:
        made = TensorList(self.dtype, self.element_shape, 0, self.max_num_elements)
        made._chunks, made._source, made.length = chunks, self._source, length
        return made

    def _chunk(self, number: int) -> list[Any]:
        """The items of a chunk; not to be changed."""
        chunk = self._chunks[number]
        if chunk is not None:
            return chunk
        first = number * _CHUNK
        last = min(first + _CHUNK, self.length)
        if self._source is None:
            return _NOTHING[: last - first]
        return [self._of_source(i) for i in range(first, last)]

    def _of_source(self, i: int) -> Any:
        item = self._source[i, ...]  # the ... keeps the element of a vector of strings an array
        return item[()] if self.dtype.kind == "o" and item.ndim == 0 else item

    def __repr__(self) -> str:
        return f"<list of {self.length} tensors: {self.dtype.name}{format_shape(self.element_shape)}>"

    def get(self, i: int) -> Any:
        """Item `i`, which has to be in [0, length)."""
        chunk = self._chunks[i // _CHUNK]
        if chunk is not None:
            return chunk[i % _CHUNK]
        return None if self._source is None else self._of_source(i)

    def items(self) -> Iterator[tuple[int, Any]]:
        """The items that are set, each with its index; long stretches of unset ones cost next to nothing."""
        for number, chunk in enumerate(self._chunks):
            if chunk is not _NOTHING and (chunk is not None or self._source is not None):
                for i, item in enumerate(self._chunk(number), number * _CHUNK):
                    if item is not None:
                        yield i, item

    @property
    def whole(self) -> Any:
        """The array whose rows are the items, where the list was made from one and no item was set since."""
        if self._source is None or any(chunk is not None for chunk in self._chunks):
            return None
        return self._source[: self.length]

    def set(self, i: int, item: Any) -> TensorList:
        """The list with `item` as item `i`, which has to be in [0, length)."""
        chunks = self._chunks.copy()
        number = i // _CHUNK
        chunk = self._chunk(number).copy()
        chunk[i % _CHUNK] = item
        chunks[number] = chunk
        return self._like(chunks, self.length)

    def resized(self, length: int) -> TensorList:
        """The list with its first `length` items, unset ones behind where there are not as many."""
        if length == self.length:
            return self
        count = -(-length // _CHUNK)
        chunks = self._chunks[:count]
        if self._source is None and not any(chunks):
            return self._like([None] * count, length)
        kept = min(length, self.length)
        if kept % _CHUNK:  # the last chunk that keeps items is no longer as long as it was
            chunk = self._chunk(kept // _CHUNK)[: kept % _CHUNK]
            chunks[kept // _CHUNK] = chunk + _NOTHING[: min(length, -(-kept // _CHUNK) * _CHUNK) - kept]
        while len(chunks) < count:
            rest = length - len(chunks) * _CHUNK
            chunks.append(_NOTHING if rest >= _CHUNK else _NOTHING[:rest])
        return self._like(chunks, length)

    def pushed(self, item: Any) -> TensorList:
        """The list with `item` behind its last one."""
        chunks = self._chunks.copy()
        if self.length % _CHUNK:
            chunks[-1] = [*self._chunk(len(chunks) - 1), item]
        else:
            chunks.append([item])
        return self._like(chunks, self.length + 1)

    def known_shape(self, shape: Shape) -> Shape:
        """`shape`, sizes that are not known replaced by those of the items that are set.

        Raises:
            InvalidArgumentError: an item does not fit.
        """
        whole = self.whole
        if whole is not None:
            return merge(shape, whole.shape[1:]) if self.length else shape
        seen: set[tuple[int, ...]] = set()
        for _, item in self.items():
            size = np.shape(item)
            if size not in seen:
                seen.add(size)
                shape = merge(shape, size)
        return shape

    def stacked(self, shape: tuple[int, ...]) -> Any:
        """All items as one array, whose rows have that shape; zeros (empty strings) for those that are not set.

        Raises:
            InvalidArgumentError: an item has another shape.
        """
        whole = self.whole
        if whole is not None and whole.shape[1:] == shape:
            return whole
        return stack(self.items(), self.length, shape, self.dtype)

    def zeros_like(self) -> TensorList:
        """A list of zeros in the shape of the items; unset where they are."""
        whole = self.whole
        if whole is not None and self.dtype.kind not in "so":
            made = TensorList.unstacked(np.zeros_like(whole), self.dtype, self.element_shape)
        else:
            items = dict(self.items())
            flat = [zeros_like(items[i]) if i in items else None for i in range(self.length)]
            made = TensorList.of(flat, self.dtype, self.element_shape)
        made.max_num_elements = self.max_num_elements
        return made

    def plus(self, other: TensorList) -> TensorList:
        """The sums of the items; an unset one counts as zero.

        Raises:
            InvalidArgumentError: the lists differ in dtype, shape or length.
        """
        if self.dtype is not other.dtype:
            raise InvalidArgumentError(
                None, None, f"Trying to add two lists of {self.dtype.name} and {other.dtype.name}"
            )
        if self.length != other.length:
            raise InvalidArgumentError(
                None,
                None,
                "Trying to add two lists of tensors with different lengths. One is "
                f"{self.length} and the other is {other.length}",
            )
        shape = merge(self.element_shape, other.element_shape)
        mine, theirs = self.whole, other.whole
        if mine is not None and theirs is not None and self.dtype.kind != "o" and mine.shape == theirs.shape:
            return TensorList.unstacked(mine + theirs, self.dtype, shape)
        total = dict(self.items())
        for i, item in other.items():
            total[i] = add(total[i], item) if i in total else item
        return TensorList.of(map(total.get, range(self.length)), self.dtype, shape)


def zeros_like(value: Any) -> Any:
    """Zeros in the shape of an item or of a list.

    Raises:
        InvalidArgumentError: a variant is no list.
    """
    if isinstance(value, TensorList):
        return value.zeros_like()
    array = np.asarray(value)
    if array.dtype != object:
        return np.zeros_like(array)
    out = np.empty(array.shape, object)
    for at, one in np.ndenumerate(array):
        if not isinstance(one, (bytes, TensorList)):
            raise InvalidArgumentError(None, None, f"there is no zero for {one!r}")
        out[at] = b"" if isinstance(one, bytes) else one.zeros_like()
    return out


def add(a: Any, b: Any) -> Any:
    """The sum of two items or of two lists.

    Raises:
        InvalidArgumentError: they do not fit.
    """
    if isinstance(a, TensorList) and isinstance(b, TensorList):
        return a.plus(b)
    if np.shape(a) != np.shape(b) or isinstance(a, TensorList) or isinstance(b, TensorList):
        raise InvalidArgumentError(
            None, None, f"Inputs must have the same shape: {list(np.shape(a))}, {list(np.shape(b))}"
        )
    array = np.asarray(a)
    if array.dtype != object:
        return a + b
    out = np.empty(array.shape, object)
    for at, one in np.ndenumerate(array):
        out[at] = add(one, b[at])
    return out


def stack(items: Iterable[tuple[int, Any]], count: int, shape: tuple[int, ...], dtype: DType) -> Any:
    """`count` rows in one array: the items given with their index, zeros (empty strings) for the others.

    Raises:
        InvalidArgumentError: an item has another shape than `shape`.
    """
    out = np.full((count, *shape), b"", object) if dtype.kind == "s" else np.zeros((count, *shape), dtype.np)
    for i, item in items:
        if np.shape(item) != shape:
            raise InvalidArgumentError(
                None,
                None,
                f"Tried to stack tensors with unequal shapes: {format_shape(np.shape(item))} at index {i}, others "
                f"{format_shape(shape)}",
            )
        out[i, ...] = item
    return out
