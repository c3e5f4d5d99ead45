"""The whole idea on one page: trace a model, save it, load it where its class does not exist, run it, look inside.

    make demo

The model classifies irises (150 flowers measured in 1936): one hidden layer with fixed random weights, and an output
layer fitted by least squares.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import calque as tf

HERE = Path(__file__).resolve().parent
SPECIES = ["setosa", "versicolor", "virginica"]


class Dense(tf.Module):
    """A layer that makes its variables when it first sees an input."""

    def __init__(self, units, activation=None, name=None):
        super().__init__(name=name)
        self.units, self.activation = units, activation
        self.built = False

    def __call__(self, x):
        if not self.built:
            self.w = tf.Variable(tf.random.normal([x.shape[-1], self.units]), name="w")
            self.b = tf.Variable(tf.random.normal([self.units]), name="b")
            self.built = True
        y = tf.matmul(x, self.w) + self.b
        return y if self.activation is None else self.activation(y)


class Classifier(tf.Module):
    """Two layers, and the mean and scale of the flowers they were fitted to."""

    def __init__(self, flowers):
        super().__init__()
        self.mean = tf.Variable(flowers.mean(0), trainable=False)
        self.scale = tf.Variable(flowers.std(0), trainable=False)
        self.hidden = Dense(64, tf.nn.relu)
        self.output = Dense(len(SPECIES))
        self.asked = tf.Variable(0, trainable=False, name="flowers_asked_about")

    def features(self, x):
        return self.hidden((x - self.mean) / self.scale)

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="flowers")])
    def __call__(self, x):
        self.asked.assign_add(tf.shape(x)[0])
        scores = tf.nn.softmax(self.output(self.features(x)))
        return {"species": tf.argmax(scores, axis=-1), "probability": tf.reduce_max(scores, axis=-1)}

    def fit(self, x, labels):
        """Least squares for the output layer."""
        inputs = np.c_[self.features(tf.constant(x)).numpy(), np.ones(len(x), np.float32)]
        best = np.linalg.lstsq(inputs, 8 * np.eye(3, dtype=np.float32)[labels], rcond=1e-3)[0].astype(
            np.float32
        )
        self.output(tf.zeros([1, 64]))  # makes its variables
        self.output.w.assign(best[:-1])
        self.output.b.assign(best[-1])


# What runs in the other process: the runtime alone is importable there, no tracer, no class, no TensorFlow.
ELSEWHERE = """
import sys, time
sys.path[:0] = [sys.argv[1]]
start = time.perf_counter()
import numpy as np
import calque_runtime
for name in ("calque", "tensorflow"):
    try:
        __import__(name)
        raise SystemExit(f"{name} can be imported here: this proves nothing")
    except ImportError:
        pass
model = calque_runtime.load(sys.argv[2])
data = np.loadtxt(sys.argv[3], delimiter=",", dtype=np.float32)
flowers, labels = data[:, :4], data[:, 4].astype(int)
answer = model.signatures["serving_default"](flowers=flowers)
right = (answer["species"] == labels).mean()
print(f"  imported, loaded and called in {time.perf_counter() - start:.2f} s; calque and tensorflow are not there")
print(f"  {type(model).__name__} with {', '.join(k for k in vars(model) if not k.startswith('_'))}")
print(f"  {right:.1%} of {len(labels)} flowers right")
print(f"  model.hidden.w is {model.hidden.w.numpy().shape}, model.asked is {model.asked.numpy()}")
np.save(sys.argv[4], answer["species"])
"""


def step(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def main():
    start = time.perf_counter()
    data = np.loadtxt(HERE / "iris.csv", delimiter=",", dtype=np.float32)
    flowers, labels = data[:, :4], data[:, 4].astype(int)
    tf.random.set_seed(1)
    folder = Path(tempfile.mkdtemp())
    try:
        step("1. Trace: the Python method becomes a graph, once for its signature")
        model = Classifier(flowers)
        model.fit(flowers, labels)
        answer = model(flowers)
        print(
            f"  {model.__call__.pretty_printed_concrete_signatures().replace(os.linesep, os.linesep + '  ')}"
        )
        print(f"  {(answer['species'].numpy() == labels).mean():.1%} of {len(labels)} flowers right")

        step("2. Save: TensorFlow's own format")
        tf.saved_model.save(model, folder / "iris")
        for path in sorted((folder / "iris").rglob("*")):
            if path.is_file():
                print(f"  {path.relative_to(folder)}  {path.stat().st_size:,} bytes")

        step(
            "3. Load and run, in a process where neither the class nor calque's tracer nor TensorFlow exists"
        )
        runtime = isolated_runtime(folder)
        script = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            ELSEWHERE,
            str(runtime),
            str(folder / "iris"),
            str(HERE / "iris.csv"),
        ]
        subprocess.run([*script, str(folder / "answer.npy")], check=True)
        same = np.array_equal(np.load(folder / "answer.npy"), answer["species"].numpy())
        print(f"  the same answers as here: {same}")

        step("4. Look inside: calque show")
        subprocess.run([sys.executable, "-m", "calque_tools.cli", "show", str(folder / "iris")], check=True)

        step("5. The graph that ran")
        print(model.__call__.get_concrete_function().function)
        print(f"\nAll of it in {time.perf_counter() - start:.1f} s.")
        if not same:
            raise SystemExit("the loaded model answered differently")
    finally:
        shutil.rmtree(folder)


def isolated_runtime(folder):
    """A folder with the runtime and what it needs (numpy, protobuf, ...), and nothing else of calque."""
    import calque_runtime

    path = folder / "path"
    path.mkdir()
    site = Path(np.__file__).parent.parent
    for entry in site.iterdir():
        ours = entry.name.lower().startswith(("calque", "_calque", "tensorflow", "__pycache__"))
        if entry.suffix != ".pth" and not ours:
            (path / entry.name).symlink_to(entry)
    (path / "calque_runtime").symlink_to(Path(calque_runtime.__file__).parent)
    return path


if __name__ == "__main__":
    main()
