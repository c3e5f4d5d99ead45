"""Arrays of any TensorFlow dtype in an .npz without pickle: strings and ml_dtypes' types as bytes."""

from __future__ import annotations

from typing import Any

import numpy as np


def pack(key: str, array: Any) -> dict[str, np.ndarray]:
    """The .npz entries that hold `array` under `key`."""
    array = np.array(array, object) if isinstance(array, bytes) else np.asarray(array)
    if array.dtype == object:
        items = [bytes(x) if not isinstance(x, str) else x.encode() for x in array.ravel()]
        return {
            f"{key}#bytes": np.frombuffer(b"".join(items), np.uint8),
            f"{key}#lens": np.array([len(x) for x in items], np.int64),
            f"{key}#shape": np.array(array.shape, np.int64),
        }
    if array.dtype.kind == "V" or array.dtype.name.startswith(
        ("bfloat", "float8", "int4", "uint4", "int2", "uint2")
    ):
        raw = np.ascontiguousarray(array).view(np.uint8 if array.dtype.itemsize == 1 else np.uint16)
        return {f"{key}#{array.dtype.name}": raw.reshape(array.shape)}
    return {key: array}


def unpack(archive: Any, key: str) -> np.ndarray:
    """The array that `pack` put under `key`."""
    if key in archive:
        return archive[key]
    if f"{key}#lens" in archive:
        data, out, at = archive[f"{key}#bytes"].tobytes(), [], 0
        for n in archive[f"{key}#lens"]:
            out.append(data[at : at + n])
            at += n
        array = np.empty(len(out), object)
        array[:] = out
        return array.reshape(tuple(archive[f"{key}#shape"]))
    for name in archive:
        if name.startswith(key + "#"):
            import ml_dtypes

            return archive[name].view(np.dtype(getattr(ml_dtypes, name.rpartition("#")[2])))
    raise KeyError(key)
