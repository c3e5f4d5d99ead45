"""Programs with control flow, traced and saved by calque: TensorFlow loads them and gets its own results."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest

import calque
from autograph import programs
from interop.tf_process import TensorFlow

GOLDEN = json.loads(
    (pathlib.Path(__file__).parents[1] / "autograph" / "golden" / "programs.json").read_text()
)


def saved_cases() -> dict[str, tuple[Any, list[Any]]]:
    """The programs that take nothing but tensors and that TensorFlow has results for."""
    found = {}
    for function, cases in programs.CASES:
        for number, arguments in enumerate(cases):
            name = f"{function.__name__}-{number}"
            values = arguments()
            if "result" in GOLDEN[name] and all(calque.is_tensor(v) for v in values):
                found[name] = function, list(values)
    return found


def call_all(path, calls):  # type: ignore[no-untyped-def]
    """In TensorFlow: the flat results of each function of the model."""
    import tensorflow as tf

    model = tf.saved_model.load(path)
    found = {}
    for name, arguments in calls.items():
        results = getattr(model, name)(*[tf.constant(a) for a in arguments])
        found[name] = [t.numpy() for t in tf.nest.flatten(results)]
    return found


@pytest.mark.interop
def test_tensorflow_runs_converted_programs(tf: TensorFlow, tmp_path: pathlib.Path) -> None:
    model, calls, wanted = calque.Module(), {}, {}
    for case, (function, arguments) in saved_cases().items():
        name = case.replace("-", "_")
        setattr(model, name, calque.function(function))
        wanted[name] = [t.numpy() for t in calque.nest.flatten(getattr(model, name)(*arguments))]
        calls[name] = [a.numpy() for a in arguments]
    assert len(calls) > 60
    calque.saved_model.save(model, tmp_path / "model")
    got = tf.script(call_all, path=str(tmp_path / "model"), calls=calls)
    for name, values in wanted.items():
        assert len(got[name]) == len(values), name
        for mine, theirs in zip(values, got[name], strict=True):
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
            assert np.asarray(mine).dtype == np.asarray(theirs).dtype, name
