"""Ops that move elements about: reversing, rolling, blocks of space into depth and batch and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, op, register, registered
from ..shapes import Dim, Shape, format_shape, normalize_axis
from .common import same_shape

__all__: list[str] = []

_REVERSIBLE = "[numeric, bool, string]"


def _flipped(x: Array, axes: set[int]) -> Array:
    key: tuple[Any, ...] = tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))
    return x[key + (...,)]


@op(f"Reverse(tensor: T, dims: bool) -> (output: T) | T: type in {_REVERSIBLE}")
def reverse(s: Site) -> Kernel:
    """The input turned around along the axes at which `dims` is true."""

    def run(x: Array, dims: Array) -> Array:
        if dims.shape != (x.ndim,):
            raise s.error(
                f"dims must have {x.ndim} elements, one for each axis, but has shape {format_shape(dims.shape)}"
            )
        return _flipped(x, set(np.flatnonzero(dims).tolist()))

    return run


reverse.shape_rule = same_shape


@reverse.grad
def _(c: Call, g: Any) -> list[Any]:
    return [reverse(g, c.inputs[1]), None]


@op(f"ReverseV2(tensor: T, axis: Tidx) -> (output: T) | Tidx: type=int32 in index; T: type in {_REVERSIBLE}")
def reverse_v2(s: Site) -> Kernel:
    """The input turned around along each axis in `axis`."""

    def run(x: Array, axis: Array) -> Array:
        axes: set[int] = set()
        for one in np.atleast_1d(axis).tolist():
            at = normalize_axis(one, x.ndim)
            if at in axes:
                raise s.error(f"axis {at} specified more than once.")
            axes.add(at)
        return _flipped(x, axes)

    return run


reverse_v2.shape_rule = same_shape


@reverse_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    return [reverse_v2(g, c.inputs[1]), None]


@op(
    "ReverseSequence(input: T, seq_lengths: Tlen) -> (output: T) | seq_dim: int; batch_dim: int=0; T: type; "
    "Tlen: type=int64 in index"
)
def reverse_sequence(s: Site) -> Kernel:
    """For each i along `batch_dim`, the first seq_lengths[i] slices along `seq_dim` in reverse order."""
    seq_dim, batch_dim = s["seq_dim"], s["batch_dim"]

    def run(x: Array, lengths: Array) -> Array:
        seq, batch = (
            normalize_axis(seq_dim, x.ndim, "seq_dim"),
            normalize_axis(batch_dim, x.ndim, "batch_dim"),
        )
        if seq == batch:
            raise s.error(f"seq_dim and batch_dim must differ, but both are {seq}")
        if lengths.shape != (x.shape[batch],):
            raise s.error(
                f"seq_lengths must have {x.shape[batch]} elements, but has shape {format_shape(lengths.shape)}"
            )
        if lengths.size and (lengths.min() < 0 or lengths.max() > x.shape[seq]):
            raise s.error(f"seq_lengths must be between 0 and {x.shape[seq]}, but are {lengths.tolist()}")
        at = np.arange(x.shape[seq])
        by_batch = np.where(at < lengths[:, None], lengths[:, None] - 1 - at, at)
        if seq < batch:
            by_batch = by_batch.T
        index = by_batch.reshape([d if i in (seq, batch) else 1 for i, d in enumerate(x.shape)])
        return np.take_along_axis(x, index, seq)

    return run


@reverse_sequence.shape
def _(s: Site) -> list[Shape]:
    known = s.shapes[0]
    if known is not None:
        normalize_axis(s["seq_dim"], len(known), "seq_dim")
        normalize_axis(s["batch_dim"], len(known), "batch_dim")
    return [known]


@reverse_sequence.grad
def _(c: Call, g: Any) -> list[Any]:
    return [reverse_sequence(g, c.inputs[1], seq_dim=c["seq_dim"], batch_dim=c["batch_dim"]), None]


@op(
    "Roll(input: T, shift: Tshift, axis: Taxis) -> (output: T) | T: type; Tshift: type in index; Taxis: type in index"
)
def roll(s: Site) -> Kernel:
    """The input with its elements moved `shift` places along `axis`, those that fall off coming back at the front."""

    def run(x: Array, shift: Array, axis: Array) -> Array:
        if x.ndim == 0:
            raise s.error("input must be 1-D or higher")
        if shift.shape != axis.shape or shift.ndim > 1:
            raise s.error(
                "shift and axis must be scalars or vectors of one size, but have the shapes "
                f"{format_shape(shift.shape)} and {format_shape(axis.shape)}"
            )
        axes = [normalize_axis(a, x.ndim) for a in np.atleast_1d(axis).tolist()]
        return np.roll(x, tuple(np.atleast_1d(shift).tolist()), tuple(axes))

    return run


roll.shape_rule = same_shape


@roll.grad
def _(c: Call, g: Any) -> list[Any]:
    return [roll(g, -c.inputs[1], c.inputs[2]), None, None]


def _space_shape(s: Site, known: Any, to_depth: bool) -> Any:
    """The result's shape of SpaceToDepth or DepthToSpace."""
    if len(known) != 4:
        raise s.error(f"the input must have rank 4, but has shape {format_shape(known)}")
    block, first = s["block_size"], s["data_format"] == b"NCHW"
    height, width, depth = known[2:] + known[1:2] if first else known[1:]
    if to_depth:
        for what, d in (("height", height), ("width", width)):
            if d is not None and d % block:
                raise s.error(f"Image {what} {d} should be divisible by block_size: {block}")
        height, width = (None if d is None else d // block for d in (height, width))
        depth = None if depth is None else depth * block * block
    else:
        if depth is not None and depth % (block * block):
            raise s.error(f"Input depth dimension {depth} should be divisible by: {block * block}")
        height, width = (None if d is None else d * block for d in (height, width))
        depth = None if depth is None else depth // (block * block)
    return (known[0], depth, height, width) if first else (known[0], height, width, depth)


def _space_op(name: str, to_depth: bool, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        block, data_format = s["block_size"], s["data_format"]
        if data_format == b"NCHW_VECT_C":
            raise s.unsupported("data_format NCHW_VECT_C")
        first = data_format == b"NCHW"

        def run(x: Array) -> Array:
            out = _space_shape(s, x.shape, to_depth)
            n, *rest = x.shape if to_depth else out
            height, width, depth = rest[1:] + rest[:1] if first else rest
            height, width = height // block, width // block
            # Axes: batch, height, row in block, width, column in block, depth.
            if first and to_depth:
                parts, order = (n, depth, height, block, width, block), (0, 3, 5, 1, 2, 4)
            elif first:
                parts, order = (n, block, block, depth, height, width), (0, 3, 4, 1, 5, 2)
            elif to_depth:
                parts, order = (n, height, block, width, block, depth), (0, 1, 3, 2, 4, 5)
            else:
                parts, order = (n, height, width, block, block, depth), (0, 1, 3, 2, 4, 5)
            return x.reshape(parts).transpose(order).reshape(out)

        return run

    declared = "block_size: int >=2; data_format: string='NHWC' in ['NHWC', 'NCHW', 'NCHW_VECT_C']"
    one = register(Op(f"{name}(input: T) -> (output: T) | T: type; {declared}", kernel, doc))
    one.shape_rule = lambda s: [None if s.shapes[0] is None else _space_shape(s, s.shapes[0], to_depth)]
    return one


space_to_depth: Op = _space_op(
    "SpaceToDepth", True, "Each block_size x block_size square of an image as one deeper pixel."
)
depth_to_space: Op = _space_op(
    "DepthToSpace", False, "Each pixel of an image spread over a block_size x block_size square."
)


@space_to_depth.grad
def _(c: Call, g: Any) -> list[Any]:
    return [depth_to_space(g, block_size=c["block_size"], data_format=c["data_format"])]


@depth_to_space.grad
def _(c: Call, g: Any) -> list[Any]:
    return [space_to_depth(g, block_size=c["block_size"], data_format=c["data_format"])]


def _blocks(
    s: Site, known: tuple[Dim, ...], block: list[int], edges: Array, to_batch: bool
) -> tuple[Dim, ...]:
    """The result's shape of the ops between space and batch: `edges` are paddings or crops."""
    m = len(block)
    if edges.shape != (m, 2) or edges.min(initial=0) < 0:
        raise s.error(f"paddings and crops must be {m} pairs of sizes, but are {edges.tolist()}")
    if len(known) < m + 1:
        raise s.error(f"the input must have rank {m + 1} at least, but has shape {format_shape(known)}")
    if min(block, default=1) < 1:
        raise s.error(f"block sizes must be positive, but are {block}")
    count, batch = math.prod(block), known[0]
    out: list[Dim] = []
    for i, (d, b, (before, after)) in enumerate(zip(known[1 : m + 1], block, edges.tolist(), strict=True)):
        if d is None:
            out.append(None)
        elif to_batch:
            if (d + before + after) % b:
                raise s.error(
                    f"padded_shape[{i}]={d + before + after} is not divisible by block_shape[{i}]={b}"
                )
            out.append((d + before + after) // b)
        else:
            if d * b < before + after:
                raise s.error(f"cropped_shape[{i}]={d * b - before - after} must be non-negative")
            out.append(d * b - before - after)
    if batch is not None:
        if not to_batch and batch % count:
            raise s.error(
                f"Input batch dimension ({batch}) is not divisible by product of block sizes ({count})"
            )
        batch = batch * count if to_batch else batch // count
    return (batch, *out, *known[m + 1 :])


def _to_batch(s: Site, x: Array, block: list[int], paddings: Array) -> Array:
    from .sized import padded

    m, out = len(block), _blocks(s, x.shape, block, paddings, True)
    pairs = [(0, 0), *[(a, b) for a, b in paddings.tolist()], *[(0, 0)] * (x.ndim - m - 1)]
    wide = padded(s, x, pairs, b"" if s.dtypes[0].kind == "s" else 0)
    parts: list[Any] = [x.shape[0]]
    for d, b in zip(out[1 : m + 1], block, strict=True):
        parts += [d, b]
    rest = list(range(2 * m + 1, x.ndim + m))
    order = [*range(2, 2 * m + 1, 2), 0, *range(1, 2 * m + 1, 2), *rest]
    return wide.reshape((*parts, *x.shape[m + 1 :])).transpose(order).reshape(out)


def _from_batch(s: Site, x: Array, block: list[int], crops: Array) -> Array:
    m, out = len(block), _blocks(s, x.shape, block, crops, False)
    order = [m]
    for i in range(m):
        order += [m + 1 + i, i]
    order += list(range(2 * m + 1, x.ndim + m))
    spread = x.reshape((*block, out[0], *x.shape[1:])).transpose(order)
    whole = spread.reshape(
        (out[0], *[d * b for d, b in zip(x.shape[1 : m + 1], block, strict=True)], *x.shape[m + 1 :])
    )
    inner = [slice(a, a + (d or 0)) for (a, _), d in zip(crops.tolist(), out[1:], strict=False)]
    return whole[(slice(None),) + tuple(inner)]


@op(
    "SpaceToBatchND(input: T, block_shape: Tblock_shape, paddings: Tpaddings) -> (output: T) | T: type; "
    "Tblock_shape: type=int32 in index; Tpaddings: type=int32 in index"
)
def space_to_batch_nd(s: Site) -> Kernel:
    """The padded input, each place within the blocks moved to a batch entry of its own."""
    return lambda x, block, paddings: _to_batch(s, x, block.tolist(), paddings)


@op(
    "BatchToSpaceND(input: T, block_shape: Tblock_shape, crops: Tcrops) -> (output: T) | T: type; "
    "Tblock_shape: type=int32 in index; Tcrops: type=int32 in index"
)
def batch_to_space_nd(s: Site) -> Kernel:
    """Batch entries interleaved into blocks of space, then cropped: the inverse of SpaceToBatchND."""
    return lambda x, block, crops: _from_batch(s, x, block.tolist(), crops)


@op(
    "SpaceToBatch(input: T, paddings: Tpaddings) -> (output: T) | T: type; Tpaddings: type=int32 in index; "
    "block_size: int >=2"
)
def space_to_batch(s: Site) -> Kernel:
    """SpaceToBatchND of images with a square block."""
    block = [s["block_size"]] * 2
    return lambda x, paddings: _to_batch(s, x, block, paddings)


@op(
    "BatchToSpace(input: T, crops: Tidx) -> (output: T) | T: type; block_size: int >=2; Tidx: type=int32 in index"
)
def batch_to_space(s: Site) -> Kernel:
    """BatchToSpaceND of images with a square block."""
    block = [s["block_size"]] * 2
    return lambda x, crops: _from_batch(s, x, block, crops)


def _block_shape_rule(one: Op, inverse: Op, to_batch: bool, nd: bool) -> None:
    def shape_rule(s: Site) -> list[Shape]:
        known = s.shapes[0]
        block = s.const(1) if nd else np.array([s["block_size"]] * 2)
        edges = s.const(2 if nd else 1)
        if known is None or block is None or edges is None:
            return [None if known is None else (None,) * len(known)]
        return [_blocks(s, known, block.tolist(), edges, to_batch)]

    def gradient(c: Call, g: Any) -> list[Any]:
        attrs = {} if nd else {"block_size": c["block_size"]}
        return [inverse(g, *c.inputs[1:], **attrs)] + [None] * (len(c.inputs) - 1)

    one.shape_rule, one.gradient = shape_rule, gradient


_block_shape_rule(space_to_batch_nd, batch_to_space_nd, True, True)
_block_shape_rule(batch_to_space_nd, space_to_batch_nd, False, True)
_block_shape_rule(space_to_batch, batch_to_space, True, False)
_block_shape_rule(batch_to_space, space_to_batch, False, False)

# What docs/ops.md says of limits.
for _names, _words in (("SpaceToDepth DepthToSpace", "refused: data_format NCHW_VECT_C"),):
    for _name in _names.split():
        registered()[_name].limited(_words)
