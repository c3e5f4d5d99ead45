"""SavedObjectGraph messages, and the classes of `savedmodel.metagraph` that stand for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from calque_runtime.errors import InvalidArgumentError, UnimplementedError
from calque_runtime.savedmodel.metagraph import (
    Asset,
    BareConcreteFunction,
    CapturedTensor,
    ConcreteFunctionInfo,
    Constant,
    FunctionSpec,
    Kind,
    LazyDict,
    ObjectGraph,
    Resource,
    SavedFunction,
    SavedObject,
    SlotVariable,
    UserObject,
    VariableInfo,
)
from calque_runtime.structure import NamedTupleValue

from . import schema
from .structured import decode_value, encode_value
from .tensors import decode_dtype, decode_shape, encode_shape

__all__ = ["decode_function_spec", "decode_object_graph", "encode_function_spec", "encode_object_graph"]

_JIT_COMPILE = (None, True, False)  # by number in FunctionSpec.JitCompile


def decode_object_graph(proto: Any, where: str) -> ObjectGraph:
    """The saved objects, every node number in them checked. Concrete functions are decoded when asked for.

    Args:
        proto: a SavedObjectGraph.
        where: the file, for messages.

    Raises:
        InvalidArgumentError: a node has no kind, or refers to a node that there is not.
        OpError: as `structured.decode_value`.
    """
    count = len(proto.nodes)
    nodes = [_decode_node(node, f"{where}: object {i}", count) for i, node in enumerate(proto.nodes)]
    infos = proto.concrete_functions

    def info(name: str) -> ConcreteFunctionInfo:
        at = f"{where}: function '{name}'"
        return _decode_info(infos[name], at, count)

    return ObjectGraph(nodes, LazyDict(sorted(infos), info))


def _decode_node(proto: Any, where: str, count: int) -> SavedObject:
    kind = proto.WhichOneof("kind")
    if kind is None:
        raise InvalidArgumentError(None, None, f"{where} is of no kind, or of one that a newer version knows")
    return SavedObject(
        _DECODERS[kind](getattr(proto, kind), where),
        _decode_references(proto.children, where, count),
        _decode_references(proto.dependencies, where, count),
        [
            SlotVariable(
                _node(slot.original_variable_node_id, where, count),
                slot.slot_name,
                _node(slot.slot_variable_node_id, where, count),
            )
            for slot in proto.slot_variables
        ],
        {
            name: (
                _node(proto.saveable_objects[name].save_function, where, count),
                _node(proto.saveable_objects[name].restore_function, where, count),
            )
            for name in sorted(proto.saveable_objects)
        },
        proto.registered_name,
        proto.registered_saver,
        (
            (proto.serialized_user_proto.type_url, proto.serialized_user_proto.value)
            if proto.HasField("serialized_user_proto")
            else None
        ),
    )


def _decode_references(protos: Iterable[Any], where: str, count: int) -> list[tuple[str, int]]:
    return [(ref.local_name, _node(ref.node_id, where, count)) for ref in protos]


def _node(number: int, where: str, count: int) -> int:
    if not 0 <= number < count:
        raise InvalidArgumentError(
            None, None, f"{where} refers to object {number}, but there are {count} objects"
        )
    return number


def _decode_variable(proto: Any, where: str) -> VariableInfo:
    where = f"{where}, variable '{proto.name}'"
    return VariableInfo(
        decode_dtype(proto.dtype, where).base_dtype,
        decode_shape(proto.shape, where),
        proto.trainable,
        proto.name,
        proto.synchronization,
        proto.aggregation,
        proto.device,
        tuple(_decode_variable(part, where) for part in proto.experimental_distributed_variable_components),
    )


def _decode_bare(proto: Any, where: str) -> BareConcreteFunction:
    return BareConcreteFunction(
        proto.concrete_function_name,
        tuple(proto.argument_keywords),
        proto.allowed_positional_arguments,
        decode_function_spec(proto.function_spec, where) if proto.HasField("function_spec") else None,
    )


def _decode_function(proto: Any, where: str) -> SavedFunction:
    return SavedFunction(
        tuple(proto.concrete_functions),
        decode_function_spec(proto.function_spec, where) if proto.HasField("function_spec") else None,
    )


_DECODERS: dict[str, Callable[[Any, str], Kind]] = {
    "user_object": lambda proto, where: UserObject(
        proto.identifier, proto.version.producer, proto.version.min_consumer, proto.metadata
    ),
    "asset": lambda proto, where: Asset(proto.asset_file_def_index),
    "function": _decode_function,
    "variable": _decode_variable,
    "bare_concrete_function": _decode_bare,
    "constant": lambda proto, where: Constant(proto.operation),
    "resource": lambda proto, where: Resource(proto.device),
    "captured_tensor": lambda proto, where: CapturedTensor(proto.name, proto.concrete_function),
}


def _decode_info(proto: Any, where: str, count: int) -> ConcreteFunctionInfo:
    signature = decode_value(proto.canonicalized_input_signature, f"{where}, input signature")
    ok = isinstance(signature, tuple) and len(signature) == 2
    if not ok or not isinstance(signature[0], (tuple, list)) or not isinstance(signature[1], dict):
        raise InvalidArgumentError(
            None, None, f"{where}: the input signature is no pair of a tuple and a dict: {signature!r}"
        )
    return ConcreteFunctionInfo(
        tuple(_node(number, where, count) for number in proto.bound_inputs),
        signature,
        decode_value(proto.output_signature, f"{where}, output signature"),
    )


def decode_function_spec(proto: Any, where: str) -> FunctionSpec | None:
    """How a function is called; None where the file does not say.

    Args:
        proto: a FunctionSpec message.
        where: its place, for messages.

    Raises:
        InvalidArgumentError: it is not what `inspect.getfullargspec` gives.
        UnimplementedError: an unknown way of compiling.
    """
    if proto.fullargspec.WhichOneof("kind") is None:
        return None
    where = f"{where}, function spec"
    value = decode_value(proto.fullargspec, where)
    fields: dict[str, Any] = dict(value.fields) if isinstance(value, NamedTupleValue) else {}
    args: Any = fields.get("args")
    kwonlyargs = fields.get("kwonlyargs") or ()
    defaults, kwonlydefaults = fields.get("defaults"), fields.get("kwonlydefaults")
    ok = (
        _are_names(args)
        and _are_names(kwonlyargs)
        and isinstance(defaults, (tuple, list, type(None)))
        and isinstance(kwonlydefaults, (dict, type(None)))
        and isinstance(fields.get("varargs"), (str, type(None)))
        and isinstance(fields.get("varkw"), (str, type(None)))
        and len(defaults or ()) <= len(args)
    )
    if not ok:
        raise InvalidArgumentError(None, None, f"{where} is no description of arguments: {value!r}")
    if not 0 <= proto.jit_compile < len(_JIT_COMPILE):
        raise UnimplementedError(None, None, f"{where}: jit_compile is {proto.jit_compile}, which is unknown")
    signature = proto.input_signature
    return FunctionSpec(
        tuple(args),
        fields.get("varargs"),
        fields.get("varkw"),
        None if defaults is None else tuple(defaults),
        tuple(kwonlyargs),
        kwonlydefaults,
        None if signature.WhichOneof("kind") is None else decode_value(signature, where),
        proto.is_method,
        _JIT_COMPILE[proto.jit_compile],
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


# --- writing


def encode_object_graph(graph: ObjectGraph) -> Any:
    """The SavedObjectGraph of the saved objects; equal ones give equal messages.

    Raises:
        InvalidArgumentError: a signature holds what cannot be saved.
    """
    proto = schema.SavedObjectGraph()
    for node in graph.nodes:
        _encode_node(node, proto.nodes.add())
    for name, info in graph.concrete_functions.items():
        out = proto.concrete_functions[name]
        out.bound_inputs.extend(info.bound_inputs)
        out.canonicalized_input_signature.CopyFrom(encode_value(info.input_signature))
        out.output_signature.CopyFrom(encode_value(info.output_signature))
    return proto


def _encode_node(node: SavedObject, proto: Any) -> None:
    for references, field in ((node.children, proto.children), (node.dependencies, proto.dependencies)):
        for name, number in references:
            field.add(local_name=name, node_id=number)
    for slot in node.slot_variables:
        proto.slot_variables.add(
            original_variable_node_id=slot.original, slot_name=slot.slot_name, slot_variable_node_id=slot.slot
        )
    for name, (save, restore) in node.saveable_objects.items():
        proto.saveable_objects[name].save_function = save
        proto.saveable_objects[name].restore_function = restore
    proto.registered_name = node.registered_name
    proto.registered_saver = node.registered_saver
    if node.user_proto is not None:
        proto.serialized_user_proto.type_url, proto.serialized_user_proto.value = node.user_proto
    _encode_kind(node.kind, proto)


def _encode_kind(kind: Kind, proto: Any) -> None:
    if isinstance(kind, UserObject):
        out = proto.user_object
        out.identifier, out.metadata = kind.identifier, kind.metadata
        out.version.producer, out.version.min_consumer = kind.producer, kind.min_consumer
    elif isinstance(kind, Asset):
        proto.asset.SetInParent()
        proto.asset.asset_file_def_index = kind.number
    elif isinstance(kind, SavedFunction):
        proto.function.SetInParent()
        proto.function.concrete_functions.extend(kind.concrete_functions)
        if kind.spec is not None:
            encode_function_spec(kind.spec, proto.function.function_spec)
    elif isinstance(kind, VariableInfo):
        _encode_variable(kind, proto.variable)
    elif isinstance(kind, BareConcreteFunction):
        bare = proto.bare_concrete_function
        bare.concrete_function_name = kind.name
        bare.argument_keywords.extend(kind.argument_keywords)
        bare.allowed_positional_arguments = kind.allowed_positional_arguments
        if kind.spec is not None:
            encode_function_spec(kind.spec, bare.function_spec)
    elif isinstance(kind, Constant):
        proto.constant.operation = kind.operation
    elif isinstance(kind, Resource):
        proto.resource.SetInParent()
        proto.resource.device = kind.device
    else:
        proto.captured_tensor.name = kind.name
        proto.captured_tensor.concrete_function = kind.concrete_function


def _encode_variable(info: VariableInfo, proto: Any) -> None:
    proto.dtype = info.dtype.enum
    proto.shape.CopyFrom(encode_shape(info.shape))
    proto.trainable = info.trainable
    proto.name = info.name
    proto.synchronization = info.synchronization
    proto.aggregation = info.aggregation
    proto.device = info.device
    for part in info.components:
        _encode_variable(part, proto.experimental_distributed_variable_components.add())


def encode_function_spec(spec: FunctionSpec, proto: Any) -> None:
    """Fill in the FunctionSpec message `proto`.

    Raises:
        InvalidArgumentError: a default or the input signature holds what cannot be saved.
    """
    fields: tuple[tuple[str, Any], ...] = (
        ("args", list(spec.args)),
        ("varargs", spec.varargs),
        ("varkw", spec.varkw),
        ("defaults", spec.defaults),
        ("kwonlyargs", list(spec.kwonlyargs)),
        ("kwonlydefaults", None if spec.kwonlydefaults is None else dict(spec.kwonlydefaults)),
        ("annotations", {}),
    )
    proto.fullargspec.CopyFrom(encode_value(NamedTupleValue("FullArgSpec", fields)))
    proto.is_method = spec.is_method
    proto.input_signature.CopyFrom(encode_value(spec.input_signature))
    proto.jit_compile = _JIT_COMPILE.index(spec.jit_compile)
