"""Lists and indexing, under `Feature.LISTS`: lists kept in the graph, Python's own, and `TensorArray`s.

An empty list literal makes a list in the graph; one with elements is Python's. Lists in the graph never change: what
changes them gives a new one, which the converted code assigns to the same symbol.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...api.array_ops import shape
from ...api.indexing_ops import tensor_scatter_nd_update
from ...api.raw import raw
from ...control_flow import cond as tf_cond
from ...tensor import convert_to_tensor
from .kinds import is_dense, is_tensor_list

__all__ = [
    "GetItemOpts",
    "ListPopOpts",
    "ListStackOpts",
    "get_item",
    "list_append",
    "list_pop",
    "list_stack",
    "new_list",
    "set_item",
    "update_item_with_op",
]

_ANY_SHAPE = -1  # how the list ops spell it


class ListPopOpts(NamedTuple):
    """What is known of the elements of a list that `list_pop` takes from."""

    element_dtype: Any
    element_shape: Any


class ListStackOpts(NamedTuple):
    """What is known of the elements of a list that `list_stack` stacks, and what to call for other lists."""

    element_dtype: Any
    original_call: Callable[[Any], Any]


class GetItemOpts(NamedTuple):
    """What is known of the elements of what `get_item` reads."""

    element_dtype: Any


def _is_array(value: Any) -> bool:
    from ...tensor_array import TensorArray

    return isinstance(value, TensorArray)


def new_list(iterable: Iterable[Any] | None = None) -> Any:
    """``[*iterable]``."""
    elements = list(iterable or ())
    return elements or raw("EmptyTensorList")(_ANY_SHAPE, -1, element_dtype="variant")


def list_append(list_: Any, x: Any) -> Any:
    """``list_.append(x)``; returns the list.

    Raises:
        ValueError: `list_` is a tensor, but no list.
    """
    if _is_array(list_):
        return list_.write(list_.size(), x)
    if not is_dense(list_):
        list_.append(x)
        return list_
    _check_list(list_)
    x = convert_to_tensor(x)
    # An empty list does not know its elements' type yet.
    typed = tf_cond(
        raw("TensorListLength")(list_) > 0,
        lambda: list_,
        lambda: raw("EmptyTensorList")(shape(x), -1, element_dtype=x.dtype),
    )
    return raw("TensorListPushBack")(typed, x)


def list_pop(list_: Any, i: Any, opts: ListPopOpts) -> tuple[Any, Any]:
    """``list_.pop(i)``, or ``list_.pop()`` if `i` is None; returns the list and the element.

    Raises:
        ValueError: the list cannot be popped from, or the type of its elements is not known.
        NotImplementedError: `i` is given, for a list in the graph.
    """
    if _is_array(list_):
        raise ValueError("TensorArray does not support item removal")
    if not is_dense(list_):
        return list_, list_.pop() if i is None else list_.pop(i)
    _check_list(list_)
    if i is not None:
        raise NotImplementedError("tensor lists only support removing from the end")
    for known, what in ((opts.element_dtype, "type"), (opts.element_shape, "shape")):
        if known is None:
            raise ValueError(f"cannot pop from a list without knowing its element {what}")
    rest, element = raw("TensorListPopBack")(list_, _ANY_SHAPE, element_dtype=opts.element_dtype)
    element.set_shape(opts.element_shape)
    return rest, element


def list_stack(list_: Any, opts: ListStackOpts) -> Any:
    """A list's elements as one tensor; for what is no list of tensors, what ``opts.original_call`` gives.

    Raises:
        ValueError: the type of the elements is not known.
    """
    if _is_array(list_):
        return list_.stack()
    if is_tensor_list(list_):
        if opts.element_dtype is None:
            raise ValueError("cannot stack a list without knowing its element type")
        return raw("TensorListStack")(list_, _ANY_SHAPE, element_dtype=opts.element_dtype)
    return opts.original_call(list_)


def get_item(target: Any, i: Any, opts: GetItemOpts) -> Any:
    """``target[i]``; of a string tensor, the character there.

    Raises:
        ValueError: the type of the elements is not known.
    """
    if _is_array(target):
        return target.read(i)
    if is_tensor_list(target):
        if opts.element_dtype is None:
            raise ValueError("cannot retrieve from a list without knowing its element type")
        return raw("TensorListGetItem")(target, i, _ANY_SHAPE, element_dtype=opts.element_dtype)
    if is_dense(target) and target.dtype == "string" and target.shape.rank == 0:
        return raw("Substr")(target, i, 1)
    return target[i]


def set_item(target: Any, i: Any, x: Any) -> Any:
    """``target[i] = x``; returns the changed target."""
    if _is_array(target):
        return target.write(i, x)
    if is_tensor_list(target):
        return raw("TensorListSetItem")(target, i, convert_to_tensor(x))
    if is_dense(target):
        return tensor_scatter_nd_update(target, [[i]], [x])
    target[i] = x
    return target


_UPDATES: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.iadd,
    "div": operator.itruediv,
    "mult": operator.imul,
    "pow": operator.ipow,
    "sub": operator.isub,
}


def update_item_with_op(target: Any, i: Any, x: Any, op: str) -> Any:
    """``target[i] += x`` and its like; returns the changed target.

    Args:
        op: "add", "div", "mult", "pow" or "sub".
    """
    return set_item(target, i, _UPDATES[op](get_item(target, i, GetItemOpts(None)), x))


def _check_list(list_: Any) -> None:
    if not is_tensor_list(list_):
        raise ValueError(
            f"tensor lists are expected to be Tensors with dtype=tf.variant, instead found {list_}"
        )
