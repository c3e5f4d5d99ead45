"""Writes ``leaves.npz``: what tf-keras's losses, activations, initializers, ... give (``support/keras_leaves.py``).

Run by TensorFlow's interpreter, from the root: ``TENSORFLOW_PYTHON tests/keras/golden/make_leaves.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from support import keras_leaves  # noqa: E402


def main() -> None:
    arrays = {
        f"{kind}|{name}": array
        for kind, give in keras_leaves.KINDS.items()
        for name, array in give(tf_keras, tf).items()
    }
    np.savez_compressed(HERE / "leaves.npz", **arrays)


if __name__ == "__main__":
    main()
