"""Bundles and state files that calque writes, read by TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calque_runtime.checkpoint import BundleWriter, CheckpointState, merge_bundles, write_state
from checkpoint.bundles import assert_same
from checkpoint.golden.cases import DTYPES, MATRIX, SHAPES, SLICED, STRINGS, apply_slice
from checkpoint.test_round_trip import big_endian
from interop.tf_process import TensorFlow


def read_with_tensorflow(prefix: str, names: list[str]) -> object:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name in names}


def check(tf: TensorFlow, prefix: Path, want: dict[str, np.ndarray]) -> None:
    got = tf.run(read_with_tensorflow, prefix=str(prefix), names=list(want))
    for name, value in want.items():
        is_string = np.asarray(value).dtype == object
        assert_same(np.asarray(got[name], object if is_string else None), value)


@pytest.mark.parametrize("num_shards", [1, 3])
@pytest.mark.parametrize("cases", [DTYPES, SHAPES, STRINGS], ids=["dtypes", "shapes", "strings"])
def test_tensors(tf: TensorFlow, cases, num_shards, tmp_path):
    with BundleWriter(tmp_path / "c", num_shards) as writer:
        for key, dtype, value in cases:
            writer.add(key, value, dtype)
    check(tf, tmp_path / "c", {key: value for key, _, value in cases})


def test_partitioned_tensors(tf: TensorFlow, tmp_path):
    whole = [case for case in SLICED if case[0] != "strings"]
    with BundleWriter(tmp_path / "c") as writer:
        for key, full, texts in whole:
            for text in texts:
                writer.add_slice(key, full.shape, text, apply_slice(full, text))
    check(tf, tmp_path / "c", {key: full for key, full, _ in whole})


def test_merged_bundles(tf: TensorFlow, tmp_path):
    for number, rows in enumerate(("0,3:-", "3,4:-")):
        with BundleWriter(tmp_path / f"part-{number}") as writer:
            writer.add_slice("w", (7, 6), rows, apply_slice(MATRIX, rows))
            writer.add(f"n{number}", np.int32(number))
    merge_bundles([tmp_path / "part-0", tmp_path / "part-1"], tmp_path / "out")
    check(tf, tmp_path / "out", {"w": MATRIX, "n0": np.int32(0), "n1": np.int32(1)})


def test_our_idea_of_a_big_endian_bundle(tf: TensorFlow, tmp_path):
    tensors = {
        "f": np.arange(6, dtype=np.float32).reshape(2, 3),
        "c": np.array([1 + 2j, 3 - 4j], np.complex64),
        "l": np.array([1, -2], np.int64),
        "s": np.array([b"a", b"", b"xyz"], object),
    }
    big_endian(tmp_path / "c", tensors)
    check(tf, tmp_path / "c", tensors)


def test_latest_checkpoint(tf: TensorFlow, tmp_path):
    for number in (1, 2):
        with BundleWriter(tmp_path / f"c-{number}") as writer:
            writer.add("x", np.float32(number))
    paths = [str(tmp_path / f"c-{number}") for number in (1, 2)]
    write_state(tmp_path, CheckpointState(paths[1], paths, [1.5, 1700000000.25], 1.0))
    code = """
    state = tf.train.get_checkpoint_state(folder)
    result = {
        "latest": tf.train.latest_checkpoint(folder),
        "all": list(state.all_model_checkpoint_paths),
        "times": list(state.all_model_checkpoint_timestamps),
        "preserved": state.last_preserved_timestamp,
    }
    """
    got = tf.run(code, folder=str(tmp_path))
    assert got == {"latest": paths[1], "all": paths, "times": [1.5, 1700000000.25], "preserved": 1.0}
