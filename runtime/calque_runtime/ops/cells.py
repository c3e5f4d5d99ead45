"""Recurrent cells, and the loop of one over time, as single ops: what TF1's contrib.rnn wrote into graphs.

Gates are columns of one product of ``[x, h]`` with the weights. Formulas: Hochreiter & Schmidhuber (1997) with the
peepholes of Gers & Schmidhuber (2000); Cho et al. (2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Array, Kernel, Op, Site, op, register
from ..shapes import Shape
from .common import check_size

__all__: list[str] = []

_CELL_IN = "cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T"
_CELL_OUT = "(i: T, cs: T, f: T, o: T, ci: T, co: T, h: T)"
_TYPES = "T: type in half float"


def _sigmoid(x: Array) -> Array:
    return (1 / (1 + np.exp(-x))).astype(x.dtype)


def _check(s: Site, x: Array, cs: Array, h: Array, w: Array, b: Array, peepholes: tuple[Array, ...]) -> None:
    cells = cs.shape[1] if cs.ndim == 2 else -1
    batch = x.shape[-2] if x.ndim > 1 else -1
    if cs.shape != (batch, cells) or h.shape != cs.shape:
        raise s.error(f"cs_prev {list(cs.shape)} and h_prev {list(h.shape)} must both be [{batch}, cells]")
    if w.shape != (x.shape[-1] + cells, 4 * cells):
        raise s.error(f"w must have shape {[x.shape[-1] + cells, 4 * cells]}, but has {list(w.shape)}")
    if b.shape != (4 * cells,):
        raise s.error(f"b must have shape {[4 * cells]}, but has {list(b.shape)}")
    for one in peepholes:
        if s["use_peephole"] and one.shape != (cells,):
            raise s.error(f"wci, wcf and wco must have shape {[cells]}, but one has {list(one.shape)}")


def _step(
    x: Array,
    cs: Array,
    h: Array,
    w: Array,
    peepholes: tuple[Array, ...] | None,
    b: Array,
    order: str,
    forget: Any,
    clip: float,
) -> tuple[Array, ...]:
    """One step of an LSTM: i, cs, f, o, ci, co, h."""
    dtype = x.dtype
    parts = np.split(np.concatenate([x, h], 1) @ w + b, 4, axis=1)
    gates = dict(zip(order, parts, strict=True))
    i, f, o = gates["i"], gates["f"] + dtype.type(forget), gates["o"]
    if peepholes is not None:
        i, f = i + cs * peepholes[0], f + cs * peepholes[1]
    i, f, ci = _sigmoid(i), _sigmoid(f), np.tanh(gates["c"])
    cs = ci * i + cs * f
    if clip > 0:
        cs = np.clip(cs, dtype.type(-clip), dtype.type(clip))
    o = _sigmoid(o if peepholes is None else o + cs * peepholes[2])
    co = np.tanh(cs)
    return i, cs, f, o, ci, co, co * o


@op(
    f"LSTMBlockCell(x: T, {_CELL_IN}) -> {_CELL_OUT} | forget_bias: float=1.0; cell_clip: float=3.0; "
    f"use_peephole: bool=false; {_TYPES}"
)
def lstm_block_cell(s: Site) -> Kernel:
    """One step of an LSTM: gates in the order i, ci, f, o."""
    forget, clip, peephole = s["forget_bias"], s["cell_clip"], s["use_peephole"]

    def run(x: Array, cs: Array, h: Array, w: Array, wci: Array, wcf: Array, wco: Array, b: Array) -> Any:
        if x.ndim != 2:
            raise s.error(f"x must be [batch, inputs], but has shape {list(x.shape)}")
        _check(s, x, cs, h, w, b, (wci, wcf, wco))
        return _step(x, cs, h, w, (wci, wcf, wco) if peephole else None, b, "icfo", forget, clip)

    return run


@lstm_block_cell.shape
def _(s: Site) -> list[Shape]:
    return [s.shapes[1]] * 7


def _block(name: str, order: str, attrs: str, doc: str) -> Op:
    def kernel(s: Site) -> Kernel:
        forget = s["forget_bias"] if "forget_bias" in s.op.signature.attrs else 0
        clip, peephole = s["cell_clip"], s["use_peephole"]

        def run(
            length: Array,
            x: Array,
            cs: Array,
            h: Array,
            w: Array,
            wci: Array,
            wcf: Array,
            wco: Array,
            b: Array,
        ) -> Any:
            if x.ndim != 3:
                raise s.error(f"x must be [time, batch, inputs], but has shape {list(x.shape)}")
            _check(s, x, cs, h, w, b, (wci, wcf, wco))
            steps = int(length)
            if not 0 <= steps <= len(x):
                raise s.error(f"seq_len_max must be in [0, {len(x)}], but is {steps}")
            shape = check_size(s, (len(x), *cs.shape), s.dtypes[1])
            out = [np.zeros(shape, x.dtype) for _ in range(7)]  # what comes after the last step is zero
            for t in range(steps):
                made = _step(x[t], cs, h, w, (wci, wcf, wco) if peephole else None, b, order, forget, clip)
                for whole, one in zip(out, made, strict=True):
                    whole[t] = one
                cs, h = made[1], made[6]
            return out

        return run

    one = register(
        Op(
            f"{name}(seq_len_max: int64, x: T, {_CELL_IN}) -> {_CELL_OUT} | {attrs}use_peephole: bool=false; {_TYPES}",
            kernel,
            doc,
        )
    )
    one.shape_rule = lambda s: [_over_time(s)] * 7
    return one


def _over_time(s: Site) -> Shape:
    x, cs = s.shapes[1], s.shapes[2]
    return None if x is None or cs is None or not x else (x[0], *cs)


block_lstm: Op = _block(
    "BlockLSTM",
    "icfo",
    "forget_bias: float=1.0; cell_clip: float=3.0; ",
    "An LSTM over time, which is the first axis: gates in the order i, ci, f, o.",
)
block_lstm_v2: Op = _block(
    "BlockLSTMV2",
    "ifco",
    "cell_clip: float=0.0; ",
    "An LSTM over time, which is the first axis: gates in the order i, f, ci, o, no forget bias.",
)


@op(
    "GRUBlockCell(x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T) -> (r: T, u: T, c: T, h: T) | T: type in float"
)
def gru_block_cell(s: Site) -> Kernel:
    """One step of a GRU."""

    def run(x: Array, h: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array) -> Any:
        cells = h.shape[-1] if h.ndim == 2 else -1
        if x.ndim != 2 or h.shape != (len(x), cells):
            raise s.error(
                f"x {list(x.shape)} and h_prev {list(h.shape)} must be [batch, inputs], [batch, cells]"
            )
        rows = x.shape[1] + cells
        for what, one, shape in (
            ("w_ru", w_ru, (rows, 2 * cells)), ("w_c", w_c, (rows, cells)), ("b_ru", b_ru, (2 * cells,)),
            ("b_c", b_c, (cells,)),
        ):  # fmt: skip
            if one.shape != shape:
                raise s.error(f"{what} must have shape {list(shape)}, but has {list(one.shape)}")
        r, u = np.split(_sigmoid(np.concatenate([x, h], 1) @ w_ru + b_ru), 2, axis=1)
        c = np.tanh(np.concatenate([x, h * r], 1) @ w_c + b_c)
        return r, u, c, u * h + (1 - u) * c

    return run


@gru_block_cell.shape
def _(s: Site) -> list[Shape]:
    return [s.shapes[1]] * 4
