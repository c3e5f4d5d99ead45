"""Special functions, applied to each element: the error function and its inverses, the gamma function's relatives.

The coefficients were fitted for calque: Chebyshev interpolation at 60 digits for float64, a weighted least-squares
rational function for float32. Everything else is the textbook series named where it is used (DLMF: NIST's Digital
Library of Mathematical Functions).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, register
from .common import binary, same_shape
from .functions import exp, square

__all__ = ["erf_coefficients", "lgamma_values"]

# (1 + 2x) exp(x²) erfc(x) for x >= 0, as a polynomial in (x - 4) / (x + 4); relative error 2e-15.
_SCALED_ERFC = (
    1.232995118625554, -0.13962111684056666, 0.015379652102510105, 0.06809705425506951, -0.10103906603504895,
    0.0937328349891827, -0.06633036581933928, 0.03716751564651769, -0.016197734014742497, 0.005031969234997784,
    -0.0007577735402118916, -0.00019925358279225717, 0.00015062264872193066, -2.4407539855026133e-05,
    -1.1224347090666158e-05, 5.7241887994120035e-06, 2.9720223364254076e-07, -8.416040198988925e-07,
    7.168568421152178e-08, 1.2131061332366894e-07, -1.65613658749297e-08, -1.855999677515332e-08,
    1.6008505800040685e-09, 2.0498089765359653e-09,
)  # fmt: skip
# The same to float32's precision.
_SCALED_ERFC_32 = (
    1.2329950333, -0.1396237612, 0.0153837837, 0.0681495517, -0.1010877863, 0.0934413075,
    -0.0661191791, 0.0378236584, -0.0166158453, 0.0043990687, -0.0003665083,
)  # fmt: skip
# erf(x) / x for |x| <= 3.92, as a quotient of polynomials in x²; absolute error 4e-7 in float32 arithmetic.
_ERF_32_NUMERATOR = (1.1283791065, 0.1904072165, 0.0527488291, 0.0037656510, 0.0002848838, 2.0500854e-06)
_ERF_32_DENOMINATOR = (1.0, 0.5020767450, 0.1141094267, 0.0149692837, 0.0011625443, 3.8091752e-05)
_ERF_32_ONE = 3.92  # from here on erf(x) rounds to 1
# Maclaurin's series of erf(x) / x in x² (DLMF 7.6.1), enough of it for |x| <= 1.
_ERF_SERIES = tuple(2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(19))
# Bernoulli numbers B2, B4, ...
_BERNOULLI = (
    1 / 6,
    -1 / 30,
    1 / 42,
    -1 / 30,
    5 / 66,
    -691 / 2730,
    7 / 6,
    -3617 / 510,
    43867 / 798,
    -174611 / 330,
)

_TILE = 1 << 16  # elements: the temporaries of a tile stay in the cache


def erf_coefficients() -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """erf(x) / x in float32: numerator and denominator as polynomials in x², lowest power first; and from where on
    it is 1 / x to all digits.
    """
    return _ERF_32_NUMERATOR, _ERF_32_DENOMINATOR, _ERF_32_ONE


@lru_cache(maxsize=64)
def _constants(coefficients: tuple[float, ...], dtype: Any) -> tuple[Array, ...]:
    """The coefficients, highest power first, as 0-d arrays: numpy would convert Python numbers on every use."""
    return tuple(np.array(c, dtype) for c in reversed(coefficients))


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """The polynomial with these coefficients, lowest power first, in the precision of `x`."""
    first, *rest = _constants(coefficients, x.dtype)
    out = np.empty(x.shape, x.dtype)
    out[...] = first
    for c in rest:
        np.multiply(out, x, out=out)
        np.add(out, c, out=out)
    return out


def _tiled(run: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """`run` on pieces that fit into the cache."""

    def by_tiles(x: Array) -> Array:
        if x.size <= _TILE:
            return run(x)
        flat = np.ascontiguousarray(x).reshape(-1)
        out = np.empty_like(flat)
        for i in range(0, flat.size, _TILE):
            out[i : i + _TILE] = run(flat[i : i + _TILE])
        return out.reshape(x.shape)

    return by_tiles


def _function(
    name: str,
    run64: Callable[[Array], Array],
    doc: str,
    grad: Callable[[Any, Any, Any], Any],
    run32: Callable[[Array], Array] | None = None,
) -> Op:
    """Declare a function: `run32` computes in float32 and serves the smaller floats too; without it `run64` does."""
    narrow = run64 if run32 is None else run32

    def bind(s: Site) -> Kernel:
        dtype = s.dtypes[0].np
        own = np.dtype(np.float64 if dtype == np.float64 or run32 is None else np.float32)
        run = _tiled(run64 if own == np.float64 else narrow)
        return run if own == dtype else lambda x: run(x.astype(own)).astype(dtype)

    one = register(Op(f"{name}(x: T) -> (y: T) | T: type in floats", bind, doc))
    one.shape_rule = same_shape
    one.gradient = lambda c, g: [grad(g, c.outputs[0], c.inputs[0])]
    return one


# --- the error function


def _scaled_erfc(x: Array, coefficients: tuple[float, ...]) -> Array:
    """exp(x²) erfc(x) for x >= 0."""
    four = np.array(4, x.dtype)
    t = np.where(x < 1e30, (x - four) / (x + four), np.array(1, x.dtype))
    return _polynomial(coefficients, t) / (np.array(1, x.dtype) + x + x)


def _erfc(x: Array) -> Array:
    size = np.absolute(x)
    scaled = _scaled_erfc(size, _SCALED_ERFC if x.dtype == np.float64 else _SCALED_ERFC_32)
    tail = scaled * np.exp(-size * size)
    return np.where(x < 0, np.array(2, x.dtype) - tail, tail)


def _erf(x: Array) -> Array:
    near = np.absolute(x) < 1
    inner = np.where(near, x, np.array(0, x.dtype))
    return np.where(near, inner * _polynomial(_ERF_SERIES, inner * inner), np.array(1, x.dtype) - _erfc(x))


def _erf32(x: Array) -> Array:
    limit = np.array(_ERF_32_ONE, np.float32)
    clipped = np.minimum(np.maximum(x, -limit), limit)
    squared = np.multiply(clipped, clipped)
    out = clipped * _polynomial(_ERF_32_NUMERATOR, squared) / _polynomial(_ERF_32_DENOMINATOR, squared)
    return np.minimum(np.maximum(out, np.array(-1, np.float32)), np.array(1, np.float32))


def _first_guess(log_product: Array) -> Array:
    """The inverse of erf to three digits, from log((1 - y)(1 + y)) (S. Winitzki, 2008)."""
    a = 0.147
    t = 2 / (math.pi * a) + log_product / 2
    part = -log_product / a
    return np.sqrt(part / (np.sqrt(t * t + part) + t))


def _inverse_center(y: Array) -> Array:
    """The inverse of erf for |y| <= 0.5: Halley's iteration, which triples the digits."""
    x = np.copysign(_first_guess(np.log1p(-y * y)), y)
    for _ in range(2):
        u = (_erf(x) - y) * (math.sqrt(math.pi) / 2) * np.exp(x * x)
        x = x - u / (1 + x * u)
    return x


