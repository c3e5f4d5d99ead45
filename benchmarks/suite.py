"""The whole suite: calque, TensorFlow, ONNX Runtime, OpenVINO, JAX and plain numpy in turns; writes RESULTS.md.

    make bench                                          all of it; some fifteen minutes
    make bench ARGS="--only bert --only gelu"           some cases, printed only
    make bench ARGS="--peers TensorFlow,JAX"            some libraries
    make bench ARGS="--quick"                           small batches, few rounds, printed only

`--only` takes the names of the cases (`cases.py`), "cold", "chain" and "large". Models are made once, by TensorFlow, in
the user's cache folder (`models.py`). A machine that does something else meanwhile gives ratios of little worth.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cases
import cold_start
import models
import numpy as np
import peers
import report

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "calque": ["calque", "numpy"],
    "TensorFlow": ["tensorflow-cpu", "keras", "tf2onnx", "numpy"],
    "ONNX Runtime": ["onnxruntime"],
    "OpenVINO": ["openvino"],
    "JAX": ["jax", "jaxlib"],
    "numpy": ["numpy", "scipy"],
}


def interpreters(wanted: Iterable[str]) -> dict[str, str]:
    """The interpreter of each library whose environment can be made; calque's always."""
    found = {"calque": sys.executable}
    environments: dict[str, str | None] = {}
    for name in PACKAGES:
        if name != "calque" and name in wanted:
            kind = "oracle" if name == "TensorFlow" else "peers"
            if kind not in environments:
                environments[kind] = peers.environment(kind)
            if environments[kind]:
                found[name] = str(environments[kind])
    return found


def made(names: list[str]) -> Path:
    """The folder that holds the models of those names; what is not there yet is made.

    Raises:
        SystemExit: TensorFlow's environment, which makes them, cannot be had.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "calque")
    version = hashlib.sha256((HERE / "models.py").read_bytes()).hexdigest()[:12]
    folder = cache / f"benchmarks-{version}"
    if not all((folder / name).exists() for name in names):
        python = peers.environment("oracle")
        if python is None:
            sys.exit("the models are made with TensorFlow, and its environment cannot be set up")
        done = peers.run_quietly([python, str(HERE / "models.py"), str(folder), *names])
        if done:
            sys.exit(f"the models could not be made:\n{done}")
    return folder


class Suite:
    """One run.

    Args:
        given: the command line.
        pythons: the interpreter of each library.
        results: what is filled.
    """

    def __init__(self, given: argparse.Namespace, pythons: dict[str, str], results: report.Results) -> None:
        self.quick = given.quick
        self.pythons = pythons
        self.results = results
        self.rounds = given.rounds or (3 if given.quick else 7)
        self.seconds = 0.05 if given.quick else 0.3  # of calls in a round
        self.workers: list[peers.Worker] = []

    def start(self) -> None:
        """Start the workers."""
        script = str(HERE / "libraries.py")
        self.workers = [peers.Worker(name, python, script) for name, python in self.pythons.items()]

    def close(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.close()
        self.workers = []

    def case(self, case: cases.Case, batch: int, folder: Path, scratch: str) -> None:
        """Check a case's results, then time it."""
        what = cases.label(case.name, batch)
        self.results.titles[what] = f"{case.title}, batch {batch:,}"
        request = {"case": case.name, "batch": batch, "models": str(folder)}
        able, answers = [], {}
        for worker in self.workers:
            peers.progress(f"{what}: {worker.name} opens it")
            file = f"{scratch}/{worker.name}.npy"
            cannot = worker.ask({"do": "check", **request, "into": file}).get("cannot")
            if cannot:
                if worker.name != "numpy":  # most models are no expression
                    self.results.cannot.setdefault(what, {})[worker.name] = cannot
            else:
                able.append(worker)
                answers[worker.name] = np.load(file)
        if "calque" not in answers:
            return
        peers.progress(f"{what}: the reference executor")
        file = f"{scratch}/reference.npy"
        cannot = self.workers[0].ask({"do": "reference", **request, "into": file}).get("cannot")
        if cannot:
            raise RuntimeError(f"the reference executor fails at {what}: {cannot}")
        answers["reference"] = np.load(file)
        ours = answers.pop("calque")
        self.results.differences[what] = {name: difference(ours, answer) for name, answer in answers.items()}
        self._timed(what, able)

    def limits(self) -> None:
        """Measure the machine's."""
        workers = [worker for worker in self.workers if worker.name == "numpy"]
        for name in cases.LIMITS:
            for worker in workers:
                worker.ask({"do": "limit", "name": name})
            self._timed(name, workers)

    def _timed(self, what: str, workers: list[peers.Worker]) -> None:
        request = {"do": "time", "what": what, "seconds": self.seconds}
        self._add(peers.in_turns(workers, [(request, self.rounds)]))

    def _add(self, measured: cases.Measured) -> None:
        self.results.measured.update(measured)

    def chain(self, folder: Path) -> None:
        """A graph of many nodes, from its file to its first answer."""
        able = [w for w in self.workers if w.name in ("calque", "TensorFlow")]
        self._add(peers.in_turns(able, [({"do": "chain", "models": str(folder)}, 1 if self.quick else 3)]))

    def large(self, scratch: str) -> None:
        """A model of one GiB: saved and opened, in workers of its own, for memory is counted."""
        size = 1 << (26 if self.quick else 30)
        rounds = 3 if self.quick else 5
        able = ("calque", "TensorFlow", "numpy")
        self.close()
        self.start()
        requests = {"save_large": able, "open_large": able[:2]}
        for do, names in requests.items():
            workers = [worker for worker in self.workers if worker.name in names]
            for number in range(rounds):
                for worker in workers if number % 2 == 0 else reversed(workers):
                    peers.progress(f"{do} [{number + 1}/{rounds}] {worker.name}")
                    folder = os.path.join(scratch, worker.name)
                    os.makedirs(folder, exist_ok=True)
                    size_too = {"size": size} if do == "save_large" else {}
                    answer = worker.ask({"do": do, "folder": folder, **size_too})
                    cannot = answer.pop("cannot", None)
                    if cannot:
                        self.results.cannot.setdefault(cases.LARGE[0], {})[worker.name] = cannot
                    for name, value in answer.items():
                        row = self.results.measured.setdefault(name, {})
                        row.setdefault(worker.name, []).append(value)
        peers.progress("")

    def cold(self) -> None:
        """Whole processes, from nothing to the answer of a perceptron of two small layers."""
        found = {name: python for name, python in self.pythons.items() if name in cold_start.PROGRAMS}
        if "JAX" in self.pythons:
            found["JAX, from weights"] = self.pythons["JAX"]
        found["import numpy"] = sys.executable
        with tempfile.TemporaryDirectory() as folder:
            times = cold_start.measure(found, folder, 3 if self.quick else 9, layers=2, width=4)
        names = {"JAX, from weights": "JAX", "import numpy": "numpy"}
        self._add({cases.COLD: {names.get(name, name): [t[0] for t in each] for name, each in times.items()}})


