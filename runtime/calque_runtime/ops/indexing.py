"""Reading a part of a tensor: slices, strided slices, gathering."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..errors import InvalidArgumentError, OpError, UnimplementedError
from ..op import Array, Call, Kernel, Site, op
from ..shapes import Dim, Shape, concat, format_shape, merge_dim, normalize_axis
from .array import invert_permutation, rank, reshape, shape, size, transpose, zeros_like
from .cast import cast
from .common import check_size, static_rank, sum_to
from .join import concat_v2, pack, unpack
from .places import checked_indices, places
from .scatter import scatter_nd
from .sized import fill, pad, range_
from .strided import spec_of

__all__: list[str] = []


@op("Slice(input: T, begin: Index, size: Index) -> (output: T) | T: type; Index: type in index")
def slice_(s: Site) -> Kernel:
    """The block of `size` elements along each axis that begins at `begin`; a size of -1 goes to the end."""

    def run(x: Array, begin: Array, size: Array) -> Array:
        return x[_block(x.shape, begin.tolist(), size.tolist()) + (...,)]

    return run


def _block(known: tuple[int, ...], begin: list[int], size: list[int]) -> tuple[Any, ...]:
    if len(begin) != len(known) or len(size) != len(known):
        raise InvalidArgumentError(
            None,
            None,
            f"begin and size must have {len(known)} elements, one for each axis, but have {len(begin)} and {len(size)}",
        )
    out = []
    for i, (d, b, n) in enumerate(zip(known, begin, size, strict=True)):
        if not 0 <= b <= d:
            raise InvalidArgumentError(None, None, f"Expected begin[{i}] in [0, {d}], but got {b}")
        if n == -1:
            n = d - b
        if not 0 <= n <= d - b:
            raise InvalidArgumentError(None, None, f"Expected size[{i}] in [0, {d - b}], but got {n}")
        out.append(slice(b, b + n))
    return tuple(out)


@slice_.shape
def _(s: Site) -> list[Shape]:
    known, begin, size = s.shapes[0], s.const(1), s.const(2)
    sizes = s.const_shape(2)
    if sizes is None:
        return [None if known is None else (None,) * len(known)]
    if known is None or begin is None or size is None:
        return [sizes]
    out: list[Dim] = []
    for d, b, n in zip(known, begin.tolist(), size.tolist(), strict=True):
        if d is None:
            out.append(None if n < 0 else n)
        else:
            one = _block((d,), [b], [n])[0]
            out.append(one.stop - one.start)
    return [tuple(out)]


@slice_.grad
def _(c: Call, g: Any) -> list[Any]:
    x, begin, _ = c.inputs
    behind = shape(x, out_type=c["Index"]) - begin - shape(g, out_type=c["Index"])
    return [pad(g, pack([begin, behind], axis=1)), None, None]


_MASKS = (
    "begin_mask: int=0; end_mask: int=0; ellipsis_mask: int=0; new_axis_mask: int=0; shrink_axis_mask: int=0"
)


def _masks(c: Call) -> dict[str, Any]:
    return {
        name: c[name]
        for name in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    }


@op(
    "StridedSlice(input: T, begin: Index, end: Index, strides: Index) -> (output: T) | T: type; "
    f"Index: type in [int16, int32, int64]; {_MASKS}"
)
def strided_slice(s: Site) -> Kernel:
    """Python's ``x[begin:end:stride, ...]``, with masks for missing bounds, ``...``, new axes and single indices."""
    spec = spec_of(s)
    bounds = [s.const(i) for i in (1, 2, 3)]
    if s.shapes[0] is not None and all(b is not None for b in bounds):
        try:
            key = spec.key(s.shapes[0], *[b.tolist() for b in bounds if b is not None])
            return lambda x, begin, end, strides: x[key]
        except OpError:  # an error of the run, not of binding: the branch may never be taken
            pass

    def run(x: Array, begin: Array, end: Array, strides: Array) -> Array:
        return x[spec.key(x.shape, begin.tolist(), end.tolist(), strides.tolist())]

    return run


