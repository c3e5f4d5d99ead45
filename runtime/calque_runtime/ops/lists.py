"""Tensor lists: making, reading and writing single items, and stacking them. See `calque_runtime.lists`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..lists import TensorList, stack
from ..op import Array, Call, Kernel, Site, op
from ..shapes import Shape, compatible, concat, format_shape, is_static, merge
from .common import check_size, scalar, shape_of

__all__ = [
    "ELEMENT",
    "check_fits",
    "checked_list",
    "read_shape",
    "shape_input",
    "static_input",
    "zeros",
]

ELEMENT = "element_dtype: type; shape_type: type in index"


def read_shape(value: Array) -> Shape:
    """The shape that a tensor of sizes holds: -1 is an unknown size, a scalar -1 an unknown rank.

    Raises:
        InvalidArgumentError: it is neither a vector of sizes nor -1.
    """
    if np.ndim(value) == 0:
        if int(value) != -1:
            raise InvalidArgumentError(
                None, None, "The only valid scalar shape tensor is the fully unknown shape specified as -1."
            )
        return None
    sizes = value.tolist()
    if np.ndim(value) != 1 or any(d < -1 for d in sizes):
        raise InvalidArgumentError(
            None, None, f"a shape must be a vector of sizes, -1 where one is not known, but is {sizes}"
        )
    return tuple(None if d < 0 else d for d in sizes)


def shape_input(s: Site, i: int) -> Callable[[Array], Shape]:
    """What reads input `i` as a shape when the op runs; read here and now where it is a constant."""
    known = s.const(i)
    if known is None:
        return read_shape
    try:
        shape = read_shape(known)
    except InvalidArgumentError:  # an error of the run, not of binding
        return read_shape
    return lambda value: shape


def static_input(s: Site, i: int) -> Shape:
    """What is known of the shape that input `i` holds, for shape rules."""
    known = s.const(i)
    if known is not None:
        return read_shape(known)
    length = s.shapes[i]
    return None if length is None or len(length) != 1 else s.const_shape(i)


def checked_list(s: Site, value: Any, dtype: DType | None = None) -> TensorList:
    """`value`, if it is a list (of `dtype`).

    Raises:
        InvalidArgumentError: it is not.
    """
    if type(value) is not TensorList:
        if isinstance(value, np.ndarray) and value.shape == () and type(value[()]) is TensorList:
            return checked_list(s, value[()], dtype)
        raise s.error(f"Input handle is not a list. Saw: {value!r}")
    if dtype is not None and value.dtype is not dtype:
        raise s.error(f"Invalid data types; op elements {dtype.name} but list elements {value.dtype.name}")
    return value


def check_fits(s: Site, lst: TensorList, item: Array, what: str) -> None:
    """May `item` stand in `lst`?

    Raises:
        InvalidArgumentError: its shape does not fit.
    """
    if lst.element_shape is None or lst.element_shape == shape_of(item):
        return
    if not compatible(lst.element_shape, shape_of(item)):
        raise s.error(
            f"Tried to {what} a tensor with incompatible shape {format_shape(shape_of(item))}: the list's elements "
            f"have shape {format_shape(lst.element_shape)}"
        )


def zeros(s: Site, shape: Shape, dtype: DType, why: str) -> Array:
    """What an item that was never set reads as.

    Raises:
        InvalidArgumentError: the shape is not known.
    """
    if shape is None or None in shape:
        raise s.error(f"{why} element_shape is not fully defined: {format_shape(shape)}")
    if dtype.kind == "o":
        raise s.error(f"{why} a {dtype.name} has no zero")
    sizes = check_size(s, shape, dtype)
    return np.full(sizes, b"", object) if dtype.kind == "s" else np.zeros(sizes, dtype.np)


@op(
    "EmptyTensorList(element_shape: shape_type, max_num_elements: int32) -> (handle: variant) | " + ELEMENT,
)
def empty_tensor_list(s: Site) -> Kernel:
    """A list without items, to which items of that shape may be pushed."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 0)

    def run(element_shape: Array, maximum: Array) -> TensorList:
        if np.ndim(maximum) != 0:
            raise s.error(f"max_num_elements expected to be a scalar but got shape: {list(maximum.shape)}")
        return TensorList(dtype, shape_from(element_shape), 0, int(maximum))

    return run


