"""Maxima of windows other than plain pooling: with the places of the maxima, and dilation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Site, op
from ..shapes import Dim, Shape, format_shape
from .common import same_shape
from .windows import Windows

__all__: list[str] = []

_TYPES = "T: type in real"
_POOL = "ksize: list(int) >=4; strides: list(int) >=4"


def _windows(s: Site, size: str, stride: str, dilation: str = "") -> Windows:
    def spatial(name: str) -> tuple[int, ...]:
        values = s[name] if name else (1, 1, 1, 1)
        if len(values) != 4 or values[0] != 1 or values[3] != 1:
            raise s.unsupported(f"{name} {list(values)}: only 1 is supported for batch and channels")
        if min(values) < 1:
            raise s.error(f"{name} must be positive, but is {list(values)}")
        return tuple(values[1:3])

    inner = spatial(size) if size else ()
    return Windows(False, inner, spatial(stride), spatial(dilation), s["padding"], (), s)


def _lowest(dtype: Any) -> Any:
    """What padding is for a maximum: no greater than any element."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return -np.inf


def _check_image(s: Site, known: Shape) -> None:
    if known is not None and len(known) != 4:
        raise s.error(f"the input must be 4-dimensional, but has shape {format_shape(known)}")


@op(
    f"MaxPoolWithArgmax(input: T) -> (output: T, argmax: Targmax) | {_POOL}; Targmax: type=int64 in index; "
    f"padding: string in ['SAME', 'VALID']; include_batch_in_index: bool=false; {_TYPES}"
)
def max_pool_with_argmax(s: Site) -> Kernel:
    """The maximum of each window, and its place in the image (or the batch), all axes counted as one."""
    windows, dtype, with_batch = _windows(s, "ksize", "strides"), s["Targmax"].np, s["include_batch_in_index"]

    def run(x: Array) -> list[Array]:
        _check_image(s, x.shape)
        n, height, width, depth = x.shape
        view = np.moveaxis(windows.view(x, windows.size, _lowest(x.dtype)), -1, 3)
        flat = view.reshape(*view.shape[:4], windows.size[0] * windows.size[1])
        best = flat.argmax(-1)  # of several the first, which is never padding unless all of a window is
        out = np.take_along_axis(flat, best[..., None], -1)[..., 0]
        (top, _), (left, _) = windows.pads((height, width), windows.size)
        down, along = np.divmod(best, windows.size[1])
        rows = np.arange(best.shape[1])[:, None, None] * windows.stride[0] - top + down
        columns = np.arange(best.shape[2])[:, None] * windows.stride[1] - left + along
        image = np.arange(n)[:, None, None, None] * height if with_batch else 0
        places = ((image + rows) * width + columns) * depth + np.arange(depth)
        return [out, places.astype(dtype)]

    return run


@max_pool_with_argmax.shape
def _(s: Site) -> list[Shape]:
    known, windows = s.shapes[0], _windows(s, "ksize", "strides")
    _check_image(s, known)
    if known is None:
        return [(None,) * 4] * 2
    return [(known[0], *windows.out(known[1:3], windows.size), known[3])] * 2


@op(
    f"MaxPoolGradWithArgmax(input: T, grad: T, argmax: Targmax) -> (output: T) | {_POOL}; "
    f"padding: string in ['SAME', 'VALID']; include_batch_in_index: bool=false; Targmax: type in index; {_TYPES}"
)
def max_pool_grad_with_argmax(s: Site) -> Kernel:
    """The gradient of MaxPoolWithArgmax: each window's at the place of its maximum."""
    with_batch = s["include_batch_in_index"]

    def run(x: Array, g: Array, argmax: Array) -> Array:
        _check_image(s, x.shape)
        if g.shape != argmax.shape or g.ndim != 4 or len(g) != len(x):
            raise s.error(
                f"grad and argmax must be 4-dimensional and of one shape, but grad has {list(g.shape)}"
            )
        image = x.size // max(len(x), 1)
        places = argmax.astype(np.int64)
        if not with_batch:
            places = places + np.arange(len(x))[:, None, None, None] * image
        if places.size and not (places.min() >= 0 and places.max() < x.size):
            raise s.error("argmax points outside of the input")
        out = np.zeros(x.size, np.float32 if x.dtype.name in ("float16", "bfloat16") else x.dtype)
        np.add.at(out, places.ravel(), g.ravel().astype(out.dtype))
        return out.reshape(x.shape).astype(x.dtype, copy=False)

    return run


max_pool_grad_with_argmax.shape_rule = same_shape


