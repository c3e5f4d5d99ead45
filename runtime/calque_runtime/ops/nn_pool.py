"""Pooling: the maximum or the mean of each window, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, register, registered
from ..shapes import Shape, fixed, format_shape, is_static
from .array import shape, zeros_like
from .common import check_size
from .windows import Windows, to_last, to_original, windows_of

__all__: list[str] = []


def _lowest(dtype: Any) -> Any:
    """What padding is for a maximum: no greater than any element."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return -np.inf


def _window_axes(windows: Windows) -> tuple[int, ...]:
    rank = len(windows.stride)
    return tuple(range(1 + rank, 1 + 2 * rank))


def _max(windows: Windows, x: Array) -> Array:
    return windows.view(x, windows.size, _lowest(x.dtype)).max(axis=_window_axes(windows))


def _counts(windows: Windows, spatial: tuple[int, ...]) -> Array:
    """How many elements of the input each window covers: (1, *windows, 1)."""
    ones = np.ones((1, *spatial, 1), np.float32)
    return windows.view(ones, windows.size, 0).sum(axis=_window_axes(windows))


def _mean(windows: Windows, x: Array) -> Array:
    wide = x.astype(np.float32) if x.dtype.itemsize < 4 else x
    total = windows.view(wide, windows.size, 0).sum(axis=_window_axes(windows))
    return (total / _counts(windows, x.shape[1:-1]).astype(wide.dtype)).astype(x.dtype, copy=False)


def _pool_shape(s: Site, known: Shape, windows: Windows) -> Shape:
    rank = len(windows.stride) + 2
    if known is None:
        return (None,) * rank
    if len(known) != rank:
        raise s.error(f"the input must have rank {rank}, but has shape {format_shape(known)}")
    out = windows.out(known[2:] if windows.first else known[1:-1], windows.size)
    return (known[0], known[1], *out) if windows.first else (known[0], *out, known[-1])


def _blocked(s: Site, windows: Windows, run: Callable[[Windows, Array], Array]) -> Kernel | None:
    """The kernel for images of known shape, where there is a special one."""
    known = _pool_shape(s, s.shapes[0], windows)
    if len(windows.stride) != 2 or not is_static(s.shapes[0]) or not is_static(known):
        return None
    if min(fixed(known)) == 0 or not s.dtypes[0].is_numpy_compatible:
        return None
    from ..kernels.pool import pool

    shape, dtype = fixed(s.shapes[0]), s.dtypes[0].np
    wide, counts = dtype, None
    if run is _mean:
        wide = np.dtype(np.float32) if dtype.itemsize < 4 else dtype
        spatial = shape[2:] if windows.first else shape[1:3]
        counts = _counts(windows, spatial).astype(wide)
    # Channels first, each channel is an image of its own.
    last = (shape[0] * shape[1], *shape[2:], 1) if windows.first else shape
    combine, padding = (np.add, 0) if run is _mean else (np.maximum, _lowest(dtype))
    inner = pool(windows, last, wide, combine, padding, counts)
    if wide is dtype and not windows.first:
        return inner

    def around(x: Array) -> Array:
        out = inner(np.ascontiguousarray(x, wide).reshape(last))
        return out.reshape(fixed(known)).astype(dtype, copy=False)

    around.shares = inner.shares  # type: ignore[attr-defined]
    return around


def _pool(
    name: str, arg: str, types: str, attrs: str, run: Callable[[Windows, Array], Array], doc: str
) -> Op:
    def kernel(s: Site) -> Kernel:
        windows = windows_of(s)
        blocked = _blocked(s, windows, run)
        if blocked is not None:
            return blocked

        def pooled(x: Array) -> Array:
            _pool_shape(s, x.shape, windows)
            return to_original(run(windows, to_last(x, windows.first)), windows.first)

        return pooled

    one = register(Op(f"{name}({arg}: T) -> (output: T) | T: {types}; {attrs}", kernel, doc))
    one.shape_rule = lambda s: [_pool_shape(s, s.shapes[0], windows_of(s))]
    return one


