"""Metrics saved and checkpointed here and in tf-keras: each goes on where the other stopped.

Their values are compared in `test_keras_leaves.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import calque
from interop.tf_process import TensorFlow

RANDOM = np.random.default_rng(5)
LABELS = RANDOM.integers(0, 3, (2, 30))
CHANCES = RANDOM.random((2, 30, 3)).astype(np.float32)


def holder(tf: Any, keras: Any) -> Any:
    """A module with metrics, and a function that updates them. It is sent to the other process as text."""

    class Holder(tf.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.mean = keras.metrics.Mean()
            self.right = keras.metrics.SparseCategoricalAccuracy()
            self.areas = keras.metrics.AUC(multi_label=True, num_labels=3, num_thresholds=20)
            self.overlap = keras.metrics.MeanIoU(3, sparse_y_pred=False)
            self.score = keras.metrics.R2Score()
            self.score.build((None, 3), (None, 3))

        @tf.function(input_signature=[tf.TensorSpec([None], "int64"), tf.TensorSpec([None, 3])])
        def step(self, y_true, y_pred):  # type: ignore[no-untyped-def]
            one_hot = tf.one_hot(y_true, 3)
            self.mean.update_state(y_pred)
            self.right.update_state(y_true, y_pred)
            self.areas.update_state(one_hot, y_pred)
            self.overlap.update_state(y_true, y_pred)
            self.score.update_state(one_hot, y_pred)
            return {
                "mean": self.mean.result(),
                "right": self.right.result(),
                "areas": self.areas.result(),
                "overlap": self.overlap.result(),
                "score": self.score.result(),
            }

    return Holder()


def steps(tf, source, labels, chances, write, read):  # type: ignore[no-untyped-def]
    """In TensorFlow: a step on the first half, written; a step on the second half after what was read."""
    import tf_keras

    space = {}  # type: ignore[var-annotated]
    path = write + ".py"  # functions need their source
    with open(path, "w") as file:
        file.write("from __future__ import annotations\nfrom typing import Any\n" + source)
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), space)
    first, second = space["holder"](tf, tf_keras), space["holder"](tf, tf_keras)
    first.step(labels[0], chances[0])
    tf.train.Checkpoint(first).write(write)
    tf.saved_model.save(first, write + "-saved")
    tf.train.Checkpoint(second).read(read).assert_existing_objects_matched()
    loaded = tf.saved_model.load(read + "-saved")
    return [one.step(labels[1], chances[1]) for one in (first, second, loaded)]


def test_either_goes_on(tf: TensorFlow, tmp_path: Path) -> None:
    import inspect

    mine, theirs = str(tmp_path / "mine"), str(tmp_path / "theirs")
    first, second = holder(calque, calque.keras), holder(calque, calque.keras)
    first.step(LABELS[0], CHANCES[0])
    calque.train.Checkpoint(first).write(mine)
    calque.saved_model.save(first, mine + "-saved")
    answers = tf.run(
        "import tensorflow\n" + inspect.getsource(steps) + "\nresult = steps(tensorflow, source, *given)",
        source=inspect.getsource(holder),
        given=(LABELS, CHANCES, theirs, mine),
    )
    calque.train.Checkpoint(second).read(theirs).assert_existing_objects_matched()
    loaded = calque.saved_model.load(theirs + "-saved")
    answers += [one.step(LABELS[1], CHANCES[1]) for one in (first, second, loaded)]
    for answer in answers[1:]:
        for name, wanted in answers[0].items():
            np.testing.assert_allclose(np.asarray(answer[name]), wanted, rtol=1e-5, err_msg=name)
