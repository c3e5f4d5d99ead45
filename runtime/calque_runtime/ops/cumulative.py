"""Running sums, products and logarithms of sums of exponentials along one axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..op import Array, Call, Kernel, Op, Site, op
from ..shapes import Shape
from .common import conjugate

__all__: list[str] = []

_FLAGS = "exclusive: bool=false; reverse: bool=false"


def _axis(s: Site, axis: Array, rank: int) -> int:
    if axis.ndim:
        raise s.error(f"ScanOp: axis must be a scalar, not {list(axis.shape)}")
    at = int(axis.item())
    if not -rank <= at < rank:
        raise s.error(f"ScanOp: Expected scan axis in the range [{-rank}, {rank}), but got {at}")
    return at % rank


def _scan(accumulate: Callable[..., Any], neutral: float) -> Callable[[Site], Kernel]:
    """The kernels of a running `accumulate`, whose value over nothing is `neutral`."""

    def bind(s: Site) -> Kernel:
        exclusive, reverse = s["exclusive"], s["reverse"]

        def run(x: Array, axis: Array) -> Any:
            at = _axis(s, axis, x.ndim)
            flip = (slice(None),) * at + (slice(None, None, -1),)
            out = accumulate(x[flip] if reverse else x, axis=at, dtype=x.dtype)
            if exclusive and x.shape[at]:
                shifted = np.empty_like(out)
                shifted[(slice(None),) * at + (slice(1, None),)] = out[
                    (slice(None),) * at + (slice(None, -1),)
                ]
                shifted[(slice(None),) * at + (0,)] = neutral
                out = shifted
            return out[flip] if reverse else out

        return run

    return bind


def _scan_shape(s: Site) -> list[Shape]:
    known, axis = s.shapes[0], s.const(1)
    if known is not None and axis is not None:
        _axis(s, axis, len(known))
    return [known]


cumsum: Op = op(
    f"Cumsum(x: T, axis: Tidx) -> (out: T) | {_FLAGS}; T: type in numeric; Tidx: type=int32 in index"
)(_scan(np.add.accumulate, 0))
cumsum.__doc__ = "The sum of the elements up to each one along `axis`; `exclusive` leaves that one out."
cumprod: Op = op(
    f"Cumprod(x: T, axis: Tidx) -> (out: T) | {_FLAGS}; T: type in numeric; Tidx: type=int32 in index"
)(_scan(np.multiply.accumulate, 1))
cumprod.__doc__ = "The product of the elements up to each one along `axis`; `exclusive` leaves that one out."
cumulative_logsumexp: Op = op(
    f"CumulativeLogsumexp(x: T, axis: Tidx) -> (out: T) | {_FLAGS}; T: type in floats; Tidx: type=int32 in index"
)(_scan(np.logaddexp.accumulate, -np.inf))
cumulative_logsumexp.__doc__ = "log(sum(exp)) of the elements up to each one along `axis`, without overflow."
cumsum.shape_rule = cumprod.shape_rule = cumulative_logsumexp.shape_rule = _scan_shape


@cumsum.grad
def _(c: Call, g: Any) -> list[Any]:
    return [cumsum(g, c.inputs[1], exclusive=c["exclusive"], reverse=not c["reverse"]), None]


@cumprod.grad
def _(c: Call, g: Any) -> list[Any]:
    from .elementwise import div_no_nan

    x, axis = c.inputs
    exclusive, reverse = c["exclusive"], c["reverse"]
    product = cumprod(x, axis, exclusive=exclusive, reverse=reverse)
    return [
        div_no_nan(
            cumsum(conjugate(product) * g, axis, exclusive=exclusive, reverse=not reverse), conjugate(x)
        ),
        None,
    ]


@cumulative_logsumexp.grad
def _(c: Call, g: Any) -> list[Any]:
    # In logarithms, the positive and the negative part on their own: exp(-y) alone may overflow.
    from .array import ones_like, zeros_like
    from .compare import greater, select_v2
    from .functions import exp, log

    (x, axis), y = c.inputs, c.outputs[0]
    flags = {"exclusive": c["exclusive"], "reverse": not c["reverse"]}
    # Stands for the logarithm of 0: finite, so that what is not selected has a derivative.
    dtype = as_dtype(x.dtype)
    lowest = np.array(dtype.min / 4, dtype.np)

    def part(signed: Any) -> Any:
        positive = greater(signed, zeros_like(signed))
        logs = select_v2(positive, log(select_v2(positive, signed, ones_like(signed))) - y, lowest)
        return exp(cumulative_logsumexp(logs, axis, **flags) + x)

    return [part(g) - part(-g), None]
