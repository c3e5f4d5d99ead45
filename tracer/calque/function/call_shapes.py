"""The static shapes of a call's results, from what is known of its arguments at that place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calque_runtime.clone import clone_function
from calque_runtime.constants import constant_value
from calque_runtime.errors import OpError
from calque_runtime.infer import infer_shapes
from calque_runtime.ir import Function, Value
from calque_runtime.shapes import Shape, compatible, merge

__all__ = ["result_shapes"]

_MOST_NODES = 2000  # larger functions keep the shapes that they were traced with
_KNOWN_CONSTANT = 1 << 10  # elements: larger constants say nothing about shapes


def result_shapes(function: Function, arguments: Sequence[Value]) -> list[Shape]:
    """The shapes of what `function` gives for these arguments.

    Where they are known more exactly than the function was traced for, its shape rules are asked again.

    Args:
        function: the function that is called.
        arguments: what it is called with, captures included.
    """
    own = [value.shape for value in function.outputs]
    if all(shape is not None and None not in shape for shape in own) or len(function.nodes) > _MOST_NODES:
        return own
    copy, more = clone_function(function, function.name), False
    for inner, outer in zip(copy.inputs, arguments, strict=True):
        if compatible(inner.shape, outer.shape):
            found = merge(inner.shape, outer.shape)
            more, inner.shape = more or found != inner.shape, found
        if (
            inner.known is None
            and inner.shape is not None
            and len(inner.shape) < 2
            and inner.dtype.is_integer
        ):
            value = constant_value(outer)
            if value is not None and np.size(value) <= _KNOWN_CONSTANT:
                more, inner.known = True, value
    if not more:
        return own
    try:
        infer_shapes(copy)
    except OpError:
        return own
    return [
        merge(mine, value.shape) if compatible(mine, value.shape) else mine
        for mine, value in zip(own, copy.outputs, strict=True)
    ]
