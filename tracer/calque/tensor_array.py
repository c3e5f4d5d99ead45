"""`TensorArray`: a list of tensors that loops write to and read from.

Eagerly it is a Python list of tensors, changed in place. In a graph it is a tensor list (a variant tensor, `flow`), and
each write gives a new array; so code that is to run both ways uses what a write returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calque_runtime import dtypes, ops
from calque_runtime.constants import constant_value
from calque_runtime.dtypes import DType, as_dtype
from calque_runtime.errors import InvalidArgumentError, OutOfRangeError

from .composite.composite import CompositeTensor
from .composite.type_spec import TypeSpec
from .context import state
from .tensor import EagerTensor, SymbolicTensor, Tensor, constant, convert_to_tensor
from .tensor_shape import TensorShape, as_shape
from .tensor_spec import TensorSpec

__all__ = ["TensorArray", "TensorArraySpec"]


class TensorArray(CompositeTensor):
    """A list of tensors of one dtype, written and read by index.

    Args:
        dtype: of the elements.
        size: how many elements it has, an int or int32 scalar; needed unless there is a `flow`.
        dynamic_size: does writing behind the end make it longer?
        clear_after_read: eagerly, may an element be read only once? None: yes.
        tensor_array_name, handle, colocate_with_first_write_call, name: accepted, and of no effect.
        flow: the variant tensor of another TensorArray, whose elements this one has.
        infer_shape: do all elements have the shape of the first one written?
        element_shape: what is known of the elements' shape.

    Raises:
        ValueError: there is neither `size` nor `flow`, or there are both.
        TypeError: `flow` is no variant tensor.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        if handle is not None:
            raise ValueError(
                "TensorArray handles are those of TensorFlow 1, and are not supported: use `flow`."
            )
        listed = flow is not None and getattr(flow, "dtype", None) is dtypes.variant
        if flow is not None and state.trace is not None and not listed:
            raise TypeError(f"Expected `flow` to be a variant tensor, but received {flow!r}.")
        if size is None and not listed:
            raise ValueError("Argument `size` must be provided if argument `flow` is not provided.")
        if listed and (size is not None or element_shape is not None):
            raise ValueError("Cannot provide `flow` together with `size` or `element_shape`.")
        kind = as_dtype(dtype).base_dtype
        shape = _ElementShape(as_shape(element_shape), bool(infer_shape))
        self._elements: _Items | _Listed
        if state.trace is None and not listed:
            clear = True if clear_after_read is None else bool(clear_after_read)
            self._elements = _Items(kind, int(size), bool(dynamic_size), clear, shape)
        else:
            self._elements = _Listed(kind, size, bool(dynamic_size), shape, flow)

    def _with(self, flow: Any) -> TensorArray:
        """The array of the elements in the tensor list `flow`, otherwise like this one."""
        made = object.__new__(TensorArray)
        old = self._elements
        size = old.size if isinstance(old, _Listed) else None
        made._elements = _Listed(old.dtype, size, old.dynamic_size, old.shape, flow)
        return made

    # What it is

    @property
    def flow(self) -> Any:
        """In a graph, the variant tensor that holds the elements; eagerly it means nothing."""
        elements = self._elements
        return elements.flow if isinstance(elements, _Listed) else constant(0, dtypes.int32)

    @property
    def handle(self) -> None:
        """None."""
        return None

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._elements.dtype

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the elements' shape."""
        return self._elements.shape.known

    @property
    def dynamic_size(self) -> bool:
        """Does writing behind the end make it longer?"""
        return self._elements.dynamic_size

    @property
    def _infer_shape(self) -> bool:
        return self._elements.shape.infer

    @property
    def _type_spec(self) -> TensorArraySpec:
        return TensorArraySpec(self.element_shape, self.dtype, self.dynamic_size, self._infer_shape)

    def size(self, name: str | None = None) -> Any:
        """The number of elements, an int32 scalar."""
        return self._elements.count()

    # Reading

    def read(self, index: Any, name: str | None = None) -> Any:
        """The element at `index`; zeros where nothing was written, if the shape is known.

        Raises:
            OutOfRangeError: eagerly, there is no such element.
            InvalidArgumentError: it was read before and cleared, or (in a graph, when it runs) there is none.
        """
        return self._elements.read(index)

    def stack(self, name: str | None = None) -> Any:
        """All elements as one tensor, along a new first axis."""
        return self._elements.stack()

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """The elements at `indices`, a vector, as one tensor."""
        return self._elements.gather(indices)

    def concat(self, name: str | None = None) -> Any:
        """All elements as one tensor, along their first axis, in which they may differ in size."""
        return self._elements.concat()

    # Writing

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with `value` at `index`.

        Raises:
            OutOfRangeError: eagerly, there is no such element and the size is not dynamic.
            InvalidArgumentError: the dtype does not fit; or, in a graph when it runs, there is no such element.
            ValueError: the shape does not fit.
        """
        return self._changed(self._elements.write(index, self._value(value)))

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array of ``value[0], value[1], ...``.

        Raises:
            ValueError: the shape does not fit, or, eagerly, there are too many elements.
        """
        return self._changed(self._elements.unstack(self._value(value)))

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with ``value[i]`` at ``indices[i]``."""
        return self._changed(self._elements.scatter(indices, self._value(value)))

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array of stretches of `value` along its first axis, of the given lengths.

        Raises:
            InvalidArgumentError: the lengths do not add up to the size of that axis.
        """
        return self._changed(self._elements.split(self._value(value), lengths))

    def identity(self) -> TensorArray:
        """An array of the same elements."""
        return self._changed(self._elements.identity())

    def close(self, name: str | None = None) -> Any:
        """Let go of the elements."""
        return self._elements.close()

    def _value(self, value: Any) -> Tensor:
        found = convert_to_tensor(value, dtype_hint=self.dtype)
        if found.dtype is not self.dtype:
            raise InvalidArgumentError(
                None,
                "TensorArray",
                f"TensorArray dtype is {self.dtype.name} but Op is trying to write dtype {found.dtype.name}",
            )
        return found

    def _changed(self, flow: Any) -> TensorArray:
        return self if flow is None else self._with(flow)

    def __repr__(self) -> str:
        return f"<tf.TensorArray dtype={self.dtype.name} element_shape={self.element_shape}>"