@strided_slice.shape
def _(s: Site) -> list[Shape]:
    return [spec_of(s).result_shape(s, s.shapes[0], 1)]


@strided_slice.grad
def _(c: Call, g: Any) -> list[Any]:
    x, begin, end, strides = c.inputs
    if c["Index"].name == "int16":
        begin, end, strides = (cast(b, DstT="int32") for b in (begin, end, strides))
        sizes = shape(x)
    else:
        sizes = shape(x, out_type=c["Index"])
    return [strided_slice_grad(sizes, begin, end, strides, g, **_masks(c)), None, None, None]


@op(
    "StridedSliceGrad(shape: Index, begin: Index, end: Index, strides: Index, dy: T) -> (output: T) | T: type; "
    f"Index: type in index; {_MASKS}"
)
def strided_slice_grad(s: Site) -> Kernel:
    """Zeros of shape `shape` with `dy` where StridedSlice reads."""
    spec, dtype = spec_of(s), s.dtypes[4]

    def run(sizes: Array, begin: Array, end: Array, strides: Array, dy: Array) -> Array:
        whole = check_size(s, sizes.tolist(), dtype)
        out = np.zeros(whole, dtype.np) if dtype.kind != "s" else np.full(whole, b"", object)
        place = out[spec.key(whole, begin.tolist(), end.tolist(), strides.tolist())]
        if place.shape != dy.shape:
            raise s.error(f"shape of dy was {format_shape(dy.shape)} instead of {format_shape(place.shape)}")
        place[...] = dy
        return out

    return run


@strided_slice_grad.shape
def _(s: Site) -> list[Shape]:
    return [s.const_shape(0)]


@strided_slice_grad.grad
def _(c: Call, g: Any) -> list[Any]:
    return [None, None, None, None, strided_slice(g, *c.inputs[1:4], **_masks(c))]


@op(
    "TensorStridedSliceUpdate(input: T, begin: Index, end: Index, strides: Index, value: T) -> (output: T) | T: type; "
    f"Index: type in index; {_MASKS}"
)
def tensor_strided_slice_update(s: Site) -> Kernel:
    """The input with `value` where StridedSlice reads."""
    spec = spec_of(s)

    def run(x: Array, begin: Array, end: Array, strides: Array, value: Array) -> Array:
        out = np.array(x)
        place = out[spec.key(x.shape, begin.tolist(), end.tolist(), strides.tolist())]
        try:
            place[...] = value
        except ValueError:
            raise s.error(
                f"a value of shape {format_shape(value.shape)} does not fit the slice {format_shape(place.shape)}"
            ) from None
        return out

    return run


@tensor_strided_slice_update.shape
def _(s: Site) -> list[Shape]:
    return [s.shapes[0]]


@tensor_strided_slice_update.grad
def _(c: Call, g: Any) -> list[Any]:
    bounds, value = c.inputs[1:4], c.inputs[4]
    kept = tensor_strided_slice_update(g, *bounds, zeros_like(value), **_masks(c))
    return [kept, None, None, None, sum_to(strided_slice(g, *bounds, **_masks(c)), value)]


def _gather(x: Array, indices: Array, axis: int) -> Array:
    checked_indices(indices, x.shape[axis])
    if axis == 0:
        return x[indices, ...]
    return x[(slice(None),) * axis + (indices, ...)]


@op(
    "Gather(params: Tparams, indices: Tindices) -> (output: Tparams) | validate_indices: bool=true; Tparams: type; "
    "Tindices: type in index"
)
def gather(s: Site) -> Kernel:
    """The slices of `params` along its first axis that `indices` names."""

    def run(params: Array, indices: Array) -> Array:
        if params.ndim == 0:
            raise s.error("params must be at least 1 dimensional")
        return _gather(params, indices, 0)

    return run


@gather.shape
def _(s: Site) -> list[Shape]:
    params, indices = s.shapes
    if params == ():
        raise s.error("params must be at least 1 dimensional")
    return [concat([indices, None if params is None else params[1:]])]


