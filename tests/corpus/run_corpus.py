"""Run a folder of SavedModels and compare with what TensorFlow computed from them.

    python tests/corpus/run_corpus.py --corpus DIR [--json FILE] [--jobs N] [--only TEXT] [--optimized]

DIR holds ``models/<id>/``, ``golden/<id>__<signature>.npz`` and ``manifest.json``. Each model runs in a process of its
own, with limits on time and memory, through `calque_runtime.load`; every signature that TensorFlow ran gets
TensorFlow's inputs, and its outputs are compared with TensorFlow's: names, dtypes, shapes, and values within rtol 1e-4
and atol 1e-5 (1e-2 for half and bfloat16), exactly for integers, bools and strings. Of signatures that are not
deterministic the values are not compared. With ``--optimized`` the first call already runs the plan that the passes made
for its shapes, instead of the one for any shape.

Prints a line for each model, totals by kind and by reason, and at the end ``runnable N matched M refused R failed F``:

    runnable    TensorFlow runs one of the model's signatures at least
    matched     of those, the ones of which every such signature gives TensorFlow's outputs here
    refused     models that end in one of calque's own errors, which says why
    failed      models that crash, hang, raise anything else or compute other values

The exit status is 0 when every runnable model matched and none failed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

TIME_LIMIT = 60  # seconds a model may take, from the start of its process to the end
MEMORY_LIMIT = 8 << 30  # bytes of address space
RUNTIME = Path(__file__).resolve().parents[2] / "runtime"


# --- one model, in its own process


def decode(stored: Any, prefix: str) -> dict[str, Any]:
    """The tensors of a golden file whose keys begin with `prefix`, by the rest of the key."""
    import ml_dtypes
    import numpy as np

    out: dict[str, Any] = {}
    for key in stored.files:
        if not key.startswith(prefix):
            continue
        name, _, form = key.removeprefix(prefix).rpartition("#")
        if form == "bytes":
            data, strings, at = stored[key].tobytes(), [], 0
            shape = tuple(stored[f"{prefix}{name}#shape"].tolist())
            for length in stored[f"{prefix}{name}#lens"].tolist():
                strings.append(data[at : at + length])
                at += length
            array = np.empty(shape, object)
            array.reshape(-1)[:] = strings[: array.size]
            out[name] = array
        elif form == "bf16":
            out[name] = stored[key].astype(ml_dtypes.bfloat16)
        elif not name or form not in ("lens", "shape"):
            out[key.removeprefix(prefix)] = stored[key]
    return out


def flat_results(results: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The results by golden key: the parts of a sparse tensor have keys of their own."""
    out: dict[str, Any] = {}
    for name, value in results.items():
        if not hasattr(value, "dense_shape"):
            out[name] = value
            continue
        for part in ("indices", "values", "dense_shape"):
            keys = [k for k in wanted if k.startswith(name) and k[len(name) + 1 :] == part]
            out[keys[0] if keys else f"{name}/{part}"] = getattr(value, part)
    return out


def difference(got: Any, want: Any, values: bool) -> tuple[str | None, float]:
    """What is wrong with `got`, or None; and the largest error relative to what is allowed to differ."""
    import numpy as np

    got = np.asarray(got, object) if isinstance(got, (bytes, str)) else np.asarray(got)
    if got.dtype != want.dtype:
        return f"dtype {got.dtype}, not {want.dtype}", 0.0
    if got.shape != want.shape:
        return f"shape {got.shape}, not {want.shape}", 0.0
    if not values or not want.size:
        return None, 0.0
    if want.dtype.kind in "biuOSU":
        wrong = got != want
        return (f"{int(np.sum(wrong))} of {want.size} values differ", 0.0) if np.any(wrong) else (None, 0.0)
    half = want.dtype.itemsize == 2
    rtol, atol = (1e-2, 1e-2) if half else (1e-4, 1e-5)
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    got, want = got.astype(wide), want.astype(wide)
    with np.errstate(all="ignore"):
        error = np.abs(got - want)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        error = np.where(same, 0.0, error)
        wrong = ~(same | (np.isfinite(want) & (error <= atol + rtol * np.abs(want))))
    worst = float(np.max(np.where(np.isnan(error), np.inf, error)))
    return (
        f"{int(np.sum(wrong))} of {want.size} values differ, by up to {worst:.3g}" if np.any(wrong) else None,
        worst,
    )


