"""Products of one row by weights laid out for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, ops
from calque_runtime.kernels import blas, products
from calque_runtime.kernels.epilogue import Epilogue
from calque_runtime.op import Site


def run(name: str, attrs: dict[str, Any], *arrays: Any) -> Any:
    op = ops.require(name)
    types = [dtypes.from_numpy(a.dtype) for a in arrays]
    return op.bind(Site(op, {"T": types[0], **attrs}, types, [a.shape for a in arrays]))(*arrays)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(("rows", "columns", "wide"), [(5, 3, 3), (5, 3, 8), (0, 2, 4), (700, 600, 672)])
def test_row_product(dtype: Any, transpose: bool, rows: int, columns: int, wide: int) -> None:
    random = np.random.default_rng(1)
    x, w = (random.standard_normal(shape).astype(dtype) for shape in ((1, rows), (rows, columns)))
    laid_out = run("_Columns", {"columns": wide, "transpose": transpose}, w.T if transpose else w)
    assert laid_out.shape == (rows, wide)
    assert laid_out.T.flags.c_contiguous
    got = run("_RowProduct", {"columns": columns}, x, laid_out)
    assert got.shape == (1, columns)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, x @ w, rtol=1e-3 if dtype == np.float32 else 1e-9, atol=1e-4)


def test_threads_that_others_keep_waiting_are_avoided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_busy_until", 0.0)
    guard = blas.Guard()
    for start, took in ((1, 0.002), (2, 0.001), (3, 0.0035)):
        assert guard.begin(lambda now=start: now) == start
        guard.end(start, lambda now=start + took: now)
        assert not blas.owned()
    guard.end(9, lambda: 9.1)  # a hundred times as long: once may be anything
    assert guard.begin(lambda: 9.2) == 9.2
    guard.end(10, lambda: 10.1)
    began = blas.Guard().begin(lambda: 10.2)
    assert began == -10.2  # others are told
    assert blas.owned() == blas.controllable()
    guard.end(began, lambda: 10.203)
    assert not blas.owned()
    assert guard.begin(lambda: 20) == 20
    guard.end(20, lambda: 20.02)  # seven times as long as without threads
    assert guard.begin(lambda: 20.03) == -20.03
    guard.end(-20.03, lambda: 20.033)
    assert not blas.owned()


def test_a_plan_that_does_more_than_products_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_busy_until", 0.0)
    guard = blas.Guard(0.001)
    alone = []
    for run in range(100):  # 20 ms each, where the products were thought to take one
        began = guard.begin(lambda now=1 + run / 10: now)
        guard.end(began, lambda now=1.02 + run / 10: now)
        alone.append(began < 0)
    assert any(alone)
    assert not any(alone[30:])


def test_products_are_the_same_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "owned", lambda: True)
    x, w = np.ones((1, 6), np.float32), np.arange(24, dtype=np.float32).reshape(6, 4)
    laid_out = run("_Columns", {"columns": 8}, w)
    np.testing.assert_array_equal(run("_RowProduct", {"columns": 4}, x, laid_out), x @ w)
    monkeypatch.setattr(products, "LARGE", 1)
    monkeypatch.setattr(products, "_EPILOGUE", 1)
    a, b = np.ones((4, 200), np.float32), np.full((200, 3), 0.5, np.float32)
    multiply = products.product(
        4, 200, 3, np.float32, Epilogue([b"BiasAdd", b"Relu"], np.float32), False, False
    )
    np.testing.assert_array_equal(multiply(a, b, np.array([-99, -100, -101], np.float32)), [[1, 0, 0]] * 4)
