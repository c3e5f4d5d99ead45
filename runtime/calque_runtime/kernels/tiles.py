"""Groups of elementwise ops and row reductions on large arrays, tile by tile.

Between one op and the next a tile's values stay in the processor's cache, where an addition costs a tenth of what it
costs in memory. A group is a function (`passes.group_elementwise`); here it becomes Python source that runs its ops on
rows `lo` to `hi` of everything:

    def tile(lo, hi, s, x0, x1, o0):
        i0 = x0[lo:hi]
        d0 = s0[:hi - lo]
        m0 = maximum_reduce(i0, axis=1, keepdims=True)
        subtract(i0, m0, out=d0)
        exp(d0, out=o0[lo:hi])
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import Function, Value
from ..shapes import Shape, fixed
from .crew import processors, share
from .steps import STEPS, Emitter

__all__ = ["tiled"]

_TILE = 1 << 16  # elements of a tile: with a few temporaries of float32 this fits the second-level cache
_SHARED = 1 << 18  # elements of an array from which on threads share the work


def tiled(body: Function) -> Callable[..., list[Any]]:
    """What runs the function of a group, whose shapes are all static."""
    whole = _whole(body)
    rows, columns = _split(whole, [v.shape for v in body.inputs], _reduces(body))
    tile, scratch = _Writer(body, whole, rows, columns).build()
    views = [_view(v.shape, rows, columns) for v in body.inputs]
    outputs = [(fixed(v.shape), v.dtype.np, _view(v.shape, rows, columns)) for v in body.outputs]
    step = max(1, _TILE // columns)
    size = rows * columns
    if size >= _SHARED:  # an even number of tiles, none of them short
        pieces = -(-rows // step)
        workers = processors()
        pieces = -(-pieces // workers) * workers
        step = max(1, -(-rows // pieces))
    count = -(-rows // step)
    local = threading.local()
    wide = (step, columns) if columns > 1 or _reduces(body) else (step,)

    def memory() -> list[Any]:
        try:
            return local.scratch  # type: ignore[no-any-return]
        except AttributeError:
            local.scratch = [np.empty(wide, dtype) for dtype in scratch]
            return local.scratch  # type: ignore[no-any-return]

    def run(*arrays: Any) -> list[Any]:
        given = [a if view is None else a.reshape(view) for a, view in zip(arrays, views, strict=True)]
        made = [np.empty(shape, dtype) for shape, dtype, _ in outputs]
        into = [m if view is None else m.reshape(view) for m, (_, _, view) in zip(made, outputs, strict=True)]

        def piece(i: int) -> None:
            lo = i * step
            tile(lo, min(lo + step, rows), memory(), *given, *into)

        if size >= _SHARED:
            share(piece, count)
        else:
            for i in range(count):
                piece(i)
        return made

    run.shares = size >= _SHARED and processors() > 1  # type: ignore[attr-defined]
    return run


def _whole(body: Function) -> tuple[int, ...]:
    """The shape of the group's elementwise results."""
    shapes = [fixed(v.shape) for node in body.nodes for v in node.outputs if node.op.name != "Const"]
    return max(shapes, key=math.prod)


def _reduces(body: Function) -> bool:
    return any(STEPS[node.op.name].whole_rows for node in body.nodes if node.op.name != "Const")


def _split(whole: tuple[int, ...], inputs: Sequence[Shape], by_row: bool) -> tuple[int, int]:
    """Rows and columns: every input is whole, one row, one column, or one number in this view of the shape."""
    for k in [len(whole) - 1] if by_row else range(len(whole), -1, -1):
        if all(_fits(shape, whole, k) for shape in inputs):
            return math.prod(whole[:k]), math.prod(whole[k:])
    raise ValueError("no view of the inputs has rows and columns")  # the pass makes no such group


def _fits(shape: Shape, whole: tuple[int, ...], k: int) -> bool:
    full = (1,) * (len(whole) - len(shape or ())) + tuple(shape or ())
    first, last = full[:k], full[k:]
    ones = all(d == 1 for d in first), all(d == 1 for d in last)
    same = first == whole[:k], last == whole[k:]
    return (same[0] or ones[0]) and (same[1] or ones[1])


def _view(shape: Shape, rows: int, columns: int) -> tuple[int, ...] | None:
    """The shape in which a tile reads an array; None for one number."""
    size = math.prod(fixed(shape))
    if size == 1 and rows * columns > 1:
        return None if not shape else ()
    if columns == 1:
        return (rows,) if size == rows else (1,)
    if size == rows * columns:
        return (rows, columns)
    return (1, columns) if size == columns else (rows, 1)


class _Writer(Emitter):
    """Writes the source of a group's tile."""

    def __init__(self, body: Function, whole: tuple[int, ...], rows: int, columns: int) -> None:
        super().__init__()
        self.body = body
        self.whole = whole
        self.flat = columns == 1 and not _reduces(body)
        self._shape = (rows, columns)
        self._last: dict[Value, Any] = {}

    def build(self) -> tuple[Callable[..., None], list[Any]]:
        """The tile function, and the element type of each scratch array that it needs."""
        body = self.body
        for node in body.nodes:
            for value in node.inputs:
                self._last[value] = node
        for i, value in enumerate(body.inputs):
            self._argument(value, f"x{i}")
        into = {v: f"o{i}" for i, v in enumerate(body.outputs)}
        for node in body.nodes:
            if node.op.name == "Const":
                self.names[node.outputs[0]] = self.bind(self._constant(node.attrs["value"]))
                continue
            out = node.outputs[0]
            self.wide = out.shape == self.whole
            dying = [v for v in dict.fromkeys(node.inputs) if self._last[v] is node and v not in into]
            self.target = f"{into[out]}[lo:hi]" if out in into and self.wide else None
            self.names[out] = self.emit(node, dying)
            if out in into and self.names[out] != self.target:
                self.line(f"{into[out]}[lo:hi] = {self.names[out]}")
            for value in dying:
                self.free(value)
        text = f"def tile(lo, hi, s, {', '.join([f'x{i}' for i in range(len(body.inputs))])}"
        text += "".join(f", o{i}" for i in range(len(body.outputs))) + "):\n"
        text += "    n = hi - lo\n"
        text += "".join(f"    s{i} = s[{i}][:n]\n" for i in range(len(self.scratch)))
        text += "\n".join("    " + line for line in self.lines) + "\n"
        exec(compile(text, "<tile>", "exec"), self.globals)
        return self.globals["tile"], [np.dtype(t) for t in self.scratch]

    def _argument(self, value: Value, name: str) -> None:
        size = math.prod(fixed(value.shape))
        rows, columns = self._shape
        if size == rows * columns or (size == rows and columns > 1 and rows > 1):
            self.line(f"i{name} = {name}[lo:hi]")
            self.names[value] = f"i{name}"
        else:
            self.names[value] = name

    def _constant(self, array: Any) -> Any:
        array = np.asarray(array)
        if array.size == 1:
            return array.reshape(())
        _, columns = self._shape
        return array.reshape(1, columns) if array.size == columns else array.reshape(-1, 1)
