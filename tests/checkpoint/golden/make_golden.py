"""Writes the golden bundles with TensorFlow: ``python tests/checkpoint/golden/make_golden.py``."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from cases import BUNDLES, SHARDS, SLICED, apply_slice, many  # noqa: E402


def tensor(value, dtype=None):
    if dtype is not None and dtype.startswith("q"):
        return tf.bitcast(tf.constant(value), getattr(tf, dtype))
    if dtype in ("int4", "uint4"):
        narrow = getattr(tf.dtypes.experimental, dtype)
        return tf.cast(tf.constant(value.astype(np.int8)), narrow)
    if np.asarray(value).dtype == object:
        return tf.constant(value, tf.string)
    return tf.constant(value)


def save(prefix, items):
    names, tensors, slices = zip(*items, strict=True)
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=names, shape_and_slices=slices, tensors=tensors)


def checksum(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def main():
    for old in HERE.glob("*.index"):
        old.unlink()
    for old in HERE.glob("*.data-*"):
        old.unlink()
    for name, tensors in BUNDLES.items():
        save(HERE / name, [(key, tensor(value, dtype), "") for key, dtype, value in tensors])
    save(
        HERE / "sliced",
        [(key, tensor(apply_slice(value, text)), text) for key, value, texts in SLICED for text in texts],
    )

    parts = []
    for number, shard in enumerate(SHARDS):
        parts.append(str(HERE / f"part-{number}"))
        save(parts[-1], [(key, tensor(value), text) for key, value, text in shard])
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=parts, destination_prefix=str(HERE / "merged"), delete_old_dirs=False
    )

    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "many")
        save(prefix, [(key, tensor(value), "") for key, value in many()])
        sums = {suffix: checksum(prefix + suffix) for suffix in (".index", ".data-00000-of-00001")}
    (HERE / "many.json").write_text(json.dumps(sums, indent=1) + "\n")

    partitioned()
    objects()


def partitioned():
    """A name-based checkpoint with a partitioned variable, by the TF1 Saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session, tempfile.TemporaryDirectory() as folder:
        with tf.compat.v1.variable_scope("scope", partitioner=tf.compat.v1.fixed_size_partitioner(3)):
            tf.compat.v1.get_variable(
                "w",
                [7, 2],
                initializer=lambda shape, dtype=None, partition_info=None: tf.reshape(
                    tf.range(14, dtype=tf.float32), [7, 2]
                )[partition_info.var_offset[0] : partition_info.var_offset[0] + shape[0]],
            )
        tf.compat.v1.get_variable("b", initializer=tf.constant([1.0, 2.0]))
        session.run(tf.compat.v1.global_variables_initializer())
        prefix = tf.compat.v1.train.Saver().save(session, os.path.join(folder, "p"), write_meta_graph=False)
        copy(prefix, "partitioned")


def objects():
    """An object-based checkpoint: odd names, an optimizer's slots, an iterator (a variant)."""
    root = tf.train.Checkpoint()
    root.list = [tf.Variable([1.0, 2.0]), tf.Variable(3)]
    root.dict = {"a/b": tf.Variable(4.0), "c.d": tf.Variable("text")}
    root.step = tf.Variable(5, dtype=tf.int64)
    optimizer = tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(root.list[0] ** 2)
    optimizer.apply_gradients(zip(tape.gradient(loss, root.list[:1]), root.list[:1], strict=True))
    root.optimizer = optimizer
    root.iterator = iter(tf.data.Dataset.range(5))
    next(root.iterator)
    with tempfile.TemporaryDirectory() as folder:
        copy(root.write(os.path.join(folder, "o")), "objects")


def copy(prefix, name):
    shutil.copy(prefix + ".index", HERE / f"{name}.index")
    shutil.copy(prefix + ".data-00000-of-00001", HERE / f"{name}.data-00000-of-00001")


main()
