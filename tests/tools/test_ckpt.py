"""`calque ckpt` tells what a checkpoint holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calque_runtime.checkpoint import BundleReader, BundleWriter, CheckpointState, write_state

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Two checkpoints and a state file; the directory."""
    for number in (1, 2):
        with BundleWriter(str(tmp_path / f"ckpt-{number}")) as writer:
            writer.add("weights", np.full((300, 200), number, np.float32))
            writer.add("a/very/long/name" * 8, np.arange(3))
            writer.add("step", np.array(number, np.int64))
    paths = [str(tmp_path / f"ckpt-{number}") for number in (1, 2)]
    write_state(tmp_path, CheckpointState(paths[1], paths))
    return tmp_path


def test_keys_dtypes_shapes_and_bytes(run: Callable[..., Any], golden: Path) -> None:
    result = run("ckpt", golden / "nested")
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if "VALUE" in line}
    assert rows["layers/0/w1" + SUFFIX] == ["float32[3,4]", "48"]
    assert rows["half" + SUFFIX] == ["bfloat16[3]", "6"]
    assert rows["empty" + SUFFIX] == ["float32[0,3]", "0"]
    reader = BundleReader(golden / "nested" / "variables" / "variables")
    listed = json.loads(run("ckpt", golden / "nested", "--json").stdout)
    assert listed["prefix"] == reader.prefix
    assert [one["key"] for one in listed["tensors"]] == reader.keys()
    assert {one["key"]: one["shape"] for one in listed["tensors"]} == reader.get_variable_to_shape_map()


def test_columns_are_aligned_within_80(run: Callable[..., Any], checkpoint: Path) -> None:
    lines = run("ckpt", checkpoint / "ckpt-1").stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    rows = [line for line in lines if "float32" in line or "int64" in line]
    assert len({line.rindex(line.split()[-1]) + len(line.split()[-1]) for line in rows}) == 1
    assert "240,000" in rows[-1]
    joined = "".join(line.strip() for line in lines)
    assert "a/very/long/name" * 8 in joined, "a name is broken, never cut"


def test_ways_to_name_a_checkpoint(run: Callable[..., Any], golden: Path, checkpoint: Path) -> None:
    for path in (golden / "two_layer", golden / "two_layer" / "variables"):
        assert "w1" + SUFFIX in run("ckpt", path).stdout
    assert run("ckpt", checkpoint, "--value", "step").stdout == "2\n".replace("2", repr(np.int64(2)))
    for name in ("ckpt-1", "ckpt-1.index", "ckpt-1.data-00000-of-00001"):
        assert run("ckpt", checkpoint / name, "--value", "step").stdout == repr(np.int64(1)) + "\n"
    (checkpoint / "checkpoint").unlink()
    result = run("ckpt", checkpoint)
    assert result.exit_code == 1
    assert "ckpt-1" in result.stderr
    assert "ckpt-2" in result.stderr
    (checkpoint / "ckpt-2.index").unlink()
    assert run("ckpt", checkpoint, "--value", "step").stdout == repr(np.int64(1)) + "\n"


def test_a_state_file_that_leads_nowhere(run: Callable[..., Any], checkpoint: Path) -> None:
    for number in (1, 2):
        (checkpoint / f"ckpt-{number}.index").unlink()
    result = run("ckpt", checkpoint)
    assert result.exit_code == 1
    assert str(checkpoint / "ckpt-2") in result.stderr


def test_values(run: Callable[..., Any], golden: Path) -> None:
    reader = BundleReader(golden / "nested" / "variables" / "variables")
    for key in reader.keys()[1:]:
        result = run("ckpt", golden / "nested", "--value", key)
        value = reader.get_tensor(key)
        assert result.stdout == repr(value if value.ndim else value[()]) + "\n"


