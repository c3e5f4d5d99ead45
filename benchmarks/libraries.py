"""The libraries that the suite asks, each in a process of its own: how each opens a model and calls it.

Arguments are handed over in the form that the library prefers, made beforehand: tensors to TensorFlow, device arrays to
JAX, numpy arrays to the others. A call ends when its results can be read.
"""

from __future__ import annotations

import gc
import math
import os
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cases
import numpy as np
import peers

__all__ = ["LIBRARIES", "Library", "work"]

Call = Callable[[], list[Any]]
SIGNATURE = "serving_default"
PARTS = 16  # variables of the large model


class Library:
    """What a library can do.

    Each method raises NotImplementedError, with the reason, for what it cannot."""

    def open(self, folder: str, name: str, inputs: dict[str, Any]) -> Call:
        """What calls the model in `folder` with `inputs`."""
        raise NotImplementedError("there is nothing to open")

    def load(self, folder: str) -> Call:
        """What calls the signature of the SavedModel in `folder` with a matrix of 4 x 4 ones."""
        raise NotImplementedError("reads no SavedModel")

    def save_large(self, arrays: list[Any], folder: str) -> None:
        """Write the arrays as a model's variables."""
        raise NotImplementedError("writes no SavedModel")

    def open_large(self, folder: str) -> None:
        """Open what `save_large` wrote."""
        raise NotImplementedError("reads no SavedModel")


class Calque(Library):
    """calque_runtime, through a model's signature."""

    def open(self, folder: str, name: str, inputs: dict[str, Any]) -> Call:
        import calque_runtime

        signature = calque_runtime.load(folder).signatures[SIGNATURE]
        return lambda: list(signature(**inputs).values())

    def load(self, folder: str) -> Call:
        return self.open(folder, "", {"x": np.ones([4, 4], np.float32)})

    def reference(self, folder: str, inputs: dict[str, Any]) -> list[Any]:
        """The results of the slow executor."""
        import calque_runtime
        from calque_runtime import reference

        signature = calque_runtime.load(folder).signatures[SIGNATURE]
        made = signature.concrete
        given = [inputs[name] for name in signature.argument_keywords]
        return reference.run(made.function, [*given, *made.captures], made.env)

    def save_large(self, arrays: list[Any], folder: str) -> None:
        import calque

        if not hasattr(self, "_made"):
            self._made = calque.Module()
            self._made.parts = [calque.Variable(array) for array in arrays]
        calque.saved_model.save(self._made, folder)

    def open_large(self, folder: str) -> None:
        import calque_runtime

        calque_runtime.load(folder)


class TensorFlow(Library):
    """TensorFlow, through a model's signature."""

    def open(self, folder: str, name: str, inputs: dict[str, Any]) -> Call:
        import tensorflow as tf  # noqa: TID251

        model = tf.saved_model.load(folder)
        signature = model.signatures[SIGNATURE]
        tensors = {key: tf.constant(array) for key, array in inputs.items()}

        def call(model: Any = model) -> list[Any]:  # the signature does not keep the model's variables alive
            return [result.numpy() for result in signature(**tensors).values()]

        return call

    def load(self, folder: str) -> Call:
        return self.open(folder, "", {"x": np.ones([4, 4], np.float32)})

    def save_large(self, arrays: list[Any], folder: str) -> None:
        import tensorflow as tf  # noqa: TID251

        if not hasattr(self, "_made"):
            self._made = tf.Module()
            self._made.parts = [tf.Variable(array) for array in arrays]
        tf.saved_model.save(self._made, folder)

    def open_large(self, folder: str) -> None:
        import tensorflow as tf  # noqa: TID251

        tf.saved_model.load(folder)


class OnnxRuntime(Library):
    """ONNX Runtime, with the model that tf2onnx made."""

    def open(self, folder: str, name: str, inputs: dict[str, Any]) -> Call:
        import onnxruntime

        file = Path(folder, "model.onnx")
        if not file.exists():
            raise NotImplementedError("tf2onnx does not convert it")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, inputs)


