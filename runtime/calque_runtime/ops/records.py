"""Values written as strings: CSV lines, serialized tensors, Example messages as JSON, compressed bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from ..dtypes import DType, string
from ..errors import DataLossError, OpError
from ..op import Array, Kernel, Site, op
from ..shapes import Shape, format_shape
from .common import as_strings, check_size, same_shape, scalar
from .parse import show_type
from .string_format import string_to_number

__all__: list[str] = []


def _fields(s: Site, line: bytes, delimiter: int, quoted: bool) -> list[bytes]:
    """The fields of one CSV line (RFC 4180), without their quotes."""
    fields: list[bytes] = []
    at, end = 0, len(line)
    while at < end:
        if quoted and line[at] == 34:
            field, at = _quoted_field(s, line, at + 1, delimiter)
        else:
            stop = line.find(bytes([delimiter]), at)
            stop = end if stop < 0 else stop
            field, at = line[at:stop], stop
            if quoted and (b'"' in field or b"\n" in field or b"\r" in field):
                raise s.error("Unquoted fields cannot have quotes/CRLFs inside")
        fields.append(field)
        at += 1
    if line[-1:] == bytes([delimiter]):
        fields.append(b"")
    return fields


def _quoted_field(s: Site, line: bytes, at: int, delimiter: int) -> tuple[bytes, int]:
    """The field whose opening quote stands before `at`, and where it ends."""
    parts = []
    while True:
        stop = line.find(b'"', at)
        if stop < 0:
            raise s.error("Quoted field has to end with quote followed by delim or end")
        parts.append(line[at:stop])
        after = line[stop + 1 : stop + 2]
        if after in (b"", bytes([delimiter])):
            return b"".join(parts), stop + 1
        if after != b'"':
            raise s.error("Quote inside a string has to be escaped by another quote")
        parts.append(b'"')
        at = stop + 2


def _numbers(dtype: DType) -> Callable[[Array], Array]:
    """What reads strings as numbers of a type."""
    return string_to_number.bind(Site(string_to_number, {"out_type": dtype}, [string]))


@op(
    "DecodeCSV(records: string, record_defaults: list(OUT_TYPE)) -> (output: list(OUT_TYPE)) | "
    "OUT_TYPE: list(type) >=1 in [float, double, int32, int64, string]; field_delim: string=','; "
    "use_quote_delim: bool=true; na_value: string=''; select_cols: list(int)=[]"
)
def decode_csv(s: Site) -> Kernel:
    """The columns of CSV lines; a field that is empty or `na_value` is its column's default, if it has one."""
    types, quoted, missing, chosen = s["OUT_TYPE"], s["use_quote_delim"], s["na_value"], s["select_cols"]
    delimiter = s["field_delim"]
    if len(delimiter) != 1:
        raise s.error("field_delim should be only 1 char")
    if any(c < 0 for c in chosen) or list(chosen) != sorted(set(chosen)):
        raise s.error(f"select_cols must be increasing numbers of columns, but is {list(chosen)}")
    if chosen and len(chosen) != len(types):
        raise s.error("select_cols should match output size")
    readers = [None if dtype is string else _numbers(dtype) for dtype in types]

    def column(k: int, texts: list[bytes], default: Array, shape: tuple[int, ...]) -> Array:
        gone = [i for i, text in enumerate(texts) if text in (b"", missing)]
        if gone and not default.size:
            raise s.error(f"Field {k} is required but missing in record {gone[0]}!")
        read = readers[k]
        if read is None:
            out = as_strings(texts, (len(texts),))
        else:
            for i in gone:
                texts[i] = b"0"
            out = _converted(k, texts, read)
        if gone:
            out[gone] = default.item()
        return out.reshape(shape)

    def _converted(k: int, texts: list[bytes], read: Callable[[Array], Array]) -> Array:
        try:
            return read(as_strings(texts, (len(texts),)))
        except OpError:
            for i, text in enumerate(texts):
                try:
                    read(as_strings(text, ()))
                except OpError:
                    raise s.error(
                        f"Field {k} in record {i} is not a valid {show_type(types[k])}: "
                        + text.decode(errors="replace")
                    ) from None
            raise

    def run(records: Array, *defaults: Array) -> list[Array]:
        for k, default in enumerate(defaults):
            if default.size > 1 or default.ndim > 1:
                raise s.error(f"There should only be 1 default per field but field {k} has {default.size}")
        columns: list[list[bytes]] = [[] for _ in types]
        for i, line in enumerate(records.ravel().tolist()):
            fields = _fields(s, line, delimiter[0], quoted)
            if chosen:
                fields = [fields[c] for c in chosen if c < len(fields)]
            if len(fields) != len(types):
                raise s.error(f"Expect {len(types)} fields but have {len(fields)} in record {i}")
            for texts, field in zip(columns, fields, strict=True):
                texts.append(field)
        return [
            column(k, texts, default, records.shape)
            for k, (texts, default) in enumerate(zip(columns, defaults, strict=True))
        ]

    return run


@decode_csv.shape
def _(s: Site) -> list[Shape]:
    for k, known in enumerate(s.shapes[1:]):
        if known is not None and (len(known) > 1 or (known and (known[0] or 0) > 1)):
            raise s.error(f"Shape of a default must be a length-0 or length-1 vector, or a scalar: field {k}")
    return [s.shapes[0]] * len(s["OUT_TYPE"])


decode_csv.not_differentiable()


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