class _ElementShape:
    """What is known of the elements' shape: arrays that come from one another share it."""

    def __init__(self, known: TensorShape, infer: bool) -> None:
        self.known = known
        self.infer = infer

    def check(self, shape: TensorShape) -> None:
        """An element of that shape is written.

        Raises:
            ValueError: it does not fit.
        """
        if not shape.is_compatible_with(self.known):
            raise ValueError(
                f"Inconsistent shapes: saw {shape} but expected {self.known} for the elements of the TensorArray. "
                "Where they may differ, pass infer_shape=False and no element_shape."
            )
        if self.infer:
            self.known = self.known.merge_with(shape)


class _Items:
    """The elements of an eager TensorArray: a list, changed in place. What changes it returns None."""

    def __init__(
        self, dtype: DType, size: int, dynamic_size: bool, clear_after_read: bool, shape: _ElementShape
    ) -> None:
        if size < 0:
            raise ValueError(f"A TensorArray's size must not be negative, but is {size}.")
        self.dtype = dtype
        self.dynamic_size = dynamic_size
        self.shape = shape
        self._clear = clear_after_read
        self._read: set[int] = set()
        self.items: list[Any] = [None] * size

    def count(self) -> Any:
        return constant(len(self.items), dtypes.int32)

    def _out_of_range(self, message: str) -> OutOfRangeError:
        return OutOfRangeError(None, "TensorArray", message)

    def read(self, index: Any) -> Any:
        at = int(index)
        if at < 0:
            raise self._out_of_range(f"Reading from negative indices (index {at}) is not allowed.")
        if at >= len(self.items):
            raise self._out_of_range(f"Tried to read from index {at} but array size is: {len(self.items)}")
        found = self._item(at)
        if self._clear:
            self.items[at] = None
            self._read.add(at)
        return found

    def _item(self, at: int) -> Any:
        """The element at `at`; zeros from now on if it was never written."""
        found = self.items[at]
        if found is None and at in self._read:
            raise InvalidArgumentError(
                None,
                "TensorArray",
                f"Could not read index {at} twice because it was cleared after a previous read (perhaps try setting "
                "clear_after_read = false?)",
            )
        if found is None:
            from .api.array_ops import zeros

            if not self.shape.known.is_fully_defined():
                raise ValueError(
                    f"Element {at} of the TensorArray was never written, and the elements' shape {self.shape.known} is "
                    "not fully known: pass element_shape."
                )
            found = self.items[at] = zeros(self.shape.known, self.dtype)
        return found

    def _all(self) -> list[Any]:
        return [self._item(at) for at in range(len(self.items))]

    def write(self, index: Any, value: Any) -> None:
        at = int(index)
        if at < 0:
            raise self._out_of_range(f"Writing to negative indices (index {at}) is not allowed.")
        size = len(self.items)
        if at >= size:
            if not self.dynamic_size:
                raise self._out_of_range(
                    f"Tried to write to index {at} but array is not resizeable and size is: {size}"
                )
            self.items.extend([None] * (at - size + 1))
        self.shape.check(value.shape)
        self.items[at] = value
        self._read.discard(at)

    def stack(self) -> Any:
        if not self.items:
            known = self.shape.known
            sizes = [0, *known.as_list()] if known.is_fully_defined() else [0]
            return constant(np.zeros(sizes, object if self.dtype.kind == "s" else self.dtype.np), self.dtype)
        return ops.require("Pack")(self._all(), axis=0)

    def gather(self, indices: Any) -> Any:
        at = np.ravel(np.asarray(indices)).tolist()
        if not at:
            known = self.shape.known
            sizes = [0, *known.as_list()] if known.is_fully_defined() else [0]
            return constant(np.zeros(sizes, object if self.dtype.kind == "s" else self.dtype.np), self.dtype)
        return ops.require("Pack")([self._item(i) for i in at], axis=0)

    def concat(self) -> Any:
        from .api.array_ops import concat

        items = self._all()
        for at, item in enumerate(items):
            if item.shape.rank == 0:
                raise InvalidArgumentError(
                    None,
                    "TensorArray",
                    f"Concat saw a scalar shape at index {at} but requires at least vectors.",
                )
        return concat(items, 0)

    def unstack(self, value: Any) -> None:
        from .api.array_ops import unstack

        tensors = unstack(value)
        if len(tensors) > len(self.items) and not self.dynamic_size:
            raise ValueError(
                f"Cannot unstack {len(tensors)} tensors into a TensorArray of static size {len(self.items)}"
            )
        self.shape.check(value.shape[1:])
        self.items = tensors

    def scatter(self, indices: Any, value: Any) -> None:
        from .api.array_ops import unstack

        for at, item in zip(np.ravel(np.asarray(indices)).tolist(), unstack(value), strict=False):
            self.write(at, item)

    def split(self, value: Any, lengths: Any) -> None:
        from .api.array_ops import split

        sizes = np.asarray(lengths)
        if sizes.ndim != 1:
            problem = f"Expected lengths to be a vector, received shape: {list(sizes.shape)}"
        elif value.shape.rank == 0:
            problem = "Expected value to be at least a vector, but received shape: []"
        elif sizes.sum() != value.shape[0]:
            problem = (
                f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {sizes.sum()} and "
                f"value's shape is: {value.shape.as_list()}"
            )
        elif not self.dynamic_size and len(sizes) != len(self.items):
            problem = (
                f"TensorArray's size is not equal to the size of lengths ({len(self.items)} vs. {len(sizes)}), and the "
                "TensorArray is not marked as dynamically resizeable."
            )
        else:
            self.items = split(value, sizes)
            return
        raise InvalidArgumentError(None, "TensorArray", problem)

    def identity(self) -> None:
        return None

    def close(self) -> None:
        self.items.clear()

    def as_list(self) -> Any:
        """The elements as a tensor list (a variant tensor)."""
        shape = self.shape.known
        if self.items and shape.is_fully_defined():
            return _list_op("TensorListFromTensor", self.stack(), _sizes(shape))
        made = _list_op("TensorListReserve", _sizes(shape), len(self.items), element_dtype=self.dtype)
        for at, item in enumerate(self.items):
            if item is not None:
                made = _list_op("TensorListSetItem", made, at, item)
        return made