@op(
    "TensorListReserve(element_shape: shape_type, num_elements: int32) -> (handle: variant) | " + ELEMENT,
)
def tensor_list_reserve(s: Site) -> Kernel:
    """A list of `num_elements` items that are not set."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 0)

    def run(element_shape: Array, count: Array) -> TensorList:
        length = int(count)
        if length < 0:
            raise s.error(f"The num_elements to reserve must be a non negative number, but got {length}")
        check_size(s, (length,), dtype)
        return TensorList(dtype, shape_from(element_shape), length)

    return run


@op(
    "TensorListFromTensor(tensor: element_dtype, element_shape: shape_type) -> (output_handle: variant) | "
    + ELEMENT
)
def tensor_list_from_tensor(s: Site) -> Kernel:
    """The list of the tensor's slices along its first axis."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 1)

    def run(tensor: Array, element_shape: Array) -> TensorList:
        shape = shape_from(element_shape)
        if np.ndim(tensor) == 0:
            raise s.error("Tensor must be at least a vector, but saw shape: []")
        if not compatible(shape, tensor.shape[1:]):
            raise s.error(
                f"Specified a list with shape {format_shape(shape)} from a tensor with shape "
                f"{format_shape(tensor.shape[1:])}"
            )
        return TensorList.unstacked(tensor, dtype, shape)

    return run


@tensor_list_from_tensor.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape

    sizes = shape(c.inputs[0])
    return [tensor_list_stack(g, sizes[1:], element_dtype=c["element_dtype"]), None]


@op("TensorListLength(input_handle: variant) -> (length: int32)")
def tensor_list_length(s: Site) -> Kernel:
    """The number of items."""
    return lambda handle: np.int32(checked_list(s, handle).length)


@op(
    "TensorListElementShape(input_handle: variant) -> (element_shape: shape_type) | shape_type: type in index"
)
def tensor_list_element_shape(s: Site) -> Kernel:
    """The shape that the list's items have to fit: -1 for a size, or for all of it, where that is not known."""
    kind = s["shape_type"].np

    def run(handle: Any) -> Array:
        shape = checked_list(s, handle).element_shape
        return np.array(-1 if shape is None else [-1 if d is None else d for d in shape], kind)

    return run


