"""Python values and numpy arrays to arrays of a TensorFlow dtype, by TensorFlow's rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import DType

__all__ = ["to_array"]

_INT32 = np.iinfo(np.int32)
_INT64 = np.iinfo(np.int64)


def to_array(value: Any, dtype: DType | None = None) -> tuple[Any, DType]:
    """`value` (a number, string, array, or nested sequence of them) as an array, and its dtype.

    Python ints become int32 (int64 where they do not fit), floats float32, strings bytes; numpy arrays keep their
    type. With `dtype`, Python values are converted where nothing is lost (an int may become a float, a float no int);
    numpy arrays are cast.

    Raises:
        TypeError: the value cannot become `dtype`.
        ValueError: the value is ragged, mixed, None or out of range.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(value, dtype)
    if isinstance(value, (list, tuple)) and any(isinstance(v, (np.ndarray, np.generic)) for v in value):
        kinds = {v.dtype for v in value if isinstance(v, (np.ndarray, np.generic))}
        if dtype is None and len(kinds) == 1:
            dtype = dtypes.from_numpy(kinds.pop())
        return _from_numpy(_stack(value), dtype)
    if hasattr(value, "__array__") and not isinstance(value, (list, tuple)):
        return _from_numpy(np.asarray(value), dtype)
    kind = _python_kind(value)
    if dtype is None:
        return _natural(value, kind)
    if not _fits(kind, dtype):
        raise TypeError(f"Cannot convert {value!r} to EagerTensor of dtype {_spelled(dtype)}")
    if dtype.kind == "s":
        return _strings(value), dtype
    array = _stack(value)
    if dtype.is_integer and array.size:
        low, high = int(array.min()), int(array.max())
        if low < dtype.min or high > dtype.max:
            raise TypeError(
                f"Cannot convert {value!r} to EagerTensor of dtype {_spelled(dtype)}: out of range"
            )
    return array.astype(dtype.np), dtype


def _spelled(dtype: DType) -> str:
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def _from_numpy(array: Any, dtype: DType | None) -> tuple[Any, DType]:
    natural = dtypes.from_numpy(array.dtype)
    if natural is dtypes.string:
        if dtype is not None and dtype is not dtypes.string:
            raise TypeError(f"Cannot convert {array!r} to EagerTensor of dtype {_spelled(dtype)}")
        return _strings(array), dtypes.string
    wanted = natural if dtype is None else dtype.base_dtype
    if wanted is dtypes.string:
        raise TypeError(f"Cannot convert {array!r} to EagerTensor of dtype string")
    if array.dtype == wanted.np and array.dtype.isnative:
        return array, wanted
    if natural.is_complex and not wanted.is_complex:
        raise TypeError(f"Cannot convert {array!r} to EagerTensor of dtype {_spelled(wanted)}")
    with np.errstate(all="ignore"):
        return array.astype(wanted.np), wanted


def _stack(value: Any) -> Any:
    try:
        array = np.array(value)
    except ValueError:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None
    except OverflowError:
        raise ValueError("Can't convert Python sequence with out-of-range integer to Tensor.") from None
    if array.dtype == object:
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.")
    return array


def _python_kind(value: Any) -> str:
    """The kind of the leaves: "b" bool, "i" int, "f" float, "c" complex, "s" string, "" none at all."""
    if isinstance(value, (list, tuple, range)):
        found = ""
        for item in value:
            found = _join(found, _python_kind(item))
        return found
    if isinstance(value, bool):
        return "b"
    if isinstance(value, int):
        return "i"
    if isinstance(value, float):
        return "f"
    if isinstance(value, complex):
        return "c"
    if isinstance(value, (str, bytes)):
        return "s"
    raise ValueError(
        f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor."
    )


def _join(a: str, b: str) -> str:
    if a == b or not b:
        return a
    if not a:
        return b
    numbers = "ifc"
    if a in numbers and b in numbers:
        return max(a, b, key=numbers.index)
    raise ValueError("Can't convert Python sequence with mixed types to Tensor.")


def _fits(kind: str, dtype: DType) -> bool:
    if dtype.kind == "s" or kind == "s":
        return kind in ("s", "") and dtype.kind == "s"
    if dtype.is_bool:
        return kind in ("b", "")
    if dtype.is_integer or dtype.is_quantized:
        return kind in ("i", "b", "")
    if dtype.is_floating:
        return kind in ("i", "f", "b", "")
    return dtype.is_complex


def _natural(value: Any, kind: str) -> tuple[Any, DType]:
    if kind == "s":
        return _strings(value), dtypes.string
    array = _stack(value)
    if kind == "i":
        if array.dtype.kind not in "iu" or (
            array.size and (array.min() < _INT64.min or array.max() > _INT64.max)
        ):
            raise ValueError("Can't convert Python sequence with out-of-range integer to Tensor.")
        small = not array.size or (array.min() >= _INT32.min and array.max() <= _INT32.max)
        return array.astype(np.int32 if small else np.int64), dtypes.int32 if small else dtypes.int64
    if kind == "b":
        return array, dtypes.bool
    if kind == "c":
        return array.astype(np.complex128), dtypes.complex128
    return array.astype(np.float32), dtypes.float32


def _strings(value: Any) -> Any:
    source = value if isinstance(value, np.ndarray) else np.array(value, dtype=object)
    out = np.empty(source.shape, object)
    flat = out.reshape(-1)
    for i, item in enumerate(source.ravel().tolist()):
        if isinstance(item, str):
            flat[i] = item.encode()
        elif isinstance(item, bytes):
            flat[i] = item
        else:
            raise ValueError(
                f"Attempt to convert a value ({item!r}) with an unsupported type ({type(item)}) to a Tensor."
            )
    return out
