"""Trains Sonnet's modules, and saves them. Says ``import tensorflow`` like any program that uses Sonnet.

    python sonnet_training.py OUT            on TensorFlow
    python sonnet_training.py OUT --calque   on calque, which stands in for it

OUT gets numbers.npz, what training gave, and the SavedModel model/. Weights start from a formula: the two draw
different random numbers.
"""

from __future__ import annotations

import sys
from typing import Any

if "--calque" in sys.argv:
    import calque

    calque.experimental.stand_in_for_tensorflow()

import numpy as np
import sonnet as snt
import tensorflow as tf

from interop.sonnet_inputs import INPUTS, LABELS, wave

STEPS = 10


class Sequences(snt.Module):
    """Embeds symbols, reads them with an LSTM, and classifies the sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = snt.Embed(vocab_size=11, embed_dim=5)
        self.core = snt.LSTM(6)
        self.norm = snt.BatchNorm(create_scale=True, create_offset=True)
        self.head = snt.nets.MLP([8, 3], activation=tf.nn.tanh)

    def __call__(self, symbols: Any, is_training: bool) -> Any:
        embedded = tf.transpose(self.embed(symbols), [1, 0, 2])
        state = self.core.initial_state(batch_size=tf.shape(symbols)[0])
        outputs, _ = snt.dynamic_unroll(self.core, embedded, state)
        return self.head(self.norm(outputs[-1], is_training=is_training))


class Images(snt.Module):
    """Convolutions, layer normalization, dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.body = snt.Sequential(
            [
                snt.Conv2D(4, 3, stride=2),
                snt.LayerNorm(axis=-1, create_scale=True, create_offset=True),
                tf.nn.relu,
                snt.Flatten(),
                snt.Linear(7),
                tf.nn.relu,
                snt.Linear(3),
            ]
        )

    def __call__(self, images: Any, is_training: bool) -> Any:
        return self.body(images)


OPTIMIZERS = {
    "sgd": lambda: snt.optimizers.SGD(0.05),
    "momentum": lambda: snt.optimizers.Momentum(0.02, 0.9, use_nesterov=True),
    "adam": lambda: snt.optimizers.Adam(0.01),
    "rmsprop": lambda: snt.optimizers.RMSProp(0.005, centered=True),
}
MODELS = {"images": Images, "sequences": Sequences}


def train(model: Any, optimizer: Any, inputs: Any) -> list[float]:
    """The losses of ten steps, the last half of them in a function."""

    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(x, is_training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=LABELS, logits=logits)
            )
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    in_graph = tf.function(step)
    return [float((in_graph if i >= STEPS // 2 else step)(tf.constant(inputs))) for i in range(STEPS)]


def predictor(model: Any, inputs: Any) -> Any:
    """A function of the model's answers for any number of such inputs."""

    @tf.function(input_signature=[tf.TensorSpec([None, *inputs.shape[1:]], inputs.dtype)])
    def predict(x: Any) -> Any:
        return model(x, is_training=False)

    return predict


def main(out: str) -> None:
    """Train every model with every optimizer; save them all as one."""
    numbers: dict[str, Any] = {}
    saved = tf.Module()
    for kind, inputs in INPUTS.items():
        for name, optimizer in OPTIMIZERS.items():
            model = MODELS[kind]()
            model(tf.constant(inputs), is_training=True)
            for variable in model.variables:  # moving averages have seen the random weights
                start = wave(variable.shape) if variable.trainable else np.zeros(variable.shape)
                variable.assign(start.astype(variable.dtype.as_numpy_dtype))
            where = f"{kind}_{name}"
            numbers[f"{where}/losses"] = train(model, optimizer(), inputs)
            for number, variable in enumerate(model.variables):
                numbers[f"{where}/{number}"] = variable.numpy()
            model.predict = predictor(model, inputs)
            numbers[f"{where}/answers"] = model.predict(tf.constant(inputs)).numpy()
            setattr(saved, where, model)
    tf.saved_model.save(saved, f"{out}/model")
    np.savez(f"{out}/numbers.npz", **numbers)


if __name__ == "__main__":
    main(sys.argv[1])