def _maxima_gradient(windows: Windows, x: Array, y: Array, g: Array) -> Array:
    """Each window's gradient to the first of its elements that equals the maximum; in volumes, to all of them."""
    view = windows.view(x, windows.size, _lowest(x.dtype))
    axes = _window_axes(windows)
    rank = len(axes)
    flat = np.moveaxis(view, axes, range(-rank, 0)).reshape(*y.shape, -1)
    greatest = flat == y[..., None]
    wide = g.astype(np.float32) if g.dtype.itemsize < 4 and g.dtype.kind not in "iu" else g
    if rank == 3:
        parts = np.where(greatest, wide[..., None], wide.dtype.type(0))
    else:
        parts = np.zeros(greatest.shape, wide.dtype)
        np.put_along_axis(parts, greatest.argmax(axis=-1)[..., None], wide[..., None], -1)
    parts = np.moveaxis(parts.reshape(*y.shape, *windows.size), range(-rank, 0), axes)
    return windows.fold(parts, x.shape[1:-1], windows.size).astype(g.dtype, copy=False)


def _second_maxima_gradient(windows: Windows, x: Array, y: Array, g: Array) -> Array:
    """The gradient of the gradient: what `g` holds where each window's maximum stands."""
    axes = _window_axes(windows)
    rank = len(axes)

    def flat(a: Array, value: Any) -> Array:
        moved = np.moveaxis(windows.view(a, windows.size, value), axes, range(-rank, 0))
        return moved.reshape(*y.shape, -1)

    chosen = (flat(x, _lowest(x.dtype)) == y[..., None]).argmax(axis=-1)
    return np.take_along_axis(flat(g, 0), chosen[..., None], -1)[..., 0]


def _check_maxima(s: Site, windows: Windows, x: Array, y: Array, g: Array, like: int) -> None:
    if _pool_shape(s, x.shape, windows) != y.shape or g.shape != (x.shape if like else y.shape):
        raise s.error(
            "orig_input, orig_output and grad do not belong together: they have the shapes "
            f"{format_shape(x.shape)}, {format_shape(y.shape)} and {format_shape(g.shape)}"
        )


def _from_maxima(
    name: str,
    types: str,
    attrs: str,
    run: Callable[[Windows, Array, Array, Array], Array],
    doc: str,
    like: int,
    args: str = "orig_input: T, orig_output: T, grad: T",
) -> Op:
    def kernel(s: Site) -> Kernel:
        windows = windows_of(s)

        def both(x: Array, y: Array, g: Array) -> Array:
            _check_maxima(s, windows, x, y, g, like)
            x, y, g = (to_last(a, windows.first) for a in (x, y, g))
            return to_original(run(windows, x, y, g), windows.first)

        return both

    one = register(Op(f"{name}({args}) -> (output: T) | T: {types}; {attrs}", kernel, doc))
    one.shape_rule = lambda s: [s.shapes[like]]
    return one


def _attrs(c: Call) -> dict[str, Any]:
    names = ("ksize", "strides", "padding", "explicit_paddings", "data_format")
    return {n: c[n] for n in names if n in c.op.signature.attrs}


_SIZE_2D = "ksize: list(int) >=4; strides: list(int) >=4"
_SIZE_3D = "ksize: list(int) >=5; strides: list(int) >=5"
_PLAIN = "padding: string in ['SAME', 'VALID']"
_PADDING = "padding: string in ['SAME', 'VALID', 'EXPLICIT']; explicit_paddings: list(int)=[]"
_FORMAT_2D = "data_format: string='NHWC' in ['NHWC', 'NCHW']"
_FORMAT_3D = "data_format: string='NDHWC' in ['NDHWC', 'NCDHW']"
_ANY_FORMAT = "data_format: string='NHWC' in ['NHWC', 'NCHW', 'NCHW_VECT_C']"
_POOLED = "type=float in [floats, int32, int64, uint8, int16, int8, uint16, qint8]"

