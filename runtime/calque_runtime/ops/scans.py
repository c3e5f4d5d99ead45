"""Loops over the rows of arrays, and the recurrent cells that run in them: what passes make of While, in no file."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Kernel, Site, op
from ..shapes import Shape, concat, fixed, is_static
from .common import check_size

__all__: list[str] = []


@op(
    "_Scan(state: list(Tstate), rows: list(Trows), fixed: list(Tfixed)) -> (final: list(Tstate), "
    "stacked: list(Tstacked)) | Tstate: list(type) >=0; Trows: list(type) >=0; Tfixed: list(type) >=0; "
    "Tstacked: list(type) >=0; steps: int >=1; body: func"
)
def scan(s: Site) -> Kernel:
    """Run `body` `steps` times, with the state, a row of each of `rows`, and what is fixed.

    It gives the next state, and a row of each of `stacked`.
    """
    from ..plan.bound import compile_ordered

    if s.env is None:
        raise s.error("runs a function, which needs an environment to run in")
    body, steps = s["body"].function, s["steps"]
    run = compile_ordered(body, {}, s.env)
    states, rows = len(s["Tstate"]), len(s["Trows"])
    shapes = [check_size(s, fixed(_over_time(s, v.shape)), v.dtype) for v in body.outputs[states:]]

    def loop(*arrays: Any) -> list[Any]:
        state, over, kept = list(arrays[:states]), arrays[states : states + rows], arrays[states + rows :]
        stacked = [
            np.empty(shape, v.dtype.np) for shape, v in zip(shapes, body.outputs[states:], strict=True)
        ]
        for i in range(steps):
            made = run(*state, *[a[i] for a in over], *kept)
            state = made[:states]
            for whole, one in zip(stacked, made[states:], strict=True):
                whole[i] = one
        return [*state, *stacked]

    return loop


@scan.shape
def _(s: Site) -> list[Shape]:
    states, outputs = len(s["Tstate"]), s["body"].function.outputs
    return [v.shape for v in outputs[:states]] + [_over_time(s, v.shape) for v in outputs[states:]]


def _over_time(s: Site, shape: Shape) -> Shape:
    return concat([(s["steps"],), shape])


_TYPES = "steps: int >=1; last: bool=false; M: int >=0; T: type in [float, double]"


@op(f"_Lstm(x: T, h: T, c: T, w: T, mask: M*bool) -> (y: T, h_last: T, c_last: T) | {_TYPES}")
def lstm(s: Site) -> Kernel:
    """An LSTM over the first `steps` rows of x [time, batch, inputs], from the state h and c [batch, units].

    y is h after each step; after the last alone with `last`. In each step ``[x, h, 1] @ w`` gives, side by side, the
    gates i, f and o and the candidate g: c = sigmoid(2 f) c + sigmoid(2 i) tanh(g), h = sigmoid(2 o) tanh(c), where
    w takes twice h. (So one tanh serves all: sigmoid(2 a) = (1 + tanh(a)) / 2.) Where there is a mask [time, batch, 1],
    h and c change in the steps alone in which it is true.
    """
    from ..kernels.recurrent import lstm_over

    _check_state(s)
    return lstm_over(s["steps"], s["last"])


@op(f"_Gru(x: T, h: T, w: T, mask: M*bool, after: N*T) -> (y: T, h_last: T) | {_TYPES}; N: int >=0")
def gru(s: Site) -> Kernel:
    """A GRU over the first `steps` rows of x [time, batch, inputs], from the state h [batch, units].

    y is h after each step; after the last alone with `last`. In each step ``[x, h, 1] @ w`` gives, side by side, the
    gates z and r, a and b; then g = tanh(2 sigmoid(2 r) a + b). With weights `after` there is no a, and
    g = tanh(2 sigmoid(2 r) h @ after + b). The next h is g + sigmoid(2 z) (h - g), masked as in `_Lstm`.
    """
    from ..kernels.recurrent import gru_over

    _check_state(s)
    return gru_over(s["steps"], s["last"], bool(s["M"]))


def _check_state(s: Site) -> None:
    """Can the kernel make what the steps give?"""
    if all(is_static(shape) for shape in s.shapes):
        check_size(s, (s["steps"] + 1, *fixed(s.shapes[1])), s.dtypes[0])


def _recurrent_shapes(s: Site) -> list[Shape]:
    states = 2 if s.op.name == "_Lstm" else 1
    rows = 1 if s["last"] else s["steps"]
    return [concat([(rows,), s.shapes[1]]), *[s.shapes[1]] * states]


lstm.shape_rule = _recurrent_shapes
gru.shape_rule = _recurrent_shapes
