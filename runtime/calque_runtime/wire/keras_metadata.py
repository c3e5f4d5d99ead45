"""keras_metadata.pb: what Keras 2 writes beside a SavedModel about its layers, models and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import schema

__all__ = ["FILE_NAME", "KerasNode", "decode_keras_metadata", "encode_keras_metadata"]

FILE_NAME = "keras_metadata.pb"
_PRODUCER = 2  # since Keras 2.6: "full_save_spec" has the arguments by name too


class KerasNode(NamedTuple):
    """One Keras object.

    Attributes:
        node_id: its node in the SavedModel's object graph.
        path: the names that lead to it, ``root.layer-0``.
        identifier: of what kind it is, such as "_tf_keras_layer".
        metadata: class, configuration and more, as JSON.
        producer: the version of that form.
    """

    node_id: int
    path: str
    identifier: str
    metadata: str
    producer: int = _PRODUCER


def encode_keras_metadata(nodes: Iterable[KerasNode]) -> bytes:
    """The bytes of the file."""
    out = schema.SavedMetadata()
    for node in nodes:
        added = out.nodes.add()
        added.node_id = node.node_id
        added.node_path = node.path
        added.identifier = node.identifier
        added.metadata = node.metadata
        added.version.producer = node.producer
        added.version.min_consumer = 1
    return schema.serialize(out, FILE_NAME)


def decode_keras_metadata(data: bytes) -> Sequence[KerasNode]:
    """The objects that the bytes of the file describe.

    Raises:
        DataLossError: the bytes are no such message.
    """
    message = schema.parse(schema.SavedMetadata, data, FILE_NAME)
    return [
        KerasNode(n.node_id, n.node_path, n.identifier, n.metadata, n.version.producer) for n in message.nodes
    ]
