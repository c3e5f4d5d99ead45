"""Models written with TensorFlow's own API and saved by it, run here: what their functions and signatures give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from interop.test_keras import leaves
from interop.tf_models import CASES
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]


def work(tests, folder):  # type: ignore[no-untyped-def]
    """In TensorFlow: every model saved, loaded and called."""
    import sys

    sys.path.insert(0, tests)
    from interop import tf_recording

    return tf_recording.record_all(folder)


@pytest.fixture(scope="module")
def saved(tf: TensorFlow, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("models")
    return folder, tf.script(work, tests=str(TESTS), folder=str(folder), timeout=600)


def plain(value: Any) -> Any:
    """A result here in the form of `tf_recording.plain`."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "dense_shape"):
        return {k: value.__getattribute__(k) for k in ("indices", "values", "dense_shape")}
    if hasattr(value, "nested_row_splits"):
        (splits,) = value.nested_row_splits
        return {"values": value.flat_values, "row_splits": splits}
    return value


def assert_same(got: Any, want: Any, values: bool) -> None:
    mine, theirs = dict(leaves(plain(got))), dict(leaves(want))
    assert set(mine) == set(theirs)
    for path, expected in theirs.items():
        actual = mine[path]
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape), path
        if not values:
            continue
        if expected.dtype.kind in "biuO":
            np.testing.assert_array_equal(actual, expected, err_msg=path)
        else:
            np.testing.assert_allclose(actual, expected, 1e-4, 1e-5, err_msg=path)


@pytest.mark.parametrize("load", [calque_runtime.load, calque.saved_model.load], ids=["runtime", "tracer"])
@pytest.mark.parametrize("name", CASES)
def test_calls(saved: tuple[Path, dict[str, Any]], name: str, load: Any) -> None:
    folder, records = saved
    record = records[name]
    assert isinstance(record, list), record
    assert (
        len(record)
        >= sum(map(len, (calls for calls in CASES[name].calls.values() if isinstance(calls, list))))
        > 0
    )
    model = load(folder / name)
    for target, args, want in record:
        if isinstance(args, dict):
            got = model.signatures[target.removeprefix("signatures.")](
                **{k: tensor(v, load) for k, v in args.items()}
            )
        else:
            got = getattr(model, target)(*(tensor(a, load) for a in args))
        # seeded stateless draws are TensorFlow's to the bit, the others only in distribution
        assert_same(got, want, values=not CASES[name].random or target.endswith("stateless"))


def tensor(value: Any, load: Any) -> Any:
    is_array = isinstance(value, (np.ndarray, np.generic, bytes))
    return calque.constant(value) if is_array and load is not calque_runtime.load else value