max_pool: Op = _pool(
    "MaxPool", "input", _POOLED, f"{_SIZE_2D}; {_PADDING}; {_ANY_FORMAT}", _max, "The maximum of each window."
)
max_pool_3d: Op = _pool(
    "MaxPool3D",
    "input",
    "type in [half, bfloat16, float]",
    f"{_SIZE_3D}; {_PLAIN}; {_FORMAT_3D}",
    _max,
    "The maximum of each window of a volume.",
)
avg_pool: Op = _pool(
    "AvgPool",
    "value",
    "type in floats",
    f"{_SIZE_2D}; {_PLAIN}; {_FORMAT_2D}",
    _mean,
    "The mean of what each window covers of the image.",
)
avg_pool_3d: Op = _pool(
    "AvgPool3D",
    "input",
    "type in floats",
    f"{_SIZE_3D}; {_PLAIN}; {_FORMAT_3D}",
    _mean,
    "The mean of what each window covers of the volume.",
)
max_pool_grad: Op = _from_maxima(
    "MaxPoolGrad",
    "type=float in real",
    f"{_SIZE_2D}; {_PADDING}; {_FORMAT_2D}",
    _maxima_gradient,
    "The gradient of MaxPool: to the first of the greatest elements of each window.",
    0,
)
max_pool_3d_grad: Op = _from_maxima(
    "MaxPool3DGrad",
    "type=float in [half, bfloat16, float]",
    f"TInput: type=float in [half, bfloat16, float]; {_SIZE_3D}; {_PLAIN}; {_FORMAT_3D}",
    _maxima_gradient,
    "The gradient of MaxPool3D: to each of the greatest elements of each window.",
    0,
    "orig_input: TInput, orig_output: TInput, grad: T",
)
max_pool_grad_grad: Op = _from_maxima(
    "MaxPoolGradGrad",
    "type in real",
    f"{_SIZE_2D}; {_PLAIN}; {_FORMAT_2D}",
    _second_maxima_gradient,
    "The gradient of MaxPoolGrad: what `grad` holds where each window's maximum stands.",
    1,
)
max_pool.gradient = lambda c, g: [max_pool_grad(c.inputs[0], c.outputs[0], g, **_attrs(c))]
max_pool_3d.gradient = lambda c, g: [max_pool_3d_grad(c.inputs[0], c.outputs[0], g, **_attrs(c))]


@max_pool_grad.grad
def _(c: Call, g: Any) -> list[Any]:
    attrs = {k: v for k, v in _attrs(c).items() if k != "explicit_paddings"}
    x, y, _ = c.inputs
    return [zeros_like(x), zeros_like(y), max_pool_grad_grad(x, y, g, **attrs)]


def _max_pool_v2(s: Site) -> Kernel:
    def run(x: Array, size: Array, strides: Array) -> Array:
        windows = windows_of(s, size.tolist(), strides.tolist())
        _pool_shape(s, x.shape, windows)
        return to_original(_max(windows, to_last(x, windows.first)), windows.first)

    return run


max_pool_v2: Op = register(
    Op(
        f"MaxPoolV2(input: T, ksize: int32, strides: int32) -> (output: T) | T: {_POOLED}; {_PLAIN}; {_ANY_FORMAT}",
        _max_pool_v2,
        "The maximum of each window, whose size and strides are inputs.",
    )
)


@max_pool_v2.shape
def _(s: Site) -> list[Shape]:
    size, strides = s.const(1), s.const(2)
    if size is None or strides is None:
        return [None if s.shapes[0] is None else (None,) * len(s.shapes[0])]
    return [_pool_shape(s, s.shapes[0], windows_of(s, size.tolist(), strides.tolist()))]


