"""Checkpoint messages: the bundle's header and entries, the object graph it carries, the state file.

Each message has a dataclass, and a decoder beside its encoder.
"""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..dtypes import DType
from ..errors import DataLossError
from ..record import field, record
from . import schema

__all__ = [
    "BUNDLE_VERSION",
    "BundleHeader",
    "CheckpointState",
    "Entry",
    "SlotVariable",
    "TrackableGraph",
    "TrackableNode",
    "decode_checkpoint_state",
    "decode_entry",
    "decode_header",
    "decode_object_graph",
    "encode_checkpoint_state",
    "encode_entry",
    "encode_header",
    "encode_object_graph",
]

# The bundle format's version; a bundle whose min_consumer is above it needs a newer reader.
BUNDLE_VERSION = 1


@record(frozen=True)
class BundleHeader:
    """What a bundle says of itself (BundleHeaderProto).

    Attributes:
        num_shards: number of data files.
        big_endian: are the values stored with their most significant byte first?
        min_consumer: the oldest reader version that may read it.
        bad_consumers: reader versions that may not.
    """

    num_shards: int = 1
    big_endian: bool = False
    min_consumer: int = 0
    bad_consumers: tuple[int, ...] = ()


@record(frozen=True)
class Entry:
    """One tensor in a bundle (BundleEntryProto).

    Attributes:
        dtype: element type.
        shape: the whole tensor's shape.
        shard: which data file holds it.
        offset: first byte in that file.
        size: number of bytes there.
        crc: masked crc32c of those bytes, as stored.
        slices: the places of the parts of a partitioned tensor, each (start, length) a dimension, length -1
            for a whole dimension. The parts have entries of their own; this one then has no bytes.
    """

    dtype: DType
    shape: tuple[int, ...]
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int = 0
    slices: tuple[tuple[tuple[int, int], ...], ...] = ()


@record(frozen=True)
class SlotVariable:
    """A variable that an optimizer keeps for another one.

    Attributes:
        original: node of the variable it belongs to.
        slot_name: "m", "momentum", ...
        slot: node of the slot variable.
    """

    original: int
    slot_name: str
    slot: int


@record
class TrackableNode:
    """One object of a checkpoint's object graph.

    Attributes:
        children: (local name, node number) of each object it holds.
        attributes: (name, full name, checkpoint key) of each value it stores.
        slot_variables: what an optimizer keeps for variables.
        has_values: does it hold values, or lead to some? None where the checkpoint does not say.
        registered_saver: (saver's name, object's name), or None.
    """

    children: list[tuple[str, int]] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    slot_variables: list[SlotVariable] = field(default_factory=list)
    has_values: bool | None = None
    registered_saver: tuple[str, str] | None = None


@record
class TrackableGraph:
    """The objects whose values a checkpoint holds (TrackableObjectGraph); node 0 is the root."""

    nodes: list[TrackableNode] = field(default_factory=list)


@record
class CheckpointState:
    """Which checkpoints a directory holds (CheckpointState, in text form in the file ``checkpoint``).

    Attributes:
        model_checkpoint_path: prefix of the newest checkpoint; empty for none.
        all_model_checkpoint_paths: prefixes of all that are kept, oldest first.
        all_model_checkpoint_timestamps: when each was made, in seconds since 1970; empty where not recorded.
        last_preserved_timestamp: when the last one that is kept for good was made; 0 where not recorded.
    """

    model_checkpoint_path: str = ""
    all_model_checkpoint_paths: list[str] = field(default_factory=list)
    all_model_checkpoint_timestamps: list[float] = field(default_factory=list)
    last_preserved_timestamp: float = 0.0


def encode_header(header: BundleHeader) -> bytes:
    """The serialized BundleHeaderProto, as TensorFlow writes it."""
    proto = schema.message("BundleHeaderProto")()
    proto.num_shards = header.num_shards
    proto.endianness = int(header.big_endian)
    proto.version.producer = BUNDLE_VERSION
    proto.version.min_consumer = header.min_consumer
    proto.version.bad_consumers.extend(header.bad_consumers)
    return schema.serialize(proto, "the bundle header")


def decode_header(data: bytes, where: str) -> BundleHeader:
    """The header in `data`.

    Args:
        data: a serialized BundleHeaderProto.
        where: the file, for messages.

    Raises:
        DataLossError: `data` is no such message, or its numbers make no sense.
    """
    proto = schema.parse(schema.message("BundleHeaderProto"), data, f"{where}: bundle header")
    if proto.num_shards < 1 or proto.endianness not in (0, 1):
        raise DataLossError(
            None,
            None,
            f"{where}: bundle header is damaged: {proto.num_shards} shards, endianness {proto.endianness}.",
        )
    return BundleHeader(
        proto.num_shards,
        proto.endianness == 1,
        proto.version.min_consumer,
        tuple(proto.version.bad_consumers),
    )


def encode_entry(entry: Entry) -> bytes:
    """The serialized BundleEntryProto, as TensorFlow writes it."""
    proto = schema.message("BundleEntryProto")()
    proto.dtype = entry.dtype.enum
    proto.shape.SetInParent()  # a scalar's shape is an empty message, not a missing one
    for size in entry.shape:
        proto.shape.dim.add().size = size
    proto.shard_id = entry.shard
    proto.offset = entry.offset
    proto.size = entry.size
    proto.crc32c = entry.crc
    for extents in entry.slices:
        part = proto.slices.add()
        for start, length in extents:
            extent = part.extent.add()
            if length >= 0:
                extent.start = start
                extent.length = length
    return schema.serialize(proto, "a bundle entry")


