"""Values written as strings: serialized tensors, Example messages as JSON, compressed bytes."""

from __future__ import annotations

import zlib
from typing import Any

from ..dtypes import string
from ..errors import DataLossError
from ..op import Array, Kernel, Site, op
from ..shapes import Shape, format_shape
from .common import as_strings, check_size, same_shape, scalar
from .parse import show_type

__all__: list[str] = []


@op("SerializeTensor(tensor: T) -> (serialized: string) | T: type")
def serialize_tensor(s: Site) -> Kernel:
    """The tensor as the bytes of a TensorProto."""
    dtype = s["T"]

    def run(tensor: Array) -> Array:
        from ..wire.examples import tensor_to_bytes

        return as_strings(tensor_to_bytes(tensor, dtype), ())

    return run


serialize_tensor.shape_rule = scalar
serialize_tensor.not_differentiable()


@op("ParseTensor(serialized: string) -> (output: out_type) | out_type: type")
def parse_tensor(s: Site) -> Kernel:
    """The tensor that the bytes of a TensorProto hold."""
    wanted = s["out_type"]

    def run(serialized: Array) -> Any:
        from ..wire.examples import tensor_from_bytes

        if serialized.ndim:
            raise s.error(
                f"Expected `serialized` to be a scalar, got shape: {format_shape(serialized.shape)}"
            )
        try:
            tensor, dtype = tensor_from_bytes(serialized.item(), "serialized")
        except DataLossError as e:
            raise s.error(f"Could not parse `serialized` as TensorProto: {e.message}") from None
        if dtype is not wanted:
            raise s.error(
                f"Type mismatch between parsed tensor ({show_type(dtype)}) and dtype ({show_type(wanted)})"
            )
        return tensor

    return run


@parse_tensor.shape
def _(s: Site) -> list[Shape]:
    if s.shapes[0]:
        raise s.error(f"Expected `serialized` to be a scalar, got shape: {format_shape(s.shapes[0])}")
    return [None]


parse_tensor.not_differentiable()


@op("DecodeJSONExample(json_examples: string) -> (binary_examples: string)")
def decode_json_example(s: Site) -> Kernel:
    """Example messages from their JSON form to bytes."""

    def one(text: bytes) -> bytes:
        from ..wire.examples import example_from_json

        try:
            return example_from_json(text, "json_examples")
        except DataLossError as e:
            raise s.error(f"Error while parsing JSON: {e.message}") from None

    return lambda texts: as_strings([one(t) for t in texts.ravel().tolist()], (texts.size,)).reshape(
        texts.shape
    )


decode_json_example.shape_rule = same_shape
decode_json_example.not_differentiable()


@op("DecodeCompressed(bytes: string) -> (output: string) | compression_type: string=''")
def decode_compressed(s: Site) -> Kernel:
    """Strings compressed by zlib or gzip, unpacked."""
    kind = s["compression_type"]
    windows = {b"": None, b"ZLIB": 15, b"GZIP": 31}
    if kind not in windows:
        raise s.error(f"Only ZLIB, GZIP or NONE are supported compressions: {kind.decode(errors='replace')}")
    bits = windows[kind]

    def unpacked(data: bytes) -> bytes:
        unpacker = zlib.decompressobj(bits or 15)
        limit = s.env.limits.max_bytes if s.env is not None else 8 << 30
        try:
            out = unpacker.decompress(data, limit)
        except zlib.error as e:
            raise s.error(f"the {len(data)} bytes are not {kind.decode()} data: {e}", DataLossError) from None
        if unpacker.unconsumed_tail:
            check_size(s, (limit + 1,), string)
        return out

    if bits is None:
        return lambda x: x
    return lambda x: as_strings([unpacked(v) for v in x.ravel().tolist()], (x.size,)).reshape(x.shape)


decode_compressed.shape_rule = same_shape
decode_compressed.not_differentiable()
