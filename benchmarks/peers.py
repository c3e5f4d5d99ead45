"""Ours and others' code in processes of their own, measured in turns, and how results are printed.

A benchmark is one script that runs on both sides. Started by hand it starts a worker for each library, in that
library's environment, asks them in turns (so that a machine that slows down slows all of them), and prints a table.
Started with ``--worker NAME`` it is such a worker: it reads a request a line, as JSON, and answers with a line.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "Others",
    "Table",
    "Worker",
    "aligned",
    "environment",
    "in_turns",
    "machine",
    "progress",
    "run_quietly",
    "serve",
    "short",
    "spread",
    "versions",
]

ROOT = Path(__file__).resolve().parent.parent
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1", "CUDA_VISIBLE_DEVICES": ""}


def environment(kind: str) -> str | None:
    """The interpreter of one of the environments of `.ci/environment.py`; None where it cannot be made."""
    command = [sys.executable, str(ROOT / ".ci" / "environment.py"), kind]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def versions(python: str, packages: Sequence[str]) -> str:
    """The versions of packages in an environment, in a line."""
    code = "import sys; from importlib.metadata import version\nprint(*map(version, sys.argv[1:]))"
    found = subprocess.check_output([python, "-c", code, *packages], text=True).split()
    return ", ".join(f"{package} {number}" for package, number in zip(packages, found, strict=True))


def machine() -> str:
    """The processor and the system, in a line."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, {platform.system()}; load {load:.1f} at the start"


def run_quietly(command: Sequence[str]) -> str:
    """Run a command that takes a while, showing the lines of its progress; what it printed if it failed, else ""."""
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **QUIET}
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("making "):
                progress(line.strip())
    return "".join(lines[-30:]) if process.returncode else ""


class Others:
    """How many cores were busy with something else since this was made: a figure to trust a measurement by."""

    def __init__(self) -> None:
        self._started, self._busy, self._own = time.perf_counter(), _busy(), _own()

    def cores(self) -> float | None:
        """On average; None where the system does not tell. Processes of ours that still run count as others."""
        busy = _busy()
        if self._busy is None or busy is None:
            return None
        seconds = time.perf_counter() - self._started
        return max(0.0, busy - self._busy - (_own() - self._own)) / seconds


def _busy() -> float | None:
    """Seconds that the machine's cores worked, since it started."""
    try:
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Seconds of CPU that this process took, and those it started which ended."""
    return sum(os.times()[:4])


class Worker:
    """A process that answers the requests of one benchmark for one library.

    Args:
        name: the library.
        python: its environment's interpreter.
        script: the benchmark's file.
        flags: what else the worker is started with.
    """

    def __init__(self, name: str, python: str, script: str, flags: Sequence[str] = ()) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, script, "--worker", name, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **QUIET},
        )

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request.

        Raises:
            RuntimeError: the worker died.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.name} ended at the request {request}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The worker's side: answer requests until there are no more. What libraries print goes to stderr."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        out.write(json.dumps(answer(json.loads(line))) + "\n")
        out.flush()


Results = dict[str, dict[str, list[float]]]  # by measurement, by library: what each round took


def in_turns(workers: Sequence[Worker], requests: Sequence[tuple[dict[str, Any], int]]) -> Results:
    """Ask every worker each request, in turns.

    Args:
        workers: the workers.
        requests: what to ask, and how many times. A worker that answers {} has nothing to say of a request.

    Returns:
        What each round took, by the name that the answers give it and by library.
    """
    results: Results = {}
    total, done = sum(rounds for _, rounds in requests) * len(workers), 0
    for request, rounds in requests:
        for number in range(rounds):
            # Turns change direction, so that none of them always follows the heaviest.
            for worker in workers if number % 2 == 0 else reversed(workers):
                done += 1
                progress(f"[{done}/{total}] {worker.name}: {request}")
                for name, seconds in worker.ask(request).items():
                    results.setdefault(name, {}).setdefault(worker.name, []).append(seconds)
    progress("")
    return results


def progress(text: str) -> None:
    """Show where the benchmark stands; "" clears the line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:100]}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def spread(times: Sequence[float], scale: float) -> str:
    """The least of the times, and in parentheses their median; `scale` turns seconds into the unit."""
    return f"{short(min(times) * scale)} ({short(statistics.median(times) * scale)})"


def short(number: float) -> str:
    """A number with as many places as are of interest."""
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


class Table:
    """Measurements in rows, libraries in columns, and how many times longer the others take than the first.

    Args:
        libraries: the columns, ours first.
    """

    def __init__(self, libraries: Sequence[str]) -> None:
        self.libraries = list(libraries)
        self.rows: list[list[str]] = []

    def add(self, what: str, unit: str, scale: float, times: dict[str, list[float]]) -> None:
        """A row: `what` was measured, in `unit`, what each round took in seconds by library."""
        cells = [spread(times[name], scale) if name in times else "-" for name in self.libraries]
        ours = min(times[self.libraries[0]])
        ratios = [f"{min(times[n]) / ours:.2f}" if n in times else "-" for n in self.libraries[1:]]
        self.rows.append([f"{what}, {unit}", *cells, *ratios])

    def __str__(self) -> str:
        ours = self.libraries[0]
        head = ["least (median)", *self.libraries, *[f"{name} / {ours}" for name in self.libraries[1:]]]
        return "\n".join(aligned([head, *self.rows]))


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """A table's lines; numbers stand to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        first, *rest = [
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join([first, *rest]).rstrip()
