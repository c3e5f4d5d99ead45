"""The `checkpoint` state file, and the keys of object-based checkpoints."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calque_runtime.checkpoint import (
    CheckpointState,
    attribute_key,
    escape_local_name,
    latest_checkpoint,
    object_path,
    read_state,
    slot_variable_path,
    unescape_local_name,
    write_state,
)
from calque_runtime.errors import DataLossError
from checkpoint.bundles import write_bundle


def test_text(tmp_path):
    newest = str(tmp_path / "ckpt-3")
    write_state(tmp_path, CheckpointState(newest, [str(tmp_path / "ckpt-2"), newest]))
    assert (tmp_path / "checkpoint").read_text() == (
        'model_checkpoint_path: "ckpt-3"\n'
        'all_model_checkpoint_paths: "ckpt-2"\n'
        'all_model_checkpoint_paths: "ckpt-3"\n'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


# Texts that TensorFlow wrote for a checkpoint with such a name and times, and for paths outside the directory.
@pytest.mark.parametrize(
    ("text", "want"),
    [
        (
            'model_checkpoint_path: "é\\"\\n-1"\nall_model_checkpoint_paths: "é\\"\\n-1"\n'
            "all_model_checkpoint_timestamps: 1700000000.123\nlast_preserved_timestamp: 1e-09\n",
            CheckpointState('DIR/é"\n-1', ['DIR/é"\n-1'], [1700000000.123], 1e-9),
        ),
        (
            'model_checkpoint_path: "sub/a-1"\nall_model_checkpoint_paths: "../other/b"\n'
            'all_model_checkpoint_paths: "sub/a-1"\n',
            CheckpointState("DIR/sub/a-1", ["DIR/../other/b", "DIR/sub/a-1"]),
        ),
        ('model_checkpoint_path: "/abs/a"', CheckpointState("/abs/a")),
        ("", CheckpointState()),
    ],
)
def test_reads_what_tensorflow_wrote(text, want, tmp_path):
    (tmp_path / "checkpoint").write_bytes(text.encode())
    want.model_checkpoint_path = want.model_checkpoint_path.replace("DIR", str(tmp_path))
    want.all_model_checkpoint_paths = [
        path.replace("DIR", str(tmp_path)) for path in want.all_model_checkpoint_paths
    ]
    assert read_state(tmp_path) == want
    if text.count("\n") > 1:
        write_state(tmp_path, want)
        assert (tmp_path / "checkpoint").read_bytes() == text.encode()


def test_relative_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_state("st", CheckpointState(os.path.join("st", "a-2"), [os.path.join("st", "a-1")]))
    assert read_state("st") == CheckpointState("st/a-2", ["st/a-1", "st/a-2"])
    write_state("", CheckpointState("a-2"))
    assert read_state("") == CheckpointState("a-2", ["a-2"])


def test_latest_checkpoint(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    assert latest_checkpoint(tmp_path / "none") is None
    write_state(tmp_path, CheckpointState(str(tmp_path / "c-1")))
    assert latest_checkpoint(tmp_path) is None  # its files are not there
    write_bundle(tmp_path / "c-1", {"x": np.float32(1)})
    assert latest_checkpoint(tmp_path) == str(tmp_path / "c-1")
    assert latest_checkpoint(tmp_path, "other") is None
    write_state(tmp_path, CheckpointState(str(tmp_path / "c-1")), "other")
    assert latest_checkpoint(tmp_path, "other") == str(tmp_path / "c-1")
    write_state(tmp_path, CheckpointState())
    assert latest_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    "text", [b"model_checkpoint_path: 3", b'no_such: "x"', b'model_checkpoint_path: "x', b"\xff\xfe"]
)
def test_damaged(text, tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"\n" + text)
    with pytest.raises(DataLossError, match=f"{tmp_path}/checkpoint"):
        latest_checkpoint(tmp_path)


# Names seen in TensorFlow's checkpoints.
@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("a/b", "a.Sb"),
        ("a.b", "a..b"),
        (".S", "..S"),
        (".ATTRIBUTES", "..ATTRIBUTES"),
        ("k/2", "k.S2"),
        ("0", "0"),
    ],
)
def test_escape(name, want):
    assert escape_local_name(name) == want
    assert unescape_local_name(want) == name


@given(st.text(max_size=12) | st.text("./S", max_size=12))
def test_unescape_takes_escape_back(name):
    escaped = escape_local_name(name)
    assert unescape_local_name(escaped) == name
    assert "/" not in escaped


def test_keys():
    assert attribute_key(object_path(["m", "a/b.c"])) == "m/a.Sb..c/.ATTRIBUTES/VARIABLE_VALUE"
    assert attribute_key("") == "/.ATTRIBUTES/VARIABLE_VALUE"
    assert attribute_key("t", "table") + "-keys" == "t/.ATTRIBUTES/table-keys"
    path = slot_variable_path("model/layer_with_weights-0/bias", "optimizer", "m")
    assert path == "model/layer_with_weights-0/bias/.OPTIMIZER_SLOT/optimizer/m"
