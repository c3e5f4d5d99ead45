"""Tensors: eager ones hold an array, symbolic ones stand for a value of the graph being traced."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from calque_runtime import ops
from calque_runtime.dtypes import DType, as_dtype
from calque_runtime.ir import Value
from calque_runtime.op import Array

from .context import state
from .conversion import registered
from .convert import to_array
from .errors import InaccessibleTensorError, InvalidArgumentError, OperatorNotAllowedInGraphError
from .operands import Operators
from .tensor_shape import TensorShape

if TYPE_CHECKING:
    from .function.trace import Trace

__all__ = [
    "EagerTensor",
    "SymbolicTensor",
    "Tensor",
    "TensorReference",
    "constant",
    "convert_to_tensor",
    "is_tensor",
]


class Tensor(Operators):
    """A multi-dimensional array of one type of elements.

    Made by `constant`, by ops, and by converting Python values and numpy arrays. Operators (``+ - * / // % ** @ < <=
    > >= == != & | ^ ~ abs -`` and indexing) are the ops of the same meaning; both sides must have one dtype, Python
    numbers take the tensor's.
    """

    __slots__ = ("__dict__", "__weakref__", "_dtype")
    __array_priority__ = 100  # numpy leaves array + tensor to the tensor
    _dtype: DType

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        raise NotImplementedError

    @property
    def ndim(self) -> int | None:
        """The number of dimensions."""
        return self.shape.rank

    @property
    def name(self) -> str:
        """``node:index``; symbolic tensors only."""
        raise NotImplementedError

    def get_shape(self) -> TensorShape:
        """The shape, as far as it is known."""
        return self.shape

    def ref(self) -> TensorReference:
        """A hashable reference to this tensor, for sets and dictionary keys; ``.deref()`` gives it back."""
        return TensorReference(self)

    experimental_ref = ref

    def __hash__(self) -> int:
        raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("astype", "ravel", "transpose", "reshape", "clip", "size", "tolist", "data"):
            raise AttributeError(
                f"Tensor has no attribute '{name}': call .numpy() first, or use the tf function."
            )
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


class EagerTensor(Tensor):
    """A tensor that holds its array."""

    __slots__ = ("_array",)

    def __init__(self, array: Array, dtype: DType) -> None:
        self._array = array
        self._dtype = dtype

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return TensorShape(np.shape(self._array) if self._dtype.is_numpy_compatible else ())

    @property
    def name(self) -> str:
        """Eager tensors have none.

        Raises:
            AttributeError: always.
        """
        raise AttributeError("Tensor.name is undefined when eager execution is enabled.")

    @property
    def device(self) -> str:
        """The device it is on, as TensorFlow spells the processor."""
        return "/job:localhost/replica:0/task:0/device:CPU:0"

    def set_shape(self, shape: Any) -> None:
        """Check that `shape` fits: an eager tensor's own is known.

        Raises:
            ValueError: it does not.
        """
        if not self.shape.is_compatible_with(shape):
            raise ValueError(f"Tensor's shape {self.shape} is not compatible with supplied shape {shape}.")

    def numpy(self) -> Any:
        """The value: a numpy array of the caller's own, or a numpy scalar (bytes for a string) where the shape is ().

        ``np.asarray(tensor)`` gives a read-only view without a copy.
        """
        if not self._dtype.is_numpy_compatible:
            raise InvalidArgumentError(None, None, self._no_array())
        value = self._array[()]
        return value.copy() if isinstance(value, np.ndarray) else value

    def _no_array(self) -> str:
        return f"Cannot convert a Tensor of dtype {self._dtype.name} to a NumPy array."

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not self._dtype.is_numpy_compatible:
            raise InvalidArgumentError(None, None, self._no_array())
        array = np.asarray(self._array)
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        if copy:
            return array.copy()
        view = array.view()
        view.flags.writeable = False
        return view

    def __buffer__(self, flags: int) -> memoryview:
        if not self._dtype.is_numpy_compatible:
            raise BufferError(self._no_array())
        return memoryview(self.__array__())  # asked for by Python 3.12 and later

    def __bool__(self) -> bool:
        return bool(self._array) if np.size(self._array) else False

    def _number(self) -> Any:
        if np.ndim(self._array):
            raise TypeError(f"only a scalar tensor can become a Python number, not one of shape {self.shape}")
        return self._array

    def __int__(self) -> int:
        return int(self._number())

    def __float__(self) -> float:
        return float(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def __index__(self) -> int:
        return int(np.asarray(self._array).__index__())

    def __len__(self) -> int:
        if np.ndim(self._array) == 0:
            raise TypeError("Scalar tensor has no `len()`")
        return len(self._array)

    def __iter__(self) -> Iterator[EagerTensor]:
        if np.ndim(self._array) == 0:
            raise TypeError("Cannot iterate over a scalar tensor.")
        for i in range(len(self._array)):
            item = self._array[i]
            yield EagerTensor(
                item if isinstance(item, (np.ndarray, np.generic)) else _object_scalar(item), self._dtype
            )

    def __format__(self, spec: str) -> str:
        if not self._dtype.is_numpy_compatible:
            return format(_text(self, repr_form=False), spec)
        return format(self.numpy(), spec)

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return self  # nothing can change it

    def __reduce__(self) -> Any:
        return _unpickle, (np.asarray(self._array), self._dtype)

    def __str__(self) -> str:
        value = _text(self, repr_form=False)
        return f"tf.Tensor({value}, shape={self.shape}, dtype={self._dtype.name})"

    def __repr__(self) -> str:
        value = "numpy" if self._dtype.is_numpy_compatible else "value"
        text = _text(self, repr_form=True)
        return f"<tf.Tensor: shape={self.shape}, dtype={self._dtype.name}, {value}={text}>"


def _unpickle(array: Any, dtype: DType) -> EagerTensor:
    return EagerTensor(array, dtype)


def _object_scalar(item: Any) -> Any:
    out = np.empty((), object)
    out[()] = item
    return out


def _text(tensor: EagerTensor, repr_form: bool) -> str:
    """The value as printed: in a repr, arrays by repr and scalars as Python's; several lines start on a new one."""
    if not tensor._dtype.is_numpy_compatible:
        return _opaque_text(tensor)
    value = tensor.numpy()
    if isinstance(value, bytes):
        text = repr(value)
    elif not repr_form:
        text = str(value)
    else:
        text = repr(value) if isinstance(value, np.ndarray) else repr(value.item())
    return f"\n{text}" if "\n" in text else text