class _Listed:
    """The elements as a tensor list; what changes it returns the list that it becomes."""

    def __init__(self, dtype: DType, size: Any, dynamic_size: bool, shape: _ElementShape, flow: Any) -> None:
        self.dtype = dtype
        self.size = size
        self.dynamic_size = dynamic_size
        self.shape = shape
        if flow is None:
            self.size = size if isinstance(size, Tensor) else int(size)
            flow = _list_op("TensorListReserve", _sizes(shape.known), size, element_dtype=dtype)
        self.flow = flow

    def count(self) -> Any:
        if not self.dynamic_size and self.size is not None:
            return convert_to_tensor(self.size, dtype=dtypes.int32)
        return _list_op("TensorListLength", self.flow)

    def read(self, index: Any) -> Any:
        return _list_op(
            "TensorListGetItem", self.flow, index, _sizes(self.shape.known), element_dtype=self.dtype
        )

    def stack(self) -> Any:
        count = None if self.dynamic_size else _known(self.size)
        return _list_op(
            "TensorListStack",
            self.flow,
            _sizes(self.shape.known),
            element_dtype=self.dtype,
            num_elements=-1 if count is None else count,
        )

    def gather(self, indices: Any) -> Any:
        return _list_op(
            "TensorListGather", self.flow, indices, _sizes(self.shape.known), element_dtype=self.dtype
        )

    def concat(self) -> Any:
        shape = self.shape.known
        if shape.rank:
            shape = TensorShape([None, *shape.as_list()[1:]])
        leading = constant(np.zeros(0, np.int64))
        values, _ = _list_op(
            "TensorListConcatV2", self.flow, _sizes(shape), leading, element_dtype=self.dtype
        )
        return values

    def write(self, index: Any, value: Any) -> Any:
        self.shape.check(value.shape)
        return _list_op(
            "TensorListSetItem", self.flow, index, value, resize_if_index_out_of_bounds=self.dynamic_size
        )

    def unstack(self, value: Any) -> Any:
        shape = value.shape[1:] if value.shape.rank else TensorShape(None)
        self.shape.check(shape)
        return _list_op("TensorListFromTensor", value, _sizes(shape))

    def scatter(self, indices: Any, value: Any) -> Any:
        self.shape.check(value.shape[1:] if value.shape.rank else TensorShape(None))
        return _list_op("TensorListScatterIntoExistingList", self.flow, value, indices)

    def split(self, value: Any, lengths: Any) -> Any:
        from .api.math_ops import cast

        at = cast(convert_to_tensor(lengths), dtypes.int64)
        known = _known(at)
        if known is not None and np.ndim(known) == 1 and len(set(known.tolist())) == 1 and value.shape.rank:
            self.shape.check(TensorShape([int(known[0]), *value.shape.as_list()[1:]]))
        return _list_op("TensorListSplit", value, _sizes(self.shape.known), at)

    def identity(self) -> Any:
        from .api.array_ops import identity

        return identity(self.flow)

    def close(self) -> Any:
        return ops.require("NoOp")()


