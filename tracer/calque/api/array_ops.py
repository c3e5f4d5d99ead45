"""Tensors from nothing, their shapes, and moving elements around.

`layout`, an argument of some, is TensorFlow's for tensors on several devices: accepted, and of no effect.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from calque_runtime import dtypes
from calque_runtime.dtypes import as_dtype

from ..context import state
from ..tensor import Tensor
from ..tensor_shape import TensorShape
from .arguments import shape_tensor, tensor
from .raw import raw

__all__ = [
    "batch_to_space",
    "bitcast",
    "broadcast_dynamic_shape",
    "broadcast_static_shape",
    "broadcast_to",
    "concat",
    "depth_to_space",
    "ensure_shape",
    "expand_dims",
    "eye",
    "fill",
    "identity",
    "identity_n",
    "invert_permutation",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "pad",
    "range",
    "rank",
    "required_space_to_batch_paddings",
    "reshape",
    "reverse",
    "reverse_sequence",
    "roll",
    "shape",
    "shape_n",
    "size",
    "space_to_batch",
    "space_to_depth",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "tile",
    "transpose",
    "tuple_",
    "unravel_index",
    "unstack",
    "zeros",
    "zeros_like",
]


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """A tensor of zeros (False, empty strings)."""
    to = as_dtype(dtype).base_dtype
    return _filled(shape, b"" if to is dtypes.string else 0, to, name)


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Any:
    """A tensor of ones (True)."""
    return _filled(shape, 1, as_dtype(dtype).base_dtype, name)


def _filled(shape: Any, value: Any, dtype: Any, name: str | None) -> Any:
    one = tensor(bool(value) if dtype.is_bool else value, dtype)
    return raw("Fill")(shape_tensor(shape), one, name=name)


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Any:
    """A tensor of shape `dims` with `value` everywhere."""
    return raw("Fill")(shape_tensor(dims), tensor(value), name=name)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Zeros in the shape (and type, unless `dtype` says otherwise) of `input`."""
    x = tensor(input)
    if dtype is not None and as_dtype(dtype) is not x.dtype:
        return zeros(_shape_of(x), dtype, name)
    if x.shape.is_fully_defined() and state.trace is not None and x.dtype.is_numpy_compatible:
        return zeros(x.shape, x.dtype, name)  # known without `x`: a variable can start with it in a trace
    return raw("ZerosLike")(x, name=name)


def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Any:
    """Ones in the shape (and type, unless `dtype` says otherwise) of `input`."""
    x = tensor(input)
    return ones(_shape_of(x), x.dtype if dtype is None else dtype, name)


def _shape_of(x: Tensor) -> Any:
    return x.shape if x.shape.is_fully_defined() else shape(x)


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Any:
    """The identity matrix, or a batch of them."""
    columns = num_rows if num_columns is None else num_columns
    least = (
        builtins.min(num_rows, columns) if isinstance(num_rows, int) and isinstance(columns, int) else None
    )
    if least is None:
        from .math_ops import minimum

        least = minimum(num_rows, columns)
    batch = [] if batch_shape is None else batch_shape
    diagonal = ones(concat([shape_tensor(batch), stack([tensor(least, "int32")])], 0), dtype)
    if num_columns is None:
        return raw("MatrixDiagV3")(
            diagonal,
            tensor(0),
            tensor(-1),
            tensor(-1),
            tensor(0, diagonal.dtype),
            align="RIGHT_LEFT",
            name=name,
        )
    full = zeros(
        concat([shape_tensor(batch), stack([tensor(num_rows, "int32"), tensor(columns, "int32")])], 0), dtype
    )
    return raw("MatrixSetDiagV3")(full, diagonal, tensor(0), align="RIGHT_LEFT", name=name)


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range"
) -> Any:
    """Numbers from `start` up to, not including, `limit`, in steps of `delta`; ``range(limit)`` starts at 0."""
    if limit is None:
        start, limit = 0, start
    if dtype is not None:
        from .math_ops import cast

        parts = [cast(tensor(p, hint=dtype), dtype) for p in (start, limit, delta)]
    else:
        parts = [tensor(p) for p in (start, limit, delta)]
        order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
        to = builtins.max((p.dtype for p in parts), key=lambda d: order.index(d) if d in order else 0)
        from .math_ops import cast

        parts = [cast(p, to) for p in parts]
    return raw("Range")(*parts, name=name)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Any:
    """`num` evenly spaced numbers from `start` to `stop`, both included, along a new `axis`."""
    from .math_ops import cast

    a = tensor(start)
    b = tensor(stop, a.dtype)
    if a.shape.rank == 0 and b.shape.rank == 0:
        return raw("LinSpace")(a, b, tensor(num), name=name)
    steps = cast(range(num), a.dtype) / cast(raw("Maximum")(tensor(num) - 1, tensor(1)), a.dtype)
    rank = a.shape.rank or 0
    at = axis % (rank + 1)
    weights = reshape(steps, [1] * at + [-1] + [1] * (rank - at))
    first, last = expand_dims(a, at), expand_dims(b, at)
    return first + (last - first) * weights


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The shape, as a vector of int32 (or `out_type`)."""
    return raw("Shape")(tensor(input), out_type=as_dtype(out_type or dtypes.int32), name=name)


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """The shapes of a list of tensors."""
    return raw("ShapeN")([tensor(x) for x in input], out_type=as_dtype(out_type), name=name)


def size(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The number of elements."""
    return raw("Size")(tensor(input), out_type=as_dtype(out_type or dtypes.int32), name=name)


