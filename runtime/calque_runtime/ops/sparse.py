"""Sparse tensors: making them dense, filling, reshaping, ordering, slicing, joining and splitting them.

A sparse tensor is three tensors: indices [n, rank] of int64, values [n], and the dense shape [rank].
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import int64
from ..op import Array, Call, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape
from .common import check_size, static_rank

__all__ = [
    "check_bounds",
    "check_order",
    "check_sparse",
    "fill_gradient",
    "filled_rows",
    "in_order",
    "rank_of",
    "sparse_shapes",
]


def check_sparse(s: Site, indices: Array, values: Array, shape: Array, what: str = "") -> None:
    """Refuse three tensors that are no sparse tensor.

    Raises:
        InvalidArgumentError: the indices are no matrix, or values or shape no vector of the length that goes with it.
    """
    if indices.ndim != 2:
        raise s.error(f"{what}indices must be a matrix, but have the shape {format_shape(indices.shape)}")
    if values.ndim != 1 or len(values) != len(indices):
        raise s.error(
            f"{what}values must be a vector of {len(indices)}, one for each index, but have the shape "
            f"{format_shape(values.shape)}"
        )
    if shape.ndim != 1 or len(shape) != indices.shape[1]:
        raise s.error(
            f"{what}shape must be a vector of {indices.shape[1]}, one size for each column of the indices, but has "
            f"the shape {format_shape(shape.shape)}"
        )


def check_bounds(s: Site, indices: Array, shape: Array, what: str = "") -> None:
    """Refuse indices [n, rank] that lie outside `shape`.

    Raises:
        InvalidArgumentError: one does; names it.
    """
    outside = (indices < 0) | (indices >= shape)
    if outside.any():
        i = int(np.flatnonzero(outside.any(axis=1))[0])
        raise s.error(
            f"{what}indices[{i}] = {indices[i].tolist()} is out of bounds: need 0 <= index < "
            f"{np.asarray(shape).tolist()}"
        )


def check_order(s: Site, indices: Array, what: str = "", repeats: bool = True) -> None:
    """Refuse indices that are not in row-major order, and repeated ones unless `repeats` says that they may be.

    Raises:
        InvalidArgumentError: names the first index that does not fit.
    """
    step = np.diff(indices, axis=0)
    moved = step != 0
    first = np.argmax(moved, axis=1) if step.shape[1] else np.zeros(len(step), np.int64)
    lead = step[np.arange(len(step)), first] if step.shape[1] else np.zeros(len(step), np.int64)
    wrong = np.flatnonzero(lead < 0 if repeats else lead <= 0)
    if wrong.size:
        i = int(wrong[0])
        how = "is out of order: sort the indices (tf.sparse.reorder)" if lead[i] < 0 else "is repeated"
        raise s.error(f"{what}indices[{i + 1}] = {indices[i + 1].tolist()} {how}")


def in_order(indices: Array) -> Array:
    """The places of the indices in row-major order; equal ones stay in theirs."""
    if not indices.shape[1]:
        return np.arange(len(indices))
    return np.lexsort(indices.T[::-1])


def sparse_shapes(rank: int | None) -> list[Shape]:
    """The static shapes of a sparse tensor: indices, values, dense shape."""
    return [(None, rank), (None,), (rank,)]


def rank_of(s: Site, indices: int, shape: int) -> int | None:
    """The rank of the sparse tensor whose indices and dense shape are those inputs, where it is known."""
    for i, axis in ((shape, 0), (indices, 1)):
        known = s.shapes[i]
        if known is not None and len(known) == axis + 1 and known[axis] is not None:
            return known[axis]
    return None


# To dense.


@op(
    "SparseToDense(sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, default_value: T) -> (dense: T) "
    "| validate_indices: bool=true; T: type; Tindices: type in index"
)
def sparse_to_dense(s: Site) -> Kernel:
    """A tensor of the default value, with the values at the indices (a scalar, a vector, or a row for each value)."""
    validate, dtype = s["validate_indices"], s["T"]

    def run(indices: Array, shape: Array, values: Array, default: Array) -> Array:
        if np.ndim(shape) != 1:
            raise s.error(f"output_shape must be a vector, but has the shape {format_shape(np.shape(shape))}")
        if np.ndim(indices) > 2 or np.ndim(values) > 1 or np.ndim(default) != 0:
            raise s.error(
                "sparse_indices must be a matrix at most, sparse_values a vector at most, default_value a scalar"
            )
        rows = np.reshape(indices, (-1, 1)) if np.ndim(indices) < 2 else indices
        if rows.shape[1] != len(shape):
            raise s.error(f"an index has {rows.shape[1]} numbers, but output_shape {len(shape)}")
        if np.ndim(values) and len(values) != len(rows):
            raise s.error(f"there are {len(values)} sparse_values for {len(rows)} indices")
        sizes = check_size(s, shape.tolist(), dtype)
        check_bounds(s, rows, shape)
        if validate:
            check_order(s, rows, repeats=False)
        out = np.empty(sizes, values.dtype)
        out[...] = default
        out[tuple(rows.T)] = values
        return out

    return run


@sparse_to_dense.shape
def _(s: Site) -> list[Shape]:
    return [s.const_shape(1)]


@sparse_to_dense.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import reshape
    from .indexing import gather_nd

    indices, _, values, _ = c.inputs
    if static_rank(indices) in (0, 1):  # of a vector, which takes a number for each index
        indices = reshape(indices, np.array([-1, 1], np.int32))
    picked = gather_nd(g, indices)
    total = _total(picked)
    return [None, None, picked if static_rank(values) else total, _total(g) - total]


def _total(x: Any) -> Any:
    from .array import rank
    from .reduce import sum_
    from .sized import range_

    return sum_(x, range_(np.int32(0), rank(x), np.int32(1)))


# Empty rows.


def filled_rows(
    s: Site, rows: Array, count: int, values: Array, default: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Values, sorted by row and with the default in each row that has none.

    Args:
        s: the call's site.
        rows: the row of each value: int64 [n].
        count: how many rows there are.
        values: the values: [n].
        default: the scalar that goes into empty rows.

    Returns:
        For each output the number of the input it is, -1 for a default; the outputs' rows; the outputs; for each row
        whether it was empty; and for each input its place in the outputs.
    """
    if np.ndim(default):
        raise s.error(f"default_value must be a scalar, but has the shape {format_shape(np.shape(default))}")
    outside = np.flatnonzero((rows < 0) | (rows >= count))
    if outside.size:
        i = int(outside[0])
        raise s.error(f"indices({i}, 0) is invalid: {int(rows[i])} is not in [0, {count})")
    check_size(s, (count,), int64)
    empty = np.bincount(rows, minlength=count) == 0 if count else np.zeros(0, bool)
    missing = np.flatnonzero(empty)
    source = np.concatenate([np.arange(len(rows)), np.full(len(missing), -1)])
    all_rows = np.concatenate([rows, missing])
    order = np.argsort(all_rows, kind="stable")
    source, all_rows = source[order], all_rows[order]
    out = np.empty(len(source), values.dtype)
    out[...] = default
    out[source >= 0] = values[source[source >= 0]]
    place = np.empty(len(rows), np.int64)
    place[source[source >= 0]] = np.flatnonzero(source >= 0)
    return source, all_rows.astype(np.int64), out, empty, place


