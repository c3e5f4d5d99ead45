"""What the suite measures: models and functions, their arguments, what they cost at least, and what was promised.

Nothing but numpy is imported here: every library's process reads this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "BOUNDS",
    "CASES",
    "CHAIN",
    "CHAIN_LENGTH",
    "COLD",
    "EXTRAS",
    "LARGE",
    "LIMITS",
    "PEAK",
    "RATE",
    "ROW",
    "VOLATILITY",
    "Bound",
    "Case",
    "Measured",
    "label",
]

ROW = 1024  # of gelu, softmax and layer norm
RATE, VOLATILITY = 0.02, 0.3  # of Black-Scholes


@dataclass(frozen=True)
class Case:
    """A model, and the batches it is called with.

    Attributes:
        name: of its folder.
        title: for people.
        batches: the sizes of the first dimension.
        arguments: a random generator and a batch to arrays by the name of the signature's argument.
        flops: floating-point operations for one of the batch, additions counted; 0 where it moves memory instead.
        bytes: what must at least be read and written for one of the batch, in elementwise cases.
        quick: the batches of a short run.
    """

    name: str
    title: str
    batches: Sequence[int]
    arguments: Callable[[np.random.Generator, int], dict[str, Any]]
    flops: Callable[[int], float] = lambda batch: 0.0
    bytes: Callable[[int], float] = lambda batch: 0.0
    quick: Sequence[int] = (1,)

    def inputs(self, batch: int) -> dict[str, Any]:
        """The same arrays in every process."""
        return self.arguments(np.random.default_rng(1), batch)


def _normal(*shape: int) -> Callable[[np.random.Generator, int], dict[str, Any]]:
    return lambda random, batch: {"x": random.standard_normal((batch, *shape), np.float32)}


def _tokens(random: np.random.Generator, batch: int) -> dict[str, Any]:
    return {"x": random.integers(0, 30522, (batch, 128), np.int32)}


def _options(random: np.random.Generator, batch: int) -> dict[str, Any]:
    return {name: random.uniform(0.5, 2, batch).astype(np.float32) for name in ("s", "k", "t")}


def _square(random: np.random.Generator, batch: int) -> dict[str, Any]:
    return {name: random.standard_normal((batch, batch), np.float32) for name in ("a", "b")}


def _each(flops: float) -> Callable[[int], float]:
    return lambda batch: flops * batch


_MILLIONS = 1 << 22
_ROWS = _MILLIONS // ROW
_QUICK_ROWS = (64,)
_IMAGE = _normal(224, 224, 3)
_BERT = 12 * (2 * 128 * 768 * 768 * 12 + 4 * 128 * 128 * 768)  # projections and MLP; scores and their sums

CASES = (
    Case("guide", "guide model, 2 layers", (1,), _normal(3), _each(2 * (3 * 4 + 4 * 2))),
    Case("mlp", "MLP 784-512-512-10", (1, 256), _normal(784), _each(2 * 512 * (784 + 512 + 10))),
    Case("lstm", "LSTM 128, 32 steps of 64", (1, 32), _normal(32, 64), _each(32 * 2 * (64 + 128) * 512)),
    Case(
        "cnn",
        "MNIST CNN",
        (1, 64),
        _normal(28, 28, 1),
        _each(2 * (26 * 26 * 9 * 32 + 11 * 11 * 9 * 32 * 64 + 1600 * 10)),
    ),
    Case("resnet50", "ResNet-50", (1, 8), _IMAGE, _each(7.7e9)),
    Case("mobilenetv2", "MobileNetV2", (1, 8), _IMAGE, _each(0.6e9)),
    Case("bert", "BERT-base encoder, 128 tokens", (1, 4), _tokens, _each(_BERT)),
    Case("gelu", "gelu", (_ROWS,), _normal(ROW), bytes=_each(8 * ROW), quick=_QUICK_ROWS),
    Case("softmax", "softmax", (_ROWS,), _normal(ROW), bytes=_each(8 * ROW), quick=_QUICK_ROWS),
    Case("layernorm", "layer norm", (_ROWS,), _normal(ROW), bytes=_each(8 * ROW), quick=_QUICK_ROWS),
    Case("blackscholes", "Black-Scholes", (_MILLIONS,), _options, bytes=_each(16), quick=(65536,)),
    Case("matmul", "matmul, square", (256, 2048), _square, lambda n: 2.0 * n**3, quick=(256,)),
)

CHAIN_LENGTH = 10_000
CHAIN = f"chain of {CHAIN_LENGTH:,} ops: load, first call"
COLD = "cold process: import, load, first call"
LARGE = ("1 GiB model: open", "1 GiB model: save")
LIMITS = ("GEMM", "copy")  # the machine's: a product of 2048 x 2048 matrices, a copy of 256 MiB
PEAK = "1 GiB model: save, peak memory / data"
EXTRAS = ("cold", "chain", "large")

# By what was measured: by library, what each round took.
Measured = dict[str, dict[str, list[float]]]


def label(name: str, batch: int) -> str:
    """What a case with a batch is called in results."""
    return f"{name}, batch {batch:,}"


@dataclass(frozen=True)
class Bound:
    """A promise.

    Attributes:
        what: the measurement.
        peer: whose median calque's is divided by; "best" is the fastest; "" compares the figure itself.
        most: what the quotient is allowed to be.
        unit: of the figure itself.
    """

    what: str
    peer: str
    most: float
    unit: str = ""


def _bounds() -> list[Bound]:
    out = [
        Bound(label("guide", 1), "ONNX Runtime", 1.0),
        Bound(label("guide", 1), "TensorFlow", 1 / 25),
        Bound(COLD, "ONNX Runtime", 1.0),
        Bound(COLD, "TensorFlow", 1 / 12),
        Bound(label("mlp", 1), "ONNX Runtime", 1.45),
        Bound(label("mlp", 256), "best", 1.1),
        Bound(label("lstm", 1), "ONNX Runtime", 2.4),
        Bound(label("lstm", 1), "TensorFlow", 1 / 4),
        Bound(label("cnn", 1), "ONNX Runtime", 3.0),
        Bound(label("cnn", 1), "TensorFlow", 1 / 2),
    ]
    for name, first, larger in (("resnet50", 1.1, 8), ("mobilenetv2", 1.1, 8), ("bert", 0.95, 4)):
        out += [Bound(label(name, 1), "TensorFlow", first), Bound(label(name, larger), "TensorFlow", 1.1)]
    for name, batch in (
        ("gelu", _ROWS),
        ("softmax", _ROWS),
        ("layernorm", _ROWS),
        ("blackscholes", _MILLIONS),
    ):
        out.append(Bound(label(name, batch), "TensorFlow", 1.5))
        if name in ("gelu", "blackscholes"):
            out.append(Bound(label(name, batch), "numpy", 1 / 3))
    return [
        *out,
        Bound(LARGE[0], "", 0.05, "s"),
        Bound(LARGE[1], "numpy", 1.3),
        Bound(PEAK, "", 1.1),
        Bound(CHAIN, "TensorFlow", 1 / 20),
    ]


BOUNDS = _bounds()