def compare(results: Any, wanted: dict[str, Any], values: bool) -> tuple[str | None, float]:
    """What is wrong with the outputs of a signature, or None; and the largest error."""
    if not isinstance(results, dict):
        return f"a {type(results).__name__} came back instead of a dict", 0.0
    got = flat_results(results, wanted)
    if set(got) != set(wanted):
        return f"outputs {sorted(got)}, not {sorted(wanted)}", 0.0
    worst = 0.0
    for name, want in wanted.items():
        problem, error = difference(got[name], want, values)
        worst = max(worst, error)
        if problem is not None:
            return f"output '{name}': {problem}", worst
    return None, worst


def run_model(corpus: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Load a model, run its signatures and compare; what `--json` says of it."""
    import numpy as np

    import calque_runtime
    from calque_runtime.errors import OpError

    out: dict[str, Any] = {"loaded": False, "refused": None, "load_s": None, "signatures": {}, "error": None}
    start = time.perf_counter()
    try:
        model = calque_runtime.load(corpus / "models" / record["id"], record.get("tags"))
    except OpError as e:
        out["refused"] = {"class": type(e).__name__, "message": str(e)}
        return out
    finally:
        out["load_s"] = round(time.perf_counter() - start, 4)
    out["loaded"] = True
    for name, signature in (record.get("signatures") or {}).items():
        if not signature.get("runs"):
            continue
        ran: dict[str, Any] = {
            "ran": False,
            "matched": False,
            "max_error": None,
            "run_s": None,
            "error": None,
        }
        out["signatures"][name] = ran
        with np.load(corpus / "golden" / signature["golden"], allow_pickle=False) as stored:
            inputs, wanted = decode(stored, "in/"), decode(stored, "out/")
        start = time.perf_counter()
        try:
            results = model.signatures[name](**inputs)
        except OpError as e:
            ran["error"] = str(e)
            out["refused"] = out["refused"] or {"class": type(e).__name__, "message": str(e)}
            continue
        except Exception as e:
            ran["error"] = out["error"] = f"untyped {type(e).__name__}: {e}"
            continue
        finally:
            ran["run_s"] = round(time.perf_counter() - start, 4)
        problem, worst = compare(results, wanted, signature.get("deterministic") is not False)
        finite = worst if math.isfinite(worst) else None  # JSON has no infinity; what differs, the error says
        ran.update(ran=True, matched=problem is None, max_error=finite, error=problem)
        if problem is not None:
            out["error"] = out["error"] or f"signature '{name}': {problem}"
    return out


def worker(corpus: Path, target: str, optimized: bool) -> None:
    """Run the model whose manifest record comes on stdin; write what came out to the file `target`."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    sys.path.insert(0, str(RUNTIME))
    record = json.load(sys.stdin)
    if optimized:
        from calque_runtime.environment import Environment

        Environment.generic_calls = 0
    try:
        out = run_model(corpus, record)
    except BaseException as e:  # also MemoryError and what loading raises beside its own errors
        out = {
            "loaded": False,
            "refused": None,
            "signatures": {},
            "error": f"untyped {type(e).__name__}: {e}",
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out["peak_mb"] = round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
    Path(target).write_text(json.dumps(out))


# --- all of them


def run_apart(corpus: Path, record: dict[str, Any], optimized: bool = False) -> dict[str, Any]:
    """`run_model` in a process of its own."""
    base: dict[str, Any] = {
        "id": record["id"],
        "kind": record.get("kind"),
        "runnable": any(s.get("runs") for s in (record.get("signatures") or {}).values()),
        "loaded": False,
        "refused": None,
        "load_s": None,
        "peak_mb": None,
        "signatures": {},
        "error": None,
    }
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "out.json")
        command = [sys.executable, __file__, "--corpus", str(corpus), "--worker", str(target)]
        command += ["--optimized"] if optimized else []
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=env,
            start_new_session=True,
        )
        try:
            _, stderr = process.communicate(json.dumps(record).encode(), timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return {**base, "error": f"took longer than {TIME_LIMIT} s"}
        if process.returncode == 0 and target.exists():
            return {**base, **json.loads(target.read_text())}
    last = stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
    return {**base, "error": f"crashed with status {process.returncode}: {last[0]}"}


def state(result: dict[str, Any]) -> str:
    """In one word what became of a model: matched, loaded (nothing to compare), refused or failed."""
    if result["error"] is not None:
        return "failed"
    if result["refused"] is not None:
        return "refused"
    return "matched" if result["runnable"] else "loaded"


def reason(result: dict[str, Any]) -> str:
    """Why a model was refused or failed, in one line."""
    refused = result["refused"]
    text = result["error"] or f"{refused['class']}: {refused['message']}"
    place = rf"\S*{re.escape(result['id'])}(/[\w.-]+)*:? ?"  # where the model is says nothing about why
    return " ".join(re.sub(place, "", text).split())


def line(result: dict[str, Any]) -> str:
    """What is printed of a model."""
    ran = list(result["signatures"].values())
    errors = [s["max_error"] for s in ran if s["max_error"] is not None]
    run_s = sum(s["run_s"] or 0.0 for s in ran)
    loaded = "loaded" if result["loaded"] else "-"
    counts = f"{sum(s['ran'] for s in ran)} ran {sum(s['matched'] for s in ran)} matched of {len(ran)}"
    worst = f"{max(errors):.1e}" if errors else "-"
    text = (
        f"{state(result):8} {result['id'][:76]:76} {result['kind'] or '':6} {loaded:7} {counts:24} worst {worst:8} "
        f"load {result['load_s'] or 0:6.2f} s run {run_s:6.2f} s peak {result['peak_mb'] or 0:6.0f} MB"
    )
    return text if state(result) in ("matched", "loaded") else f"{text}\n         {reason(result)[:600]}"


def summary(results: list[dict[str, Any]]) -> list[str]:
    """The totals."""
    lines = [""]
    states = ("matched", "loaded", "refused", "failed")
    kinds: dict[str, Counter[str]] = {}
    for one in results:
        kinds.setdefault(one["kind"] or "?", Counter())[state(one)] += 1
    for kind, counts in sorted(kinds.items()):
        parts = ", ".join(f"{counts[s]} {s}" for s in states if counts[s])
        lines.append(f"{kind:6} {sum(counts.values()):4} models: {parts}")
    for what in ("refused", "failed"):
        reasons = Counter(reason(r)[:150] for r in results if state(r) == what)
        lines += [f"{what} {count:4}: {text}" for text, count in reasons.most_common()]
    runnable = [r for r in results if r["runnable"]]
    matched = sum(state(r) == "matched" for r in runnable)
    totals = Counter(map(state, results))
    lines.append(
        f"runnable {len(runnable)} matched {matched} refused {totals['refused']} failed {totals['failed']}"
    )
    return lines


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description="Run a folder of SavedModels and compare with TensorFlow's outputs."
    )
    parser.add_argument(
        "--corpus", type=Path, required=True, help="folder with models/, golden/, manifest.json"
    )
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="models at a time")
    parser.add_argument("--only", default="", help="only models whose id or kind holds this text")
    parser.add_argument("--optimized", action="store_true", help="run the passes' plans at the first call")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    corpus = args.corpus.resolve()
    if args.worker:
        worker(corpus, args.worker, args.optimized)
        return 0
    records = json.loads((corpus / "manifest.json").read_text())
    records = [r for r in records if args.only in r["id"] or args.only == r.get("kind")]
    results = []
    with ThreadPoolExecutor(max(1, args.jobs)) as pool:
        for result in pool.map(lambda record: run_apart(corpus, record, args.optimized), records):
            results.append(result)
            print(line(result), flush=True)
    print("\n".join(summary(results)))
    if args.json is not None:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    good = all(state(r) == "matched" for r in results if r["runnable"])
    return 0 if good and all(state(r) != "failed" for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