def difference(ours: Any, theirs: Any) -> float:
    """The largest difference of two results, as a share of the largest number in `theirs`."""
    if ours.shape != theirs.shape:
        return float("inf")
    scale = float(np.abs(theirs).max()) or 1.0
    return float(np.abs(ours.astype(np.float64) - theirs).max()) / scale


def memory_folder() -> str | None:
    """Where files live in memory, if there is room: disks are too uneven to compare with."""
    place = "/dev/shm"
    try:
        stat = os.statvfs(place)
    except OSError:
        return None
    return place if stat.f_bavail * stat.f_frsize > 8 << 30 else None


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [*(case.name for case in cases.CASES), *cases.EXTRAS]
    parser.add_argument("--only", action="append", choices=names, help="a case; may be repeated")
    parser.add_argument("--peers", default=",".join(PACKAGES), help="libraries, with commas between them")
    parser.add_argument("--quick", action="store_true", help="small batches and few rounds")
    parser.add_argument("--rounds", type=int, help="of each case (default 7)")
    parser.add_argument("--out", type=Path, help="the file to write (default RESULTS.md, of a whole run)")
    given = parser.parse_args()
    given.peers = [name.strip() for name in given.peers.split(",")]
    unknown = sorted(set(given.peers) - set(PACKAGES))
    if unknown:
        parser.error(f"no such peers: {', '.join(unknown)}; there are {', '.join(PACKAGES)}")
    whole = not given.only and not given.quick and set(PACKAGES) <= set(given.peers)
    given.only = given.only or names
    if given.out is None and whole:
        given.out = HERE / "RESULTS.md"
    return given


def main() -> None:
    """Run the suite."""
    given = arguments()
    chosen = [case for case in cases.CASES if case.name in given.only]
    pythons = interpreters(given.peers)
    names = [case.name for case in chosen] + (["chain"] if "chain" in given.only else [])
    folder = made([name for name in names if name in models.MODELS])
    command = " ".join(["make bench", *([f'ARGS="{shlex.join(sys.argv[1:])}"'] if sys.argv[1:] else [])])
    versions = [peers.versions(python, PACKAGES[name]) for name, python in pythons.items()]
    results = report.Results(command, versions, peers.machine(), list(pythons))
    suite = Suite(given, pythons, results)
    others = peers.Others()

    def save(cores: float | None = None) -> None:
        results.note_load(cores)
        if given.out:
            given.out.write_text(str(results))

    with tempfile.TemporaryDirectory() as scratch:
        suite.start()
        suite.limits()
        for case in chosen:
            for batch in case.quick if given.quick else case.batches:
                suite.case(case, batch, folder, scratch)
                save()
        if "chain" in given.only:
            suite.chain(folder)
            save()
    if "cold" in given.only:
        suite.cold()
        save()
    if "large" in given.only:
        with tempfile.TemporaryDirectory(dir=memory_folder()) as scratch:
            suite.large(scratch)
    suite.close()
    save(others.cores())
    print(results)
    wrong = results.wrong()
    if wrong:
        sys.exit("results differ: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
