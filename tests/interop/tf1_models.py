"""Models as people wrote them with TensorFlow 1: graphs with placeholders, trained weights, tables and loops.

Each function builds one: it asks `Feeds` for placeholders and gives the tensors of its signature. The TensorFlow process
imports this file; the tests import it for the names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "Feeds", "case", "f32", "normal", "strings", "variable"]


class Feeds:
    """The inputs of a model.

    Attributes:
        tensors: the placeholders by name.
        values: what is fed.
        folder: where a model may write its assets.
    """

    def __init__(self, v1: Any, folder: Path) -> None:
        self._v1 = v1
        self.folder = folder
        self.tensors: dict[str, Any] = {}
        self.values: dict[str, Any] = {}

    def __call__(self, name: str, value: Any, shape: Any = "batch", default: Any = None) -> Any:
        """A placeholder: of the value's dtype, and its shape with the first size unknown unless `shape` is another."""
        value = np.asarray(value)
        if shape == "batch":
            shape = (None, *value.shape[1:]) if value.ndim else ()
        dtype = self._v1.string if value.dtype == object else value.dtype
        if default is None:
            self.tensors[name] = self._v1.placeholder(dtype, shape, name=name)
        else:
            self.tensors[name] = self._v1.placeholder_with_default(
                np.asarray(default, value.dtype), shape, name=name
            )
        self.values[name] = value
        return self.tensors[name]


@dataclass(frozen=True)
class Case:
    """A model.

    Attributes:
        build: from TensorFlow's module and `Feeds` to the outputs by name.
        modes: the ways in which it is built; see `tf1_recording.record`.
        random: are the values of no interest?
        tolerance: relative, for floating point.
    """

    build: Callable[[Any, Feeds], dict[str, Any]]
    modes: tuple[str, ...]
    random: bool = False
    tolerance: float = 1e-4


CASES: dict[str, Case] = {}


def case(
    *modes: str, random: bool = False, tolerance: float = 1e-4
) -> Callable[[Callable[[Any, Feeds], dict[str, Any]]], Callable[[Any, Feeds], dict[str, Any]]]:
    """Decorator: the function builds a model, in these modes (all of them where none is named)."""

    def add(build: Callable[[Any, Feeds], dict[str, Any]]) -> Callable[[Any, Feeds], dict[str, Any]]:
        CASES[build.__name__] = Case(build, modes or ("v1", "v2"), random, tolerance)
        return build

    return add


def f32(*values: Any) -> Any:
    return np.array(values, np.float32)


def strings(*values: Any) -> Any:
    array = np.empty(len(values), object)
    array[:] = [v.encode() if isinstance(v, str) else v for v in values]
    return array


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


def variable(tf: Any, name: str, *shape: int, seed: int = 0) -> Any:
    """A variable that looks trained."""
    return tf.compat.v1.get_variable(name, initializer=normal(*shape, seed=seed) * np.float32(0.3))


for _part in ("recurrent", "control", "tables", "vision", "numeric", "text"):
    import_module(f"interop.tf1_{_part}")
