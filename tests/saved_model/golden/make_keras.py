"""Writes a SavedModel of tf-keras, and what TensorFlow finds in it: `python make_keras.py`.

To be run with an interpreter that has tensorflow-cpu and tf-keras, never by the test suite.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

HERE = Path(__file__).parent
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras as keras  # noqa: E402


def main() -> None:
    """Write the model and what was found."""
    keras.utils.set_random_seed(7)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((3,), name="x"),
            layers.Dense(4, "relu", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5),
            layers.Dense(2, name="last"),
        ]
    )
    model.compile(keras.optimizers.legacy.Adam(0.1), "mse", metrics=["mae"])
    x = np.random.RandomState(0).randn(8, 3).astype(np.float32)
    model.fit(x, x[:, :2], epochs=2, verbose=0)
    directory = HERE / "keras"
    shutil.rmtree(directory, ignore_errors=True)
    model.save(directory)
    for extra in ("fingerprint.pb", "keras_metadata.pb"):
        (directory / extra).unlink(missing_ok=True)
    loaded = tf.saved_model.load(str(directory))
    first = loaded.keras_api.layers[0]
    found = {
        "x": x,
        "call": loaded(x),
        "training": loaded(x, training=False),
        "default": loaded.call_and_return_all_conditional_losses(x)[0],
        "signature": loaded.signatures["serving_default"](x=tf.constant(x))["last"],
        "wrapped": loaded._default_save_signature(x)["last"],
        "first": first.call_and_return_all_conditional_losses(x)[0],
        "kernel": first.kernel,
        "slot": model.optimizer.get_slot(model.layers[0].kernel, "m"),
    }
    arrays = {name: np.asarray(value) for name, value in found.items()}
    for which in ("variables", "trainable_variables"):
        arrays[which] = np.array([v.name for v in getattr(loaded, which)])
    np.savez_compressed(HERE / "keras.npz", **arrays)


if __name__ == "__main__":
    main()
