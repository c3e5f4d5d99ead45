"""Programs: several ops in a row, for ops whose values numpy cannot hold: lists, TensorArrays, tables.

    p = Program("set-get")
    filled = p.TensorListReserve(np.int32([2]), 3, element_dtype="float32")
    p.fetch(p.TensorListStack(filled, -1, element_dtype="float32"))

A step takes what earlier steps gave and plain values: Python numbers become int32 and float32, bytes strings, arrays stay
what they are. A tuple, or a list with a Ref or an array in it, is a list input. Steps run in their order. TensorFlow runs
the programs in `make_programs.py`, which stores what was fetched; `test_programs.py` runs them here. A module of this
package holds the programs of one family in `PROGRAMS`. They never import TensorFlow or calque.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Ref:
    """Output `index` of step `step`."""

    step: int
    index: int = 0

    def out(self, index: int) -> Ref:
        """Another output of the same step."""
        return Ref(self.step, index)


@dataclass(frozen=True)
class File:
    """The path of a file with that content."""

    content: bytes


@dataclass(frozen=True, eq=False)
class Step:
    """One op call; inputs are Refs, Files and arrays, lists of them for list inputs."""

    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]


def array(value: Any) -> Any:
    """A plain value as a program means it."""
    if isinstance(value, (Ref, File, np.ndarray)):
        return value
    if isinstance(value, np.generic):
        return np.asarray(value)
    made = np.asarray(value)
    if made.dtype.kind in "SU" or (made.size == 0 and made.dtype == object):
        return np.asarray(value, object)
    if made.dtype == np.float64:
        return made.astype(np.float32)
    return made.astype(np.int32) if made.dtype.kind == "i" else made


def i64(value: Any) -> np.ndarray:
    """An int64 array."""
    return np.asarray(value, np.int64)


def strings(*values: bytes) -> np.ndarray:
    """A vector of strings."""
    out = np.empty(len(values), object)
    out[:] = values
    return out


class Program:
    """Steps and what is fetched of them.

    Attributes:
        name: unique in its family.
        error: the error class that TensorFlow raises, or "".
    """

    def __init__(self, name: str, error: str = "") -> None:
        self.name = name
        self.error = error
        self.steps: list[Step] = []
        self.fetched: list[Ref] = []

    def call(self, op: str, *inputs: Any, **attrs: Any) -> Ref:
        """Append a step."""
        taken = tuple(
            [array(v) for v in x]
            if isinstance(x, tuple)
            or (isinstance(x, list) and any(isinstance(v, (Ref, np.ndarray)) for v in x))
            else array(x)
            for x in inputs
        )
        self.steps.append(Step(op, taken, attrs))
        return Ref(len(self.steps) - 1)

    def __getattr__(self, op: str) -> Callable[..., Ref]:
        if op.startswith("_"):
            raise AttributeError(op)
        return lambda *inputs, **attrs: self.call(op, *inputs, **attrs)

    def fetch(self, *refs: Ref) -> None:
        """These are results."""
        self.fetched += refs
