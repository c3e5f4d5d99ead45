"""Complex numbers: made of parts, and taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Site, op
from .common import broadcast_shape, same_shape, sum_to

__all__: list[str] = []

_PART = "T: type=complex64 in complexes; Tout: type=float in [float, double]"


@op(
    "Complex(real: T, imag: T) -> (out: Tout) | T: type=float in [float, double]; Tout: type=complex64 in complexes"
)
def complex_(s: Site) -> Kernel:
    """real + i * imag, broadcast."""
    dtype = s["Tout"].np

    def run(real: Array, imag: Array) -> Array:
        # Not real + 1j * imag: an infinite or NaN part would get into the other one.
        out = np.empty(np.broadcast_shapes(real.shape, imag.shape), dtype)
        out.real = real
        out.imag = imag
        return out

    return run


complex_.shape_rule = broadcast_shape


@complex_.grad
def _(c: Call, g: Any) -> list[Any]:
    re, im = c.inputs
    return [sum_to(real(g, Tout=re.dtype), re), sum_to(imag(g, Tout=im.dtype), im)]


@op(f"Real(input: T) -> (output: Tout) | {_PART}")
def real(s: Site) -> Kernel:
    """The real part."""
    dtype = s["Tout"].np
    return lambda x: np.array(x.real, dtype)  # a copy: a view would keep the other part alive


@op(f"Imag(input: T) -> (output: Tout) | {_PART}")
def imag(s: Site) -> Kernel:
    """The imaginary part."""
    dtype = s["Tout"].np
    return lambda x: np.array(x.imag, dtype)


real.shape_rule = imag.shape_rule = same_shape


@real.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like

    return [complex_(g, zeros_like(g), Tout=c.inputs[0].dtype)]


@imag.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like

    return [complex_(zeros_like(g), g, Tout=c.inputs[0].dtype)]


@op("Conj(input: T) -> (output: T) | T: type=complex64 in [complex64, complex128, variant]")
def conj(s: Site) -> Kernel:
    """The complex conjugate."""
    return np.conjugate


conj.shape_rule = same_shape
conj.gradient = lambda c, g: [conj(g)]


@op(f"ComplexAbs(x: T) -> (y: Tout) | {_PART}")
def complex_abs(s: Site) -> Kernel:
    """The absolute value."""
    return np.absolute


@complex_abs.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like
    from .elementwise import div_no_nan

    x = c.inputs[0]
    return [complex_(div_no_nan(g, c.outputs[0]), zeros_like(g), Tout=x.dtype) * x]


@op(f"Angle(input: T) -> (output: Tout) | {_PART}")
def angle(s: Site) -> Kernel:
    """The angle, in radians, to the positive real axis."""
    return lambda x: np.arctan2(x.imag, x.real)


@angle.grad
def _(c: Call, g: Any) -> list[Any]:
    from .array import zeros_like
    from .functions import reciprocal

    x = c.inputs[0]
    re, im = real(x, Tout=g.dtype), imag(x, Tout=g.dtype)
    turned = reciprocal(complex_(im, re, Tout=x.dtype))
    return [-complex_(g, zeros_like(g), Tout=x.dtype) * turned]


complex_abs.shape_rule = angle.shape_rule = same_shape
