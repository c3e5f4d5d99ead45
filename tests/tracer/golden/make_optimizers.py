"""Writes ``optimizers.npz``: what tf-keras's optimizers and learning rates give (see ``support/optimizing.py``).

Run by TensorFlow's interpreter, from the root: ``TENSORFLOW_PYTHON tests/tracer/golden/make_optimizers.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from support import optimizing  # noqa: E402


def main() -> None:
    arrays: dict[str, np.ndarray] = {}
    for i, row in enumerate(optimizing.OPTIMIZERS):
        optimizer = optimizing.make(row, tf_keras.optimizers)
        seen = optimizing.train(optimizer, optimizing.variables(tf), tf)
        arrays |= {f"optimizer|{i}|{k}": array for k, array in enumerate(seen)}
    for i, row in enumerate(optimizing.LEGACY):
        optimizer = optimizing.make_legacy(row, tf_keras.optimizers)
        seen = optimizing.train(optimizer, optimizing.variables(tf), tf)
        arrays |= {f"legacy|{i}|{k}": array for k, array in enumerate(seen)}
    for i, row in enumerate(optimizing.SCHEDULES):
        schedule = optimizing.make(row, tf_keras.optimizers.schedules)
        arrays[f"schedule|{i}"] = np.array(
            [schedule(tf.constant(step, tf.int64)).numpy() for step in optimizing.SCHEDULE_STEPS]
        )
    np.savez_compressed(HERE / "optimizers.npz", **arrays)


if __name__ == "__main__":
    main()
