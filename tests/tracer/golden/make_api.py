"""Writes ``api/FILE.npz`` and ``.json``, what TensorFlow gives for each row of ``tests/tracer/api/FILE.txt``, and
``api/signatures.json``, the parameters of its public functions.

Run by TensorFlow's interpreter, from the root: ``TENSORFLOW_PYTHON tests/tracer/golden/make_api.py [FILE ...]``,
where no file means all of them.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from support.api_rows import FILES, NAMESPACES, arrays_only, lookup, rows_of, run, same  # noqa: E402
from support.arrays import pack  # noqa: E402

OUT = HERE / "api"


def signatures() -> dict[str, list[str]]:
    """The parameters of every public function, with their defaults."""
    found = {}
    for space in NAMESPACES:
        module = lookup(tf, space) if space else tf
        for name in dir(module):
            value = getattr(module, name)
            if name.startswith("_") or not inspect.isfunction(
                inspect.unwrap(value) if callable(value) else value
            ):
                continue
            parameters = inspect.signature(value).parameters.values()
            found[f"{space}.{name}" if space else name] = [_parameter(p) for p in parameters]
    return found


def _parameter(parameter: inspect.Parameter) -> str:
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
    return f"{star}{parameter.name}{default}"


def write_answers(file: str) -> None:
    """Run the rows of one file."""
    arrays: dict[str, np.ndarray] = {}
    answers: dict[str, Any] = {}
    for i, row in enumerate(rows_of(file)):
        eager, graph, unknown = (run(row, way, tf) for way in ("eager", "function", "unknown"))
        entry: dict[str, Any] = {"number": i, "function": "as eager", "unknown": False}
        if isinstance(eager, str):
            entry["eager"] = eager
            entry["function"] = graph if isinstance(graph, str) else "gives something"
        else:
            entry["eager"] = [r if isinstance(r, str) else "array" for r in eager]
            for k, result in enumerate(eager):
                if not isinstance(result, str):
                    arrays.update(pack(f"{i}|{k}", result))
            random = row.startswith("~")
            entry["unknown"] = isinstance(unknown, list) and _alike(unknown, arrays_only(eager), random)
            if isinstance(graph, str):
                entry["function"] = graph
            elif not _alike(graph, arrays_only(eager), random):
                raise SystemExit(f"{row}: {graph} in a function, {eager} outside")
        answers[row] = entry
    np.savez_compressed(OUT / f"{file}.npz", **arrays)
    _write_json(file, answers)


def _write_json(name: str, content: Any) -> None:
    (OUT / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _alike(a: list[Any], b: list[Any], random: bool) -> bool:
    return len(a) == len(b) and all(same(x, y, random) for x, y in zip(a, b, strict=True))


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for file in sys.argv[1:] or FILES:
        write_answers(file)
    _write_json("signatures", signatures())


if __name__ == "__main__":
    main()
