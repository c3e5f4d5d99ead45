"""Specs of arguments and results: the tracer's, and as a file holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from calque_runtime.errors import OpError
from calque_runtime.savedmodel.matching import named_tuple
from calque_runtime.structure import (
    BoundedTensorSpecValue,
    NamedTupleValue,
    NumpyValue,
    ShapeValue,
    TensorSpecValue,
    TensorValue,
    TypeSpecValue,
)

from ..composite.extension_type import ExtensionTypeSpec, registered_name, registered_spec
from ..composite.ragged.spec import RaggedTensorSpec
from ..composite.sparse_tensor import SparseTensorSpec
from ..composite.type_spec import TypeSpec
from ..function.leaves import Leaf, Literal, TensorLeaf, TypeLeaf, VariableLeaf
from ..indexed_slices import IndexedSlicesSpec
from ..tensor_array import TensorArraySpec
from ..tensor_shape import TensorShape
from ..tensor_spec import TensorSpec, VariableSpec

__all__ = ["decode", "decode_leaf", "decode_spec", "decode_type", "encode_type"]

# The types whose specs a file can hold, by number in TypeSpecProto.TypeSpecClass.
_TYPES: dict[int, type[TypeSpec]] = {
    1: SparseTensorSpec,
    2: IndexedSlicesSpec,
    3: RaggedTensorSpec,
    4: TensorArraySpec,
    9: VariableSpec,
}
_EXTENSION_TYPE = 13


def encode_type(spec: TypeSpec, encode: Callable[[Any], Any]) -> TypeSpecValue | None:
    """The spec of a variable or a composite tensor as a file holds it; None where it has no form for it.

    Args:
        spec: the spec.
        encode: gives what it is made from in the file's form.
    """
    if isinstance(spec, ExtensionTypeSpec):
        name = registered_name(spec)
        if name is None:
            return None
        state = tuple((field, encode(value)) for field, value in spec._serialize())
        return TypeSpecValue(_EXTENSION_TYPE, name, state, len(spec.flatten()))
    for number, cls in _TYPES.items():
        if type(spec) is cls:
            state = tuple(encode(one) for one in spec._serialize())
            return TypeSpecValue(number, cls.__name__, state, len(spec.flatten()))
    return None


def decode_type(saved: TypeSpecValue) -> TypeSpec | None:
    """The tracer's own spec for one in a file; None where there is none, or what is there makes none."""
    if saved.class_enum == _EXTENSION_TYPE:
        cls: type[TypeSpec] | None = registered_spec(saved.class_name)
    else:
        cls = _TYPES.get(saved.class_enum)
    if cls is None or not isinstance(saved.state, tuple):
        return None
    try:
        made: TypeSpec = cls._deserialize(tuple(decode_spec(one) for one in saved.state))
        return made if len(made.flatten()) == saved.num_flat_components else None
    except (TypeError, ValueError, AttributeError, OpError):
        return None


def decode(saved: Any, leaf: Callable[[Any], Any]) -> Any:
    """A structure in a file as a Python one.

    Args:
        saved: the structure.
        leaf: what becomes of each spec, and of each value that is no structure.
    """
    if isinstance(saved, tuple):
        return tuple(decode(one, leaf) for one in saved)
    if isinstance(saved, list):
        return [decode(one, leaf) for one in saved]
    if isinstance(saved, Mapping):
        return {key: decode(one, leaf) for key, one in saved.items()}
    if isinstance(saved, NamedTupleValue):
        made = named_tuple(saved.name, tuple(name for name, _ in saved.fields))
        return made(*[decode(one, leaf) for _, one in saved.fields])
    return leaf(saved)


def decode_spec(saved: Any) -> Any:
    """A structure with a spec for each tensor, and Python values as they are."""
    return decode(saved, _spec)


def _spec(saved: Any) -> Any:
    if isinstance(saved, (TensorSpecValue, BoundedTensorSpecValue)):
        return TensorSpec(saved.shape, saved.dtype, saved.name or None)
    if isinstance(saved, TypeSpecValue):
        return decode_type(saved) or saved
    if isinstance(saved, ShapeValue):
        return TensorShape(saved.shape)
    if isinstance(saved, (TensorValue, NumpyValue)):
        return saved.array
    return saved


def decode_leaf(saved: Any) -> Leaf:
    """What is no structure in the arguments that a function was traced for, as it stands in a trace's key."""
    spec = _spec(saved)
    if isinstance(spec, TensorSpec):
        return TensorLeaf(spec.dtype, spec.shape.as_tuple(), spec.name)
    if isinstance(spec, VariableSpec):
        return VariableLeaf(spec.dtype, spec.shape.as_tuple(), spec.trainable, spec._alias_id or 0)
    return TypeLeaf(spec) if isinstance(spec, TypeSpec) else Literal(spec)
