"""A process from nothing to a model's first answer: calque, ONNX Runtime, OpenVINO, JAX and TensorFlow in turns.

    .venv/bin/python benchmarks/cold_start.py                  a small perceptron, every library that can be had
    .venv/bin/python benchmarks/cold_start.py --rounds 30      more rounds (default 11)

Each round starts a fresh interpreter, which imports the library, loads the model, runs it once and ends. The first
column is the clock, the second CPU time, which other work on the machine disturbs less. Compiled bytecode is cached for
all of them, files are in the page cache. The libraries' answers are compared with each other.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import peers

LAYERS, WIDTH = 4, 64

MAKE = """
import sys, numpy as np, calque as tf
layers, width, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random = np.random.default_rng(0)
kernels = [random.normal(0, 0.1, [width, width]).astype(np.float32) for _ in range(layers)]
np.savez(folder + "/weights.npz", *kernels)
model = tf.Module()
model.kernels = [tf.Variable(k) for k in kernels]
@tf.function(input_signature=[tf.TensorSpec([None, width], tf.float32)])
def call(x):
    for kernel in model.kernels:
        x = tf.nn.relu(tf.matmul(x, kernel))
    return x
model.call = call
tf.saved_model.save(model, folder + "/model")
"""

MAKE_ONNX = """
import sys, numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper
width, folder = int(sys.argv[2]), sys.argv[3]
weights, nodes, value = [], [], "x"
for name, kernel in np.load(folder + "/weights.npz").items():
    weights.append(numpy_helper.from_array(kernel, name))
    nodes.append(helper.make_node("MatMul", [value, name], [name + "_product"]))
    nodes.append(helper.make_node("Relu", [name + "_product"], [name + "_out"]))
    value = name + "_out"
shapes = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, width]) for n in ("x", value)]
graph = helper.make_graph(nodes, "model", shapes[:1], shapes[1:], weights)
opset = [helper.make_opsetid("", 17)]
onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder + "/model.onnx")
"""

# What each process runs: `folder` and `x` are given, `y` is the answer.
PROGRAMS = {
    "calque": """
import calque_runtime
y = calque_runtime.load(folder + "/model").call(x)
""",
    "ONNX Runtime": """
import onnxruntime
y = onnxruntime.InferenceSession(folder + "/model.onnx").run(None, {"x": x})[0]
""",
    "OpenVINO": """
import openvino
y = openvino.compile_model(folder + "/model.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]
""",
    "JAX, from weights": """
import jax, jax.numpy as jnp
def call(x, weights):
    for kernel in weights:
        x = jax.nn.relu(jnp.matmul(x, kernel))
    return x
y = jax.jit(call)(x, list(np.load(folder + "/weights.npz").values()))
""",
    "TensorFlow": """
import tensorflow as tf
model = tf.saved_model.load(folder + "/model")
y = model.call(x).numpy()
""",
    "import numpy": "y = None",
    "import numpy, google.protobuf": """
import google.protobuf.descriptor_pool, google.protobuf.message_factory
y = None
""",
}
START = "import sys, numpy as np\nfolder, x = sys.argv[1], np.ones([2, int(sys.argv[2])], np.float32)\n"
END = "\nprint('' if y is None else float(np.abs(y).sum()))"


def interpreters() -> dict[str, str]:
    """The interpreter of each library whose environment can be made."""
    found = dict.fromkeys(("calque", "import numpy", "import numpy, google.protobuf"), sys.executable)
    packages = {"ONNX Runtime": "onnxruntime", "OpenVINO": "openvino", "JAX, from weights": "jax"}
    python = peers.environment("peers")
    if python:
        found.update(dict.fromkeys(packages, python))
        print(peers.versions(python, [*packages.values(), "numpy"]))
    oracle = peers.environment("oracle")
    if oracle:
        found["TensorFlow"] = oracle
        print(peers.versions(oracle, ["tensorflow-cpu", "numpy"]))
    return {name: found[name] for name in PROGRAMS if name in found}


def run(python: str, name: str, folder: str, width: int) -> tuple[float, float, str]:
    """One process: seconds by the clock, seconds of CPU, and what it printed."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {**peers.QUIET, "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [python, "-c", START + PROGRAMS[name] + END, folder, str(width)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
    )
    assert process.stdout is not None
    text = process.stdout.read().decode().strip()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the process of {name} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, text


def measure(
    pythons: dict[str, str], folder: str, rounds: int, layers: int = LAYERS, width: int = WIDTH
) -> dict[str, list[tuple[float, float]]]:
    """Seconds by the clock and of CPU, by library, for a perceptron that is written to `folder`.

    Raises:
        RuntimeError: the libraries' answers differ.
    """
    sizes = [str(layers), str(width), folder]
    subprocess.run([sys.executable, "-c", MAKE, *sizes], check=True)
    if "ONNX Runtime" in pythons:
        subprocess.run([pythons["ONNX Runtime"], "-c", MAKE_ONNX, *sizes], check=True)
    answers = {name: run(python, name, folder, width)[2] for name, python in pythons.items()}  # fills caches
    said = {name: float(text) for name, text in answers.items() if text}
    if any(abs(value - said["calque"]) > 1e-3 * said["calque"] for value in said.values()):
        raise RuntimeError(f"the answers differ: {said}")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in pythons}
    for number in range(rounds):
        names = list(pythons)
        for name in names if number % 2 == 0 else reversed(names):
            peers.progress(f"cold start [{number + 1}/{rounds}] {name}")
            times[name].append(run(pythons[name], name, folder, width)[:2])
    peers.progress("")
    return times


def rows(times: dict[str, list[tuple[float, float]]]) -> Iterator[list[str]]:
    """The table's rows."""
    least = {name: [min(column) for column in zip(*each, strict=True)] for name, each in times.items()}
    for name, each in times.items():
        cells = []
        for i, column in enumerate(zip(*each, strict=True)):
            cells += [
                f"{min(column) * 1e3:.0f} ({statistics.median(column) * 1e3:.0f})",
                f"{least[name][i] / least['calque'][i]:.2f}",
            ]
        yield [name, *cells]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    packages = [f"{p} {version(p)}" for p in ("calque", "numpy", "protobuf")]
    print(f"{', '.join(packages)}, Python {platform.python_version()}")
    pythons = interpreters()
    print(peers.machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        times = measure(pythons, folder, given.rounds)
        size = sum(file.stat().st_size for file in Path(folder, "model").rglob("*") if file.is_file())
    print(f"a perceptron of {LAYERS} layers of {WIDTH} ({size / 1e3:.0f} kB); ms, least (median)")
    head = ["", "clock", "/ calque", "CPU", "/ calque"]
    print("\n".join(peers.aligned([head, *rows(times)])))


if __name__ == "__main__":
    main()
