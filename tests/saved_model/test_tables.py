"""Models with tables, lists and loops that TensorFlow wrote, run here, against what TensorFlow gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from calque_runtime import errors
from calque_runtime.environment import Limits
from saved_model.calls import arguments, flatten, resolve
from saved_model.table_calls import TABLE_CALLS, i64, words
from support.arrays import unpack

GOLDEN = Path(__file__).parent / "golden"


def expected(model: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{model}.npz") as archive:
        names = {key.partition("#")[0] for key in archive}
        return {name: unpack(archive, name) for name in names}


def as_array(value: Any) -> np.ndarray:
    value = value.numpy() if hasattr(value, "numpy") else value
    return np.asarray(value, object) if isinstance(value, bytes) else np.asarray(value)


@pytest.mark.parametrize("how", ["runtime", "tracer"])
@pytest.mark.parametrize("model", ["tables", "loops"])
def test_calls(model: str, how: str) -> None:
    loaded = (
        calque_runtime.load(GOLDEN / model) if how == "runtime" else calque.saved_model.load(GOLDEN / model)
    )
    want = expected(model)
    for call in (c for c in TABLE_CALLS if c.model == model):
        args, kwargs = arguments(call, calque if how == "tracer" else None)
        got = dict(flatten(resolve(loaded, call)(*args, **kwargs)))
        assert {f"{call.name}|{path}" for path in got} == {
            name for name in want if name.startswith(f"{call.name}|")
        }
        for path, value in got.items():
            array, other = as_array(value), want[f"{call.name}|{path}"]
            assert array.dtype == other.dtype, f"{call.name} {path}"
            assert array.shape == other.shape, f"{call.name} {path}"
            if other.dtype == object:
                assert array.tolist() == other.tolist(), f"{call.name} {path}"
            else:
                np.testing.assert_allclose(array, other, rtol=2e-5, atol=1e-6, err_msg=f"{call.name} {path}")


def test_two_loads_share_no_table() -> None:
    one, other = (calque_runtime.load(GOLDEN / "tables") for _ in range(2))
    one.learn(words("new"), i64(9))
    assert one.find_mutable(words("new")).tolist() == [9]
    assert other.find_mutable(words("new")).tolist() == [-1]


def test_a_table_may_be_filled_from_the_models_own_file() -> None:
    model = calque_runtime.load(GOLDEN / "tables", limits=Limits(allow_files=False))
    assert model.find_in_columns(words("pi")).tolist() == [3.25]


def test_wrong_keys_name_the_table_op() -> None:
    model = calque_runtime.load(GOLDEN / "tables")
    with pytest.raises(errors.InvalidArgumentError, match="empty_key"):
        model.find_dense(i64(-1))
