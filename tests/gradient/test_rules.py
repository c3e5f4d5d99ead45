"""Every gradient rule, to second order, against numerical differentiation along random directions.

The rows are those of `tests/ops/cases`. The first derivative of the kernel is measured, then that of the rule itself.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque_runtime import ops
from calque_runtime.op import flatten_inputs
from ops import harness
from ops.rows import A, Row, V, rows

CASES = Path(__file__).parents[1] / "ops" / "cases"
WIDE = ("float64", "complex128")


def _differentiable(row: Row) -> bool:
    op = ops.require(row.op)
    return row.grad and not row.error and row.dtype in WIDE and op.differentiable and op.gradient is not None


# Rows at points where those of the ops' own files are not smooth, or do not keep to what the op asks for.
SMOOTH = [
    *rows("BesselI0", A(3, 4), dtypes="float64", label="apart"),
    *rows("BesselI0e", A(3, 4), dtypes="float64", label="apart"),
    *rows("BesselI1", A(3, 4), dtypes="float64", label="apart"),
    *rows("BesselI1e", A(3, 4), dtypes="float64", label="apart"),
    *rows(
        "Betainc",
        A(3, 4, low=1.5, high=3),
        A(3, 4, low=1.5, high=3),
        A(3, 4, low=0.1, high=0.9),
        dtypes="float64",
        label="apart",
    ),
    *rows("ClipByValue", A(3, 4), V(-0.5), V(1.25), dtypes="float64", label="apart"),
    *rows(
        "ClipByValue",
        A(3, 4),
        A(3, 4, low=-2, high=-1),
        A(3, 4, low=1, high=2),
        dtypes="float64",
        label="each",
    ),
    *rows("Digamma", A(3, 4, low=0.5, high=4), dtypes="float64", label="apart"),
    *rows("DivNoNan", A(3, 4), A(3, 4, low=0.5), dtypes="float64 complex128", label="apart"),
    *rows("Erfinv", A(3, 4, low=-0.8, high=0.8), dtypes="float64", label="apart"),
    *rows("Lgamma", A(3, 4, low=0.5, high=4), dtypes="float64", label="apart"),
    *rows("Ndtri", A(3, 4, low=0.1, high=0.9), dtypes="float64", label="apart"),
    *rows("Polygamma", V([1.0, 2.0, 3.0]), A(4, 3, low=0.5, high=4), dtypes="float64", label="apart"),
    *rows(
        "SoftmaxCrossEntropyWithLogits",
        A(2, 3),
        V([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0]]),
        dtypes="float64",
        label="apart",
    ),
    *rows("Xdivy", A(3, 4, low=0.5), A(3, 4, low=0.5), dtypes="float64 complex128", label="apart"),
    *rows("Xlog1py", A(3, 4, low=0.5), A(3, 4, low=0.5), dtypes="float64 complex128", label="apart"),
    *rows("Xlogy", A(3, 4, low=0.5), A(3, 4, low=0.5), dtypes="float64 complex128", label="apart"),
    *rows("Zeta", A(3, 4, low=2, high=5), A(3, 4, low=0.5, high=4), dtypes="float64", label="apart"),
]

ROWS = [
    row
    for path in sorted(CASES.glob("[a-z]*.py"))
    for row in importlib.import_module(f"ops.cases.{path.stem}").ROWS
    if _differentiable(row)
] + SMOOTH

_TIES = "values that tie: a difference is not symmetric there"
_EDGES = "at edges of where it is smooth; see SMOOTH"
_QUANTIZED = "by definition the gradient of what is not rounded"
_TENSORFLOWS = "TensorFlow's rule, which leaves the conjugate out"
_ZEROS = "as in TensorFlow, the gradient of the rule's Cumprod takes 0 where it would divide by one"
# Where the derivative is not what a difference along any direction shows, and why: by op, or by row.
SKIPPED = {
    "Betainc-edges-float64": _EDGES,
    "Angle-complex128": _EDGES,
    "ClipByValue-float64": "bounds that cross; see SMOOTH",
    "ClipByValue-full-float64": "bounds that cross; see SMOOTH",
    "Digamma-float64": _EDGES,
    "DivNoNan-complex128": _EDGES,
    "DivNoNan-float64": _EDGES,
    "DynamicStitch-twice-float64": "as in TensorFlow, what is overwritten gets a gradient too",
    "EuclideanNorm-complex128": _TENSORFLOWS,
    "Erfinv-edges-float64": _EDGES,
    "Erfinv-float64": _EDGES,
    "Lgamma-float64": _EDGES,
    "LogMatrixDeterminant-complex128": "as in TensorFlow, nothing flows back from the sign",
    "Max-ties-float64": _TIES,
    "MaxPool-ties-float64": _TIES,
    "MulNoNan-complex128": _TENSORFLOWS,
    "Maximum-ties-float64": _TIES,
    "Minimum-ties-float64": _TIES,
    "Ndtri-float64": _EDGES,
    "NthElement-ties-float64": _TIES,
    "Polygamma-float64": _EDGES,
    "QuantizeAndDequantizeV2": _QUANTIZED,
    "QuantizeAndDequantizeV3": _QUANTIZED,
    "QuantizeAndDequantizeV4": _QUANTIZED,
    "SegmentProd-complex128": _TENSORFLOWS,
    "Sign-complex128": "TensorFlow's rule gives 0 for the phase",
    "Sign-zero-complex128": "TensorFlow's rule gives 0 for the phase",
    "SquaredDifference-complex128": _TENSORFLOWS,
    "SoftmaxCrossEntropyWithLogits-float64": "labels that do not add up to 1; see SMOOTH",
    "TensorScatterMax-ties-float64": _TIES,
    "TopKV2-ties-float64": _TIES,
    "UnsortedSegmentMax-float64": "the lowest number for a segment without rows",
    "UnsortedSegmentMin-float64": "the highest number for a segment without rows",
    "UnsortedSegmentProd-complex128": _TENSORFLOWS,
    "Xdivy-complex128": _EDGES,
    "Xdivy-float64": _EDGES,
    "Xlog1py-complex128": _EDGES,
    "Xlog1py-float64": _EDGES,
    "Xlogy-complex128": _EDGES,
    "Xlogy-float64": _EDGES,
    "Zeta-float64": _EDGES,
}
# Where only the second derivative is not.
FIRST_ONLY = {
    "Dilation2D": "TensorFlow has no gradient of its gradient",
    "MaxPoolWithArgmax": "TensorFlow has no gradient of its gradient",
    "Prod-one_zero-float64": _ZEROS,
    "Prod-zeros-float64": _ZEROS,
    "UnsortedSegmentProd-zeros-float64": _ZEROS,
}
# Inputs that are held fixed: no gradient flows to them, though the output depends on them.
FIXED = {
    "Betainc": {0, 1},
    "MatrixDiagPartV3": {2},  # the padding
    "MatrixDiagV3": {4},
    "MaxPoolGrad": {0, 1},  # which say where the maxima were
    "MaxPoolGradV2": {0, 1},
    "Polygamma": {0},  # the order
    "SoftmaxCrossEntropyWithLogits": {1},  # labels that add up to 1
    "Zeta": {0},
}
# Inputs that are symmetric, and move so.
SYMMETRIC = {"Cholesky"}


class _Program:
    """A row as a function of its inputs of floating or complex type.

    Attributes:
        inputs: every input, flat.
        moving: which of them are differentiated.
    """

    def __init__(self, row: Row) -> None:
        self.op = ops.require(row.op)
        self.arrays = row.arrays()
        self.attrs = harness.normal_attrs(self.op, row.attrs)
        self.inputs = [np.asarray(a) for a in flatten_inputs(self.op.signature, self.arrays)]
        fixed = FIXED.get(row.op, ())
        self.moving = [
            i for i, a in enumerate(self.inputs) if a.dtype in (np.float64, np.complex128) and i not in fixed
        ]
        self.symmetric = row.op in SYMMETRIC
        self.random = np.random.RandomState(zlib.crc32(row.id.encode()) & 0x7FFFFFFF)
        self.weights: list[Any] = []

    def direction(self) -> list[np.ndarray]:
        found = [self.normal(self.inputs[i]) for i in self.moving]
        return [d + np.conj(np.swapaxes(d, -1, -2)) for d in found] if self.symmetric else found

    def normal(self, like: Any) -> np.ndarray:
        out = self.random.standard_normal(np.shape(like))
        return out + 1j * self.random.standard_normal(np.shape(like)) if np.iscomplexobj(like) else out

    def at(self, moved: Sequence[Any]) -> list[Any]:
        """The inputs with others in place of those that move."""
        flat: list[Any] = list(self.inputs)
        for i, value in zip(self.moving, moved, strict=True):
            flat[i] = value
        return flat

    def run(self, flat: Sequence[Any]) -> list[Any]:
        """The outputs that have a gradient."""
        remaining = iter(flat)
        nested = [
            [next(remaining) for _ in a] if isinstance(a, list) else next(remaining) for a in self.arrays
        ]
        made = self.op(*nested, **self.attrs)
        outputs: list[Any] = []
        for one in made if isinstance(made, list) else [made]:
            outputs.extend(one) if isinstance(one, list) else outputs.append(one)
        return [t for t in outputs if t.dtype in (tf.float64, tf.complex128)]

    def value(self, moved: Sequence[Any]) -> float:
        """The product of the outputs with the weights."""
        found = [t.numpy() for t in self.run(self.at([tf.constant(m) for m in moved]))]
        return _product(self.weights, found)

    def gradient(self, moved: Sequence[Any]) -> list[Any]:
        """The gradients of the moving inputs, as tensors; None where there is none."""
        with tf.GradientTape() as tape:
            tape.watch(list(moved))
            outputs = self.run(self.at(moved))
        return list(tape.gradient(outputs, list(moved), output_gradients=self.weights))


def _product(a: Sequence[Any], b: Sequence[Any]) -> float:
    return float(sum(np.sum(np.real(np.conj(x) * y)) for x, y in zip(a, b, strict=True) if y is not None))


def _slope(f: Callable[[float], float]) -> float:
    """The derivative at 0, of fourth order in the step."""
    h = 1e-5
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


def _dense(gradients: Sequence[Any]) -> list[Any]:
    return [None if g is None else tf.convert_to_tensor(g) for g in gradients]


def _moved(start: Sequence[np.ndarray], direction: Sequence[np.ndarray], t: float) -> list[np.ndarray]:
    return [a + t * d for a, d in zip(start, direction, strict=True)]


@pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in ROWS])
def test_rule(row: Row) -> None:
    for key in (row.op, row.id):
        if key in SKIPPED:
            pytest.skip(SKIPPED[key])
    program = _Program(row)
    start = [program.inputs[i] for i in program.moving]
    if not start:
        pytest.skip("no input of floating type")
    tensors = [tf.constant(a) for a in start]
    program.weights = [program.normal(t.numpy()) for t in program.run(program.at(tensors))]
    if not any(w.size for w in program.weights):
        pytest.skip("no output of floating type")
    along = program.direction()
    first = _dense(program.gradient(tensors))
    got = _product(along, [None if g is None else g.numpy() for g in first])
    want = _slope(lambda t: program.value(_moved(start, along, t)))
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7, err_msg="first derivative")
    if row.op in FIRST_ONLY or row.id in FIRST_ONLY:
        return
    across = program.direction()
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        first = _dense(program.gradient(tensors))
    known = [(g, a) for g, a in zip(first, across, strict=True) if g is not None]
    if not known:
        return
    second = _dense(
        tape.gradient([g for g, _ in known], tensors, output_gradients=[tf.constant(a) for _, a in known])
    )
    got = _product(along, [None if g is None else g.numpy() for g in second])

    def slope_across(t: float) -> float:
        found = _dense(program.gradient([tf.constant(a) for a in _moved(start, along, t)]))
        return _product(across, [None if g is None else g.numpy() for g in found])

    np.testing.assert_allclose(got, _slope(slope_across), rtol=1e-6, atol=1e-7, err_msg="second derivative")
