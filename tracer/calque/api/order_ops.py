"""Order: sorting, ranking, histograms."""

from __future__ import annotations

from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype
from calque_runtime.errors import InvalidArgumentError

from ..tensor import Tensor
from .arguments import like, static_rank, tensor
from .math_ops import cast, floor, greater, greater_equal, maximum, minimum
from .raw import raw
from .reduce_ops import reduce_all, top_k

__all__ = [
    "argsort",
    "histogram_fixed_width",
    "histogram_fixed_width_bins",
    "is_non_decreasing",
    "is_strictly_increasing",
    "sort",
]


def _last(x: Tensor, axis: int) -> list[int] | None:
    """The permutation that brings `axis` to the end (it is its own inverse), None where it is there already."""
    if axis == -1:
        return None
    rank = static_rank(x)
    if rank is None:
        raise ValueError("sorting along another axis than the last needs a tensor of known rank.")
    if not -rank <= axis < rank:
        raise InvalidArgumentError(None, None, f"Axis {axis} is out of range for a tensor of rank {rank}.")
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    return None if axis % rank == rank - 1 else order


def _ranked(values: Any, axis: int, direction: str) -> tuple[Any, Any, list[int] | None]:
    """Values and places in the order asked for, along the last axis; and how to put that axis back."""
    from .array_ops import shape, transpose

    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            f"Argument `direction` should be one of 'ASCENDING' or 'DESCENDING', got {direction!r}."
        )
    x = tensor(values)
    if static_rank(x) == 0:
        raise InvalidArgumentError(None, None, "a scalar cannot be sorted")
    order = _last(x, axis)
    if order is not None:
        x = transpose(x, order)
    count = shape(x)[-1]
    if direction == "DESCENDING":
        found, at = top_k(x, count)
    else:
        # The largest of the reversed order is the smallest; ties keep the order of the input either way.
        unsigned = x.dtype.is_integer and x.dtype.min == 0
        turned = x.dtype.max - x if unsigned else -1 - x if x.dtype.is_integer else -x
        _, at = top_k(turned, count)
        found = raw("GatherV2")(x, at, tensor(-1), batch_dims=(static_rank(x) or 1) - 1)
    return found, at, order


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """The elements along `axis` in order."""
    from .array_ops import identity, transpose

    found, _, order = _ranked(values, axis, direction)
    return identity(found, name) if order is None else transpose(found, order, name=name)


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Any:
    """The places of the elements along `axis`, in the order in which `sort` puts them; equal ones stay in order."""
    from .array_ops import identity, transpose

    _, at, order = _ranked(values, axis, direction)
    return identity(at, name) if order is None else transpose(at, order, name=name)


def _steps(x: Any) -> tuple[Tensor, Tensor]:
    from .array_ops import reshape

    flat = reshape(tensor(x), [-1])
    return flat[1:], flat[:-1]


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Is no element (row after row) smaller than the one before?"""
    after, before = _steps(x)
    return reduce_all(greater_equal(after, before), name=name)


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Is each element (row after row) larger than the one before?"""
    after, before = _steps(x)
    return reduce_all(greater(after, before), name=name)


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """For each value the number of its bin, of `nbins` equal ones in `value_range`; those outside: first and last."""
    x = tensor(values)
    ends = like(value_range, x.dtype)
    count = tensor(nbins, dtypes.int32)
    share = cast(x - ends[0], dtypes.float64) / cast(ends[1] - ends[0], dtypes.float64)
    at = cast(floor(cast(count, dtypes.float64) * share), dtypes.int32)
    return cast(minimum(maximum(at, 0), count - 1), as_dtype(dtype), name)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """How many values fall into each of `nbins` equal bins in `value_range` (see `histogram_fixed_width_bins`)."""
    from .array_ops import ones_like, reshape
    from .reduce_ops import unsorted_segment_sum

    bins = reshape(histogram_fixed_width_bins(values, value_range, nbins), [-1])
    return unsorted_segment_sum(ones_like(bins, dtype), bins, nbins, name=name)
