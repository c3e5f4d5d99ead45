"""Convolutions in two and three dimensions and by channel, and their gradients for input and filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OpError
from ..op import Array, Call, Kernel, Op, Site, register, registered
from ..shapes import Dim, Shape, fixed, format_shape, is_static
from .array import shape
from .common import check_size
from .windows import Windows, to_last, to_original, windows_of

__all__: list[str] = []

# All on channels-last arrays. The filter is (*size, channels of a group, outputs).


def _forward(windows: Windows, x: Array, w: Array) -> Array:
    rank = w.ndim - 2
    view = windows.view(x, w.shape[:-2], 0)
    inner = w.shape[-2]
    if inner == x.shape[-1]:
        return np.tensordot(view, w, rank + 1)
    parts = np.split(w, x.shape[-1] // inner, axis=-1)
    return np.concatenate(
        [np.tensordot(view[..., i * inner : (i + 1) * inner], one, rank + 1) for i, one in enumerate(parts)],
        axis=-1,
    )


def _to_filter(windows: Windows, x: Array, sizes: tuple[int, ...], g: Array) -> Array:
    view = windows.view(x, sizes[:-2], 0)
    axes = list(range(g.ndim - 1))
    inner = sizes[-2]
    parts = np.split(g, x.shape[-1] // inner, axis=-1)
    return np.concatenate(
        [
            np.tensordot(view[..., i * inner : (i + 1) * inner], one, (axes, axes))
            for i, one in enumerate(parts)
        ],
        axis=-1,
    )


def _to_input(windows: Windows, sizes: tuple[int, ...], w: Array, g: Array) -> Array:
    groups = sizes[-1] // w.shape[-2]
    pairs = zip(np.split(g, groups, axis=-1), np.split(w, groups, axis=-1), strict=True)
    columns = [np.tensordot(one, part, (-1, -1)) for one, part in pairs]
    return np.concatenate([windows.fold(one, sizes[1:-1], w.shape[:-2]) for one in columns], axis=-1)


# By channel: the filter is (height, width, channels, outputs of a channel).


def _depthwise(windows: Windows, x: Array, w: Array) -> Array:
    out = np.einsum("nhwijc,ijcm->nhwcm", windows.view(x, w.shape[:2], 0), w)
    return out.reshape(*out.shape[:3], w.shape[2] * w.shape[3])


def _depthwise_to_filter(windows: Windows, x: Array, sizes: tuple[int, ...], g: Array) -> Array:
    spread = g.reshape(*g.shape[:3], *sizes[2:])
    return np.einsum("nhwijc,nhwcm->ijcm", windows.view(x, sizes[:2], 0), spread)


def _depthwise_to_input(windows: Windows, sizes: tuple[int, ...], w: Array, g: Array) -> Array:
    spread = g.reshape(*g.shape[:3], *w.shape[2:])
    return windows.fold(np.einsum("nhwcm,ijcm->nhwijc", spread, w), sizes[1:-1], w.shape[:2])


@dataclass(frozen=True)
class _Kind:
    """What tells one family of convolutions from another: its arithmetic, and how it is declared."""

    forward: Callable[[Windows, Array, Array], Array]
    to_filter: Callable[[Windows, Array, tuple[int, ...], Array], Array]
    to_input: Callable[[Windows, tuple[int, ...], Array, Array], Array]
    rank: int
    by_channel: bool = False

    def channels(self, s: Site, x: Shape, w: Shape, windows: Windows) -> Dim:
        """The number of output channels.

        Raises:
            InvalidArgumentError: input and filter do not fit.
        """
        if x is not None and len(x) != self.rank:
            raise s.error(f"the input must have rank {self.rank}, but has shape {format_shape(x)}")
        if w is None:
            return None
        if len(w) != self.rank:
            raise s.error(f"the filter must have rank {self.rank}, but has shape {format_shape(w)}")
        depth = None if x is None else x[1 if windows.first else -1]
        inner, outputs = w[-2:]
        if depth is not None and inner is not None:
            if self.by_channel and depth != inner:
                raise s.error(f"input depth {depth} and filter depth {inner} must be equal")
            if not inner or depth % inner or (not self.by_channel and (outputs or 0) % (depth // inner)):
                raise s.error(
                    f"input depth must be evenly divisible by filter depth, and so must outputs by groups: "
                    f"{depth} channels, filter {format_shape(w)}"
                )
        if self.by_channel:
            return None if inner is None or outputs is None else inner * outputs
        return outputs

    def result(self, s: Site, x: Shape, w: Shape) -> Shape:
        """The shape of the convolution of shapes `x` and `w`, in the op's own layout."""
        windows = windows_of(s)
        channels = self.channels(s, x, w, windows)
        known = (None,) * self.rank if x is None else x
        size: tuple[Dim, ...] = (None,) * (self.rank - 2) if w is None else w[:-2]
        out = windows.out(known[2:] if windows.first else known[1:-1], size)
        return (known[0], channels, *out) if windows.first else (known[0], *out, channels)


