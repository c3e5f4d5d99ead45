"""Writes the checkpoints beside this file with TensorFlow: run it with an interpreter that has it.

python tests/tracer/golden/make_checkpoints.py
"""

from __future__ import annotations

import collections
import shutil
from pathlib import Path

import tensorflow as tf

HERE = Path(__file__).parent
Pair = collections.namedtuple("Pair", "b a")
V = tf.Variable


class M(tf.Module):
    pass


def model() -> M:
    m = M()
    m.z = V(1.0, name="zz")
    m.a = [V(2.0), V([3], name="q", dtype=tf.int64), 1]
    m.d = {"k/2": V(1.5), "a.b": V("text")}
    m.e = []
    m.nt = Pair(1, V([True, False]))
    m.same = m.z
    m.sub = M(name="foo")
    with tf.name_scope("scope"):
        m.sub.w = V(tf.reshape(tf.range(6.0), [2, 3]), name="w", trainable=False)
    m.sub.half = V([1.0, 2.0], dtype=tf.bfloat16, name="half")
    m.sub.up = m
    m.fn = tf.function(lambda x: x)
    return m


def main() -> None:
    for name in ("nested", "rooted", "names", "slots"):
        shutil.rmtree(HERE / name, ignore_errors=True)
        (HERE / name).mkdir()
    tf.train.Checkpoint(m=model(), opt=V(3)).save(str(HERE / "nested/ckpt"))
    tf.train.Checkpoint(model(), x=V(1)).write(str(HERE / "rooted/values"))

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("a", initializer=[9.0, 8.0], use_resource=True)
        with tf.compat.v1.variable_scope("inner"):
            tf.compat.v1.get_variable("b", initializer=7.0, use_resource=True)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(HERE / "names/model"), write_meta_graph=False)
    (HERE / "names/checkpoint").unlink()  # names an absolute path

    weight, bias = V([1.0, 2.0], name="weight"), V(3.0, name="bias")
    adam = tf.compat.v1.train.AdamOptimizer(0.1)
    adam.apply_gradients([(tf.constant([1.0, -1.0]), weight), (tf.constant(2.0), bias)])
    tf.train.Checkpoint(adam=adam, bias=bias, weight=weight).write(str(HERE / "slots/values"))


if __name__ == "__main__":
    main()
