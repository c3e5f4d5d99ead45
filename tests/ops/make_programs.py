"""Runs programs in TensorFlow and stores what it gave: `python tests/ops/make_programs.py [family ...]`.

To be run with an interpreter that has tensorflow-cpu, never by the test suite.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from ops.programs import File, Program, Ref  # noqa: E402
from support.arrays import pack  # noqa: E402


def graph_of(program: Program, directory: str) -> list[Any]:
    """Adds the program to the default graph; the tensors that it fetches."""
    made: list[list[Any]] = []
    last: list[tf.Operation] = []

    def tensor(value: Any) -> Any:
        if isinstance(value, list):
            return [tensor(v) for v in value]
        if isinstance(value, Ref):
            return made[value.step][value.index]
        if isinstance(value, File):
            path = Path(directory, f"file{len(made)}.txt")
            path.write_bytes(value.content)
            value = np.array(os.fsencode(path), object)
        # A placeholder of unknown shape: what is wrong with a value comes out when the kernel runs.
        return tf.compat.v1.placeholder_with_default(tf.constant(value), None)

    for step in program.steps:
        function = getattr(tf.raw_ops, step.op)
        names = list(inspect.signature(function).parameters)
        inputs = dict(zip(names, map(tensor, step.inputs), strict=False))
        with tf.control_dependencies(last):
            result = function(**inputs, **step.attrs)
        outputs = (
            [result] if isinstance(result, (tf.Operation, tf.Tensor)) else list(tf.nest.flatten(list(result)))
        )
        made.append([] if isinstance(result, tf.Operation) else outputs)
        last = [result if isinstance(result, tf.Operation) else outputs[0].op]
    with tf.control_dependencies(last):
        return [tf.identity(made[ref.step][ref.index]) for ref in program.fetched] or last


def run(program: Program) -> dict[str, np.ndarray]:
    """The golden entries of one program: `name|k`, or `name|error`."""
    with tempfile.TemporaryDirectory() as directory, tf.Graph().as_default():
        try:
            fetched = graph_of(program, directory)
            with tf.compat.v1.Session() as session:
                arrays = session.run(fetched)
        except Exception as e:
            if not program.error:
                print(f"{program.name}: {e}")
            # Building a graph raises ValueError where shape inference finds what the kernel would.
            name = "InvalidArgumentError" if isinstance(e, ValueError) else type(e).__name__
            return {f"{program.name}|error": np.array(name)}
    found: dict[str, np.ndarray] = {}
    for k, one in enumerate(arrays):
        if one is not None:
            found.update(pack(f"{program.name}|{k}", one))
    return found


def main(families: list[str]) -> None:
    """Write the files of the families named, or of all."""
    for family in families or sorted(p.stem for p in (HERE / "programs").glob("[a-z]*.py")):
        programs = importlib.import_module(f"ops.programs.{family}").PROGRAMS
        found: dict[str, np.ndarray] = {}
        for program in programs:
            found.update(run(program))
        for program in programs:
            raised = str(found.get(f"{program.name}|error", ""))
            if raised != program.error:
                print(
                    f"{family}: {program.name} raises {raised or 'nothing'}, not {program.error or 'nothing'}"
                )
        np.savez_compressed(HERE / "golden" / f"programs_{family}.npz", **found)
        print(f"{family}: {len(programs)} programs")


if __name__ == "__main__":
    main(sys.argv[1:])
