"""The profiler writes a trace of functions and their ops, and changes no result."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque as tf
from calque import errors
from calque_runtime.plan import watch


def recorded(logdir: Path) -> list[dict[str, Any]]:
    (path,) = logdir.glob("plugins/profile/*/*.trace.json.gz")
    with gzip.open(path, "rt") as file:
        events: list[dict[str, Any]] = json.load(file)["traceEvents"]
    assert all(e["ph"] == "X" and e["ts"] >= 0 and e["dur"] >= 0 for e in events)
    return events


@tf.function
def collatz(n: Any, steps: Any) -> Any:
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps.assign_add(1)
    return n, tf.range(3) * 2


def test_ops_are_timed_and_results_stay(tmp_path: Path) -> None:
    steps = tf.Variable(0)
    with tf.profiler.experimental.Profile(tmp_path):
        for _ in range(3):
            with tf.profiler.experimental.Trace("round", step_num=4) as mark:
                mark.set_metadata(more=True)
                last, doubled = collatz(tf.constant(6), steps)
    assert (int(last), doubled.numpy().tolist(), int(steps)) == (1, [0, 2, 4], 24)
    events = recorded(tmp_path)
    kinds = {kind: [e for e in events if e["cat"] == kind] for kind in ("function", "op", "trace")}
    assert [e["args"] for e in kinds["trace"]] == [{"step_num": "4", "more": "True"}] * 3
    assert len(kinds["function"]) == 3
    assert all(e["name"].startswith("__inference_collatz") for e in kinds["function"])
    assert [e["name"] for e in kinds["op"]].count("AssignAddVariableOp") == 24
    (line,) = {e["args"]["line"] for e in kinds["op"] if e["name"] == "AssignAddVariableOp"}
    assert line.startswith(f"{__file__}:")
    for function, mark in zip(kinds["function"], kinds["trace"], strict=True):
        inside = [e for e in kinds["op"] if function["ts"] <= e["ts"] < function["ts"] + function["dur"]]
        assert inside
        assert mark["ts"] <= function["ts"]
        assert sum(e["dur"] for e in inside) <= function["dur"]


def test_functions_under_tapes_and_with_tensor_lists(tmp_path: Path) -> None:
    @tf.function
    def scanned(x: Any) -> Any:
        return tf.scan(lambda a, b: a + b, x)

    x = tf.Variable([1.0, 2.0])
    scanned(x)
    tf.profiler.experimental.start(tmp_path)
    with tf.GradientTape() as tape:
        y = scanned(x)
    gradient = tape.gradient(y, x)
    tf.profiler.experimental.stop()
    np.testing.assert_array_equal(y, [1, 3])
    np.testing.assert_array_equal(gradient, [2, 1])
    assert {e["cat"] for e in recorded(tmp_path)} >= {"function"}


def test_an_error_is_the_same(tmp_path: Path) -> None:
    @tf.function(input_signature=[tf.TensorSpec([None])])
    def product(x: Any) -> Any:
        return tf.matmul(x[None], tf.ones([2, 2]))

    with pytest.raises(errors.InvalidArgumentError) as plain:
        product(tf.ones([3]))
    with tf.profiler.experimental.Profile(tmp_path), pytest.raises(errors.InvalidArgumentError) as timed:
        product(tf.ones([3]))
    assert str(timed.value) == str(plain.value)


def test_with_trace_on(tmp_path: Path) -> None:
    tf.summary.trace_on(profiler=True, profiler_outdir=tmp_path)
    collatz(tf.constant(2), tf.Variable(0))
    tf.summary.trace_export("trace", step=0)
    assert {e["cat"] for e in recorded(tmp_path)} == {"function", "op"}


def test_one_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(errors.UnavailableError, match="No profiler is running"):
        tf.profiler.experimental.stop()
    tf.profiler.experimental.start(tmp_path, tf.profiler.experimental.ProfilerOptions(host_tracer_level=1))
    with pytest.raises(errors.AlreadyExistsError, match="Another profiler is running"):
        tf.profiler.experimental.start(tmp_path)
    tf.profiler.experimental.stop(save=False)
    assert list(tmp_path.iterdir()) == []
    assert watch.observers == ()