@op(
    "SparseFillEmptyRows(indices: int64, values: T, dense_shape: int64, default_value: T) -> (output_indices: int64, "
    "output_values: T, empty_row_indicator: bool, reverse_index_map: int64) | T: type"
)
def sparse_fill_empty_rows(s: Site) -> Kernel:
    """The sparse tensor with the default value at the front of every row that has no value."""

    def run(indices: Array, values: Array, shape: Array, default: Array) -> list[Array]:
        check_sparse(s, indices, values, shape)
        if not len(shape):
            raise s.error("Dense shape cannot be empty.")
        source, rows, out, empty, place = filled_rows(s, indices[:, 0], int(shape[0]), values, default)
        filled = np.zeros((len(source), len(shape)), np.int64)
        filled[:, 0] = rows
        filled[source >= 0] = indices[source[source >= 0]]
        return [filled, out, empty, place]

    return run


@sparse_fill_empty_rows.shape
def _(s: Site) -> list[Shape]:
    sizes = s.const_shape(2)
    count = None if s.shapes[0] is None else s.shapes[0][0]
    return [(None, rank_of(s, 0, 2)), (None,), (sizes[0] if sizes else None,), (count,)]


def fill_gradient(name: str) -> Op:
    """Declare the op ``<name>Grad``: the gradients of an op that fills empty rows."""

    def kernel(s: Site) -> Kernel:
        def run(place: Array, g: Array) -> list[Array]:
            if place.ndim != 1 or g.ndim != 1:
                raise s.error("reverse_index_map and grad_values must be vectors")
            if place.size and (place.min() < 0 or place.max() >= len(g)):
                raise s.error(f"Elements in reverse index must be in [0, {len(g)})")
            rest = np.ones(len(g), bool)
            rest[place] = False
            return [g[place], g[rest].sum(dtype=g.dtype)]

        return run

    one = register(
        Op(
            f"{name}Grad(reverse_index_map: int64, grad_values: T) -> (d_values: T, d_default_value: T) | T: type",
            kernel,
            f"The gradients of {name}: at the places of the values, and the sum of all others.",
        )
    )
    one.shape_rule = lambda s: [s.shapes[0], ()]
    return one


