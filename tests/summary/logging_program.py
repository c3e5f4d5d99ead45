"""What both calque and TensorFlow log, for their event files to be compared."""

from __future__ import annotations

from typing import Any

import numpy as np


def log(tf: Any, logdir: str) -> None:
    """Writes every kind of summary to one event file, eagerly and from a graph."""
    writer = tf.summary.create_file_writer(logdir, filename_suffix=".golden")
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    step = tf.Variable(7, dtype=tf.int64)

    @tf.function
    def logged(x: Any, step: Any) -> Any:
        with tf.name_scope("inside"):
            tf.summary.scalar("mean", tf.reduce_mean(x), step=step)
        tf.summary.histogram("x", x, step=step, buckets=4)
        tf.summary.text("said", tf.constant(["in", "a graph"]), step=step)
        tf.summary.image("pixels", tf.cast(tf.reshape(x, [1, 3, 4, 1]), tf.uint8), step=step)
        with tf.summary.record_if(lambda: step > 8):
            tf.summary.scalar("late", step, step=step)
        return x

    with writer.as_default():
        tf.summary.scalar("loss", 0.25, step=1, description="a **loss**")
        tf.summary.scalar("count", np.int64(3), step=2)
        tf.summary.histogram("spread", values, step=3)
        tf.summary.histogram("alike", np.ones(5), step=3, buckets=3)
        tf.summary.histogram("nothing", np.ones(0), step=3, buckets=3)
        tf.summary.text("words", "hello", step=4)
        tf.summary.text("table", [["a", "b"], ["c", "d"]], step=4, description="a table")
        sounds = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4, 1)
        tf.summary.audio("sounds", sounds, 8000, step=4)
        colors = (np.arange(48, dtype=np.float32) / 48).reshape(2, 2, 4, 3)
        tf.summary.image("colors", colors, step=5)
        tf.summary.image("few", np.arange(40, dtype=np.uint8).reshape(5, 2, 2, 2), step=5, max_outputs=2)
        with tf.name_scope("outer"):
            tf.summary.scalar("a b/c", 1, step=step)
        logged(values, tf.constant(8, tf.int64))
        logged(values + 1, tf.constant(9, tf.int64))
        with tf.summary.record_if(lambda: False):
            tf.summary.scalar("unseen", 1.0, step=1)
        with tf.summary.record_if(tf.constant(True)):
            tf.summary.scalar("seen", 1.0, step=1)
        tf.summary.experimental.set_step(11)
        tf.summary.write("raw", tf.constant([1, 2], tf.int16), metadata=b"")
        tf.summary.experimental.set_step(None)
    with writer.as_default(step=12):
        tf.summary.scalar("by_default", 2.5)
    writer.close()