class OpenVino(Library):
    """OpenVINO, which reads SavedModels itself; in float32, as the others."""

    def open(self, folder: str, name: str, inputs: dict[str, Any]) -> Call:
        import openvino

        options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        compiled = openvino.compile_model(folder, "CPU", options)
        request = compiled.create_infer_request()
        return lambda: list(request.infer(inputs, share_inputs=True, share_outputs=True).values())


class Jax(Library):
    """JAX, with functions written for it, from the same weights."""

    def open(self, folder: str, name: str, inputs: dict[str, Any]) -> Call:
        import jax

        function = self._functions().get(name)
        if function is None:
            raise NotImplementedError("not written in JAX")
        weights = [jax.numpy.asarray(array) for array in np.load(Path(folder, "weights.npz")).values()]
        arrays = [jax.numpy.asarray(array) for array in inputs.values()]
        compiled = jax.jit(function)
        return lambda: [np.asarray(compiled(weights, *arrays).block_until_ready())]

    def _functions(self) -> dict[str, Callable[..., Any]]:
        import jax
        import jax.numpy as jnp

        def dense(weights: Any, x: Any, last: Any) -> Any:
            pairs = list(zip(weights[::2], weights[1::2], strict=True))
            for kernel, bias in pairs[:-1]:
                x = jax.nn.relu(x @ kernel + bias)
            return last(x @ pairs[-1][0] + pairs[-1][1])

        def layernorm(weights: Any, x: Any) -> Any:
            mean, variance = jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True)
            return (x - mean) * jax.lax.rsqrt(variance + 1e-6) * weights[0] + weights[1]

        return {
            "guide": lambda weights, x: dense(weights, x, jax.nn.relu),
            "mlp": lambda weights, x: dense(weights, x, jax.nn.softmax),
            "gelu": lambda weights, x: jax.nn.gelu(x, approximate=False),
            "softmax": lambda weights, x: jax.nn.softmax(x),
            "layernorm": layernorm,
            "blackscholes": lambda weights, s, k, t: _price(jnp, jax.lax.erf, s, k, t),
            "matmul": lambda weights, a, b: jnp.matmul(a, b),
        }


