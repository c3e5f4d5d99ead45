"""Every byte region of a model's files damaged: an error that names the file, or what was there before.

Checksums cover the checkpoint's index and data: damage there never changes a value. saved_model.pb has none, so damage
may make another valid model of it, never anything else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calque_runtime import errors
from hostile.base import GOLDEN, outcome
from hostile.mutations import MUTATIONS
from hostile.sweep import judge

ROOT = Path(__file__).parents[2]
PB, INDEX, DATA = "saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"


class Job(NamedTuple):
    """One sweep: see `hostile.sweep`. Models other than "rich" are TensorFlow's."""

    model: str
    file: str
    mutation: str
    step: int
    mode: str


MODELS = {
    **{path.name: path for path in GOLDEN.iterdir()},
    **{f"tf1/{path.name}": path for path in (GOLDEN.parent / "tf1").iterdir()},
}

JOBS = [
    Job("rich", INDEX, "every_byte", 1, "use"),
    Job("rich", INDEX, "cuts", 7, "use"),
    Job("rich", INDEX, "insertions", 5, "use"),
    Job("rich", INDEX, "deletions", 5, "use"),
    Job("rich", INDEX, "zeros", 9, "use"),
    Job("rich", DATA, "every_byte", 1, "use"),
    Job("rich", DATA, "cuts", 11, "use"),
    Job("rich", DATA, "insertions", 29, "use"),
    Job("rich", DATA, "deletions", 29, "use"),
    Job("rich", DATA, "zeros", 16, "use"),
    Job("rich", PB, "flips", 19, "use"),
    Job("rich", PB, "pairs", 23, "use"),
    Job("rich", PB, "cuts", 31, "use"),
    Job("rich", PB, "insertions", 31, "use"),
    Job("rich", PB, "deletions", 31, "use"),
    Job("rich", PB, "zeros", 37, "use"),
    Job("rich", PB, "repeats", 41, "use"),
    Job("rich", PB, "fields", 9, "use"),
    Job("nested", INDEX, "flips", 9, "use"),
    Job("nested", DATA, "flips", 15, "use"),
    Job("nested", PB, "fields", 31, "use"),
    Job("structures", PB, "fields", 9, "use"),
    Job("defaults", PB, "fields", 9, "use"),
    Job("composites", PB, "fields", 9, "use"),
    Job("assets", PB, "fields", 13, "use"),
    Job("control", PB, "fields", 13, "compile"),
    Job("control", PB, "flips", 83, "compile"),
    Job("tf1/variables", PB, "fields", 41, "use"),
    Job("tf1/tables", PB, "fields", 13, "use"),
    Job("tf1/composite", PB, "fields", 3, "use"),
    Job("tf1/conditions", PB, "fields", 67, "compile"),
    Job("tf1/loops", PB, "fields", 151, "compile"),
]


def run(job: Job, model: Path) -> dict[str, Any]:
    """What a sweep in a process of its own found; a hang, a crash or too much memory fails it."""
    path = os.pathsep.join(str(ROOT / name) for name in ("runtime", "tracer", "tests"))
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "hostile.sweep",
            json.dumps({**job._asdict(), "model": str(model)}),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, f"the sweep ended with {done.returncode} in {done.stderr[-3000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def sweeps(rich: Path) -> Iterator[dict[Job, Future[dict[str, Any]]]]:
    """All sweeps, begun at once."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        yield {job: pool.submit(run, job, rich if job.model == "rich" else MODELS[job.model]) for job in JOBS}


@pytest.mark.parametrize(
    "job",
    JOBS,
    ids=lambda job: "-".join([job.model.replace("/", "_"), Path(job.file).suffix[1:], job.mutation]),
)
def test_damage(sweeps: dict[Job, Future[dict[str, Any]]], rich: Path, job: Job) -> None:
    found = sweeps[job].result()
    assert not found["bad"], "\n".join(found["bad"])
    counts = found["counts"]
    model = rich if job.model == "rich" else MODELS[job.model]
    cases = sum(1 for _ in MUTATIONS[job.mutation]((model / job.file).read_bytes(), job.step))
    assert sum(counts.values()) == cases
    assert counts.get("refused", 0) + counts.get("partly", 0) > 0
    if job.file != PB:
        assert "changed" not in counts
    if job.mutation == "every_byte":
        assert counts.get("equal", 0) <= (40 if job.file == INDEX else 0)  # the zeros that fill the footer up


@pytest.fixture(scope="module")
def target(
    rich: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, bytes], dict[str, Any]]:
    """(a copy to damage, its files, what using it gives)."""
    directory = Path(shutil.copytree(rich, tmp_path_factory.mktemp("target") / "model"))
    kind, want = outcome(directory)
    assert kind == "ok"
    assert not [value for value in want.values() if isinstance(value, Exception)]
    return directory, {name: (directory / name).read_bytes() for name in (PB, INDEX, DATA)}, want


@settings(max_examples=150)
@given(data=st.data())
def test_any_damage(target: tuple[Path, dict[str, bytes], dict[str, Any]], data: st.DataObject) -> None:
    """Several edits in several files."""
    directory, whole, want = target
    touched = set()
    for name, content in whole.items():
        damaged = bytearray(content)
        for _ in range(data.draw(st.integers(0, 2), label=name)):
            at = data.draw(st.integers(0, len(damaged)))
            damaged[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
        if damaged != content:
            touched.add(name)
        (directory / name).write_bytes(damaged)
    verdict, why = judge(outcome(directory), want, directory)
    assert not why
    if PB not in touched:
        assert verdict != "changed"
    if not touched:
        assert verdict == "equal"


def test_the_judge_can_tell(target: tuple[Path, dict[str, bytes], dict[str, Any]]) -> None:
    """What would be wrong is found: another value, another exception, an error that does not say where."""
    directory, _, want = target
    place = next(place for place, value in want.items() if place.endswith(".w"))
    assert judge(("ok", want), want, directory) == ("equal", "")
    assert judge(("ok", {**want, place: want[place] + 1}), want, directory) == ("changed", "")
    assert judge(("ok", {**want, place: errors.DataLossError(None, None, "x")}), want, directory) == (
        "partly",
        "",
    )
    assert judge(("error", errors.DataLossError(None, None, f"{directory}: x")), want, directory) == (
        "refused",
        "",
    )
    assert judge(("error", errors.DataLossError(None, None, "x")), want, directory)[0] == "bad"
    with pytest.raises(KeyError):  # comes through, and the sweep counts it as bad
        outcome(directory, lambda _: {}["raw"])


def test_the_watchdog_bites(rich: Path) -> None:
    """A case that hangs ends its sweep, and the report says which it was."""
    with pytest.raises(AssertionError, match=r"(?s)cut at 0.*Timeout.*in hang"):
        run(Job("rich", PB, "cuts", 1 << 20, "hang"), rich)
