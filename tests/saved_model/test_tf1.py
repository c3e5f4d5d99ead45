"""Models without object graphs that TensorFlow wrote, against what a Session gave (tf1/make_golden.py)."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime import errors
from calque_runtime.wire import schema
from support.arrays import unpack

TF1 = Path(__file__).parent / "tf1"
MODELS = ("conditions", "loops", "variables", "tables", "composite", "frozen")


@cache
def golden(model: str) -> dict[str, np.ndarray]:
    with np.load(TF1 / f"{model}.npz") as archive:
        return dict(archive)


def calls(model: str) -> list[tuple[str, str]]:
    """(signature, number of the call), in the order in which one Session ran them."""
    found = {tuple(key.split("|")[:2]) for key in golden(model)}
    return sorted(found, key=lambda one: int(one[1]))  # type: ignore[arg-type, return-value]


def tensors(model: str, call: tuple[str, str], part: str) -> dict[str, np.ndarray]:
    prefix = f"{call[0]}|{call[1]}|{part}/"
    names = {key.partition("#")[0] for key in golden(model) if key.startswith(prefix)}
    return {name.removeprefix(prefix): unpack(golden(model), name) for name in names}


def parts(name: str, value: Any) -> dict[str, Any]:
    if not hasattr(value, "dense_shape"):
        return {} if value is None else {name: value}
    return {f"{name}/{part}": getattr(value, part) for part in ("indices", "values", "dense_shape")}


@pytest.mark.parametrize("model", MODELS)
def test_signatures(model: str) -> None:
    loaded = calque_runtime.load(TF1 / model)
    for call in calls(model):
        want = tensors(model, call, "out")
        results = loaded.signatures[call[0]](**tensors(model, call, "in"))
        got = {key: array for name, value in results.items() for key, array in parts(name, value).items()}
        assert set(got) == set(want), call
        for name, array in want.items():
            mine = np.asarray(got[name], object if array.dtype == object else None)
            assert (mine.dtype, mine.shape) == (array.dtype, array.shape), (call, name)
            if array.dtype == object:
                assert mine.tolist() == array.tolist(), (call, name)
            else:
                np.testing.assert_allclose(mine, array, rtol=1e-5, err_msg=f"{call} {name}")
