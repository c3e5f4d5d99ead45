"""`keras.backend`: making, changing and reducing tensors, mostly TensorFlow's functions under Keras's names."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

import calque as tf

from ..config import floatx

__all__ = [
    "abs",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "batch_dot",
    "batch_flatten",
    "cast",
    "cast_to_floatx",
    "clip",
    "concatenate",
    "constant",
    "cos",
    "cumprod",
    "cumsum",
    "dot",
    "equal",
    "exp",
    "expand_dims",
    "eye",
    "flatten",
    "foldl",
    "foldr",
    "gather",
    "greater",
    "greater_equal",
    "in_top_k",
    "is_sparse",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "map_fn",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pow",
    "prod",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "round",
    "sign",
    "sin",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "sum",
    "tile",
    "to_dense",
    "transpose",
    "var",
    "variable",
    "zeros",
    "zeros_like",
]

abs, cos, exp, log, pow = tf.abs, tf.cos, tf.exp, tf.math.log, tf.pow
round, sign, sin, square = tf.round, tf.sign, tf.sin, tf.square
equal, not_equal = tf.equal, tf.not_equal
greater, greater_equal, less, less_equal = tf.greater, tf.greater_equal, tf.less, tf.less_equal
maximum, minimum = tf.maximum, tf.minimum


def cast(x: Any, dtype: Any) -> Any:
    """A tensor in another dtype."""
    return tf.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """An array or tensor in the default dtype."""
    if tf.is_tensor(x):
        return tf.cast(x, floatx())
    return np.asarray(x, dtype=floatx())


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Values within bounds; None: no bound. A `max_value` below `min_value` counts as that."""
    numbers = (int, float)
    if isinstance(min_value, numbers) and isinstance(max_value, numbers):
        max_value = builtins.max(min_value, max_value)
    least = -np.inf if min_value is None else min_value
    return tf.clip_by_value(x, least, np.inf if max_value is None else max_value)


def sqrt(x: Any) -> Any:
    """The square root; that of negative numbers is 0."""
    return tf.sqrt(tf.maximum(x, tf.constant(0.0, x.dtype)))


