"""Element types: TensorFlow's DType over numpy's dtypes.

Numbers are the DataType enum of types.proto. Strings are numpy object arrays of bytes, resources and
variants numpy object arrays or bare Python objects; the 8-bit floats, bfloat16 and the 4-bit integers are
ml_dtypes' types, imported when the first of them is used.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

__all__ = ["DType", "as_dtype", "from_numpy"]

REF_OFFSET = 100  # every DT_x has a DT_x_REF = x + 100


class DType:
    """The type of a tensor's elements.

    Instances are singletons: compare them with ``is`` or ``==``. ``str(dtypes.float32)`` and ``repr`` print
    as TensorFlow's do.

    Attributes:
        name: "float32", "string", "resource", ...
        enum: the number in the DataType enum.
    """

    __slots__ = ("_np", "_np_name", "_ref", "enum", "kind", "name", "size")

    def __init__(self, name: str, enum: int, kind: str, size: int, np_name: str | None) -> None:
        self.name = name
        self.enum = enum
        self.kind = kind  # f float, i int, u unsigned, c complex, b bool, s string, q quantized, o object
        self.size = size  # bytes of one element in memory; 0 for objects
        self._np_name = np_name
        self._np: Any = None
        self._ref: DType | None = None

    @property
    def np(self) -> Any:
        """The numpy dtype that holds it (object for strings, resources and variants)."""
        if self._np is None:
            self._np = _numpy_dtype(self._np_name)
        return self._np

    @property
    def as_numpy_dtype(self) -> Any:
        """The numpy scalar type (``np.float32``), as TensorFlow gives it."""
        return np.object_ if self.np == np.dtype(object) else self.np.type

    @property
    def as_datatype_enum(self) -> int:
        """The number in the DataType enum of types.proto."""
        return self.enum

    @property
    def base_dtype(self) -> DType:
        """The type without the reference that TF1 variables have."""
        return self if self._ref is None else self._ref

    @property
    def real_dtype(self) -> DType:
        """The type of the real part of a complex type; any other type is its own."""
        return float32 if self is complex64 else float64 if self is complex128 else self

    @property
    def is_floating(self) -> builtins.bool:
        """Is it a non-quantized floating-point type (bfloat16 and the 8-bit floats included)?"""
        return self.kind == "f"

    @property
    def is_integer(self) -> builtins.bool:
        """Is it a non-quantized integer type?"""
        return self.kind in "iu"

    @property
    def is_unsigned(self) -> builtins.bool:
        """Is it an unsigned integer type?"""
        return self.kind == "u"

    @property
    def is_complex(self) -> builtins.bool:
        """Is it complex64 or complex128?"""
        return self.kind == "c"

    @property
    def is_bool(self) -> builtins.bool:
        """Is it bool?"""
        return self.kind == "b"

    @property
    def is_quantized(self) -> builtins.bool:
        """Is it one of qint8, quint8, qint16, quint16, qint32?"""
        return self.kind == "q"

    @property
    def is_numeric(self) -> builtins.bool:
        """Is it an integer, floating or complex type?"""
        return self.kind in "fiuc"

    @property
    def is_numpy_compatible(self) -> builtins.bool:
        """Has it a numpy type of its own (resources and variants have not)?"""
        return self.kind != "o"

    @property
    def min(self) -> Any:
        """The smallest finite value."""
        return self._limit("min")

    @property
    def max(self) -> Any:
        """The largest finite value."""
        return self._limit("max")

    @property
    def limits(self) -> tuple[Any, Any]:
        """(min, max)."""
        return self.min, self.max

    def _limit(self, which: str) -> Any:
        if self.kind == "b":
            return which == "max"
        if self.kind in "iu":
            if self._np_name in ("int4", "uint4", "int2", "uint2"):
                import ml_dtypes

                return getattr(ml_dtypes.iinfo(self.np), which)  # type: ignore[no-untyped-call]
            return getattr(np.iinfo(self.np), which)
        if self.kind == "f":
            if self.enum in (1, 2, 19):
                return getattr(np.finfo(self.np), which)
            import ml_dtypes

            return getattr(ml_dtypes.finfo(self.np), which)  # type: ignore[no-untyped-call]
        raise TypeError(f"Cannot find {which}imum value of {self!r}.")

    def is_compatible_with(self, other: object) -> builtins.bool:
        """Can a value of `other` stand where this type is asked for?"""
        return as_dtype(other).base_dtype is self.base_dtype

    def __eq__(self, other: object) -> builtins.bool:
        if other is self:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        return self.enum

    def __int__(self) -> int:
        return self.enum

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


def _numpy_dtype(name: str | None) -> Any:
    if name is None:
        return np.dtype(object)
    if hasattr(np, name) and name not in ("int4", "uint4"):
        return np.dtype(getattr(np, name))
    import ml_dtypes

    found = getattr(ml_dtypes, name, None)
    if found is None:
        from .errors import UnimplementedError

        raise UnimplementedError(None, None, f"dtype {name} needs a newer ml_dtypes than is installed.")
    return np.dtype(found)


_BY_NAME: dict[str, DType] = {}
_BY_ENUM: dict[int, DType] = {}
_BY_NUMPY: dict[str, DType] = {}


def _declare(
    name: str, enum: int, kind: str, size: int, np_name: str | None = "", alias: str | None = None
) -> DType:
    np_name = name if np_name == "" else np_name
    dtype = DType(name, enum, kind, size, np_name)
    _BY_NAME[name] = _BY_ENUM[enum] = dtype
    if alias:
        _BY_NAME[alias] = dtype
    if np_name is not None and kind not in "qso":
        _BY_NUMPY[np_name] = dtype
    ref = DType(name + "_ref", enum + REF_OFFSET, kind, size, np_name)
    ref._ref = dtype
    _BY_NAME[ref.name] = _BY_ENUM[ref.enum] = ref
    return dtype


# Names and numbers: types.proto. Aliases are the spellings of TensorFlow's op registry.
float32 = _declare("float32", 1, "f", 4, alias="float")
float64 = _declare("float64", 2, "f", 8, alias="double")
int32 = _declare("int32", 3, "i", 4)
uint8 = _declare("uint8", 4, "u", 1)
int16 = _declare("int16", 5, "i", 2)
int8 = _declare("int8", 6, "i", 1)
string = _declare("string", 7, "s", 0, None)
complex64 = _declare("complex64", 8, "c", 8)
int64 = _declare("int64", 9, "i", 8)
bool = _declare("bool", 10, "b", 1, "bool_")
qint8 = _declare("qint8", 11, "q", 1, "int8")
quint8 = _declare("quint8", 12, "q", 1, "uint8")
qint32 = _declare("qint32", 13, "q", 4, "int32")
bfloat16 = _declare("bfloat16", 14, "f", 2)
qint16 = _declare("qint16", 15, "q", 2, "int16")
quint16 = _declare("quint16", 16, "q", 2, "uint16")
uint16 = _declare("uint16", 17, "u", 2)
complex128 = _declare("complex128", 18, "c", 16)
float16 = _declare("float16", 19, "f", 2, alias="half")
resource = _declare("resource", 20, "o", 0, None)
variant = _declare("variant", 21, "o", 0, None)
uint32 = _declare("uint32", 22, "u", 4)
uint64 = _declare("uint64", 23, "u", 8)
float8_e5m2 = _declare("float8_e5m2", 24, "f", 1)
float8_e4m3fn = _declare("float8_e4m3fn", 25, "f", 1)
float8_e4m3fnuz = _declare("float8_e4m3fnuz", 26, "f", 1)
float8_e4m3b11fnuz = _declare("float8_e4m3b11fnuz", 27, "f", 1)
float8_e5m2fnuz = _declare("float8_e5m2fnuz", 28, "f", 1)
int4 = _declare("int4", 29, "i", 1)
uint4 = _declare("uint4", 30, "u", 1)
int2 = _declare("int2", 31, "i", 1)
uint2 = _declare("uint2", 32, "u", 1)
float4_e2m1fn = _declare("float4_e2m1fn", 33, "f", 1)
half = float16
double = float64
_BY_NUMPY["bool"] = bool

_BY_TYPE: dict[Any, DType] = {
    float: float32,
    int: int32,
    complex: complex128,
    str: string,
    bytes: string,
    np.object_: string,
    object: string,
    builtins.bool: bool,
}


def from_numpy(dtype: Any) -> DType:
    """The DType of a numpy dtype. Object, bytes and unicode arrays are strings.

    Raises:
        TypeError: there is no such TensorFlow type (datetime64, structured types, ...).
    """
    found = _BY_NUMPY.get(dtype.name)
    if found is not None:
        return found
    if dtype.kind in "OSU":
        return string
    if dtype.kind in "iu" and dtype.itemsize in (1, 2, 4, 8):  # intc, longlong: names differ, sizes do not
        return _BY_NUMPY[f"{'u' if dtype.kind == 'u' else ''}int{8 * dtype.itemsize}"]
    raise TypeError(f"Cannot convert {dtype!r} to a TensorFlow DType.")


def as_dtype(value: Any) -> DType:
    """The DType that `value` names: a DType, a name, a DataType number, a numpy dtype or scalar type, a Python type.

    Raises:
        TypeError: nothing of that name or number.
    """
    if isinstance(value, DType):
        return value
    found = None
    if isinstance(value, str):
        found = _BY_NAME.get(value)
    elif type(value) is int:
        found = _BY_ENUM.get(value)
    elif isinstance(value, type):
        found = _BY_TYPE.get(value)
    elif isinstance(value, np.dtype):
        return from_numpy(value)
    if found is not None:
        return found
    try:
        return from_numpy(np.dtype(value))
    except (TypeError, ValueError):
        pass
    if hasattr(value, "dtype") and not isinstance(value, type):
        return as_dtype(value.dtype)
    raise TypeError(f"Cannot convert {value!r} to a TensorFlow DType.")
