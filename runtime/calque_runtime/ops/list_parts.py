"""Tensor lists from and to one tensor, by pieces: concatenating, splitting, scattering; and batches of lists."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..dtypes import DType
from ..lists import TensorList
from ..op import Array, Call, Kernel, Site, op
from ..shapes import Shape, compatible, format_shape, is_static, merge
from .common import check_size, scalar, shape_of
from .lists import (
    ELEMENT,
    check_fits,
    checked_list,
    shape_input,
    static_input,
    tensor_list_element_shape,
    tensor_list_gather,
    tensor_list_length,
    tensor_list_resize,
)

__all__ = [
    "tensor_list_concat_v2",
    "tensor_list_scatter_v2",
    "tensor_list_split",
]


def _concatenated(
    s: Site, lst: TensorList, shape: Shape, leading: list[int], dtype: DType
) -> tuple[Array, Array]:
    """The items one behind the other, and how many rows each has.

    An item that was never set has the rows that `leading` says; where that says nothing, those that all the others
    have, or that `shape` says.
    """
    shape = merge(shape, lst.element_shape)
    if shape == ():
        raise s.error("Concat requires elements to be at least vectors, found scalars instead.")
    rest = None if shape is None else shape[1:]
    items = dict(lst.items())
    sizes = {np.shape(item) for item in items.values()}
    if () in sizes:
        raise s.error("Concat saw a scalar, but requires items to be at least vectors")
    for size in sizes:
        rest = merge(rest, size[1:])
    if rest is None or not is_static(rest):
        raise s.error(
            "All except the first dimension must be fully defined when concating a list without any element set. "
            f"element_shape: {format_shape(shape)}"
        )
    rows = {size[0] for size in sizes}
    usual = rows.pop() if len(rows) == 1 else None if shape is None else shape[0]
    lengths = []
    for i in range(lst.length):
        if i in items:
            lengths.append(len(items[i]))
        elif i < len(leading):
            lengths.append(leading[i])
        elif usual is not None:
            lengths.append(usual)
        else:
            raise s.error(
                f"List contains uninitialized tensor at index {i} but leading_dims has only {len(leading)} elements."
            )
    whole = check_size(s, (sum(lengths), *rest), dtype)
    out = np.full(whole, b"", object) if dtype.kind == "s" else np.zeros(whole, dtype.np)
    at = 0
    for i, length in enumerate(lengths):
        if i in items:
            out[at : at + length] = items[i]
        at += length
    return out, np.array(lengths, np.int64)


@op(
    "TensorListConcat(input_handle: variant) -> (tensor: element_dtype, lengths: int64) | element_dtype: type; "
    "element_shape: shape=unknown_rank"
)
def tensor_list_concat(s: Site) -> Kernel:
    """All items, along their first axis, as one tensor, and the length of each."""
    dtype, shape = s["element_dtype"], s["element_shape"]

    def run(handle: Any) -> tuple[Array, Array]:
        return _concatenated(s, checked_list(s, handle, dtype), shape, [], dtype)

    return run


@tensor_list_concat.shape
def _(s: Site) -> list[Shape]:
    return [_any_rows(s["element_shape"]), (None,)]


@op(
    "TensorListConcatV2(input_handle: variant, element_shape: shape_type, leading_dims: int64) -> "
    "(tensor: element_dtype, lengths: int64) | " + ELEMENT
)
def tensor_list_concat_v2(s: Site) -> Kernel:
    """All items, along their first axis, as one tensor, and the length of each."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 1)

    def run(handle: Any, element_shape: Array, leading: Array) -> tuple[Array, Array]:
        lst, shape = checked_list(s, handle, dtype), shape_from(element_shape)
        if shape is not None and shape[:1] not in ((), (None,)):
            for i, item in lst.items():
                if np.shape(item)[:1] != shape[:1]:
                    raise s.error(
                        "First entry of element_shape input does not match the first dim of list element at index: "
                        f"{i} Expected: {shape[0]} Actual: {len(item) if np.ndim(item) else 'a scalar'}"
                    )
        sizes = np.ravel(leading).tolist()
        if min(sizes, default=0) < 0:
            raise s.error(f"leading_dims must not be negative, but are {sizes}")
        return _concatenated(s, lst, shape, sizes, dtype)

    return run


@tensor_list_concat_v2.shape
def _(s: Site) -> list[Shape]:
    return [_any_rows(static_input(s, 1)), (None,)]


def _any_rows(element_shape: Shape) -> Shape:
    return None if not element_shape else (None, *element_shape[1:])