def _wide(s: Site, at: int) -> tuple[Any, Any]:
    """The element type, and the one to compute in."""
    dtype = s.dtypes[at]
    return dtype.np, np.float32 if dtype.is_floating and dtype.size < 4 else dtype.np


def _blocked(kind: _Kind, s: Site, windows: Windows) -> Kernel | None:
    """The kernel for images of known shape, where there is a special one."""
    x, w = s.shapes
    if kind.rank != 4 or not is_static(x) or not is_static(w) or not s.dtypes[0].is_floating:
        return None
    try:
        kind.channels(s, x, w, windows)
    except OpError:  # the plain kernel says so when it runs
        return None
    size = fixed(w)
    batch, *middle = fixed(x)
    last = (batch, *middle[1:], middle[0]) if windows.first else (batch, *middle)
    dtype, wide = _wide(s, 0)
    inner = _by_groups(kind, windows, last, size, wide)
    if wide is dtype and not windows.first:
        return inner

    def run(images: Array, filters: Array) -> Array:
        out = inner(to_last(images, windows.first).astype(wide, copy=False), filters.astype(wide, copy=False))
        return to_original(out.astype(dtype, copy=False), windows.first)

    run.shares = getattr(inner, "shares", False)  # type: ignore[attr-defined]
    return run


def _by_groups(
    kind: _Kind, windows: Windows, x: tuple[int, ...], w: tuple[int, ...], dtype: Any
) -> Callable[..., Array]:
    """What convolves channels-last images of shape `x`, whose channels may be in groups."""
    from ..kernels.conv import convolution
    from ..kernels.depthwise import depthwise
    from ..kernels.epilogue import Epilogue

    none, (channels, inner) = Epilogue((), dtype), (x[-1], w[-2])
    if kind.by_channel:
        return depthwise(windows, x, w, dtype, none)
    if channels == inner or not inner:
        return convolution(windows, x, w, dtype, none)
    groups = channels // inner
    each = w[-1] // groups
    if inner == 1:  # the filters of a channel stand together
        one = depthwise(windows, x, (*w[:2], channels, each), dtype, none)
    else:
        one = convolution(windows, (*x[:-1], inner), (*w[:-1], each), dtype, none)

    def run(images: Array, filters: Array) -> Array:
        if inner == 1:
            return one(images, filters.reshape(*w[:2], channels, each))
        parts = zip(np.split(images, groups, -1), np.split(filters, groups, -1), strict=True)
        return np.concatenate([one(*pair) for pair in parts], axis=-1)

    run.shares = getattr(one, "shares", False)  # type: ignore[attr-defined]
    return run


