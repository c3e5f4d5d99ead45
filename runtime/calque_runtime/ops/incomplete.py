"""Incomplete gamma and beta functions, and modified Bessel functions, elementwise and in float64.

Series and continued fractions of DLMF (NIST's Digital Library of Mathematical Functions), sections 8.7, 8.9, 8.17,
10.32 and 10.40; Lentz's method for the fractions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import Array, Call, Kernel, Op, Site, register, registered
from .common import broadcast_shape, same_shape, sum_to
from .special import lgamma_values

__all__: list[str] = []

_MOST = 2000  # terms
_TINY = 1e-300
_EPSILON = 1e-16


def _fraction(first: Array, terms: Callable[[int], tuple[Any, Any]]) -> Array:
    """b0 + a1 / (b1 + a2 / (b2 + ...)), where ``terms(n)`` gives a and b."""
    f = np.where(first == 0, _TINY, first)
    c, d = f, np.zeros_like(f)
    for n in range(1, _MOST):
        a, b = terms(n)
        d = b + a * d
        d = 1 / np.where(d == 0, _TINY, d)
        c = b + a / c
        c = np.where(c == 0, _TINY, c)
        change = c * d
        f = f * change
        if np.all(np.abs(change - 1) < _EPSILON * 4):
            break
    return f


def _gamma_parts(a: Array, x: Array) -> tuple[Array, Array]:
    """P(a, x) and Q(a, x) for a > 0 and x > 0, both finite."""
    front = np.exp(a * np.log(x) - x - lgamma_values(a))
    lower = np.zeros_like(x)
    upper = np.zeros_like(x)
    small = x < a + 1
    if np.any(small):
        aa, xx = a[small], x[small]
        term = total = 1 / aa
        for n in range(1, _MOST):
            term = term * xx / (aa + n)
            total = total + term
            if np.all(term < total * _EPSILON):
                break
        lower[small] = front[small] * total
        upper[small] = 1 - lower[small]
    if np.any(~small):
        aa, xx = a[~small], x[~small]
        tail = _fraction(xx + 1 - aa, lambda n: (-n * (n - aa), xx + 2 * n + 1 - aa))
        upper[~small] = front[~small] / tail
        lower[~small] = 1 - upper[~small]
    return lower, upper


def _incomplete_gamma(part: int) -> Callable[[Array, Array], Array]:
    def run(a: Array, x: Array) -> Array:
        a, x = np.broadcast_arrays(a, x)
        out = np.full(x.shape, np.nan)
        known = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
        out[known] = _gamma_parts(a[known], x[known])[part]
        out[(a > 0) & (x == 0)] = float(part)
        out[(a > 0) & np.isfinite(a) & (x == np.inf)] = float(1 - part)
        out[(a == 0) & (x > 0)] = float(1 - part)
        out[(a == np.inf) & np.isfinite(x) & (x >= 0)] = float(part)
        return out

    return run


def _betainc(a: Array, b: Array, x: Array) -> Array:
    a, b, x = np.broadcast_arrays(a, b, x)
    out = np.full(x.shape, np.nan)
    known = (a > 0) & (b > 0) & (x > 0) & (x < 1) & np.isfinite(a) & np.isfinite(b)
    aa, bb, xx = a[known], b[known], x[known]
    turned = xx > (aa + 1) / (aa + bb + 2)
    p, q, y = np.where(turned, bb, aa), np.where(turned, aa, bb), np.where(turned, 1 - xx, xx)

    def terms(n: int) -> tuple[Any, Any]:
        m = n // 2
        if n % 2:
            return -(p + m) * (p + q + m) * y / ((p + 2 * m) * (p + 2 * m + 1)), 1.0
        return m * (q - m) * y / ((p + 2 * m - 1) * (p + 2 * m)), 1.0

    log_front = p * np.log(y) + q * np.log1p(-y) + lgamma_values(p + q) - lgamma_values(p) - lgamma_values(q)
    value = np.exp(log_front) / (p * _fraction(np.ones_like(y), terms)) if y.size else y
    out[known] = np.where(turned, 1 - value, value)
    positive = (a > 0) & (b > 0)
    out[positive & (x == 0)] = 0.0
    out[positive & (x == 1)] = 1.0
    return out


_NODES = 160  # of the trapezoidal rule, which converges exponentially on a period
_LARGE = 60.0  # from here on the asymptotic series


def _bessel_i(order: int, scaled: bool) -> Callable[[Array], Array]:
    angles = (np.arange(_NODES) + 0.5) * (np.pi / _NODES)

    def run(x: Array) -> Array:
        size = np.abs(x)
        flat = np.minimum(size, _LARGE).reshape(-1, 1)
        weights = np.cos(order * angles) if order else np.ones(_NODES)
        near = (np.exp(flat * (np.cos(angles) - 1)) * weights).mean(axis=1).reshape(x.shape)
        far_x = np.maximum(size, _LARGE)
        term = total = np.ones_like(far_x)
        for k in range(1, 16):
            term = -term * (4 * order * order - (2 * k - 1) ** 2) / (k * 8 * far_x)
            total = total + term
        out = np.where(size > _LARGE, total / np.sqrt(2 * np.pi * far_x), near)
        if order % 2:
            out = out * np.sign(x)
        if not scaled:
            out = out * np.exp(size)
        return np.where(np.isnan(x), np.nan, np.where(np.isinf(x) & scaled, 0.0, out))

    return run


def _declare(declaration: str, run: Callable[..., Array], doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        target = s.dtypes[0].np

        def call(*arrays: Array) -> Array:
            with np.errstate(all="ignore"):
                return np.asarray(run(*(np.asarray(one, np.float64) for one in arrays))).astype(target)

        return call

    return register(Op(declaration, kernel, doc))


_FLOATS = "T: type in floats"
igamma: Op = _declare(
    f"Igamma(a: T, x: T) -> (z: T) | {_FLOATS}",
    _incomplete_gamma(0),
    "The regularized lower incomplete gamma function P.",
)
igammac: Op = _declare(
    f"Igammac(a: T, x: T) -> (z: T) | {_FLOATS}",
    _incomplete_gamma(1),
    "The regularized upper incomplete gamma function Q.",
)
betainc: Op = _declare(
    "Betainc(a: T, b: T, x: T) -> (z: T) | T: type in float double",
    _betainc,
    "The regularized incomplete beta function I.",
)
for _one in (igamma, igammac, betainc):
    _one.shape_rule = broadcast_shape
for _order in (0, 1):
    for _scaled in (True, False):
        _one = _declare(
            f"BesselI{_order}{'e' if _scaled else ''}(x: T) -> (y: T) | {_FLOATS}",
            _bessel_i(_order, _scaled),
            f"The modified Bessel function I of order {_order}{', times exp(-|x|)' if _scaled else ''}.",
        )
        _one.shape_rule = same_shape


@betainc.grad
def _(c: Call, g: Any) -> list[Any]:
    # As in TensorFlow, for x only.
    from .elementwise import xlogy
    from .functions import exp, log1p
    from .special import lgamma

    a, b, x = c.inputs
    log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
    slope = exp((b - 1.0) * log1p(-x) + xlogy(a - 1.0, x) - log_beta)
    return [None, None, sum_to(g * slope, x)]


def _bessel_gradient(order: int, scaled: bool) -> Callable[..., list[Any]]:
    """I0' = I1 and I1' = I0 - I1 / x, which is 1/2 at 0; scaled, less sign(x) times the function itself."""

    def rule(c: Call, g: Any) -> list[Any]:
        from . import require
        from .array import ones_like, zeros_like
        from .compare import equal, select_v2
        from .functions import sign

        x, y = c.inputs[0], c.outputs[0]
        other = require(f"BesselI{1 - order}{'e' if scaled else ''}")(x)
        if order == 0:
            slope = other
        else:
            zero = equal(x, zeros_like(x))
            slope = select_v2(zero, ones_like(x) * 0.5, other - y / select_v2(zero, ones_like(x), x))
        return [g * (slope - sign(x) * y if scaled else slope)]

    return rule


for _order in (0, 1):
    for _scaled in (True, False):
        registered()[f"BesselI{_order}{'e' if _scaled else ''}"].gradient = _bessel_gradient(_order, _scaled)
