"""Recurrent layers as tf-keras has them: weights, config, results, gradients."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calque
import calque_runtime
from interop.keras_layers import assert_same, record
from interop.keras_recurrent import CASES
from interop.tf_process import TensorFlow

TESTS = Path(__file__).parents[1]


def work(tests, names):  # type: ignore[no-untyped-def]
    """In TensorFlow: what all cases give."""
    import sys

    sys.path.insert(0, tests)
    from interop import keras_recurrent

    return keras_recurrent.record_all(names)


@pytest.fixture(scope="module")
def expected(tf: TensorFlow) -> Any:
    return tf.script(work, tests=str(TESTS), names=list(CASES), timeout=600)


@pytest.mark.parametrize("name", CASES)
def test_layer(expected: Any, name: str) -> None:
    want = expected[name]
    assert isinstance(want, dict), want
    assert_same(record(calque, calque.keras, name, CASES[name]), want, CASES[name])


def answers(paths):  # type: ignore[no-untyped-def]
    """In TensorFlow: what saved models say, as SavedModels and, where Keras saved them, as Keras models."""
    import numpy as np
    import tensorflow as tf
    import tf_keras

    found = {}
    for path in paths:
        given = np.load(path + ".npy", allow_pickle=True)
        signature = tf.saved_model.load(path).signatures["serving_default"]
        (name,) = signature.structured_input_signature[1]
        (answer,) = signature(**{name: tf.constant(given)}).values()
        found[path] = [answer.numpy()]
        if "keras" in path:
            found[path].append(tf_keras.models.load_model(path)(tf.constant(given)).numpy())
    return found


def test_saved_models_say_the_same_in_tensorflow(tf: TensorFlow, tmp_path: Path) -> None:
    keras = calque.keras
    layers = keras.layers
    numbers = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    texts = np.array([["the fox jumps"], ["zebra dog"]], object)
    words = layers.TextVectorization(output_sequence_length=6)
    words.adapt(["the quick brown fox", "jumps over the lazy dog"])
    x, text = keras.Input((5, 4)), keras.Input((1,), dtype="string")
    sequences = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(layers.Masking()(x))
    embedded = layers.Embedding(20, 3, mask_zero=True)(words(text))
    models = {
        "bidirectional": (keras.Model(x, layers.Dense(2)(sequences)), numbers),
        "text": (keras.Model(text, layers.Dense(2)(layers.GRU(4)(embedded))), texts),
        "stack": (
            keras.Sequential([keras.Input((5, 4)), layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])]),
            numbers,
        ),
    }
    want = {}
    for name, (model, given) in models.items():
        module = calque.Module()
        module.model = model
        spec = calque.TensorSpec([None, *given.shape[1:]], model.inputs[0].dtype)
        module.run = calque.function(partial(model, training=False), input_signature=[spec])
        function, whole = str(tmp_path / f"{name}-function"), str(tmp_path / f"{name}-keras")
        calque.saved_model.save(module, function, signatures=module.run)
        model.save(whole, save_format="tf")
        for path in (function, whole):
            np.save(path + ".npy", given, allow_pickle=True)
            want[path] = np.asarray(model(calque.constant(given)))
            (here,) = calque_runtime.load(path).signatures["serving_default"](given).values()
            np.testing.assert_allclose(here, want[path], rtol=1e-5, atol=1e-6)
    found = tf.script(answers, paths=list(want), timeout=300)
    for path, expected in want.items():
        for answer in found[path]:
            np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-6, err_msg=path)