def _blocked_to_input(kind: _Kind, s: Site, windows: Windows) -> Kernel | None:
    """The kernel of the gradient for an input of known shape, where there is a special one."""
    sizes, (w, g) = s.const(0), s.shapes[1:]
    if kind.rank != 4 or kind.by_channel or sizes is None or not (is_static(w) and is_static(g)):
        return None
    if not s.dtypes[1].is_floating or sizes.shape != (4,):
        return None
    wanted = tuple(sizes.tolist())
    try:
        if min(wanted) < 1 or min(fixed(w)) < 1 or kind.result(s, wanted, w) != g:
            return None
    except OpError:  # the plain kernel says so when it runs
        return None
    last, images = ((n[0], *n[2:], n[1]) if windows.first else n for n in (wanted, fixed(g)))
    if last[-1] != fixed(w)[2]:
        return None  # groups of channels
    from ..kernels.transposed import transposed

    dtype, wide = _wide(s, 1)
    inner = transposed(windows, last, fixed(w), images, wide)
    if inner is None:
        return None

    def run(_: Array, filters: Array, grads: Array) -> Array:
        check_size(s, wanted, s.dtypes[1])
        out = inner(filters.astype(wide, copy=False), to_last(grads, windows.first).astype(wide, copy=False))
        return to_original(out.astype(dtype, copy=False), windows.first)

    run.shares = getattr(inner, "shares", False)  # type: ignore[attr-defined]
    return run


def _family(
    kind: _Kind,
    name: str,
    to_filter: str,
    to_input: str,
    types: tuple[str, str, str],
    attrs: str,
    sizes: str,
    doc: str,
) -> tuple[Op, Op, Op]:
    """Declare a convolution and its two gradients, each of which is linear in both of its arrays."""

    def kernel(s: Site) -> Kernel:
        windows, (dtype, wide) = windows_of(s), _wide(s, 0)
        blocked = _blocked(kind, s, windows)
        if blocked is not None:
            return blocked

        def run(x: Array, w: Array) -> Array:
            kind.channels(s, x.shape, w.shape, windows)
            out = kind.forward(
                windows, to_last(x, windows.first).astype(wide, copy=False), w.astype(wide, copy=False)
            )
            return to_original(out.astype(dtype, copy=False), windows.first)

        return run

    def filter_kernel(s: Site) -> Kernel:
        windows, (dtype, wide) = windows_of(s), _wide(s, 0)

        def run(x: Array, filter_sizes: Array, g: Array) -> Array:
            wanted = check_size(s, filter_sizes.tolist(), s.dtypes[0])
            _check(s, kind.result(s, x.shape, wanted), g.shape)
            x, g = (to_last(a, windows.first).astype(wide, copy=False) for a in (x, g))
            return kind.to_filter(windows, x, wanted, g).astype(dtype, copy=False)

        return run

    def input_kernel(s: Site) -> Kernel:
        windows, (dtype, wide) = windows_of(s), _wide(s, 1)
        blocked = _blocked_to_input(kind, s, windows)
        if blocked is not None:
            return blocked

        def run(input_sizes: Array, w: Array, g: Array) -> Array:
            wanted = check_size(s, input_sizes.tolist(), s.dtypes[1])
            _check(s, kind.result(s, wanted, w.shape), g.shape)
            last = (wanted[0], *wanted[2:], wanted[1]) if windows.first else wanted
            out = kind.to_input(
                windows, last, w.astype(wide, copy=False), to_last(g, windows.first).astype(wide)
            )
            return to_original(out.astype(dtype, copy=False), windows.first)

        return run

    def _check(s: Site, want: Shape, got: Shape) -> None:
        if want != got:
            raise s.error(f"out_backprop must have shape {format_shape(want)}, but has {format_shape(got)}")

    def declare(which: str, args: str, t: str, more: str, run: Callable[[Site], Kernel], words: str) -> Op:
        return register(Op(f"{which}({args}) -> (output: T) | T: type in {t}; {attrs}{more}", run, words))

    shape_type = "Tshape" if sizes else "int32"
    conv = declare(name, "input: T, filter: T", types[0], "", kernel, doc)
    by_filter = declare(
        to_filter,
        "input: T, filter_sizes: int32, out_backprop: T",
        types[1],
        "",
        filter_kernel,
        f"The gradient of {name} for its filter.",
    )
    by_input = declare(
        to_input,
        f"input_sizes: {shape_type}, filter: T, out_backprop: T",
        types[2],
        sizes,
        input_kernel,
        f"The gradient of {name} for its input.",
    )
    conv.shape_rule = lambda s: [kind.result(s, *s.shapes)]
    by_filter.shape_rule = lambda s: [s.const_shape(1)]
    by_input.shape_rule = lambda s: [s.const_shape(0)]

    def passed(c: Call) -> dict[str, Any]:
        names = ("strides", "padding", "explicit_paddings", "data_format", "dilations")
        return {n: c[n] for n in names if n in c.op.signature.attrs}

    @conv.grad
    def _(c: Call, g: Any) -> list[Any]:
        x, w = c.inputs
        return [by_input(shape(x), w, g, **passed(c)), by_filter(x, shape(w), g, **passed(c))]

    @by_filter.grad
    def _(c: Call, g: Any) -> list[Any]:
        x, _, out = c.inputs
        return [by_input(shape(x), g, out, **passed(c)), None, conv(x, g, **passed(c))]

    @by_input.grad
    def _(c: Call, g: Any) -> list[Any]:
        _, w, out = c.inputs
        return [None, by_filter(g, shape(w), out, **passed(c)), conv(g, w, **passed(c))]

    return conv, by_filter, by_input


