"""Fourier transforms over the last one, two or three axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..op import Array, Call, Kernel, Op, Site, register
from ..shapes import Dim, Shape, format_shape
from .array import shape
from .common import check_size
from .indexing import strided_slice, strided_slice_grad

__all__: list[str] = []

_COMPLEX = "Tcomplex: type=complex64 in [complex64, complex128]"
_REAL = "Treal: type=float in [float, double]"


def _axes(rank: int) -> tuple[int, ...]:
    return tuple(range(-rank, 0))


def _check_rank(known: Shape, rank: int) -> None:
    if known is not None and len(known) < rank:
        raise InvalidArgumentError(
            None, None, f"Input must have rank of at least {rank} but got: {format_shape(known)}"
        )


def _length(s: Site, fft_length: Array, rank: int) -> tuple[int, ...]:
    if fft_length.shape != (rank,):
        raise s.error(f"fft_length must have shape [{rank}], but has {format_shape(fft_length.shape)}")
    sizes = tuple(fft_length.tolist())
    if min(sizes) < 0:
        raise s.error(f"fft_length must be >= 0, but is {list(sizes)}")
    return sizes


def _complex(name: str, rank: int, inverse: bool) -> Op:
    """Declare a transform of complex to complex numbers."""
    transform: Any = np.fft.ifftn if inverse else np.fft.fftn

    def kernel(s: Site) -> Kernel:
        dtype = s.out_dtypes[0].np

        def run(x: Array) -> Array:
            _check_rank(x.shape, rank)
            if x.size == 0:
                return x
            out: Array = transform(x, axes=_axes(rank)).astype(dtype, copy=False)
            return out

        return run

    doc = f"The {'inverse ' * inverse}discrete Fourier transform over the last {rank} axes."
    one = register(Op(f"{name}(input: Tcomplex) -> (output: Tcomplex) | {_COMPLEX}", kernel, doc))

    def shape_rule(s: Site) -> list[Shape]:
        _check_rank(s.shapes[0], rank)
        return [s.shapes[0]]

    one.shape_rule = shape_rule
    return one


def _fitted(x: Array, axes: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
    """`x` cut, or padded with zeros, to `sizes` along `axes`."""
    wanted = list(x.shape)
    for axis, size in zip(axes, sizes, strict=True):
        wanted[axis] = size
    out = np.zeros(wanted, x.dtype)
    part = tuple(slice(0, min(a, b)) for a, b in zip(x.shape, wanted, strict=True))
    out[part] = x[part]
    return out


def _real(name: str, rank: int, inverse: bool) -> Op:
    """Declare a transform of real numbers to the half of the spectrum that determines the rest, or back."""

    def kernel(s: Site) -> Kernel:
        dtype, axes = s.out_dtypes[0], _axes(rank)

        def run(x: Array, fft_length: Array) -> Array:
            _check_rank(x.shape, rank)
            sizes = _length(s, fft_length, rank)
            half = (*sizes[:-1], sizes[-1] // 2 + 1 if sizes[-1] else 0)
            out_shape = check_size(s, (*x.shape[:-rank], *(sizes if inverse else half)), dtype)
            if 0 in out_shape:
                return np.zeros(out_shape, dtype.np)
            # A longer input is cut, but a shorter one is an error unless its axis is empty.
            for n, size in zip(x.shape[-rank:], half if inverse else sizes, strict=True):
                if n < size and n:
                    raise s.error(f"Input dimension must have length of at least {size} but got: {n}")
            fitted = _fitted(x, axes, half if inverse else sizes)
            transform: Any = np.fft.irfftn if inverse else np.fft.rfftn
            out: Array = transform(fitted, s=sizes, axes=axes).astype(dtype.np, copy=False)
            return out

        return run

    types = f"{_REAL}; {_COMPLEX}"
    args, out = ("Tcomplex", "Treal") if inverse else ("Treal", "Tcomplex")
    doc = (
        f"The real signal of size `fft_length` over the last {rank} axes whose half spectrum the input is."
        if inverse
        else f"The half spectrum of the real input, cut to `fft_length`, over the last {rank} axes."
    )
    one = register(Op(f"{name}(input: {args}, fft_length: int32) -> (output: {out}) | {types}", kernel, doc))

    def shape_rule(s: Site) -> list[Shape]:
        known, sizes = s.shapes[0], s.const(1)
        _check_rank(known, rank)
        if known is None:
            return [None]
        inner: tuple[Dim, ...] = (None,) * rank
        if sizes is not None and sizes.shape == (rank,):
            inner = tuple(sizes.tolist())
            if not inverse:
                inner = (*inner[:-1], inner[-1] // 2 + 1 if inner[-1] else 0)
        return [(*known[:-rank], *inner)]

    one.shape_rule = shape_rule
    return one


def _transforms(suffix: str, rank: int) -> tuple[Op, Op, Op, Op]:
    forward, back = _complex(f"FFT{suffix}", rank, False), _complex(f"IFFT{suffix}", rank, True)
    real, real_back = _real(f"RFFT{suffix}", rank, False), _real(f"IRFFT{suffix}", rank, True)
    types = ("Treal", "Tcomplex")

    def real_gradient(c: Call, g: Any) -> list[Any]:
        signal = real_back(
            g / _weights(g, c.inputs[1][rank - 1]), c.inputs[1], **{name: c[name] for name in types}
        )
        return [_enlarged(signal * _count(c.inputs[1], signal), c.inputs[0], rank), None]

    def real_back_gradient(c: Call, g: Any) -> list[Any]:
        spectrum = real(g, c.inputs[1], **{name: c[name] for name in types})
        spectrum = spectrum * _weights(spectrum, c.inputs[1][rank - 1]) / _count(c.inputs[1], spectrum)
        return [_enlarged(spectrum, c.inputs[0], rank), None]

    # The conjugate transpose of a transform is its inverse times the number of elements.
    forward.gradient = lambda c, g: [back(g) * _count(_last(c.inputs[0], rank), g)]
    back.gradient = lambda c, g: [forward(g) / _count(_last(c.inputs[0], rank), g)]
    real.gradient, real_back.gradient = real_gradient, real_back_gradient
    return forward, back, real, real_back


def _weights(spectrum: Any, length: Any) -> Any:
    """For how many elements of the whole spectrum those of its half stand along the last axis.

    For two, but for the first and, where the signal's length is even, the last.
    """
    from .cast import cast
    from .compare import equal
    from .elementwise import floor_mod
    from .sized import range_

    at = range_(np.int32(0), _last(spectrum, 1)[0], np.int32(1))
    once = equal(floor_mod(at * np.int32(2), length), np.int32(0))
    return cast(np.int32(2) - cast(once, DstT="int32"), DstT=spectrum.dtype)


def _last(x: Any, rank: int) -> Any:
    """The sizes of the last `rank` axes."""
    begin, end, step = (np.array([n], np.int32) for n in (-rank, 0, 1))
    return strided_slice(shape(x), begin, end, step, end_mask=1)


def _count(sizes: Any, like: Any) -> Any:
    """How many elements axes of these sizes have, as a number of the dtype of `like`."""
    from .cast import cast
    from .reduce import prod

    return cast(prod(sizes, np.array([0], np.int32)), DstT=like.dtype)


def _enlarged(g: Any, x: Any, rank: int) -> Any:
    """`g` with zeros behind it along the last axes, in the shape of `x`."""
    from .join import concat_v2

    begin, ones = np.zeros(rank + 1, np.int32), np.ones(rank + 1, np.int32)
    end = concat_v2([np.zeros(1, np.int32), _last(g, rank)], np.int32(0))
    return strided_slice_grad(shape(x), begin, end, ones, g, ellipsis_mask=1)


fft, ifft, rfft, irfft = _transforms("", 1)
fft2d, ifft2d, rfft2d, irfft2d = _transforms("2D", 2)
fft3d, ifft3d, rfft3d, irfft3d = _transforms("3D", 3)