def rank(input: Any, name: str | None = None) -> Any:
    """The number of dimensions."""
    return raw("Rank")(tensor(input), name=name)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """The same elements in another shape; one size may be -1."""
    from .arguments import tensor as as_tensor

    return raw("Reshape")(as_tensor(tensor), shape_tensor(shape), name=name)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Without the axes of size 1 (all of them, or those in `axis`)."""
    axes = () if axis is None else (axis,) if isinstance(axis, int) else tuple(int(a) for a in axis)
    return raw("Squeeze")(tensor(input), squeeze_dims=axes, name=name)


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """With a new axis of size 1 before `axis`."""
    return raw("ExpandDims")(tensor(input), tensor(axis), name=name)


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Any:
    """The axes in the order `perm` (None: reversed)."""
    x = tensor(a)
    if perm is None:
        known = x.shape.rank
        if known is not None:
            perm = list(builtins.range(known))[::-1]
        else:
            perm = rank(x) - 1 - range(0, rank(x), 1)
    op = "ConjugateTranspose" if conjugate and x.dtype.is_complex else "Transpose"
    return raw(op)(
        x, tensor(perm, "int32") if isinstance(perm, list) and not perm else tensor(perm), name=name
    )


def concat(values: Any, axis: Any, name: str | None = "concat") -> Any:
    """The tensors one behind the other along `axis`."""
    if not isinstance(values, (list, tuple)):
        values = [values]
    like = next(
        (tensor(v).dtype for v in values if isinstance(v, Tensor) or hasattr(v, "__tf_tensor__")), None
    )
    tensors = [tensor(v, None if isinstance(v, Tensor) else like) for v in values]
    if len(tensors) == 1:
        return identity(tensors[0], name=name)
    return raw("ConcatV2")(tensors, tensor(axis), name=name)


def stack(values: Any, axis: int = 0, name: str | None = "stack") -> Any:
    """Tensors of one shape as one tensor with a new `axis`."""
    if isinstance(values, Tensor) and axis == 0:  # stacked already
        return identity(values, name)
    like = next(
        (tensor(v).dtype for v in values if isinstance(v, Tensor) or hasattr(v, "__tf_tensor__")), None
    )
    parts = [tensor(v, None if isinstance(v, Tensor) else like) for v in values]
    return raw("Pack")(parts, axis=axis, name=name)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = "unstack") -> Any:
    """The list of slices along `axis`, without that axis.

    Raises:
        ValueError: the axis' size is not known, and `num` is not given.
    """
    x = tensor(value)
    if num is None:
        known = x.shape
        if known.rank is None:
            raise ValueError(f"Cannot infer argument `num` from shape {known}")
        if not -known.rank <= axis < known.rank:
            raise ValueError(f"Argument `axis` = {axis} not in range [{-known.rank}, {known.rank})")
        num = known[axis]
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape {known}")
    return raw("Unpack")(x, num=num, axis=axis, name=name)


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str | None = "split"
) -> Any:
    """A list of parts along `axis`: so many equal ones, or ones of the given sizes (one may be -1)."""
    x = tensor(value)
    if isinstance(num_or_size_splits, (int, np.integer)):
        return raw("Split")(tensor(axis), x, num_split=int(num_or_size_splits), name=name)
    sizes = shape_tensor(num_or_size_splits)
    count = num if num is not None else sizes.shape[0]
    if count is None:
        raise ValueError(f"Cannot infer argument `num` from shape {sizes.shape}")
    return raw("SplitV")(x, sizes, tensor(axis), num_split=count, name=name)


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """`input` repeated along each axis."""
    return raw("Tile")(tensor(input), shape_tensor(multiples), name=name)


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Any:
    """With more elements before and after each axis: a constant, or a mirror image (REFLECT, SYMMETRIC)."""
    from .arguments import tensor as as_tensor

    x, widths = as_tensor(tensor), as_tensor(paddings, hint=dtypes.int32)
    kind = mode.upper()
    if kind == "CONSTANT":
        if isinstance(constant_values, (int, float)) and constant_values == 0:
            return raw("Pad")(x, widths, name=name)
        return raw("PadV2")(x, widths, as_tensor(constant_values, x.dtype), name=name)
    if kind in ("REFLECT", "SYMMETRIC"):
        return raw("MirrorPad")(x, widths, mode=kind, name=name)
    raise ValueError(
        f"Value of argument `mode` expected to be one of CONSTANT, REFLECT or SYMMETRIC, got {mode!r}."
    )


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """Backwards along the given axes."""
    from .arguments import tensor as as_tensor

    return raw("ReverseV2")(as_tensor(tensor), as_tensor(axis, hint=dtypes.int32), name=name)


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
) -> Any:
    """Each batch entry's first `seq_lengths` elements backwards."""
    return raw("ReverseSequence")(
        tensor(input), tensor(seq_lengths), seq_dim=seq_axis or 0, batch_dim=batch_axis or 0, name=name
    )


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """Shifted along `axis`; what falls off one end comes in at the other."""
    return raw("Roll")(tensor(input), tensor(shift), tensor(axis), name=name)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """`input` repeated to fill `shape`."""
    return raw("BroadcastTo")(tensor(input), shape_tensor(shape), name=name)


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape that two shapes (as vectors) broadcast to."""
    return raw("BroadcastArgs")(shape_tensor(shape_x), shape_tensor(shape_y))


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape that two static shapes broadcast to.

    Raises:
        ValueError: they do not.
    """
    from calque_runtime.errors import InvalidArgumentError
    from calque_runtime.shapes import broadcast

    try:
        return TensorShape(broadcast(TensorShape(shape_x).as_tuple(), TensorShape(shape_y).as_tuple()))
    except InvalidArgumentError:
        raise ValueError(f"Incompatible shapes for broadcasting: {shape_x} and {shape_y}.") from None


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> Any:
    """Coordinate grids of vectors, as numpy.meshgrid."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'")
    vectors = [reshape(a, [-1]) for a in args]
    n = len(vectors)
    sizes = stack([size(v) for v in vectors]) if n else tensor([], "int32")
    grids = [
        broadcast_to(reshape(v, [1] * i + [-1] + [1] * (n - i - 1)), sizes) for i, v in enumerate(vectors)
    ]
    if indexing == "xy" and n > 1:
        order = [1, 0, *builtins.range(2, n)]
        grids = [transpose(g, order) for g in grids]
    return grids


def bitcast(input: Any, type: Any, name: str | None = None) -> Any:
    """The same bits as another type."""
    return raw("Bitcast")(tensor(input), type=as_dtype(type), name=name)


def invert_permutation(x: Any, name: str | None = None) -> Any:
    """The inverse of a permutation."""
    return raw("InvertPermutation")(tensor(x), name=name)


def unravel_index(indices: Any, dims: Any, name: str | None = None) -> Any:
    """Flat positions as coordinates in a tensor of shape `dims`, one column for each position."""
    from .math_ops import floordiv, floormod
    from .reduce_ops import cumprod

    at, sizes = tensor(indices), tensor(dims)
    strides = cumprod(sizes, exclusive=True, reverse=True)
    shaped = reshape(strides, [-1] + [1] * (at.shape.rank or 0))
    return floormod(
        floordiv(expand_dims(at, 0), shaped), reshape(sizes, [-1] + [1] * (at.shape.rank or 0)), name=name
    )


def space_to_depth(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Blocks of space become channels."""
    return raw("SpaceToDepth")(tensor(input), block_size=block_size, data_format=data_format, name=name)


