"""Taking parts of tensors and putting parts into them."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..context import state
from ..tensor import EagerTensor, Tensor
from .arguments import record, shape_tensor, static_rank, tensor
from .array_ops import broadcast_to, concat, expand_dims, ones_like, range, reshape, shape, squeeze, stack
from .raw import raw
from .slicing import slice_spec

__all__ = [
    "boolean_mask",
    "dynamic_partition",
    "dynamic_stitch",
    "gather",
    "gather_nd",
    "getitem",
    "one_hot",
    "repeat",
    "scatter_nd",
    "searchsorted",
    "sequence_mask",
    "slice",
    "strided_slice",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_max",
    "tensor_scatter_nd_min",
    "tensor_scatter_nd_sub",
    "tensor_scatter_nd_update",
    "unique",
    "unique_with_counts",
    "where",
]


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Each element (or slice along `axis`) repeated; `repeats` is one count or one for each."""
    x = tensor(input)
    if axis is None:
        x, axis = reshape(x, [-1]), 0
    counts = tensor(repeats, hint=dtypes.int32)
    n = shape(x)[axis]
    counts = broadcast_to(counts, stack([n]))
    from .math_ops import cast
    from .reduce_ops import reduce_max

    mask = sequence_mask(counts, reduce_max(cast(counts, dtypes.int32)))
    at = boolean_mask(broadcast_to(expand_dims(range(n), -1), shape(mask)), mask)
    # With an axis in front, so that the gradient is a whole tensor and no list of rows.
    within = gather(expand_dims(x, 0), at, axis=axis + 1 if axis >= 0 else axis)
    return squeeze(within, [0], name=name)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Slices of `params` along `axis` at `indices`."""
    at = tensor(indices, hint=dtypes.int32)
    where_ = batch_dims if axis is None else axis
    if hasattr(params, "sparse_read") and isinstance(where_, int) and where_ == 0 and batch_dims == 0:
        return params.sparse_read(at, name=name)
    return raw("GatherV2")(tensor(params), at, tensor(where_), batch_dims=batch_dims, name=name)


def gather_nd(
    params: Any, indices: Any, batch_dims: int = 0, name: str | None = None, bad_indices_policy: str = ""
) -> Any:
    """Slices of `params` at the positions in the last axis of `indices`."""
    x, at = tensor(params), tensor(indices, hint=dtypes.int32)
    if batch_dims:
        at = _with_batch(at, batch_dims)
    return raw("GatherNd")(x, at, bad_indices_policy=bad_indices_policy, name=name)


def _with_batch(at: Tensor, batch_dims: int) -> Any:
    """Positions within each batch entry as positions in the whole tensor: the entry's own come first."""
    from .array_ops import meshgrid

    rank = static_rank(at)
    if rank is None or not 0 < batch_dims < rank:
        raise ValueError(f"batch_dims = {batch_dims} must be below the rank of indices, which is {rank}.")
    sizes = shape(at, out_type=at.dtype)
    zero, one = tensor(0, at.dtype), tensor(1, at.dtype)
    grids = meshgrid(*[range(zero, sizes[i], one) for i in builtins.range(batch_dims)], indexing="ij")
    entries = stack(grids, axis=-1)
    whole = concat([sizes[:batch_dims], [1] * (rank - 1 - batch_dims), [batch_dims]], 0)
    spread = broadcast_to(reshape(entries, whole), concat([sizes[:-1], [batch_dims]], 0))
    return concat([spread, at], -1)


def scatter_nd(
    indices: Any, updates: Any, shape: Any, bad_indices_policy: str = "", name: str | None = None
) -> Any:
    """Zeros of `shape` with `updates` added at the positions in the last axis of `indices`."""
    at = tensor(indices)
    sizes = shape_tensor(shape, at.dtype)
    return raw("ScatterNd")(at, tensor(updates), sizes, bad_indices_policy=bad_indices_policy, name=name)


def _tensor_scatter(op: str, public: str, doc: str) -> Any:
    def function(
        tensor: Any, indices: Any, updates: Any, bad_indices_policy: str = "", name: str | None = None
    ) -> Any:
        from .arguments import tensor as as_tensor

        x, at = as_tensor(tensor), as_tensor(indices, hint=dtypes.int32)
        return raw(op)(x, at, as_tensor(updates, x.dtype), bad_indices_policy=bad_indices_policy, name=name)

    function.__name__ = function.__qualname__ = public
    function.__doc__ = (
        f"A copy of `tensor` with `updates` {doc} at the positions in the last axis of `indices`."
    )
    return function


tensor_scatter_nd_add = _tensor_scatter("TensorScatterAdd", "tensor_scatter_nd_add", "added")


tensor_scatter_nd_max = _tensor_scatter(
    "TensorScatterMax", "tensor_scatter_nd_max", "taken where they are larger"
)


tensor_scatter_nd_min = _tensor_scatter(
    "TensorScatterMin", "tensor_scatter_nd_min", "taken where they are smaller"
)


tensor_scatter_nd_sub = _tensor_scatter("TensorScatterSub", "tensor_scatter_nd_sub", "subtracted")