def test_a_part_of_a_key_will_do(run: Callable[..., Any], golden: Path) -> None:
    assert run("ckpt", golden / "two_layer", "--value", "w1").stdout.startswith("array([[ 1.764")
    result = run("ckpt", golden / "two_layer", "--value", "w")
    assert result.exit_code == 1
    assert "w1" + SUFFIX in result.stderr
    assert "w2" + SUFFIX in result.stderr
    result = run("ckpt", golden / "two_layer", "--value", "w3" + SUFFIX)
    assert result.exit_code == 1
    assert "w2" + SUFFIX in result.stderr


def test_large_values_are_shortened(run: Callable[..., Any], checkpoint: Path) -> None:
    short = run("ckpt", checkpoint, "--value", "weights").stdout
    assert "..." in short
    assert len(short) < 1000
    full = run("ckpt", checkpoint, "--value", "weights", "--full").stdout
    assert full.count("2.") == 60_000
    short = run("ckpt", checkpoint / "ckpt-1", "--value", "weights", "--json").stdout
    assert json.loads(short)["value"] == np.full((300, 200), 1.0).tolist()


def test_long_strings_are_shortened(run: Callable[..., Any], golden: Path) -> None:
    arguments = ["ckpt", golden / "nested", "--value", "_CHECKPOINTABLE_OBJECT_GRAPH"]
    stored = BundleReader(golden / "nested" / "variables" / "variables").get_tensor(arguments[-1])[()]
    assert f"({len(stored)} bytes)" in run(*arguments).stdout
    assert run(*arguments, "--full").stdout == repr(stored) + "\n"


def test_verify(run: Callable[..., Any], golden: Path, tmp_path: Path) -> None:
    result = run("ckpt", golden / "two_layer", "--verify")
    assert result.exit_code == 0
    assert "5 tensors, all checksums match" in " ".join(result.stdout.split())
    copy = shutil.copytree(golden / "two_layer", tmp_path / "copy")
    data = copy / "variables" / "variables.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    entry = BundleReader(copy / "variables" / "variables").entries["w1" + SUFFIX]
    content[entry.offset] ^= 1
    data.write_bytes(content)
    result = run("ckpt", copy, "--verify")
    assert result.exit_code == 1
    assert "1 of 5 tensors damaged" in result.stderr
    assert "w1" + SUFFIX in result.stderr
    assert str(data) in result.stderr
    assert run("ckpt", copy).exit_code == 0, "the list does not need the values"
    assert run("ckpt", copy, "--value", "w1").exit_code == 1
    assert run("ckpt", copy, "--value", "w2").exit_code == 0


def test_verify_as_json(run: Callable[..., Any], golden: Path) -> None:
    found = json.loads(run("ckpt", golden / "two_layer", "--verify", "--json").stdout)
    assert (found["tensors"], found["damaged"]) == (5, {})


def test_object_graph(run: Callable[..., Any], golden: Path, checkpoint: Path) -> None:
    nodes = json.loads(run("ckpt", golden / "two_layer", "--object-graph", "--json").stdout)["objects"]
    children = dict(nodes[0]["children"])
    assert set(children) == {"w1", "b1", "w2", "b2", "__call__", "signatures"}
    assert nodes[children["w1"]]["values"][0]["key"] == "w1" + SUFFIX
    text = run("ckpt", golden / "two_layer", "--object-graph").stdout
    assert "w1" + SUFFIX in text
    result = run("ckpt", checkpoint, "--object-graph")
    assert result.exit_code == 1
    assert "name-based" in result.stderr


def test_options_that_exclude_each_other(run: Callable[..., Any], golden: Path) -> None:
    assert run("ckpt", golden / "two_layer", "--verify", "--object-graph").exit_code == 2


@pytest.mark.parametrize("name", ["nowhere", "nowhere/at/all"])
def test_missing(run: Callable[..., Any], tmp_path: Path, name: str) -> None:
    result = run("ckpt", tmp_path / name)
    assert result.exit_code == 1
    assert str(tmp_path / name) in result.stderr
    assert "prefix" in result.stderr


def test_directory_without_a_checkpoint(run: Callable[..., Any], tmp_path: Path) -> None:
    result = run("ckpt", tmp_path)
    assert result.exit_code == 1
    assert "holds no checkpoint" in result.stderr
