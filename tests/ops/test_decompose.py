"""Decompositions by what defines them, and gradients that TensorFlow cannot be asked for, by finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from calque_runtime import ops
from calque_runtime.op import Call, dtype_of, flatten_inputs

SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 3), (0, 2, 2)]
DTYPES = ["float32", "float64", "complex64", "complex128"]


def run(name: str, *inputs: Any, **attrs: Any) -> Any:
    return ops.require(name)(*inputs, **attrs)


def random(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    state = np.random.RandomState(3)
    value = state.standard_normal(shape) + (1j * state.standard_normal(shape) if dtype.startswith("c") else 0)
    return value.astype(dtype)


def adjoint(x: np.ndarray) -> np.ndarray:
    return np.conj(x.swapaxes(-1, -2))


def tolerance(dtype: str) -> float:
    return 1e-4 if dtype in ("float32", "complex64") else 1e-10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("full", [False, True])
def test_svd_gives_the_input_back(shape: tuple[int, ...], dtype: str, full: bool) -> None:
    x = random(shape, dtype)
    s, u, v = run("Svd", x, full_matrices=full)
    least = min(shape[-2:])
    assert s.dtype == u.dtype == v.dtype == x.dtype
    assert s.shape == (*shape[:-2], least)
    assert u.shape == (*shape[:-1], shape[-2] if full else least)
    assert v.shape == (*shape[:-2], shape[-1], shape[-1] if full else least)
    back = (u[..., :least] * s[..., None, :]) @ adjoint(v[..., :least])
    np.testing.assert_allclose(back, x, atol=tolerance(dtype))
    values, *nothing = run("Svd", x, compute_uv=False)
    np.testing.assert_allclose(values, s, atol=tolerance(dtype))
    assert [n.shape for n in nothing] == [(0,), (0,)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (0, 2, 2)])
def test_eigenvectors_give_the_input_back(shape: tuple[int, ...], dtype: str) -> None:
    x = random(shape, dtype)
    x = x + adjoint(x)
    e, v = run("SelfAdjointEigV2", x)
    assert e.dtype == v.dtype == x.dtype
    np.testing.assert_allclose((v * e[..., None, :]) @ adjoint(v), x, atol=tolerance(dtype))
    values, nothing = run("SelfAdjointEigV2", x, compute_v=False)
    np.testing.assert_allclose(values, e, atol=tolerance(dtype))
    assert nothing.shape == (0,)


def test_cholesky_of_a_matrix_that_is_not_positive_definite_is_nan_there_only() -> None:
    x = np.array([[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.0], [0.0, 4.0]]])
    out = run("Cholesky", x)
    assert np.isnan(out[0][np.tril_indices(2)]).all()
    np.testing.assert_array_equal(out[1], [[1, 0], [0, 2]])


ALIGNED = {"k": np.array([-1, 1], np.int32), "none": np.array(-1, np.int32), "zero": np.array(0.0)}
# name, inputs of which the first is differentiated for, attributes
DIFFERENCES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("Svd", [random((4, 3))], {"compute_uv": False}),
    ("Svd", [random((2, 3, 4))], {"compute_uv": False}),
    ("SelfAdjointEigV2", [random((3, 3))], {"compute_v": False}),
    ("Qr", [random((4, 3))], {}),
    ("Qr", [random((3, 3))], {"full_matrices": True}),
    ("MatrixDiagV2", [random((3, 4)), ALIGNED["k"], ALIGNED["none"], ALIGNED["none"], ALIGNED["zero"]], {}),
    ("MatrixDiagPartV2", [random((3, 4)), ALIGNED["k"], ALIGNED["zero"]], {}),
    ("MatrixSetDiagV2", [random((3, 4)), random((3, 3)), ALIGNED["k"]], {}),
    ("CumulativeLogsumexp", [random((2, 4)), np.array(1, np.int32)], {"exclusive": True, "reverse": True}),
    ("LogMatrixDeterminant", [random((3, 3))], {}),
    ("AccumulateNV2", [[random((2, 3)), random((2, 3))]], {"shape": (2, 3)}),
]


@pytest.mark.parametrize(
    ("name", "inputs", "attrs"), DIFFERENCES, ids=[f"{i}-{d[0]}" for i, d in enumerate(DIFFERENCES)]
)
def test_gradient_is_the_limit_of_differences(name: str, inputs: list[Any], attrs: dict[str, Any]) -> None:
    op = ops.require(name)
    first = inputs[0][0] if isinstance(inputs[0], list) else inputs[0]

    def outputs(x: np.ndarray) -> list[np.ndarray]:
        start = [x, *inputs[0][1:]] if isinstance(inputs[0], list) else x
        out = op(start, *inputs[1:], **attrs)
        return list(out) if isinstance(out, list) else [out]

    found = outputs(first)
    state = np.random.RandomState(5)
    seeds = [state.standard_normal(np.shape(y)) for y in found]

    def weighed(x: np.ndarray) -> float:
        return float(
            sum((np.where(np.isfinite(y), y, 0) * s).sum() for y, s in zip(outputs(x), seeds, strict=True))
        )

    types = [[dtype_of(v) for v in x] if isinstance(x, list) else dtype_of(x) for x in inputs]
    call = Call(op, flatten_inputs(op.signature, inputs), found, op.signature.complete(types, attrs))
    got = op.gradient(call, *seeds)[0]
    np.testing.assert_allclose(got, differences(weighed, first), atol=1e-6, rtol=1e-6)


def differences(of: Callable[[np.ndarray], float], x: np.ndarray) -> np.ndarray:
    out = np.zeros_like(x)
    for i in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        out[i] = (of(x + step) - of(x - step)) / 2e-6
    return out


def test_accumulate_n_is_a_sum() -> None:
    xs = [random((2, 3)), random((2, 3)) + 1, random((2, 3)) * 2]
    np.testing.assert_allclose(run("AccumulateNV2", xs, shape=(2, 3)), sum(xs))
