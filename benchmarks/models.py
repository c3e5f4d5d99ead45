"""Writes the suite's models with TensorFlow and Keras, and as ONNX files where they can be converted.

    python benchmarks/models.py FOLDER [NAME ...]

TensorFlow's interpreter runs this (`.ci/environment.py oracle`); the suite does it. A model that is there already is
left alone. Each has a signature `serving_default`, random weights and a free first dimension; what other libraries
build by hand from the weights finds them in `weights.npz`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cases

OPSET = 18
Maker = Callable[[], tuple[Callable[..., Any], Sequence[Any], Sequence[Any]]]


def _layers() -> Any:
    import keras

    return keras.layers


def _keras(model: Any, *shape: int, dtype: str = "float32") -> Any:
    """A Keras model as a function, its signature and its variables."""
    import tensorflow as tf  # noqa: TID251

    variables = [variable.value for variable in model.variables]
    return lambda x: model(x, training=False), [tf.TensorSpec([None, *shape], dtype, "x")], variables


def guide() -> Any:
    """Two dense layers."""
    layers = _layers()
    import keras

    return _keras(keras.Sequential([layers.Input((3,)), layers.Dense(4, "relu"), layers.Dense(2, "relu")]), 3)


def mlp() -> Any:
    """A classifier of handwritten digits, without convolutions."""
    import keras

    layers = _layers()
    dense = [layers.Dense(512, "relu"), layers.Dense(512, "relu"), layers.Dense(10, "softmax")]
    return _keras(keras.Sequential([layers.Input((784,)), *dense]), 784)


def lstm() -> Any:
    """One layer of LSTM cells over 32 steps."""
    import keras

    layers = _layers()
    return _keras(keras.Sequential([layers.Input((32, 64)), layers.LSTM(128), layers.Dense(10)]), 32, 64)


def cnn() -> Any:
    """A classifier of handwritten digits."""
    import keras

    layers = _layers()
    body = [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
    return _keras(keras.Sequential([layers.Input((28, 28, 1)), *body]), 28, 28, 1)


def _application(name: str) -> Any:
    """A network of `keras.applications`; its batch norms look trained, so that nothing folds to zero."""
    import keras
    import numpy as np

    random = np.random.default_rng(2)
    model = getattr(keras.applications, name)(weights=None)
    for variable in model.variables:
        if "moving_var" in variable.path:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
        elif "moving_mean" in variable.path or "beta" in variable.path:
            variable.assign(random.normal(0, 0.1, variable.shape))
    return _keras(model, 224, 224, 3)


def resnet50() -> Any:
    """ResNet-50."""
    return _application("ResNet50")


def mobilenetv2() -> Any:
    """MobileNetV2."""
    return _application("MobileNetV2")


def bert() -> Any:
    """An encoder of BERT-base's sizes: 12 layers, 768 wide, 12 heads; no position embedding."""
    import keras

    layers = _layers()
    width, heads = 768, 12
    ids = layers.Input((None,), dtype="int32")
    x = layers.LayerNormalization(epsilon=1e-12)(layers.Embedding(30522, width)(ids))
    for _ in range(12):
        attention = layers.MultiHeadAttention(heads, width // heads)(x, x)
        x = layers.LayerNormalization(epsilon=1e-12)(layers.Add()([x, attention]))
        hidden = layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(x))
        x = layers.LayerNormalization(epsilon=1e-12)(layers.Add()([x, hidden]))
    return _keras(keras.Model(ids, x), 128, dtype="int32")


def _rows() -> list[Any]:
    import tensorflow as tf  # noqa: TID251

    return [tf.TensorSpec([None, cases.ROW], tf.float32, "x")]


def gelu() -> Any:
    """Exact gelu."""
    import tensorflow as tf  # noqa: TID251

    return tf.nn.gelu, _rows(), []


