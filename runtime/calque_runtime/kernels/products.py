"""Products of two matrices with an epilogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import blas
from .crew import processors, share
from .epilogue import Epilogue

__all__ = ["product"]

_SHARED = 1 << 22  # multiplications from which on threads share the work
_EPILOGUE = 1 << 16  # elements of the result from which on sharing the epilogue pays as well


def product(
    rows: int, inner: int, columns: int, dtype: Any, epilogue: Epilogue, transpose_a: bool, transpose_b: bool
) -> Callable[..., Any]:
    """What multiplies matrices of these sizes and carries out the epilogue."""
    work = rows * inner * columns
    shared = (
        work >= _SHARED
        and epilogue.cost
        and rows * columns >= _EPILOGUE
        and processors() > 1
        and blas.controllable()
    )
    pieces = processors()

    def run(a: Any, b: Any, *args: Any) -> Any:
        bias, addend = epilogue.split(args)
        a = a.T if transpose_a else a
        b = b.T if transpose_b else b
        if not shared:
            result = np.matmul(a, b)
            epilogue.apply(result, bias, addend)
            return result
        out = np.empty((rows, columns), dtype)
        by_rows = rows >= 16 * pieces
        length = rows if by_rows else columns
        step = -(-length // pieces)

        def piece(i: int) -> None:
            part = slice(i * step, (i + 1) * step)
            if by_rows:
                result = out[part]
                np.matmul(a[part], b, out=result)
                epilogue.apply(result, bias, None if addend is None else addend[part])
            else:
                result = np.matmul(a, b[:, part])
                epilogue.apply(
                    result,
                    None if bias is None else bias[part],
                    None if addend is None else addend[:, part],
                )
                out[:, part] = result

        blas.own_threads()
        try:
            share(piece, pieces)
        finally:
            blas.restore_threads()
        return out

    return run
