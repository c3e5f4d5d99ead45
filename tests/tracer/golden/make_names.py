"""Writes ``tracer/calque/tensorflow_names.txt``: the public names of TensorFlow's modules, a line each.

Run by TensorFlow's interpreter, from the root: ``TENSORFLOW_PYTHON tests/tracer/golden/make_names.py``.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import tensorflow as tf

FILE = Path(__file__).parents[3] / "tracer" / "calque" / "tensorflow_names.txt"
# Worlds of their own, which calque has no part of: their names would only hide the others.
LEFT_OUT = frozenset(
    {"compat.v1", "compat.v2", "keras", "lite", "raw_ops", "tpu", "experimental.numpy", "mlir"}
)


def lines(space: str, module: Any, seen: set[int]) -> list[str]:
    """The line of a module, and those of the modules in it."""
    seen.add(id(module))
    names = [name for name in dir(module) if not name.startswith("_")]
    found = [f"{space or 'tf'}: {' '.join(names)}"]
    for name in names:
        inner, path = getattr(module, name), f"{space}.{name}".strip(".")
        public = inspect.ismodule(inner) and inner.__name__.startswith("tensorflow._api.")
        if public and path not in LEFT_OUT and id(inner) not in seen:
            found += lines(path, inner, seen)
    return found


if __name__ == "__main__":
    FILE.write_text("\n".join(sorted(lines("", tf, set()))) + "\n", encoding="utf-8")
