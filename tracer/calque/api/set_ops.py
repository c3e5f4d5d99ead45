"""`tf.sets`: the rows of two tensors as sets. The results are sparse tensors, each row's values in order."""

from __future__ import annotations

from typing import Any

from ..composite.sparse_tensor import SparseTensor
from .arguments import tensor
from .raw import raw

__all__ = ["difference", "intersection", "size", "union"]


def _set_operation(a: Any, b: Any, operation: str, validate_indices: bool) -> SparseTensor:
    """`operation` of each row of `a` and that of `b`; what is sparse goes second, but for differences."""
    first, second = (x if isinstance(x, SparseTensor) else tensor(x) for x in (a, b))
    if isinstance(first, SparseTensor) and not isinstance(second, SparseTensor):
        if operation in ("a-b", "b-a"):
            operation = "b-a" if operation == "a-b" else "a-b"
        first, second = second, first
    parts = []
    for one in (first, second):
        parts += [one.indices, one.values, one.dense_shape] if isinstance(one, SparseTensor) else [one]
    kinds = ["Sparse" if isinstance(one, SparseTensor) else "Dense" for one in (first, second)]
    indices, values, shape = raw(f"{kinds[0]}To{kinds[1]}SetOperation")(
        *parts, set_operation=operation.encode(), validate_indices=validate_indices
    )
    return SparseTensor(indices, values, shape)


def intersection(a: Any, b: Any, validate_indices: bool = True) -> Any:
    """What is in both: for each row of two tensors of one shape but for the last axis.

    Args:
        a, b: tensors, or sparse ones.
        validate_indices: is the order of a sparse tensor's entries checked?
    """
    return _set_operation(a, b, "intersection", validate_indices)


def difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> Any:
    """What is in `a` and not in `b` (the other way round unless `aminusb`); see `intersection`."""
    return _set_operation(a, b, "a-b" if aminusb else "b-a", validate_indices)


def union(a: Any, b: Any, validate_indices: bool = True) -> Any:
    """What is in either; see `intersection`."""
    return _set_operation(a, b, "union", validate_indices)


def size(a: Any, validate_indices: bool = True) -> Any:
    """How many different values each row of a sparse tensor holds.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(a, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a}.")
    return raw("SetSize")(a.indices, a.values, a.dense_shape, validate_indices=validate_indices)
