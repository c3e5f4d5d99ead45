"""Saved values that have no Python type of their own: specs, shapes, named tuples, handles, variants.

Signatures and type specs are saved as nested Python values. None, numbers, strings, lists, tuples, dicts and
`DType` stand for themselves; the classes here stand for the rest. All are immutable and compare by value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import DType
from .record import record
from .shapes import Shape

__all__ = [
    "BoundedTensorSpecValue",
    "NamedTupleValue",
    "NumpyValue",
    "ResourceHandle",
    "ShapeValue",
    "TensorSpecValue",
    "TensorValue",
    "TypeSpecValue",
    "VariantData",
]


@record(frozen=True)
class ShapeValue:
    """A TensorShape; `shape` is None where the rank is unknown."""

    shape: Shape


@record(frozen=True)
class TensorSpecValue:
    """A TensorSpec: shape, dtype and the name of the argument it stands for ("" for none)."""

    shape: Shape
    dtype: DType
    name: str = ""


class _ByValue:
    # Equality for the classes that hold arrays: same dtypes, shapes and elements.
    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(_key(self) == _key(other))

    def __hash__(self) -> int:
        return hash(_key(self))


def _key(value: Any) -> Any:
    if isinstance(value, _ByValue):
        return type(value), tuple(_key(item) for item in vars(value).values())
    if isinstance(value, np.ndarray):
        elements = tuple(map(_key, value.ravel())) if value.dtype == object else value.tobytes()
        return value.dtype.name, value.shape, elements
    return tuple(map(_key, value)) if isinstance(value, tuple) else value


@record(frozen=True, eq=False)
class BoundedTensorSpecValue(_ByValue):
    """A BoundedTensorSpec: a tensor spec with the least and the greatest value, arrays of `dtype`."""

    shape: Shape
    dtype: DType
    name: str
    minimum: Any
    maximum: Any


@record(frozen=True)
class NamedTupleValue:
    """A named tuple: the name of its type, and its fields as (name, value) pairs in order."""

    name: str
    fields: tuple[tuple[str, Any], ...]


@record(frozen=True)
class TypeSpecValue:
    """The spec of a composite tensor.

    Attributes:
        class_enum: number in TypeSpecProto.TypeSpecClass (1 sparse, 3 ragged, 12 registered by name, ...).
        class_name: the name of the class, the only clue where `class_enum` is 12 or 13.
        state: what the class makes the spec from, usually a tuple.
        num_flat_components: how many tensors a value of this spec is made of.
    """

    class_enum: int
    class_name: str
    state: Any
    num_flat_components: int


@record(frozen=True, eq=False)
class TensorValue(_ByValue):
    """A tensor inside a structure, such as a default value."""

    array: Any


@record(frozen=True, eq=False)
class NumpyValue(_ByValue):
    """A numpy array inside a structure."""

    array: Any


@record(frozen=True, eq=False)
class VariantData(_ByValue):
    """The saved form of one element of a variant tensor.

    Attributes:
        type_name: who can decode it ("tensorflow::TensorList", ...).
        metadata: bytes in a form that `type_name` defines.
        tensors: the tensors it holds.
        dtypes: their element types, which the arrays alone do not always tell.
    """

    type_name: str
    metadata: bytes = b""
    tensors: tuple[Any, ...] = ()
    dtypes: tuple[DType, ...] = ()


@record(frozen=True)
class ResourceHandle:
    """The saved name of a resource.

    Attributes:
        device: where it lives.
        container: the group of resources it belongs to.
        name: its name in that group.
        hash_code: number of its C++ type.
        type_name: name of that type.
        dtypes_and_shapes: what the tensors inside look like.
    """

    device: str = ""
    container: str = ""
    name: str = ""
    hash_code: int = 0
    type_name: str = ""
    dtypes_and_shapes: tuple[tuple[DType, Shape], ...] = ()
