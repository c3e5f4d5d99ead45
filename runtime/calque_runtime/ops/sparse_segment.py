"""Reductions over rows that are looked up: the sum, mean or scaled sum of the rows that each segment names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, register
from ..shapes import Shape, format_shape
from .common import check_size

__all__: list[str] = []

_IDS = "Tidx: type=int32 in index; Tsegmentids: type=int32 in index"

Scale = Callable[[Array], Array]  # from the number of rows of each segment to what its sum is divided by

_SCALES: dict[str, Scale | None] = {"Sum": None, "Mean": lambda n: n, "SqrtN": np.sqrt}
_WORDS = {
    "Sum": "The sum of the rows",
    "Mean": "The mean of the rows",
    "SqrtN": "The sum of the rows, divided by the square root of their number,",
}


def _check_indices(s: Site, indices: Array, ids: Array, count: int) -> None:
    if ids.ndim != 1 or ids.shape != indices.shape:
        raise s.error(
            f"segment_ids {format_shape(ids.shape)} and indices {format_shape(indices.shape)} must be vectors "
            "of one length"
        )
    wrong = np.flatnonzero((indices < 0) | (indices >= count))
    if wrong.size:
        i = int(wrong[0])
        raise s.error(f"indices[{i}] == {int(indices[i])} out of range [0, {count})")


def _check_ids(s: Site, ids: Array, count: int | None) -> None:
    if (ids[1:] < ids[:-1]).any():
        raise s.error("segment ids are not increasing")
    if ids.size and ids[0] < 0:
        raise s.error("segment ids must be >= 0")
    if ids.size and count is not None and ids[-1] >= count:
        raise s.error(f"segment ids must be < num_segments, but {int(ids[-1])} is not < {count}")


def _divided(total: Array, counts: Array, scale: Scale) -> Array:
    by = scale(np.maximum(counts, 1).astype(total.dtype)).astype(total.dtype)
    return total / by.reshape(-1, *(1,) * (total.ndim - 1))


def _wide(x: Array) -> Array:
    """16-bit floats are added in float32."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x


def _reduction(how: str, numbered: bool) -> Op:
    scale = _SCALES[how]

    def kernel(s: Site) -> Kernel:
        dtype = s["T"]

        def run(data: Array, indices: Array, ids: Array, number: Array | None = None) -> Array:
            if not data.ndim:
                raise s.error("Shape must be at least rank 1")
            _check_indices(s, indices, ids, len(data))
            if number is not None and np.size(number) != 1:
                raise s.error(f"num_segments should be a scalar, not shape {format_shape(np.shape(number))}")
            given = None if number is None else int(number.item())
            _check_ids(s, ids, given)
            count = (int(ids[-1]) + 1 if ids.size else 0) if given is None else given
            check_size(s, (count, *data.shape[1:]), dtype)
            out = np.zeros((count, *data.shape[1:]), _wide(data[:0]).dtype)
            if ids.size:
                starts = np.concatenate(([0], np.flatnonzero(ids[1:] != ids[:-1]) + 1))
                rows = _wide(data[indices])
                sums = np.add.reduceat(rows, starts, axis=0, dtype=rows.dtype)
                out[ids[starts]] = (
                    sums if scale is None else _divided(sums, np.diff(starts, append=len(ids)), scale)
                )
            return out.astype(data.dtype, copy=False)

        return run

    types = "real" if how == "Sum" else "floats"
    more = ", num_segments: Tnumsegments" if numbered else ""
    numbers = "Tnumsegments: type=int32 in index; " if numbered else ""
    one = register(
        Op(
            f"SparseSegment{how}{'WithNumSegments' if numbered else ''}(data: T, indices: Tidx, segment_ids: "
            f"Tsegmentids{more}) -> (output: T) | T: type in {types}; {numbers}{_IDS}; sparse_gradient: bool=false",
            kernel,
            f"{_WORDS[how]} of `data` that `indices` names for each segment id; the ids are sorted.",
        )
    )

    def shape_rule(s: Site) -> list[Shape]:
        known = s.shapes[0]
        if known is None:
            return [None]
        if not known:
            raise s.error("Shape must be at least rank 1")
        value = s.const(3 if numbered else 2)
        count = None
        if value is not None and (numbered or value.ndim == 1):
            count = int(value.item()) if numbered else (int(value[-1]) + 1 if value.size else 0)
        return [(count, *known[1:])]

    one.shape_rule = shape_rule

    def rule(c: Call, g: Any) -> list[Any]:
        from .array import shape
        from .indexing import gather

        data, indices, ids = c.inputs[:3]
        count = gather(shape(data), np.int32(0))
        grads = [_GRADIENTS[how](g, indices, ids, count), None, None]
        return [*grads, None] if numbered else grads

    one.gradient = rule
    return one


def _gradient(how: str) -> Op:
    scale = _SCALES[how]

    def kernel(s: Site) -> Kernel:
        dtype = s["T"]

        def run(g: Array, indices: Array, ids: Array, number: Array) -> Array:
            if not g.ndim or np.size(number) != 1:
                raise s.error("grad must have a first axis, and output_dim0 must be a scalar")
            count = int(number.item())
            shape = check_size(s, (count, *g.shape[1:]), dtype)
            _check_indices(s, indices, ids, count)
            wrong = np.flatnonzero((ids < 0) | (ids >= len(g)))
            if wrong.size:
                raise s.error(f"Segment id {int(ids[wrong[0]])} out of range [0, {len(g)})")
            rows = _wide(g)
            if scale is not None:
                rows = _divided(rows, np.bincount(ids, minlength=len(g)), scale)
            out = np.zeros(shape, rows.dtype)
            np.add.at(out, indices, rows[ids])
            return out.astype(g.dtype, copy=False)

        return run

    one = register(
        Op(
            f"SparseSegment{how}Grad(grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: int32) -> "
            f"(output: T) | T: type in floats; {_IDS}",
            kernel,
            f"The gradient of SparseSegment{how} for its `data`, of `output_dim0` rows.",
        )
    )

    def shape_rule(s: Site) -> list[Shape]:
        known, count = s.shapes[0], s.const(3)
        return [None if known is None else (None if count is None else int(count.item()), *known[1:])]

    one.shape_rule = shape_rule
    return one


_GRADIENTS = {how: _gradient(how) for how in _SCALES}
for _how in _SCALES:
    for _numbered in (False, True):
        _reduction(_how, _numbered)
