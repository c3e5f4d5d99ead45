"""Training: a small network learns handwritten digits, is saved, and learns on where none of its classes exist.

    make examples

1797 digits of 8 by 8 pixels; the last fifth is kept for the test.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import calque as tf

HERE = Path(__file__).resolve().parent
BATCH = 64


def digits():
    """((images, labels) to learn from, (images, labels) to test with); images are float32 of shape [n, 8, 8, 1]."""
    with np.load(HERE / "digits.npz") as file:
        images = file["images"].astype(np.float32)[..., None] / 16
        labels = file["labels"].astype(np.int32)
    known = len(images) * 4 // 5
    return (images[:known], labels[:known]), (images[known:], labels[known:])


class Network(tf.Module):
    """A convolution and two dense layers."""

    def __init__(self, hidden=48):
        super().__init__()
        random = tf.random.normal
        self.filters = tf.Variable(random([3, 3, 1, 8], stddev=0.3), name="filters")
        self.w1 = tf.Variable(random([4 * 4 * 8, hidden], stddev=0.12), name="w1")
        self.b1 = tf.Variable(tf.zeros([hidden]), name="b1")
        self.w2 = tf.Variable(random([hidden, 10], stddev=0.2), name="w2")
        self.b2 = tf.Variable(tf.zeros([10]), name="b2")

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 1], tf.float32, name="images")])
    def __call__(self, images):
        x = tf.nn.relu(tf.nn.conv2d(images, self.filters, strides=1, padding="SAME"))
        x = tf.reshape(tf.nn.max_pool2d(x, 2, 2, "VALID"), [-1, 4 * 4 * 8])
        return tf.matmul(tf.nn.relu(tf.matmul(x, self.w1) + self.b1), self.w2) + self.b2

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 1], tf.float32, name="images")])
    def classify(self, images):
        logits = self(images)
        return {
            "digit": tf.argmax(logits, axis=-1),
            "probability": tf.reduce_max(tf.nn.softmax(logits), axis=-1),
        }


def train(model, images, labels, epochs, learning_rate=0.004):
    """Train anything that can be called with images and has trainable variables; gives the mean loss of each epoch."""
    optimizer = tf.optimizers.Adam(learning_rate)
    variables = model.trainable_variables

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=model(x))
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    order = np.random.default_rng(0)
    means = []
    for _ in range(epochs):
        mixed = order.permutation(len(images))
        batches = [mixed[i : i + BATCH] for i in range(0, len(mixed), BATCH)]
        means.append(float(np.mean([step(images[b], labels[b]).numpy() for b in batches])))
    return means


def accuracy(model, images, labels):
    """The share of images that get their label."""
    return float(np.mean(model.classify(images)["digit"].numpy() == labels))


def learn_on(path):
    """What happens in the other process: `Network` is not known there."""
    (images, labels), test = digits()
    model = tf.saved_model.load(path)
    print(f"  loaded, without its class: {accuracy(model, *test):.1%} of the test digits right")
    losses = train(model, images, labels, epochs=6, learning_rate=0.002)
    print(f"  6 more epochs on the loaded model: loss {losses[0]:.3f} to {losses[-1]:.3f}")
    print(f"  now {accuracy(model, *test):.1%} right")
    tf.saved_model.save(model, path)


def main():
    """Train, save, go on elsewhere, come back."""
    start = time.perf_counter()
    tf.random.set_seed(7)
    (images, labels), test = digits()
    model = Network()
    print(f"{len(images)} digits to learn from, {len(test[0])} to test with")
    losses = train(model, images, labels, epochs=6)
    print(
        f"6 epochs: loss {losses[0]:.3f} to {losses[-1]:.3f}, {accuracy(model, *test):.1%} of the test digits right"
    )
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/digits"
        tf.saved_model.save(model, path, signatures=model.classify)
        print("saved; in another process:", flush=True)
        program = "import sys, digits; del digits.Network; digits.learn_on(sys.argv[1])"
        subprocess.run([sys.executable, "-c", program, path], check=True, cwd=HERE)
        again = tf.saved_model.load(path)
        answer = again.signatures["serving_default"](images=test[0][:1])
        print(
            f"loaded again here: {accuracy(again, *test):.1%} right; the first test digit is a "
            f"{answer['digit'].numpy()[0]} (probability {answer['probability'].numpy()[0]:.2f}), labeled {test[1][0]}"
        )
    print(f"{time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
