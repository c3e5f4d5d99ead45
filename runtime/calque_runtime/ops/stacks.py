"""What training graphs pass on to the way back: stacks out of loops, optional values out of branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape, compatible
from .common import scalar, shape_of

__all__ = ["Optional", "Stack"]


class Stack:
    """A stack of tensors; one run of a graph makes its own.

    Attributes:
        dtype: of the tensors, as the op that makes it says.
        most: how many it may hold; negative: any number.
        items: what it holds.
    """

    __slots__ = ("closed", "dtype", "items", "most")

    def __init__(self, dtype: Any, most: int) -> None:
        self.dtype = dtype
        self.most = most
        self.items: list[Any] = []
        self.closed = False


@op("StackV2(max_size: int32) -> (handle: resource) | elem_type: type; stack_name: string='' | stateful")
def stack(s: Site) -> Kernel:
    """A stack of at most `max_size` tensors; of any number where that is negative."""
    dtype = s["elem_type"]
    return lambda size: Stack(dtype, int(size))


stack.shape_rule = scalar


def _checked(s: Site, handle: Any) -> Stack:
    if type(handle) is not Stack:
        raise s.error(f"the handle is no stack, but {handle!r}")
    if handle.closed:
        raise s.error("the stack has been closed")
    return handle


@op(
    "StackPushV2(handle: resource, elem: T) -> (output: T) | T: type; swap_memory: bool=false | stateful",
)
def stack_push(s: Site) -> Kernel:
    """Put a tensor on the stack; gives it back."""
    dtype = s["T"]

    def run(handle: Any, elem: Array) -> Array:
        one = _checked(s, handle)
        if dtype is not one.dtype:
            raise s.error(f"the stack holds {one.dtype.name}, but a {dtype.name} is pushed")
        if 0 <= one.most <= len(one.items):
            raise s.error(f"Stack overflowed: it holds at most {one.most} tensors")
        one.items.append(elem)
        return elem

    return run


@stack_push.shape
def _(s: Site) -> list[Shape]:
    return [s.shapes[1]]


@op("StackPopV2(handle: resource) -> (elem: elem_type) | elem_type: type | stateful")
def stack_pop(s: Site) -> Kernel:
    """Take the tensor from the stack that was put there last."""
    dtype = s["elem_type"]

    def run(handle: Any) -> Array:
        one = _checked(s, handle)
        if dtype is not one.dtype:
            raise s.error(f"the stack holds {one.dtype.name}, but a {dtype.name} is asked for")
        if not one.items:
            raise s.error("Stack is empty when calling Pop()")
        return one.items.pop()

    return run


@op("StackCloseV2(handle: resource) -> () | stateful")
def stack_close(s: Site) -> Kernel:
    """Drop what the stack holds."""

    def run(handle: Any) -> tuple[()]:
        one = _checked(s, handle)
        one.closed = True
        one.items.clear()
        return ()

    return run


# What orders other nodes and does nothing itself.
control_trigger: Op = register(Op("ControlTrigger() -> ()", lambda s: lambda: (), "Nothing."))


class Optional:
    """Tensors, or their absence; it is never changed once it is made.

    Attributes:
        components: the tensors; None: there are none.
    """

    __slots__ = ("components",)

    def __init__(self, components: tuple[Any, ...] | None) -> None:
        self.components = components


@op(
    "OptionalFromValue(components: list(Toutput_types)) -> (optional: variant) | Toutput_types: list(type) >=1"
)
def optional_from_value(s: Site) -> Kernel:
    """The optional value that has these components."""
    return lambda *components: Optional(components)


@op("OptionalNone() -> (optional: variant)")
def optional_none(s: Site) -> Kernel:
    """The optional value that is absent."""
    absent = Optional(None)
    return lambda: absent


@op("OptionalHasValue(optional: variant) -> (has_value: bool)")
def optional_has_value(s: Site) -> Kernel:
    """Is the value there?"""
    return lambda optional: np.bool_(_optional(s, optional).components is not None)


@op(
    "OptionalGetValue(optional: variant) -> (components: list(output_types)) | output_types: list(type) >=1; "
    "output_shapes: list(shape) >=1"
)
def optional_get_value(s: Site) -> Kernel:
    """The components of a value that is there."""
    types, shapes = s["output_types"], s["output_shapes"]

    def run(optional: Any) -> Sequence[Array]:
        components = _optional(s, optional).components
        if components is None:
            raise s.error("The given optional does not have a value.")
        if len(components) != len(types):
            raise s.error(f"the optional has {len(components)} components, not {len(types)}")
        for i, (one, dtype, shape) in enumerate(zip(components, types, shapes, strict=False)):
            if hasattr(one, "dtype") and dtype.kind not in "os" and one.dtype != dtype.np:
                raise s.error(f"component {i} is {one.dtype}, not {dtype.name}")
            if not compatible(shape, shape_of(one)):
                raise s.error(f"component {i} has shape {list(shape_of(one))}, which is not {shape}")
        return components

    return run


@optional_get_value.shape
def _(s: Site) -> list[Shape]:
    shapes = list(s["output_shapes"])
    return shapes if len(shapes) == len(s["output_types"]) else [None] * len(s["output_types"])


for _op in (optional_from_value, optional_none, optional_has_value):
    _op.shape_rule = scalar


def _optional(s: Site, value: Any) -> Optional:
    if type(value) is Optional:
        return value
    found = value[()] if getattr(value, "shape", None) == () else None
    if type(found) is not Optional:
        raise s.error(f"the input is no optional value, but {value!r}")
    return found
