"""`calque_runtime.load(..., backends=...)`: loaded functions are offered to engines of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import calque as tf
import calque_runtime
from calque_runtime.backend import Reference


class Counting(calque_runtime.Backend):
    name = "counting"
    parts = 0

    def claims(self, node: Any) -> bool:
        return node.op.name in {"MatMul", "Relu"}

    def compile(self, part: Any) -> Any:
        self.parts += 1
        return Reference().compile(part)


class Dense(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = tf.Variable(np.linspace(-1, 1, 60000, dtype=np.float32).reshape(300, 200))

    @tf.function(input_signature=[tf.TensorSpec([4, 300], tf.float32)])  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        return tf.nn.relu(tf.matmul(x, self.w))


def test_a_loaded_model_offers_its_parts(tmp_path: Path) -> None:
    model = Dense()
    tf.saved_model.save(model, tmp_path)
    backend = Counting()
    loaded = calque_runtime.load(tmp_path, backends=[backend])
    x = np.linspace(0, 1, 1200, dtype=np.float32).reshape(4, 300)
    for _ in range(3):  # the first call of a shape is not optimized, and so offers nothing
        np.testing.assert_allclose(loaded(x), np.maximum(x @ model.w.numpy(), 0), rtol=1e-4, atol=1e-4)
    assert backend.parts > 0
