"""Batch normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import as_dtype
from ..op import Array, Call, Kernel, Op, Site, register
from ..shapes import Dim, Shape, format_shape, merge_dim
from .windows import to_last, to_original

__all__: list[str] = []


def _channels_first(s: Site) -> bool:
    return bool(s["data_format"][1:2] == b"C")


def _check(s: Site, x: Shape, vectors: dict[str, Shape], first: bool) -> Dim:
    """The number of channels.

    Raises:
        InvalidArgumentError: the input is no image or volume, or a vector has not one element for each channel.
    """
    if x is not None and len(x) not in (4, 5):
        raise s.error(f"the input must have rank 4 or 5, but has shape {format_shape(x)}")
    channels = None if x is None else x[1 if first else -1]
    for name, known in vectors.items():
        if known is None:
            continue
        if len(known) != 1 or (None not in (channels, known[0]) and known[0] != channels):
            raise s.error(
                f"{name} must have the same number of elements as the channels of x, got {format_shape(known)} "
                f"and {'?' if channels is None else channels}"
            )
        channels = merge_dim(channels, known[0])
    return channels


def _kernel(s: Site) -> Kernel:
    epsilon, training, factor = (
        np.float32(s["epsilon"]),
        s["is_training"],
        np.float32(s["exponential_avg_factor"]),
    )
    first, dtype = _channels_first(s), s.dtypes[0].np
    stats, has_third = s.dtypes[1].np, len(s.op.signature.outputs) == 6
    keep = np.float32(1) - factor

    def results(y: Array, *vectors: Array) -> list[Array]:
        out = [y, *[v.astype(stats, copy=False) for v in vectors]]
        # What only other devices fill: TensorFlow leaves it empty, of a scalar's shape for volumes.
        return [*out, np.zeros(() if y.ndim == 5 else 0, stats)] if has_third else out

    def run(x: Array, scale: Array, offset: Array, mean: Array, variance: Array) -> list[Array]:
        vectors: dict[str, Shape] = {"scale": scale.shape, "offset": offset.shape}
        if not training or keep != 0:
            vectors |= {"mean": mean.shape, "variance": variance.shape}
        _check(s, x.shape, vectors, first)
        wide, scale, offset = (a.astype(np.float32, copy=False) for a in (to_last(x, first), scale, offset))
        if not training:
            factors = scale / np.sqrt(variance.astype(np.float32, copy=False) + epsilon)
            y = (wide - mean.astype(np.float32, copy=False)) * factors + offset
            return results(to_original(y.astype(dtype, copy=False), first), mean, variance, mean, variance)
        axes = tuple(range(x.ndim - 1))
        count = wide.size // max(wide.shape[-1], 1)
        if count == 0:
            nan = np.full(scale.shape, np.nan, np.float32)
            return results(x, nan, nan, np.zeros_like(nan), np.zeros_like(nan))
        batch_mean = wide.mean(axis=axes)
        centered = wide - batch_mean
        spread = np.square(centered).mean(axis=axes)
        y = centered * (scale / np.sqrt(spread + epsilon)) + offset
        unbiased = spread * np.float32(count / max(count - 1, 1))
        new_mean, new_variance = batch_mean, unbiased
        if keep != 0:
            new_mean = keep * mean.astype(np.float32) + factor * batch_mean
            new_variance = keep * variance.astype(np.float32) + factor * unbiased
        return results(
            to_original(y.astype(dtype, copy=False), first), new_mean, new_variance, batch_mean, spread
        )

    return run


def _shape_rule(s: Site) -> list[Shape]:
    x = s.shapes[0]
    first = _channels_first(s)
    channels = _check(s, x, {"scale": s.shapes[1], "offset": s.shapes[2]}, first)
    third: list[Shape] = [None] if len(s.op.signature.outputs) == 6 else []
    return [x, *[(channels,)] * 4, *third]


def _grad_kernel(s: Site) -> Kernel:
    epsilon, training, first = np.float32(s["epsilon"]), s["is_training"], _channels_first(s)
    dtype, stats = s.dtypes[1].np, s.dtypes[3].np

    def run(
        g: Array, x: Array, scale: Array, mean: Array, variance: Array, third: Array | None = None
    ) -> list[Array]:
        vectors = {"scale": scale.shape, "reserve_space_1": mean.shape, "reserve_space_2": variance.shape}
        _check(s, x.shape, vectors, first)
        if g.shape != x.shape:
            raise s.error(
                f"y_backprop must have shape {format_shape(x.shape)}, but has {format_shape(g.shape)}"
            )
        wide, g, scale, mean, variance = (
            a.astype(np.float32, copy=False)
            for a in (to_last(x, first), to_last(g, first), scale, mean, variance)
        )
        axes, count = tuple(range(x.ndim - 1)), np.float32(max(wide.size // max(wide.shape[-1], 1), 1))
        rate = 1 / np.sqrt(variance + epsilon)
        normal = (wide - mean) * rate
        to_offset, to_scale = g.sum(axis=axes), (g * normal).sum(axis=axes)
        inner = g - to_offset / count - normal * (to_scale / count) if training else g
        to_x = (inner * (scale * rate)).astype(dtype, copy=False)
        none = np.zeros((), stats)
        return [to_original(to_x, first), to_scale.astype(stats), to_offset.astype(stats), none, none]

    return run


def _grad_shape_rule(s: Site) -> list[Shape]:
    channels = _check(s, s.shapes[1], {"scale": s.shapes[2]}, _channels_first(s))
    return [s.shapes[1], (channels,), (channels,), None, None]


_FORMAT = "data_format: string='NHWC' in ['NHWC', 'NCHW']"
_FORMATS = "data_format: string='NHWC' in ['NHWC', 'NCHW', 'NDHWC', 'NCDHW']"


def _batch_norm(version: str, stats: str, types: str, data_format: str) -> tuple[Op, Op]:
    third = "" if version != "V3" else f", reserve_space_3: {stats}"
    common = f"{types}; epsilon: float=9.999999747378752e-05"
    forward = register(
        Op(
            f"FusedBatchNorm{version}(x: T, scale: {stats}, offset: {stats}, mean: {stats}, variance: {stats}) -> "
            f"(y: T, batch_mean: {stats}, batch_variance: {stats}, reserve_space_1: {stats}, reserve_space_2: {stats}"
            f"{third}) | {common}; exponential_avg_factor: float=1.0; {data_format}; is_training: bool=true",
            _kernel,
            "The input normalized by channel, with its own mean and variance in training, else with those given.",
        )
    )
    scale = "T" if stats == "T" else "float"
    grad_types = types.replace("U: type in [bfloat16, float]", "U: type in [float]")
    at = 4 if third else 3
    backward = register(
        Op(
            f"FusedBatchNormGrad{version}(y_backprop: T, x: T, scale: {scale}, reserve_space_1: {stats}, "
            f"reserve_space_2: {stats}{third}) -> (x_backprop: T, scale_backprop: {stats}, offset_backprop: {stats}, "
            f"reserve_space_{at}: {stats}, reserve_space_{at + 1}: {stats}) | "
            f"{grad_types}; epsilon: float=9.999999747378752e-05; {data_format}; is_training: bool=true",
            _grad_kernel,
            f"The gradient of FusedBatchNorm{version} for input, scale and offset.",
        )
    )
    forward.shape_rule, backward.shape_rule = _shape_rule, _grad_shape_rule

    @forward.grad
    def _(c: Call, g: Any, *_: Any) -> list[Any]:
        if g is None:
            return [None] * 5
        x, scale, _, mean, variance = c.inputs
        if c["is_training"]:
            mean, variance = c.outputs[3], c.outputs[4]
        more = [c.outputs[5]] if third else []
        attrs = {name: c[name] for name in ("epsilon", "data_format", "is_training")}
        return [*backward(g, x, scale, mean, variance, *more, **attrs)[:3], None, None]

    @backward.grad
    def _(c: Call, to_x: Any, to_scale: Any, to_offset: Any, *_: Any) -> list[Any]:
        found = _grad_gradient(c, to_x, to_scale, to_offset)
        return [*found, *[None] * (len(c.inputs) - len(found))]

    return forward, backward


def _grad_gradient(c: Call, to_x: Any, to_scale: Any, to_offset: Any) -> list[Any]:
    """The gradients of the gradient's g, x and scale, given those of its three results.

    With h the normalized input, r one by its deviation, and means over all but the channels, the gradient is
    dx = scale r (g - mean(g) - h mean(g h)), dscale = sum(g h), doffset = sum(g); where not training, the means in dx
    are left out and h depends on x alone.
    """
    from .array import reshape, shape
    from .cast import cast
    from .functions import rsqrt
    from .reduce import mean as mean_of
    from .reduce import sum_

    layout = c["data_format"].decode()
    at = layout.index("C")
    over = np.array([i for i in range(len(layout)) if i != at], np.int32)
    by_channel = np.array([-1 if i == at else 1 for i in range(len(layout))], np.int32)

    def wide(vector: Any) -> Any:
        return reshape(cast(vector, DstT="float32"), by_channel)

    def mean(x: Any) -> Any:
        return mean_of(x, over, keep_dims=True)

    g, x, scale, mu, variance = c.inputs[:5]
    g, x = cast(g, DstT="float32"), cast(x, DstT="float32")
    factor, r = wide(scale), rsqrt(wide(variance) + np.float32(c["epsilon"]))
    h = (x - wide(mu)) * r
    # u: of dx; s and o: of dscale and doffset, as far as they have a gradient.
    u = g * 0.0 if to_x is None else cast(to_x, DstT="float32")
    s = factor * 0.0 if to_scale is None else wide(to_scale)
    o = factor * 0.0 if to_offset is None else wide(to_offset)
    if c["is_training"]:
        inner = g - mean(g) - h * mean(g * h)
        of_g = factor * r * (u - mean(u) - h * mean(u * h)) + s * h + o
        of_h = s * g - factor * r * (u * mean(g * h) + mean(u * h) * g)
        of_x = r * (of_h - mean(of_h) - h * mean(of_h * h)) - factor * r * r * h * mean(u * inner)
    else:
        inner = g
        of_g = factor * r * u + s * h + o
        of_x = s * r * g
    of_scale = reshape(sum_(u * inner * r, over), shape(scale))
    kind = as_dtype(c.inputs[1].dtype)
    return [cast(of_g, DstT=kind), cast(of_x, DstT=kind), cast(of_scale, DstT=as_dtype(scale.dtype))]


_MIXED = "T: type in [half, bfloat16, float]; U: type in"
fused_batch_norm, fused_batch_norm_grad = _batch_norm("", "T", "T: type in [float]", _FORMAT)
fused_batch_norm_v2, fused_batch_norm_grad_v2 = _batch_norm("V2", "U", f"{_MIXED} [float]", _FORMAT)
fused_batch_norm_v3, fused_batch_norm_grad_v3 = _batch_norm(
    "V3", "U", f"{_MIXED} [bfloat16, float]", _FORMATS
)
