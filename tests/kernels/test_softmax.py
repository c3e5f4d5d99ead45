"""Softmax by rows in tiles, where the rows' own maxima matter and where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime.kernels.softmax import exponentials, softmax

NEAR = np.linspace(-4, 4, 15).reshape(3, 5)
ROWS = {
    "near zero": (NEAR, True),
    "beyond what exp can take": (NEAR + 1000, True),
    "far below zero": (NEAR - 1000, True),
    "a row far below the others": (NEAR - np.array([[0], [90], [0]]), False),
    "a row far above the others": (NEAR + np.array([[0], [500], [0]]), False),
    "left out": (np.where(np.eye(3, 5, dtype=bool), NEAR, -1e9), True),
    "minus infinity": (np.where(np.eye(3, 5, dtype=bool), NEAR, -np.inf), True),
    "one column": (NEAR[:, :1], True),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("x", "quick"), ROWS.values(), ids=list(ROWS))
def test_softmax(x: Any, quick: bool, dtype: Any) -> None:
    x = x.astype(dtype)
    ones = np.ones(x.shape[1], dtype)
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        assert (exponentials(x, out, ones) is not None) == quick
        softmax(x, out, ones)
    e = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    np.testing.assert_allclose(out, e / e.sum(1, keepdims=True), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("what", [np.nan, np.inf, -np.inf])
def test_no_numbers_stay_in_their_row(what: float) -> None:
    x = NEAR.astype(np.float32)
    x[1] = what
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        softmax(x, out, np.ones(5, np.float32))
    e = np.exp(NEAR)
    assert np.isnan(out[1]).all()
    np.testing.assert_allclose(out[[0, 2]], (e / e.sum(1, keepdims=True))[[0, 2]], rtol=1e-5)