@op(
    "TensorListGetItem(input_handle: variant, index: int32, element_shape: Tshape) -> (item: element_dtype) | "
    "element_dtype: type; Tshape: type=int32 in index"
)
def tensor_list_get_item(s: Site) -> Kernel:
    """Item `index`; zeros of `element_shape` where it was never set."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 2)

    def run(handle: Any, index: Array, element_shape: Array) -> Array:
        lst = checked_list(s, handle, dtype)
        i = int(index)
        if not 0 <= i < lst.length:
            raise s.error(f"Trying to access element {i} in a list with {lst.length} elements.")
        item = lst.get(i)
        if item is not None:
            return item
        shape = merge(shape_from(element_shape), lst.element_shape)
        if not is_static(shape):
            shape = lst.known_shape(shape)
        return zeros(s, shape, dtype, "Trying to read an uninitialized tensor but")

    return run


@tensor_list_get_item.shape
def _(s: Site) -> list[Shape]:
    return [static_input(s, 2)]


@tensor_list_get_item.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape

    handle, index, _ = c.inputs
    empty = tensor_list_reserve(shape(g), tensor_list_length(handle), element_dtype=c["element_dtype"])
    return [tensor_list_set_item(empty, index, g), None, None]


@op(
    "TensorListSetItem(input_handle: variant, index: int32, item: element_dtype) -> (output_handle: variant) | "
    "element_dtype: type; resize_if_index_out_of_bounds: bool=false"
)
def tensor_list_set_item(s: Site) -> Kernel:
    """The list with another item at `index`."""
    dtype, resize = s["element_dtype"], s["resize_if_index_out_of_bounds"]

    def run(handle: Any, index: Array, item: Array) -> TensorList:
        lst = checked_list(s, handle, dtype)
        i = int(index)
        if i >= lst.length and resize:
            check_size(s, (i + 1,), dtype)
            lst = lst.resized(i + 1)
        if not 0 <= i < lst.length:
            raise s.error(f"Trying to modify element {i} in a list with {lst.length} elements.")
        check_fits(s, lst, item, "set")
        return lst.set(i, item)

    return run


@tensor_list_set_item.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape, zeros_like

    handle, index, item = c.inputs
    rest = tensor_list_set_item(g, index, zeros_like(item))
    if c["resize_if_index_out_of_bounds"]:
        rest = tensor_list_resize(rest, tensor_list_length(handle))
    return [rest, None, tensor_list_get_item(g, index, shape(item), element_dtype=c["element_dtype"])]


@op(
    "TensorListPushBack(input_handle: variant, tensor: element_dtype) -> (output_handle: variant) | element_dtype: type"
)
def tensor_list_push_back(s: Site) -> Kernel:
    """The list with one more item."""
    dtype = s["element_dtype"]

    def run(handle: Any, item: Array) -> TensorList:
        lst = checked_list(s, handle, dtype)
        check_fits(s, lst, item, "append")
        if 0 <= lst.max_num_elements <= lst.length:
            raise s.error(
                f"Tried to push item into a full list: list size {lst.length}, max_num_elements "
                f"{lst.max_num_elements}"
            )
        return lst.pushed(item)

    return run


@tensor_list_push_back.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape

    return list(tensor_list_pop_back(g, shape(c.inputs[1]), element_dtype=c["element_dtype"]))


@op(
    "TensorListPopBack(input_handle: variant, element_shape: int32) -> (output_handle: variant, tensor: element_dtype)"
    " | element_dtype: type"
)
def tensor_list_pop_back(s: Site) -> Kernel:
    """The list without its last item, and that item."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 1)

    def run(handle: Any, element_shape: Array) -> tuple[TensorList, Array]:
        lst = checked_list(s, handle, dtype)
        if lst.length == 0:
            raise s.error("Trying to pop from an empty list.")
        item = lst.get(lst.length - 1)
        if item is None:
            shape = merge(shape_from(element_shape), lst.element_shape)
            item = zeros(s, shape, dtype, "Trying to read an uninitialized tensor but")
        return lst.resized(lst.length - 1), item

    return run


@tensor_list_pop_back.shape
def _(s: Site) -> list[Shape]:
    return [(), static_input(s, 1)]


@tensor_list_pop_back.grad
def _(c: Call, rest: Any, item: Any) -> list[Any]:
    from .array import zeros_like

    if rest is None:
        shape = tensor_list_element_shape(c.inputs[0], shape_type="int32")
        rest = tensor_list_reserve(shape, tensor_list_length(c.outputs[0]), element_dtype=c["element_dtype"])
    if item is None:
        item = zeros_like(c.outputs[1])
    return [tensor_list_push_back(rest, item), None]


@op("TensorListResize(input_handle: variant, size: int32) -> (output_handle: variant)")
def tensor_list_resize(s: Site) -> Kernel:
    """The list with `size` items: cut, or with items behind that are not set."""

    def run(handle: Any, size: Array) -> TensorList:
        lst = checked_list(s, handle)
        length = int(size)
        if length < 0:
            raise s.error(f"TensorListSlice expects size to be non-negative. Got: {length}")
        check_size(s, (length,), lst.dtype)
        return lst.resized(length)

    return run


