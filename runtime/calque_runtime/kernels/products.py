"""Products of matrices that share their work among our threads, and those with an epilogue.

A plan in which a kernel shares its work keeps BLAS to one thread all the way (`plan.codegen`): its large products are
then shared here. In other plans BLAS's own threads do that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import blas
from .crew import processors, share
from .epilogue import Epilogue
from .memory import empty
from .pieces import scratch

__all__ = ["LARGE", "multiply", "product", "row_product"]

LARGE = 1 << 21  # multiplications from which on threads share the work
_EPILOGUE = 1 << 16  # elements of the result from which on sharing the epilogue pays as well
_LONG = 4  # passes of an epilogue over the result from which on it should find it in the cache
_SHORT = (
    1 << 6
)  # columns of the first factor for each such pass from which on BLAS may as well share the product
_PIECE = 1 << 18  # elements of the result in such a piece
_ALIGNED = 16  # rows or columns that BLAS computes together: no piece ends within them


def multiply(a: Any, b: Any) -> Any:
    """``np.matmul`` of float matrices or stacks of them, by all threads where BLAS leaves them to us."""
    if not blas.owned():
        return np.matmul(a, b)
    if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous:
        return multiply(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[-1])
    pieces = processors()
    at = _axis(a, b)
    if at is None and (a.ndim, b.ndim) != (2, 2):
        return np.matmul(a, b)
    if at is None and b.shape[1] > a.shape[0]:  # by columns
        out = empty((a.shape[0], b.shape[1]), a.dtype)
        step = -(-b.shape[1] // pieces)

        def columns(i: int) -> None:
            part = slice(i * step, (i + 1) * step)
            np.matmul(a, b[:, part], out=out[:, part])

        share(columns, pieces)
        return out
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = empty((*batch, a.shape[-2], b.shape[-1]), a.dtype)
    axis = 0 if at is None else at
    step = -(-out.shape[axis] // pieces)

    def piece(i: int) -> None:
        part = (slice(None),) * axis + (slice(i * step, (i + 1) * step),)
        np.matmul(a[part], b if at is None else b[part], out=out[part])

    share(piece, pieces)
    return out


def _axis(a: Any, b: Any) -> int | None:
    """The first axis of two stacks of the same shape along which there are pieces for all threads."""
    if a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2]:
        return None
    return next((i for i, n in enumerate(a.shape[:-2]) if n >= processors()), None)


def product(
    rows: int, inner: int, columns: int, dtype: Any, epilogue: Epilogue, transpose_a: bool, transpose_b: bool
) -> Callable[..., Any]:
    """What multiplies matrices of these sizes and carries out the epilogue."""
    work = rows * inner * columns
    shared = (
        work >= LARGE
        and epilogue.cost
        and rows * columns >= _EPILOGUE
        and processors() > 1
        and blas.controllable()
    )
    short = epilogue.cost * _SHORT <= inner
    pieces, by_rows, step = _cut(rows, columns, epilogue.cost)
    apart = epilogue.cost > _LONG  # many passes over columns are faster where these lie together

    def run(a: Any, b: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        a = a.T if transpose_a else a
        b = b.T if transpose_b else b
        out = empty((rows, columns), dtype)
        if not shared or (short and not blas.owned()):
            np.matmul(a, b, out=out)
            epilogue.apply(out, bias, addend)
            return out

        def piece(i: int) -> None:
            part = slice(i * step, (i + 1) * step)
            if by_rows:
                result = out[part]
                np.matmul(a[part], b, out=result)
                epilogue.apply(result, bias, None if addend is None else addend[part])
            else:
                right, target = b[:, part], out[:, part]
                result = scratch("columns", target.shape, dtype) if apart else target
                np.matmul(a, right, out=result)
                epilogue.apply(
                    result,
                    None if bias is None else bias[part],
                    None if addend is None else addend[:, part],
                )
                if apart:
                    target[...] = result

        blas.own_threads()
        try:
            share(piece, pieces)
        finally:
            blas.restore_threads()
        return out

    run.shares = bool(shared and not short)  # type: ignore[attr-defined]
    return run


def row_product(columns: int) -> Callable[[Any, Any], Any]:
    """The kernel of ``_RowProduct``; see there."""

    def run(x: Any, w: Any) -> Any:
        if blas.owned():
            return np.dot(x, w[:, :columns])
        return np.dot(x, w)[:, :columns]

    return run


def _cut(rows: int, columns: int, cost: int) -> tuple[int, bool, int]:
    """(number of pieces, are they rows, rows or columns of a piece) of a product with an epilogue of that cost.

    BLAS copies the whole factor that is not cut for each piece, so the larger one is cut. Where the epilogue is long, a
    piece of the result and what the epilogue writes beside it should fit the cache.
    """
    pieces = processors()
    by_rows = rows > columns
    if cost > _LONG:
        pieces *= max(1, -(-rows * columns // (pieces * _PIECE)))
    length = rows if by_rows else columns
    step = -(-length // pieces)
    step = max(1, min(length, -(-step // _ALIGNED) * _ALIGNED))
    return -(-length // step), by_rows, step
