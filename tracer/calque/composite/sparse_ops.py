"""`tf.sparse`: functions of sparse tensors."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..api import array_ops, indexing_ops, math_ops, reduce_ops
from ..api.arguments import static_rank
from ..api.raw import raw
from ..indexed_slices import IndexedSlices
from ..tensor import Tensor, convert_to_tensor
from ..tensor_shape import TensorShape
from .sparse_tensor import SparseTensor, static_sizes

__all__ = [
    "add",
    "as_sparse",
    "concat",
    "cross",
    "cross_hashed",
    "expand_dims",
    "eye",
    "fill_empty_rows",
    "from_dense",
    "map_values",
    "mask",
    "maximum",
    "minimum",
    "reduce_max",
    "reduce_sum",
    "reorder",
    "reset_shape",
    "reshape",
    "retain",
    "slice",
    "softmax",
    "sparse_dense_matmul",
    "split",
    "to_dense",
    "to_indicator",
    "transpose",
]


def as_sparse(value: Any, what: str = "Input") -> SparseTensor:
    """`value`, if it is a sparse tensor.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, SparseTensor):
        raise TypeError(f"{what} must be a SparseTensor, got {type(value).__name__}: {value!r}")
    return value


def _parts(sparse: SparseTensor) -> tuple[Tensor, Tensor, Tensor]:
    return sparse.indices, sparse.values, sparse.dense_shape


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of a tensor that are not zero (False, empty)."""
    dense = convert_to_tensor(tensor)
    zero = array_ops.zeros([], dense.dtype)
    indices = indexing_ops.where(math_ops.not_equal(dense, zero))
    sizes = array_ops.shape(dense, out_type=dtypes.int64)
    return SparseTensor(indices, indexing_ops.gather_nd(dense, indices), sizes)


def to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Any:
    """The whole tensor.

    Args:
        sp_input: a sparse tensor.
        default_value: what stands where there is no element; default: zero (False, the empty string).
        validate_indices: check that indices are in row-major order, none twice.
        name: the node's name.
    """
    sparse = as_sparse(sp_input)
    if default_value is None:
        default_value = array_ops.zeros([], sparse.dtype)
    fill = convert_to_tensor(default_value, sparse.dtype)
    dense = raw("SparseToDense")(
        sparse.indices,
        sparse.dense_shape,
        sparse.values,
        fill,
        validate_indices=validate_indices,
        name=name,
    )
    return array_ops.ensure_shape(dense, sparse.shape) if dense.shape.rank is None else dense


def expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> SparseTensor:
    """With a dimension of size 1 put in at `axis` (default: the last)."""
    sparse = as_sparse(sp_input)
    rank = static_rank(sparse.dense_shape) and sparse.dense_shape.shape[0]
    at = -1 if axis is None else int(axis)
    if rank is None:  # the sizes' own count tells where a negative axis is
        rank = array_ops.shape(sparse.dense_shape)[0]
    elif not -rank - 1 <= at <= rank:
        raise ValueError(f"axis {at} must be in [{-rank - 1}, {rank}]")
    at = at + rank + 1 if at < 0 else at
    count = array_ops.shape(sparse.indices, out_type=dtypes.int64)[:1]
    column = array_ops.zeros(array_ops.concat([count, [1]], 0), dtypes.int64)
    indices = array_ops.concat([sparse.indices[:, :at], column, sparse.indices[:, at:]], 1)
    one = array_ops.ones([1], dtypes.int64)
    sizes = array_ops.concat([sparse.dense_shape[:at], one, sparse.dense_shape[at:]], 0)
    return SparseTensor(indices, sparse.values, sizes)


def eye(
    num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> SparseTensor:
    """The identity matrix, cut or filled up to `num_columns`."""
    rows = math_ops.cast(convert_to_tensor(num_rows), dtypes.int64)
    columns = rows if num_columns is None else math_ops.cast(convert_to_tensor(num_columns), dtypes.int64)
    places = array_ops.range(math_ops.minimum(rows, columns), dtype=dtypes.int64)
    ones = array_ops.ones_like(places, dtype=as_dtype(dtype))
    return SparseTensor(array_ops.stack([places, places], axis=1), ones, array_ops.stack([rows, columns]))


def concat(
    axis: int, sp_inputs: Sequence[Any], expand_nonconcat_dims: bool = False, name: str | None = None
) -> SparseTensor:
    """Sparse tensors one behind the other along an axis.

    Args:
        axis: the axis; negative ones count from the end.
        sp_inputs: sparse tensors of one rank and dtype.
        expand_nonconcat_dims: may their other sizes differ? Then the result has the largest.
        name: the node's name.

    Raises:
        TypeError: one is no sparse tensor.
    """
    sparse = [as_sparse(one, "Each of sp_inputs") for one in sp_inputs]
    if len(sparse) == 1:
        return sparse[0]
    shapes = [one.dense_shape for one in sparse]
    if expand_nonconcat_dims:
        largest = reduce_ops.reduce_max(array_ops.stack(shapes), axis=0)
        rank = largest.shape[0]
        at = axis % rank if rank is not None and axis < 0 else axis
        shapes = [array_ops.concat([largest[:at], one[at : at + 1], largest[at + 1 :]], 0) for one in shapes]
    made = raw("SparseConcat")(
        [one.indices for one in sparse],
        [one.values for one in sparse],
        shapes,
        concat_dim=axis,
        name=name,
    )
    result = SparseTensor(*made)
    known = [one.shape for one in sparse]
    if all(shape.rank is not None for shape in known) and not expand_nonconcat_dims:
        result.set_shape(_joined(known, axis))
    return result


def _joined(shapes: Sequence[TensorShape], axis: int) -> TensorShape:
    """The shape of tensors of these shapes, one behind the other."""
    sizes = shapes[0].as_list()
    at = axis % len(sizes)
    along = [shape[at] for shape in shapes]
    for shape in shapes[1:]:
        sizes = [a if a is not None else b for a, b in zip(sizes, shape.as_list(), strict=True)]
    sizes[at] = None if None in along else builtins.sum(d for d in along if d is not None)
    return TensorShape(sizes)


def add(a: Any, b: Any, threshold: Any = 0) -> Any:
    """The sum of two tensors, at least one of them sparse.

    Args:
        a, b: tensors of one shape and dtype.
        threshold: of two sparse ones: sums of a smaller magnitude are left out where both have an element.

    Returns:
        A sparse tensor if both are; else a tensor.

    Raises:
        TypeError: neither is sparse.
    """
    if isinstance(a, SparseTensor) and isinstance(b, SparseTensor):
        real = {"complex64": dtypes.float32, "complex128": dtypes.float64}.get(a.dtype.name, a.dtype)
        small = convert_to_tensor(threshold, real)
        result = SparseTensor(*raw("SparseAdd")(*_parts(a), *_parts(b), small))
        result.set_shape(a.shape if a.shape.rank is not None else b.shape)
        return result
    if isinstance(b, SparseTensor):
        a, b = b, a
    sparse = as_sparse(a, "At least one input")
    return raw("SparseTensorDenseAdd")(*_parts(sparse), convert_to_tensor(b, sparse.dtype))


def cross(inputs: Any, name: str | None = None, separator: str | None = None) -> SparseTensor:
    """Every combination of one value of each column, for each row, joined by `separator` (default: ``_X_``).

    Args:
        inputs: tensors and sparse tensors of rank 2, of strings or integers.
        name: the node's name.
        separator: what stands between the values.
    """
    columns = _columns(inputs)
    between = convert_to_tensor("_X_" if separator is None else separator)
    return SparseTensor(*raw("SparseCrossV2")(*columns, between, name=name))


def cross_hashed(
    inputs: Any, num_buckets: int = 0, hash_key: int | None = None, name: str | None = None
) -> SparseTensor:
    """Every combination of one value of each column, for each row, as a hash.

    Args:
        inputs: tensors and sparse tensors of rank 2, of strings or integers.
        num_buckets: hashes are below it; 0: of all 64 bits.
        hash_key: changes the hashes.
        name: the node's name.
    """
    columns = _columns(inputs)
    return SparseTensor(
        *raw("SparseCross")(
            *columns,
            hashed_output=True,
            num_buckets=num_buckets,
            hash_key=_HASH_KEY if hash_key is None else hash_key,
            out_type=dtypes.int64,
            internal_type=dtypes.int64,
            name=name,
        )
    )


_HASH_KEY = 0xDECAFCAFFE  # TensorFlow's default


def _columns(inputs: Any) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(f"Inputs must be a list, got {type(inputs).__name__}")
    sparse = [i for i in inputs if isinstance(i, SparseTensor)]
    dense = [convert_to_tensor(i) for i in inputs if not isinstance(i, SparseTensor)]

    def wide(value: Tensor) -> Any:
        return value if value.dtype is dtypes.string else math_ops.cast(value, dtypes.int64)

    return (
        [i.indices for i in sparse],
        [wide(i.values) for i in sparse],
        [i.dense_shape for i in sparse],
        [wide(i) for i in dense],
    )


def reorder(sp_input: Any, name: str | None = None) -> SparseTensor:
    """With its indices in row-major order."""
    sparse = as_sparse(sp_input)
    indices, values = raw("SparseReorder")(*_parts(sparse), name=name)
    return _like(sparse, indices, values)


def _like(sparse: SparseTensor, indices: Any, values: Any) -> SparseTensor:
    made = SparseTensor(indices, values, sparse.dense_shape)
    made._known_shape = sparse._known_shape
    return made


def reshape(sp_input: Any, shape: Any, name: str | None = None) -> SparseTensor:
    """In another dense shape of the same number of elements; one size may be -1, for what is left."""
    sparse = as_sparse(sp_input)
    wanted = math_ops.cast(convert_to_tensor(shape, dtype_hint=dtypes.int64), dtypes.int64)
    indices, sizes = raw("SparseReshape")(sparse.indices, sparse.dense_shape, wanted, name=name)
    result = SparseTensor(indices, sparse.values, sizes)
    try:
        known = static_sizes(wanted)
    except ValueError:  # it has a -1
        return result
    if known.is_fully_defined():
        result.set_shape(known)
    return result


def split(
    sp_input: Any = None, num_split: Any = None, axis: Any = None, name: str | None = None
) -> list[SparseTensor]:
    """In parts along an axis; where they cannot be equal, the first ones are longer by one.

    Raises:
        ValueError: an argument is missing.
    """
    for what, value in (("sp_input", sp_input), ("num_split", num_split), ("axis", axis)):
        if value is None:
            raise ValueError(f"{what} is required")
    sparse = as_sparse(sp_input)
    at = math_ops.cast(convert_to_tensor(axis), dtypes.int64)
    made = raw("SparseSplit")(at, *_parts(sparse), num_split=num_split, name=name)
    return [SparseTensor(*parts) for parts in zip(*made, strict=True)]


def slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> SparseTensor:
    """The part that begins at `start` and is `size` large, cut where the tensor ends."""
    sparse = as_sparse(sp_input)
    first = math_ops.cast(convert_to_tensor(start, dtype_hint=dtypes.int64), dtypes.int64)
    count = math_ops.cast(convert_to_tensor(size, dtype_hint=dtypes.int64), dtypes.int64)
    return SparseTensor(*raw("SparseSlice")(*_parts(sparse), first, count, name=name))


def reduce_max(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """The largest of the elements that are there along some axes; where there are none 0.

    Args:
        sp_input: a sparse tensor.
        axis: an axis or several; default: all.
        keepdims: keep those axes, of size 1?
        output_is_sparse: return a sparse tensor?
        name: the node's name.
    """
    return _reduced("SparseReduceMax", sp_input, axis, keepdims, output_is_sparse, name)


def reduce_sum(
    sp_input: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    output_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """The sum of the elements along some axes; arguments as of `reduce_max`."""
    return _reduced("SparseReduceSum", sp_input, axis, keepdims, output_is_sparse, name)


def _reduced(op: str, sp_input: Any, axis: Any, keepdims: Any, sparse_out: bool, name: Any) -> Any:
    sparse = as_sparse(sp_input)
    if axis is None:
        axes = array_ops.range(array_ops.size(sparse.dense_shape), dtype=dtypes.int32)
    else:
        axes = math_ops.cast(convert_to_tensor(axis), dtypes.int32)
    axes = array_ops.reshape(axes, [-1])
    keep = bool(keepdims)
    if sparse_out:
        return SparseTensor(*raw(f"{op}Sparse")(*_parts(sparse), axes, keep_dims=keep, name=name))
    return raw(op)(*_parts(sparse), axes, keep_dims=keep, name=name)


def to_indicator(sp_input: Any, vocab_size: int, name: str | None = None) -> Any:
    """A tensor of bools: where the elements of each row, numbers below `vocab_size`, are, along the last axis."""
    sparse = as_sparse(sp_input)
    values = math_ops.cast(sparse.values, dtypes.int64)
    indices = array_ops.concat([sparse.indices[:, :-1], array_ops.expand_dims(values, 1)], 1)
    sizes = array_ops.concat([sparse.dense_shape[:-1], [vocab_size]], 0)
    there = array_ops.ones_like(values, dtype=dtypes.bool)
    return to_dense(reorder(SparseTensor(indices, there, sizes)), default_value=False, validate_indices=False)


def retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """Only the elements for which the vector `to_retain` is True."""
    sparse = as_sparse(sp_input)
    keep = convert_to_tensor(to_retain, dtypes.bool)
    sparse.values.shape[:1].assert_is_compatible_with(keep.shape[:1])
    places = array_ops.reshape(indexing_ops.where(keep), [-1])
    return _like(
        sparse,
        indexing_ops.gather(sparse.indices, places),
        indexing_ops.gather(sparse.values, places),
    )


def reset_shape(sp_input: Any, new_shape: Any = None) -> SparseTensor:
    """In another dense shape, no smaller; without one, in the smallest that holds all elements.

    Raises:
        ValueError: the new shape is of another rank, or smaller.
        InvalidArgumentError: it is smaller, which a graph finds when it runs.
    """
    sparse = as_sparse(sp_input)
    if new_shape is None:
        nothing = array_ops.zeros_like(sparse.dense_shape) - 1
        rows = array_ops.concat([sparse.indices, array_ops.expand_dims(nothing, 0)], 0)
        return SparseTensor(sparse.indices, sparse.values, reduce_ops.reduce_max(rows, axis=0) + 1)
    sizes = math_ops.cast(convert_to_tensor(new_shape, dtype_hint=dtypes.int64), dtypes.int64)
    old, new = static_sizes(sparse.dense_shape), static_sizes(sizes)
    if old.rank is not None and new.rank is not None:
        if old.rank != new.rank:
            raise ValueError(f"the new shape {new} must be of the rank of the old one, {old}")
        smaller = [(a, b) for a, b in zip(old, new, strict=True) if a is not None and b is not None and b < a]
        if smaller:
            raise ValueError(f"the new shape {new} must not be smaller than the old one, {old}")
    if not (old.is_fully_defined() and new.is_fully_defined()):
        from ..api.debugging_ops import Assert

        fits = reduce_ops.reduce_all(sizes >= sparse.dense_shape)
        Assert(fits, ["the new shape must not be smaller than the old one", sizes, sparse.dense_shape])
    return SparseTensor(sparse.indices, sparse.values, sizes)


def fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[SparseTensor, Any]:
    """With `default_value` at the front of every row that has no element.

    Returns:
        The sparse tensor, and for each row whether it was empty.
    """
    sparse = as_sparse(sp_input)
    fill = convert_to_tensor(default_value, sparse.dtype)
    indices, values, empty, _ = raw("SparseFillEmptyRows")(*_parts(sparse), fill, name=name)
    return _like(sparse, indices, values), empty


def sparse_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Any:
    """The product of two matrices, one of them sparse.

    Args:
        sp_a, b: the matrices; `sp_a` may be the dense one, and `b` sparse.
        adjoint_a, adjoint_b: take the conjugate transpose of the one or the other?
        name: the node's name.
    """
    if isinstance(b, SparseTensor) and not isinstance(sp_a, SparseTensor):
        turned = raw("SparseTensorDenseMatMul")(
            *_parts(b), convert_to_tensor(sp_a), adjoint_a=not adjoint_b, adjoint_b=not adjoint_a, name=name
        )
        from ..api.linalg_ops import matrix_transpose

        return matrix_transpose(turned, conjugate=turned.dtype.is_complex)
    sparse = as_sparse(sp_a)
    return raw("SparseTensorDenseMatMul")(
        *_parts(sparse),
        convert_to_tensor(b, sparse.dtype),
        adjoint_a=adjoint_a,
        adjoint_b=adjoint_b,
        name=name,
    )


def softmax(sp_input: Any, name: str | None = None) -> SparseTensor:
    """Softmax over the elements of each row (the last axis); what is not there counts as minus infinity."""
    sparse = as_sparse(sp_input)
    return _like(sparse, sparse.indices, raw("SparseSoftmax")(*_parts(sparse), name=name))


def maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The larger of two sparse tensors' elements; what is not there counts as zero."""
    return _extreme("SparseSparseMaximum", sp_a, sp_b, name)


def minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> SparseTensor:
    """The smaller of two sparse tensors' elements; what is not there counts as zero."""
    return _extreme("SparseSparseMinimum", sp_a, sp_b, name)


def _extreme(op: str, sp_a: Any, sp_b: Any, name: str | None) -> SparseTensor:
    a, b = as_sparse(sp_a, "sp_a"), as_sparse(sp_b, "sp_b")
    indices, values = raw(op)(*_parts(a), *_parts(b), name=name)
    return SparseTensor(indices, values, a.dense_shape)


def transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> SparseTensor:
    """With its axes in the order of `perm`; default: turned round."""
    sparse = as_sparse(sp_input)
    if perm is None:
        order = array_ops.range(array_ops.size(sparse.dense_shape) - 1, -1, -1)
    else:
        order = convert_to_tensor(perm)
    indices = indexing_ops.gather(sparse.indices, order, axis=1)
    sizes = indexing_ops.gather(sparse.dense_shape, order)
    return reorder(SparseTensor(indices, sparse.values, sizes))


def map_values(op: Any, *args: Any, **kwargs: Any) -> SparseTensor:
    """A sparse tensor of what `op` gives for the elements of sparse tensors, at their places.

    Args:
        op: a function; it is called with the vector of elements in place of each sparse tensor.
        *args: its arguments; sparse tensors among them have the same indices and dense shape.
        **kwargs: the same by name.

    Raises:
        ValueError: no argument is a sparse tensor.
    """
    found = [v for v in (*args, *kwargs.values()) if isinstance(v, SparseTensor)]
    if not found:
        raise ValueError("No SparseTensor in argument list of map_values")
    first = found[0]
    for other in found[1:]:
        first.values.shape.assert_is_compatible_with(other.values.shape)

    def values(value: Any) -> Any:
        return value.values if isinstance(value, SparseTensor) else value

    made = op(*map(values, args), **{k: values(v) for k, v in kwargs.items()})
    return first.with_values(made)


def mask(a: Any, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """Indexed slices without the rows of those numbers."""
    others, places = raw("ListDiff")(a.indices, convert_to_tensor(mask_indices, a.indices.dtype))
    return IndexedSlices(indexing_ops.gather(a.values, places), others, a.dense_shape)
