"""What tracing, saving and loading cost for each op, and eager ops beside numpy: calque and TensorFlow in turns.

    .venv/bin/python benchmarks/tracing.py            all of it, some ten minutes, nearly all of them TensorFlow's
    .venv/bin/python benchmarks/tracing.py --quick    small sizes, a minute
    .venv/bin/python benchmarks/tracing.py --alone    without TensorFlow

Every case is one piece of code that both libraries run, for calque's API is TensorFlow's. `--cpu` takes the process's
CPU time instead of the clock's, for a machine that others use.
"""

from __future__ import annotations

import argparse
import gc
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import peers

clock = time.perf_counter
SHAPE = [4, 4]


class Traced:
    """The cases, for a module that has TensorFlow's API.

    Args:
        tf: the module.
        load: what loads a saved model again.
    """

    def __init__(self, tf: Any, load: Callable[[str], Any]) -> None:
        self.tf = tf
        self.load = load
        self.spec = tf.TensorSpec(SHAPE, tf.float32)
        self.bodies: dict[str, Callable[[Any], Any]] = {
            "x + x": lambda x: x + x,
            "x + 1.0": lambda x: x + 1.0,
            "tf.matmul(x, x)": lambda x: tf.matmul(x, x),
            "tf.nn.relu(x)": lambda x: tf.nn.relu(x),
            "tf.reshape(x, [4, 4])": lambda x: tf.reshape(x, [4, 4]),
            "x[0:4]": lambda x: x[0:4],
        }

    def _chain(self, body: str, n: int) -> Callable[[Any], Any]:
        step = self.bodies[body]

        def chain(x: Any) -> Any:
            for _ in range(n):
                x = step(x)
            return x

        return chain

    def trace(self, body: str, n: int) -> dict[str, float]:
        """Seconds for each call of `body` in a function of `n` of them, one behind the other."""
        function = self.tf.function(self._chain(body, n), autograph=False)
        started = _start()
        function.get_concrete_function(self.spec)
        return {f"trace {n:,} x {body}": (clock() - started) / n}

    def chain(self, n: int) -> dict[str, float]:
        """Seconds to trace, save, load and first call a chain of `n` products.

        Not of sums: TensorFlow's graph optimizer takes memory without end on a chain of x + x.
        """
        tf = self.tf
        module = tf.Module()
        module.weight = tf.Variable(tf.ones(SHAPE))
        module.run = tf.function(
            self._chain("tf.matmul(x, x)", n), input_signature=[self.spec], autograph=False
        )
        return self._through_a_file(f"chain of {n:,}: ", module, tf.zeros(SHAPE))

    def variables(self, n: int) -> dict[str, float]:
        """Seconds to trace, save, load and first call a sum of `n` variables."""
        tf = self.tf
        module = tf.Module()
        module.weights = [tf.Variable(tf.ones(SHAPE), name=f"weight_{i}") for i in range(n)]

        def total(x: Any) -> Any:
            for weight in module.weights:
                x = x + weight
            return x

        module.run = tf.function(total, input_signature=[self.spec], autograph=False)
        return self._through_a_file(f"{n:,} variables: ", module, tf.zeros(SHAPE))

    def _through_a_file(self, what: str, module: Any, x: Any) -> dict[str, float]:
        folder = tempfile.mkdtemp()
        times = [_start()]
        try:
            module.run.get_concrete_function()
            times.append(clock())
            self.tf.saved_model.save(module, folder)
            times.append(clock())
            loaded = self.load(folder)
            times.append(clock())
            loaded.run(x.numpy())
            times.append(clock())
        finally:
            shutil.rmtree(folder)
        steps = zip(("trace", "save", "load", "first call"), times[:-1], times[1:], strict=True)
        out = {what + step: end - start for step, start, end in steps}
        return {**out, what + "trace, save and load": times[3] - times[0]}

    def eager(self, body: str, n: int) -> dict[str, float]:
        """Seconds for each call of `body` on a small eager tensor."""
        return _eager(body, self.bodies[body], self.tf.ones(SHAPE), n)


