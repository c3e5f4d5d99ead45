"""Functions of composite tensors: saved here and called by TensorFlow, saved by TensorFlow and called here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import calque
import calque_runtime
from calque_runtime.savedmodel import composites
from interop.tf_process import TensorFlow
from support.composite_models import WANTED, build, told


def in_tensorflow(tests, ours, theirs):  # type: ignore[no-untyped-def]
    """In TensorFlow: what our model gives there, and what its own, which is saved, does."""
    import sys

    import tensorflow as tf

    sys.path.insert(0, tests)
    from support import composite_models

    model, arguments = composite_models.build(tf)
    tf.saved_model.save(model, theirs)
    loaded = tf.saved_model.load(ours)
    return composite_models.told(tf, loaded, arguments), composite_models.told(tf, model, arguments)


def test_functions_of_composites_cross_over(tf: TensorFlow, tmp_path: Path) -> None:
    model, arguments = build(calque)
    assert told(calque, model, arguments) == WANTED
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    calque.saved_model.save(model, ours)
    tests = str(Path(__file__).parents[1])
    loaded_there, made_there = tf.script(in_tensorflow, tests=tests, ours=str(ours), theirs=str(theirs))
    assert loaded_there == made_there == WANTED
    for where in (ours, theirs):
        assert told(calque, calque.saved_model.load(where), arguments) == WANTED
        alone = calque_runtime.load(where)
        ids = composites.RaggedTensor(np.array([0, 1, 2], np.int32), (np.array([0, 2, 3]),))
        np.testing.assert_array_equal(alone.embed(ids), [[2, 3], [5, 6]])