sparse_fill_empty_rows_grad: Op = fill_gradient("SparseFillEmptyRows")


@sparse_fill_empty_rows.grad
def _(c: Call, _indices: Any, g: Any, _empty: Any, _place: Any) -> list[Any]:
    if g is None:
        return [None] * 4
    values, default = sparse_fill_empty_rows_grad(c.outputs[3], g)
    return [None, values, None, default]


# Shape and order.


@op(
    "SparseReshape(input_indices: int64, input_shape: int64, new_shape: int64) -> (output_indices: int64, "
    "output_shape: int64)"
)
def sparse_reshape(s: Site) -> Kernel:
    """The indices in a dense shape of the same number of elements; one size may be -1, for what is left."""

    def run(indices: Array, shape: Array, new: Array) -> list[Array]:
        if indices.ndim != 2 or shape.ndim != 1 or new.ndim != 1 or len(shape) != indices.shape[1]:
            raise s.error(
                f"indices {format_shape(indices.shape)}, input_shape {format_shape(shape.shape)} and new_shape "
                f"{format_shape(new.shape)} must be a matrix, a vector of one size for each column, and a vector"
            )
        old, sizes = [int(d) for d in shape], _new_sizes(s, shape, new)
        if old == sizes:
            return [indices, shape]
        place = np.zeros(len(indices), np.int64)
        for size, column in zip(old, indices.T, strict=True):
            place = place * size + column
        out = np.empty((len(indices), len(sizes)), np.int64)
        for axis in reversed(range(len(sizes))):
            size = max(sizes[axis], 1)
            out[:, axis] = place % size if axis else place
            place = place // size
        return [out, np.array(sizes, np.int64)]

    return run


def _new_sizes(s: Site, shape: Array, new: Array) -> list[int]:
    count, sizes = math.prod(int(d) for d in shape), [int(d) for d in new]
    holes = [i for i, d in enumerate(sizes) if d == -1]
    if len(holes) > 1:
        raise s.error(f"only one output dimension may be -1, not both {holes[0]} and {holes[1]}")
    if count >= 2**63 or any(d < -1 for d in sizes):
        raise s.error(f"sizes must not be negative, nor their product over 2^63: {shape.tolist()}, {sizes}")
    known = math.prod(d for d in sizes if d != -1)
    if holes:
        if known and count % known:
            raise s.error(
                f"Input to reshape is a SparseTensor with {count} dense values, but the requested shape requires a "
                f"multiple of {known}"
            )
        sizes[holes[0]] = count // known if known else 0
    if math.prod(sizes) != count:
        raise s.error(
            f"Input to reshape is a tensor with {count} dense values, but the requested shape has {math.prod(sizes)}. "
            f"input_shape={shape.tolist()} output_shape={sizes}"
        )
    return sizes


