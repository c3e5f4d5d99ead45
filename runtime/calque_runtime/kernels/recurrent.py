"""Recurrent layers over time: a product and a dozen elementwise calls a step, into arrays that all steps share.

Arrays stand on their side: units are rows and the batch is columns, so that every gate is one contiguous block and
the gates that one call can serve lie side by side. What a step multiplies, ``[x, h, 1]``, is a block of one array
into which the step before writes its h: input, state and bias cost one product together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

import numpy as np

from . import blas

__all__ = ["gru_over", "lstm_over"]

# Where the batch is small, and a row of x takes as many multiplications, all rows are multiplied before the steps.
_MANY = 1 << 16
_SMALL_BATCH = 16
# Multiplications of a step from which on BLAS may use its threads: each step then waits for the last of them, which
# takes milliseconds where another process has its processor.
_LONG = 1 << 23


class _Steps:
    """What the steps multiply by ``w`` [inputs + units + 1, columns].

    Attributes:
        w: what a step multiplies by, transposed.
        left: for each step, and behind the last, what is multiplied: [steps + 1, ..., batch].
        h: the rows of `left` that hold h.
        apart: for each step what is to be added to the product; None where that is part of it.
    """

    def __init__(self, x: Any, w: Any, units: int, steps: int) -> None:
        _, batch, inputs = x.shape
        x = x[:steps]
        self.apart: Iterable[Any] = repeat(None)
        if batch < _SMALL_BATCH and inputs * w.shape[1] >= _MANY:
            before = np.dot(x.reshape(-1, inputs), w[:inputs])
            before += w[-1]
            shape = steps, batch, w.shape[1]
            self.apart = np.ascontiguousarray(before.reshape(shape).swapaxes(1, 2))
            self.left = self.h = np.empty((steps + 1, units, batch), w.dtype)
            self.w = w[inputs:-1].T
        else:
            self.left = np.empty((steps + 1, w.shape[0], batch), w.dtype)
            self.left[:steps, :inputs] = x.swapaxes(1, 2)
            self.left[:, -1] = 1
            self.h = self.left[:, inputs:-1]
            self.w = w.T


def _masked(mask: Any) -> Iterable[Any]:
    """For each step where the state stays, [1, batch]; None where it stays nowhere."""
    return repeat(None) if mask is None else np.logical_not(mask).swapaxes(1, 2)


def _kernel(run: Callable[..., Any], at: int) -> Callable[..., Any]:
    """`run`, whose products stay in its thread if they are short; its argument `at` is what they multiply by."""

    def alone(*arrays: Any) -> Any:
        if arrays[0].shape[1] * arrays[at].size >= _LONG:
            return run(*arrays)
        blas.own_threads()
        try:
            return run(*arrays)
        finally:
            blas.restore_threads()

    return alone


def lstm_over(steps: int, last: bool) -> Callable[..., Any]:
    """The kernel of ``_Lstm``; see there."""

    def run(x: Any, h: Any, c: Any, w: Any, mask: Any = None) -> tuple[Any, Any, Any]:
        batch, units = h.shape
        over = _Steps(x, w, units, steps)
        np.multiply(h.T, 2, out=over.h[0])
        blocks = np.empty((5 * units, batch), w.dtype)  # i, f, o, g, c
        gates, sigmoids, both = blocks[: 4 * units], blocks[: 3 * units], blocks[: 2 * units]
        out_gate, new, state = blocks[2 * units : 3 * units], blocks[3 * units :], blocks[4 * units :]
        state[...] = c.T
        parts = np.empty((2 * units, batch), w.dtype)
        first, second, squashed = parts[:units], parts[units:], np.empty((units, batch), w.dtype)
        one, half = np.array(1, w.dtype), np.array(0.5, w.dtype)
        weights, dot, add, multiply, tanh = over.w, np.dot, np.add, np.multiply, np.tanh
        kept = np.empty_like(squashed)
        steps_of = zip(over.left, over.apart, over.h, over.h[1:], _masked(mask), strict=False)
        for left, before, now, following, masked in steps_of:
            dot(weights, left, gates)
            if before is not None:
                add(gates, before, gates)
            tanh(gates, gates)
            add(sigmoids, one, sigmoids)  # twice the gates
            multiply(both, new, parts)  # i g and f c
            if masked is not None:
                kept[...] = state
            add(first, second, state)
            multiply(state, half, state)
            tanh(state, squashed)
            multiply(out_gate, squashed, following)  # twice h
            if masked is not None:
                np.copyto(state, kept, where=masked)
                np.copyto(following, now, where=masked)
        y = np.multiply((over.h[-1:] if last else over.h[1:]).swapaxes(1, 2), half, order="C")
        return y, y[-1], np.ascontiguousarray(state.T)

    return _kernel(run, 3)


def gru_over(steps: int, last: bool, is_masked: bool = False) -> Callable[..., Any]:
    """The kernel of ``_Gru``; see there."""

    def run(x: Any, h: Any, w: Any, *more: Any) -> tuple[Any, Any]:
        mask, after = (more[0], more[1:]) if is_masked else (None, more)
        batch, units = h.shape
        over = _Steps(x, w, units, steps)
        over.h[0] = h.T
        blocks = np.empty(
            (w.shape[1], batch), w.dtype
        )  # z, r, a where the state is reset after its product, b
        gates, update, reset = blocks[: 2 * units], blocks[:units], blocks[units : 2 * units]
        product, bias = blocks[2 * units : 3 * units], blocks[-units:]
        new, change = np.empty((2, units, batch), w.dtype)
        one, half = np.array(1, w.dtype), np.array(0.5, w.dtype)
        weights, dot, add, multiply, tanh = over.w, np.dot, np.add, np.multiply, np.tanh
        inner = after[0].T if after else None
        steps_of = zip(over.left, over.apart, over.h, over.h[1:], _masked(mask), strict=False)
        for left, before, now, following, masked in steps_of:
            dot(weights, left, blocks)
            if before is not None:
                add(blocks, before, blocks)
            tanh(gates, gates)
            add(gates, one, gates)  # twice the gates
            if inner is None:
                multiply(reset, product, new)
            else:
                multiply(reset, now, change)
                dot(inner, change, new)
            add(new, bias, new)
            tanh(new, new)
            np.subtract(now, new, change)
            multiply(update, change, change)
            multiply(change, half, change)
            add(new, change, following)
            if masked is not None:
                np.copyto(following, now, where=masked)
        y = np.ascontiguousarray((over.h[-1:] if last else over.h[1:]).swapaxes(1, 2))
        return y, y[-1]

    return _kernel(run, 2)
