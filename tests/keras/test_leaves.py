"""Losses, activations, initializers, regularizers and constraints: tf-keras's values, gradients and configs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import calque as tf
from support import keras_leaves

GOLDEN = Path(__file__).parent / "golden" / "leaves.npz"


@cache
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as stored:
        return {key: stored[key] for key in stored.files}


@pytest.mark.parametrize("kind", keras_leaves.KINDS)
def test_what_tf_keras_gives(kind: str) -> None:
    mine = keras_leaves.KINDS[kind](tf.keras, tf)
    theirs = {key.partition("|")[2]: value for key, value in golden().items() if key.startswith(f"{kind}|")}
    keras_leaves.compare(mine, theirs)
