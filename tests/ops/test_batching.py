"""BatchFunction: what TensorFlow does with one request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calque_runtime import errors
from calque_runtime.ir import Function, FunctionRef
from support.graphs import Builder, run

HOW = pytest.mark.parametrize("how", ["reference", "plan"])


def inner(reduced: bool) -> FunctionRef:
    """x * w, or x times the number of rows that the function sees."""
    b = Builder("inner")
    x, w = b.argument("float32"), b.argument("float32")
    if reduced:
        (shape,) = b.add("Shape", x)
        (rows,) = b.add("Prod", shape, b.constant(np.int32([0])))
        (w,) = b.add("Cast", rows, DstT="float32")
    (y,) = b.add("Mul", x, w)
    function = b.done(y)
    return FunctionRef(function.name, function)


def outer(reduced: bool = False, shape: Any = (None,), **attrs: Any) -> Function:
    b = Builder()
    x, w = b.argument("float32", shape), b.argument("float32", ())
    known = {"num_batch_threads": 1, "batch_timeout_micros": 0, "max_batch_size": 4, **attrs}
    (y,) = b.add("BatchFunction", [x], [w], Tout=["float32"], f=inner(reduced), **known)
    return b.done(y)


def call(function: Function, x: Any, how: str) -> list[float]:
    return run(function, [np.asarray(x, np.float32), np.float32(3)], how)[0].tolist()


@HOW
@pytest.mark.parametrize("x", [[1, 2, 3], [1], []])
def test_values(how: str, x: list[float]) -> None:
    assert call(outer(), x, how) == [3 * v for v in x]


@HOW
@pytest.mark.parametrize(("x", "rows"), [([1], 2), ([1, 1], 2), ([1, 1, 1], 4)])
def test_a_batch_is_filled_up_to_an_allowed_size(how: str, x: list[float], rows: int) -> None:
    assert call(outer(True, allowed_batch_sizes=(2, 4)), x, how) == [rows] * len(x)


@HOW
def test_a_large_batch(how: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="larger than maximum"):
        call(outer(), [1] * 6, how)
    split = outer(True, enable_large_batch_splitting=True, max_batch_size=8, allowed_batch_sizes=(2, 4))
    assert call(split, [1] * 6, how) == [4, 4, 4, 4, 2, 2]


@HOW
def test_what_is_no_batch(how: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="at least one dimension"):
        call(outer(shape=None), 1, how)


def test_sizes_that_do_not_increase() -> None:
    with pytest.raises(errors.InvalidArgumentError, match="allowed_batch_sizes"):
        call(outer(allowed_batch_sizes=(4, 2)), [1], "plan")
