"""A model of ours runs where neither its class nor the tracer nor TensorFlow exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

import calque as tf
from test_layers import run_isolated


class Dense(tf.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.w = tf.Variable(tf.random.stateless_normal([inputs, outputs], seed=[1, 2]), name="w")
        self.b = tf.Variable(tf.ones([outputs]), name="b")

    def __call__(self, x: Any) -> Any:
        return tf.nn.relu(tf.matmul(x, self.w) + self.b)


class TwoLayers(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [Dense(3, 4), Dense(4, 2)]
        self.calls = tf.Variable(0, trainable=False)

    @tf.function
    def __call__(self, x: Any) -> Any:
        self.calls.assign_add(1)
        for layer in self.layers:
            x = layer(x)
        return {"result": x, "calls": self.calls.read_value()}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def serve(self, x: Any) -> Any:
        return self(x)["result"]


ALONE = """
import json, numpy as np, calque_runtime
model = calque_runtime.load(sys.argv[1])
x = np.array(json.loads(sys.argv[2]), np.float32)
first, second = model(x), model(x)
print(json.dumps({
    "result": first["result"].tolist(), "calls": [int(first["calls"]), int(second["calls"])],
    "served": model.signatures["serving_default"](x=x)["output_0"].tolist(),
    "layers": len(model.layers), "w": model.layers[1].w.numpy().tolist(), "trainable": len(model.trainable_variables),
    "modules": sorted(m for m in sys.modules if m.partition(".")[0] in ("calque", "tensorflow", "calque_tools")),
}))
"""


def test_runs_alone(tmp_path: Path) -> None:
    model = TwoLayers()
    x = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]], np.float32)
    want = model(x)["result"].numpy()
    tf.saved_model.save(model, tmp_path / "model")
    got = json.loads(run_isolated(ALONE, str(tmp_path / "model"), json.dumps(x.tolist())))
    np.testing.assert_allclose(got["result"], want, rtol=1e-6)
    np.testing.assert_allclose(got["served"], want, rtol=1e-6)
    np.testing.assert_array_equal(got["w"], model.layers[1].w.numpy())
    assert (got["calls"], got["layers"], got["trainable"], got["modules"]) == ([2, 3], 2, 4, [])