@gather.grad
def _(c: Call, g: Any) -> list[Any]:
    params, indices = c.inputs
    zero = np.array(0, np.int32)
    return [_gather_axis_gradient(g, params, cast(indices, DstT="int32"), zero, 0), None]


def _gather_axes(axis: int, batch_dims: int, params_rank: int, indices_rank: int) -> tuple[int, int]:
    """Axis and number of batch axes counted from the front."""
    if params_rank == 0:
        raise InvalidArgumentError(None, None, "params must be at least 1 dimensional")
    at = normalize_axis(axis, params_rank)
    batch = batch_dims + indices_rank if batch_dims < 0 else batch_dims
    if not 0 <= batch <= min(at, indices_rank):
        raise InvalidArgumentError(
            None,
            None,
            f"batch_dims = {batch_dims} must be at most the axis {at} and the rank {indices_rank} of indices",
        )
    return at, batch


@op(
    "GatherV2(params: Tparams, indices: Tindices, axis: Taxis) -> (output: Tparams) | batch_dims: int=0; "
    "Tparams: type; Tindices: type in [int16, int32, int64]; Taxis: type in index"
)
def gather_v2(s: Site) -> Kernel:
    """The slices of `params` along `axis` that `indices` names; the first `batch_dims` axes of both go together."""
    batch_dims = s["batch_dims"]

    def run(params: Array, indices: Array, axis: Array) -> Array:
        at, batch = _gather_axes(axis.item(), batch_dims, params.ndim, indices.ndim)
        if batch == 0:
            return _gather(params, indices, at)
        for i in range(batch):
            if params.shape[i] != indices.shape[i]:
                raise s.error(
                    f"params.shape[{i}]: {params.shape[i]} should be equal to indices.shape[{i}]: {indices.shape[i]}"
                )
        checked_indices(indices, params.shape[at])
        return _batched(params, indices, at, batch)

    return run


def _batched(params: Array, indices: Array, axis: int, batch: int) -> Array:
    lead = params.shape[:batch]
    x = params.reshape(-1, *params.shape[batch:]) if batch > 1 else params
    wide = indices.reshape(-1, *indices.shape[batch:]) if batch > 1 else indices
    at = axis - batch + 1
    # One index array for the batch axis beside `indices`: numpy then puts the indexed axes first, behind each other
    # where the two axes are neighbors; moving the axis there makes it so.
    x = np.moveaxis(x, at, 1)
    rows = np.arange(len(x)).reshape(-1, *(1,) * (wide.ndim - 1))
    out = x[rows, wide]
    count = wide.ndim - 1
    out = np.moveaxis(out, range(1, 1 + count), range(at, at + count))
    return out.reshape(*lead, *out.shape[1:])


@gather_v2.shape
def _(s: Site) -> list[Shape]:
    params, indices, axis = s.shapes[0], s.shapes[1], s.const(2)
    if params == ():
        raise s.error("params must be at least 1 dimensional")
    if params is None or indices is None:
        return [None]
    batch = s["batch_dims"] + (len(indices) if s["batch_dims"] < 0 else 0)
    if axis is None:
        return [(None,) * (len(params) - 1 + len(indices) - batch)]
    at, batch = _gather_axes(int(axis.item()), s["batch_dims"], len(params), len(indices))
    lead = tuple(merge_dim(a, b) for a, b in zip(params[:batch], indices[:batch], strict=True))
    return [(*lead, *params[batch:at], *indices[batch:], *params[at + 1 :])]


@gather_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    params, indices, axis = c.inputs
    batch = c["batch_dims"]
    if batch < 0:
        indices_rank = static_rank(indices)
        if indices_rank is None:
            raise UnimplementedError(
                None, "GatherV2", "gradient with negative batch_dims and indices of unknown rank"
            )
        batch += indices_rank
    return [
        _gather_axis_gradient(g, params, cast(indices, DstT="int32"), cast(axis, DstT="int32"), batch),
        None,
        None,
    ]