def decode_entry(data: bytes, where: str) -> Entry:
    """The entry in `data`.

    Args:
        data: a serialized BundleEntryProto.
        where: the file and the tensor, for messages.

    Raises:
        DataLossError: `data` is no such message, or its numbers make no sense (they are not held against
            the data file here).
    """
    proto = schema.parse(schema.message("BundleEntryProto"), data, where)
    try:
        dtype = dtypes.as_dtype(int(proto.dtype))
    except TypeError:
        dtype = dtypes.resource
    if dtype is dtypes.resource or dtype is not dtype.base_dtype:
        raise DataLossError(None, None, f"{where}: {proto.dtype} is no dtype that a checkpoint holds.")
    shape = tuple(dim.size for dim in proto.shape.dim)
    if proto.shape.unknown_rank or any(size < 0 for size in shape):
        raise DataLossError(None, None, f"{where}: the shape {list(shape)} is not fully known.")
    if proto.shard_id < 0 or proto.offset < 0 or proto.size < 0:
        raise DataLossError(
            None,
            None,
            f"{where}: shard {proto.shard_id}, offset {proto.offset}, size {proto.size} are no place.",
        )
    slices = tuple(
        tuple(
            (extent.start, extent.length) if extent.HasField("length") else (0, -1) for extent in part.extent
        )
        for part in proto.slices
    )
    for part, extents in zip(proto.slices, slices, strict=True):
        inside = len(extents) == len(shape) and all(
            not extent.HasField("length")
            or (extent.length >= 0 and 0 <= extent.start <= size - extent.length)
            for extent, size in zip(part.extent, shape, strict=True)
        )
        if not inside:
            raise DataLossError(
                None, None, f"{where}: the part {extents} is outside the shape {list(shape)}."
            )
    return Entry(dtype, shape, proto.shard_id, proto.offset, proto.size, proto.crc32c, slices)


def encode_object_graph(graph: TrackableGraph) -> bytes:
    """The serialized TrackableObjectGraph; equal graphs give equal bytes."""
    proto = schema.message("TrackableObjectGraph")()
    for node in graph.nodes:
        out = proto.nodes.add()
        for name, node_id in node.children:
            out.children.add(node_id=node_id, local_name=name)
        for name, full_name, key in node.attributes:
            out.attributes.add(name=name, full_name=full_name, checkpoint_key=key)
        for slot in node.slot_variables:
            out.slot_variables.add(
                original_variable_node_id=slot.original,
                slot_name=slot.slot_name,
                slot_variable_node_id=slot.slot,
            )
        if node.registered_saver is not None:
            out.registered_saver.name, out.registered_saver.object_name = node.registered_saver
        if node.has_values is not None:
            out.has_checkpoint_values.SetInParent()
            out.has_checkpoint_values.value = node.has_values
    return schema.serialize(proto, "the object graph")


def decode_object_graph(data: bytes, where: str = "the checkpoint's object graph") -> TrackableGraph:
    """The object graph in `data`, every node number in it checked.

    Args:
        data: a serialized TrackableObjectGraph.
        where: the file, for messages.

    Raises:
        DataLossError: `data` is no such message, or it names a node that it does not have.
    """
    proto = schema.parse(schema.message("TrackableObjectGraph"), data, where)
    graph = TrackableGraph([_decode_node(node) for node in proto.nodes])
    for number, node in enumerate(graph.nodes):
        named = [node_id for _, node_id in node.children]
        named += [node_id for slot in node.slot_variables for node_id in (slot.original, slot.slot)]
        for node_id in named:
            if not 0 <= node_id < len(graph.nodes):
                raise DataLossError(
                    None,
                    None,
                    f"{where}: node {number} refers to node {node_id} of {len(graph.nodes)}.",
                )
    return graph


def _decode_node(proto: Any) -> TrackableNode:
    return TrackableNode(
        [(child.local_name, child.node_id) for child in proto.children],
        [(value.name, value.full_name, value.checkpoint_key) for value in proto.attributes],
        [
            SlotVariable(slot.original_variable_node_id, slot.slot_name, slot.slot_variable_node_id)
            for slot in proto.slot_variables
        ],
        proto.has_checkpoint_values.value if proto.HasField("has_checkpoint_values") else None,
        (proto.registered_saver.name, proto.registered_saver.object_name)
        if proto.HasField("registered_saver")
        else None,
    )


def encode_checkpoint_state(state: CheckpointState) -> str:
    """`state` as the text of a state file."""
    proto = schema.message("CheckpointState")(
        model_checkpoint_path=state.model_checkpoint_path,
        all_model_checkpoint_paths=state.all_model_checkpoint_paths,
        all_model_checkpoint_timestamps=state.all_model_checkpoint_timestamps,
        last_preserved_timestamp=state.last_preserved_timestamp,
    )
    return schema.to_text(proto)


def decode_checkpoint_state(text: bytes, where: str) -> CheckpointState:
    """What the text of a state file says.

    Raises:
        DataLossError: `text` is no such text; the message names the file `where` and the line.
    """
    proto = schema.from_text(schema.message("CheckpointState"), text, where)
    return CheckpointState(
        proto.model_checkpoint_path,
        list(proto.all_model_checkpoint_paths),
        list(proto.all_model_checkpoint_timestamps),
        proto.last_preserved_timestamp,
    )
