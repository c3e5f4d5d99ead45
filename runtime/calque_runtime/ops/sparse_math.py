"""Arithmetic of sparse tensors: sums, products, extremes, with each other and with dense tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, op, register
from ..shapes import Shape, format_shape
from .common import check_size, conjugate
from .sparse import check_bounds, check_sparse, in_order, rank_of, sparse_shapes

__all__: list[str] = []


def _rows_of(indices: Array) -> tuple[Array, Array]:
    """The distinct rows of sorted `indices`, by the place of the first of each, and for each index which one it is."""
    new = np.ones(len(indices), bool)
    new[1:] = (indices[1:] != indices[:-1]).any(axis=1)
    return np.flatnonzero(new), np.cumsum(new) - 1


def _wide(x: Array) -> Array:
    """16-bit floats are added in float32."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iu" else x


# Two sparse tensors.


def _check_pair(s: Site, inputs: tuple[Array, ...]) -> None:
    a, b = inputs[2], inputs[5]
    check_sparse(s, inputs[0], inputs[1], a, "a_")
    check_sparse(s, inputs[3], inputs[4], b, "b_")
    if a.shape != b.shape or (a != b).any():
        raise s.error(f"Operands' shapes do not match: {a.tolist()} and {b.tolist()}")


def _merged(a: Array, b: Array) -> tuple[Array, Array]:
    """The indices of both in order, and for each of (a, then b) the place it went to; equal ones share theirs."""
    both = np.concatenate([a, b])
    order = in_order(both)
    first, which = _rows_of(both[order])
    place = np.empty(len(both), np.int64)
    place[order] = which
    return both[order][first], place


@op(
    "SparseAdd(a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64, thresh: "
    "Treal) -> (sum_indices: int64, sum_values: T, sum_shape: int64) | T: type in numeric; Treal: type in real"
)
def sparse_add(s: Site) -> Kernel:
    """The sum of two sparse tensors; where both have a value, not those sums whose magnitude is below `thresh`."""

    def run(*inputs: Array) -> list[Array]:
        _check_pair(s, inputs)
        if np.ndim(inputs[6]):
            raise s.error(
                f"The magnitude threshold must be a scalar: got shape {format_shape(inputs[6].shape)}"
            )
        indices, place = _merged(inputs[0], inputs[3])
        values = np.zeros(len(indices), inputs[1].dtype)
        values[place[: len(inputs[0])]] = inputs[1]
        values[place[len(inputs[0]) :]] += inputs[4]
        both = np.zeros(len(indices), bool)
        both[np.intersect1d(place[: len(inputs[0])], place[len(inputs[0]) :])] = True
        kept = ~both | (np.abs(values) >= inputs[6])
        return [indices[kept], values[kept], inputs[2]]

    return run


sparse_add.shape_rule = lambda s: sparse_shapes(rank_of(s, 0, 2))


@op(
    "SparseAddGrad(backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64) -> (a_val_grad: T, "
    "b_val_grad: T) | T: type in numeric"
)
def sparse_add_grad(s: Site) -> Kernel:
    """The gradients of SparseAdd's values: that of the sum at their indices."""

    def run(g: Array, a: Array, b: Array, total: Array) -> list[Array]:
        if any(x.ndim != 2 for x in (a, b, total)) or g.ndim != 1 or len(g) != len(total):
            raise s.error(
                "the indices must be matrices, and backprop_val_grad must have a number for each sum"
            )
        place = {tuple(row): i for i, row in enumerate(total.tolist())}
        out = []
        for indices in (a, b):
            grad = np.zeros(len(indices), g.dtype)
            for i, row in enumerate(indices.tolist()):
                at = place.get(tuple(row))
                if at is not None:
                    grad[i] = g[at]
            out.append(grad)
        return out

    return run


sparse_add_grad.shape_rule = lambda s: [None if x is None else x[:1] for x in s.shapes[1:3]]


@sparse_add.grad
def _(c: Call, _indices: Any, g: Any, _shape: Any) -> list[Any]:
    if g is None:
        return [None] * 7
    a, b = sparse_add_grad(g, c.inputs[0], c.inputs[3], c.outputs[0])
    return [None, a, None, None, b, None, None]


