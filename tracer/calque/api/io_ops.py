"""`tf.io`: tensors as bytes and back, and files."""

from __future__ import annotations

import glob
import itertools
import os
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..tensor import EagerTensor, constant
from .arguments import tensor
from .raw import raw

__all__ = [
    "decode_base64",
    "decode_compressed",
    "decode_csv",
    "decode_json_example",
    "decode_raw",
    "encode_base64",
    "matching_files",
    "parse_tensor",
    "read_file",
    "serialize_tensor",
    "write_file",
]


def decode_raw(
    input_bytes: Any,
    out_type: Any,
    little_endian: bool = True,
    fixed_length: int | None = None,
    name: str | None = None,
) -> Any:
    """The numbers whose bytes each string holds: one axis more.

    Args:
        input_bytes: strings, all of one length unless `fixed_length` is given.
        out_type: the numbers' dtype.
        little_endian: does the lowest byte come first?
        fixed_length: how many bytes to take of each; what is missing is zero.
        name: the node's name.
    """
    kind = as_dtype(out_type)
    if fixed_length is not None:
        return raw("DecodePaddedRaw")(
            tensor(input_bytes), tensor(fixed_length), out_type=kind, little_endian=little_endian, name=name
        )
    return raw("DecodeRaw")(tensor(input_bytes), out_type=kind, little_endian=little_endian, name=name)


def decode_csv(
    records: Any,
    record_defaults: Any,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Any = None,
    name: str | None = None,
) -> Any:
    """The columns of lines of comma-separated values.

    Args:
        records: the lines.
        record_defaults: for each column its dtype (it must be there), or a value to take where it is empty.
        field_delim: what separates columns.
        use_quote_delim: do quotes go around fields?
        na_value: what counts as empty besides nothing.
        select_cols: the numbers of the columns to take, increasing; None: all.
        name: the node's name.

    Returns:
        A list of tensors of the shape of `records`.

    Raises:
        ValueError: `select_cols` does not increase, or there is not one default for each.
    """
    if select_cols is not None and any(b <= a for a, b in itertools.pairwise(select_cols)):
        raise ValueError("select_cols is not strictly increasing.")
    if select_cols is not None and select_cols and select_cols[0] < 0:
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(select_cols) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    known = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)
    defaults = [constant([], d) if d in known else tensor(d) for d in record_defaults]
    return raw("DecodeCSV")(
        tensor(records),
        defaults,
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=tuple(select_cols or ()),
        name=name,
    )


def decode_base64(input: Any, name: str | None = None) -> Any:
    """Strings in web-safe base64, decoded."""
    return raw("DecodeBase64")(tensor(input), name=name)


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Any:
    """Strings in web-safe base64, filled up with "=" if `pad` says so."""
    return raw("EncodeBase64")(tensor(input), pad=pad, name=name)


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Any:
    """Compressed strings, unpacked: "", "ZLIB" or "GZIP"."""
    return raw("DecodeCompressed")(tensor(bytes), compression_type=compression_type, name=name)


def decode_json_example(json_examples: Any, name: str | None = None) -> Any:
    """`tf.train.Example` messages in JSON, as `parse_example` takes them."""
    return raw("DecodeJSONExample")(tensor(json_examples), name=name)


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Any:
    """The tensor that a string holds: the inverse of `serialize_tensor`."""
    return raw("ParseTensor")(tensor(serialized), out_type=as_dtype(out_type), name=name)


def serialize_tensor(tensor: Any, name: str | None = None) -> Any:
    """A tensor as a string (a TensorProto)."""
    from .arguments import tensor as as_tensor

    return raw("SerializeTensor")(as_tensor(tensor), name=name)


def read_file(filename: Any, name: str | None = None) -> Any:
    """What a file holds, as a string."""
    return raw("ReadFile")(tensor(_path(filename)), name=name)


def _path(filename: Any) -> Any:
    return os.fspath(filename) if isinstance(filename, os.PathLike) else filename


def _eager(value: Any, what: str) -> Any:
    given = tensor(_path(value))
    if not isinstance(given, EagerTensor):
        raise NotImplementedError(f"{what} works eagerly only: call it outside of tf.function.")
    return given.numpy()


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Write a string to a file; folders that are not there are made.

    Raises:
        NotImplementedError: called while a function is traced.
    """
    path, data = _eager(filename, "tf.io.write_file").decode(), _eager(contents, "tf.io.write_file")
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def matching_files(pattern: Any, name: str | None = None) -> Any:
    """The names of the files that match a pattern, or one of several, sorted.

    Raises:
        NotImplementedError: called while a function is traced.
    """
    import numpy as np

    patterns = np.atleast_1d(np.asarray(_eager(pattern, "tf.io.matching_files"), object))
    found = {path for one in patterns for path in glob.glob(one.decode())}
    return (
        constant(sorted(found), dtypes.string, shape=[len(found)]) if found else constant([], dtypes.string)
    )
