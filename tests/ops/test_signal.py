"""Gradients of Fourier transforms, by finite differences: rows compare gradients of real inputs and outputs only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import ops
from calque_runtime.op import Call

SHAPES = {"": (2, 6), "2D": (2, 3, 6), "3D": (2, 3, 4, 5)}
RANKS = {"": 1, "2D": 2, "3D": 3}


def made(shape: tuple[int, ...], whole: bool, random: np.random.RandomState) -> Any:
    real = random.standard_normal(shape)
    return real + 1j * random.standard_normal(shape) if whole else real


def gradient(name: str, inputs: list[Any], attrs: dict[str, Any], g: Any) -> Any:
    op = ops.require(name)
    attrs = op.signature.complete([ops_dtype(x) for x in inputs], attrs)
    assert op.gradient is not None
    return op.gradient(Call(op, inputs, [op(*inputs, **attrs)], attrs), g)[0]


def ops_dtype(x: Any) -> Any:
    from calque_runtime.dtypes import from_numpy

    return from_numpy(x.dtype)


def check(name: str, x: Any, rest: list[Any], attrs: dict[str, Any]) -> None:
    """The gradient of Re(sum(conj(g) * op(x))): for a complex x the real part's plus i times the imaginary part's."""
    random = np.random.RandomState(1)
    op = ops.require(name)
    y = op(x, *rest, **attrs)
    g = made(y.shape, y.dtype.kind == "c", random)
    got = gradient(name, [x, *rest], attrs, g)
    assert got.shape == x.shape
    assert got.dtype == x.dtype

    def total(at: Any) -> float:
        return float((np.conj(g) * op(at, *rest, **attrs)).real.sum())

    for _ in range(4):
        way = made(x.shape, x.dtype.kind == "c", random)
        numeric = (total(x + 1e-6 * way) - total(x - 1e-6 * way)) / 2e-6
        np.testing.assert_allclose((np.conj(got) * way).real.sum(), numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("suffix", SHAPES)
@pytest.mark.parametrize("name", ["FFT", "IFFT"])
def test_complex(name: str, suffix: str) -> None:
    check(f"{name}{suffix}", made(SHAPES[suffix], True, np.random.RandomState(0)), [], {})


@pytest.mark.parametrize("suffix", SHAPES)
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_real(suffix: str, cut: int) -> None:
    shape, rank = SHAPES[suffix], RANKS[suffix]
    length = np.array([*shape[-rank:-1], shape[-1] - cut], np.int32)
    x = made(shape, False, np.random.RandomState(0))
    check(f"RFFT{suffix}", x, [length], {"Tcomplex": "complex128"})


@pytest.mark.parametrize("suffix", SHAPES)
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_real_back(suffix: str, cut: int) -> None:
    shape, rank = SHAPES[suffix], RANKS[suffix]
    length = np.array([*shape[-rank:-1], shape[-1] - cut], np.int32)
    half = made((*shape[:-1], shape[-1] // 2 + 1), True, np.random.RandomState(0))
    check(f"IRFFT{suffix}", half, [length], {"Treal": "float64"})
