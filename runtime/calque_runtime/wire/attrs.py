"""Attributes of nodes and functions: AttrValue messages and the Python values that stand for them.

    kind    value                        kind      value
    type    DType                        string    bytes
    shape   Shape (a tuple, or None)     int       int
    tensor  numpy array                  float     float
    func    ir.FunctionRef               bool      bool

A list is a tuple of those. An attribute that an op declares has its kind from there. One that nobody
declares (private ones like ``_class``, those of functions, of references to functions, of newer versions of
an op) has it from the message or, on the way back, from the Python type of its value: what the type would
not tell is `Undeclared`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calque_runtime.dtypes import DType
from calque_runtime.errors import InvalidArgumentError, UnimplementedError
from calque_runtime.ir import FunctionRef
from calque_runtime.record import record
from calque_runtime.signature import MISSING, AttrDef

from . import schema
from .tensors import decode_dtype, decode_shape, decode_tensor, encode_shape, encode_tensor

__all__ = ["Undeclared", "decode_attr", "decode_attrs", "encode_attr", "encode_attrs", "is_default"]


@record(frozen=True)
class Undeclared:
    """The value of an attribute that nobody declares, where its Python type would not tell its kind.

    Attributes:
        kind: "shape" (a tuple would count as a list) or "tensor" (its dtype may be one that numpy has not).
        value: the value.
        dtype: of a tensor, its type.
    """

    kind: str
    value: Any
    dtype: DType | None = None


# Kinds as an OpDef spells them, and the fields of AttrValue and of its ListValue that hold them.
_FIELDS = {
    "string": "s",
    "int": "i",
    "float": "f",
    "bool": "b",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}
_KINDS = {field: kind for kind, field in _FIELDS.items()}


def decode_attr(proto: Any, kind: str | None, where: str) -> Any:
    """The value of an AttrValue.

    Args:
        proto: the message.
        kind: the kind that the op declares; None for an attribute that it does not.
        where: the attribute and its place, for messages.

    Raises:
        InvalidArgumentError: it holds a value of another kind.
        UnimplementedError: it is a placeholder of a generic function, or holds an unknown dtype.
        DataLossError: a tensor, shape or dtype in it is damaged.
    """
    field = proto.WhichOneof("value")
    if field == "placeholder":
        raise UnimplementedError(
            None, None, f"{where}: the value is the placeholder '{proto.placeholder}' of a generic function"
        )
    if kind is None:
        return _decode_undeclared(proto, field, where)
    if kind.startswith("list("):
        element = kind[5:-1]
        if field != "list":
            raise _wrong_kind(where, kind, field)
        values = getattr(proto.list, _FIELDS[element])
        if not values and any(getattr(proto.list, other) for other in _FIELDS.values()):
            raise _wrong_kind(where, kind, "list of another kind")
        return _decode_list(element, values, where)
    if field != _FIELDS[kind]:
        raise _wrong_kind(where, kind, field)
    return _decode_one(kind, getattr(proto, field), where)


def _wrong_kind(where: str, kind: str, field: str | None) -> InvalidArgumentError:
    found = "nothing" if field is None else _KINDS.get(field, field)
    return InvalidArgumentError(None, None, f"{where}: should hold a value of kind {kind}, but holds {found}")


def _decode_undeclared(proto: Any, field: str | None, where: str) -> Any:
    if field is None:
        return None
    if field == "list":
        for name, kind in _KINDS.items():
            values = getattr(proto.list, name)
            if values:
                return _decode_list(kind, values, where)
        return ()
    kind = _KINDS[field]
    value = _decode_one(kind, getattr(proto, field), where)
    if kind == "shape":
        return Undeclared(kind, value)
    if kind == "tensor":
        return Undeclared(kind, value, decode_dtype(proto.tensor.dtype, where))
    return value


def _decode_list(kind: str, values: Any, where: str) -> tuple[Any, ...]:
    if kind in ("string", "int", "float", "bool"):
        return tuple(values)
    return tuple([_decode_one(kind, one, where) for one in values])


def _decode_one(kind: str, value: Any, where: str) -> Any:
    if kind == "type":
        return decode_dtype(value, where)
    if kind == "shape":
        return decode_shape(value, where)
    if kind == "tensor":
        return decode_tensor(value, where)
    if kind == "func":
        attrs = decode_attrs(value.attr, {}, f"{where}, function '{value.name}', ")
        return FunctionRef(value.name, None, attrs)
    return value


def decode_attrs(
    protos: Mapping[str, Any], declared: Mapping[str, AttrDef], where: str = ""
) -> dict[str, Any]:
    """The values of a map of AttrValues.

    Args:
        protos: the map field.
        declared: the attributes that the op declares.
        where: the place of the map, for messages; ends in ", " unless empty.

    Raises:
        OpError: as `decode_attr`.
    """
    out = {}
    for name in sorted(protos):
        proto = protos[name]
        definition = declared.get(name)
        kind = None if definition is None else definition.kind
        out[name] = decode_attr(proto, kind, f"{where}attribute '{name}'")
    return out


def encode_attr(value: Any, kind: str | None, proto: Any = None, dtype: DType | None = None) -> Any:
    """The AttrValue of `value`.

    Args:
        value: what `decode_attr` gives.
        kind: the kind that the op declares; None for an attribute that it does not.
        proto: the message to fill in; default: a new one.
        dtype: of a tensor, its type where numpy's does not tell it (the quantized types).

    Raises:
        InvalidArgumentError: the value is not of that kind, or of none.
    """
    proto = schema.AttrValue() if proto is None else proto
    if isinstance(value, Undeclared):
        kind, value, dtype = value.kind, value.value, value.dtype
    if kind is None:
        if value is None:
            return proto
        kind = _kind_of(value)
    try:
        if kind.startswith("list("):
            proto.list.SetInParent()
            field = getattr(proto.list, _FIELDS[kind[5:-1]])
            for one in value:
                _append(field, kind[5:-1], one)
        else:
            _set(proto, kind, value, dtype)
    except (TypeError, ValueError, AttributeError) as e:
        raise InvalidArgumentError(
            None, None, f"{value!r} is no value for an attribute of kind {kind}: {e}"
        ) from e
    return proto


def _kind_of(value: Any) -> str:
    if isinstance(value, tuple):
        if not value:
            return "list(int)"  # an empty list is the same message whatever its kind
        if all(one is None or isinstance(one, tuple) for one in value):
            return "list(shape)"
        return f"list({_kind_of(value[0])})"
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)):
        return "int"
    if isinstance(value, (float, np.floating)):
        return "float"
    if isinstance(value, (bytes, str)):
        return "string"
    if isinstance(value, DType):
        return "type"
    if isinstance(value, FunctionRef):
        return "func"
    if isinstance(value, np.ndarray):
        return "tensor"
    raise InvalidArgumentError(None, None, f"{value!r} cannot be the value of an attribute")


def _set(proto: Any, kind: str, value: Any, dtype: DType | None) -> None:
    if kind == "type":
        proto.type = value.enum
    elif kind == "shape":
        proto.shape.CopyFrom(encode_shape(value))
    elif kind == "tensor":
        proto.tensor.CopyFrom(encode_tensor(value, dtype))
    elif kind == "func":
        _fill_reference(proto.func, value)
    else:
        setattr(proto, _FIELDS[kind], _plain(kind, value))


def _append(field: Any, kind: str, value: Any) -> None:
    if kind == "type":
        field.append(value.enum)
    elif kind == "shape":
        field.append(encode_shape(value))
    elif kind == "tensor":
        field.append(encode_tensor(value))
    elif kind == "func":
        _fill_reference(field.add(), value)
    else:
        field.append(_plain(kind, value))


def _plain(kind: str, value: Any) -> Any:
    if kind == "string":
        return value.encode() if isinstance(value, str) else value
    if kind == "bool":
        return bool(value)
    return int(value) if kind == "int" else float(value)


def _fill_reference(proto: Any, ref: FunctionRef) -> None:
    proto.SetInParent()  # a reference without a name is still one
    proto.name = ref.name
    encode_attrs(ref.attrs, {}, proto.attr)


def encode_attrs(attrs: Mapping[str, Any], declared: Mapping[str, AttrDef], protos: Any) -> None:
    """Fill the map `protos` with AttrValues, leaving out what equals the declared default.

    Args:
        attrs: the values by name.
        declared: the attributes that the op declares.
        protos: the map field to fill.

    Raises:
        InvalidArgumentError: a value is not of its attribute's kind.
    """
    dtype = attrs.get("dtype")
    for name in sorted(attrs):
        value = attrs[name]
        definition = declared.get(name)
        if definition is not None and is_default(value, definition):
            continue
        kind = None if definition is None else definition.kind
        encode_attr(
            value, kind, protos[name], dtype if kind == "tensor" and isinstance(dtype, DType) else None
        )


def is_default(value: Any, definition: AttrDef) -> bool:
    """Is `value` the attribute's default? Floats are compared as the float32 that files hold."""
    default = definition.default
    if default is MISSING or definition.kind in ("tensor", "func", "list(tensor)", "list(func)"):
        return False
    if definition.kind == "float":
        return bool(np.float32(value) == np.float32(default))
    return bool(value == default)