def _from_maxima_v2(
    name: str, types: str, run: Callable[[Windows, Array, Array, Array], Array], doc: str, like: int
) -> Op:
    """Declare the version of a gradient op that takes size and strides as inputs."""

    def kernel(s: Site) -> Kernel:
        def all_five(x: Array, y: Array, g: Array, size: Array, strides: Array) -> Array:
            windows = windows_of(s, size.tolist(), strides.tolist())
            _check_maxima(s, windows, x, y, g, like)
            x, y, g = (to_last(a, windows.first) for a in (x, y, g))
            return to_original(run(windows, x, y, g), windows.first)

        return all_five

    args = "orig_input: T, orig_output: T, grad: T, ksize: int32, strides: int32"
    one = register(Op(f"{name}({args}) -> (output: T) | T: {types}; {_PLAIN}; {_FORMAT_2D}", kernel, doc))
    one.shape_rule = lambda s: [s.shapes[like]]
    return one


max_pool_grad_v2: Op = _from_maxima_v2(
    "MaxPoolGradV2", "type=float in real", _maxima_gradient, "The gradient of MaxPoolV2.", 0
)
max_pool_grad_grad_v2: Op = _from_maxima_v2(
    "MaxPoolGradGradV2", "type in real", _second_maxima_gradient, "The gradient of MaxPoolGradV2.", 1
)


@max_pool_grad_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    x, y, _, size, strides = c.inputs
    attrs = {"padding": c["padding"], "data_format": c["data_format"]}
    second = max_pool_grad_grad_v2(x, y, g, size, strides, **attrs)
    return [zeros_like(x), zeros_like(y), second, None, None]


@max_pool_v2.grad
def _(c: Call, g: Any) -> list[Any]:
    x, size, strides = c.inputs
    attrs = {"padding": c["padding"], "data_format": c["data_format"]}
    return [max_pool_grad_v2(x, c.outputs[0], g, size, strides, **attrs), None, None]


def _mean_gradient(name: str, size: str, data_format: str, of: Op) -> Op:
    """Declare the gradient of a mean over windows."""

    def kernel(s: Site) -> Kernel:
        windows, dtype = windows_of(s), s.dtypes[1]

        def run(sizes: Array, g: Array) -> Array:
            wanted = check_size(s, sizes.tolist(), dtype)
            if _pool_shape(s, wanted, windows) != g.shape:
                raise s.error(
                    f"a gradient of shape {format_shape(g.shape)} does not belong to an input of {list(wanted)}"
                )
            spatial = wanted[2:] if windows.first else wanted[1:-1]
            last = to_last(g, windows.first)
            wide = last.astype(np.float32) if dtype.size < 4 else last
            share = wide / _counts(windows, spatial).astype(wide.dtype)
            rank = len(spatial)
            spread = share.reshape(*share.shape[:-1], *(1,) * rank, share.shape[-1])
            parts = np.broadcast_to(spread, (*share.shape[:-1], *windows.size, share.shape[-1]))
            out = windows.fold(parts, spatial, windows.size).astype(dtype.np, copy=False)
            return to_original(out, windows.first)

        return run

    one = register(
        Op(
            f"{name}(orig_input_shape: int32, grad: T) -> (output: T) | {size}; {_PLAIN}; {data_format}; "
            "T: type in floats",
            kernel,
            f"The gradient of {of.name}: each window's spread evenly over what it covers.",
        )
    )
    one.shape_rule = lambda s: [s.const_shape(0)]
    of.gradient = lambda c, g: [one(shape(c.inputs[0]), g, **_attrs(c))]
    one.gradient = lambda c, g: [None, of(g, **_attrs(c))]
    return one


avg_pool_grad: Op = _mean_gradient("AvgPoolGrad", _SIZE_2D, _FORMAT_2D, avg_pool)
avg_pool_3d_grad: Op = _mean_gradient("AvgPool3DGrad", _SIZE_3D, _FORMAT_3D, avg_pool_3d)

# What docs/ops.md says of limits.
for _names, _words in (
    (
        "MaxPool MaxPoolV2 AvgPool MaxPool3D AvgPool3D",
        "refused: NCHW_VECT_C; windows over batch and channels",
    ),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