class Numpy(Library):
    """Expressions as one would write them in numpy (erf from scipy), raw files, and the machine's limits."""

    def open(self, folder: str, name: str, inputs: dict[str, Any]) -> Call:
        from scipy.special import erf

        if name == "gelu":
            x, root = inputs["x"], np.float32(0.7071067811865476)
            return lambda: [0.5 * x * (1 + erf(x * root))]
        if name == "blackscholes":
            return lambda: [_price(np, erf, *inputs.values())]
        raise NotImplementedError("no plain expression")

    def limit(self, name: str) -> Call:
        """What takes as long as the machine needs: "GEMM" or "copy" (`cases.LIMITS`)."""
        if name == "GEMM":
            a = np.ones([2048, 2048], np.float32)
            out = np.empty_like(a)
            return lambda: [np.matmul(a, a, out=out)]
        from concurrent.futures import ThreadPoolExecutor

        threads = os.cpu_count() or 1
        given = np.ones([threads, (1 << 28) // threads], np.uint8)
        into = np.empty_like(given)
        pool = ThreadPoolExecutor(threads)
        return lambda: list(pool.map(np.copyto, into, given))

    def save_large(self, arrays: list[Any], folder: str) -> None:
        os.makedirs(folder)
        with open(Path(folder, "raw"), "wb", buffering=0) as file:
            for array in arrays:
                file.write(memoryview(array).cast("B"))


def _price(module: Any, erf: Callable[[Any], Any], s: Any, k: Any, t: Any) -> Any:
    """Black-Scholes in numpy's names."""
    rate, volatility = cases.RATE, cases.VOLATILITY

    def normal(z: Any) -> Any:
        return 0.5 * (1 + erf(z * 0.7071067811865476))

    root = volatility * module.sqrt(t)
    d1 = (module.log(s / k) + (rate + volatility * volatility / 2) * t) / root
    return s * normal(d1) - k * module.exp(-rate * t) * normal(d1 - root)


LIBRARIES: dict[str, type[Library]] = {
    "calque": Calque,
    "TensorFlow": TensorFlow,
    "ONNX Runtime": OnnxRuntime,
    "OpenVINO": OpenVino,
    "JAX": Jax,
    "numpy": Numpy,
}


class Answering:
    """What a worker does for the requests of `suite.py`.

    Args:
        library: whom it asks.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self._open: tuple[Any, Call] | None = None
        self._arrays: list[Any] = []
        self._calls: dict[str, int] = {}

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return getattr(self, "_" + request.pop("do"))(**request)
        except NotImplementedError as error:
            return {"cannot": str(error)}
        except Exception as error:  # another library's, of any kind
            return {"cannot": f"{type(error).__name__}: {error}".splitlines()[0][:200]}

    def _check(self, case: str, batch: int, models: str, into: str) -> dict[str, Any]:
        """Open a case and keep its third result in the file `into`; calque has compiled for the shapes by then."""
        self._open = None
        gc.collect()
        inputs = _case(case).inputs(batch)
        call = self.library.open(str(Path(models, case)), case, inputs)
        for _ in range(3):
            results = call()
        np.save(into, np.asarray(results[0]))
        self._open = call
        return {}

    def _reference(self, case: str, batch: int, models: str, into: str) -> dict[str, Any]:
        """The reference executor's result."""
        results = self.library.reference(str(Path(models, case)), _case(case).inputs(batch))
        np.save(into, np.asarray(results[0]))
        return {}

    def _limit(self, name: str) -> dict[str, Any]:
        """Measure one of the machine's limits in the rounds that follow."""
        self._open = self.library.limit(name)
        return {}

    def _time(self, what: str, seconds: float) -> dict[str, Any]:
        """The median of calls that take about that long together, after some that do not count.

        Threads of the library that ran before spin on for a while: they are left time to fall asleep.
        """
        call = self._open
        time.sleep(0.03)
        started = time.perf_counter()
        call()
        once = time.perf_counter() - started
        for _ in range(min(20, int(0.1 * seconds / once))):
            call()
        times = []
        for _ in range(max(1, min(2000, math.ceil(seconds / once)))):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
        return {what: statistics.median(times)}

    def _chain(self, models: str) -> dict[str, Any]:
        """Load the chain and call it once."""
        gc.collect()
        started = time.perf_counter()
        self.library.load(str(Path(models, "chain")))()
        return {cases.CHAIN: time.perf_counter() - started}

    def _save_large(self, size: int, folder: str) -> dict[str, Any]:
        """Write `size` bytes of variables into `folder`; the process's memory at its peak, beside what it held."""
        self._open = None
        if not self._arrays:
            part = size // PARTS
            self._arrays = [np.full(part // 4, i, np.float32) for i in range(PARTS)]
            # The variables are made here, and the first save imports what it needs.
            self.library.save_large(self._arrays, os.path.join(folder, "first"))
            shutil.rmtree(os.path.join(folder, "first"))
        gc.collect()
        place = os.path.join(folder, "model")
        shutil.rmtree(place, ignore_errors=True)
        held = _reset_peak()
        started = time.perf_counter()
        self.library.save_large(self._arrays, place)
        took = time.perf_counter() - started
        return {cases.LARGE[1]: took, cases.PEAK: (_memory("VmHWM") - held + size) / size}

    def _open_large(self, folder: str) -> dict[str, Any]:
        """Open what was written."""
        gc.collect()
        started = time.perf_counter()
        self.library.open_large(os.path.join(folder, "model"))
        return {cases.LARGE[0]: time.perf_counter() - started}


def _case(name: str) -> cases.Case:
    return next(case for case in cases.CASES if case.name == name)


def _reset_peak() -> int:
    """Forget the process's peak of memory where the system lets it; how many bytes it holds now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _memory("VmHWM")
    return _memory("VmRSS")


def _memory(line: str) -> int:
    """Bytes, from the system's account of this process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(one.split()[1]) for one in lines if one.startswith(line))
    except (OSError, StopIteration):
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def work(name: str) -> None:
    """Be the worker of a library."""
    peers.serve(Answering(LIBRARIES[name]()))


if __name__ == "__main__":
    work(sys.argv[sys.argv.index("--worker") + 1])