@max_pool_with_argmax.grad
def _(c: Call, g: Any, _: Any) -> list[Any]:
    attrs = {name: c[name] for name in ("ksize", "strides", "padding", "include_batch_in_index")}
    return [max_pool_grad_with_argmax(c.inputs[0], g, c.outputs[1], **attrs)]


_DILATION = "strides: list(int) >=4; rates: list(int) >=4; padding: string in ['SAME', 'VALID']"


def _sums(s: Site, x: Array, filter: Array) -> tuple[Windows, Array]:
    """The windows' elements plus the filter's: (batch, rows, columns, height, width, depth)."""
    windows = _windows(s, "", "strides", "rates")
    _check_image(s, x.shape)
    if filter.ndim != 3 or filter.shape[2] != x.shape[3]:
        raise s.error(
            f"filter must have the shape [height, width, {x.shape[3]}], but has {format_shape(filter.shape)}"
        )
    # Half the lowest integer: the filter is added to it.
    outside = _lowest(x.dtype) // 2 if x.dtype.kind == "i" else _lowest(x.dtype)
    return windows, windows.view(x, filter.shape[:2], outside) + filter


@op(f"Dilation2D(input: T, filter: T) -> (output: T) | {_TYPES}; {_DILATION}")
def dilation_2d(s: Site) -> Kernel:
    """The maximum of each window of an image plus a filter, for each channel."""

    def run(x: Array, filter: Array) -> Array:
        wide = x.astype(np.int64) if x.dtype.kind in "iu" else x
        _, sums = _sums(s, wide, filter.astype(wide.dtype))
        return sums.max(axis=(3, 4)).astype(x.dtype)

    return run


@dilation_2d.shape
def _(s: Site) -> list[Shape]:
    known, filter = s.shapes
    _check_image(s, known)
    if filter is not None and len(filter) != 3:
        raise s.error(f"filter must be 3-dimensional, but has shape {format_shape(filter)}")
    if known is None:
        return [(None,) * 4]
    size: tuple[Dim, ...] = (None, None) if filter is None else filter[:2]
    return [(known[0], *_windows(s, "", "strides", "rates").out(known[1:3], size), known[3])]


def _dilation_gradient(s: Site, x: Array, filter: Array, g: Array) -> tuple[Windows, Array]:
    """Each window's gradient at the first of its maxima: (batch, rows, columns, height, width, depth)."""
    windows, sums = _sums(s, x, filter)
    if g.shape != (*sums.shape[:3], sums.shape[5]):
        raise s.error(
            f"out_backprop must have shape {[*sums.shape[:3], sums.shape[5]]}, but has {list(g.shape)}"
        )
    flat = np.moveaxis(sums, -1, 3)
    shape = flat.shape
    flat = flat.reshape(*shape[:4], shape[4] * shape[5])
    best = flat.argmax(-1)[..., None]
    out = np.zeros(flat.shape, g.dtype)
    np.put_along_axis(out, best, g[..., None], -1)
    return windows, np.moveaxis(out.reshape(shape), 3, -1)


@op(
    "Dilation2DBackpropInput(input: T, filter: T, out_backprop: T) -> (in_backprop: T) | "
    f"{_TYPES}; {_DILATION}"
)
def dilation_2d_backprop_input(s: Site) -> Kernel:
    """The gradient of Dilation2D for its image."""

    def run(x: Array, filter: Array, g: Array) -> Array:
        windows, parts = _dilation_gradient(s, x, filter, g)
        return windows.fold(parts, x.shape[1:3], filter.shape[:2])

    return run


dilation_2d_backprop_input.shape_rule = same_shape


@op(
    "Dilation2DBackpropFilter(input: T, filter: T, out_backprop: T) -> (filter_backprop: T) | "
    f"{_TYPES}; {_DILATION}"
)
def dilation_2d_backprop_filter(s: Site) -> Kernel:
    """The gradient of Dilation2D for its filter."""

    def run(x: Array, filter: Array, g: Array) -> Array:
        return _dilation_gradient(s, x, filter, g)[1].sum(axis=(0, 1, 2)).astype(filter.dtype)

    return run


dilation_2d_backprop_filter.shape_rule = lambda s: [s.shapes[1]]


@dilation_2d.grad
def _(c: Call, g: Any) -> list[Any]:
    attrs = {name: c[name] for name in ("strides", "rates", "padding")}
    return [
        dilation_2d_backprop_input(*c.inputs, g, **attrs),
        dilation_2d_backprop_filter(*c.inputs, g, **attrs),
    ]
