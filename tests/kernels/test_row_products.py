"""Products of one row by weights laid out for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import dtypes, ops
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