@tensor_list_resize.grad
def _(c: Call, g: Any) -> list[Any]:
    return [tensor_list_resize(g, tensor_list_length(c.inputs[0])), None]


@op(
    "TensorListStack(input_handle: variant, element_shape: int32) -> (tensor: element_dtype) | element_dtype: type; "
    "num_elements: int=-1"
)
def tensor_list_stack(s: Site) -> Kernel:
    """All items as one tensor; those that were never set as zeros."""
    dtype, count, shape_from = s["element_dtype"], s["num_elements"], shape_input(s, 1)

    def run(handle: Any, element_shape: Array) -> Array:
        lst = checked_list(s, handle, dtype)
        if count != -1 and lst.length != count:
            raise s.error(
                f"Operation expected a list with {count} elements but got a list with {lst.length} elements."
            )
        shape = merge(shape_from(element_shape), lst.element_shape)
        if not is_static(shape):
            if lst.length == 0:
                raise s.error(
                    "Tried to stack elements of an empty list with non-fully-defined element_shape: "
                    f"{format_shape(shape)}"
                )
            shape = lst.known_shape(shape)
        if shape is None or not is_static(shape):
            raise s.error(
                "Tried to stack list which only contains uninitialized tensors and has a non-fully-defined "
                f"element_shape: {format_shape(shape)}"
            )
        return lst.stacked(check_size(s, (lst.length, *shape), dtype)[1:])

    return run


@tensor_list_stack.shape
def _(s: Site) -> list[Shape]:
    count = s["num_elements"]
    return [concat([(None if count < 0 else count,), static_input(s, 1)])]


@tensor_list_stack.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape

    return [tensor_list_from_tensor(g, shape(g)[1:]), None]


@op(
    "TensorListGather(input_handle: variant, indices: int32, element_shape: int32) -> (values: element_dtype) | "
    "element_dtype: type"
)
def tensor_list_gather(s: Site) -> Kernel:
    """The items at `indices` as one tensor; those that were never set as zeros."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 2)

    def run(handle: Any, indices: Array, element_shape: Array) -> Array:
        lst = checked_list(s, handle, dtype)
        at = np.ravel(indices).tolist()
        for i in at:
            if not 0 <= i < lst.length:
                raise s.error(f"Index {i} out of range; list only has {lst.length} elements.")
        items = [(k, item) for k, item in enumerate(map(lst.get, at)) if item is not None]
        shape = merge(shape_from(element_shape), lst.element_shape)
        if not is_static(shape):
            for size in {np.shape(item) for _, item in items}:
                shape = merge(shape, size)
        if shape is None or not is_static(shape):
            raise s.error(
                "Tried to gather uninitialized tensors, or none, from a list with non-fully-defined element_shape: "
                f"{format_shape(shape)}"
            )
        sizes = check_size(s, (len(at), *shape), dtype)
        return stack(items, len(at), sizes[1:], dtype)

    return run


@tensor_list_gather.shape
def _(s: Site) -> list[Shape]:
    count = s.shapes[1]
    return [concat([(None,) if count is None or len(count) != 1 else count, static_input(s, 2)])]


@tensor_list_gather.grad
def _(c: Call, g: Any) -> list[Any]:
    from .list_parts import tensor_list_scatter_v2

    handle, indices, _ = c.inputs
    shape = tensor_list_element_shape(handle, shape_type="int32")
    return [tensor_list_scatter_v2(g, indices, shape, tensor_list_length(handle)), None, None]


for _one in (
    empty_tensor_list,
    tensor_list_reserve,
    tensor_list_from_tensor,
    tensor_list_length,
    tensor_list_set_item,
    tensor_list_push_back,
    tensor_list_resize,
):
    _one.shape_rule = scalar
for _one in (empty_tensor_list, tensor_list_reserve, tensor_list_length, tensor_list_element_shape):
    _one.not_differentiable()
