"""StructuredValue as Python values, and back: what signatures, argument specs and type specs are saved as.

None, float, int, str, bool, list, tuple, dict and `DType` stand for themselves, the classes of
`calque_runtime.structure` for the other kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calque_runtime.dtypes import DType
from calque_runtime.errors import DataLossError, InvalidArgumentError
from calque_runtime.structure import (
    BoundedTensorSpecValue,
    NamedTupleValue,
    NumpyValue,
    ShapeValue,
    TensorSpecValue,
    TensorValue,
    TypeSpecValue,
)

from . import schema
from .tensors import decode_dtype, decode_shape, decode_tensor, encode_shape, encode_tensor

__all__ = ["decode_type_spec", "decode_value", "encode_type_spec", "encode_value"]

# Protobuf reads messages nested 100 deep. A level of a structure takes up to three of those, what stands
# around it in a SavedModel up to eight: so much can be written and read again.
_MAX_DEPTH = 30


def decode_value(proto: Any, where: str) -> Any:
    """The value that a StructuredValue holds. Dicts come sorted by key, as TensorFlow flattens them.

    Args:
        proto: a StructuredValue.
        where: the place of the value, for errors.

    Raises:
        DataLossError: a value of no kind, nested too deep, or with a damaged shape, dtype or tensor.
        UnimplementedError: a dtype that is not known.
    """
    return _decode(proto, where, 0)


def decode_type_spec(proto: Any, where: str) -> TypeSpecValue:
    """The spec that a TypeSpecProto holds; errors as for `decode_value`."""
    return _decode_type_spec(proto, where, 0)


def _decode(proto: Any, where: str, depth: int) -> Any:
    # Text files and messages made by hand can be nested deeper than the binary parser allows.
    if depth > 2 * _MAX_DEPTH:
        raise DataLossError(None, None, f"{where}: the structure is nested more than {2 * _MAX_DEPTH} deep")
    kind = proto.WhichOneof("kind")
    if kind is None:
        raise DataLossError(
            None, None, f"{where}: a value of no kind; a newer TensorFlow may have written it"
        )
    return _DECODERS[kind](getattr(proto, kind), where, depth + 1)


def _decode_named_tuple(proto: Any, where: str, depth: int) -> NamedTupleValue:
    fields = tuple((pair.key, _decode(pair.value, f"{where}.{pair.key}", depth)) for pair in proto.values)
    return NamedTupleValue(proto.name, fields)


def _decode_type_spec(proto: Any, where: str, depth: int) -> TypeSpecValue:
    state = _decode(proto.type_state, f"{where}, {proto.type_spec_class_name}", depth)
    return TypeSpecValue(proto.type_spec_class, proto.type_spec_class_name, state, proto.num_flat_components)


def _decode_tensor_spec(proto: Any, where: str) -> TensorSpecValue:
    return TensorSpecValue(decode_shape(proto.shape, where), decode_dtype(proto.dtype, where), proto.name)


def _decode_bounded_spec(proto: Any, where: str) -> BoundedTensorSpecValue:
    return BoundedTensorSpecValue(
        decode_shape(proto.shape, where),
        decode_dtype(proto.dtype, where),
        proto.name,
        decode_tensor(proto.minimum, f"{where}.minimum"),
        decode_tensor(proto.maximum, f"{where}.maximum"),
    )


def _decode_items(proto: Any, where: str, depth: int) -> list[Any]:
    return [_decode(value, f"{where}[{i}]", depth) for i, value in enumerate(proto.values)]


_DECODERS: dict[str, Callable[[Any, str, int], Any]] = {
    "none_value": lambda value, where, depth: None,
    "float64_value": lambda value, where, depth: value,
    "int64_value": lambda value, where, depth: value,
    "string_value": lambda value, where, depth: value,
    "bool_value": lambda value, where, depth: value,
    "tensor_shape_value": lambda value, where, depth: ShapeValue(decode_shape(value, where)),
    "tensor_dtype_value": lambda value, where, depth: decode_dtype(value, where),
    "tensor_spec_value": lambda value, where, depth: _decode_tensor_spec(value, where),
    "bounded_tensor_spec_value": lambda value, where, depth: _decode_bounded_spec(value, where),
    "type_spec_value": _decode_type_spec,
    "list_value": _decode_items,
    "tuple_value": lambda value, where, depth: tuple(_decode_items(value, where, depth)),
    "dict_value": lambda value, where, depth: {
        key: _decode(value.fields[key], f"{where}[{key!r}]", depth) for key in sorted(value.fields)
    },
    "named_tuple_value": _decode_named_tuple,
    "tensor_value": lambda value, where, depth: TensorValue(decode_tensor(value, where)),
    "numpy_value": lambda value, where, depth: NumpyValue(decode_tensor(value, where)),
}


def encode_value(value: Any) -> Any:
    """The StructuredValue of a Python value.

    Args:
        value: of the kinds that `decode_value` gives; a tuple with ``_fields`` is a named tuple.

    Raises:
        InvalidArgumentError: there is no such kind, a dict's key is no string, an int has over 64 bits, or
            the value is nested more than 30 deep.
    """
    proto = schema.StructuredValue()
    _encode(value, proto, 0)
    return proto


def encode_type_spec(value: TypeSpecValue) -> Any:
    """The TypeSpecProto of a spec; errors as for `encode_value`."""
    proto = schema.TypeSpecProto()
    _encode_type_spec(value, proto, 0)
    return proto


def _encode(value: Any, proto: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise InvalidArgumentError(
            None, None, f"a structure nested more than {_MAX_DEPTH} deep cannot be saved"
        )
    for kind, encode in _ENCODERS:
        if isinstance(value, kind):
            encode(value, proto, depth + 1)
            return
    raise InvalidArgumentError(
        None, None, f"a {type(value).__name__} cannot be saved as part of a structure: {value!r}"
    )


def _encode_int(value: int, proto: Any, depth: int) -> None:
    if not -(2**63) <= value < 2**63:
        raise InvalidArgumentError(None, None, f"{value} does not fit the 64 bits that an int is saved with")
    proto.int64_value = value


def _encode_items(values: Any, target: Any, depth: int) -> None:
    target.SetInParent()
    for item in values:
        _encode(item, target.values.add(), depth)


def _encode_dict(value: dict[Any, Any], proto: Any, depth: int) -> None:
    proto.dict_value.SetInParent()
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidArgumentError(
                None, None, f"a dict to be saved has the key {key!r}, which is no string"
            )
        _encode(item, proto.dict_value.fields[key], depth)


def _encode_tuple(value: tuple[Any, ...], proto: Any, depth: int) -> None:
    names = getattr(value, "_fields", None)
    if names is None:
        _encode_items(value, proto.tuple_value, depth)
    else:
        fields = tuple(zip(names, value, strict=True))
        _encode_named_tuple(NamedTupleValue(type(value).__name__, fields), proto, depth)


def _encode_named_tuple(value: NamedTupleValue, proto: Any, depth: int) -> None:
    proto.named_tuple_value.name = value.name
    for key, item in value.fields:
        _encode(item, proto.named_tuple_value.values.add(key=key).value, depth)


def _encode_type_spec(value: TypeSpecValue, target: Any, depth: int) -> None:
    target.type_spec_class = value.class_enum
    target.type_spec_class_name = value.class_name
    target.num_flat_components = value.num_flat_components
    _encode(value.state, target.type_state, depth)


def _encode_tensor_spec(value: TensorSpecValue | BoundedTensorSpecValue, target: Any) -> None:
    target.name = value.name
    target.shape.CopyFrom(encode_shape(value.shape))
    target.dtype = value.dtype.enum


def _encode_bounded_spec(value: BoundedTensorSpecValue, proto: Any, depth: int) -> None:
    target = proto.bounded_tensor_spec_value
    _encode_tensor_spec(value, target)
    target.minimum.CopyFrom(encode_tensor(value.minimum, value.dtype))
    target.maximum.CopyFrom(encode_tensor(value.maximum, value.dtype))


# In this order: a bool is an int too.
_ENCODERS: tuple[tuple[type, Callable[[Any, Any, int], None]], ...] = (
    (type(None), lambda value, proto, depth: proto.none_value.SetInParent()),
    (bool, lambda value, proto, depth: setattr(proto, "bool_value", value)),
    (int, _encode_int),
    (float, lambda value, proto, depth: setattr(proto, "float64_value", value)),
    (str, lambda value, proto, depth: setattr(proto, "string_value", value)),
    (list, lambda value, proto, depth: _encode_items(value, proto.list_value, depth)),
    (tuple, _encode_tuple),
    (dict, _encode_dict),
    (TensorSpecValue, lambda value, proto, depth: _encode_tensor_spec(value, proto.tensor_spec_value)),
    (DType, lambda value, proto, depth: setattr(proto, "tensor_dtype_value", value.enum)),
    (ShapeValue, lambda value, proto, depth: proto.tensor_shape_value.CopyFrom(encode_shape(value.shape))),
    (TypeSpecValue, lambda value, proto, depth: _encode_type_spec(value, proto.type_spec_value, depth)),
    (NamedTupleValue, _encode_named_tuple),
    (BoundedTensorSpecValue, _encode_bounded_spec),
    (TensorValue, lambda value, proto, depth: proto.tensor_value.CopyFrom(encode_tensor(value.array))),
    (NumpyValue, lambda value, proto, depth: proto.numpy_value.CopyFrom(encode_tensor(value.array))),
)