class Numpy:
    """The eager cases in numpy itself."""

    def __init__(self) -> None:
        import numpy as np

        self.ones = np.ones(SHAPE, np.float32)
        one = np.float32(1)
        self.bodies: dict[str, Callable[[Any], Any]] = {
            "x + x": lambda x: x + x,
            "x + 1.0": lambda x: x + one,
            "tf.matmul(x, x)": lambda x: x @ x,
            "tf.nn.relu(x)": lambda x: np.maximum(x, 0),
            "tf.reshape(x, [4, 4])": lambda x: x.reshape([4, 4]),
            "x[0:4]": lambda x: x[0:4],
        }

    def eager(self, body: str, n: int) -> dict[str, float]:
        """As `Traced.eager`."""
        return _eager(body, self.bodies[body], self.ones, n)


def _eager(body: str, step: Callable[[Any], Any], x: Any, n: int) -> dict[str, float]:
    step(x)
    started = _start()
    for _ in range(n):
        step(x)
    return {f"eager {body}": (clock() - started) / n}


def _start() -> float:
    gc.collect()
    return clock()


def work(library: str) -> None:
    """Be the worker for `library`."""
    cases: Any
    if library == "calque":
        import calque
        import calque_runtime

        cases = Traced(calque, calque_runtime.load)
    elif library == "numpy":
        cases = Numpy()
    else:
        import tensorflow as tf  # noqa: TID251

        cases = Traced(tf, tf.saved_model.load)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        case = getattr(cases, request.pop("case"), None)
        return {} if case is None else case(**request)

    peers.serve(answer)


def requests(quick: bool) -> list[tuple[dict[str, Any], int]]:
    """What is asked, and in how many rounds."""
    sizes = {1000: 5} if quick else {1000: 7, 10_000: 3, 50_000: 3}
    out: list[tuple[dict[str, Any], int]] = []
    out += [({"case": "trace", "body": "x + x", "n": n}, rounds) for n, rounds in sizes.items()]
    bodies = ["x + 1.0", "tf.matmul(x, x)", "tf.nn.relu(x)", "tf.reshape(x, [4, 4])", "x[0:4]"]
    out += [({"case": "trace", "body": body, "n": 1000}, 5) for body in bodies]
    out.append(({"case": "chain", "n": 1000 if quick else 10_000}, 3))
    out.append(({"case": "variables", "n": 200 if quick else 2000}, 3))
    out += [({"case": "eager", "body": body, "n": 5000}, 9) for body in ["x + x", *bodies]]
    return out


def main() -> None:
    """Run the benchmark, or one side of it."""
    global clock
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--alone", action="store_true", help="without TensorFlow")
    parser.add_argument("--cpu", action="store_true", help="CPU time instead of the clock")
    parser.add_argument("--worker", metavar="LIBRARY", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cpu:
        clock = time.process_time
    if given.worker:
        work(given.worker)
        return
    oracle = None if given.alone else peers.environment("oracle")
    pythons = {"calque": sys.executable, "TensorFlow": oracle, "numpy": sys.executable}
    flags = ["--cpu"] if given.cpu else []
    workers = [peers.Worker(name, python, __file__, flags) for name, python in pythons.items() if python]
    print(f"calque {version('calque')}, numpy {version('numpy')}, Python {platform.python_version()}")
    if oracle:
        print(peers.versions(oracle, ["tensorflow-cpu", "numpy"]))
    print(peers.machine(), flush=True)
    results = peers.in_turns(workers, requests(given.quick))
    table = peers.Table([worker.name for worker in workers])
    for name, times in results.items():
        each = name.startswith(("trace", "eager"))
        table.add(name, "us each" if each else "ms", 1e6 if each else 1e3, times)
    print(table)
    for worker in workers:
        worker.close()


if __name__ == "__main__":
    main()
