"""SavedModel, MetaGraphDef and SavedObjectGraph messages, and the classes of `savedmodel.metagraph`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from calque_runtime.errors import InvalidArgumentError, UnimplementedError
from calque_runtime.ir import Graph
from calque_runtime.savedmodel.metagraph import (
    AssetFile,
    Collection,
    MetaGraph,
    Saver,
    SignatureDef,
    TensorInfo,
)

from . import schema
from .graphs import constant_lookup, decode_graph, decode_library, encode_graph, located, op_lookup
from .objects import decode_object_graph, encode_object_graph
from .opdefs import encode_op_list
from .structured import decode_type_spec, encode_type_spec
from .tensors import decode_dtype, decode_shape, decode_tensor, encode_shape, encode_tensor

if TYPE_CHECKING:
    from .needs import Needs

__all__ = [
    "SCHEMA_VERSION",
    "decode_saved_model",
    "decode_variables",
    "encode_saved_model",
    "encode_signature",
]

SCHEMA_VERSION = 1  # saved_model_schema_version; files without it (0) are of the same form


def decode_saved_model(data: bytes, where: str, text: bool = False) -> list[MetaGraph]:
    """The meta graphs of a SavedModel. Graphs and functions in them are decoded when they are asked for.

    Args:
        data: a serialized SavedModel.
        where: the file, for messages.
        text: is `data` in protobuf's text format?

    Raises:
        DataLossError: `data` is damaged.
        InvalidArgumentError: it contradicts itself.
        UnimplementedError: it is of a newer form.
    """
    if text:
        proto = schema.from_text(schema.SavedModel, data, where)
    else:
        proto = schema.parse(schema.SavedModel, data, where)
    if proto.saved_model_schema_version > SCHEMA_VERSION:
        raise UnimplementedError(
            None,
            None,
            f"{where}: SavedModel schema version {proto.saved_model_schema_version} is newer than "
            f"{SCHEMA_VERSION}",
        )
    with located(where):
        return [_decode_meta_graph(meta_graph, where) for meta_graph in proto.meta_graphs]


def _decode_meta_graph(proto: Any, where: str) -> MetaGraph:
    info = proto.meta_info_def
    graph_def = proto.graph_def
    op_list = info.stripped_op_list

    def graph(wanted: Iterable[str] | None = None) -> Graph:
        with located(where):
            return decode_graph(graph_def, op_lookup(op_list, graph_def.library), wanted)

    return MetaGraph(
        graph,
        decode_library(graph_def.library, op_list, where),
        constant=constant_lookup(graph_def, where),
        needs=lambda: _needs(graph_def),
        tags=info.tags,
        signatures={
            name: _decode_signature(proto.signature_def[name], name) for name in sorted(proto.signature_def)
        },
        assets=[AssetFile(asset.filename, asset.tensor_info.name) for asset in _assets(proto)],
        object_graph=(
            decode_object_graph(proto.object_graph_def, where) if proto.HasField("object_graph_def") else None
        ),
        saver=_decode_saver(proto.saver_def) if proto.HasField("saver_def") else None,
        collections={
            name: _decode_collection(proto.collection_def[name]) for name in sorted(proto.collection_def)
        },
        registered_gradients={
            gradient.registered_op_type: gradient.gradient_func
            for gradient in graph_def.library.registered_gradients
        },
        function_aliases={name: info.function_aliases[name] for name in sorted(info.function_aliases)},
        tensorflow_version=info.tensorflow_version,
        tensorflow_git_version=info.tensorflow_git_version,
        stripped_default_attrs=info.stripped_default_attrs,
        graph_version=graph_def.versions.producer,
        min_consumer=graph_def.versions.min_consumer,
    )


def _needs(graph_def: Any) -> Needs:
    from .needs import Needs

    return Needs(graph_def)


def _assets(proto: Any) -> Iterable[Any]:
    """The AssetFileDefs, which early writers put into a collection."""
    if proto.asset_file_def or "saved_model_assets" not in proto.collection_def:
        return proto.asset_file_def  # type: ignore[no-any-return]
    values = proto.collection_def["saved_model_assets"].any_list.value
    return [schema.parse(schema.AssetFileDef, value.value, "an asset") for value in values]


def decode_variables(collection: Collection | None) -> list[tuple[str, str]]:
    """The name, without ``:0``, and the initializer's node of each variable in a collection of VariableDefs.

    Raises:
        DataLossError: an entry is damaged.
    """
    values = () if collection is None or collection.kind != "bytes" else collection.values
    found = [schema.parse(schema.VariableDef, value, "a variable in a collection") for value in values]
    return [(one.variable_name.partition(":")[0], one.initializer_name) for one in found]


def encode_saved_model(meta_graphs: Iterable[MetaGraph]) -> bytes:
    """The serialized SavedModel of some meta graphs; equal ones give equal bytes.

    Raises:
        OpError: as `graphs.encode_function`.
        ResourceExhaustedError: it takes 2 GiB or more.
    """
    proto = schema.SavedModel(saved_model_schema_version=SCHEMA_VERSION)
    for meta_graph in meta_graphs:
        _encode_meta_graph(meta_graph, proto.meta_graphs.add())
    return schema.serialize(proto, "the SavedModel")


def _encode_meta_graph(meta_graph: MetaGraph, proto: Any) -> None:
    functions = list(meta_graph.library.values())
    info = proto.meta_info_def
    info.stripped_op_list.CopyFrom(
        encode_op_list(node.op.signature for graph in (meta_graph.graph, *functions) for node in graph.nodes)
    )
    info.tags.extend(meta_graph.tags)
    info.tensorflow_version = meta_graph.tensorflow_version
    info.tensorflow_git_version = meta_graph.tensorflow_git_version
    info.stripped_default_attrs = meta_graph.stripped_default_attrs
    for name, alias in meta_graph.function_aliases.items():
        info.function_aliases[name] = alias
    proto.graph_def.CopyFrom(encode_graph(meta_graph.graph, functions, meta_graph.registered_gradients))
    if meta_graph.graph_version:
        proto.graph_def.versions.producer = meta_graph.graph_version
    proto.graph_def.versions.min_consumer = meta_graph.min_consumer
    if meta_graph.saver is not None:
        _encode_saver(meta_graph.saver, proto.saver_def)
    for name, collection in meta_graph.collections.items():
        _encode_collection(collection, proto.collection_def[name])
    for name, signature in meta_graph.signatures.items():
        encode_signature(signature, proto.signature_def[name])
    for asset in meta_graph.assets:
        out = proto.asset_file_def.add(filename=asset.filename)
        out.tensor_info.name = asset.tensor_name
    if meta_graph.object_graph is not None:
        proto.object_graph_def.CopyFrom(encode_object_graph(meta_graph.object_graph))


# --- signatures


def _decode_signature(proto: Any, name: str) -> SignatureDef:
    where = f"signature '{name}'"
    return SignatureDef(
        {
            key: _decode_tensor_info(proto.inputs[key], f"{where}, input '{key}'")
            for key in sorted(proto.inputs)
        },
        {
            key: _decode_tensor_info(proto.outputs[key], f"{where}, output '{key}'")
            for key in sorted(proto.outputs)
        },
        proto.method_name,
        {
            key: decode_tensor(proto.defaults[key], f"{where}, default of '{key}'")
            for key in sorted(proto.defaults)
        },
    )


def encode_signature(signature: SignatureDef, proto: Any) -> None:
    """Fill a SignatureDef message."""
    for key, info in signature.inputs.items():
        _encode_tensor_info(info, proto.inputs[key])
    for key, info in signature.outputs.items():
        _encode_tensor_info(info, proto.outputs[key])
    proto.method_name = signature.method_name
    for key, value in signature.defaults.items():
        proto.defaults[key].CopyFrom(encode_tensor(value))


def _decode_tensor_info(proto: Any, where: str) -> TensorInfo:
    encoding = proto.WhichOneof("encoding")
    dtype = decode_dtype(proto.dtype, where) if proto.dtype else None
    shape = decode_shape(proto.tensor_shape, where) if proto.HasField("tensor_shape") else None
    if encoding == "coo_sparse":
        names = proto.coo_sparse
        parts = (names.values_tensor_name, names.indices_tensor_name, names.dense_shape_tensor_name)
        return TensorInfo("", dtype, shape, coo_sparse=parts)
    if encoding == "composite_tensor":
        spec = decode_type_spec(proto.composite_tensor.type_spec, where)
        components = tuple(_decode_tensor_info(one, where) for one in proto.composite_tensor.components)
        return TensorInfo("", dtype, shape, composite=(spec, components))
    return TensorInfo(proto.name, dtype, shape)


def _encode_tensor_info(info: TensorInfo, proto: Any) -> None:
    if info.dtype is not None:
        proto.dtype = info.dtype.enum
    if info.composite is None or info.shape is not None:  # a composite's shape is in its spec
        proto.tensor_shape.CopyFrom(encode_shape(info.shape))
    if info.coo_sparse is not None:
        names = proto.coo_sparse
        names.values_tensor_name, names.indices_tensor_name, names.dense_shape_tensor_name = info.coo_sparse
    elif info.composite is not None:
        spec, components = info.composite
        proto.composite_tensor.type_spec.CopyFrom(encode_type_spec(spec))
        for one in components:
            _encode_tensor_info(one, proto.composite_tensor.components.add())
    else:
        proto.name = info.name


# --- saver and collections


_SAVER_FIELDS = (
    "filename_tensor_name",
    "save_tensor_name",
    "restore_op_name",
    "max_to_keep",
    "sharded",
    "keep_checkpoint_every_n_hours",
    "version",
)


def _decode_saver(proto: Any) -> Saver:
    return Saver(*(getattr(proto, name) for name in _SAVER_FIELDS))


def _encode_saver(saver: Saver, proto: Any) -> None:
    for name in _SAVER_FIELDS:
        setattr(proto, name, getattr(saver, name))


def _decode_collection(proto: Any) -> Collection:
    kind = proto.WhichOneof("kind")
    if kind is None:
        return Collection("node")
    values = getattr(proto, kind).value
    short = kind.removesuffix("_list")
    return Collection(
        short, tuple((v.type_url, v.value) for v in values) if short == "any" else tuple(values)
    )


def _encode_collection(collection: Collection, proto: Any) -> None:
    field = getattr(proto, f"{collection.kind}_list", None)
    if field is None:
        raise InvalidArgumentError(None, None, f"a collection of kind '{collection.kind}' cannot be saved")
    field.SetInParent()
    for value in collection.values:
        if collection.kind == "any":
            field.value.add(type_url=value[0], value=value[1])
        else:
            field.value.append(value)