def _concat_gradient(c: Call, g: Any, lengths: Any) -> list[Any]:
    shape = tensor_list_element_shape(c.inputs[0], shape_type="int32")
    return [tensor_list_split(g, shape, c.outputs[1]), *[None] * (len(c.inputs) - 1)]


tensor_list_concat.gradient = tensor_list_concat_v2.gradient = _concat_gradient


@op(
    "TensorListSplit(tensor: element_dtype, element_shape: shape_type, lengths: int64) -> (output_handle: variant) | "
    + ELEMENT
)
def tensor_list_split(s: Site) -> Kernel:
    """The list of the tensor's pieces along its first axis, which are as long as `lengths` says."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 1)

    def run(tensor: Array, element_shape: Array, lengths: Array) -> TensorList:
        shape = shape_from(element_shape)
        if np.ndim(tensor) == 0:
            raise s.error("Tensor must be at least a vector, but saw shape: []")
        if np.ndim(lengths) != 1:
            raise s.error(f"Expected lengths to be a vector, received shape: {list(np.shape(lengths))}")
        if shape is not None and not (shape and compatible(shape[1:], tensor.shape[1:])):
            raise s.error(
                f"tensor shape {format_shape(tensor.shape)} is not compatible with element_shape "
                f"{format_shape(shape)}"
            )
        sizes = lengths.tolist()
        if min(sizes, default=0) < 0:
            raise s.error(f"Invalid value in lengths: {min(sizes)}")
        if sum(sizes) != len(tensor):
            raise s.error(
                f"the lengths add up to {sum(sizes)}, but the tensor has {len(tensor)} rows to be split"
            )
        bounds = np.cumsum([0, *sizes]).tolist()
        return TensorList.of([tensor[a:b] for a, b in pairwise(bounds)], dtype, shape)

    return run


@tensor_list_split.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape
    from .join import concat_v2

    rows = concat_v2([np.array([-1], np.int32), shape(c.inputs[0])[1:]], np.int32(0))
    return [tensor_list_concat_v2(g, rows, c.inputs[2], element_dtype=c["element_dtype"])[0], None, None]


def _scattered(s: Site, lst: TensorList, tensor: Array, indices: Array) -> TensorList:
    """The list with the rows of `tensor` as its items at `indices`; the last one where an index repeats."""
    at = np.ravel(indices).tolist()
    if np.ndim(tensor) == 0:
        raise s.error("Tensor must be at least a vector, but saw shape: []")
    if len(tensor) != len(at):
        raise s.error(f"Invalid number of rows in input tensor. Expected: {len(at)} Actual: {len(tensor)}")
    if min(at, default=0) < 0:
        raise s.error("Indices in TensorListScatter must all be non-negative.")
    rows = TensorList.unstacked(tensor, lst.dtype, None)
    if not at:
        return lst
    check_fits(s, lst, rows.get(0), "scatter")
    length = max(lst.length, max(at) + 1)
    check_size(s, (length,), lst.dtype)
    items = dict(lst.items())
    items.update((i, rows.get(k)) for k, i in enumerate(at))
    return TensorList.of(map(items.get, range(length)), lst.dtype, lst.element_shape, lst.max_num_elements)


@op(
    "TensorListScatter(tensor: element_dtype, indices: int32, element_shape: shape_type) -> (output_handle: variant) | "
    + ELEMENT
)
def tensor_list_scatter(s: Site) -> Kernel:
    """A list that is as long as `indices` asks for, the rows of the tensor as its items at `indices`."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 2)

    def run(tensor: Array, indices: Array, element_shape: Array) -> TensorList:
        return _scattered(s, TensorList(dtype, shape_from(element_shape)), tensor, indices)

    return run


@op(
    "TensorListScatterV2(tensor: element_dtype, indices: int32, element_shape: shape_type, num_elements: int32) -> "
    "(output_handle: variant) | " + ELEMENT
)
def tensor_list_scatter_v2(s: Site) -> Kernel:
    """A list of `num_elements` (-1: as many as needed), the rows of the tensor as its items at `indices`."""
    dtype, shape_from = s["element_dtype"], shape_input(s, 2)

    def run(tensor: Array, indices: Array, element_shape: Array, count: Array) -> TensorList:
        length = int(count)
        if length < -1:
            raise s.error(f"TensorListScatter expects num_elements >= -1, found: {length}")
        last = int(np.max(indices, initial=-1))
        if length != -1 and last >= length:
            raise s.error(f"TensorListScatter: Trying to scatter at index {last} in list with size {length}")
        check_size(s, (max(length, 0),), dtype)
        empty = TensorList(dtype, shape_from(element_shape), max(length, 0))
        return _scattered(s, empty, tensor, indices)

    return run


