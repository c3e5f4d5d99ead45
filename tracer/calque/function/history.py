"""Why a function was traced again: in what each trace differs from the one nearest to it."""

from __future__ import annotations

import logging
import types
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .. import nest
from .leaves import Leaf, Literal, ObjectLeaf, TensorLeaf
from .signature import Arguments

__all__ = ["Difference", "TraceRecord", "TracingCounter", "counter_of", "differences"]

_logger = logging.getLogger("calque")
_WINDOW = 10  # calls looked back at, beginning with the second trace among them
_MANY = 5  # traces in that window that are worth a warning
_WARNINGS = 2  # for one Python function


@dataclass(frozen=True)
class Difference:
    """One argument in which a call differed from the trace that was there.

    Attributes:
        argument: its name, with the place inside of it: ``x[0]['key']``.
        before: what the earlier trace was made for, as text; "" where it had no such argument.
        now: what came.
        cure: what would spare the trace.
    """

    argument: str
    before: str
    now: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.argument}: {self.before or 'nothing'} -> {self.now or 'nothing'}"


@dataclass(frozen=True)
class TraceRecord:
    """One trace of a function.

    Attributes:
        number: the first trace is 0.
        signature: what it was made for, in one line.
        caller: ``file:line`` of the call (or of `get_concrete_function`) that needed it, "" where that is not known.
        compared_with: the number of the earlier trace that was nearest, None for the first one.
        differences: in which arguments it differed from that one.
    """

    number: int
    signature: str
    caller: str
    compared_with: int | None
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        if self.compared_with is None:
            return f"trace {self.number} at {self.caller}: the first, for {self.signature}"
        why = "; ".join(map(str, self.differences)) or "what it captured is out of reach"
        return f"trace {self.number} at {self.caller}: unlike trace {self.compared_with} in {why}"


def differences(now: Arguments, before: Arguments) -> list[Difference]:
    """The arguments in which a call's differ from those that an earlier trace accepts."""
    found: list[Difference] = []
    for name in now.structure:
        found += _differences(name, before.structure[name], now.structure[name])
    return found


def _differences(path: str, before: Any, now: Any) -> Iterator[Difference]:
    mine, theirs = nest.argument_parts(now), nest.argument_parts(before)
    if mine is None and theirs is None:
        if not before.accepts(now):
            yield Difference(path, before.describe(), now.describe(), _cure(path, before, now))
        return
    alike = mine is not None and theirs is not None and type(now) is type(before)
    if not alike or mine is None or theirs is None or mine[0] != theirs[0]:
        yield Difference(path, _described(before), _described(now), _RESTRUCTURED)
        return
    old, new = dict(theirs[1]), dict(mine[1])
    for place in [*old, *(p for p in new if p not in old)]:
        inner = f"{path}[{place!r}]"
        if place not in old:
            yield Difference(inner, "", _described(new[place]), _RESTRUCTURED)
        elif place not in new:
            yield Difference(inner, _described(old[place]), "", _RESTRUCTURED)
        else:
            yield from _differences(inner, old[place], new[place])


def _described(structure: Any) -> str:
    from .shown import structure_text

    return structure_text(structure)


_RESTRUCTURED = "pass arguments nested in the same way"


def _cure(path: str, before: Leaf, now: Leaf) -> str:
    if isinstance(before, TensorLeaf) and isinstance(now, TensorLeaf):
        if before.dtype is not now.dtype:
            return f"cast '{path}' to one dtype before the call"
        return (
            "use tf.function(reduce_retracing=True), or an input_signature whose TensorSpec has None for the sizes "
            "that vary"
        )
    if isinstance(now, Literal):
        return f"pass '{path}' as a tensor (tf.constant(...)) if its value varies from call to call"
    if isinstance(now, ObjectLeaf):
        return f"pass the same object as '{path}', or give its class __eq__ and __hash__"
    return f"pass '{path}' as one type"


class TracingCounter:
    """How many of the last calls of a Python function were traced; shared by every `function` made of it."""

    __slots__ = ("__weakref__", "_traced", "_warnings", "calls")

    def __init__(self) -> None:
        self.calls = 0
        self._traced: list[int] = []  # which calls, oldest first
        self._warnings = 0

    def traced(self, name: str, records: Sequence[TraceRecord]) -> None:
        """Note that the call just counted was traced; warn, twice at most, if that has become frequent.

        Args:
            name: the function's name.
            records: the traces of the one that was called.
        """
        self._traced.append(self.calls)
        while len(self._traced) > 1 and self.calls - self._traced[1] + 1 > _WINDOW:
            del self._traced[0]
        if len(self._traced) < _MANY or self._warnings >= _WARNINGS:
            return
        self._warnings += 1
        calls = self.calls - self._traced[0] + 1
        _logger.warning(
            "%d out of the last %d calls to %s triggered tf.function retracing. Tracing is expensive. %s",
            len(self._traced),
            calls,
            name,
            _advice(records),
        )


def _advice(records: Sequence[TraceRecord]) -> str:
    last = records[-1] if records else None
    if last is None or last.compared_with is None:
        return (
            "This tf.function was made anew for the call, as in a loop: make it once, outside of the loop, and call it "
            f"there. ({last})"
        )
    causes = "; ".join(map(str, last.differences))
    cures = "; ".join(dict.fromkeys(d.cure for d in last.differences if d.cure))
    advice = f" To mend it: {cures}." if cures else ""
    return (
        f"The last one, at {last.caller}, differed from an earlier one in {causes}.{advice} All traces: "
        "fn.experimental_get_tracing_history()."
    )


_counters: weakref.WeakKeyDictionary[types.CodeType, TracingCounter] = weakref.WeakKeyDictionary()


def counter_of(python_function: Callable[..., Any]) -> TracingCounter:
    """The counter of a Python function: that of its code, however often it is defined."""
    inner: Any = python_function
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    code = getattr(getattr(inner, "__func__", inner), "__code__", None)
    if not isinstance(code, types.CodeType):
        return TracingCounter()
    return _counters.setdefault(code, TracingCounter())
