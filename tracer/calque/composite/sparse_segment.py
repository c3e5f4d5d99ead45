"""Sums of chosen rows, without the chosen rows being gathered first."""

from __future__ import annotations

from typing import Any

from ..api.raw import raw
from ..tensor import convert_to_tensor

__all__ = ["segment_mean", "segment_sqrt_n", "segment_sum"]


def _reduced(how: str, data: Any, indices: Any, segment_ids: Any, num_segments: Any, name: str | None) -> Any:
    rows, which, segments = map(convert_to_tensor, (data, indices, segment_ids))
    if num_segments is None:
        return raw(f"SparseSegment{how}")(rows, which, segments, name=name)
    return raw(f"SparseSegment{how}WithNumSegments")(
        rows, which, segments, convert_to_tensor(num_segments), name=name
    )


def segment_sum(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Any:
    """The sum of ``data[indices]`` for each segment.

    Args:
        data: the rows.
        indices: which of them: a vector.
        segment_ids: the segment of each, in rising order: a vector of the same length.
        num_segments: the number of rows of the result; default: as many as there are segments.
        name: the node's name.
        sparse_gradient: accepted; gradients are dense.
    """
    return _reduced("Sum", data, indices, segment_ids, num_segments, name)


def segment_mean(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Any:
    """The mean of ``data[indices]`` for each segment; arguments as of `segment_sum`."""
    return _reduced("Mean", data, indices, segment_ids, num_segments, name)


def segment_sqrt_n(
    data: Any,
    indices: Any,
    segment_ids: Any,
    num_segments: Any = None,
    name: str | None = None,
    sparse_gradient: bool = False,
) -> Any:
    """The sum of ``data[indices]`` for each segment, divided by the square root of their number."""
    return _reduced("SqrtN", data, indices, segment_ids, num_segments, name)