def _inverse_tail(q: Array) -> Array:
    """The inverse of erfc for q <= 0.5: Newton's iteration for the logarithm, which is nearly a parabola."""
    log_q = np.log(q)
    x = _first_guess(log_q + np.log(2 - q))
    for _ in range(4):
        scaled = _scaled_erfc(x, _SCALED_ERFC)
        x = x + (np.log(scaled) - x * x - log_q) * scaled * (math.sqrt(math.pi) / 2)
    return x


def _erfinv(y: Array) -> Array:
    size = np.absolute(y)
    tail = _inverse_tail(np.where(size > 0.5, 1 - size, 0.5))
    x = np.where(size <= 0.5, _inverse_center(np.where(size <= 0.5, y, 0.5)), np.copysign(tail, y))
    return np.where(size < 1, x, np.where(size == 1, np.copysign(np.inf, y), np.nan))


def _ndtri(p: Array) -> Array:
    nearest = np.minimum(p, 1 - p)  # the smaller of the two tails
    tail = _inverse_tail(np.where(nearest < 0.25, np.maximum(2 * nearest, 0), 0.5))
    center = _inverse_center(np.where(nearest < 0.25, 0.0, 2 * p - 1))
    x = math.sqrt(2) * np.where(nearest < 0.25, np.where(p < 0.5, -tail, tail), center)
    return np.where((p > 0) & (p < 1), x, np.where(p == 0, -np.inf, np.where(p == 1, np.inf, np.nan)))