def _list_op(name: str, *inputs: Any, **attrs: Any) -> Any:
    tensors = [x if isinstance(x, Tensor) else convert_to_tensor(x, dtypes.int32) for x in inputs]
    return ops.require(name)(*tensors, **attrs)


def _sizes(shape: TensorShape) -> Any:
    """A static shape as list ops take it: -1 for a size, or all of it, that is not known."""
    sizes = shape.as_tuple()
    return -1 if sizes is None else np.array([-1 if d is None else d for d in sizes], np.int32)


def _known(value: Any) -> Any:
    """What is known of a number or tensor now; None where nothing is."""
    if isinstance(value, EagerTensor):
        return value.numpy()
    if isinstance(value, SymbolicTensor):
        found = constant_value(value._value)
        return int(found) if found is not None and np.ndim(found) == 0 else found
    return value


class TensorArraySpec(TypeSpec):
    """The type of a TensorArray.

    Args:
        element_shape: the elements' static shape.
        dtype: the type of the elements.
        dynamic_size: does writing behind the end make it longer?
        infer_shape: do all elements have the shape of the first one written?
    """

    __slots__ = ("_dtype", "_dynamic_size", "_element_shape", "_infer_shape")

    def __init__(
        self,
        element_shape: Any = None,
        dtype: Any = dtypes.float32,
        dynamic_size: bool = False,
        infer_shape: bool = True,
    ) -> None:
        self._element_shape = as_shape(element_shape)
        self._dtype = as_dtype(dtype)
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape

    @property
    def value_type(self) -> type:
        """TensorArray."""
        return TensorArray

    @staticmethod
    def from_value(value: Any) -> TensorArraySpec:
        """The spec of a TensorArray.

        Raises:
            TypeError: it is none.
        """
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but got: `{type(value)}`")
        return value._type_spec

    def is_subtype_of(self, other: Any) -> bool:
        """Has the other spec the same dtype, and a dynamic size where this one has?"""
        return (
            isinstance(other, TensorArraySpec)
            and self._dtype is other._dtype
            and self._dynamic_size == other._dynamic_size
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> TensorArraySpec | None:
        """The spec whose element shape is true of all; None where dtypes or dynamic sizes differ."""
        shape, infer = self._element_shape, self._infer_shape
        for other in others:
            if not self.is_subtype_of(other):
                return None
            shape = shape.most_specific_compatible_shape(other._element_shape)
            infer = infer and other._infer_shape
        return TensorArraySpec(shape, self._dtype, self._dynamic_size, infer)

    def _serialize(self) -> tuple[TensorShape, DType, bool, bool]:
        return self._element_shape, self._dtype, self._dynamic_size, self._infer_shape

    @property
    def _component_specs(self) -> list[TensorSpec]:
        return [TensorSpec([], dtypes.variant)]

    def _to_components(self, value: Any) -> list[Any]:
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but got: `{type(value)}`")
        elements = value._elements
        return [elements.flow if isinstance(elements, _Listed) else elements.as_list()]

    def _from_components(self, components: Any) -> TensorArray:
        made = object.__new__(TensorArray)
        shape = _ElementShape(self._element_shape, self._infer_shape)
        made._elements = _Listed(self._dtype, None, self._dynamic_size, shape, components[0])
        return made