@sparse_reshape.shape
def _(s: Site) -> list[Shape]:
    count = None if s.shapes[0] is None else s.shapes[0][0]
    rank = None if s.shapes[2] is None else s.shapes[2][0]
    return [(count, rank), (rank,)]


sparse_reshape.not_differentiable()


@op(
    "SparseReorder(input_indices: int64, input_values: T, input_shape: int64) -> (output_indices: int64, "
    "output_values: T) | T: type"
)
def sparse_reorder(s: Site) -> Kernel:
    """The sparse tensor with its indices in row-major order."""

    def run(indices: Array, values: Array, shape: Array) -> list[Array]:
        check_sparse(s, indices, values, shape)
        order = in_order(indices)
        return [indices[order], values[order]]

    return run


sparse_reorder.shape_rule = lambda s: [s.shapes[0], s.shapes[1]]


@sparse_reorder.grad
def _(c: Call, _indices: Any, g: Any) -> list[Any]:
    from .array import invert_permutation, size
    from .indexing import gather
    from .sized import range_

    indices, values, shape = c.inputs
    _, order = sparse_reorder(indices, range_(np.int32(0), size(values), np.int32(1)), shape)

    return [None, gather(g, invert_permutation(order)), None]


@op(
    "SparseSlice(indices: int64, values: T, shape: int64, start: int64, size: int64) -> (output_indices: int64, "
    "output_values: T, output_shape: int64) | T: type"
)
def sparse_slice(s: Site) -> Kernel:
    """The part of the sparse tensor that starts at `start` and has `size`, cut where the tensor ends."""

    def run(indices: Array, values: Array, shape: Array, start: Array, size: Array) -> list[Array]:
        check_sparse(s, indices, values, shape)
        if start.shape != shape.shape or size.shape != shape.shape:
            raise s.error(f"start and size must have {len(shape)} numbers each, as shape has")
        if (start < 0).any() or (size < 0).any():
            raise s.error("start and size must not be negative")
        kept = ((indices >= start) & (indices - start < size)).all(axis=1)
        return [
            indices[kept] - start,
            values[kept],
            np.clip(shape - start, 0, size),
        ]

    return run


sparse_slice.shape_rule = lambda s: sparse_shapes(rank_of(s, 0, 2))


@op(
    "SparseSliceGrad(backprop_val_grad: T, input_indices: int64, input_start: int64, output_indices: int64) -> "
    "(val_grad: T) | T: type in numeric"
)
def sparse_slice_grad(s: Site) -> Kernel:
    """The gradient of SparseSlice's values: that of the outputs at the values that were kept."""

    def run(g: Array, indices: Array, start: Array, kept: Array) -> Array:
        if g.ndim != 1 or indices.ndim != 2 or kept.ndim != 2 or len(kept) != len(g):
            raise s.error("backprop_val_grad must be a vector of one number for each row of output_indices")
        if start.shape != indices.shape[1:] or kept.shape[1] != indices.shape[1]:
            raise s.error("input_indices, input_start and output_indices must be of one rank")
        place = {tuple(row): i for i, row in enumerate((kept + start).tolist())}
        out = np.zeros(len(indices), g.dtype)
        for i, row in enumerate(indices.tolist()):
            at = place.get(tuple(row))
            if at is not None:
                out[i] = g[at]
        return out

    return run


sparse_slice_grad.shape_rule = lambda s: [None if s.shapes[1] is None else s.shapes[1][:1]]


@sparse_slice.grad
def _(c: Call, _indices: Any, g: Any, _shape: Any) -> list[Any]:
    if g is None:
        return [None] * 5
    return [None, sparse_slice_grad(g, c.inputs[0], c.inputs[3], c.outputs[0]), None, None, None]