def _scatter_gradient(c: Call, g: Any) -> list[Any]:
    from .array import shape

    sizes = shape(c.inputs[0])[1:]
    rows = tensor_list_gather(g, c.inputs[1], sizes, element_dtype=c["element_dtype"])
    return [rows, *[None] * (len(c.inputs) - 1)]


tensor_list_scatter.gradient = tensor_list_scatter_v2.gradient = _scatter_gradient


@op(
    "TensorListScatterIntoExistingList(input_handle: variant, tensor: element_dtype, indices: int32) -> "
    "(output_handle: variant) | element_dtype: type"
)
def tensor_list_scatter_into_existing_list(s: Site) -> Kernel:
    """The list with the rows of the tensor as its items at `indices`; longer where an index asks for that."""
    dtype = s["element_dtype"]
    return lambda handle, tensor, indices: _scattered(s, checked_list(s, handle, dtype), tensor, indices)


@tensor_list_scatter_into_existing_list.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import shape, zeros_like

    handle, tensor, indices = c.inputs
    rows = tensor_list_gather(g, indices, shape(tensor)[1:], element_dtype=c["element_dtype"])
    rest = tensor_list_scatter_into_existing_list(g, zeros_like(tensor), indices)
    return [tensor_list_resize(rest, tensor_list_length(handle)), rows, None]


def _lists(s: Site, handles: Any, dtype: DType) -> list[TensorList]:
    """The lists that a tensor of variants holds, flat."""
    flat = handles.ravel().tolist() if isinstance(handles, np.ndarray) else [handles]
    return [checked_list(s, one, dtype) for one in flat]


def _packed(lists: list[TensorList], shape: tuple[int, ...]) -> Any:
    """Lists as a tensor of variants; one on its own is bare."""
    if shape == ():
        return lists[0]
    out = np.empty(len(lists), object)
    out[:] = lists
    return out.reshape(shape)


@op("TensorListConcatLists(input_a: variant, input_b: variant) -> (output: variant) | element_dtype: type")
def tensor_list_concat_lists(s: Site) -> Kernel:
    """The items of a list, or of each list of a tensor, and behind them those of another."""
    dtype = s["element_dtype"]

    def joined(a: TensorList, b: TensorList) -> TensorList:
        if a.element_shape != b.element_shape:
            raise s.error(
                "input_a and input_b TensorList element shapes are not identical. Saw "
                f"{format_shape(a.element_shape)} vs. {format_shape(b.element_shape)}"
            )
        check_size(s, (a.length + b.length,), dtype)
        items = dict(a.items())
        items.update((a.length + i, item) for i, item in b.items())
        length = a.length + b.length
        return TensorList.of(map(items.get, range(length)), dtype, a.element_shape, a.max_num_elements)

    def run(a: Any, b: Any) -> Any:
        if shape_of(a) != shape_of(b):
            raise s.error(f"different input tensor list sizes: {list(shape_of(a))} and {list(shape_of(b))}")
        pairs = zip(_lists(s, a, dtype), _lists(s, b, dtype), strict=True)
        return _packed([joined(x, y) for x, y in pairs], shape_of(a))

    return run


@tensor_list_concat_lists.shape
def _(s: Site) -> list[Shape]:
    return [merge(s.shapes[0], s.shapes[1])]


@op(
    "TensorListPushBackBatch(input_handles: variant, tensor: element_dtype) -> (output_handles: variant) | "
    "element_dtype: type"
)
def tensor_list_push_back_batch(s: Site) -> Kernel:
    """Each list of a tensor of lists, with a row of `tensor` as one more item."""
    dtype = s["element_dtype"]

    def run(handles: Any, tensor: Array) -> Any:
        lists, shape = _lists(s, handles, dtype), shape_of(handles)
        if np.ndim(tensor) == 0 or len(tensor) != len(lists):
            raise s.error(
                f"Expected tensor.shape[0] == input_handles.size, but saw {list(np.shape(tensor))[:1]} vs. "
                f"{len(lists)}"
            )
        rows = TensorList.unstacked(tensor, dtype, None)
        out = []
        for i, lst in enumerate(lists):
            row = rows.get(i)
            check_fits(s, lst, row, "append")
            out.append(lst.pushed(row))
        return _packed(out, shape)

    return run


@tensor_list_push_back_batch.shape
def _(s: Site) -> list[Shape]:
    return [s.shapes[0]]


for _one in (
    tensor_list_split,
    tensor_list_scatter,
    tensor_list_scatter_v2,
    tensor_list_scatter_into_existing_list,
):
    _one.shape_rule = scalar
tensor_list_concat_lists.not_differentiable()
tensor_list_push_back_batch.not_differentiable()
