"""OpDef messages and the `Signature`s that stand for them.

A file lists the OpDefs of the ops it uses. calque's own signatures come first; the list says how to read the
nodes of an op that calque does not have.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calque_runtime.dtypes import DType
from calque_runtime.errors import InvalidArgumentError, UnimplementedError
from calque_runtime.signature import MISSING, Arg, AttrDef, Signature

from . import schema
from .attrs import decode_attr, encode_attr
from .tensors import decode_dtype

__all__ = ["decode_op_def", "encode_op_def", "encode_op_list"]

_KINDS = frozenset(
    kind
    for one in ("string", "int", "float", "bool", "type", "shape", "tensor", "func")
    for kind in (one, f"list({one})")
)


def decode_op_def(proto: Any, where: str = "") -> Signature:
    """The signature of an OpDef.

    Args:
        proto: the message; also a FunctionDef's signature.
        where: its place, for messages.

    Raises:
        OpError: an attribute is of an unknown kind, or a default is not of its kind.
    """
    where = where or f"op '{proto.name}'"
    attrs = {}
    for attr in proto.attr:
        if attr.type not in _KINDS:
            raise UnimplementedError(
                None, proto.name or None, f"{where}: attribute '{attr.name}' is of unknown kind '{attr.type}'"
            )
        default, allowed = MISSING, None
        if attr.HasField("default_value"):
            default = decode_attr(attr.default_value, attr.type, f"{where}, default of '{attr.name}'")
        if attr.HasField("allowed_values"):
            element = attr.type[5:-1] if attr.type.startswith("list(") else attr.type
            allowed = decode_attr(
                attr.allowed_values, f"list({element})", f"{where}, values of '{attr.name}'"
            )
        attrs[attr.name] = AttrDef(
            attr.name, attr.type, default, allowed, attr.minimum if attr.has_minimum else None
        )
    return Signature(
        proto.name,
        tuple(_decode_arg(arg, attrs, where) for arg in proto.input_arg),
        tuple(_decode_arg(arg, attrs, where) for arg in proto.output_arg),
        attrs,
        stateful=proto.is_stateful,
        commutative=proto.is_commutative,
        aggregate=proto.is_aggregate,
    )


def _decode_arg(proto: Any, attrs: dict[str, AttrDef], where: str) -> Arg:
    for attr, kind in (
        (proto.type_attr, "type"),
        (proto.number_attr, "int"),
        (proto.type_list_attr, "list(type)"),
    ):
        if attr and (attr not in attrs or attrs[attr].kind != kind):
            raise InvalidArgumentError(
                None,
                None,
                f"{where}: argument '{proto.name}' refers to '{attr}', which is no attribute of kind {kind}",
            )
    dtype: DType | None = None
    if not proto.type_attr and not proto.type_list_attr:
        dtype = decode_dtype(proto.type, f"{where}, argument '{proto.name}'")
    return Arg(proto.name, dtype, proto.type_attr, proto.number_attr, proto.type_list_attr, proto.is_ref)


def encode_op_def(signature: Signature) -> Any:
    """The OpDef of a signature."""
    proto = schema.OpDef(name=signature.name)
    for args, field in ((signature.inputs, proto.input_arg), (signature.outputs, proto.output_arg)):
        for arg in args:
            field.add(
                name=arg.name,
                type=0 if arg.dtype is None else arg.dtype.enum,
                type_attr=arg.type_attr,
                number_attr=arg.number_attr,
                type_list_attr=arg.type_list_attr,
                is_ref=arg.is_ref,
            )
    for definition in signature.attrs.values():
        attr = proto.attr.add(name=definition.name, type=definition.kind)
        if definition.default is not MISSING:
            encode_attr(definition.default, definition.kind, attr.default_value)
        if definition.allowed is not None:
            element = definition.kind[5:-1] if definition.kind.startswith("list(") else definition.kind
            encode_attr(definition.allowed, f"list({element})", attr.allowed_values)
        if definition.minimum is not None:
            attr.has_minimum = True
            attr.minimum = definition.minimum
    proto.is_stateful = signature.stateful
    proto.is_commutative = signature.commutative
    proto.is_aggregate = signature.aggregate
    return proto


def encode_op_list(signatures: Iterable[Signature]) -> Any:
    """The OpList of some signatures, sorted by name, each once."""
    proto = schema.OpList()
    by_name = {signature.name: signature for signature in signatures}
    proto.op.extend([encode_op_def(by_name[name]) for name in sorted(by_name)])
    return proto
