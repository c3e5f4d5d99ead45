"""Checkpoints on disk: bundles of tensors, read and written, and the state file beside them.

    with BundleWriter("model/ckpt-1") as writer:
        writer.add("w/.ATTRIBUTES/VARIABLE_VALUE", array)
    BundleReader("model/ckpt-1").get_tensor("w/.ATTRIBUTES/VARIABLE_VALUE")

A bundle is ``<prefix>.index``, a sorted table (`table`) from names to places, and data files
``<prefix>.data-SSSSS-of-NNNNN`` (`values`). All that is read is verified against its checksum (`crc`).
"""

from ..wire.bundle import (
    Entry,
    SlotVariable,
    TrackableGraph,
    TrackableNode,
    decode_object_graph,
    encode_object_graph,
)
from .object_paths import (
    OBJECT_GRAPH_KEY,
    VARIABLE_VALUE,
    attribute_key,
    escape_local_name,
    object_path,
    slot_variable_path,
    unescape_local_name,
)
from .reader import BundleReader
from .state_file import CheckpointState, latest_checkpoint, read_state, write_state
from .writer import BundleWriter, merge_bundles

__all__ = [
    "BundleReader",
    "BundleWriter",
    "CheckpointState",
    "Entry",
    "OBJECT_GRAPH_KEY",
    "SlotVariable",
    "TrackableGraph",
    "TrackableNode",
    "VARIABLE_VALUE",
    "attribute_key",
    "decode_object_graph",
    "encode_object_graph",
    "escape_local_name",
    "latest_checkpoint",
    "merge_bundles",
    "object_path",
    "read_state",
    "slot_variable_path",
    "unescape_local_name",
    "write_state",
]
