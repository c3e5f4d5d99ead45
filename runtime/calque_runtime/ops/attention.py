"""Scaled dot-product attention as one op, which `passes.raise_attention` makes; no file has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Kernel, Site, op
from ..shapes import Shape, broadcast, fixed, is_static

__all__: list[str] = []


def _orders(s: Site) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
    """What brings each input into the order of stacked axes, rows, columns, and the result back from it.

    The equation's letters are those of the docstring of the op.
    """
    left, right = s["equation"].decode().split("->")
    stacked = [x for x in "BN" if x in right]
    query, key, value = left.split(",")
    orders = [
        tuple(letters.index(x) for x in (*stacked, *inner))
        for letters, inner in ((query, "TH"), (key, "SH"), (value, "SV"))
    ]
    whole = [*stacked, "T", "V"]
    return orders, tuple(whole.index(x) for x in right)


@op(
    "_Attention(query: T, key: T, value: T, mask: num_mask*Tmask) -> (output: T) | T: type in float double; "
    "Tmask: type=float in [float, double, bool]; num_mask: int=0 >=0; equation: string; scale: float=1.0; "
    "fill: float=0.0"
)
def attention(s: Site) -> Kernel:
    """softmax(scale * query @ key^T + mask) @ value, for each matrix of a stack.

    The equation says where the axes are, as in ``BTNH,BSNH,BSNV->BTNV``: stacked axes B and N (or N alone, or none),
    rows T of the query, rows S of key and value, their depth H, the width V of values. The mask broadcasts to the
    scores, whose axes are B, N, T, S; where it is of booleans, scores at which it is false are `fill` instead.
    """
    orders, order = _orders(s)
    dtype = s.dtypes[0].np
    scale = s["scale"]
    shapes = s.shapes
    if all(is_static(x) for x in shapes):
        from ..kernels.attention import attention as fast

        missing = 4 - len(order)
        q, k, v = (
            (*(1,) * missing, *(fixed(shape)[i] for i in axes))
            for shape, axes in zip(shapes[:3], orders, strict=True)
        )
        run = fast(q, k, v[-1], dtype, scale, s["fill"], (*range(missing), *(i + missing for i in order)))
        out_shape = fixed(_shape(s)[0])

        def shaped(query: Array, key: Array, value: Array, *mask: Array) -> Any:
            views = [
                x.transpose(axes).reshape(shape)
                for x, axes, shape in zip((query, key, value), orders, (q, k, v), strict=True)
            ]
            return run(*views, *mask).reshape(out_shape)

        shaped.shares = run.shares  # type: ignore[attr-defined]
        return shaped
    factor = np.array(scale, dtype)

    def plain(query: Array, key: Array, value: Array, *mask: Array) -> Any:
        q, k, v = (x.transpose(axes) for x, axes in zip((query, key, value), orders, strict=True))
        scores = np.matmul(q, k.swapaxes(-1, -2)) * factor
        if mask:
            chosen = mask[0].dtype == np.bool_
            scores = np.where(mask[0], scores, dtype.type(s["fill"])) if chosen else scores + mask[0]
        e = np.exp(scores - scores.max(-1, keepdims=True, initial=-np.inf))
        return np.matmul(e / e.sum(-1, keepdims=True), v).transpose(order)

    return plain


@attention.shape
def _shape(s: Site) -> list[Shape]:
    query, key, value = s.shapes[:3]
    orders, order = _orders(s)
    if query is None or key is None or value is None:
        return [None]
    q, k, v = (tuple(x[i] for i in axes) for x, axes in zip((query, key, value), orders, strict=True))
    stacked = broadcast(broadcast(q[:-2], k[:-2]), v[:-2])
    whole = (*(stacked or ()), q[-2], v[-1])
    return [tuple(whole[i] for i in order)]