erf: Op = _function(
    "Erf",
    _erf,
    "The error function: 2/√π times the integral of exp(-t²) from 0 to x.",
    lambda g, y, x: g * (exp(-square(x)) * (2 / math.sqrt(math.pi))),
    _erf32,
)
erfc: Op = _function(
    "Erfc",
    _erfc,
    "1 - erf(x), precise where that is small.",
    lambda g, y, x: g * (exp(-square(x)) * (-2 / math.sqrt(math.pi))),
    _erfc,
)
erfinv: Op = _function(
    "Erfinv",
    _erfinv,
    "The number whose error function is x.",
    lambda g, y, x: g * (exp(square(y)) * (math.sqrt(math.pi) / 2)),
)
ndtri: Op = _function(
    "Ndtri",
    _ndtri,
    "The number below which a standard normal variable is with probability x.",
    lambda g, y, x: g * (exp(square(y) * 0.5) * math.sqrt(2 * math.pi)),
)


# --- the gamma function's logarithm and its derivatives


@lru_cache(maxsize=1)
def _lgamma_series() -> tuple[float, ...]:
    """log Γ(2 + z) as a power series in z (DLMF 5.7.3), enough of it for |z| <= 0.5."""
    k = np.arange(2.0, 30.0)
    terms = np.where(k % 2 == 0, 1, -1) * _hurwitz(k, np.full_like(k, 2.0)) / k
    return (0.0, 1 - float(np.euler_gamma), *terms.tolist())


def _stirling(x: Array) -> Array:
    """log Γ(x) for x >= 8 (DLMF 5.11.1)."""
    z = 1 / (x * x)
    series = _polynomial(tuple(b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI[:8], 1)), z)
    return (x - 0.5) * np.log(x) - x + 0.5 * math.log(2 * math.pi) + series / x


def _lgamma_positive(x: Array) -> Array:
    small = x < 0.5
    near = x < 2.5
    x1 = np.where(small, x + 1, x)  # Γ(x) = Γ(x + 1) / x
    z = np.where(near, np.where(x1 < 1.5, x1 - 1, x1 - 2), 0.0)
    inner = (
        _polynomial(_lgamma_series(), z)
        - np.where(x1 < 1.5, np.log1p(z), 0.0)
        - np.where(small, np.log(x), 0.0)
    )
    middle = x < 8
    base = np.where(middle, x, 1.0)
    product = np.ones_like(x)
    for k in range(8):
        product = product * (base + k)
    outer = _stirling(np.where(middle, base + 8, x)) - np.where(middle, np.log(product), 0.0)
    return np.where(near, inner, outer)


def lgamma_values(x: Array) -> Array:
    """log |Γ(x)| for arrays of float64 or float32."""
    positive = x > 0
    value = _lgamma_positive(np.where(positive, x, 1 - x))
    sine = np.absolute(np.sin(math.pi * (x - np.rint(x))))
    value = np.where(positive, value, math.log(math.pi) - np.log(sine) - value)  # reflection, DLMF 5.5.3
    return np.where(np.isinf(x), np.inf, value)


