"""Shapes as values, and ops that give the same elements another shape or order of axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Site, op
from ..shapes import Dim, Shape, broadcast, format_shape, known_size, merge, normalize_axis
from .common import checked_axis, same_shape, scalar, shape_of

__all__: list[str] = []


@op("Shape(input: T) -> (output: out_type) | T: type; out_type: type=int32 in index")
def shape(s: Site) -> Kernel:
    """The input's shape, as a vector."""
    dtype = s["out_type"].np
    return lambda x: np.array(shape_of(x), dtype)


@shape.shape
def _(s: Site) -> list[Shape]:
    return [_rank_vector(s.shapes[0])]


shape.not_differentiable()


def _rank_vector(known: Shape) -> Shape:
    """The shape of a vector with an element for each axis of a tensor."""
    return (None if known is None else len(known),)


@op("ShapeN(input: N*T) -> (output: N*out_type) | N: int >=1; T: type; out_type: type=int32 in index")
def shape_n(s: Site) -> Kernel:
    """Each input's shape, as vectors."""
    dtype = s["out_type"].np
    return lambda *xs: [np.array(shape_of(x), dtype) for x in xs]


@shape_n.shape
def _(s: Site) -> list[Shape]:
    return [_rank_vector(known) for known in s.shapes]


shape_n.not_differentiable()


@op("Size(input: T) -> (output: out_type) | T: type; out_type: type=int32 in index")
def size(s: Site) -> Kernel:
    """The number of elements."""
    dtype = s["out_type"].np
    return lambda x: np.array(x.size, dtype)


size.shape_rule = scalar
size.not_differentiable()


@op("Rank(input: T) -> (output: int32) | T: type")
def rank(s: Site) -> Kernel:
    """The number of axes."""
    return lambda x: np.array(len(shape_of(x)), np.int32)


rank.shape_rule = scalar
rank.not_differentiable()


@op("Reshape(tensor: T, shape: Tshape) -> (output: T) | T: type; Tshape: type=int32 in index")
def reshape(s: Site) -> Kernel:
    """The same elements in row-major order in another shape; one size may be -1: what is left."""

    def run(x: Array, sizes: Array) -> Array:
        wanted = sizes.tolist()
        if not isinstance(wanted, list):
            wanted = [wanted]
        if wanted and min(wanted) <= 0:
            _check_sizes(wanted)
            if 0 in wanted and -1 in wanted:
                wanted[wanted.index(-1)] = _left_of_empty(x.shape, wanted)
        return x.reshape(wanted)

    return run


def _check_sizes(sizes: list[int]) -> None:
    if min(sizes) < -1:
        at = next(i for i, size in enumerate(sizes) if size < -1)
        raise InvalidArgumentError(
            None, None, f"Size {at} must be non-negative, not {sizes[at]}: the shape is {sizes}"
        )
    if sizes.count(-1) > 1:
        raise InvalidArgumentError(
            None, None, f"the shape must be a vector of sizes, one of which may be -1, but is {sizes}"
        )


def _left_of_empty(known: tuple[int, ...], sizes: list[int]) -> int:
    """The size -1 of a shape that has zeros: TensorFlow leaves the zeros out on both sides and rounds down."""
    return math.prod(d for d in known if d) // math.prod(d for d in sizes if d > 0)


