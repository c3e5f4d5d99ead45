"""The corpus runner, on a corpus of three models made for it; and on the real one where CALQUE_CORPUS names it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus import run_corpus
from support.arrays import pack

RUNNER = Path(run_corpus.__file__)
GOLDEN = Path(__file__).parents[1] / "saved_model" / "golden" / "two_layer"
X = np.array([[1, 2, 3]], np.float32)


def run(corpus: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(RUNNER), "--corpus", str(corpus), *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def record(name: str, **signature: Any) -> dict[str, Any]:
    golden = f"{name}__serving_default.npz"
    told = {"runs": True, "deterministic": True, "golden": golden, **signature}
    return {"id": name, "kind": "tf2", "tags": ["serve"], "signatures": {"serving_default": told}}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    import calque_runtime

    (tmp_path / "golden").mkdir()
    right = calque_runtime.load(GOLDEN).signatures["serving_default"](x=X)["output_0"]
    for name, want in (("right", right), ("wrong", right + 1), ("random", right + 1), ("damaged", right)):
        shutil.copytree(GOLDEN, tmp_path / "models" / name)
        np.savez(tmp_path / "golden" / f"{name}__serving_default.npz", **{"in/x": X, "out/output_0": want})
    path = tmp_path / "models" / "damaged" / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:100])
    records = [record("right"), record("wrong"), record("random", deterministic=False), record("damaged")]
    (tmp_path / "manifest.json").write_text(json.dumps(records))
    return tmp_path


def test_what_becomes_of_models(corpus: Path) -> None:
    done = run(corpus, "--json", str(corpus / "out.json"), "--jobs", "2")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line[:1].isalpha()][:4] == [
        "matched",
        "failed",
        "matched",
        "refused",
    ]
    assert lines[-1] == "runnable 4 matched 2 refused 1 failed 1"
    right, wrong, random, damaged = json.loads((corpus / "out.json").read_text())
    assert right["loaded"]
    assert right["signatures"]["serving_default"]["matched"]
    assert right["signatures"]["serving_default"]["max_error"] == 0
    assert right["peak_mb"] > 10
    assert "differ, by up to 1" in wrong["error"]
    assert random["signatures"]["serving_default"]["ran"]
    assert damaged["refused"]["class"] == "DataLossError"
    assert not damaged["loaded"]


def test_all_good(corpus: Path) -> None:
    done = run(corpus, "--only", "right")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "runnable 1 matched 1 refused 0 failed 0")


def test_models_that_hang_or_crash(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_corpus, "TIME_LIMIT", 0.01)
    slow = run_corpus.run_apart(corpus, record("right"))
    assert slow["error"] == "took longer than 0.01 s"
    assert run_corpus.state(slow) == "failed"
    monkeypatch.setattr(run_corpus, "TIME_LIMIT", 60)
    crashed = run_corpus.run_apart(corpus / "nowhere", record("right"))
    assert run_corpus.state(crashed) == "refused"  # there is no such directory, which has an error of its own
    untyped = run_corpus.run_apart(corpus, record("right", golden="none.npz"))
    assert untyped["error"].startswith("untyped FileNotFoundError")


@pytest.mark.parametrize(
    ("got", "want", "problem"),
    [
        (np.float32([1, 2]), np.float32([1, 2.00001]), None),
        (np.float32([1, np.nan, np.inf]), np.float32([1, np.nan, np.inf]), None),
        (np.float32([1, np.nan]), np.float32([1, 2]), "1 of 2 values differ, by up to inf"),
        (np.float32([np.inf]), np.float32([-np.inf]), "1 of 1 values differ, by up to inf"),
        (np.float32([1, 2]), np.float32([1, 2.1]), "1 of 2 values differ, by up to 0.1"),
        (np.float16([1, 2]), np.float16([1, 2.02]), None),
        (np.int64([1]), np.int32([1]), "dtype int64, not int32"),
        (np.int32([1]), np.int32([[1]]), "shape (1,), not (1, 1)"),
        (np.int32([1, 5]), np.int32([1, 4]), "1 of 2 values differ"),
        (b"a", np.array(b"a", object), None),
        (np.array([b"a"], object), np.array([b"b"], object), "1 of 1 values differ"),
    ],
)
def test_difference(got: Any, want: Any, problem: str | None) -> None:
    assert run_corpus.difference(got, want, True)[0] == problem


def test_golden_files_hold_any_tensor(tmp_path: Path) -> None:
    strings = np.array([[b"a", b""], [b"bcd", b"\xff"]], object)
    np.savez(
        tmp_path / "g.npz", **pack("in/s", strings), **{"in/h#bf16": np.float32([1.5]), "in/x": X, "out/y": X}
    )
    with np.load(tmp_path / "g.npz") as stored:
        found = run_corpus.decode(stored, "in/")
    assert sorted(found) == ["h", "s", "x"]
    assert found["s"].tolist() == strings.tolist()
    assert found["h"].dtype.name == "bfloat16"


def test_the_real_corpus() -> None:
    folder = os.environ.get("CALQUE_CORPUS")
    if not folder:
        pytest.skip("CALQUE_CORPUS names no corpus")
    done = run(Path(folder))
    assert done.returncode == 0, done.stdout[-5000:]
