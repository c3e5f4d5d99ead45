"""TensorFlow's message classes, built at first use from the descriptors in ``schema.binpb``.

    saved_model = schema.parse(schema.SavedModel, data, "model/saved_model.pb")
    schema.message("serving.PredictRequest"), schema.message("SavedObject.SaveableObjectsEntry")

The descriptors, compiled from ``proto/``, are put into a pool of their own: generated modules would be tied
to one major version of protobuf and, in the default pool, could not share a process with TensorFlow.
Messages of this pool mix with those of another only by way of bytes.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from calque_runtime.errors import DataLossError, InternalError, ResourceExhaustedError, UnimplementedError

__all__ = ["enum", "from_text", "message", "parse", "pool", "serialize", "to_json", "to_text"]

# A message's name is looked for in these, in order; "" is for full names.
_PACKAGES = ("tensorflow.", "", "third_party.py.tf_keras.protobuf.")

_lock = threading.Lock()
_pool: Any = None
_classes: dict[str, Any] = {}


def pool() -> Any:
    """The private DescriptorPool that holds the whole schema."""
    global _pool
    if _pool is None:
        with _lock:
            if _pool is None:
                _pool = _build_pool()
    return _pool


def message(name: str) -> Any:
    """The class of a message.

    Args:
        name: the name without package ("SavedModel", "TensorShapeProto.Dim"), with ``serving.`` in front for
            the Serving messages, or in full ("google.protobuf.Any").

    Raises:
        InternalError: the schema has no such message.
    """
    found = _classes.get(name)
    if found is None:
        found = _classes[name] = _find(name)
    return found


def enum(name: str) -> dict[str, int]:
    """The numbers of an enum's values by name; `name` as for `message`.

    Raises:
        InternalError: the schema has no such enum.
    """
    for package in _PACKAGES:
        try:
            descriptor = pool().FindEnumTypeByName(package + name)
        except KeyError:
            continue
        return {value.name: value.number for value in descriptor.values}
    raise InternalError(None, None, f"the schema has no enum {name}")


def __getattr__(name: str) -> Any:
    if not name[:1].isupper():  # not a message: introspection asking for __path__ and the like
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return message(name)
    except InternalError as error:
        raise AttributeError(error.message) from None


def parse(cls: Any, data: bytes | memoryview, what: str) -> Any:
    """The message of class `cls` that `data` encodes.

    Args:
        cls: a class from `message`.
        data: the bytes of one message.
        what: what the bytes are, for the error: usually the path of the file.

    Raises:
        DataLossError: `data` is damaged, cut short, or nested deeper than protobuf allows (100 levels).
    """
    try:
        return cls.FromString(data)
    except (_decode_error(), ValueError, IndexError, RecursionError) as error:
        # All but the first come from protobuf's pure Python decoder (bad UTF-8, a cut-off number, ...).
        raise DataLossError(
            None,
            None,
            f"{what}: the {len(data)} bytes are not a {cls.DESCRIPTOR.full_name} message (damaged, or cut short): "
            f"{error}",
        ) from error


def serialize(msg: Any, what: str) -> bytes:
    """The bytes of a message, maps in a fixed order: equal messages give equal bytes.

    The order is protobuf's own: its C and its pure Python implementation differ where one key begins with
    another one.

    Raises:
        ResourceExhaustedError: `what` is over 2 GiB, more than protobuf can encode.
    """
    from google.protobuf.message import EncodeError

    try:
        return msg.SerializeToString(deterministic=True)  # type: ignore[no-any-return]
    except (EncodeError, ValueError) as error:
        raise ResourceExhaustedError(
            None, None, f"{what}: the {msg.DESCRIPTOR.full_name} message cannot be encoded: {error}"
        ) from error


def to_text(msg: Any) -> str:
    """`msg` in protobuf's text format, as in saved_model.pbtxt."""
    from google.protobuf import text_format

    return text_format.MessageToString(msg, as_utf8=True, descriptor_pool=pool())


def from_text(cls: Any, text: str | bytes, what: str) -> Any:
    """The message of class `cls` that `text`, in protobuf's text format, describes.

    Raises:
        DataLossError: it is not the text of such a message; the text names `what` and the line.
    """
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    try:
        # Text may nest deeper than 100 levels, which whoever reads the message counts on: by way of bytes it may not.
        return cls.FromString(text_format.Parse(text, cls(), descriptor_pool=pool()).SerializeToString())
    except (text_format.ParseError, DecodeError, ValueError, TypeError, RecursionError) as error:
        raise DataLossError(
            None, None, f"{what}: this is not the text of a {cls.DESCRIPTOR.full_name} message: {error}"
        ) from error


def to_json(msg: Any) -> str:
    """`msg` in protobuf's JSON form, fields under their own names.

    Raises:
        UnimplementedError: an Any in it holds a message that the schema has not.
    """
    from google.protobuf import json_format

    try:
        return json_format.MessageToJson(msg, preserving_proto_field_name=True, descriptor_pool=pool())
    except (TypeError, json_format.Error) as error:
        raise UnimplementedError(
            None, None, f"{msg.DESCRIPTOR.full_name} has no JSON form: {error}"
        ) from error


def _decode_error() -> Any:
    # A checkpoint's index parses a message for each tensor: what only damage needs is not looked up each time.
    from google.protobuf.message import DecodeError

    return DecodeError


def _build_pool() -> Any:
    built = _protobuf()[0]()
    with open(os.path.join(os.path.dirname(__file__), "schema.binpb"), "rb") as file:
        for serialized in _files(file.read()):
            built.AddSerializedFile(serialized)
    return built


@functools.cache
def _protobuf() -> tuple[Any, Callable[[Any], Any]]:
    """The class DescriptorPool, and what makes the class of a message of its descriptor.

    `google.protobuf.message_factory` and `descriptor_pool` import the pure Python implementation and the text format
    even where protobuf runs in C and asks for neither: 12 ms of a process's start, as much as everything else that a
    small model needs. The C module alone gives the same pools and classes; where it is not what protobuf uses, or does
    not look as it does in the releases that are known (4.25 to 7.x), the public way is taken.
    """
    from google.protobuf.internal import api_implementation

    if api_implementation.Type() == "upb":
        try:
            from google._upb._message import DescriptorPool, MessageMeta
            from google.protobuf.message import Message
        except ImportError:
            pass
        else:

            def message_class(descriptor: Any) -> Any:
                known = getattr(descriptor, "_concrete_class", None)
                return known or MessageMeta(
                    descriptor.name, (Message,), {"DESCRIPTOR": descriptor, "__module__": None}
                )

            return DescriptorPool, message_class
    from google.protobuf import descriptor_pool, message_factory

    return descriptor_pool.DescriptorPool, message_factory.GetMessageClass


def _files(descriptor_set: bytes) -> Iterator[bytes]:
    # A FileDescriptorSet is its files one behind the other, each after the tag of field 1 and a varint
    # length: read by hand, because pools want bytes and parsing only to serialize again takes longer.
    at = 0
    while at < len(descriptor_set):
        at += 1
        size = shift = 0
        while True:
            byte = descriptor_set[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield descriptor_set[at : at + size]
        at += size


def _find(name: str) -> Any:
    for package in _PACKAGES:
        try:
            descriptor = pool().FindMessageTypeByName(package + name)
        except KeyError:
            continue
        with _lock:  # two threads must not make two classes of one message
            return _protobuf()[1](descriptor)
    raise InternalError(None, None, f"the schema has no message {name}")