def _digamma(x: Array) -> Array:
    positive = x > 0
    a = np.where(positive, x, 1 - x)
    middle = a < 10
    base = np.where(middle, a, 1.0)
    steps = np.zeros_like(x)
    for k in range(10):
        steps = steps + 1 / (base + k)
    a = np.where(middle, a + 10, a)
    z = 1 / (a * a)
    series = _polynomial(tuple(b / (2 * k) for k, b in enumerate(_BERNOULLI[:8], 1)), z)
    value = np.log(a) - 0.5 / a - series * z - np.where(middle, steps, 0.0)  # DLMF 5.11.2
    turn = x - np.rint(x)
    value = np.where(positive, value, value - math.pi / np.tan(math.pi * turn))  # reflection, DLMF 5.5.4
    return np.where((x <= 0) & (turn == 0), np.nan, value)


def _hurwitz(s: Array, q: Array, steps: int = 12) -> Array:
    """Σ 1 / (q + n)**s for s > 1, by the Euler-Maclaurin formula (DLMF 25.11.5) from term `steps` on."""
    total = np.zeros(np.broadcast_shapes(s.shape, q.shape))
    for n in range(steps):
        total = total + np.power(q + n, -s)
    a = q + steps
    power = np.power(a, -s)
    total = total + power * a / (s - 1) + power / 2
    factor = s * power / a
    for k, b in enumerate(_BERNOULLI, 1):
        total = total + factor * (b / math.factorial(2 * k))
        factor = factor * (s + 2 * k - 1) * (s + 2 * k) / (a * a)
    return total


def _zeta(s: Array, q: Array) -> Array:
    lowest = float(np.min(q, initial=0.0, where=np.isfinite(q)))
    if lowest < -1000:
        raise ValueError(f"the zeta function of q < -1000 is not supported, but q is {lowest}")
    value = _hurwitz(s, q, 12 + math.ceil(-lowest))
    pole = (q <= 0) & (q == np.floor(q))
    value = np.where(pole, np.where((s == np.floor(s)) & (s % 2 == 0), np.inf, np.nan), value)
    value = np.where(np.isposinf(q), 0.0, value)
    return np.where(s == 1, np.inf, np.where(s < 1, np.nan, value))


def _polygamma(n: Array, x: Array) -> Array:
    order = np.where((n > 0) & (n == np.floor(n)), n, 1.0)
    value = np.where(order % 2 == 0, -1, 1) * np.exp(lgamma_values(order + 1)) * _zeta(order + 1, x)
    value = np.where(n == 0, _digamma(x), value)
    return np.where((n >= 0) & (n == np.floor(n)), value, np.nan)


def _in_float64(run: Callable[..., Array]) -> Callable[..., Array]:
    return lambda a, b: run(a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)


lgamma: Op = _function(
    "Lgamma",
    lgamma_values,
    "The logarithm of the gamma function's absolute value.",
    lambda g, y, x: g * digamma(x),
)
digamma: Op = _function(
    "Digamma",
    _digamma,
    "The derivative of the logarithm of the gamma function.",
    lambda g, y, x: g * polygamma(_ones(x), x),
)
zeta: Op = binary(
    "Zeta",
    "float double",
    _in_float64(_zeta),
    "Hurwitz' zeta function: the sum over n >= 0 of (q + n) to the power -x.",
    lambda g, z, x, q: (None, g * (-x * zeta(x + 1.0, q))),
    args="x: T, q: T",
)
polygamma: Op = binary(
    "Polygamma",
    "float double",
    _in_float64(_polygamma),
    "The derivative of order a of the digamma function.",
    lambda g, z, a, x: (None, g * polygamma(a + 1.0, x)),
    args="a: T, x: T",
)


def _ones(x: Any) -> Any:
    from .array import ones_like

    return ones_like(x)