_PADDING = "padding: string in ['SAME', 'VALID', 'EXPLICIT']; explicit_paddings: list(int)=[]"
_FORMAT_2D = "data_format: string='NHWC' in ['NHWC', 'NCHW']; dilations: list(int)=[1, 1, 1, 1]"
_FORMAT_3D = "data_format: string='NDHWC' in ['NDHWC', 'NCDHW']; dilations: list(int)=[1, 1, 1, 1, 1]"
_FLOATS = "floats"

conv_2d, conv_2d_backprop_filter, conv_2d_backprop_input = _family(
    _Kind(_forward, _to_filter, _to_input, 4),
    "Conv2D",
    "Conv2DBackpropFilter",
    "Conv2DBackpropInput",
    ("[floats, int32]", _FLOATS, "[floats, int32]"),
    f"strides: list(int); use_cudnn_on_gpu: bool=true; {_PADDING}; {_FORMAT_2D}",
    "",
    "The images correlated with each of the filters; a filter of fewer channels works on groups of them.",
)
depthwise_conv_2d, depthwise_conv_2d_backprop_filter, depthwise_conv_2d_backprop_input = _family(
    _Kind(_depthwise, _depthwise_to_filter, _depthwise_to_input, 4, by_channel=True),
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropFilter",
    "DepthwiseConv2dNativeBackpropInput",
    (_FLOATS, _FLOATS, _FLOATS),
    f"strides: list(int); {_PADDING}; {_FORMAT_2D}",
    "",
    "Each channel of the images correlated with filters of its own.",
)
conv_3d, conv_3d_backprop_filter, conv_3d_backprop_input = _family(
    _Kind(_forward, _to_filter, _to_input, 5),
    "Conv3D",
    "Conv3DBackpropFilterV2",
    "Conv3DBackpropInputV2",
    (_FLOATS, _FLOATS, _FLOATS),
    f"strides: list(int) >=5; padding: string in ['SAME', 'VALID']; {_FORMAT_3D}",
    "; Tshape: type=int32 in index",
    "The volumes correlated with each of the filters.",
)

# What docs/ops.md says of limits.
for _names, _words in (
    (
        (
            "Conv2D Conv2DBackpropInput Conv2DBackpropFilter Conv3D Conv3DBackpropInputV2 "
            "Conv3DBackpropFilterV2 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput "
            "DepthwiseConv2dNativeBackpropFilter"
        ),
        "refused: NCHW_VECT_C; strides and dilations other than 1 for batch and channels",
    ),
):
    for _name in _names.split():
        registered()[_name].limited(_words)
