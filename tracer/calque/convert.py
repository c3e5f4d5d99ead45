"""Python values and numpy arrays to arrays of a TensorFlow dtype, by TensorFlow's rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import DType

__all__ = ["number", "to_array"]

_LOW32, _HIGH32 = -(2**31), 2**31 - 1
_FLOAT32_MAX = float(np.finfo(np.float32).max)
# For the kind of a sequence's first element, the kinds that may follow it (TensorFlow infers from the first).
_FOLLOWERS = {"b": "b", "i": "ibf", "f": "fib", "c": "cfib", "s": "s"}


def to_array(value: Any, dtype: DType | None = None) -> tuple[Any, DType]:
    """`value` (a number, string, array, or nested sequence of them) as an array, and its dtype.

    Python ints become int32 (int64 where they do not fit), floats float32, strings bytes; numpy arrays and scalars
    keep their type, but inside of a sequence they count as Python numbers (floats keep the first one's type). With
    `dtype`, Python values are converted where nothing but precision is lost (an int may become a float, a float no
    int); numpy arrays are cast. The array may be a numpy scalar, and may be the caller's own.

    Raises:
        TypeError: the value cannot become `dtype`, or does not fit into it.
        ValueError: the value is ragged, mixed, out of range, or of a type that no tensor holds.
    """
    kind = type(value)
    if kind is float or kind is int:
        quick = number(value, kind, dtype)
        if quick is not None:
            return quick
    if isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(value, dtype)
    if hasattr(value, "__array__"):
        return _from_numpy(np.asarray(value), dtype)
    types: set[type] = set()
    plain = _plain(value, types)
    kinds = {_kind(t) for t in types}
    if "" in kinds:
        raise _unsupported(plain)
    if dtype is None:
        return _natural(value, plain, _first(value), kinds)
    return _as(value, plain, kinds, dtype), dtype


def number(value: Any, kind: type, dtype: DType | None) -> tuple[Any, DType] | None:
    """`to_array` in its commonest case: an int or float (`kind`) that fits. None where it is another case."""
    if dtype is None:
        dtype = dtypes.float32 if kind is float else dtypes.int32
    if dtype is dtypes.float32:
        return (np.float32(value), dtype) if -_FLOAT32_MAX <= value <= _FLOAT32_MAX else None
    if dtype is dtypes.int32:
        return (np.int32(value), dtype) if kind is int and _LOW32 <= value <= _HIGH32 else None
    if dtype is dtypes.float64 and kind is float:
        return np.float64(value), dtype
    return None


def _spelled(dtype: DType) -> str:
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def _refused(value: Any, dtype: DType) -> TypeError:
    return TypeError(f"Cannot convert {value!r} to EagerTensor of dtype {_spelled(dtype)}")


def _from_numpy(array: Any, dtype: DType | None) -> tuple[Any, DType]:
    if array.dtype.kind in "OSU":
        if dtype is not None and dtype is not dtypes.string:
            raise ValueError(
                f"Cannot convert a numpy array of type {array.dtype} to a tensor of {dtype.name}."
            )
        return _strings(array), dtypes.string
    try:
        natural = dtypes.from_numpy(array.dtype)
    except TypeError:
        raise ValueError(f"Cannot convert a numpy array of type {array.dtype} to a Tensor.") from None
    wanted = natural if dtype is None else dtype.base_dtype
    if wanted is dtypes.string:
        raise ValueError(f"Cannot convert a numpy array of type {array.dtype} to a tensor of strings.")
    if array.dtype == wanted.np and array.dtype.isnative:
        return array, wanted
    if array.dtype.kind == "c" and not wanted.is_complex:
        array = array.real
    with np.errstate(all="ignore"):
        return array.astype(wanted.np), wanted


_NESTED = frozenset({list, tuple, np.ndarray})


def _is_nested(kind: type) -> bool:
    return issubclass(kind, (list, tuple, np.ndarray)) or (
        issubclass(kind, Sequence) and not issubclass(kind, (str, bytes))
    )


def _plain(value: Any, types: set[type]) -> Any:
    """`value` with arrays and other sequences in it as lists; `types` collects the types of the leaves."""
    if isinstance(value, (list, tuple)):
        inside = set(map(type, value))
        if inside.isdisjoint(_NESTED) and not any(_is_nested(t) for t in inside):
            types |= inside
            return value
        return [_plain(item, types) for item in value]
    if isinstance(value, np.ndarray) and value.dtype != object:
        types.add(value.dtype.type)
        return value.tolist()
    if _is_nested(type(value)):
        return _plain(list(value), types)
    types.add(type(value))
    return value


def _first(value: Any) -> Any:
    """The first leaf; None where there is none."""
    while _is_nested(type(value)):
        if isinstance(value, np.ndarray):
            return value.flat[0] if value.size else None
        value = next((v for v in value if not (isinstance(v, (list, tuple)) and not v)), None)
    return value


def _kind(kind: type) -> str:
    """ "b" bool, "i" int, "f" float, "c" complex, "s" string; "" for what no tensor holds."""
    if issubclass(kind, (bool, np.bool_)):
        return "b"
    if issubclass(kind, (int, np.integer)):
        return "i"
    if issubclass(kind, (float, np.floating)):
        return "f"
    if issubclass(kind, (complex, np.complexfloating)):
        return "c"
    return "s" if issubclass(kind, (str, bytes)) else ""


def _unsupported(value: Any) -> ValueError:
    while isinstance(value, (list, tuple)):
        inner = [v for v in value if not _kind(type(v))]
        value = next((v for v in inner if not isinstance(v, (list, tuple))), inner[0])
    return ValueError(
        f"Attempt to convert a value ({value!r}) with an unsupported type ({type(value)}) to a Tensor."
    )


def _natural(value: Any, plain: Any, first: Any, kinds: set[str]) -> tuple[Any, DType]:
    """By the type of the first leaf; without one, an empty float32 tensor."""
    kind = "f" if first is None else _kind(type(first))
    if not kinds <= set(_FOLLOWERS[kind]):
        raise ValueError("Can't convert Python sequence with mixed types to Tensor.")
    if kind == "s":
        return _strings(_array(plain, object)), dtypes.string
    if kind == "b":
        return _array(plain, bool), dtypes.bool
    if kind == "c":
        return _array(plain, np.complex128), dtypes.complex128
    if kind == "i" and "f" not in kinds:
        array = _array(plain, np.int64)
        small = not array.size or (array.min() >= _LOW32 and array.max() <= _HIGH32)
        return (array.astype(np.int32), dtypes.int32) if small else (array, dtypes.int64)
    array = _array(plain, np.float64)
    if isinstance(first, np.floating):
        return array.astype(first.dtype), dtypes.from_numpy(first.dtype)
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    if not np.array_equal(np.isinf(single), np.isinf(array)):
        raise ValueError(f"Can't convert {value!r} to Tensor: it is out of range for float32.")
    return single, dtypes.float32


def _as(value: Any, plain: Any, kinds: set[str], dtype: DType) -> Any:
    """As the given dtype, where that loses no more than precision."""
    if dtype.kind == "s" or "s" in kinds:
        if dtype.kind != "s" or not kinds <= {"s"}:
            raise _refused(value, dtype)
        return _strings(_array(plain, object))
    if dtype.is_bool:
        if not kinds <= {"b"}:
            raise _refused(value, dtype)
        return _array(plain, bool)
    if dtype.is_integer or dtype.is_quantized:
        if not kinds <= {"i", "b"}:
            raise _refused(value, dtype)
        try:
            # numpy's own objects hold what int64 does not.
            array = _array(plain, object if dtype.name == "uint64" else np.int64)
            fits = not array.size or (int(array.min()) >= dtype.min and int(array.max()) <= dtype.max)
        except ValueError as e:
            if not isinstance(e.__cause__, OverflowError):
                raise
            fits = False
        if not fits:
            raise TypeError(
                f"Cannot convert {value!r} to EagerTensor of dtype {_spelled(dtype)}: out of its range, "
                f"{dtype.min} to {dtype.max}"
            )
        return array.astype(dtype.np)
    if dtype.is_floating and "c" in kinds:
        raise _refused(value, dtype)
    if not dtype.is_numpy_compatible:
        raise _refused(value, dtype)
    with np.errstate(all="ignore"):
        return _array(plain, np.complex128 if "c" in kinds else np.float64).astype(dtype.np)


def _array(value: Any, dtype: Any) -> Any:
    """A nested list of one kind of numbers as an array."""
    try:
        array = np.array(value, dtype=dtype)
    except OverflowError as e:
        raise ValueError("Can't convert Python sequence with out-of-range integer to Tensor.") from e
    except (TypeError, ValueError):
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.") from None
    if dtype is object and any(isinstance(item, (list, tuple)) for item in array.ravel()):
        raise ValueError("Can't convert non-rectangular Python sequence to Tensor.")
    return array


def _strings(source: Any) -> Any:
    """An array of strings as one of bytes, in UTF-8 where they were text."""
    out = np.empty(source.shape, object)
    flat = out.reshape(-1)
    for i, item in enumerate(source.ravel().tolist()):
        if isinstance(item, str):
            flat[i] = item.encode()
        elif isinstance(item, bytes):
            flat[i] = item
        else:
            raise _unsupported(item)
    return out
