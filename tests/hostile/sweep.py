"""Loads and uses many damaged copies of a model in a process of its own, with little memory and a watchdog.

    python -m hostile.sweep '{"model": ..., "file": ..., "mutation": "flips", "step": 7, "mode": "use"}'

Prints one JSON object: how many cases there were of each verdict, and what was wrong with those that are bad. A case
that hangs ends the process, with a traceback on stderr; its last line there says which case it was.

Verdicts: "refused" (loading ended in an OpError that names the file), "partly" (using it did), "equal" (every value is
what it was), "changed" (another valid model), "bad" (another exception, or an error that does not say where).
"""

from __future__ import annotations

import faulthandler
import json
import resource
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import calque_runtime
from calque_runtime.environment import Environment
from calque_runtime.errors import OpError
from calque_runtime.savedmodel import files
from hostile.base import outcome, same, walk
from hostile.mutations import MUTATIONS

_PATIENCE = 20  # seconds for one case, which takes milliseconds
_MEMORY = 512 << 20  # bytes that all cases together may take


def main(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(shutil.copytree(job["model"], Path(scratch) / "model"))
        path = directory / job["file"]
        whole = path.read_bytes()
        run = {"use": outcome, "compile": compiled, "hang": outcome}[job["mode"]]
        want = run(directory)
        assert want[0] == "ok", want
        limit_memory()
        counts: Counter[str] = Counter()
        bad: list[str] = []
        for what, data in MUTATIONS[job["mutation"]](whole, job["step"]):
            print(what, file=sys.stderr, flush=True)
            path.write_bytes(data)
            faulthandler.dump_traceback_later(0.2 if job["mode"] == "hang" else _PATIENCE, exit=True)
            try:
                if job["mode"] == "hang":
                    hang()
                verdict, why = judge(run(directory), want[1], directory)
            except BaseException:
                verdict, why = "bad", traceback.format_exc()
            faulthandler.cancel_dump_traceback_later()
            counts[verdict] += 1
            if why:
                bad.append(f"{what}: {why}")
    return {"counts": dict(counts), "bad": bad[:20]}


def hang() -> None:
    """What the watchdog is there for, so that it can be tested itself."""
    while True:
        pass


def limit_memory() -> None:
    """Lets the process take no more address space than it has now and `_MEMORY`, where the system says what it has."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return
    pages = int(statm.read_text().split()[0])
    limit = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def compiled(directory: Path) -> Any:
    """As `base.outcome`, but functions are compiled and not run: a damaged loop may be an endless one."""
    values: dict[str, Any] = {}
    try:
        root = calque_runtime.load(directory)
        (meta_graph,) = files.read_meta_graphs(directory)
    except OpError as e:
        return "error", e
    env = Environment(meta_graph.library)
    for name in meta_graph.library:
        values[name] = attempt(lambda one=name: env.compiled(meta_graph.library[one]))
    values["top-level graph"] = attempt(lambda: meta_graph.graph.nodes)
    for place, one in walk(root):
        for i, concrete in enumerate(
            getattr(one, "concrete_functions", None) or [getattr(one, "concrete", None)]
        ):
            if concrete is not None:
                values[f"{place}#{i}"] = attempt(lambda c=concrete: c.env.compiled(c.function))
    return "ok", values


def attempt(run: Callable[[], Any]) -> Any:
    """True, or the OpError that `run` ended in."""
    try:
        run()
    except OpError as e:
        return e
    return True


def judge(got: Any, want: dict[str, Any], directory: Path) -> tuple[str, str]:
    """The verdict on an outcome, and what is wrong with it."""
    kind, values = got
    if kind == "error":
        text = str(values)
        return ("refused", "") if str(directory) in text else ("bad", f"does not name the file: {values!r}")
    errors = [one for one in values.values() if isinstance(one, Exception)]
    changed = [
        place
        for place, value in values.items()
        if not isinstance(value, Exception) and not (place in want and same(value, want[place]))
    ]
    if changed:
        return "changed", ""
    if errors:
        return "partly", ""
    return ("equal", "") if set(values) == set(want) else ("changed", "")


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