def softmax() -> Any:
    """Softmax along rows."""
    import tensorflow as tf  # noqa: TID251

    return tf.nn.softmax, _rows(), []


def layernorm() -> Any:
    """Layer norm along rows, written out."""
    import tensorflow as tf  # noqa: TID251

    scale, offset = (tf.Variable(tf.random.normal([cases.ROW])) for _ in range(2))

    def function(x: Any) -> Any:
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-6) * scale + offset

    return function, _rows(), [scale, offset]


def blackscholes() -> Any:
    """What European call options are worth: spot price, strike and time to expiry."""
    import tensorflow as tf  # noqa: TID251

    rate, volatility = cases.RATE, cases.VOLATILITY

    def normal(z: Any) -> Any:
        return 0.5 * (1 + tf.math.erf(z * 0.7071067811865476))

    def function(s: Any, k: Any, t: Any) -> Any:
        root = volatility * tf.sqrt(t)
        d1 = (tf.math.log(s / k) + (rate + volatility * volatility / 2) * t) / root
        return s * normal(d1) - k * tf.exp(-rate * t) * normal(d1 - root)

    return function, [tf.TensorSpec([None], tf.float32, name) for name in "skt"], []


def matmul() -> Any:
    """The product of two matrices."""
    import tensorflow as tf  # noqa: TID251

    return lambda a, b: tf.matmul(a, b), [tf.TensorSpec([None, None], tf.float32, n) for n in "ab"], []


def chain() -> Any:
    """A long chain of products: what a graph costs for each of its nodes."""
    import tensorflow as tf  # noqa: TID251

    def function(x: Any) -> Any:
        for _ in range(cases.CHAIN_LENGTH):
            x = tf.matmul(x, x)
        return x

    return function, [tf.TensorSpec([4, 4], tf.float32, "x")], []


MODELS: dict[str, Maker] = {
    make.__name__: make
    for make in (
        guide,
        mlp,
        lstm,
        cnn,
        resnet50,
        mobilenetv2,
        bert,
        gelu,
        softmax,
        layernorm,
        blackscholes,
        matmul,
        chain,
    )
}


def spell_out_erfc(file: str) -> None:
    """Write erfc, which TensorFlow's gelu uses and ONNX does not have, as 1 - erf in an ONNX file."""
    import numpy as np
    import onnx

    model = onnx.load(file)
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Erfc":
            inner = node.output[0] + "_erf"
            nodes.append(onnx.helper.make_node("Erf", [node.input[0]], [inner]))
            nodes.append(onnx.helper.make_node("Sub", ["one_for_erfc", inner], list(node.output)))
        else:
            nodes.append(node)
    if len(nodes) == len(model.graph.node):
        return
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1), "one_for_erfc"))
    onnx.save(model, file)


def write(name: str, folder: Path) -> None:
    """Write a model to `folder / name`: a SavedModel, `weights.npz` and, if it can be, `model.onnx`."""
    import keras
    import numpy as np
    import tensorflow as tf  # noqa: TID251

    keras.utils.set_random_seed(1)
    body, specs, variables = MODELS[name]()
    module = tf.Module()
    module.weights = list(variables)
    module.call = tf.function(body, input_signature=specs, autograph=False)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        place = Path(temporary, name)
        tf.saved_model.save(module, str(place), signatures=module.call)
        np.savez(place / "weights.npz", *(variable.numpy() for variable in variables))
        if name != "chain":
            command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(place)]
            command += ["--opset", str(OPSET), "--output", str(place / "model.onnx")]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            if done.returncode:
                (place / "not_converted.txt").write_text(done.stdout[-2000:])
            else:
                spell_out_erfc(str(place / "model.onnx"))
        shutil.move(str(place), folder / name)


def main(folder: str, *names: str) -> None:
    """Write the models that are not there yet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or MODELS:
        if not Path(folder, name).exists():
            print(f"making {name}", file=sys.stderr, flush=True)
            write(name, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