# Joining and splitting.


@op(
    "SparseConcat(indices: N*int64, values: N*T, shapes: N*int64) -> (output_indices: int64, output_values: T, "
    "output_shape: int64) | concat_dim: int; N: int >=2; T: type"
)
def sparse_concat(s: Site) -> Kernel:
    """The sparse tensors one behind the other along an axis."""
    number, axis = s["N"], s["concat_dim"]

    def run(*parts: Array) -> list[Array]:
        indices, values, shapes = parts[:number], parts[number : 2 * number], parts[2 * number :]
        for i, v, shape in zip(indices, values, shapes, strict=True):
            check_sparse(s, i, v, shape)
        rank = len(shapes[0])
        if not -rank <= axis < rank:
            raise s.error(f"Concat dimension must be in range [{-rank}, {rank}), got {axis}")
        at = axis % rank
        for shape in shapes[1:]:
            if len(shape) != rank or (np.delete(shape, at) != np.delete(shapes[0], at)).any():
                raise s.error(
                    f"the sizes off axis {at} must be equal, but the shapes are {[x.tolist() for x in shapes]}"
                )
        ends = np.cumsum([shape[at] for shape in shapes])
        moved = [i.copy() for i in indices]
        for one, end in zip(moved[1:], ends, strict=False):
            one[:, at] += end
        joined, out = np.concatenate(moved), np.concatenate(values)
        order = in_order(joined)
        total = shapes[0].copy()
        total[at] = ends[-1]
        return [joined[order], out[order], total]

    return run


@sparse_concat.shape
def _(s: Site) -> list[Shape]:
    number = s["N"]
    ranks = [rank_of(s, i, 2 * number + i) for i in range(number)]
    counts = [None if x is None else x[0] for x in s.shapes[:number]]
    known = [n for n in counts if n is not None]
    total = sum(known) if len(known) == number else None
    rank = next((r for r in ranks if r is not None), None)
    return [(total, rank), (total,), (rank,)]


sparse_concat.not_differentiable()


@op(
    "SparseSplit(split_dim: int64, indices: int64, values: T, shape: int64) -> (output_indices: num_split*int64, "
    "output_values: num_split*T, output_shape: num_split*int64) | num_split: int >=1; T: type"
)
def sparse_split(s: Site) -> Kernel:
    """Parts of the sparse tensor along an axis; where they cannot be equal the first ones are longer by one."""
    number = s["num_split"]

    def run(axis: Array, indices: Array, values: Array, shape: Array) -> list[Array]:
        check_sparse(s, indices, values, shape)
        at = int(np.reshape(axis, -1)[0]) if np.size(axis) == 1 else None
        if at is None or not -len(shape) <= at < len(shape):
            raise s.error(f"Input split_dim should be in [{-len(shape)}, {len(shape)}), but is {at}")
        if not 0 < number <= shape[at]:
            raise s.error(f"num_split must be in [1, {shape[at]}], the size of axis {at}, but is {number}")
        check_bounds(s, indices, shape)
        whole, longer = divmod(int(shape[at]), number)
        ends = np.cumsum([whole + (i < longer) for i in range(number)])
        starts = np.concatenate([[0], ends[:-1]])
        kept = [(indices[:, at] >= a) & (indices[:, at] < b) for a, b in zip(starts, ends, strict=True)]
        pieces = [indices[k] for k in kept]
        shapes = [shape.copy() for _ in kept]
        for piece, size, a, b in zip(pieces, shapes, starts, ends, strict=True):
            piece[:, at] -= a
            size[at] = b - a
        return [*pieces, *(values[k] for k in kept), *shapes]

    return run


@sparse_split.shape
def _(s: Site) -> list[Shape]:
    parts = sparse_shapes(rank_of(s, 1, 3))
    return [part for part in parts for _ in range(s["num_split"])]


sparse_split.not_differentiable()
