"""Writes ``generators.npz``: what TensorFlow's random generators give (see ``support/generating.py``).

Run by TensorFlow's interpreter, from the root: ``TENSORFLOW_PYTHON tests/tracer/golden/make_generators.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from support.generating import numbers  # noqa: E402

if __name__ == "__main__":
    np.savez_compressed(HERE / "generators.npz", **numbers(tf))
