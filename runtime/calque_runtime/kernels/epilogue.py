"""What follows a convolution or product in one node: a bias, an addend, an activation, in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["Epilogue"]


def _relu(zero: Any) -> Callable[[Any], None]:
    def run(x: Any) -> None:
        np.maximum(x, zero, out=x)

    return run


def _relu6(zero: Any) -> Callable[[Any], None]:
    six = np.array(6, zero.dtype)
    return lambda x: np.clip(x, zero, six, out=x)  # two and a half times as fast as a maximum and a minimum


def _tanh(zero: Any) -> Callable[[Any], None]:
    return lambda x: np.tanh(x, out=x)


def _sigmoid(zero: Any) -> Callable[[Any], None]:
    one = zero.dtype.type(1)

    def run(x: Any) -> None:
        np.negative(x, out=x)
        np.exp(x, out=x)
        np.add(x, one, out=x)
        np.reciprocal(x, out=x)

    return run


def _elu(zero: Any) -> Callable[[Any], None]:
    def run(x: Any) -> None:
        np.copyto(x, np.expm1(x), where=x < zero)

    return run


def _leaky(alpha: float) -> Callable[[Any], Callable[[Any], None]]:
    def make(zero: Any) -> Callable[[Any], None]:
        slope = zero.dtype.type(alpha)

        def run(x: Any) -> None:
            np.copyto(x, x * slope, where=x <= zero)

        return run

    return make


def _gelu(zero: Any) -> Callable[[Any], None]:
    from .gelu import gelu
    from .pieces import scratch

    def run(x: Any) -> None:
        a, b = scratch("gelu", (2, *x.shape), x.dtype)
        gelu(x, x, a, b)

    return run


_ACTIVATIONS: dict[bytes, Callable[[Any], Callable[[Any], None]]] = {
    b"Elu": _elu,
    b"GeluExact": _gelu,
    b"Relu": _relu,
    b"Relu6": _relu6,
    b"Sigmoid": _sigmoid,
    b"Tanh": _tanh,
}
_PASSES = {b"GeluExact": 20}  # over the result, where an activation makes more than a few


class Epilogue:
    """The steps that an op's attribute ``fused_ops`` names.

    Attributes:
        known: are all of them supported, in this order: BiasAdd, Add, an activation?
        bias, addend: does the op take one, in this order, as further inputs?
        cost: about how many passes over the result it makes.
    """

    def __init__(self, fused_ops: Sequence[bytes], dtype: Any, alpha: float = 0.2) -> None:
        left = list(fused_ops)
        self.bias = left[:1] == [b"BiasAdd"]
        left = left[self.bias :]
        self.addend = left[:1] == [b"Add"]
        left = left[self.addend :]
        make = None
        if left:
            make = _leaky(alpha) if left[0] == b"LeakyRelu" else _ACTIVATIONS.get(left[0])
        self.known = not left or (len(left) == 1 and make is not None)
        self._activation = None if make is None else make(np.zeros((), dtype))
        self.cost = self.bias + self.addend + (_PASSES.get(left[0], 1) if left else 0)

    def split(self, args: Sequence[Any]) -> tuple[Any, Any]:
        """(bias, addend) from the further inputs; None for what the op does not take."""
        rest = list(args)
        bias = rest.pop(0) if self.bias else None
        return bias, (rest.pop(0) if self.addend else None)

    def apply(self, x: Any, bias: Any, addend: Any) -> None:
        """Carry it out on `x`, a piece of the result, with the same piece of the addend."""
        if bias is not None:
            np.add(x, bias, out=x)
        if addend is not None:
            np.add(x, addend, out=x)
        if self._activation is not None:
            self._activation(x)