def _opaque_text(tensor: EagerTensor) -> str:
    """A handle or variant as printed."""
    held = tensor._array
    if tensor._dtype.name != "resource":
        return f"<{type(held).__name__}>"
    name = getattr(held, "name", "")
    kind = "Var" if hasattr(held, "version") else type(held).__name__
    where = f'device="{tensor.device}", container="localhost"'
    return f'<ResourceHandle(name="{name}", {where}, type="tensorflow::{kind}")>'


class SymbolicTensor(Tensor):
    """A tensor in a graph: known by dtype and static shape, has a value when the graph runs."""

    __slots__ = ("_value", "trace")

    def __init__(self, value: Value, trace: Trace) -> None:
        self._value = value
        self._dtype = value.dtype
        self.trace = trace

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return TensorShape(self._value.shape)

    def set_shape(self, shape: Any) -> None:
        """Tell the graph what is known of the shape; what is known already is kept.

        Raises:
            ValueError: it contradicts what is known.
        """
        self._value.shape = self.shape.merge_with(shape).as_tuple()

    @property
    def name(self) -> str:
        """``node:index``."""
        return self._value.name

    @property
    def op(self) -> Any:
        """The `tf.Operation` that makes it."""
        from .function.operation import Operation

        return Operation(self._value.node, self.trace)

    @property
    def graph(self) -> Trace:
        """The graph it belongs to."""
        return self.trace

    @property
    def value_index(self) -> int:
        """Its place in its node's outputs."""
        return self._value.index

    @property
    def device(self) -> str:
        """Not placed yet."""
        return ""

    def _out_of_scope(self) -> InaccessibleTensorError:
        from .function.trace import user_location

        used = user_location()
        here = "" if used is None else f"{used[0]}:{used[1]}, in {used[2]}: "
        location = self._value.node.location
        where = "" if location is None else f" It was made at {location[0]}:{location[1]} in {location[2]}."
        return InaccessibleTensorError(
            f"{here}{self!r} is out of scope and cannot be used here: it belongs to the graph of "
            f"'{self.trace.function.name}', which has been traced already or is not being traced now.{where} Return it "
            "from that function, or assign it to a tf.Variable, to use its value elsewhere."
        )

    def _has_no_value(self) -> str:
        location = self._value.node.location
        where = "" if location is None else f" It was made at {location[0]}:{location[1]} in {location[2]}."
        return f"{self!r} has no value while the graph is being built.{where}"

    def _not_a(self, what: str) -> OperatorNotAllowedInGraphError:
        return OperatorNotAllowedInGraphError(
            f"Using a symbolic `tf.Tensor` as a Python `{what}` is not allowed: {self._has_no_value()} Use tf.cond, "
            "tf.where or tf.while_loop, or compute the value outside the function."
        )

    def _no_number(self, what: str) -> TypeError:
        return TypeError(f"A symbolic `tf.Tensor` cannot become a Python {what}: {self._has_no_value()}")

    def __bool__(self) -> NoReturn:
        raise self._not_a("bool")

    def __int__(self) -> NoReturn:
        raise self._no_number("int")

    def __float__(self) -> NoReturn:
        raise self._no_number("float")

    def __complex__(self) -> NoReturn:
        raise self._no_number("complex number")

    def __index__(self) -> NoReturn:
        raise self._no_number("index")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise NotImplementedError(
            f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. This error may indicate that you're "
            "trying to pass a Tensor to a NumPy call, which is not supported."
        )

    def __getattr__(self, name: str) -> NoReturn:
        if name == "numpy":
            raise AttributeError(f"A symbolic `tf.Tensor` has no numpy(): {self._has_no_value()}")
        super().__getattr__(name)

    def __len__(self) -> int:
        shape = self._value.shape
        if shape is None or not shape or shape[0] is None:
            raise TypeError(
                f"len is not well defined for a symbolic Tensor ({self.name}). Please call `tf.shape(x)[0]`."
            )
        return shape[0]

    def __iter__(self) -> Iterator[Any]:
        shape = self._value.shape
        if shape is None or (shape and shape[0] is None):
            raise self._not_a("iterator")
        if not shape:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return iter([self[i] for i in range(shape[0] or 0)])

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self._dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self._value.shape is None else f", shape={self.shape}"
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name})'


