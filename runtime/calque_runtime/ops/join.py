"""Several tensors into one and one into several: concatenation, stacking, splitting."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Site, op
from ..shapes import Dim, Shape, compatible, format_shape, merge, merge_dim, normalize_axis
from .array import concat_offset, shape_n
from .common import checked_axis, no_nones, shape_of

__all__: list[str] = []


def _joined(shapes: list[Shape], axis: int | None) -> Shape:
    """The shape of a concatenation along `axis` (None: not known)."""
    known = [(i, one) for i, one in enumerate(shapes) if one is not None]
    if not known:
        return None
    first_at, first = known[0]
    rank = len(first)
    for i, one in known:
        if len(one) != rank:
            raise InvalidArgumentError(
                None,
                None,
                "Ranks of all input tensors should match: "
                f"shape[{first_at}] = {format_shape(first)} vs. shape[{i}] = {format_shape(one)}",
            )
    if rank == 0:
        raise InvalidArgumentError(None, None, "Can't concatenate scalars (use tf.stack instead)")
    if axis is None:
        return (None,) * rank
    if not -rank <= axis < rank:
        raise InvalidArgumentError(
            None, None, f"Expected concatenating dimensions in the range [{-rank}, {rank}), but got {axis}"
        )
    axis %= rank
    out: list[Dim] = list(first)
    for i, one in known:
        for d in range(rank):
            if d == axis:
                continue
            if None not in (out[d], one[d]) and out[d] != one[d]:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Dimension {d} in both shapes must be equal: "
                    f"shape[{first_at}] = {format_shape(first)} vs. shape[{i}] = {format_shape(one)}",
                )
            out[d] = merge_dim(out[d], one[d])
    sizes = [None if one is None else one[axis] for one in shapes]
    out[axis] = None if None in sizes else sum(d for d in sizes if d is not None)
    return tuple(out)


def _one_axis(value: Array | None, what: str) -> int | None:
    if value is None:
        return None
    if np.size(value) != 1:
        raise InvalidArgumentError(
            None, None, f"{what} must be one number, but has shape {list(np.shape(value))}"
        )
    return int(value.item())


@op("ConcatV2(values: N*T, axis: Tidx) -> (output: T) | N: int >=2; T: type; Tidx: type=int32 in index")
def concat_v2(s: Site) -> Kernel:
    """The values one behind the other along `axis`."""

    def run(*args: Array) -> Array:
        return np.concatenate(args[:-1], axis=args[-1].item())

    return run


@concat_v2.shape
def _(s: Site) -> list[Shape]:
    n = len(s.shapes) - 1
    return [_joined(list(s.shapes[:n]), _one_axis(s.const(n), "axis"))]


@concat_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    return [*_concat_gradient(c.inputs[:-1], c.inputs[-1], g), None]


def _concat_gradient(values: Any, axis: Any, g: Any) -> list[Any]:
    from .cast import cast
    from .indexing import slice_

    sizes = shape_n(list(values))
    offsets = concat_offset(cast(axis, DstT="int32"), sizes)
    return [slice_(g, begin, size) for begin, size in zip(offsets, sizes, strict=True)]


@op("Concat(concat_dim: int32, values: N*T) -> (output: T) | N: int >=2; T: type")
def concat(s: Site) -> Kernel:
    """The values one behind the other along `concat_dim`."""
    return lambda axis, *values: np.concatenate(values, axis=axis.item())


@concat.shape
def _(s: Site) -> list[Shape]:
    return [_joined(list(s.shapes[1:]), _one_axis(s.const(0), "concat_dim"))]


@concat.grad
def _(c: Call, g: Any) -> list[Any]:
    return [None, *_concat_gradient(c.inputs[1:], c.inputs[0], g)]


@op("Pack(values: N*T) -> (output: T) | N: int >=1; T: type; axis: int=0")
def pack(s: Site) -> Kernel:
    """The values, all of one shape, stacked along a new axis."""
    axis, count, dtype = s["axis"], len(s.dtypes), s.dtypes[0].np

    def run(*values: Array) -> Array:
        one = shape_of(values[0])
        at = normalize_axis(axis, len(one) + 1)
        out = np.empty((*one[:at], count, *one[at:]), dtype)
        before: tuple[Any, ...] = (slice(None),) * at
        for i, value in enumerate(values):
            if shape_of(value) != one:
                raise s.error(
                    f"Shapes of all inputs must match: values[0].shape = {format_shape(one)} != "
                    f"values[{i}].shape = {format_shape(shape_of(value))}"
                )
            out[before + (i, ...)] = value
        return out

    return run


@pack.shape
def _(s: Site) -> list[Shape]:
    one: Shape = None
    for i, known in enumerate(s.shapes):
        if not compatible(one, known):
            raise s.error(
                f"Shapes of all inputs must match: values[0].shape = {format_shape(one)} != "
                f"values[{i}].shape = {format_shape(known)}"
            )
        one = merge(one, known)
    if one is None:
        return [None]
    axis, rank = s["axis"], len(one) + 1
    if not -rank <= axis < rank:
        raise s.error(f"axis = {axis} not in [{-rank}, {rank})")
    axis %= rank
    return [(*one[:axis], len(s.shapes), *one[axis:])]


@pack.grad
def _(c: Call, g: Any) -> list[Any]:
    return list(unpack(g, num=len(c.inputs), axis=c["axis"]))


@op("Unpack(value: T) -> (output: num*T) | num: int >=0; T: type; axis: int=0")
def unpack(s: Site) -> Kernel:
    """The `num` slices of the value along `axis`, without that axis."""
    axis, num, bare = s["axis"], s["num"], s.dtypes[0].kind == "o"

    def run(value: Array) -> list[Array]:
        at = normalize_axis(axis, value.ndim)
        if value.shape[at] != num:
            raise s.error(f"Input shape axis {at} must equal {num}, got shape {format_shape(value.shape)}")
        before: tuple[Any, ...] = (slice(None),) * at
        if bare and value.ndim == 1:
            return list(value)
        return [value[before + (i, ...)] for i in range(num)]

    return run


@unpack.shape
def _(s: Site) -> list[Shape]:
    known, num = s.shapes[0], s["num"]
    if known is None:
        return [None] * num
    axis = normalize_axis(s["axis"], len(known))
    if known[axis] not in (num, None):
        raise s.error(f"Input shape axis {axis} must equal {num}, got shape {format_shape(known)}")
    return [(*known[:axis], *known[axis + 1 :])] * num


@unpack.grad
def _(c: Call, *gs: Any) -> list[Any]:
    return [pack(no_nones(gs, c.outputs), axis=c["axis"])]


def _even(known: tuple[Dim, ...], axis: int, num: int) -> Dim:
    """The size of each of `num` equal parts."""
    whole = known[axis]
    if whole is None:
        return None
    if whole % num:
        raise InvalidArgumentError(
            None,
            None,
            "Number of ways to split should evenly divide the split dimension, but got "
            f"split_dim {axis} (size = {whole}) and num_split {num}",
        )
    return whole // num


def _parts(value: Array, axis: int, sizes: list[int]) -> list[Array]:
    before: tuple[Any, ...] = (slice(None),) * axis
    at, out = 0, []
    for n in sizes:
        out.append(value[before + (slice(at, at + n),)])
        at += n
    return out


@op("Split(split_dim: int32, value: T) -> (output: num_split*T) | num_split: int >=1; T: type")
def split(s: Site) -> Kernel:
    """The value cut into `num_split` equal parts along `split_dim`."""
    num = s["num_split"]

    def run(split_dim: Array, value: Array) -> list[Array]:
        axis = checked_axis(split_dim, value.ndim, "split_dim")
        return _parts(value, axis, [_even(value.shape, axis, num) or 0] * num)

    return run


@split.shape
def _(s: Site) -> list[Shape]:
    axis, known, num = s.const(0), s.shapes[1], s["num_split"]
    if known is None or axis is None:
        return [None if known is None else (None,) * len(known)] * num
    at = checked_axis(axis, len(known), "split_dim")
    return [(*known[:at], _even(known, at, num), *known[at + 1 :])] * num


@split.grad
def _(c: Call, *gs: Any) -> list[Any]:
    return [None, concat_v2(no_nones(gs, c.outputs), c.inputs[0]) if len(gs) > 1 else gs[0]]


@op(
    "SplitV(value: T, size_splits: Tlen, split_dim: int32) -> (output: num_split*T) | num_split: int >=1; T: type; "
    "Tlen: type=int64 in [int8, int32, int64]"
)
def split_v(s: Site) -> Kernel:
    """The value cut into parts of the sizes `size_splits` along `split_dim`; one size may be -1: what is left."""
    num = s["num_split"]

    def run(value: Array, size_splits: Array, split_dim: Array) -> list[Array]:
        axis = checked_axis(split_dim, value.ndim, "split_dim")
        return _parts(value, axis, _split_sizes(size_splits.tolist(), value.shape[axis], axis, num))

    return run


def _split_sizes(sizes: list[int], whole: int, axis: int, num: int) -> list[int]:
    if len(sizes) != num:
        raise InvalidArgumentError(
            None, None, f"size_splits must have num_split = {num} elements, but is {sizes}"
        )
    left = whole - sum(n for n in sizes if n != -1)
    if min(sizes) < -1 or sizes.count(-1) > 1 or left < 0 or (left and -1 not in sizes):
        raise InvalidArgumentError(
            None,
            None,
            f"the sizes {sizes} do not add up to the size {whole} of axis {axis}; one of them may be -1: what is left",
        )
    return [left if n == -1 else n for n in sizes]


@split_v.shape
def _(s: Site) -> list[Shape]:
    known, sizes, axis, num = s.shapes[0], s.const(1), s.const(2), s["num_split"]
    if known is None or axis is None:
        return [None if known is None else (None,) * len(known)] * num
    at = checked_axis(axis, len(known), "split_dim")
    whole = known[at]
    if sizes is None:
        parts: list[Dim] = [whole if num == 1 else None] * num
    elif whole is None:
        parts = [None if n < 0 else n for n in sizes.tolist()]
    else:
        parts = list(_split_sizes(sizes.tolist(), whole, at, num))
    return [(*known[:at], n, *known[at + 1 :]) for n in parts]


@split_v.grad
def _(c: Call, *gs: Any) -> list[Any]:
    return [concat_v2(no_nones(gs, c.outputs), c.inputs[2]) if len(gs) > 1 else gs[0], None, None]
