"""What an epoch of Keras's `fit` costs: calque and tf-keras in turns, on handwritten digits.

    .venv/bin/python benchmarks/training.py            a minute
    .venv/bin/python benchmarks/training.py --alone    without TensorFlow

The data are scikit-learn's 1,797 digits of 8 x 8 pixels (`examples/digits.npz`). Every case is one piece of code that
both libraries run. An epoch's time is from `on_epoch_begin` to `on_epoch_end`, of epochs after the first two, in which
functions are traced and compiled; "a fit of one epoch" is the whole call.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peers

DIGITS = Path(__file__).resolve().parent.parent / "examples" / "digits.npz"
EPOCHS = 5  # of each round
CASES = ("perceptron, Adam", "perceptron, SGD", "perceptron, batches of 128", "convolutions, Adam")


class Cases:
    """The models, for a module that has Keras's API."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        with np.load(DIGITS) as found:
            self.images = found["images"].astype("float32") / 16
            self.labels = found["labels"].astype("int64")
        self._ready: dict[str, Callable[..., Any]] = {}

    def _model(self, name: str) -> Any:
        layers = self.keras.layers
        if name.startswith("convolutions"):
            return self.keras.Sequential(
                [
                    layers.Conv2D(16, 3, activation="relu", input_shape=(8, 8, 1)),
                    layers.MaxPooling2D(2),
                    layers.Flatten(),
                    layers.Dense(10, activation="softmax"),
                ]
            )
        return self.keras.Sequential(
            [
                layers.Dense(128, activation="relu", input_shape=(64,)),
                layers.Dense(64, activation="relu"),
                layers.Dense(10, activation="softmax"),
            ]
        )

    def fit(self, name: str) -> Callable[..., Any]:
        """The model's `fit` on its data, two epochs of which are done."""
        if name not in self._ready:
            model = self._model(name)
            optimizer = "sgd" if "SGD" in name else "adam"
            model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
            shape = (-1, 8, 8, 1) if name.startswith("convolutions") else (-1, 64)
            settings = {"batch_size": 128 if "128" in name else 32, "verbose": 0}
            x = self.images.reshape(shape)

            def fit(**more: Any) -> Any:
                return model.fit(x, self.labels, **settings, **more)

            fit(epochs=2)
            self._ready[name] = fit
        return self._ready[name]

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What a round of a case took, in seconds."""
        fit = self.fit(request["case"])
        times: list[float] = []

        class Watch(self.keras.callbacks.Callback):  # type: ignore[misc,name-defined]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.began = time.perf_counter()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                times.append(time.perf_counter() - self.began)

        fit(epochs=EPOCHS, callbacks=[Watch()])
        began = time.perf_counter()
        fit(epochs=1)
        whole = time.perf_counter() - began
        return {f"{request['case']}: an epoch": min(times), f"{request['case']}: a fit of one epoch": whole}


def keras_of(name: str) -> Any:
    """The Keras of a library, in its process."""
    if name == "calque":
        import calque

        return calque.keras
    import tf_keras

    return tf_keras


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--alone", action="store_true", help="without TensorFlow")
    parser.add_argument("--rounds", type=int, default=7, help="of each case")
    parser.add_argument("--only", action="append", choices=CASES, help="a case; may be repeated")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        peers.serve(Cases(keras_of(given.worker)).answer)
        return
    pythons = {"calque": sys.executable}
    theirs = None if given.alone else peers.environment("oracle")
    if theirs:
        pythons["tf-keras"] = theirs
    others = peers.Others()
    workers = [peers.Worker(name, python, __file__) for name, python in pythons.items()]
    requests = [({"case": case}, given.rounds) for case in given.only or CASES]
    results = peers.in_turns(workers, requests)
    for worker in workers:
        worker.close()
    print(f"{peers.machine()}; other work took {others.cores() or 0.0:.2f} cores")
    print("milliseconds: the least of the rounds, in parentheses their median\n")
    for what, times in results.items():
        shown = [f"{name} {peers.spread(each, 1e3)}" for name, each in times.items()]
        if len(times) == 2:
            ours, rival = times.values()
            least, middle = min(rival) / min(ours), statistics.median(rival) / statistics.median(ours)
            shown.append(f"{least:.1f} x ({middle:.1f} x)")
        print(f"{what:45}  {'   '.join(shown)}")


if __name__ == "__main__":
    main()
