"""The work of tracing, saving, loading and first calling grows in proportion to the model, not faster.

Counted in lines of Python executed, which no other load on the machine changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
import calque_runtime

SIZES = (40, 80, 160)


def lines_of(action: Callable[[], Any]) -> tuple[int, Any]:
    """How many lines of Python `action` takes, and what it returns."""
    count = 0

    def note(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        result = action()
    finally:
        sys.settrace(before)
    return count, result


def chain(n: int) -> tf.Module:
    """`n` ops, each on the one before."""
    model = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([2, 2], tf.float32)], autograph=False)
    def run(x):
        for i in range(n):
            x = tf.reshape(tf.matmul(x, x), [2, 2]) if i % 2 else x[0:2] + 1.0
        return x

    model.run = run
    return model


def variables(n: int) -> tf.Module:
    """The sum of `n` variables."""
    model = tf.Module()
    model.weights = [tf.Variable([1.0, 2.0], name=f"weight_{i}") for i in range(n)]

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)], autograph=False)
    def run(x):
        for weight in model.weights:
            x = x + weight
        return x

    model.run = run
    return model


def functions(n: int) -> tf.Module:
    """`n` functions, each called by the next."""
    model = tf.Module()
    model.parts = []

    def part(k: int) -> Any:
        @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)], autograph=False)
        def step(x):
            return model.parts[k - 1](x) + 1.0 if k % 4 else x

        return step

    for k in range(n):
        model.parts.append(part(k))

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)], autograph=False)
    def run(x):
        return sum(step(x) for step in model.parts)

    model.run = run
    return model


@pytest.mark.parametrize("build", [chain, variables, functions])
def test_work_grows_with_the_size_of_the_model(build: Callable[[int], tf.Module], tmp_path: Path) -> None:
    work: dict[str, list[int]] = {}
    for n in (8, *SIZES):  # the first one pays for what is imported and remembered once
        model, directory = build(n), str(tmp_path / str(n))
        shape = model.run.input_signature[0].shape.as_list()
        steps = {
            "trace": lambda model=model: model.run.get_concrete_function(),
            "save": lambda model=model, to=directory: tf.saved_model.save(model, to),
            "load": lambda at=directory: calque_runtime.load(at),
            "load in the tracer": lambda at=directory: tf.saved_model.load(at),
        }
        for name, step in steps.items():
            count, result = lines_of(step)
            work.setdefault(name, []).append(count)
            if name == "load":
                x = np.zeros(shape, np.float32)
                work.setdefault("first call", []).append(lines_of(lambda m=result, x=x: m.run(x))[0])
    for name, (_, small, middle, large) in work.items():
        # Twice the size adds twice the lines.
        assert large - middle < 2.1 * (middle - small), f"{name}: {small}, {middle}, {large} lines"
