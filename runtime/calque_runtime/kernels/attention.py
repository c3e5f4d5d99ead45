"""Scaled dot-product attention, a few heads or some rows of one head at a time.

The scores of a piece stay in the cache from the first product to the second; they are never all there. What they are
divided by, the sums of their rows, divides the result instead, which is smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import blas
from .crew import processors, share
from .memory import empty
from .pieces import scratch
from .softmax import exponentials, shifted_exponentials

__all__ = ["attention"]

_PIECE = 1 << 17  # scores of a piece: half a MiB of float32
_SHARED = 1 << 16  # scores from which on threads share the work

Piece = tuple[slice, slice, slice]  # of the two stacked axes, and of the rows of the scores


def attention(
    query: Sequence[int],
    key: Sequence[int],
    width: int,
    dtype: Any,
    scale: float,
    fill: float,
    order: Sequence[int],
) -> Callable[..., Any]:
    """What computes softmax(scale * query @ key^T + mask) @ value for stacks of matrices.

    It takes query, key, value as stacks in the same two axes, in any layout of memory, and perhaps a mask that
    broadcasts to the scores: numbers to add, or booleans, which are false where a score is `fill` instead.

    Args:
        query: the shape of the query, (stack, stack, rows, depth).
        key: that of the key, (stack, stack, columns, depth).
        width: of the value (stack, stack, columns, width).
        dtype: of all of them.
        scale: the scores' factor.
        fill: what scores are that a mask of booleans leaves out.
        order: for each axis of the result in memory, which of the axes (stack, stack, rows, width) it is.
    """
    outer, inner, rows, _ = query
    columns = key[2]
    scores = outer * inner * rows * columns
    shared = scores >= _SHARED and processors() > 1 and blas.controllable()
    pieces = _pieces(outer, inner, rows, columns, processors() if shared else 1)
    sizes = outer, inner, rows, width
    shape, back = [sizes[i] for i in order], np.argsort(order)
    factor = None if scale == 1 else np.array(scale, dtype)
    ones, instead = np.ones(columns, dtype), np.array(fill, dtype)

    def run(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
        if not scores:
            return np.zeros(shape, dtype)
        made = empty(shape, dtype)
        out = made.transpose(back)
        turned = k.swapaxes(-1, -2)
        filled = mask is not None and mask.dtype == np.bool_
        if mask is not None:
            mask = np.broadcast_to(~mask if filled else mask, (outer, inner, rows, columns))

        def piece(i: int) -> None:
            part = pieces[i]
            left = q[part]
            stack = left.shape[:-1]
            count = math.prod(stack)
            if factor is not None:
                left = np.multiply(left, factor, out=scratch("query", left.shape, dtype))
            s = scratch("scores", (*stack, columns), dtype)
            flat = s.reshape(count, columns)

            def write_scores() -> None:
                np.matmul(left, turned[part[:2]], out=s)
                if filled:
                    np.copyto(s, instead, where=mask[part])
                elif mask is not None:
                    np.add(s, mask[part], out=s)

            write_scores()
            sums = exponentials(flat, flat, ones)
            if sums is None:
                write_scores()
                sums = shifted_exponentials(flat, flat, ones)
            result = np.matmul(s, v[part[:2]], out=out[part])
            np.multiply(result, np.reciprocal(sums).reshape(*stack, 1), out=result)

        if shared:
            blas.own_threads()
            try:
                share(piece, len(pieces))
            finally:
                blas.restore_threads()
        else:
            for i in range(len(pieces)):
                piece(i)
        return made

    run.shares = shared  # type: ignore[attr-defined]
    return run


def _pieces(outer: int, inner: int, rows: int, columns: int, workers: int) -> list[Piece]:
    """The pieces, evenly among workers. One axis is cut: the first of which one element is small enough for a piece."""
    whole = slice(None)
    if inner * rows * columns <= _PIECE and outer >= workers:
        return [
            (cut, whole, whole) for cut in _cuts(outer, _PIECE // max(1, inner * rows * columns), workers)
        ]
    if rows * columns <= _PIECE and outer * inner >= workers:
        cuts = _cuts(inner, _PIECE // max(1, rows * columns), workers if outer % workers else 1)
        return [(slice(i, i + 1), cut, whole) for i in range(outer) for cut in cuts]
    cuts = _cuts(rows, _PIECE // max(1, columns), workers if outer * inner % workers else 1)
    return [
        (slice(i, i + 1), slice(j, j + 1), cut) for i in range(outer) for j in range(inner) for cut in cuts
    ]


def _cuts(length: int, most: int, workers: int) -> list[slice]:
    """Slices of at most `most`, a multiple of `workers` of them where there is enough."""
    if not length:
        return []
    number = -(-length // max(1, most))
    number = min(length, -(-number // workers) * workers)
    step = -(-length // number)
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]
