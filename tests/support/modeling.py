"""Small models, written once and built alike under calque and under TensorFlow.

Each is a function of `tf`, which is either of the two, and of a folder for files of its own; it returns the object to
save. With it stand the calls to make of it, in order: they trace it before it is saved, and ask the loaded model the
same afterwards. The process that has TensorFlow imports this file too, so it imports neither of the two.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from saved_model.calls import Call

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Model:
    """A model and what to do with it.

    Attributes:
        name: of its own.
        build: from `tf` and a folder to the root object.
        calls: by name, in order.
        signatures: from the root to what `save` is given as signatures; None: nothing.
        gradients: the names of the calls to differentiate.
    """

    name: str
    build: Callable[[Any, Path], Any]
    calls: dict[str, Call]
    signatures: Callable[[Any], Any] | None
    gradients: tuple[str, ...]


MODELS: dict[str, Model] = {}


def call(name: str, target: str = "", *args: Any, **kwargs: Any) -> Call:
    return Call("", name, target, args, kwargs)


def model(
    *calls: Call, signatures: Callable[[Any], Any] | None = None, gradients: tuple[str, ...] = ()
) -> Callable[[Callable[[Any, Path], Any]], Callable[[Any, Path], Any]]:
    def add(build: Callable[[Any, Path], Any]) -> Callable[[Any, Path], Any]:
        name = build.__name__
        named = {one.name: replace(one, model=name) for one in calls}
        assert len(named) == len(calls), name
        MODELS[name] = Model(name, build, named, signatures, gradients)
        return build

    return add


def f32(*values: Any) -> Any:
    return np.array(values, np.float32)


def strings(*values: bytes) -> Any:
    return np.array(values, object)


def spread(*shape: int) -> Any:
    """Values of both signs, each a different one."""
    return np.linspace(-1, 1.5, int(np.prod(shape)), dtype=np.float32).reshape(shape)


X3 = spread(2, 3)
ONE = np.float32(1.5)
HALF = np.array([1.5, -2.25, 0.1], ml_dtypes.bfloat16)
