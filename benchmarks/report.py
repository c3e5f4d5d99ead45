"""What a run of the suite found, as a page of Markdown."""

from __future__ import annotations

import datetime
import os
import statistics
from collections.abc import Iterator, Sequence

import cases
import peers

__all__ = ["ROUNDING", "Results"]

ROUNDING = 1e-4  # of the largest number of a result: float32 sums in other orders, erf to 4e-7
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6}


class Results:
    """All that was measured.

    Args:
        command: what made it.
        versions: of the packages, a line for each library.
        machine: a line.
        libraries: the columns, calque first.

    Attributes:
        measured: what each round took, by what was measured and by library.
        differences: the largest difference between calque's result and another's, as a share of the largest number.
        cannot: why a library is missing, by what was measured and by library.
        titles: of the cases, for people.
    """

    def __init__(self, command: str, versions: Sequence[str], machine: str, libraries: Sequence[str]) -> None:
        self.command = command
        self.versions = list(versions)
        self.machine = machine
        self.libraries = list(libraries)
        self.started = datetime.datetime.now(datetime.timezone.utc)
        self.loads: list[float] = []
        self.ended = ""
        self.measured: cases.Measured = {}
        self.differences: dict[str, dict[str, float]] = {}
        self.cannot: dict[str, dict[str, str]] = {}
        self.titles: dict[str, str] = {}

    def note_load(self, others: float | None = None) -> None:
        """Note the load so far and, at the end, how many cores other work kept busy."""
        self.loads.append(os.getloadavg()[0])
        self.ended = f", up to {max(self.loads):.1f} later, the benchmark's own included"
        if others is not None:
            self.ended += f"; other work took {others:.2f} cores on average"

    def wrong(self) -> list[str]:
        """The cases whose results are not equal to TensorFlow's or to the reference executor's."""
        return [
            f"{what}: {name} by {by:.1g}"
            for what, each in self.differences.items()
            for name, by in each.items()
            if name in ("TensorFlow", "reference") and not by <= ROUNDING
        ]

    def median(self, what: str, name: str) -> float | None:
        """What a library's rounds took, None where it was not measured."""
        times = self.measured.get(what, {}).get(name)
        return statistics.median(times) if times else None

    def share(self, what: str) -> str:
        """Which share of the machine's limit calque reached."""
        for case in cases.CASES:
            for batch in (*case.batches, *case.quick):
                ours = self.median(what, "calque")
                if cases.label(case.name, batch) == what and ours:
                    gemm, copy = (self.median(name, "numpy") for name in cases.LIMITS)
                    if case.flops(batch) and gemm:
                        return f"{case.flops(batch) / ours / (2 * 2048**3 / gemm):.0%} GEMM"
                    if case.bytes(batch) and copy:
                        return f"{case.bytes(batch) / ours / (2 * (1 << 28) / copy):.0%} bandwidth"
        return ""

    def bounds(self) -> Iterator[tuple[str, str, str, str, str]]:
        """What was promised, and what came of it: (measurement, bound, by medians, by the least, verdict)."""
        for bound in cases.BOUNDS:
            ours = self.median(bound.what, "calque")
            what = self.titles.get(bound.what, bound.what)
            if bound.peer == "best":
                rivals = [n for n in self.libraries[1:] if n != "numpy" and self.median(bound.what, n)]
                peer = min(rivals, key=lambda n: self.median(bound.what, n) or 0.0, default="")
                said = f"the best peer ({peer})"
            else:
                peer = said = bound.peer
            theirs = self.median(bound.what, peer) if peer else 1.0
            if ours is None or theirs is None:
                continue
            found = ours / theirs
            least = min(self.measured[bound.what]["calque"])
            if peer:
                least /= min(self.measured[bound.what][peer])
            limit = f"{_bare(bound.most)} x {said}" if said else _amount(bound.most, bound.unit)
            values = [_bare(value) if said else _amount(value, bound.unit) for value in (found, least)]
            yield what, limit, values[0], values[1], "met" if found <= bound.most else "**missed**"

    def __str__(self) -> str:
        return "\n".join(
            [*self._head(), *self._times(), *self._bounds(), *self._equality(), *self._missing(), ""]
        )

    def _head(self) -> Iterator[str]:
        yield "# Results\n"
        yield f"`{self.command}`, {self.started:%Y-%m-%d %H:%M} UTC.\n"
        yield from (f"- {line}" for line in self.versions)
        yield f"- {self.machine}{self.ended}"
        gemm, copy = (self.median(name, "numpy") for name in cases.LIMITS)
        if gemm and copy:
            yield f"- limits, in this run: GEMM {2 * 2048**3 / gemm / 1e9:.0f} GFLOPS (2048 x 2048, float32, numpy),"
            yield f"  memory {2 * (1 << 28) / copy / 1e9:.1f} GB/s (copying 256 MiB, read and written)"
        yield ""

    def _times(self) -> Iterator[str]:
        yield "## Times\n"
        yield "The median of the rounds, in parentheses the least; below it, how many times calque's median that is."
        yield "Each round's figure is the median of its calls. Libraries take turns round by round.\n"
        yield _line(["", *self.libraries, "calque reaches"])
        yield _line(["---", *["---:"] * (len(self.libraries) + 1)])
        for what, times in self.measured.items():
            if what in cases.LIMITS:
                continue
            if what == cases.PEAK:
                cells = [f"{statistics.median(times[n]):.2f}" if n in times else "-" for n in self.libraries]
            else:
                cells = [self._cell(what, name) for name in self.libraries]
            yield _line([self.titles.get(what, what), *cells, self.share(what)])
        yield ""

    def _cell(self, what: str, name: str) -> str:
        times, ours = self.measured[what].get(name), self.median(what, "calque")
        if not times:
            return "-"
        middle = statistics.median(times)
        unit = _unit(middle)
        text = f"{peers.short(middle * _UNITS[unit])} ({peers.short(min(times) * _UNITS[unit])}) {unit}"
        return text if name == self.libraries[0] or not ours else f"{text}<br>{_bare(middle / ours)} x"

    def _bounds(self) -> Iterator[str]:
        yield "## Promises\n"
        yield "calque's time divided by the peer's in this run: the medians, which the verdict is about, and the least,"
        yield "which other work on the machine disturbs less.\n"
        yield _line(["", "at most", "medians", "least", ""])
        yield _line(["---", "---", "---:", "---:", "---"])
        yield from (_line(row) for row in self.bounds())
        yield ""

    def _equality(self) -> Iterator[str]:
        yield "## Equal results\n"
        yield "The largest difference from calque's result, as a share of the largest number in it; TensorFlow's"
        yield f"and the reference executor's (`calque_runtime.reference`) must stay below {ROUNDING:g}.\n"
        names = [*self.libraries[1:], "reference"]
        yield _line(["", *names])
        yield _line(["---", *["---:"] * len(names)])
        for what, each in self.differences.items():
            yield _line([self.titles[what], *[f"{each[n]:.1g}" if n in each else "-" for n in names]])
        yield ""

    def _missing(self) -> Iterator[str]:
        reasons: dict[tuple[str, str], list[str]] = {}
        for what, each in self.cannot.items():
            for name, reason in each.items():
                reasons.setdefault((name, reason), []).append(self.titles.get(what, what))
        yield "## Not measured\n"
        for (name, reason), what in reasons.items():
            yield f"- {name}, {'; '.join(what)}: {reason}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _unit(seconds: float) -> str:
    return "s" if seconds >= 10 else "ms" if seconds >= 1e-3 else "us"


def _amount(value: float, unit: str) -> str:
    return f"{peers.short(value * 1e3)} ms" if unit == "s" else _bare(value)


def _bare(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0f}"
