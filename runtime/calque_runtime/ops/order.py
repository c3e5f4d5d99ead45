"""The largest elements of rows, and where they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..op import Array, Call, Kernel, Site, op
from ..shapes import Shape

__all__: list[str] = []


def _descending(x: Array) -> Array:
    """The order of the last axis from the largest element down, of equal ones the first first."""
    if x.dtype.kind not in "iufb" or x.dtype.itemsize == 2:
        x = x.astype(np.float32)
    last = x.shape[-1] - 1
    return last - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]


def _largest(s: Site, x: Array, k: int, index_type: Any) -> tuple[Array, Array]:
    _check_k(s, k, x.shape)
    if k == 1:
        indices = np.expand_dims(np.argmax(x, axis=-1), -1)
    else:
        indices = _descending(x)[..., :k]
    return np.take_along_axis(x, indices, -1), indices.astype(index_type)


def _check_k(s: Site, k: int | None, known: Shape) -> None:
    if k is not None and k < 0:
        raise s.error(f"Need k >= 0, got {k}")
    if known is None:
        return
    if not known:
        raise s.error("input must be >= 1-D, got shape []")
    if k is not None and known[-1] is not None and known[-1] < k:
        raise s.error(f"input must have at least k columns. Had {known[-1]}, needed {k}")


def _top_shape(s: Site, k: int | None) -> list[Shape]:
    known = s.shapes[0]
    _check_k(s, k, known)
    shape = None if known is None else (*known[:-1], k)
    return [shape, shape]


@op(
    "TopKV2(input: T, k: Tk) -> (values: T, indices: index_type) | sorted: bool=true; T: type in real; "
    "Tk: type=int32 in [int16, int32, int64]; index_type: type=int32 in [int16, int32, int64]"
)
def top_k_v2(s: Site) -> Kernel:
    """The k largest elements of each row and their places, from the largest down, of equal ones the first first."""
    index_type = s["index_type"].np

    def run(x: Array, k: Array) -> tuple[Array, Array]:
        if k.size != 1:
            raise s.error(f"k must be scalar, got shape {list(k.shape)}")
        return _largest(s, x, int(k.item()), index_type)

    return run


@top_k_v2.shape
def _(s: Site) -> list[Shape]:
    k = s.const(1)
    return _top_shape(s, None if k is None else int(k.item()))


def _top_grad(c: Call, g: Any, _: Any = None) -> list[Any]:
    """The gradient of each element goes back to the place it came from."""
    from .array import expand_dims, reshape, shape, size
    from .cast import cast
    from .scatter import scatter_nd
    from .sized import range_

    x, indices = c.inputs[0], cast(c.outputs[1], DstT="int32")
    columns, kept = shape(x)[-1], shape(indices)[-1]
    # Places in the flattened x: the row's first place, plus the column.
    rows = expand_dims(range_(np.int32(0), size(x), columns), -1)
    places = reshape(reshape(indices, _vector(-1, kept)) + rows, np.array([-1, 1], np.int32))
    flat = scatter_nd(places, reshape(g, np.array([-1], np.int32)), reshape(size(x), np.array([1], np.int32)))
    return [reshape(flat, shape(x))] + [None] * (len(c.inputs) - 1)


def _vector(*numbers: Any) -> Any:
    from .join import pack

    return pack([np.int32(n) if isinstance(n, int) else n for n in numbers])


top_k_v2.gradient = _top_grad


# --- in the top k


def _in_top_k(s: Site, predictions: Array, targets: Array, k: int) -> Array:
    if predictions.ndim != 2:
        raise s.error("predictions must be 2-dimensional")
    if targets.shape != predictions.shape[:1]:
        raise s.error(
            f"First dimension of predictions {len(predictions)} must match length of targets {targets.shape}"
        )
    rows, classes = predictions.shape
    inside = (targets >= 0) & (targets < classes)
    if not classes:
        return np.zeros(rows, bool)
    wanted = predictions[np.arange(rows), np.where(inside, targets, 0)]
    above = np.add.reduce(predictions > wanted[:, None], axis=1)
    return inside & np.isfinite(wanted) & np.isfinite(predictions).all(axis=1) & (above < k)


def _in_top_k_shape(s: Site) -> list[Shape]:
    predictions, targets = s.shapes[:2]
    if predictions is not None and len(predictions) != 2:
        raise s.error("predictions must be 2-dimensional")
    return [targets if targets is not None else None if predictions is None else predictions[:1]]


@op("InTopKV2(predictions: float, targets: T, k: T) -> (precision: bool) | T: type=int32 in index")
def in_top_k_v2(s: Site) -> Kernel:
    """Is the target class of each row among the k with the highest predictions?"""
    return lambda predictions, targets, k: _in_top_k(s, predictions, targets, int(k.item()))


@op("InTopK(predictions: float, targets: T) -> (precision: bool) | k: int; T: type=int32 in index")
def in_top_k(s: Site) -> Kernel:
    """`InTopKV2` with k as an attribute."""
    return lambda predictions, targets: _in_top_k(s, predictions, targets, s["k"])


in_top_k.shape_rule = in_top_k_v2.shape_rule = _in_top_k_shape
in_top_k.not_differentiable()
in_top_k_v2.not_differentiable()


# --- the n-th


@op("NthElement(input: T, n: int32) -> (values: T) | reverse: bool=false; T: type in real")
def nth_element(s: Site) -> Kernel:
    """The element of each row that would be at place n if it were sorted; `reverse`: from the largest down."""
    reverse = s["reverse"]

    def run(x: Array, n: Array) -> Any:
        if not x.ndim:
            raise s.error("Input must be at least rank 1 but is rank 0")
        at = int(n.item())
        if not 0 <= at < x.shape[-1]:
            raise s.error(
                f"Input must have last dimension > n = {at}"
                if at >= 0
                else f"n must be non-negative, got {at}"
            )
        return np.sort(x, axis=-1)[..., x.shape[-1] - 1 - at if reverse else at]

    return run


@nth_element.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is not None and not known:
        raise s.error("Input must be at least rank 1 but is rank 0")
    return [None if known is None else known[:-1]]


@nth_element.grad
def _(c: Call, g: Any) -> list[Any]:
    """Elements that equal the chosen one share the gradient."""
    from .array import expand_dims
    from .cast import cast
    from .compare import equal
    from .reduce import sum_

    chosen = cast(equal(expand_dims(c.outputs[0], -1), c.inputs[0]), DstT=as_dtype(g.dtype))
    return [chosen / sum_(chosen, np.int32(-1), keep_dims=True) * expand_dims(g, -1), None]