def depth_to_space(input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None) -> Any:
    """Channels become blocks of space."""
    return raw("DepthToSpace")(tensor(input), block_size=block_size, data_format=data_format, name=name)


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Blocks of space become batch entries."""
    return raw("SpaceToBatchND")(tensor(input), shape_tensor(block_shape), shape_tensor(paddings), name=name)


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """Batch entries become blocks of space."""
    return raw("BatchToSpaceND")(tensor(input), shape_tensor(block_shape), shape_tensor(crops), name=name)


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> Any:
    """The paddings (and crops) that make `input_shape` divisible by `block_shape`."""
    sizes, block = shape_tensor(input_shape), shape_tensor(block_shape)
    base = zeros([block.shape[0], 2], sizes.dtype) if base_paddings is None else tensor(base_paddings)
    before, after = base[:, 0], base[:, 1]
    extra = -(sizes + before + after) % block
    return stack([before, after + extra], 1), stack([zeros_like(extra), extra], 1)


def identity(input: Any, name: str | None = None) -> Any:
    """The tensor itself, as a new node."""
    return raw("Identity")(tensor(input), name=name)


def identity_n(input: Any, name: str | None = None) -> Any:
    """The tensors themselves, as one new node."""
    return raw("IdentityN")([tensor(x) for x in input], name=name)


def tuple_(tensors: Any, control_inputs: Any = None, name: str | None = None) -> list[Any]:
    """The tensors (None stays None), none of which is there before all of them and `control_inputs` are."""
    from ..function.graph_mode import control_dependencies

    given = [t if t is None else tensor(t) for t in tensors]
    some = [t for t in given if t is not None]
    if not some:
        raise ValueError(f"Must have at least one Tensor. Received: {given}.")
    with control_dependencies([*some, *(control_inputs or ())]):
        return [t if t is None else identity(t) for t in given]


def stop_gradient(input: Any, name: str | None = None) -> Any:
    """The tensor itself, through which no gradient flows."""
    return raw("StopGradient")(tensor(input), name=name)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """`x`, which must have that (possibly partial) shape when it runs."""
    return raw("EnsureShape")(tensor(x), shape=TensorShape(shape).as_tuple(), name=name)
