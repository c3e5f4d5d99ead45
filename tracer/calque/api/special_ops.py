"""Special functions beyond those of `math_ops`."""

from __future__ import annotations

from typing import Any

from .arguments import pair, tensor
from .math_ops import lgamma
from .raw import raw, unary
from .reduce_ops import reduce_sum

__all__ = [
    "bessel_i0",
    "bessel_i0e",
    "bessel_i1",
    "betainc",
    "erfcinv",
    "igamma",
    "igammac",
    "lbeta",
    "ndtri",
    "nextafter",
    "polygamma",
    "zeta",
]

bessel_i0 = unary("BesselI0", "bessel_i0", "The modified Bessel function of order 0.")
bessel_i0e = unary("BesselI0e", "bessel_i0e", "The modified Bessel function of order 0, times exp(-abs(x)).")
bessel_i1 = unary("BesselI1", "bessel_i1", "The modified Bessel function of order 1.")
ndtri = unary("Ndtri", "ndtri", "The quantile function of the standard normal distribution.")


def zeta(x: Any, q: Any, name: str | None = None) -> Any:
    """The Hurwitz zeta function: the sum of (n + q) ** -x for n from 0."""
    a, b = pair(x, q)
    return raw("Zeta")(a, b, name=name)


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Any:
    """The floating-point number next to x1 in the direction of x2."""
    a = tensor(x1)
    return raw("NextAfter")(a, tensor(x2, a.dtype), name=name)


def polygamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The a-th derivative of `digamma` at x."""
    value = tensor(x)
    return raw("Polygamma")(tensor(a, value.dtype), value, name=name)


def erfcinv(x: Any, name: str | None = None) -> Any:
    """The inverse of `erfc`."""
    a = tensor(x)
    return -ndtri(a * tensor(0.5, a.dtype)) * tensor(0.5**0.5, a.dtype)


def lbeta(x: Any, name: str | None = None) -> Any:
    """The logarithm of the absolute value of the beta function of the numbers along the last axis."""
    a = tensor(x)
    return reduce_sum(lgamma(a), -1) - lgamma(reduce_sum(a, -1))


def igamma(a: Any, x: Any, name: str | None = None) -> Any:
    """The lower regularized incomplete gamma function, P(a, x)."""
    first, second = pair(a, x)
    return raw("Igamma")(first, second, name=name)


def igammac(a: Any, x: Any, name: str | None = None) -> Any:
    """The upper regularized incomplete gamma function, Q(a, x) = 1 - P(a, x)."""
    first, second = pair(a, x)
    return raw("Igammac")(first, second, name=name)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Any:
    """The regularized incomplete beta function, I_x(a, b)."""
    first, second = pair(a, b)
    return raw("Betainc")(first, second, tensor(x, first.dtype), name=name)
