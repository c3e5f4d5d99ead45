"""Tensors whose size the graph computes: filled, counted, broadcast, repeated, padded."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Site, op
from ..shapes import Shape, format_shape
from .array import rank, reshape, shape, size, transpose
from .common import check_size, sum_to

__all__: list[str] = []


@op("Fill(dims: index_type, value: T) -> (output: T) | T: type; index_type: type=int32 in index")
def fill(s: Site) -> Kernel:
    """A tensor of shape `dims` whose elements are all `value`."""
    dtype = s.dtypes[1]

    def run(dims: Array, value: Array) -> Array:
        if value.shape not in ((), (1,)):
            raise s.error(f"value must be a scalar, but has shape {format_shape(value.shape)}")
        out = np.empty(check_size(s, np.atleast_1d(dims).tolist(), dtype), dtype.np)
        out[...] = value
        return out

    return run


@fill.shape
def _(s: Site) -> list[Shape]:
    return [s.const_shape(0)]


@fill.grad
def _(c: Call, g: Any) -> list[Any]:
    from .reduce import sum_

    return [None, sum_(g, range_(np.array(0, np.int32), rank(g), np.array(1, np.int32)))]


def _count(start: Any, limit: Any, delta: Any) -> int:
    """How many elements Range has, as TensorFlow counts them: exactly for integers, else in the element type."""
    if delta == 0:
        raise InvalidArgumentError(None, None, f"Requires delta != 0: {delta}")
    if (delta > 0) != (limit >= start) and limit != start:
        order = ("<=", ">") if delta > 0 else (">=", "<")
        raise InvalidArgumentError(
            None,
            None,
            f"Requires start {order[0]} limit when delta {'>' if delta > 0 else '<'} 0: {start}/{limit}",
        )
    if isinstance(start, np.integer):
        return -(-abs(int(limit) - int(start)) // abs(int(delta)))
    count = np.ceil(np.abs((limit - start) / delta))
    if not np.isfinite(count):
        raise InvalidArgumentError(None, None, f"a range from {start} to {limit} by {delta} has no end")
    return int(count)


@op(
    "Range(start: Tidx, limit: Tidx, delta: Tidx) -> (output: Tidx) | Tidx: type=int32 in [bfloat16, half, float, "
    "double, int8, int16, int32, int64, uint16, uint32, uint64]"
)
def range_(s: Site) -> Kernel:
    """start, start + delta, ... up to but without `limit`."""
    dtype = s.dtypes[0]

    def run(start: Array, limit: Array, delta: Array) -> Array:
        first, last, step = (np.reshape(x, -1)[0] for x in (start, limit, delta))
        (count,) = check_size(s, (_count(first, last, step),), dtype)
        if dtype.is_integer:
            return np.arange(count, dtype=dtype.np) * step + first
        return first + np.arange(count).astype(dtype.np) * step

    return run


@range_.shape
def _(s: Site) -> list[Shape]:
    bounds = [np.reshape(b, -1)[0] for b in (s.const(0), s.const(1), s.const(2)) if b is not None]
    return [(_count(*bounds) if len(bounds) == 3 else None,)]


range_.not_differentiable()


@op(
    "LinSpace(start: T, stop: T, num: Tidx) -> (output: T) | T: type in floats; Tidx: type=int32 in index",
)
def lin_space(s: Site) -> Kernel:
    """`num` evenly spaced values from `start` to `stop`, both included."""
    dtype = s.dtypes[0]

    def run(start: Array, stop: Array, num: Array) -> Array:
        n = num.item()
        if n < 1:
            raise s.error(f"Requires num > 0: {n}")
        check_size(s, (n,), dtype)
        if n == 1:
            return np.reshape(start, 1).astype(dtype.np)
        step = (stop - start) / np.array(n - 1, dtype.np)
        out = start + step * np.arange(n).astype(dtype.np)
        out[-1] = stop
        return out

    return run


@lin_space.shape
def _(s: Site) -> list[Shape]:
    num = s.const(2)
    return [(None if num is None else int(num.item()),)]


lin_space.not_differentiable()


@op("BroadcastTo(input: T, shape: Tidx) -> (output: T) | T: type; Tidx: type=int32 in index")
def broadcast_to(s: Site) -> Kernel:
    """The input repeated along new leading axes and axes of size 1, to the shape `shape`."""
    dtype = s.dtypes[0]

    def run(x: Array, sizes: Array) -> Array:
        wanted = sizes.tolist()
        if wanted == list(x.shape):
            return x
        if len(wanted) < x.ndim:
            raise s.error(
                f"Rank of input ({x.ndim}) must be no greater than rank of output shape ({len(wanted)})"
            )
        out = np.empty(check_size(s, wanted, dtype), x.dtype)
        try:
            out[...] = x
        except ValueError:
            raise s.error(
                f"Incompatible shapes: {format_shape(x.shape)} vs. {format_shape(out.shape)}"
            ) from None
        return out

    return run


@broadcast_to.shape
def _(s: Site) -> list[Shape]:
    known, wanted = s.shapes[0], s.const_shape(1)
    if known is not None and wanted is not None:
        if len(known) > len(wanted):
            raise s.error(
                f"Rank of input ({len(known)}) must be no greater than rank of output shape ({len(wanted)})"
            )
        for k, w in zip(known[::-1], wanted[::-1], strict=False):
            if None not in (k, w) and k not in (1, w):
                raise s.error(f"Incompatible shapes: {format_shape(known)} vs. {format_shape(wanted)}")
    return [wanted]


@broadcast_to.grad
def _(c: Call, g: Any) -> list[Any]:
    return [sum_to(g, c.inputs[0]), None]


@op("Tile(input: T, multiples: Tmultiples) -> (output: T) | T: type; Tmultiples: type=int32 in index")
def tile(s: Site) -> Kernel:
    """The input repeated multiples[i] times along axis i."""
    dtype = s.dtypes[0]

    def run(x: Array, multiples: Array) -> Array:
        times = _multiples(multiples, x.ndim)
        check_size(s, (a * b for a, b in zip(x.shape, times, strict=True)), dtype)
        # Every axis of the result is the pair (copy, index within a copy), merged.
        paired = tuple(d for pair in zip(times, x.shape, strict=True) for d in pair)
        spread = x.reshape(tuple(d for n in x.shape for d in (1, n)))
        out = np.empty(paired, x.dtype)
        out[...] = spread
        return out.reshape(tuple(a * b for a, b in zip(x.shape, times, strict=True)))

    return run


def _multiples(multiples: Array, rank: int) -> list[int]:
    times: list[int] = np.atleast_1d(multiples).tolist()
    if len(times) != rank:
        raise InvalidArgumentError(
            None,
            None,
            f"Expected multiples argument to be a vector of length {rank} but got length {len(times)}",
        )
    for i, n in enumerate(times):
        if n < 0:
            raise InvalidArgumentError(None, None, f"Expected multiples[{i}] >= 0, but got {n}")
    return times


@tile.shape
def _(s: Site) -> list[Shape]:
    known, times = s.shapes[0], s.const_shape(1)
    if s.const(1) is not None and known is not None:
        _multiples(s.const(1), len(known))
    if known is None or times is None:
        count = known if times is None else times
        return [None if count is None else (None,) * len(count)]
    return [tuple(None if a is None or b is None else a * b for a, b in zip(known, times, strict=True))]


@tile.grad
def _(c: Call, g: Any) -> list[Any]:
    from .join import pack
    from .reduce import sum_

    x, multiples = c.inputs
    sizes = shape(x, out_type=c["Tmultiples"])
    # [m0, n0, m1, n1, ...]: the copies are the even axes.
    paired = reshape(
        transpose(pack([multiples, sizes]), np.array([1, 0], np.int32)), np.array([-1], np.int32)
    )
    copies = range_(np.array(0, np.int32), size(paired), np.array(2, np.int32))
    return [reshape(sum_(reshape(g, paired), copies), sizes), None]


def _paddings(paddings: Array, rank: int) -> list[tuple[int, int]]:
    if paddings.shape != (rank, 2):
        raise InvalidArgumentError(
            None,
            None,
            f"paddings must have shape [{rank},2] for an input of rank {rank}, but has {format_shape(paddings.shape)}",
        )
    pairs = [(int(a), int(b)) for a, b in paddings]
    for a, b in pairs:
        if a < 0 or b < 0:
            raise InvalidArgumentError(None, None, f"Paddings must be non-negative: {a} {b}")
    return pairs


def _padded_shape(s: Site) -> list[Shape]:
    known, paddings = s.shapes[0], s.const(1)
    if known is None:
        of = s.shapes[1]
        return [None if of is None or len(of) != 2 or of[0] is None else (None,) * of[0]]
    if paddings is None:
        return [(None,) * len(known)]
    pairs = _paddings(paddings, len(known))
    return [tuple(None if d is None else d + a + b for d, (a, b) in zip(known, pairs, strict=True))]


def padded(s: Site, x: Array, pairs: list[tuple[int, int]], value: Any) -> Array:
    """`x` with `value` before and behind it along each axis."""
    sizes = check_size(s, (d + a + b for d, (a, b) in zip(x.shape, pairs, strict=True)), s.dtypes[0])
    out = np.empty(sizes, x.dtype)
    out[...] = value
    place: tuple[Any, ...] = tuple(slice(a, a + d) for d, (a, _) in zip(x.shape, pairs, strict=True))
    out[place + (...,)] = x
    return out


@op("Pad(input: T, paddings: Tpaddings) -> (output: T) | T: type; Tpaddings: type=int32 in index")
def pad(s: Site) -> Kernel:
    """The input with zeros around it: paddings[i] = [before, after] along axis i."""
    zero = b"" if s.dtypes[0].kind == "s" else 0
    return lambda x, paddings: padded(s, x, _paddings(paddings, x.ndim), zero)


pad.shape_rule = _padded_shape


@pad.grad
def _(c: Call, g: Any) -> list[Any]:
    return [_unpadded(c, g), None]


def _unpadded(c: Call, g: Any) -> Any:
    from .indexing import slice_
    from .join import unpack

    x, paddings = c.inputs[:2]
    before, _ = unpack(paddings, num=2, axis=1)
    return slice_(g, before, shape(x, out_type=c["Tpaddings"]))


@op(
    "PadV2(input: T, paddings: Tpaddings, constant_values: T) -> (output: T) | T: type; Tpaddings: type=int32 in index"
)
def pad_v2(s: Site) -> Kernel:
    """The input with `constant_values` around it: paddings[i] = [before, after] along axis i."""

    def run(x: Array, paddings: Array, value: Array) -> Array:
        if value.ndim:
            raise s.error(f"constant_values must be a scalar, but has shape {format_shape(value.shape)}")
        return padded(s, x, _paddings(paddings, x.ndim), value)

    return run


pad_v2.shape_rule = _padded_shape


@pad_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    from .reduce import sum_

    inner = _unpadded(c, g)

    def total(t: Any) -> Any:
        return sum_(reshape(t, np.array([-1], np.int32)), np.array([0], np.int32))

    return [inner, None, total(g) - total(inner)]


def _mirror_index(n: int, before: int, after: int, reflect: bool) -> Array:
    """For each place along a padded axis the place in the input that it mirrors."""
    room = n - 1 if reflect else n
    if before > room or after > room:
        limit, words = ("less than", "not less than") if reflect else ("no greater than", "greater than")
        raise InvalidArgumentError(
            None, None, f"paddings must be {limit} the dimension size: {before}, {after} {words} {n}"
        )
    at = np.arange(-before, n + after)
    edge = 0 if reflect else 1  # SYMMETRIC repeats the border element
    at = np.where(at < 0, -at - edge, at)
    return np.where(at >= n, 2 * n - 2 + edge - at, at)


@op(
    "MirrorPad(input: T, paddings: Tpaddings) -> (output: T) | T: type; Tpaddings: type=int32 in index; "
    "mode: string in ['REFLECT', 'SYMMETRIC']"
)
def mirror_pad(s: Site) -> Kernel:
    """The input with its own mirror image around it; with REFLECT the border element is not repeated."""
    reflect = s["mode"] == b"REFLECT"

    def run(x: Array, paddings: Array) -> Array:
        pairs = _paddings(paddings, x.ndim)
        check_size(s, (d + a + b for d, (a, b) in zip(x.shape, pairs, strict=True)), s.dtypes[0])
        for axis, (a, b) in enumerate(pairs):
            x = x.take(_mirror_index(x.shape[axis], a, b, reflect), axis)
        return x

    return run


mirror_pad.shape_rule = _padded_shape


@mirror_pad.grad
def _(c: Call, g: Any) -> list[Any]:
    return [mirror_pad_grad(g, c.inputs[1], mode=c["mode"]), None]


@op(
    "MirrorPadGrad(input: T, paddings: Tpaddings) -> (output: T) | T: type; Tpaddings: type=int32 in index; "
    "mode: string in ['REFLECT', 'SYMMETRIC']"
)
def mirror_pad_grad(s: Site) -> Kernel:
    """The gradient of MirrorPad: what stands in the padding is added to the elements that it mirrors."""
    reflect = s["mode"] == b"REFLECT"

    def run(g: Array, paddings: Array) -> Array:
        for axis, (a, b) in enumerate(_paddings(paddings, g.ndim)):
            n = g.shape[axis] - a - b
            at = _mirror_index(max(n, 0), a, b, reflect)
            out = np.zeros((n, *np.delete(g.shape, axis)), g.dtype)
            np.add.at(out, at, np.moveaxis(g, axis, 0))
            g = np.moveaxis(out, 0, axis)
        return g

    return run


@mirror_pad_grad.shape
def _(s: Site) -> list[Shape]:
    known, paddings = s.shapes[0], s.const(1)
    if known is None or paddings is None:
        return [None if known is None else (None,) * len(known)]
    pairs = _paddings(paddings, len(known))
    return [tuple(None if d is None else d - a - b for d, (a, b) in zip(known, pairs, strict=True))]


@mirror_pad_grad.grad
def _(c: Call, g: Any) -> list[Any]:
    return [mirror_pad(g, c.inputs[1], mode=c["mode"]), None]