def _gather_axis_gradient(g: Any, params: Any, indices: Any, axis: Any, batch: int) -> Any:
    """The dense gradient of GatherV2; the place where a sparse one would be made where the axis is 0.

    The gathered axes of `g` are moved behind its batch axes, the batch axes and the gathered axis of `params` become
    one, into which the slices of `g` are summed, and the axes move back.
    """
    # Arrays rather than Python numbers: numpy 1 would make int64 of int32 + 1.
    zero, one, n_batch = (np.array(k, np.int32) for k in (0, 1, batch))
    vector = np.array([1], np.int32)
    sizes, params_rank = shape(params), rank(params)
    axis = axis % params_rank
    gathered = rank(indices) - n_batch  # how many axes of g stand in the place of `axis`
    batch_axes, before = range_(zero, n_batch, one), range_(n_batch, axis, one)
    to_front = concat_v2(
        [batch_axes, range_(axis, axis + gathered, one), before, range_(axis + gathered, rank(g), one)], zero
    )
    back = concat_v2(
        [batch_axes, range_(axis, axis + one, one), before, range_(axis + one, params_rank, one)], zero
    )
    moved = gather_v2(sizes, back, zero)
    inner = gather_v2(moved, range_(n_batch + one, params_rank, one), zero)
    rows = gather_v2(sizes, axis, zero)
    if batch:
        lead = slice_(sizes, np.array([0], np.int32), np.array([batch], np.int32))
        count = np.array(1, np.int32)
        for one_size in unpack(lead, num=batch):
            count = one_size * count
        first = range_(zero, count, one) * rows  # every batch entry has rows of its own
        indices = indices + reshape(first, concat_v2([lead, fill(reshape(gathered, vector), one)], zero))
        rows = rows * count
    flat = reshape(size(indices), vector)
    values = reshape(transpose(g, to_front), concat_v2([flat, inner], zero))
    index = reshape(indices, concat_v2([flat, vector], zero))
    total = scatter_nd(index, values, concat_v2([reshape(rows, vector), inner], zero))
    return transpose(reshape(total, moved), invert_permutation(back))


@op(
    "GatherNd(params: Tparams, indices: Tindices) -> (output: Tparams) | Tparams: type; "
    "Tindices: type in [int16, int32, int64]; bad_indices_policy: string=''"
)
def gather_nd(s: Site) -> Kernel:
    """The elements or slices of `params` that the last axis of `indices` names by their first indices.

    With bad_indices_policy "IGNORE", what lies outside gives zeros instead of an error.
    """
    ignore = s["bad_indices_policy"] == b"IGNORE"

    def run(params: Array, indices: Array) -> Array:
        if params.ndim == 0 or indices.ndim == 0 or indices.shape[-1] > params.ndim:
            raise s.error(_depth_error(indices.shape, params.shape))
        place, bad = places(indices, params.shape, f"param shape {format_shape(params.shape)}", ignore)
        inner = params.shape[indices.shape[-1] :]
        out = np.empty((*indices.shape[:-1], *inner), params.dtype)
        out[...] = params[place] if place else params
        if bad is not None:
            out[bad] = b"" if out.dtype == object else 0
        return out

    return run


def _depth_error(indices: Shape, params: Shape) -> str:
    return (
        "index innermost dimension length must be <= params rank, and both at least vectors, but indices and "
        f"params have the shapes {format_shape(indices)} and {format_shape(params)}"
    )


@gather_nd.shape
def _(s: Site) -> list[Shape]:
    params, indices = s.shapes
    if params is None or indices is None or (indices and indices[-1] is None):
        return [None]
    if not indices or not params or (indices[-1] or 0) > len(params):
        raise s.error(_depth_error(indices, params))
    return [(*indices[:-1], *params[indices[-1] :])]


@gather_nd.grad
def _(c: Call, g: Any) -> list[Any]:
    params, indices = c.inputs
    if c["Tindices"].name == "int16":
        indices = cast(indices, DstT="int32")
    policy = c["bad_indices_policy"]
    return [
        scatter_nd(indices, g, shape(params, out_type=as_dtype(indices.dtype)), bad_indices_policy=policy),
        None,
    ]