def tensor_scatter_nd_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """A copy of `tensor` with `updates` put at the positions in the last axis of `indices`."""
    from .arguments import tensor as as_tensor

    x = as_tensor(tensor)
    return raw("TensorScatterUpdate")(
        x, as_tensor(indices, hint=dtypes.int32), as_tensor(updates, x.dtype), name=name
    )


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """`size` elements along each axis from `begin`; -1 takes the rest."""
    return raw("Slice")(tensor(input_), shape_tensor(begin), shape_tensor(size), name=name)


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Any:
    """``input_[begin:end:strides]``; in the masks, bit i speaks of entry i."""
    first = shape_tensor(begin)
    steps = ones_like(first) if strides is None else shape_tensor(strides)
    return raw("StridedSlice")(
        tensor(input_),
        first,
        shape_tensor(end),
        steps,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )


def getitem(x: Any, key: Any, name: str | None = None) -> Any:
    """``x[key]``: integers, slices, ``...``, newaxis, scalar tensors, or a bool mask.

    Raises:
        TypeError: something else was given.
    """
    value = tensor(x)
    if isinstance(key, Tensor) and key.dtype is dtypes.bool:
        return boolean_mask(value, key)
    if isinstance(key, np.ndarray) and key.dtype == bool:
        return boolean_mask(value, tensor(key))
    begin, end, strides, masks = slice_spec(key if isinstance(key, tuple) else (key,))
    to = _index_dtype([*begin, *end, *strides])
    return raw("StridedSlice")(
        value, _index(begin, to), _index(end, to), _index(strides, to), name=name, **masks
    )


def _index_dtype(parts: list[Any]) -> dtypes.DType:
    """The type of the index vectors: int32, or int64 where an entry is or needs it."""
    for part in parts:
        if type(part) is int:
            if not -(2**31) <= part < 2**31:
                return dtypes.int64
        elif part.dtype == np.int64:
            return dtypes.int64
    return dtypes.int32


def _index(parts: list[Any], to: dtypes.DType) -> Tensor:
    if builtins.any(isinstance(p, Tensor) or hasattr(p, "__tf_tensor__") for p in parts):
        from .math_ops import cast

        return stack([cast(tensor(p, hint=to), to) for p in parts])  # type: ignore[no-any-return]
    array = np.array(parts, to.np)
    return EagerTensor(array, to) if state.trace is None else state.trace.constant(array, to)


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str | None = "boolean_mask") -> Any:
    """The slices of `tensor` where `mask` is true; the mask's axes (from `axis` on) become one."""
    from .arguments import tensor as as_tensor

    x, m = as_tensor(tensor), as_tensor(mask)
    first = 0 if axis is None else int(axis)
    rank_m = m.shape.rank
    if rank_m is None:
        raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.")
    if rank_m == 0:
        raise ValueError("mask cannot be scalar.")
    sizes = shape(x)
    flat = concat(
        [
            sizes[:first],
            stack([raw("Prod")(sizes[first : first + rank_m], as_tensor([0]))]),
            sizes[first + rank_m :],
        ],
        0,
    )
    at = squeeze(raw("Where")(reshape(m, [-1])), axis=[1])
    return gather(reshape(x, flat), at, axis=first, name=name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """`x` where the condition holds, `y` elsewhere (all three broadcast); without them, the places where it holds."""
    m = tensor(condition)
    if x is None and y is None:
        return raw("Where")(m, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    from .arguments import pair

    a, b = pair(x, y)
    return raw("SelectV2")(m, a, b, name=name)


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """For each index a vector along `axis` (None: the last) with `on_value` there and `off_value` elsewhere."""
    if dtype is None:
        given = on_value if on_value is not None else off_value
        to = tensor(given).dtype if given is not None else dtypes.float32
    else:
        to = as_dtype(dtype)
    on = tensor(1 if on_value is None and not to.is_bool else True if on_value is None else on_value, to)
    off = tensor(0 if off_value is None and not to.is_bool else False if off_value is None else off_value, to)
    return raw("OneHot")(
        tensor(indices), tensor(depth, dtypes.int32), on, off, axis=-1 if axis is None else axis, name=name
    )


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None) -> Any:
    """For each length a row that is true up to it."""
    from .math_ops import cast, less
    from .reduce_ops import reduce_max

    n = tensor(lengths)
    limit = reduce_max(n) if maxlen is None else cast(tensor(maxlen), n.dtype)
    mask = less(range(tensor(0, n.dtype), limit, tensor(1, n.dtype)), expand_dims(n, -1))
    return cast(mask, dtype, name)


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The distinct elements of a vector in order of first appearance, and for each element its place among them."""
    y, idx = raw("Unique")(tensor(x), out_idx=as_dtype(out_idx), name=name)
    return record("Unique", y=y, idx=idx)


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """As `unique`, and how often each occurs."""
    y, idx, count = raw("UniqueWithCounts")(tensor(x), out_idx=as_dtype(out_idx), name=name)
    return record("UniqueWithCounts", y=y, idx=idx, count=count)


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """Where each value belongs in a sorted sequence (along the last axis)."""
    s, v = tensor(sorted_sequence), tensor(values)
    n = s.shape[-1]
    last = n if n is not None else shape(s)[-1]
    flat_s, flat_v = reshape(s, stack([-1, last])), reshape(v, stack([-1, shape(v)[-1]]))
    op = {"left": "LowerBound", "right": "UpperBound"}.get(side)
    if op is None:
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    return reshape(raw(op)(flat_s, flat_v, out_type=as_dtype(out_type), name=name), shape(v))


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> Any:
    """A list of tensors: the slices of `data` by partition number."""
    return raw("DynamicPartition")(tensor(data), tensor(partitions), num_partitions=num_partitions, name=name)


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Any:
    """Slices put together at the given positions; the last one wins."""
    return raw("DynamicStitch")([tensor(i) for i in indices], [tensor(d) for d in data], name=name)
