"""Runs rows in TensorFlow and stores what it gave: `python tests/ops/make_golden.py [family ...]`.

To be run with an interpreter that has tensorflow-cpu (see `make interop`), never by the test suite. Existing files of
other families are left alone.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import tensorflow as tf  # noqa: E402

from ops.rows import Row  # noqa: E402
from support.arrays import pack  # noqa: E402


def flat_outputs(result: object) -> list[object]:
    """Everything a raw op returned, flat."""
    if result is None or isinstance(result, tf.Operation):
        return []
    return list(tf.nest.flatten(list(result) if isinstance(result, (list, tuple)) else result))


def python_names(function: object, names: list[str]) -> dict[str, str]:
    """What `tf.raw_ops` calls the arguments that it spells otherwise than the OpDef ("axis" for "split_dim", ...)."""
    parameters = [p for p in inspect.signature(function).parameters if p != "name"]
    missing = [n for n in names if n not in parameters]
    return dict(zip(missing, [p for p in parameters if p not in names], strict=False))


def run(row: Row) -> dict[str, np.ndarray]:
    """The golden entries of one row: `id|out|k`, `id|grad|k`, or `id|error`."""
    function = getattr(tf.raw_ops, row.op)
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(row.op)
    # tf.raw_ops gives some inputs other names than the OpDef does, in the same order.
    parameters = list(inspect.signature(function).parameters)
    names = [a.name if a.name in parameters else parameters[i] for i, a in enumerate(definition.input_arg)]
    attrs = dict(row.attrs)
    for a in definition.attr:
        if a.name in attrs and a.type in ("type", "list(type)"):
            value = attrs[a.name]
            attrs[a.name] = (
                [tf.as_dtype(v) for v in value] if isinstance(value, (list, tuple)) else tf.as_dtype(value)
            )
    renamed = python_names(function, [*names, *attrs])
    names = [renamed.get(n, n) for n in names]
    attrs = {renamed.get(k, k): v for k, v in attrs.items()}
    arrays = row.arrays()
    tensors = [[tf.constant(v) for v in x] if isinstance(x, list) else tf.constant(x) for x in arrays]
    try:
        with tf.GradientTape(persistent=True) as tape:
            flat = tf.nest.flatten(tensors)
            tape.watch([t for t in flat if t.dtype.is_floating])
            outputs = flat_outputs(function(**dict(zip(names, tensors, strict=True)), **attrs))
    except Exception as e:
        return {f"{row.id}|error": np.array(type(e).__name__)}
    found: dict[str, np.ndarray] = {}
    for k, out in enumerate(outputs):
        if out.dtype in (tf.resource, tf.variant):
            continue
        found.update(pack(f"{row.id}|out|{k}", out.numpy()))
    if row.grad and row.dtype == "float64" and outputs:
        random = np.random.RandomState(7)
        seeds = [
            tf.constant(random.standard_normal(o.shape), o.dtype) if o.dtype.is_floating else None
            for o in outputs
        ]
        pairs = [(o, s) for o, s in zip(outputs, seeds, strict=True) if s is not None]
        if pairs:
            try:
                grads = tape.gradient([o for o, _ in pairs], flat, [s for _, s in pairs])
            except LookupError:
                grads = []
            for k, g in enumerate(grads):
                if g is not None:
                    found.update(pack(f"{row.id}|grad|{k}", tf.convert_to_tensor(g).numpy()))
    return found


def main(families: list[str], folder: Path = HERE / "golden") -> None:
    """Write <family>.npz into `folder` for each family."""
    for family in families:
        found: dict[str, np.ndarray] = {}
        seen: set[str] = set()
        for row in importlib.import_module(f"ops.cases.{family}").ROWS:
            if row.id in seen:
                raise SystemExit(f"two rows are called {row.id}")
            seen.add(row.id)
            got = run(row)
            error = got.get(f"{row.id}|error")
            if (error is not None) != bool(row.error):
                print(f"{row.id}: expected {row.error or 'values'}, TensorFlow gave {error}")
            found.update(got)
        np.savez_compressed(folder / f"{family}.npz", **found)
        print(f"{family}: {len(seen)} rows")


if __name__ == "__main__":
    main(sys.argv[1:] or sorted(p.stem for p in (HERE / "cases").glob("[a-z]*.py")))
