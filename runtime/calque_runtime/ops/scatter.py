"""Writing slices to places that a graph computes: scattering, stitching, partitioning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, op, register
from ..shapes import Dim, Shape, compatible, concat, format_shape, merge
from .array import reshape, shape, size, zeros_like
from .cast import cast
from .common import check_size, no_nones
from .compare import equal
from .places import places
from .sized import range_

__all__: list[str] = []


def _check_updates(indices: Shape, updates: Shape, target: Shape) -> None:
    """Do the shapes of indices and updates fit a tensor of shape `target`?

    Raises:
        InvalidArgumentError: they do not; names all three.
    """
    if indices is None or updates is None or target is None:
        return
    if updates == ():
        raise InvalidArgumentError(None, None, "Updates shape must have rank at least one. Found:[]")
    depth = indices[-1] if indices else 0
    if depth is None:
        return
    if not indices or depth > len(target) or not compatible(updates, (*indices[:-1], *target[depth:])):
        raise InvalidArgumentError(
            None,
            None,
            f"updates of shape {format_shape(updates)} do not fit indices of shape {format_shape(indices)} into a "
            f"tensor of shape {format_shape(target)}: the first axes must be those of indices but the last, the "
            "others those of the tensor that are not indexed",
        )


def _concatenate_at(out: Array, place: Any, updates: Array) -> None:
    """Strings are added by putting one behind the other."""
    flat = np.ravel_multi_index(place, out.shape[: len(place)]).ravel()
    rows, values = out.reshape(int(np.prod(out.shape[: len(place)])), -1), updates.reshape(len(flat), -1)
    for i, row in enumerate(flat):
        rows[i if not len(place) else row] += values[i]


def _scatter(
    out: Array, indices: Array, updates: Array, combine: Callable[..., Any] | None, ignore: bool
) -> Array:
    """Combine `updates` with what `out` (changed, and returned) holds at `indices`; None: put them there in order."""
    _check_updates(indices.shape, updates.shape, out.shape)
    place, bad = places(indices, out.shape, f"shape {format_shape(out.shape)}", ignore)
    if bad is not None:
        place, updates = tuple(p[~bad] for p in place), updates[~bad]
    if combine is None:
        if indices.shape[-1] == 0:
            for one in updates.reshape(-1, *out.shape):
                out[...] = one
        else:
            out[place] = updates
    elif indices.shape[-1] == 0:
        for one in updates.reshape(-1, *out.shape):
            out[...] = combine(out, one)
    elif combine is np.add and out.dtype == object:
        _concatenate_at(out, place, updates)
    else:
        combine.at(out, place, updates)  # type: ignore[attr-defined]
    return out


@op(
    "ScatterNd(indices: Tindices, updates: T, shape: Tindices) -> (output: T) | T: type; "
    "Tindices: type in [int16, int32, int64]; bad_indices_policy: string=''"
)
def scatter_nd(s: Site) -> Kernel:
    """Zeros of shape `shape` to which each slice of `updates` is added at its place in `indices`."""
    dtype, ignore = s.dtypes[1], s["bad_indices_policy"] == b"IGNORE"
    zero = b"" if dtype.kind == "s" else 0

    def run(indices: Array, updates: Array, sizes: Array) -> Array:
        out = np.full(check_size(s, sizes.tolist(), dtype), zero, dtype.np)
        return _scatter(out, indices, updates, np.add, ignore)

    return run


@scatter_nd.shape
def _(s: Site) -> list[Shape]:
    target = s.const_shape(2)
    _check_updates(s.shapes[0], s.shapes[1], target)
    return [target]


def _gathered(c: Call, g: Any, indices: Any) -> Any:
    """What GatherNd reads from `g` where the call scatters to."""
    from .indexing import gather_nd

    if c["Tindices"].name == "uint16":
        indices = cast(indices, DstT="int32")
    return gather_nd(g, indices, bad_indices_policy=c["bad_indices_policy"])


@scatter_nd.grad
def _(c: Call, g: Any) -> list[Any]:
    return [None, _gathered(c, g, c.inputs[0]), None]


def _tensor_scatter(
    name: str, doc: str, combine: Callable[..., Any] | None, index_types: str = "index"
) -> Op:
    def kernel(s: Site) -> Kernel:
        ignore = s["bad_indices_policy"] == b"IGNORE"
        return lambda x, indices, updates: _scatter(np.array(x), indices, updates, combine, ignore)

    one = register(
        Op(
            f"{name}(tensor: T, indices: Tindices, updates: T) -> (output: T) | T: type; "
            f"Tindices: type in {index_types}; bad_indices_policy: string=''",
            kernel,
            doc,
        )
    )

    def shape_rule(s: Site) -> list[Shape]:
        _check_updates(s.shapes[1], s.shapes[2], s.shapes[0])
        return [s.shapes[0]]

    one.shape_rule = shape_rule
    return one


tensor_scatter_update: Op = _tensor_scatter(
    "TensorScatterUpdate",
    "The tensor with the slices of `updates` at their places in `indices`; of several for one place, the last.",
    None,
    "[int16, int32, int64, uint16]",
)
tensor_scatter_add: Op = _tensor_scatter(
    "TensorScatterAdd", "The tensor with each slice of `updates` added at its place in `indices`.", np.add
)
tensor_scatter_sub: Op = _tensor_scatter(
    "TensorScatterSub",
    "The tensor with each slice of `updates` subtracted at its place in `indices`.",
    np.subtract,
)
# fmax and fmin: a NaN among the updates changes nothing, as in TensorFlow.
tensor_scatter_max: Op = _tensor_scatter(
    "TensorScatterMax",
    "The larger of the tensor and each slice of `updates` at its place in `indices`.",
    np.fmax,
)
tensor_scatter_min: Op = _tensor_scatter(
    "TensorScatterMin",
    "The smaller of the tensor and each slice of `updates` at its place in `indices`.",
    np.fmin,
)


@tensor_scatter_update.grad
def _(c: Call, g: Any) -> list[Any]:
    _, indices, updates = c.inputs
    kept = tensor_scatter_update(g, indices, zeros_like(updates), bad_indices_policy=c["bad_indices_policy"])
    return [kept, None, _gathered(c, g, indices)]


@tensor_scatter_add.grad
def _(c: Call, g: Any) -> list[Any]:
    return [g, None, _gathered(c, g, c.inputs[1])]


@tensor_scatter_sub.grad
def _(c: Call, g: Any) -> list[Any]:
    return [g, None, -_gathered(c, g, c.inputs[1])]


def _extreme_gradient(c: Call, g: Any) -> list[Any]:
    """Where several elements share the extreme, they share the gradient evenly."""
    x, indices, updates = c.inputs
    y = c.outputs[0]
    from_x = cast(equal(x, y), DstT=c["T"])
    from_updates = cast(equal(_gathered(c, y, indices), updates), DstT=c["T"])
    count = tensor_scatter_add(from_x, indices, from_updates, bad_indices_policy=c["bad_indices_policy"])
    share = g / count
    return [share * from_x, None, _gathered(c, share, indices) * from_updates]


tensor_scatter_max.gradient = _extreme_gradient
tensor_scatter_min.gradient = _extreme_gradient


@op(
    "ScatterNdNonAliasingAdd(input: T, indices: Tindices, updates: T) -> (output: T) | T: type in [numeric, qint8, "
    "quint8, qint32, qint16, quint16, bool]; Tindices: type in index; bad_indices_policy: string=''"
)
def scatter_nd_non_aliasing_add(s: Site) -> Kernel:
    """The input with each slice of `updates` added at its place in `indices`."""
    ignore = s["bad_indices_policy"] == b"IGNORE"
    return lambda x, indices, updates: _scatter(np.array(x), indices, updates, np.add, ignore)


@scatter_nd_non_aliasing_add.shape
def _(s: Site) -> list[Shape]:
    _check_updates(s.shapes[1], s.shapes[2], s.shapes[0])
    return [s.shapes[0]]


@scatter_nd_non_aliasing_add.grad
def _(c: Call, g: Any) -> list[Any]:
    return [g, None, _gathered(c, g, c.inputs[1])]


def _stitched_inner(indices: list[Shape], data: list[Shape]) -> Shape:
    """The shape of one slice of the data, which all parts must share."""
    inner: Shape = None
    for k, (at, values) in enumerate(zip(indices, data, strict=True)):
        if at is None or values is None:
            continue
        if not compatible(values[: len(at)], at):
            raise InvalidArgumentError(
                None,
                None,
                f"data[{k}].shape must start with indices[{k}].shape, got data[{k}].shape = {format_shape(values)}, "
                f"indices[{k}].shape = {format_shape(at)}",
            )
        rest = values[len(at) :]
        if not compatible(inner, rest):
            raise InvalidArgumentError(
                None,
                None,
                f"Need the same shape behind the indexed axes of all data, got {format_shape(inner)} and, from "
                f"data[{k}] of shape {format_shape(values)}, {format_shape(rest)}",
            )
        inner = merge(inner, rest)
    return inner


def _stitch(name: str, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        n, dtype = s["N"], s["T"]
        zero = b"" if dtype.kind == "s" else 0

        def run(*args: Array) -> Array:
            indices, data = args[:n], args[n:]
            inner = _stitched_inner([x.shape for x in indices], [x.shape for x in data]) or ()
            rows = max((int(x.max()) for x in indices if x.size), default=-1) + 1
            out = np.full(check_size(s, (rows, *inner), dtype), zero, dtype.np)
            for k, (at, values) in enumerate(zip(indices, data, strict=True)):
                if at.size and at.min() < 0:
                    raise s.error(f"indices[{k}] is out of range")
                out[at.reshape(-1)] = values.reshape(-1, *inner) if at.size else values.reshape(0, *inner)
            return out

        return run

    one = register(
        Op(f"{name}(indices: N*int32, data: N*T) -> (merged: T) | N: int >=1; T: type", kernel, doc)
    )

    def shape_rule(s: Site) -> list[Shape]:
        n = s["N"]
        inner = _stitched_inner(list(s.shapes[:n]), list(s.shapes[n:]))
        known = [s.const(k) for k in range(n)]
        rows: Dim = None
        if all(x is not None for x in known):
            rows = max((int(x.max()) for x in known if x is not None and x.size), default=-1) + 1
        return [concat([(rows,), inner])]

    def gradient(c: Call, g: Any) -> list[Any]:
        from .indexing import gather

        n = c["N"]
        return [None] * n + [gather(g, indices) for indices in c.inputs[:n]]

    one.shape_rule, one.gradient = shape_rule, gradient
    return one


dynamic_stitch: Op = _stitch(
    "DynamicStitch",
    "The slices of all data at their places in the indices; of several for one place, the last.",
)
parallel_dynamic_stitch: Op = _stitch(
    "ParallelDynamicStitch", "DynamicStitch where the order of several slices for one place does not matter."
)


@op(
    "DynamicPartition(data: T, partitions: int32) -> (outputs: num_partitions*T) | num_partitions: int >=1; T: type"
)
def dynamic_partition(s: Site) -> Kernel:
    """The slices of `data` sorted into lists by the numbers in `partitions`."""
    count = s["num_partitions"]

    def run(data: Array, partitions: Array) -> list[Array]:
        rank = partitions.ndim
        if data.shape[:rank] != partitions.shape:
            raise s.error(
                f"data.shape must start with partitions.shape, got data.shape = {format_shape(data.shape)}, "
                f"partitions.shape = {format_shape(partitions.shape)}"
            )
        wrong = (partitions < 0) | (partitions >= count)
        if wrong.any():
            at = tuple(np.argwhere(wrong)[0].tolist())
            shown = f"[{','.join(map(str, at))}]" if at else ""
            raise s.error(f"partitions{shown} = {partitions[at]} is not in [0, {count})")
        flat = data.reshape(partitions.size, *data.shape[rank:])
        which = partitions.reshape(-1)
        return [flat[which == k] for k in range(count)]

    return run


@dynamic_partition.shape
def _(s: Site) -> list[Shape]:
    data, partitions = s.shapes
    if data is None or partitions is None:
        return [None] * s["num_partitions"]
    if not compatible(data[: len(partitions)], partitions):
        raise s.error(
            f"data.shape must start with partitions.shape, got data.shape = {format_shape(data)}, "
            f"partitions.shape = {format_shape(partitions)}"
        )
    return [(None, *data[len(partitions) :])] * s["num_partitions"]


@dynamic_partition.grad
def _(c: Call, *gs: Any) -> list[Any]:
    data, partitions = c.inputs
    zero, one = np.array(0, np.int32), np.array(1, np.int32)
    numbers = reshape(range_(zero, size(partitions), one), shape(partitions))
    places_of = dynamic_partition(numbers, partitions, num_partitions=c["num_partitions"])
    return [reshape(dynamic_stitch(places_of, no_nones(gs, c.outputs)), shape(data)), None]
