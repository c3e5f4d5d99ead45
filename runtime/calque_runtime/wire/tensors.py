"""TensorProto, TensorShapeProto and DataType as arrays, shapes and DTypes, and back.

A tensor's elements are in ``tensor_content`` (raw, little-endian, C order) or in the typed list of its
dtype. A list shorter than the tensor repeats its last value, an empty one stands for zeros. Strings are
object arrays of bytes, resources and variants object arrays of `ResourceHandle` and `VariantData`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import DType
from calque_runtime.errors import (
    DataLossError,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from calque_runtime.record import record
from calque_runtime.shapes import Shape, format_shape
from calque_runtime.structure import ResourceHandle, VariantData

from . import schema

__all__ = [
    "MAX_TENSOR_BYTES",
    "decode_dtype",
    "decode_shape",
    "decode_tensor",
    "encode_shape",
    "encode_tensor",
]

Array = Any

# A few bytes of repeated value may stand for a tensor of any size. What they expand to is held to the size
# that protobuf allows a message: no larger tensor can have been spelled out in a file.
MAX_TENSOR_BYTES = 2**31 - 1

_MANY = 1 << 20  # elements: a constant of more that are all equal holds its element once


@record(frozen=True)
class _Encoding:
    """How one dtype's elements are written.

    Attributes:
        field: the list in TensorProto that holds single elements.
        wire: numpy type of that list's values; None where they are no numbers.
        content: is ``tensor_content`` TensorFlow's choice for more than one element?
        bits: low bits of the byte that count, for types narrower than a byte; else 0.
    """

    field: str
    wire: str | None = None
    content: bool = False
    bits: int = 0


def _encodings() -> dict[DType, _Encoding]:
    table = {
        dtypes.float32: _Encoding("float_val", "float32", True),
        dtypes.float64: _Encoding("double_val", "float64", True),
        dtypes.int64: _Encoding("int64_val", "int64", True),
        dtypes.uint32: _Encoding("uint32_val", "uint32", True),
        dtypes.uint64: _Encoding("uint64_val", "uint64", True),
        dtypes.uint16: _Encoding("int_val", "int32"),
        dtypes.bool: _Encoding("bool_val", "bool"),
        dtypes.complex64: _Encoding("scomplex_val", "float32"),
        dtypes.complex128: _Encoding("dcomplex_val", "float64"),
        dtypes.int4: _Encoding("int_val", "int32", bits=4),
        dtypes.uint4: _Encoding("int_val", "int32", bits=4),
        dtypes.int2: _Encoding("int_val", "int32", bits=2),
        dtypes.uint2: _Encoding("int_val", "int32", bits=2),
        dtypes.float4_e2m1fn: _Encoding("float8_val", "uint8", True, bits=4),
        dtypes.string: _Encoding("string_val"),
        dtypes.resource: _Encoding("resource_handle_val"),
        dtypes.variant: _Encoding("variant_val"),
    }
    for dtype in dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8:
        table[dtype] = _Encoding("int_val", "int32", True)
    for dtype in dtypes.qint8, dtypes.quint8, dtypes.qint16, dtypes.quint16, dtypes.qint32:
        table[dtype] = _Encoding("int_val", "int32", True)
    for dtype in dtypes.float16, dtypes.bfloat16:
        table[dtype] = _Encoding("half_val", "int32", True)
    for dtype in (
        dtypes.float8_e5m2,
        dtypes.float8_e4m3fn,
        dtypes.float8_e4m3fnuz,
        dtypes.float8_e4m3b11fnuz,
        dtypes.float8_e5m2fnuz,
    ):
        table[dtype] = _Encoding("float8_val", "uint8", True)
    return table


_ENCODINGS = _encodings()


def decode_dtype(number: int, where: str) -> DType:
    """The DType of a number of the DataType enum.

    Raises:
        DataLossError: it is 0, which no value has.
        UnimplementedError: the number is unknown.
    """
    try:
        return dtypes.as_dtype(int(number))
    except TypeError:
        if number == 0:
            raise DataLossError(None, None, f"{where}: the dtype is missing (DT_INVALID)") from None
        raise UnimplementedError(
            None, None, f"{where}: dtype number {number} is unknown; a newer TensorFlow may have written it"
        ) from None


def decode_shape(proto: Any, where: str) -> Shape:
    """The shape that a TensorShapeProto holds; names of dimensions are dropped.

    Raises:
        DataLossError: a size is below -1, or the rank is said to be unknown beside a list of sizes.
    """
    if proto.unknown_rank:
        if proto.dim:
            raise DataLossError(None, None, f"{where}: a shape of unknown rank lists sizes")
        return None
    sizes = [dim.size for dim in proto.dim]
    if not sizes or min(sizes) >= 0:
        return tuple(sizes)
    if min(sizes) < -1:
        raise DataLossError(None, None, f"{where}: shape {sizes} has a size below -1")
    return tuple(None if size == -1 else size for size in sizes)


def encode_shape(shape: Shape) -> Any:
    """The TensorShapeProto of `shape`.

    Raises:
        InvalidArgumentError: a size is negative or over 2**63 - 1.
    """
    proto = schema.TensorShapeProto()
    if shape is None:
        proto.unknown_rank = True
        return proto
    for size in shape:
        if size is not None and not 0 <= size < 2**63:
            raise InvalidArgumentError(None, None, f"shape {format_shape(shape)} cannot be saved")
        proto.dim.add(size=-1 if size is None else int(size))
    return proto


def decode_tensor(proto: Any, where: str) -> Array:
    """The array that a TensorProto holds.

    The result may be read-only and share the proto's bytes. A TF1 reference type gives the array of its base.

    Args:
        proto: a TensorProto.
        where: the place of the tensor, for errors.

    Raises:
        DataLossError: shape and values do not fit each other, or dtype or shape are damaged.
        ResourceExhaustedError: a repeated value stands for more than `MAX_TENSOR_BYTES`.
        UnimplementedError: a dtype, or a rank, that is not supported.
    """
    dtype = decode_dtype(proto.dtype, where).base_dtype
    encoding = _ENCODINGS[dtype]
    shape = decode_shape(proto.tensor_shape, where)
    if shape is None or None in shape:
        raise DataLossError(None, None, f"{where}: a tensor cannot have shape {format_shape(shape)}")
    count = 1
    for size in shape:
        count *= size or 0
    content = proto.tensor_content
    if content:
        flat = _from_content(content, dtype, encoding, count, where)
    else:
        flat = _from_list(getattr(proto, encoding.field), dtype, encoding, count, where)
    try:
        return flat.reshape(shape)
    except ValueError as error:
        raise UnimplementedError(
            None, None, f"{where}: numpy has no arrays of shape {format_shape(shape)}: {error}"
        ) from error


def _from_content(content: bytes, dtype: DType, encoding: _Encoding, count: int, where: str) -> Array:
    if dtype is dtypes.string:
        return _strings_from_content(content, count, where)
    if encoding.wire is None:
        raise DataLossError(None, None, f"{where}: a {dtype.name} tensor cannot have tensor_content")
    if len(content) != count * dtype.size:
        raise DataLossError(
            None,
            None,
            f"{where}: tensor_content has {len(content)} bytes, {count} elements of {dtype.name} take "
            f"{count * dtype.size}",
        )
    if encoding.bits:
        return _narrow(np.frombuffer(content, np.uint8), dtype, encoding.bits)
    if dtype is dtypes.bool:
        return np.frombuffer(content, np.uint8) != 0
    return np.frombuffer(content, dtype.np)


def _from_list(values: Any, dtype: DType, encoding: _Encoding, count: int, where: str) -> Array:
    per_element = 2 if dtype.is_complex else 1
    given, odd = divmod(len(values), per_element)
    if odd or given > count:
        raise DataLossError(
            None,
            None,
            f"{where}: {encoding.field} has {len(values)} values, too many or too few for {count} "
            f"elements of {dtype.name}",
        )
    if given < count:
        size = count * (dtype.size or np.dtype(object).itemsize)
        if size > MAX_TENSOR_BYTES:
            raise ResourceExhaustedError(
                None,
                None,
                f"{where}: {given} values stand for {count} elements of {dtype.name}, {size} bytes; "
                f"the limit is {MAX_TENSOR_BYTES}",
            )
    if encoding.wire is None:
        flat = _objects(values, dtype, where)
    else:
        flat = _numbers(values, dtype, encoding)
    if given == count:
        return flat
    if given <= 1 and count > _MANY:  # a few bytes in the file must not become gigabytes in memory
        return np.broadcast_to(flat if given else np.array([_zero(dtype)], flat.dtype), count)
    whole = np.empty(count, flat.dtype)
    whole[:given] = flat
    whole[given:] = flat[-1:] if given else _zero(dtype)
    return whole


def _numbers(values: Any, dtype: DType, encoding: _Encoding) -> Array:
    if encoding.field == "float8_val":
        wire = np.frombuffer(values, np.uint8)
    else:
        wire = np.fromiter(values, encoding.wire, len(values))
    if encoding.bits:
        return _narrow(wire.astype(np.uint8), dtype, encoding.bits)
    if encoding.field == "half_val":
        return wire.astype(np.uint16).view(dtype.np)
    if dtype.is_complex or encoding.field == "float8_val":
        return wire.view(dtype.np)
    return wire.astype(dtype.np, copy=False)  # a value too wide for the type loses its high bits, as in C


def _narrow(octets: Array, dtype: DType, bits: int) -> Array:
    """Elements of fewer bits than a byte, out of bytes whose high bits may hold anything."""
    if dtype.is_integer and not dtype.is_unsigned:
        return ((octets << (8 - bits)).astype(np.uint8).view(np.int8) >> (8 - bits)).astype(dtype.np)
    low = octets & ((1 << bits) - 1)
    return low.view(dtype.np) if dtype.is_floating else low.astype(dtype.np)


def _objects(values: Any, dtype: DType, where: str) -> Array:
    flat = np.empty(len(values), object)
    if dtype is dtypes.string:
        flat[:] = list(values)
        return flat
    decode = _decode_handle if dtype is dtypes.resource else _decode_variant
    for i, value in enumerate(values):
        flat[i] = decode(value, where)
    return flat


def _zero(dtype: DType) -> Any:
    if dtype is dtypes.string:
        return b""
    if dtype is dtypes.resource:
        return ResourceHandle()
    return VariantData("") if dtype is dtypes.variant else np.zeros((), dtype.np)


def _strings_from_content(content: bytes, count: int, where: str) -> Array:
    # TensorFlow's C++ writer: every length as a varint, then the strings one behind the other.
    if count > len(content):
        raise DataLossError(None, None, f"{where}: {len(content)} bytes cannot hold {count} strings")
    lengths, at = [], 0
    for _ in range(count):
        length = shift = 0
        while True:
            if at == len(content) or shift > 28:
                raise DataLossError(None, None, f"{where}: the string lengths in tensor_content are damaged")
            byte = content[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    if at + sum(lengths) != len(content):
        raise DataLossError(
            None,
            None,
            f"{where}: strings in tensor_content take {sum(lengths)} bytes, there are {len(content) - at}",
        )
    flat = np.empty(count, object)
    for i, length in enumerate(lengths):
        flat[i] = content[at : at + length]
        at += length
    return flat


def _decode_handle(proto: Any, where: str) -> ResourceHandle:
    return ResourceHandle(
        proto.device,
        proto.container,
        proto.name,
        proto.hash_code,
        proto.maybe_type_name,
        tuple(
            (decode_dtype(each.dtype, where), decode_shape(each.shape, where))
            for each in proto.dtypes_and_shapes
        ),
    )


def _decode_variant(proto: Any, where: str) -> VariantData:
    inner = f"{where}, variant {proto.type_name!r}"
    return VariantData(
        proto.type_name,
        proto.metadata,
        tuple(decode_tensor(tensor, inner) for tensor in proto.tensors),
        tuple(decode_dtype(tensor.dtype, inner) for tensor in proto.tensors),
    )


def encode_tensor(array: Any, dtype: Any = None) -> Any:
    """The TensorProto of an array, byte for byte as TensorFlow's Python writes it.

    Args:
        array: an array, or anything numpy makes one of. Strings may be bytes or str, which becomes UTF-8.
        dtype: the element type, anything `as_dtype` takes. Default: what the array's type says; object arrays
            are strings unless they hold `VariantData` or `ResourceHandle`. Needed for the quantized types.

    Raises:
        InvalidArgumentError: the array's elements are not of that type.
        ResourceExhaustedError: it takes 2 GiB or more, too much for a message.
    """
    array, dtype = _typed(array, dtype)
    encoding = _ENCODINGS[dtype]
    proto = schema.TensorProto(dtype=dtype.enum, tensor_shape=encode_shape(array.shape))
    if array.size * dtype.size > MAX_TENSOR_BYTES:
        raise ResourceExhaustedError(
            None,
            None,
            f"a {dtype.name} tensor of shape {format_shape(array.shape)} takes {array.nbytes} bytes; "
            f"a message holds {MAX_TENSOR_BYTES}: keep it in a variable instead",
        )
    if encoding.content and array.size > 1:
        proto.tensor_content = array.tobytes()
        return proto
    if encoding.field == "float8_val":
        proto.float8_val = array.tobytes()
        return proto
    values = getattr(proto, encoding.field)
    flat = array.reshape(-1)
    if dtype is dtypes.string:
        values.extend([_to_bytes(value) for value in flat])
    elif dtype is dtypes.resource:
        values.extend([_encode_handle(value) for value in flat])
    elif dtype is dtypes.variant:
        values.extend([_encode_variant(value) for value in flat])
    elif encoding.field == "half_val":
        values.extend(flat.view(np.uint16).tolist())
    elif dtype.is_complex:
        values.extend(np.ascontiguousarray(flat).view(array.real.dtype).tolist())
    else:
        values.extend((flat.astype(np.int8) if encoding.bits else flat).tolist())
    return proto


def _typed(array: Any, dtype: Any) -> tuple[Array, DType]:
    wanted = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
    try:
        if not isinstance(array, (np.ndarray, np.generic)) and wanted is not None:
            array = np.array(array, wanted.np)
        array = np.asarray(array)
        found = wanted or _object_dtype(array) or dtypes.from_numpy(array.dtype)
    except (TypeError, ValueError, OverflowError) as error:
        as_what = "a tensor" if wanted is None else f"a {wanted.name} tensor"
        raise InvalidArgumentError(None, None, f"{type(array).__name__} is not {as_what}: {error}") from error
    holds = array.dtype.kind in "OSU" if found is dtypes.string else array.dtype == found.np
    if not holds:
        raise InvalidArgumentError(
            None, None, f"an array of {array.dtype} was to be saved as {found.name}; convert it first"
        )
    return array, found


def _object_dtype(array: Array) -> DType | None:
    if array.dtype.kind != "O" or not array.size:
        return None
    first = array.flat[0]
    if isinstance(first, VariantData):
        return dtypes.variant
    return dtypes.resource if isinstance(first, ResourceHandle) else None


def _to_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise InvalidArgumentError(None, None, f"a string tensor holds a {type(value).__name__}: {value!r}")


def _encode_handle(value: Any) -> Any:
    if not isinstance(value, ResourceHandle):
        raise InvalidArgumentError(None, None, f"a resource tensor holds a {type(value).__name__}")
    proto = schema.ResourceHandleProto(
        device=value.device,
        container=value.container,
        name=value.name,
        hash_code=value.hash_code,
        maybe_type_name=value.type_name,
    )
    for dtype, shape in value.dtypes_and_shapes:
        proto.dtypes_and_shapes.add(dtype=dtype.enum, shape=encode_shape(shape))
    return proto


def _encode_variant(value: Any) -> Any:
    if not isinstance(value, VariantData):
        raise InvalidArgumentError(None, None, f"a variant tensor holds a {type(value).__name__}")
    kinds = value.dtypes or (None,) * len(value.tensors)
    if len(kinds) != len(value.tensors):
        count = len(value.tensors)
        raise InvalidArgumentError(
            None, None, f"variant {value.type_name!r} has {count} tensors and {len(kinds)} dtypes"
        )
    return schema.VariantTensorDataProto(
        type_name=value.type_name,
        metadata=value.metadata,
        tensors=[encode_tensor(tensor, dtype) for tensor, dtype in zip(value.tensors, kinds, strict=True)],
    )
