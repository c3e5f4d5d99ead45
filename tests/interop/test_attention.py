"""Attention as TensorFlow's writers have it: one op in the plans for given shapes, and TensorFlow's results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque_runtime
from calque_runtime.plan.bound import optimized

KERAS = """
import {package} as keras

layer = keras.layers.MultiHeadAttention(4, 8)
layer(x, x)


class Model(tf.Module):
    def __init__(self):
        self.variables_of_layer = [getattr(v, "value", v) if {unwrapped} else v for v in layer.variables]

    @tf.function(input_signature=[tf.TensorSpec(x.shape, tf.float32), tf.TensorSpec(mask.shape, tf.bool)])
    def __call__(self, x, mask):
        return dict(y=layer(x, x, attention_mask={mask}, use_causal_mask={causal}))
"""
WRITTEN_OUT = """
class Model(tf.Module):
    def __init__(self):
        random = np.random.default_rng(1)
        self.w = [tf.Variable(random.standard_normal((32, 32)).astype("f") / 6) for _ in range(3)]
        self.b = tf.Variable(np.ones(32, "f"))

    @tf.function(input_signature=[tf.TensorSpec(x.shape, tf.float32), tf.TensorSpec(mask.shape, tf.bool)])
    def __call__(self, x, mask):
        heads = [tf.reshape(tf.matmul(x, w) + self.b, (2, 40, 4, 8)) for w in self.w]
        q, k, v = [tf.transpose(one, [0, 2, 1, 3]) for one in heads]
        scores = tf.matmul(q, k, transpose_b=True) / tf.constant(8.0**0.5)
        scores += (1.0 - tf.cast(mask[:, None], tf.float32)) * -10000.0
        y = tf.matmul(tf.nn.softmax(scores + 1e-9), v)
        return dict(y=tf.reshape(tf.transpose(y, [0, 2, 1, 3]), (2, 40, 32)))
"""
SAVE = """
model = Model()
tf.saved_model.save(model, path, signatures=model.__call__)
result = model(tf.constant(x), tf.constant(mask))["y"]
"""


def keras(package: str, mask: str, causal: bool) -> str:
    return KERAS.format(package=package, mask=mask, causal=causal, unwrapped=package == "keras")


MODELS = {
    "tf-keras, a mask": keras("tf_keras", "mask", False),
    "tf-keras, causal": keras("tf_keras", "None", True),
    "tf-keras, no mask": keras("tf_keras", "None", False),
    "Keras 3, a mask": keras("keras", "mask", True),
    "Keras 3, no mask": keras("keras", "None", False),
    "written out": WRITTEN_OUT,
}


@pytest.mark.parametrize("source", MODELS.values(), ids=list(MODELS))
def test_attention(tf: Any, tmp_path: Path, source: str) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((2, 40, 32)).astype(np.float32)
    mask = random.random((2, 40, 40)) < 0.8
    mask[:, :, 0] = True
    want = tf.script(source + SAVE, path=str(tmp_path / "model"), x=x, mask=mask)
    signature = calque_runtime.load(tmp_path / "model").signatures["serving_default"]
    for _ in range(2):
        np.testing.assert_allclose(signature(x=x, mask=mask)["y"], want, rtol=1e-4, atol=1e-5)
    concrete = signature.concrete
    given = [{"x": x, "mask": mask}[name].shape for name in signature.argument_keywords]
    made, _ = optimized(concrete.function, given, concrete.captures, concrete.env)
    names = {node.op.name for node in made.nodes}
    assert "_Attention" in names
    assert "Softmax" not in names
