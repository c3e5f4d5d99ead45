"""Attention in pieces against what it means, over layouts, masks, sizes and types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, ops
from calque_runtime.kernels import attention as kernels
from calque_runtime.op import Site

LETTERS = [
    "BTNH,BSNH,BSNV->BTNV",
    "BNTH,BNHS,BNSV->BNTV",
    "NTH,NSH,SVN->TNV",
    "TH,SH,SV->VT",
    "HTBN,BSNH,NBSV->BTNV",
]
SIZES = {"B": 3, "N": 4, "T": 9, "S": 7, "H": 5, "V": 6}


def kernel(equation: str, scale: float, dtype: Any, arrays: list[Any], *, static: bool = True) -> Any:
    """The op's kernel for arrays of these shapes; with none known, the plain one."""
    op = ops.require("_Attention")
    kind = dtypes.as_dtype(dtype)
    attrs = {"equation": equation.encode(), "scale": scale, "T": kind, "fill": -50.0}
    attrs |= {"num_mask": len(arrays) - 3, "Tmask": dtypes.as_dtype(arrays[-1].dtype)}
    shapes = [a.shape if static else None for a in arrays]
    return op.bind(Site(op, attrs, [dtypes.as_dtype(a.dtype) for a in arrays], shapes))


def made(equation: str, sizes: dict[str, int], dtype: Any) -> tuple[list[Any], list[str]]:
    random = np.random.default_rng(6)
    letters = equation.split("->")[0].split(",")
    return [random.standard_normal([sizes[x] for x in one]).astype(dtype) for one in letters], letters


def wanted(equation: str, scale: float, arrays: list[Any]) -> Any:
    left, right = equation.split("->")
    q, k, v = left.split(",")
    stacked = "".join(x for x in "BN" if x in right)
    wide = [a if a.dtype == np.bool_ else a.astype(np.float64) for a in arrays]
    scores = np.einsum(f"{q},{k}->{stacked}TS", *wide[:2]) * scale
    if len(wide) > 3:
        scores = np.where(wide[3], scores, -50.0) if wide[3].dtype == np.bool_ else scores + wide[3]
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum(f"{stacked}TS,{v}->{right}", e / e.sum(-1, keepdims=True), wide[2])


@pytest.fixture(params=[1 << 17, 100, 20, 1])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of several stacks, of some heads, of some rows, of one row."""
    monkeypatch.setattr(kernels, "_PIECE", request.param)


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("equation", LETTERS)
def test_layouts(equation: str, dtype: Any, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_SHARED", 1 if shared else 1 << 40)
    arrays, _ = made(equation, SIZES, dtype)
    got = kernel(equation, 0.3, dtype, arrays)(*arrays)
    assert got.dtype == dtype
    want = wanted(equation, 0.3, arrays)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(kernel(equation, 0.3, dtype, arrays, static=False)(*arrays), want, 1e-5, 1e-6)


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize("shape", [(3, 4, 9, 7), (3, 1, 1, 7), (9, 7), (7,), (), (4, 1, 7)])
def test_masks(shape: tuple[int, ...]) -> None:
    equation = LETTERS[0]
    arrays, _ = made(equation, SIZES, np.float32)
    random = np.random.default_rng(7)
    left_out = np.asarray(random.random(shape) < 0.3)
    for mask in (np.asarray(np.where(left_out, -1e9, 0), np.float32), ~left_out):
        given = [*arrays, mask]
        want = wanted(equation, 1.0, given)
        for static in (True, False):
            got = kernel(equation, 1.0, np.float32, given, static=static)(*given)
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("offset", [-1000.0, 0.0, 1000.0])
def test_rows_far_apart(offset: float) -> None:
    """A row whose scores are nearly nothing beside those of others, and scores beyond what exp can take."""
    q = np.array([[30.0], [-90.0], [1e-3], [60.0]], np.float32)
    k = np.linspace(1, 2, 5, dtype=np.float32)[:, None]
    v = np.arange(10, dtype=np.float32).reshape(5, 2)
    mask = np.array(offset, np.float32)
    arrays = [q, k, v, mask]
    got = kernel("TH,SH,SV->TV", 1.0, np.float32, arrays)(*arrays)
    np.testing.assert_allclose(got, wanted("TH,SH,SV->TV", 1.0, arrays), rtol=1e-3, atol=1e-3)


def test_nan_stays_in_its_row() -> None:
    arrays, _ = made("TH,SH,SV->TV", SIZES, np.float32)
    arrays[0][2] = np.nan
    got = kernel("TH,SH,SV->TV", 1.0, np.float32, arrays)(*arrays)
    assert np.isnan(got[2]).all()
    assert np.isfinite(np.delete(got, 2, 0)).all()


@pytest.mark.parametrize("empty", ["B", "N", "T", "V", "H", "S"])
def test_nothing_along_an_axis(empty: str) -> None:
    sizes = SIZES | {empty: 0}
    arrays, _ = made(LETTERS[0], sizes, np.float32)
    got = kernel(LETTERS[0], 1.0, np.float32, arrays)(*arrays)
    want = np.zeros((3, 4, 9, 6)) if empty == "S" else None
    np.testing.assert_allclose(
        got, wanted(LETTERS[0], 1.0, arrays) if want is None else want.swapaxes(1, 2), 1e-5, 1e-6
    )
