"""`TensorShape`: what is known of a tensor's shape, on the plain tuples that `calque_runtime.shapes` works on."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex, overload

from calque_runtime import shapes
from calque_runtime.shapes import Dim, Shape

__all__ = ["TensorShape", "as_shape", "dimension_value", "shape_of"]


class TensorShape:
    """The shape of a tensor, known, known in part, or not known at all.

    Args:
        dims: the sizes, None for one that is not known; one int for a vector of that length; another TensorShape; None
            where not even the number of dimensions is known.

    Raises:
        TypeError: a size is no integer.
        ValueError: a size is negative.
    """

    __slots__ = ("_dims",)
    _dims: Shape

    def __init__(self, dims: Any) -> None:
        if type(dims) is tuple or type(dims) is list:
            self._dims = tuple([d if d is None else _size(d) for d in dims])
        elif dims is None:
            self._dims = None
        elif isinstance(dims, TensorShape):
            self._dims = dims._dims
        else:
            self._dims = _from_other(dims)

    @classmethod
    def _of(cls, dims: Shape) -> TensorShape:
        """A shape from a tuple of checked sizes."""
        shape = cls.__new__(cls)
        shape._dims = dims
        return shape

    @property
    def rank(self) -> int | None:
        """The number of dimensions, or None."""
        return None if self._dims is None else len(self._dims)

    ndims = rank

    @property
    def dims(self) -> list[Dim] | None:
        """The sizes as a list, None for one that is not known; None where the rank is not."""
        return None if self._dims is None else list(self._dims)

    def as_list(self) -> list[Dim]:
        """The sizes, None for one that is not known.

        Raises:
            ValueError: the rank is not known.
        """
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_tuple(self) -> Shape:
        """The plain tuple of sizes that `calque_runtime.shapes` works on, None where the rank is not known."""
        return self._dims

    def num_elements(self) -> int | None:
        """How many elements such a tensor has, or None where that is not known."""
        return shapes.known_size(self._dims)

    def is_fully_defined(self) -> bool:
        """Are rank and every size known?"""
        return shapes.is_static(self._dims)

    def assert_is_fully_defined(self) -> None:
        """Check that rank and every size are known.

        Raises:
            ValueError: they are not.
        """
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        """Could a tensor have both shapes?"""
        return shapes.compatible(self._dims, shape_of(other))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Check that a tensor could have both shapes.

        Raises:
            ValueError: it could not.
        """
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def assert_same_rank(self, other: Any) -> None:
        """Check that the ranks are equal, as far as they are known.

        Raises:
            ValueError: they are not.
        """
        other = as_shape(other)
        if self.rank is not None and other.rank is not None and self.rank != other.rank:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank: int) -> None:
        """Check that the rank is `rank`, as far as it is known.

        Raises:
            ValueError: it is not.
        """
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, its rank known to be `rank`.

        Raises:
            ValueError: it has another rank.
        """
        self.assert_has_rank(rank)
        return TensorShape([None] * rank) if self._dims is None else self

    def with_rank_at_least(self, rank: int) -> TensorShape:
        """This shape.

        Raises:
            ValueError: its rank is lower than `rank`.
        """
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank: int) -> TensorShape:
        """This shape.

        Raises:
            ValueError: its rank is higher than `rank`.
        """
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def merge_with(self, other: Any) -> TensorShape:
        """What is known of a shape that is both this one and `other`.

        Raises:
            ValueError: they cannot be the same.
        """
        other = as_shape(other)
        if not shapes.compatible(self._dims, other._dims):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape._of(shapes.merge(self._dims, other._dims))

    def concatenate(self, other: Any) -> TensorShape:
        """The dimensions of this shape, then those of `other`."""
        return TensorShape._of(shapes.concat((self._dims, shape_of(other))))

    def most_specific_compatible_shape(self, other: Any) -> TensorShape:
        """The most that is true of both shapes: None where they differ."""
        return TensorShape._of(shapes.relax(self._dims, shape_of(other)))

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorShape | None:
        """The most that is true of this shape and of all `others`; None where one of them is no TensorShape."""
        dims = self._dims
        for other in others:
            if not isinstance(other, TensorShape):
                return None
            dims = shapes.relax(dims, other._dims)
        return TensorShape._of(dims)

    def is_subtype_of(self, other: Any) -> bool:
        """Is a tensor of this shape always one of the shape `other`, a TensorShape?"""
        if not isinstance(other, TensorShape):
            return False
        if other._dims is None:
            return True
        if self._dims is None or len(self._dims) != len(other._dims):
            return False
        return all(y is None or x == y for x, y in zip(self._dims, other._dims, strict=True))

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __iter__(self) -> Iterator[Dim]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self._dims)

    @overload
    def __getitem__(self, key: SupportsIndex) -> Dim: ...
    @overload
    def __getitem__(self, key: slice) -> TensorShape: ...
    def __getitem__(self, key: Any) -> Any:
        if self._dims is not None:
            return TensorShape._of(self._dims[key]) if isinstance(key, slice) else self._dims[key]
        if not isinstance(key, slice):
            return None
        start, stop = 0 if key.start is None else key.start, key.stop
        if key.step not in (None, 1):
            raise ValueError("Steps are not yet handled")
        if stop is None or start < 0 or stop < 0:
            return TensorShape(None)
        return TensorShape([None] * max(stop - start, 0))

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return as_shape(other).concatenate(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorShape):
            try:
                other = TensorShape(other)
            except (TypeError, ValueError):
                return NotImplemented
        return self._dims == other._dims

    def __hash__(self) -> int:
        return hash(self._dims)

    def __repr__(self) -> str:
        return f"TensorShape({None if self._dims is None else list(self._dims)})"

    def __str__(self) -> str:
        return "<unknown>" if self._dims is None else str(self._dims)

    def __reduce__(self) -> tuple[Any, ...]:
        return TensorShape, (self._dims,)


def _size(value: Any) -> int:
    """`value` as a size."""
    try:
        size = operator.index(value)
    except TypeError:
        raise TypeError(
            "Dimension value must be integer or None or have an __index__ method, "
            f"got value '{value!r}' with type '{type(value)}'"
        ) from None
    if size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return size


def _from_other(dims: Any) -> Shape:
    try:
        return (_size(operator.index(dims)),)
    except TypeError:
        pass
    try:
        if isinstance(dims, str):
            raise TypeError("it is a string")
        items = list(dims)
    except TypeError:
        raise TypeError(
            f"Failed to convert '{dims!r}' to a shape: a shape is a single dimension (e.g. 10), or an iterable of "
            "dimensions (e.g. [1, 10, None])."
        ) from None
    return tuple([d if d is None else _size(d) for d in items])


def as_shape(shape: Any) -> TensorShape:
    """`shape` as a TensorShape; see there for what it may be."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def shape_of(shape: Any) -> Shape:
    """`shape` (anything a TensorShape is made from) as a plain tuple of sizes, None where nothing is known."""
    return shape._dims if isinstance(shape, TensorShape) else TensorShape(shape)._dims


def dimension_value(dimension: Any) -> Dim:
    """A size as an int or None; sizes are plain ints here, so it comes back as it is."""
    return None if dimension is None else _size(dimension)