@reshape.shape
def _(s: Site) -> list[Shape]:
    wanted, values = s.const_shape(1), s.const(1)
    if wanted is None:
        return [None]
    if values is not None and values.size:
        _check_sizes(np.atleast_1d(values).tolist())
    count, unknown = known_size(s.shapes[0]), [i for i, d in enumerate(wanted) if d is None]
    if count is None:
        return [wanted]
    rest = known_size(tuple(d for d in wanted if d is not None)) or 0
    if not unknown:
        if rest != count:
            raise s.error(
                f"Input to reshape is a tensor with {count} values, but the requested shape has {rest}"
            )
    elif len(unknown) == 1:
        if rest == 0:
            return [wanted]
        if count % rest:
            raise s.error(
                f"Input to reshape is a tensor with {count} values, but the shape requires a multiple of {rest}"
            )
        return [tuple(count // rest if d is None else d for d in wanted)]
    return [wanted]


@reshape.grad
def _(c: Call, g: Any) -> list[Any]:
    return [reshape(g, shape(c.inputs[0])), None]


@op("ExpandDims(input: T, dim: Tdim) -> (output: T) | T: type; Tdim: type=int32 in index")
def expand_dims(s: Site) -> Kernel:
    """The input with an axis of size 1 inserted before axis `dim`, counted from the end where it is negative."""

    def run(x: Array, dim: Array) -> Array:
        axis = normalize_axis(dim.item(), x.ndim + 1, "dim")
        return x.reshape(*x.shape[:axis], 1, *x.shape[axis:])

    return run


@expand_dims.shape
def _(s: Site) -> list[Shape]:
    known, dim = s.shapes[0], s.const(1)
    if known is None:
        return [None]
    if dim is None:
        return [(None,) * (len(known) + 1)]
    axis = checked_axis(dim, len(known) + 1, "dim")
    return [(*known[:axis], 1, *known[axis:])]


@expand_dims.grad
def _(c: Call, g: Any) -> list[Any]:
    return [reshape(g, shape(c.inputs[0])), None]


@op("Squeeze(input: T) -> (output: T) | T: type; squeeze_dims: list(int)=[] >=0")
def squeeze(s: Site) -> Kernel:
    """The input without the axes `squeeze_dims`, which must have size 1; without any of size 1 where none is given."""
    dims = s["squeeze_dims"]
    return lambda x: x.reshape(_squeezed(x.shape, dims))


def _squeezed(known: tuple[Dim, ...], dims: tuple[int, ...]) -> tuple[Dim, ...]:
    if not dims:
        return tuple(d for d in known if d != 1)
    gone = {normalize_axis(d, len(known), "squeeze_dims") for d in dims}
    for d in gone:
        if known[d] not in (1, None):
            raise InvalidArgumentError(
                None, None, f"Can not squeeze dim[{d}], expected a dimension of 1, got {known[d]}"
            )
    return tuple(d for i, d in enumerate(known) if i not in gone)


@squeeze.shape
def _(s: Site) -> list[Shape]:
    known, dims = s.shapes[0], s["squeeze_dims"]
    if known is None or (not dims and None in known):
        return [None]
    return [_squeezed(known, dims)]


@squeeze.grad
def _(c: Call, g: Any) -> list[Any]:
    return [reshape(g, shape(c.inputs[0]))]


def _permutation(perm: Array, rank: int) -> list[int]:
    axes = perm.tolist()
    if len(axes) != rank:
        raise InvalidArgumentError(
            None, None, f"perm must have {rank} elements, one for each axis, but is {axes}"
        )
    axes = [normalize_axis(axis, rank, "perm") for axis in axes]
    if len(set(axes)) != rank:
        raise InvalidArgumentError(None, None, f"perm must name every axis once, but is {axes}")
    return axes


@op("Transpose(x: T, perm: Tperm) -> (y: T) | T: type; Tperm: type=int32 in index")
def transpose(s: Site) -> Kernel:
    """The input with its axes in the order `perm`: axis i of the result is axis perm[i] of `x`."""
    perm, known = s.const(1), s.shapes[0]
    if (
        perm is not None
        and known is not None
        and sorted(axes := (perm % max(len(known), 1)).tolist()) == list(range(len(known)))
    ):
        return lambda x, perm: x.transpose(axes)
    return lambda x, perm: x.transpose(_permutation(perm, x.ndim))


def _transposed_shape(s: Site) -> list[Shape]:
    known, perm = s.shapes[0], s.const(1)
    if perm is None:
        count = known if known is not None else s.const_shape(1)
        return [None if count is None else (None,) * len(count)]
    if known is None:
        return [(None,) * len(perm)]
    return [tuple(known[i] for i in _permutation(perm, len(known)))]


transpose.shape_rule = _transposed_shape


@transpose.grad
def _(c: Call, g: Any) -> list[Any]:
    return [transpose(g, invert_permutation(c.inputs[1])), None]


@op("ConjugateTranspose(x: T, perm: Tperm) -> (y: T) | T: type; Tperm: type=int32 in index")
def conjugate_transpose(s: Site) -> Kernel:
    """The complex conjugate, its axes in the order `perm`."""
    if s.dtypes[0].is_complex:
        return lambda x, perm: np.conj(x.transpose(_permutation(perm, x.ndim)))
    return lambda x, perm: x.transpose(_permutation(perm, x.ndim))


conjugate_transpose.shape_rule = _transposed_shape


@conjugate_transpose.grad
def _(c: Call, g: Any) -> list[Any]:
    return [conjugate_transpose(g, invert_permutation(c.inputs[1])), None]


@op("InvertPermutation(x: T) -> (y: T) | T: type=int32 in index")
def invert_permutation(s: Site) -> Kernel:
    """The permutation that undoes `x`: y[x[i]] = i."""

    def run(x: Array) -> Array:
        if x.ndim != 1:
            raise s.error(f"a permutation must be a vector, but has shape {format_shape(x.shape)}")
        n = len(x)
        if n and not (x.min() >= 0 and x.max() < n):
            wrong = x[(x < 0) | (x >= n)][0]
            raise s.error(f"{wrong} is not between 0 and {n}")
        y = np.full(n, -1, x.dtype)
        y[x] = np.arange(n, dtype=x.dtype)
        if n and y.min() < 0:
            raise s.error(f"{x.tolist()} is no permutation: an element is duplicated")
        return y

    return run


@invert_permutation.shape
def _(s: Site) -> list[Shape]:
    return [merge(s.shapes[0], (None,))]


invert_permutation.not_differentiable()


@op("EnsureShape(input: T) -> (output: T) | shape: shape; T: type")
def ensure_shape(s: Site) -> Kernel:
    """The input, which must have the shape `shape` as far as that is known."""
    wanted: Shape = s["shape"]
    if wanted is None:
        return lambda x: x
    sizes = wanted

    def run(x: Array) -> Array:
        if len(x.shape) != len(sizes) or any(d not in (None, n) for d, n in zip(sizes, x.shape, strict=True)):
            raise s.error(
                f"Shape of tensor input {format_shape(x.shape)} is not compatible with expected shape "
                f"{format_shape(sizes)}"
            )
        return x

    return run


@ensure_shape.shape
def _(s: Site) -> list[Shape]:
    return [merge(s.shapes[0], s["shape"])]


@ensure_shape.grad
def _(c: Call, g: Any) -> list[Any]:
    return [g]


@op("BroadcastArgs(s0: T, s1: T) -> (r0: T) | T: type=int32 in index")
def broadcast_args(s: Site) -> Kernel:
    """The shape that tensors of shapes `s0` and `s1` broadcast to."""
    return lambda a, b: np.array(broadcast(tuple(a.tolist()), tuple(b.tolist())), a.dtype)


@broadcast_args.shape
def _(s: Site) -> list[Shape]:
    a, b = s.const_shape(0), s.const_shape(1)
    return [(None if a is None or b is None else max(len(a), len(b)),)]


broadcast_args.not_differentiable()


@op(
    "ConcatOffset(concat_dim: int32, shape: N*shape_type) -> (offset: N*shape_type) | N: int >=2; "
    "shape_type: type=int32 in index"
)
def concat_offset(s: Site) -> Kernel:
    """Where each of several tensors begins in their concatenation along `concat_dim`."""

    def run(dim: Array, *shapes: Array) -> list[Array]:
        axis, at, out = normalize_axis(dim.item(), len(shapes[0]), "concat_dim"), 0, []
        for one in shapes:
            if len(one) != len(shapes[0]) or (np.delete(one, axis) != np.delete(shapes[0], axis)).any():
                raise s.error(
                    f"the shapes {shapes[0].tolist()} and {one.tolist()} differ in more than axis {axis}, along which "
                    "they are concatenated"
                )
            offset = np.zeros_like(one)
            offset[axis] = at
            at += one[axis]
            out.append(offset)
        return out

    return run


@concat_offset.shape
def _(s: Site) -> list[Shape]:
    return list(s.shapes[1:])


concat_offset.not_differentiable()


@op("ZerosLike(x: T) -> (y: T) | T: type")
def zeros_like(s: Site) -> Kernel:
    """Zeros (empty strings, False) in the input's shape."""
    dtype = s.dtypes[0]
    if dtype.kind == "s":
        return lambda x: np.full(x.shape, b"", object)
    if dtype.kind == "o":
        from ..lists import zeros_like as zeros_like_variant

        return zeros_like_variant
    return lambda x: np.zeros(x.shape, x.dtype)


zeros_like.shape_rule = same_shape
zeros_like.not_differentiable()


@op(
    "OnesLike(x: T) -> (y: T) | T: type in [bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, "
    "int64, uint64, complex64, complex128, bool]"
)
def ones_like(s: Site) -> Kernel:
    """Ones (True) in the input's shape."""
    return lambda x: np.ones(x.shape, x.dtype)


ones_like.shape_rule = same_shape
ones_like.not_differentiable()
