"""Windows sliding over the spatial axes of an image: geometry and views that convolutions and pools share.

Arrays here are channels-last: (batch, *spatial, channels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dtypes import from_numpy
from ..errors import InvalidArgumentError
from ..op import Array, Site
from ..shapes import Dim
from .common import check_size

__all__ = ["Windows", "to_last", "to_original", "windows_of"]


@dataclass(frozen=True)
class Windows:
    """Where windows lie.

    Attributes:
        first: is the channel axis 1 (NCHW, NCDHW) rather than the last?
        size, stride, dilation: of the window, an entry for each spatial axis; the size only where it is an attribute.
        padding: b"SAME", b"VALID" or b"EXPLICIT".
        explicit: (before, after) for each spatial axis where the padding is explicit.
        site: of the op: its limits hold for what padding makes.
    """

    first: bool
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: bytes
    explicit: tuple[tuple[int, int], ...]
    site: Site

    def pads(self, spatial: Sequence[int], size: Sequence[int]) -> list[tuple[int, int]]:
        """(before, after) for each spatial axis."""
        if self.padding == b"EXPLICIT":
            return list(self.explicit)
        if self.padding == b"VALID":
            return [(0, 0)] * len(spatial)
        out = []
        for n, k, s, d in zip(spatial, size, self.stride, self.dilation, strict=True):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            out.append((total // 2, total - total // 2))
        return out

    def out(self, spatial: Sequence[Dim], size: Sequence[Dim]) -> tuple[Dim, ...]:
        """How many windows there are along each spatial axis.

        Raises:
            InvalidArgumentError: the window is larger than the padded input.
        """
        out: list[Dim] = []
        for i, (n, k) in enumerate(zip(spatial, size, strict=True)):
            if n is None or (k is None and self.padding != b"SAME"):
                out.append(None)
                continue
            s = self.stride[i]
            if self.padding == b"SAME":
                out.append(-(-n // s))
                continue
            room = n + (sum(self.explicit[i]) if self.padding == b"EXPLICIT" else 0)
            count = (room - ((k or 0) - 1) * self.dilation[i] - 1 + s) // s
            if count < 0:
                raise InvalidArgumentError(
                    None, None, f"the window of size {k} is larger than the padded input of size {room}"
                )
            out.append(count)
        return tuple(out)

    def padded(self, x: Array, size: Sequence[int], value: Any) -> Array:
        """`x` with its padding, filled with `value`."""
        pads = self.pads(x.shape[1:-1], size)
        if not any(a or b for a, b in pads):
            return x
        sizes = [n + a + b for n, (a, b) in zip(x.shape[1:-1], pads, strict=True)]
        out = np.full(self._checked(x, sizes), value, x.dtype)
        out[self._inside(x.shape[1:-1], pads)] = x
        return out

    def _checked(self, x: Array, sizes: list[int]) -> tuple[int, ...]:
        """The shape of `x` with other spatial sizes, if a tensor of it may be made: padding comes from attributes."""
        return check_size(self.site, (len(x), *sizes, x.shape[-1]), from_numpy(x.dtype))

    def _inside(self, spatial: Sequence[int], pads: list[tuple[int, int]]) -> tuple[slice, ...]:
        return (slice(None),) + tuple(slice(a, a + n) for n, (a, _) in zip(spatial, pads, strict=True))

    def view(self, x: Array, size: Sequence[int], value: Any) -> Array:
        """Every window of `x`, without copying but for the padding: (batch, *windows, *size, channels)."""
        counts = [n or 0 for n in self.out(x.shape[1:-1], size)]
        wide = self.padded(x, size, value)
        n, c = wide.strides[0], wide.strides[-1]
        spatial = wide.strides[1:-1]
        steps = [a * s for a, s in zip(spatial, self.stride, strict=True)]
        taps = [a * d for a, d in zip(spatial, self.dilation, strict=True)]
        return np.lib.stride_tricks.as_strided(
            wide, (len(x), *counts, *size, x.shape[-1]), (n, *steps, *taps, c), writeable=False
        )

    def fold(self, parts: Array, spatial: Sequence[int], size: Sequence[int]) -> Array:
        """The sum of windows laid back where `view` found them: the gradient of `view`."""
        pads = self.pads(spatial, size)
        counts = parts.shape[1 : 1 + len(size)]
        sizes = [n + a + b for n, (a, b) in zip(spatial, pads, strict=True)]
        out = np.zeros(self._checked(parts, sizes), parts.dtype)
        for tap in np.ndindex(*size):
            place = tuple(
                slice(t * d, t * d + (c - 1) * s + 1, s) if c else slice(0, 0)
                for t, d, c, s in zip(tap, self.dilation, counts, self.stride, strict=True)
            )
            out[(slice(None),) + place] += parts[(slice(None),) * (1 + len(size)) + tap]
        return out[self._inside(spatial, pads)]


def windows_of(s: Site, size: Sequence[int] | None = None, stride: Sequence[int] | None = None) -> Windows:
    """The windows that an op's attributes describe.

    Raises:
        UnimplementedError: windows over batch or channels, or a layout that is not supported.
        InvalidArgumentError: strides or dilations are not positive.
    """
    attrs = s.op.signature.attrs
    data_format = s["data_format"]
    if data_format not in (b"NHWC", b"NCHW", b"NDHWC", b"NCDHW"):
        raise s.unsupported(f"data_format {data_format.decode()}")
    first = data_format[1:2] == b"C"
    stride = s["strides"] if stride is None else stride
    rank = len(data_format)

    def spatial(values: Sequence[int], what: str) -> tuple[int, ...]:
        if len(values) != rank:
            raise s.error(f"{what} must have {rank} elements, one for each axis, but is {list(values)}")
        inner = values[2:] if first else values[1:-1]
        if values[0] != 1 or values[1 if first else -1] != 1:
            raise s.unsupported(f"{what} {list(values)}: only 1 is supported for batch and channels")
        if min(inner) < 1:
            raise s.error(f"{what} must be positive, but is {list(values)}")
        return tuple(inner)

    if size is None and "ksize" in attrs:
        size = s["ksize"]
    dilations = s["dilations"] if "dilations" in attrs else (1,) * rank
    explicit: tuple[tuple[int, int], ...] = ()
    if s["padding"] == b"EXPLICIT":
        flat = s["explicit_paddings"]
        if len(flat) != 2 * rank or min(flat, default=0) < 0:
            raise s.error(f"explicit_paddings must be {rank} pairs of sizes, but is {list(flat)}")
        pairs = tuple(zip(flat[::2], flat[1::2], strict=True))
        explicit = pairs[2:] if first else pairs[1:-1]
    return Windows(
        first,
        () if size is None else spatial(size, "ksize"),
        spatial(stride, "strides"),
        spatial(dilations, "dilations"),
        s["padding"],
        explicit,
        s,
    )


def to_last(x: Array, first: bool) -> Array:
    """`x` channels-last."""
    return np.moveaxis(x, 1, -1) if first else x


def to_original(x: Array, first: bool) -> Array:
    """`x`, channels-last, in the op's own layout."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if first else x
