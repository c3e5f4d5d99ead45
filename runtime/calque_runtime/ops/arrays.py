"""TensorArrays of TF1 loops (`calque_runtime.tensor_array`), with handles that are resources (V3) or strings (V2)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import UnimplementedError
from ..lists import stack
from ..op import Array, Kernel, Op, Site, register
from ..shapes import Shape, compatible, concat, format_shape, is_static
from ..tensor_array import TensorArray
from .common import check_size

__all__: list[str] = []

_KINDS = (("V3", "resource", " | stateful"), ("V2", "string", ""))


def _declare(
    name: str, signature: str, attrs: str, kernel: Callable[[Site], Kernel], doc: str, rule: Any = None
) -> None:
    """The op of that name for each kind of handle; H in the signature is the type of a handle."""
    for version, handle, flags in _KINDS:
        declaration = f"{name}{version}{signature.replace('H', handle)} | {attrs}{flags}".replace("|  |", "|")
        one = register(Op(declaration.removesuffix(" | "), kernel, doc))
        one.shape_rule = rule


def _array(s: Site, value: Any, dtype: DType | None = None) -> TensorArray:
    """What the handle stands for.

    Raises:
        InvalidArgumentError: it is no TensorArray, one of another dtype, or a closed one.
    """
    if not isinstance(value, TensorArray):
        raise s.error(f"the handle is no TensorArray, but {value!r}")
    if value.closed:
        raise s.error("the TensorArray has already been closed.")
    if dtype is not None and value.dtype is not dtype:
        raise s.error(f"TensorArray dtype is {value.dtype.name} but Op requested dtype {dtype.name}.")
    return value


def _make(s: Site, size: Array) -> TensorArray:
    if np.ndim(size) != 0 or int(size) < 0:
        raise s.error(
            f"TensorArray size must be a scalar that is not negative, but is {np.asarray(size).tolist()}"
        )
    check_size(s, (int(size),), s["dtype"])
    identical = "identical_element_shapes" in s.op.signature.attrs and s["identical_element_shapes"]
    return TensorArray(
        s["dtype"], int(size), s["element_shape"], s["dynamic_size"], s["clear_after_read"], identical
    )


def _tensor_array_v3(s: Site) -> Kernel:
    return lambda size: (_make(s, size), np.float32(0))


_ATTRS = "element_shape: shape=unknown_rank; dynamic_size: bool=false; clear_after_read: bool=true; "

tensor_array_v3 = register(
    Op(
        f"TensorArrayV3(size: int32) -> (handle: resource, flow: float) | dtype: type; {_ATTRS}"
        "identical_element_shapes: bool=false; tensor_array_name: string='' | stateful",
        _tensor_array_v3,
        "A new array of that size.",
    )
)
tensor_array_v3.shape_rule = lambda s: [(), ()]
tensor_array_v2 = register(
    Op(
        f"TensorArrayV2(size: int32) -> (handle: string) | dtype: type; {_ATTRS}tensor_array_name: string='' | "
        "stateful",
        lambda s: lambda size: _make(s, size),
        "A new array of that size.",
    )
)
tensor_array_v2.shape_rule = lambda s: [()]


def _gradient(s: Site, handle: Any, lead: Array | None = None) -> TensorArray:
    return _array(s, handle).gradient(s["source"], () if lead is None else tuple(np.ravel(lead).tolist()))


for _op in (
    Op(
        "TensorArrayGradV3(handle: resource, flow_in: float) -> (grad_handle: resource, flow_out: float) | "
        "source: string | stateful",
        lambda s: lambda handle, flow: (_gradient(s, handle), flow),
        "The array of the gradients of an array, in the calculation `source`; what is written twice is added up.",
    ),
    Op(
        "TensorArrayGradV2(handle: string, flow_in: float) -> (grad_handle: string) | source: string | stateful",
        lambda s: lambda handle, flow: _gradient(s, handle),
        "The array of the gradients of an array, in the calculation `source`; what is written twice is added up.",
    ),
    Op(
        "TensorArrayGradWithShape(handle: resource, flow_in: float, shape_to_prepend: int32) -> "
        "(grad_handle: resource, flow_out: float) | source: string | stateful",
        lambda s: lambda handle, flow, lead: (_gradient(s, handle, lead), flow),
        "The array of the gradients of an array; each gradient has the axes `shape_to_prepend` in front.",
    ),
):
    register(_op)


def _write(s: Site) -> Kernel:
    def run(handle: Any, index: Array, value: Array, flow: Array) -> Array:
        array = _array(s, handle, s["T"])
        if int(index) >= array.size:
            check_size(s, (int(index) + 1,), array.dtype)
        array.write(int(index), value)
        return flow

    return run


_declare(
    "TensorArrayWrite",
    "(handle: H, index: int32, value: T, flow_in: float) -> (flow_out: float)",
    "T: type",
    _write,
    "Make `value` the tensor `index` of the array.",
    lambda s: [()],
)


def _read(s: Site) -> Kernel:
    dtype = s["dtype"]
    return lambda handle, index, flow: _array(s, handle, dtype).read(int(index))


_declare(
    "TensorArrayRead",
    "(handle: H, index: int32, flow_in: float) -> (value: dtype)",
    "dtype: type",
    _read,
    "The tensor `index` of the array.",
)


def _gather(s: Site) -> Kernel:
    dtype, declared = s["dtype"], s["element_shape"]

    def run(handle: Any, indices: Array, flow: Array) -> Array:
        array = _array(s, handle, dtype)
        if np.ndim(indices) != 1:
            raise s.error(f"Expected indices to be a vector, but received shape: {list(np.shape(indices))}")
        items = [array.read(i) for i in indices.tolist()]
        shape = np.shape(items[0]) if items else declared if is_static(declared) else array.element_shape
        if shape is None or not is_static(shape):
            raise UnimplementedError(
                None,
                None,
                f"TensorArray has size zero, but element shape {format_shape(shape)} is not fully defined.",
            )
        if not compatible(declared, shape):
            raise s.error(
                f"TensorArray was passed element_shape {format_shape(declared)} which does not match the Tensor at "
                f"index 0: {format_shape(shape)}"
            )
        sizes = check_size(s, (len(items), *shape), dtype)
        return stack(enumerate(items), len(items), sizes[1:], dtype)

    return run


_declare(
    "TensorArrayGather",
    "(handle: H, indices: int32, flow_in: float) -> (value: dtype)",
    "dtype: type; element_shape: shape=unknown_rank",
    _gather,
    "The tensors at `indices` as one tensor.",
    lambda s: [concat([(None,) if s.shapes[1] is None else s.shapes[1], s["element_shape"]])],
)


def _scatter(s: Site) -> Kernel:
    def run(handle: Any, indices: Array, value: Array, flow: Array) -> Array:
        array = _array(s, handle, s["T"])
        if np.ndim(indices) != 1 or np.ndim(value) == 0 or len(value) != len(indices):
            raise s.error(
                "Expected indices to be a vector with an index for each row of value, but their shapes are "
                f"{list(np.shape(indices))} and {list(np.shape(value))}"
            )
        last = int(np.max(indices, initial=-1))
        if last >= array.size:
            if not array.dynamic:
                raise s.error(f"Max scatter index must be < array size ({last} vs. {array.size})")
            check_size(s, (last + 1,), array.dtype)
        for k, i in enumerate(indices.tolist()):
            array.write(i, value[k, ...])
        return flow

    return run


_declare(
    "TensorArrayScatter",
    "(handle: H, indices: int32, value: T, flow_in: float) -> (flow_out: float)",
    "T: type",
    _scatter,
    "Make the rows of `value` the tensors at `indices`.",
    lambda s: [()],
)


def _concat(s: Site) -> Kernel:
    dtype, declared = s["dtype"], s["element_shape_except0"]

    def run(handle: Any, flow: Array) -> tuple[Array, Array]:
        array = _array(s, handle, dtype)
        items = [array.read(i) for i in range(array.size)]
        if not items:
            if declared is None or not is_static(declared):
                raise UnimplementedError(
                    None,
                    None,
                    f"TensorArray has size zero, but element_shape_except0 {format_shape(declared)} is not fully "
                    "defined.",
                )
            return np.zeros(check_size(s, (0, *declared), dtype), dtype.np), np.zeros(0, np.int64)
        for i, item in enumerate(items):
            shape = np.shape(item)
            if not shape:
                raise s.error(f"Concat saw a scalar shape at index {i} but requires at least vectors.")
            if shape[1:] != items[0].shape[1:] or not compatible(declared, shape[1:]):
                raise s.error(
                    f"the tensors must have the shape {format_shape(declared or items[0].shape[1:])} excepting "
                    f"dimension 0, but index {i} has {format_shape(shape)}"
                )
        return np.concatenate(items), np.array([len(item) for item in items], np.int64)

    return run


def _concat_shape(s: Site) -> list[Shape]:
    return [concat([(None,), s["element_shape_except0"]]), (None,)]


_declare(
    "TensorArrayConcat",
    "(handle: H, flow_in: float) -> (value: dtype, lengths: int64)",
    "dtype: type; element_shape_except0: shape=unknown_rank",
    _concat,
    "The tensors, along their first axis, as one tensor, and the length of each.",
    _concat_shape,
)


def _split(s: Site) -> Kernel:
    def run(handle: Any, value: Array, lengths: Array, flow: Array) -> Array:
        array = _array(s, handle, s["T"])
        if np.ndim(lengths) != 1 or np.ndim(value) == 0:
            raise s.error(
                "Expected lengths to be a vector and value to be at least one, but their shapes are "
                f"{list(np.shape(lengths))} and {list(np.shape(value))}"
            )
        sizes = lengths.tolist()
        if min(sizes, default=0) < 0 or sum(sizes) != len(value):
            raise s.error(
                f"Expected sum of lengths to be equal to values.shape[0], but lengths are {sizes} and values's shape "
                f"is {list(value.shape)}"
            )
        if array.dynamic and array.size < len(sizes):
            array.grow(len(sizes))
        if array.size != len(sizes):
            raise s.error(
                f"TensorArray's size is not equal to the size of lengths ({array.size} vs. {len(sizes)})"
            )
        for i, (a, b) in enumerate(pairwise(np.cumsum([0, *sizes]).tolist())):
            array.write(i, value[a:b])
        return flow

    return run


_declare(
    "TensorArraySplit",
    "(handle: H, value: T, lengths: int64, flow_in: float) -> (flow_out: float)",
    "T: type",
    _split,
    "Make the pieces of `value` along its first axis, as long as `lengths` says, the tensors of the array.",
    lambda s: [()],
)


def _size(s: Site) -> Kernel:
    return lambda handle, flow: np.int32(_array(s, handle).size)


_declare(
    "TensorArraySize",
    "(handle: H, flow_in: float) -> (size: int32)",
    "",
    _size,
    "The number of tensors in the array.",
    lambda s: [()],
)


def _close(s: Site) -> Kernel:
    def run(handle: Any) -> tuple[()]:
        if isinstance(handle, TensorArray):
            handle.close()
        return ()

    return run


_declare("TensorArrayClose", "(handle: H) -> ()", "", _close, "Drop the array's tensors.")