def _extreme(name: str, types: str, ufunc: Any, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        def run(*inputs: Array) -> list[Array]:
            _check_pair(s, inputs)
            indices, place = _merged(inputs[0], inputs[3])
            sides = np.zeros((2, len(indices)), inputs[1].dtype)
            sides[0, place[: len(inputs[0])]] = inputs[1]
            sides[1, place[len(inputs[0]) :]] = inputs[4]
            return [indices, ufunc(*sides)]

        return run

    one = register(
        Op(
            f"{name}(a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64) -> "
            f"(output_indices: int64, output_values: T) | T: type in {types}",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: sparse_shapes(rank_of(s, 0, 2))[:2]
    return one.not_differentiable()


sparse_sparse_maximum: Op = _extreme(
    "SparseSparseMaximum",
    "real",
    np.maximum,
    "The larger of both tensors' elements, at each index of either.",
)
sparse_sparse_minimum: Op = _extreme(
    "SparseSparseMinimum",
    "numeric",
    np.minimum,
    "The smaller of both tensors' elements, at each index of either.",
)


# A sparse tensor and a dense one.


@op(
    "SparseTensorDenseAdd(a_indices: Tindices, a_values: T, a_shape: Tindices, b: T) -> (output: T) | T: type in "
    "numeric; Tindices: type in index"
)
def sparse_tensor_dense_add(s: Site) -> Kernel:
    """The sum of a sparse and a dense tensor of the same shape."""

    def run(indices: Array, values: Array, shape: Array, dense: Array) -> Array:
        check_sparse(s, indices, values, shape, "a_")
        if dense.shape != tuple(shape.tolist()):
            raise s.error(f"the shapes differ: a is {shape.tolist()}, b {list(dense.shape)}")
        check_bounds(s, indices, shape, "a_")
        out = _wide(np.array(dense))
        np.add.at(out, tuple(indices.T), values.astype(out.dtype, copy=False))
        return out.astype(dense.dtype, copy=False)

    return run


sparse_tensor_dense_add.shape_rule = lambda s: [s.shapes[3]]


@sparse_tensor_dense_add.grad
def _(c: Call, g: Any) -> list[Any]:
    from .indexing import gather_nd

    return [None, gather_nd(g, c.inputs[0]), None, g]


@op(
    "SparseTensorDenseMatMul(a_indices: Tindices, a_values: T, a_shape: int64, b: T) -> (product: T) | T: type; "
    "Tindices: type=int64 in index; adjoint_a: bool=false; adjoint_b: bool=false"
)
def sparse_tensor_dense_mat_mul(s: Site) -> Kernel:
    """The product of a sparse matrix and a dense one."""
    flip_a, flip_b, dtype = s["adjoint_a"], s["adjoint_b"], s["T"]
    if not (dtype.is_floating or dtype.is_complex or dtype.is_integer):
        raise s.unsupported(f"T is {dtype.name}, which is no number")

    def run(indices: Array, values: Array, shape: Array, b: Array) -> Array:
        check_sparse(s, indices, values, shape, "a_")
        if len(shape) != 2 or b.ndim != 2:
            raise s.error("a and b must be matrices")
        check_bounds(s, indices, shape, "a_")
        rows, columns = indices[:, int(flip_a)], indices[:, int(not flip_a)]
        height, inner = (int(d) for d in (shape[::-1] if flip_a else shape))
        right = _wide(b.conj().T if flip_b else b)
        if inner != len(right):
            raise s.error(
                f"Cannot multiply A and B because inner dimension does not match: {inner} vs. {len(right)}"
            )
        out = np.zeros(check_size(s, (height, right.shape[1]), dtype), right.dtype)
        factors = (values.conj() if flip_a else values).astype(right.dtype, copy=False)
        order = np.argsort(rows, kind="stable")
        step = max(1, _TERMS // max(1, right.shape[1]))
        for at in range(0, len(order), step):
            part = order[at : at + step]
            starts = np.flatnonzero(np.diff(rows[part], prepend=-1))
            terms = factors[part, None] * right[columns[part]]
            out[rows[part][starts]] += np.add.reduceat(terms, starts, axis=0, dtype=out.dtype)
        return out.astype(b.dtype, copy=False)

    return run


_TERMS = 1 << 22  # how many products are held at a time


@sparse_tensor_dense_mat_mul.shape
def _(s: Site) -> list[Shape]:
    sizes, b = s.const_shape(2), s.shapes[3]
    height = None if sizes is None or len(sizes) != 2 else sizes[1 if s["adjoint_a"] else 0]
    width = None if b is None or len(b) != 2 else b[0 if s["adjoint_b"] else 1]
    return [(height, width)]


@sparse_tensor_dense_mat_mul.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import transpose
    from .indexing import gather
    from .reduce import sum_

    indices, values, shape, b = c.inputs
    flip_a, flip_b = c["adjoint_a"], c["adjoint_b"]
    swap, last = np.array([1, 0], np.int32), np.array([1], np.int32)
    for_b = sparse_tensor_dense_mat_mul(indices, values, shape, g, adjoint_a=not flip_a)
    if flip_b:
        for_b = conjugate(transpose(for_b, swap))
    rows, columns = (gather_axis(indices, axis) for axis in (0, 1))
    if flip_a:
        rows, columns = columns, rows
    right = transpose(b, swap) if flip_b else conjugate(b)
    for_values = sum_(gather(g, rows) * gather(right, columns), last)
    return [None, conjugate(for_values) if flip_a else for_values, None, for_b]


def gather_axis(indices: Any, axis: int) -> Any:
    """One column of a matrix, in a gradient rule."""
    from .indexing import gather_v2

    return gather_v2(indices, np.int32(axis), np.int32(1))


def _cwise(name: str, run_on: Callable[[Site, Array, Array], Array], doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        def run(indices: Array, values: Array, shape: Array, dense: Array) -> Array:
            check_sparse(s, indices, values, shape, "sp_")
            sizes = tuple(shape.tolist())
            padded = (1,) * (len(sizes) - dense.ndim) + dense.shape
            if len(padded) != len(sizes) or any(d not in (1, n) for d, n in zip(padded, sizes, strict=True)):
                raise s.error(
                    f"SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: "
                    f"{list(sizes)} vs. {list(dense.shape)}"
                )
            check_bounds(s, indices, shape, "sp_")
            picked = np.broadcast_to(dense.reshape(padded), sizes)[tuple(indices.T)]
            return run_on(s, values, np.asarray(picked))

        return run

    one = register(
        Op(
            f"{name}(sp_indices: int64, sp_values: T, sp_shape: int64, dense: T) -> (output: T) | T: type in numeric",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: [s.shapes[1]]
    return one


def _quotient(s: Site, x: Array, y: Array) -> Array:
    if x.dtype.kind not in "iu":
        return np.asarray(np.divide(x, y))
    if (y == 0).any():
        raise s.error("cannot divide by zero, but dense contains zero")
    return np.asarray((x - np.fmod(x, y)) // y)  # towards zero


sparse_dense_cwise_add: Op = _cwise(
    "SparseDenseCwiseAdd",
    lambda s, x, y: np.add(x, y),
    "The values plus the elements of `dense`, broadcast, at their indices.",
)
sparse_dense_cwise_mul: Op = _cwise(
    "SparseDenseCwiseMul",
    lambda s, x, y: np.multiply(x, y),
    "The values times the elements of `dense`, broadcast, at their indices.",
)
sparse_dense_cwise_div: Op = _cwise(
    "SparseDenseCwiseDiv", _quotient, "The values by the elements of `dense`, broadcast, at their indices."
)


@sparse_dense_cwise_add.grad
def _(c: Call, g: Any) -> list[Any]:
    return [None, g, None, _to_dense(c, g)]


@sparse_dense_cwise_mul.grad
def _(c: Call, g: Any) -> list[Any]:
    indices, values, shape, dense = c.inputs
    return [None, sparse_dense_cwise_mul(indices, g, shape, dense), None, _to_dense(c, g * values)]


@sparse_dense_cwise_div.grad
def _(c: Call, g: Any) -> list[Any]:
    indices, values, shape, dense = c.inputs
    by = sparse_dense_cwise_div(indices, g, shape, dense)
    return [None, by, None, _to_dense(c, -sparse_dense_cwise_div(indices, by * values, shape, dense))]


def _to_dense(c: Call, gradient: Any) -> Any:
    """The gradient of `dense` from the one of what each index read: summed over the axes it was broadcast along."""
    from .common import sum_to
    from .scatter import scatter_nd

    indices, _, shape, dense = c.inputs
    return sum_to(scatter_nd(indices, gradient, shape), dense)


# One sparse tensor.


def _reduced(
    s: Site, ufunc: Any, indices: Array, values: Array, shape: Array, axes: Array
) -> tuple[Array, Array, list[int]]:
    """The kept columns of the indices in order, the reduced values, and the axes reduced."""
    check_sparse(s, indices, values, shape, "input_")
    rank = len(shape)
    gone = sorted({_axis(s, int(a), rank) for a in np.ravel(axes)})
    kept = np.delete(indices, gone, axis=1)
    order = in_order(kept)
    kept = kept[order]
    first, _ = _rows_of(kept)
    rows = _wide(values[order])
    out = ufunc.reduceat(rows, first, dtype=rows.dtype) if len(first) else rows
    return kept[first], out.astype(values.dtype, copy=False), gone


def _axis(s: Site, axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise s.error(f"Invalid reduction dimension {axis}, for input with {rank} dimensions.")
    return axis % rank


def _reduction(name: str, types: str, ufunc: Any, sparse: bool, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        keep, dtype = s["keep_dims"], s["T"]

        def run(indices: Array, values: Array, shape: Array, axes: Array) -> Any:
            places, out, gone = _reduced(s, ufunc, indices, values, shape, axes)
            sizes = [1 if a in gone else int(d) for a, d in enumerate(shape) if keep or a not in gone]
            if sparse:
                if keep:
                    for axis in gone:
                        places = np.insert(places, axis, 0, axis=1)
                return [places, out, np.array(sizes, np.int64)]
            rest = np.delete(shape, gone)
            check_bounds(s, places, rest, "input_")
            dense = np.zeros(check_size(s, rest.tolist(), dtype), out.dtype)
            if len(out):
                dense[tuple(places.T)] = out if places.shape[1] else out[0]
            return dense.reshape(sizes)

        return run

    output = "output_indices: int64, output_values: T, output_shape: int64" if sparse else "output: T"
    one = register(
        Op(
            f"{name}(input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32) -> ({output}) | "
            f"keep_dims: bool=false; T: type in {types}",
            kernel,
            doc,
        )
    )
    one.shape_rule = (lambda s: sparse_shapes(None)) if sparse else _dense_reduction_shape
    return one


def _dense_reduction_shape(s: Site) -> list[Shape]:
    sizes, axes = s.const_shape(2), s.const(3)
    if sizes is None or axes is None:
        return [None]
    gone = {_axis(s, int(a), len(sizes)) for a in np.ravel(axes)}
    return [tuple(1 if a in gone else d for a, d in enumerate(sizes) if s["keep_dims"] or a not in gone)]


_ALONG = "of the sparse tensor's values along some axes; where there are none 0"
sparse_reduce_sum: Op = _reduction("SparseReduceSum", "numeric", np.add, False, f"The sum {_ALONG}.")
sparse_reduce_max: Op = _reduction("SparseReduceMax", "real", np.maximum, False, f"The largest {_ALONG}.")
sparse_reduce_sum_sparse: Op = _reduction(
    "SparseReduceSumSparse",
    "numeric",
    np.add,
    True,
    "The sum of the values along some axes, as a sparse tensor.",
)
sparse_reduce_max_sparse: Op = _reduction(
    "SparseReduceMaxSparse",
    "real",
    np.maximum,
    True,
    "The largest of the values along some axes, as a sparse tensor.",
)
sparse_reduce_max.not_differentiable()
sparse_reduce_sum_sparse.not_differentiable()
sparse_reduce_max_sparse.not_differentiable()


@sparse_reduce_sum.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import ones_like, reshape
    from .array import shape as shape_op

    indices, values, shape, axes = c.inputs
    kept = shape_op(sparse_reduce_sum(indices, values, shape, axes, keep_dims=True))
    ones = ones_like(values)
    return [None, sparse_dense_cwise_mul(indices, ones, shape, reshape(g, kept)), None, None]


@op(
    "SparseSoftmax(sp_indices: int64, sp_values: T, sp_shape: int64) -> (output: T) | T: type in [half, float, double]"
)
def sparse_softmax(s: Site) -> Kernel:
    """Softmax over the values of each row (the last axis); what is not there counts as minus infinity."""

    def run(indices: Array, values: Array, shape: Array) -> Array:
        check_sparse(s, indices, values, shape, "sp_")
        if len(shape) < 2:
            raise s.error(f"sp_shape must have two sizes at least, but is {shape.tolist()}")
        if not len(values):
            return values
        order = in_order(indices[:, :-1])
        first, which = _rows_of(indices[order][:, :-1])
        rows = _wide(values[order])
        rows = np.exp(rows - np.maximum.reduceat(rows, first)[which])
        out = np.empty_like(rows)
        out[order] = rows / np.add.reduceat(rows, first)[which]
        return out.astype(values.dtype, copy=False)

    return run


sparse_softmax.shape_rule = lambda s: [s.shapes[1]]


@sparse_softmax.grad
def _(c: Call, g: Any) -> list[Any]:
    indices, _, shape = c.inputs
    y = c.outputs[0]
    total = sparse_reduce_sum(indices, g * y, shape, np.array([-1], np.int32), keep_dims=True)
    return [None, sparse_dense_cwise_add(indices, g, shape, -total) * y, None]