# Making tensors and variables


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A constant, of the default dtype where none is given."""
    return tf.constant(value, dtype=floatx() if dtype is None else dtype, shape=shape, name=name)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A variable, of the default dtype where none is given; a sparse matrix of scipy gives a SparseTensor."""
    if hasattr(value, "tocoo"):
        coo = value.tocoo()
        return tf.SparseTensor(np.stack([coo.row, coo.col], 1).astype(np.int64), coo.data, coo.shape)
    return tf.Variable(value, dtype=floatx() if dtype is None else dtype, name=name, constraint=constraint)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of zeros, of the default dtype where none is given."""
    return variable(tf.zeros(shape, floatx() if dtype is None else dtype), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of ones, of the default dtype where none is given."""
    return variable(tf.ones(shape, floatx() if dtype is None else dtype), dtype, name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable, the identity matrix, of the default dtype where none is given."""
    return variable(tf.eye(size, dtype=floatx() if dtype is None else dtype), dtype, name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A tensor of zeros of x's shape."""
    return tf.zeros_like(x, dtype=dtype, name=name)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A tensor of ones of x's shape."""
    return tf.ones_like(x, dtype=dtype, name=name)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """The numbers from `start` to before `stop`, or from 0 to before `start`."""
    if stop is None and start < 0:
        start = 0
    numbers = tf.range(start, delta=step) if stop is None else tf.range(start, stop, step)
    return tf.cast(numbers, dtype)


def one_hot(indices: Any, num_classes: Any) -> Any:
    """One-hot vectors along a new last dimension."""
    return tf.one_hot(indices, depth=num_classes, axis=-1)


# Reductions


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element along axes."""
    return tf.reduce_max(x, axis, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element along axes."""
    return tf.reduce_min(x, axis, keepdims)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum along axes."""
    return tf.reduce_sum(x, axis, keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product along axes."""
    return tf.reduce_prod(x, axis, keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean along axes; of booleans, the share that is true."""
    return tf.reduce_mean(_numbers(x), axis, keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance along axes."""
    return tf.math.reduce_variance(_numbers(x), axis=axis, keepdims=keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation along axes."""
    return tf.math.reduce_std(_numbers(x), axis=axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Is one true (or not 0), along axes?"""
    return tf.reduce_any(tf.cast(x, tf.bool), axis, keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Are all true (or not 0), along axes?"""
    return tf.reduce_all(tf.cast(x, tf.bool), axis, keepdims)


def argmax(x: Any, axis: int = -1) -> Any:
    """Where the largest element is along an axis."""
    return tf.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Where the smallest element is along an axis."""
    return tf.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """The sums so far along an axis."""
    return tf.cumsum(x, axis=axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """The products so far along an axis."""
    return tf.math.cumprod(x, axis=axis)


def _numbers(x: Any) -> Any:
    return tf.cast(x, floatx()) if x.dtype == tf.bool else x


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Is each target's prediction among the k largest of its row?"""
    return tf.math.in_top_k(targets, predictions, k)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """A tensor whose norms along axes are 1."""
    return tf.math.l2_normalize(x, axis=axis)


# Products


def dot(x: Any, y: Any) -> Any:
    """The product of matrices; of more dimensions, of x's last and y's second to last.

    Args:
        x: a tensor, or a SparseTensor.
        y: a tensor.

    Returns:
        A tensor of x's shape without the last dimension, and y's without the second to last.
    """
    if is_sparse(x):
        return tf.sparse.sparse_dense_matmul(x, y)
    if x.shape.rank is not None and (x.shape.rank > 2 or y.shape.rank > 2):
        return tf.tensordot(x, y, axes=[[x.shape.rank - 1], [builtins.max(y.shape.rank - 2, 0)]])
    return tf.matmul(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The product of the elements of two batches, along one dimension of each.

    Args:
        x, y: tensors of rank 2 or more, the batch first.
        axes: the dimension, or one of each; None: x's last, and y's second to last (or last, if it has two).

    Returns:
        A tensor of x's shape without that dimension, and y's without it and the batch; of vectors, a column.

    Raises:
        ValueError: ranks or sizes do not fit, or an axis is the batch's.
    """
    ranks = x.shape.rank, y.shape.rank
    shapes = f"{tuple(x.shape.as_list())} and {tuple(y.shape.as_list())}"
    if ranks[0] < 2 or ranks[1] < 2:
        raise ValueError(
            f"Cannot do batch_dot on inputs with rank < 2. Received inputs with shapes {shapes}."
        )
    if None not in (x.shape[0], y.shape[0]) and x.shape[0] != y.shape[0]:
        raise ValueError(
            f"Cannot do batch_dot on inputs with different batch sizes. Received inputs with shapes {shapes}."
        )
    if axes is None:
        axes = [ranks[0] - 1, ranks[1] - (1 if ranks[1] == 2 else 2)]
    pair = [axes, axes] if isinstance(axes, int) else list(axes)
    if builtins.any(isinstance(axis, (list, tuple)) for axis in pair):
        raise ValueError(
            f"Multiple target dimensions are not supported. Expected: None, int, (int, int), Provided: {axes}"
        )
    a, b = (axis % rank for axis, rank in zip(pair, ranks, strict=True))
    if 0 in (a, b):
        raise ValueError(
            "Cannot perform batch_dot over axis 0. If your inputs are not batched, add a dummy batch dimension to your "
            "inputs using K.expand_dims(x, 0)"
        )
    if None not in (x.shape[a], y.shape[b]) and x.shape[a] != y.shape[b]:
        raise ValueError(
            f"Cannot do batch_dot on inputs with shapes {shapes} with axes={pair}. x.shape[{a}] != y.shape[{b}] "
            f"({x.shape[a]} != {y.shape[b]})."
        )
    # The batch, all else of x, and the dimension that is summed over; the batch, that dimension, and all else of y.
    left = _permuted(x, [0, *(i for i in range(1, ranks[0]) if i != a), a])
    right = _permuted(y, [0, b, *(i for i in range(1, ranks[1]) if i != b)])
    outer = left, right
    if ranks[0] != 3:
        ends = _sizes(left)
        left = tf.expand_dims(left, 1) if ranks[0] == 2 else tf.reshape(left, [ends[0], -1, ends[-1]])
    if ranks[1] != 3:
        ends = _sizes(right)
        right = tf.expand_dims(right, 2) if ranks[1] == 2 else tf.reshape(right, [*ends[:2], -1])
    product = tf.matmul(left, right)
    if builtins.max(ranks) > 3:
        return tf.reshape(product, [*_sizes(outer[0])[:-1], *_sizes(outer[1])[2:]])
    if ranks[0] == 2:
        return tf.squeeze(product, 1)
    return tf.squeeze(product, -1) if ranks[1] == 2 else product


def _permuted(x: Any, order: list[int]) -> Any:
    return x if order == sorted(order) else tf.transpose(x, order)


def _sizes(x: Any) -> list[Any]:
    """The sizes of a tensor's dimensions: numbers where they are known, else scalar tensors."""
    known = x.shape.as_list()
    return known if None not in known else [tf.shape(x)[i] if n is None else n for i, n in enumerate(known)]


# Shapes


def reshape(x: Any, shape: Any) -> Any:
    """A tensor in another shape."""
    return tf.reshape(x, shape)


def transpose(x: Any) -> Any:
    """A tensor with its dimensions in the reverse order."""
    return tf.transpose(x)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """A tensor with its dimensions in another order."""
    return tf.transpose(x, perm=pattern)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """A tensor with a new dimension of size 1."""
    return tf.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Any:
    """A tensor without a dimension of size 1."""
    return tf.squeeze(x, [axis])


def flatten(x: Any) -> Any:
    """All elements as a vector."""
    return tf.reshape(x, [-1])


def batch_flatten(x: Any) -> Any:
    """The elements of each of a batch as a vector."""
    size = x.shape[1:]
    columns = size.num_elements() if size.is_fully_defined() else tf.reduce_prod(tf.shape(x)[1:])
    return tf.reshape(x, tf.stack([-1, columns]))


def stack(x: Any, axis: int = 0) -> Any:
    """Tensors of one shape as one, along a new dimension."""
    return tf.stack(x, axis=axis)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Tensors one after the other along a dimension; all of them sparse, or ragged, or none."""
    rank = tensors[0].shape.rank
    axis = axis % rank if axis < 0 and rank else builtins.max(axis, 0)
    if builtins.all(is_sparse(x) for x in tensors):
        return tf.sparse.concat(axis, tensors)
    return tf.concat([to_dense(x) for x in tensors], axis)


def gather(reference: Any, indices: Any) -> Any:
    """The rows at some indices."""
    return tf.gather(reference, indices)


def reverse(x: Any, axes: Any) -> Any:
    """A tensor turned around along an axis or several."""
    return tf.reverse(x, [axes] if isinstance(axes, int) else axes)


def tile(x: Any, n: Any) -> Any:
    """A tensor again and again along each dimension."""
    return tf.tile(x, [n] if isinstance(n, int) else n)


def repeat(x: Any, n: int) -> Any:
    """A matrix's rows, `n` times each, along a new second dimension.

    Raises:
        ValueError: it is no matrix.
    """
    if x.shape.rank != 2:
        raise ValueError(f"repeat takes a tensor of rank 2. Received: x.shape={x.shape}")
    return tf.tile(tf.expand_dims(x, 1), tf.stack([1, n, 1]))


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """A tensor with each of its slices along an axis `rep` times."""
    return tf.repeat(x, rep, axis=axis)


def is_sparse(tensor: Any) -> bool:
    """Is it sparse?"""
    return isinstance(getattr(tensor, "_type_spec", None), tf.SparseTensorSpec)


def to_dense(tensor: Any) -> Any:
    """A sparse tensor as a dense one; others as they are."""
    return tf.sparse.to_dense(tensor) if is_sparse(tensor) else tensor


# Functions of elements


def map_fn(fn: Any, elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """What a function gives for each element."""
    return tf.map_fn(fn, elems, dtype=dtype, name=name)


def foldl(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """What a function of the result so far and an element gives in the end, from the first element on."""
    return tf.foldl(fn, elems, initializer=initializer, name=name)


def foldr(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """The same from the last element on."""
    return tf.foldr(fn, elems, initializer=initializer, name=name)


def stop_gradient(variables: Any) -> Any:
    """A tensor, or tensors, through which no gradient flows."""
    if isinstance(variables, (list, tuple)):
        return map(tf.stop_gradient, variables)
    return tf.stop_gradient(variables)
