"""Every row of every op family in TensorFlow, now: the stored answers that `make test` compares with are its answers."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.arrays import unpack

OPS = Path(__file__).parents[1] / "ops"
FAMILIES = sorted(p.stem for p in (OPS / "cases").glob("[a-z]*.py"))
# Last bits may differ from one processor to the next.
RTOL, ATOL = {2: 2e-2, 4: 1e-4, 8: 1e-4}, 1e-5


def entries(path: Path) -> dict[str, np.ndarray]:
    """The stored arrays by row and part: ``id|out|0``."""
    with np.load(path) as archive:
        stored = dict(archive)
    keys = {key.rpartition("#")[0] if "#" in key.rpartition("|")[2] else key for key in stored}
    return {key: unpack(stored, key) for key in keys}


@pytest.mark.parametrize("family", FAMILIES)
def test_stored_answers_are_current(tf: Any, tmp_path: Path, family: str) -> None:
    tf.run(
        """
import sys
from pathlib import Path
sys.path[:0] = [tests, tests + "/ops"]
import make_golden
make_golden.main([family], Path(folder))
result = None
""",
        tests=str(OPS.parent),
        folder=str(tmp_path),
        family=family,
        timeout=300,
    )
    now, stored = entries(tmp_path / f"{family}.npz"), entries(OPS / "golden" / f"{family}.npz")
    assert set(now) == set(stored)
    rows = importlib.import_module(f"ops.cases.{family}").ROWS
    random = {row.id for row in rows if row.compare == "shape"}
    compared = {
        key for key in now if "|out|" in key and key.partition("|")[0] not in random and not unset(key)
    }
    assert {key for key in compared if not same(now[key], stored[key])} == set()


def unset(key: str) -> bool:
    """Is it an output that TensorFlow leaves as the memory happened to be? Batch normalization's reserves are."""
    return key.startswith("FusedBatchNorm") and int(key.rpartition("|")[2]) >= 3


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal, floats within rounding."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind in "fc" or a.dtype.kind == "V":
        wide = np.complex128 if a.dtype.kind == "c" else np.float64
        rtol = RTOL.get(a.dtype.itemsize, 1e-1) if a.dtype.kind != "c" else 1e-4
        return bool(
            np.allclose(
                a.astype(wide),
                b.astype(wide),
                rtol=rtol,
                atol=max(ATOL, rtol if a.dtype.itemsize == 2 else rtol / 10),
                equal_nan=True,
            )
        )
    return a.tolist() == b.tolist()