class TensorReference:
    """A tensor (or variable) by identity."""

    __slots__ = ("__weakref__", "_tensor")

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def deref(self) -> Any:
        """The tensor."""
        return self._tensor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorReference) and self._tensor is other._tensor

    def __lt__(self, other: TensorReference) -> bool:  # for structures that sort their keys
        return id(self._tensor) < id(other._tensor)

    def __hash__(self) -> int:
        return id(self._tensor)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._tensor!r}>"


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = "Const") -> Tensor:
    """A tensor of a Python value or numpy array.

    Args:
        value: a number, string, numpy array, or (nested) list of them.
        dtype: the type wanted; by default float32, int32, bool, string or the array's own.
        shape: the shape wanted; a single value is repeated to fill it.
        name: the node's name in a graph.

    Raises:
        TypeError: the value cannot become `dtype` or `shape`.
        ValueError: the value is ragged, mixed or no tensor at all.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Tensor):
        if wanted is not None and wanted is not value.dtype:
            raise TypeError(
                f"Expected {wanted.name}, but got a tensor of {value.dtype.name}: use tf.cast. {value!r}"
            )
        if shape is None:
            return value
        from .api.array_ops import reshape

        return reshape(value, shape)  # type: ignore[no-any-return]
    array, found = to_array(list(value) if isinstance(value, TensorShape) else value, wanted)
    if array is value and type(array) is np.ndarray:
        array = np.copy(array)  # what the caller does to its array afterwards must not show
    if shape is not None:
        array = _filled(array, value, TensorShape(shape))
    return _tensor_of(array, found, name)


def _filled(array: Any, value: Any, shape: TensorShape) -> Any:
    sizes = shape.as_tuple()
    if sizes is None or None in sizes:
        raise ValueError(f"tf.constant needs a fully defined shape, got {shape}.")
    count = math.prod(sizes)  # type: ignore[arg-type]
    if array.size == count:
        return np.reshape(array, sizes)
    if array.size == 1:
        return np.full(sizes, array.reshape(-1)[0], array.dtype)
    raise TypeError(f"tf.constant cannot give {value!r}, which has {array.size} elements, the shape {shape}.")


def _tensor_of(array: Any, dtype: DType, name: str | None = None) -> Tensor:
    trace = state.trace
    return EagerTensor(array, dtype) if trace is None else trace.constant(array, dtype, name)


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    dtype_hint: Any = None,
    name: str | None = None,
) -> Tensor:
    """`value` as a tensor: tensors as they are, variables read, anything else as `constant` takes it.

    Args:
        value: what to convert; a list may hold tensors.
        dtype: the type it must have.
        dtype_hint: the type to take where the value leaves a choice; ignored where it does not fit.
        name: the node's name in a graph.

    Raises:
        ValueError: a tensor has another type than `dtype`, or the value is none that a tensor holds.
        TypeError: the value cannot become `dtype`.
    """
    if isinstance(value, Tensor):
        if dtype is not None and as_dtype(dtype).base_dtype is not value._dtype.base_dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {as_dtype(dtype).name} for Tensor with dtype {value._dtype.name}: "
                f"{value!r}"
            )
        return value
    kind = type(value)
    if kind not in _PLAIN:
        converter = getattr(value, "__tf_tensor__", None)
        if converter is not None and not isinstance(value, type):
            return converter(None if dtype is None else as_dtype(dtype), name)  # type: ignore[no-any-return]
        if kind is TensorShape:
            value, dtype = _sizes(value, dtype, dtype_hint)
        elif isinstance(value, DType):
            raise ValueError(
                f"Attempt to convert a value ({value!r}) with an unsupported type (DType) to a Tensor."
            )
        elif isinstance(value, (list, tuple)) and _holds_tensor(value):
            return _packed(value, dtype_hint if dtype is None else dtype)
        converted = registered(value, dtype, name)
        if converted is not NotImplemented:
            return _checked_conversion(value, converted, dtype)
    if dtype is None and dtype_hint is not None:
        try:
            return constant(value, dtype_hint, name=name)
        except (TypeError, ValueError):
            pass
    return constant(value, dtype, name=name)


def _checked_conversion(value: Any, converted: Any, dtype: Any) -> Tensor:
    if not isinstance(converted, Tensor):
        raise RuntimeError(
            f"The conversion function registered for type {type(value)} returned non-Tensor: {converted!r}"
        )
    return convert_to_tensor(converted, dtype)


_PLAIN = frozenset({int, float, bool, str, bytes, complex, np.ndarray})


def _sizes(shape: TensorShape, dtype: Any, hint: Any) -> tuple[list[int | None], Any]:
    """A static shape as (list of sizes, the dtype of the vector)."""
    if not shape.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape {shape} to a Tensor.")
    integer_hint = hint if hint is not None and as_dtype(hint).is_integer else "int32"
    return shape.as_list(), dtype or integer_hint


def _holds_tensor(value: Any) -> bool:
    inside = set(map(type, value))
    if inside <= _PLAIN:
        return False
    return any(
        _holds_tensor(v)
        if isinstance(v, (list, tuple))
        else isinstance(v, Tensor) or hasattr(v, "__tf_tensor__")
        for v in value
    )


def _leaf_dtype(value: Any) -> DType | None:
    if isinstance(value, (list, tuple)):
        return next((d for d in map(_leaf_dtype, value) if d is not None), None)
    if isinstance(value, Tensor) or hasattr(value, "__tf_tensor__"):
        return as_dtype(value.dtype)
    return None


def _is_number(dtype: DType | None) -> bool:
    return dtype is not None and (dtype.is_floating or dtype.is_integer)


def _packed(value: Any, dtype: Any) -> Tensor:
    """A list with tensors in it, stacked; as `dtype` where it is given."""
    wanted = as_dtype(dtype) if dtype is not None else _leaf_dtype(value)
    parts = []
    for item in value:
        if isinstance(item, (list, tuple)) and _holds_tensor(item):
            parts.append(_packed(item, wanted))
        else:
            held = isinstance(item, Tensor) or hasattr(item, "__tf_tensor__")
            part = convert_to_tensor(item, dtype=None if held else wanted)
            if (
                dtype is not None
                and part.dtype is not wanted
                and _is_number(wanted)
                and _is_number(part.dtype)
            ):
                part = ops.require("Cast")(part, DstT=wanted)
            parts.append(part)
    return ops.require("Pack")(parts, axis=0)  # type: ignore[no-any-return]


def is_tensor(x: Any) -> bool:
    """Is `x` a tensor, a variable, or another type that stands for one?"""
    if isinstance(x, Tensor) or hasattr(x, "__tf_tensor__"):
        return True
    return hasattr(x, "_type_spec") and getattr(x, "_counts_as_tensor", True)
