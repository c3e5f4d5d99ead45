"""Checkpoint files as ops: SaveV2 RestoreV2 MergeV2Checkpoints ReadFile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calque_runtime import errors
from calque_runtime.environment import Environment, Limits
from support.graphs import Builder, run

HOW = pytest.mark.parametrize("how", ["reference", "plan"])


def strings(*values: str) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = [v.encode() for v in values]
    return out


def path_of(path: Path) -> np.ndarray:
    return np.array(str(path).encode(), object)


@HOW
def test_save_merge_restore(how: str, tmp_path: Path) -> None:
    env = Environment(limits=Limits(allow_files=True))
    a, words = np.arange(6, dtype=np.float32).reshape(2, 3), strings("x", "")
    b = Builder()
    prefix, names, slices = b.argument("string"), b.argument("string"), b.argument("string")
    b.add("SaveV2", prefix, names, slices, [b.argument("float32"), b.argument("string")], effect=True)
    save = b.done()
    parts = [tmp_path / "part-0", tmp_path / "part-1"]
    run(save, [path_of(parts[0]), strings("a", "words"), strings("", ""), a, words], how, env)
    run(save, [path_of(parts[1]), strings("c", "more"), strings("", ""), -a, words], how, env)
    m = Builder()
    m.add("MergeV2Checkpoints", m.argument("string"), m.argument("string"), effect=True)
    run(m.done(), [strings(*map(str, parts)), path_of(tmp_path / "all")], how, env)
    r = Builder()
    restored = r.add(
        "RestoreV2",
        r.argument("string"),
        r.argument("string"),
        r.argument("string"),
        dtypes=["float32", "string", "float32"],
    )
    arguments = [path_of(tmp_path / "all"), strings("c", "words", "a"), strings("", "", "2 3 1,1:-")]
    got = run(r.done(*restored), arguments, how, env)
    np.testing.assert_array_equal(got[0], -a)
    assert got[1].tolist() == [b"x", b""]
    np.testing.assert_array_equal(got[2], a[1:])


@HOW
def test_read_file(how: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\x00words")
    b = Builder()
    (content,) = b.add("ReadFile", b.argument("string"))
    function = b.done(content)
    env = Environment(limits=Limits(allow_files=True))
    assert run(function, [path_of(tmp_path / "f")], how, env)[0].item() == b"\x00words"
    with pytest.raises(errors.NotFoundError, match="does not exist"):
        run(function, [path_of(tmp_path / "g")], how, env)


@HOW
@pytest.mark.parametrize("op", ["SaveV2", "RestoreV2", "ReadFile", "MergeV2Checkpoints"])
def test_files_are_refused_unless_allowed(how: str, op: str, tmp_path: Path) -> None:
    b = Builder()
    s = [b.argument("string") for _ in range(3)]
    path = path_of(tmp_path / "f")
    if op == "SaveV2":
        b.add(op, *s, [b.argument("float32")], effect=True)
        arguments = [path, strings("a"), strings(""), np.zeros(1, np.float32)]
    elif op == "RestoreV2":
        b.add(op, *s, dtypes=["float32"], effect=True)
        arguments = [path, strings("a"), strings("")]
    else:
        b.add(op, *s[: 1 if op == "ReadFile" else 2], effect=True)
        arguments = [path, path, path]
    with pytest.raises(errors.PermissionDeniedError, match="allow_files"):
        run(b.done(), arguments, how)
    assert not list(tmp_path.iterdir())
