"""How the ops of a group run on a tile: one or a few numpy calls that write into memory which is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import Node, Value
from ..ops.special import erf_coefficients
from ..shapes import fixed
from .gelu import gelu
from .softmax import softmax

__all__ = ["Emitter", "STEPS", "Step"]


class Emitter:
    """The source of a tile being written (see `tiles`).

    Attributes:
        names: of the values that are there: tiles, rows, columns, numbers.
        lines: the source so far.
        globals: what it refers to.
        scratch: the element type of each scratch array.
        wide: has the node being written the tile's full width?
        target: where its result belongs, or None: wherever there is room.
    """

    def __init__(self) -> None:
        self.names: dict[Value, str] = {}
        self.lines: list[str] = []
        self.globals: dict[str, Any] = {}
        self.scratch: list[str] = []
        self.wide = True
        self.target: str | None = None
        self._free: list[int] = []
        self._held: dict[Value, int] = {}
        self._bound: dict[int, str] = {}

    def line(self, text: str) -> None:
        """Write one line."""
        self.lines.append(text)

    def bind(self, what: Any) -> str:
        """A global name for an object."""
        name = self._bound.get(id(what))
        if name is None:
            name = self._bound[id(what)] = f"g{len(self.globals)}"
            self.globals[name] = what
        return name

    def number(self, value: float, dtype: Any) -> str:
        """A global name for a number of that type."""
        key = hash((float(value), np.dtype(dtype).str))
        if key not in self._bound:
            self._bound[key] = f"g{len(self.globals)}"
            self.globals[self._bound[key]] = np.array(value, dtype)
        return self._bound[key]

    # Memory

    def take(self, dtype: Any) -> int:
        """A scratch array of that type."""
        for i in self._free:
            if self.scratch[i] == np.dtype(dtype).str:
                self._free.remove(i)
                return i
        self.scratch.append(np.dtype(dtype).str)
        return len(self.scratch) - 1

    def give(self, slot: int) -> None:
        """A scratch array is not needed any more."""
        self._free.append(slot)

    def free(self, value: Value) -> None:
        """`value` is not needed any more."""
        slot = self._held.pop(value, None)
        if slot is not None:
            self.give(slot)

    # Nodes

    def emit(self, node: Node, dying: Sequence[Value]) -> str:
        """Write one node; returns the name of its result. `dying` are inputs that nothing needs afterwards."""
        step = STEPS[node.op.name]
        out = node.outputs[0]
        reads = [self.names[v] for v in node.inputs]
        if not self.wide or step.by_row:  # a column or a number: too small to care
            name = f"m{len(self.lines)}"
            self.line(f"{name} = {self._plainly(node, step, reads)}")
            return name
        if step.write is None:
            if self.target is not None:
                self.line(f"{self.target} = {self._plainly(node, step, reads)}")
                return self._read_back(self.target)
            name = f"m{len(self.lines)}"
            self.line(f"{name} = {self._plainly(node, step, reads)}")
            return name
        if self.target is not None:
            name = f"t{len(self.lines)}"
            self.line(f"{name} = {self.target}")
        else:
            name = self._room(out, dying if step.in_place else ())
        step.write(self, node, reads, name)
        return name

    def _read_back(self, target: str) -> str:
        name = f"t{len(self.lines)}"
        self.line(f"{name} = {target}")
        return name

    def _room(self, out: Value, dying: Sequence[Value]) -> str:
        """Memory for a result: that of an input which dies, or a scratch array."""
        dtype = out.dtype.np
        for value in dying:
            slot = self._held.get(value)
            if slot is not None and self.scratch[slot] == np.dtype(dtype).str:
                del self._held[value]
                self._held[out] = slot
                return f"s{slot}"
        slot = self._held[out] = self.take(dtype)
        return f"s{slot}"

    def row_sums(self, node: Node, x: str, mean: bool = False) -> str:
        """The sums (or means) of rows as a column: a product with ones, which BLAS does at the speed of the cache."""
        width = fixed(node.inputs[0].shape)[-1]
        ones = np.full(width, 1 / width if mean else 1, node.inputs[0].dtype.np)
        self._bound[id(ones)] = name = f"g{len(self.globals)}"
        self.globals[name] = ones
        return f"{self.bind(np.dot)}({x}, {name}).reshape(-1, 1)"

    def _plainly(self, node: Node, step: Step, reads: Sequence[str]) -> str:
        """A call that makes its own array."""
        if step.by_row:
            if node.op.name in ("Mean", "Sum"):
                return self.row_sums(node, reads[0], node.op.name == "Mean")
            return f"{self.bind(_REDUCTIONS[node.op.name])}({reads[0]}, axis=1, keepdims=True)"
        site = node.site()
        site.shapes = (None,) * len(site.shapes)
        return f"{self.bind(node.op.bind(site))}({', '.join(reads)})"


class Step:
    """One op on a tile.

    Attributes:
        write: writes the calls: (emitter, node, names of the inputs, name of the memory for the result); None: the
            op's own kernel makes an array.
        in_place: may the memory for the result be that of an input?
        by_row: does it reduce rows to columns?
        whole_rows: does it take whole rows into account?
    """

    __slots__ = ("by_row", "in_place", "whole_rows", "write")

    def __init__(
        self,
        write: Callable[[Emitter, Node, Sequence[str], str], None] | None,
        in_place: bool = True,
        by_row: bool = False,
        whole_rows: bool = False,
    ) -> None:
        self.write = write
        self.in_place = in_place
        self.by_row = by_row
        self.whole_rows = by_row or whole_rows


def _ufunc(run: Any) -> Step:
    def write(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
        e.line(f"{e.bind(run)}({', '.join(reads)}, out={into})")

    return Step(write)


def _written(*lines: str, in_place: bool = True) -> Step:
    """Lines in which ``x`` and ``y`` are inputs, ``d`` the result, ``np.`` numpy, and numbers stand as ``#1.0``."""

    def write(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
        dtype = node.outputs[0].dtype.np
        for line in lines:
            words = []
            for word in line.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split():
                if word.startswith("np."):
                    word = e.bind(getattr(np, word[3:]))
                elif word.startswith("#"):
                    word = e.number(float(word[1:]), dtype)
                elif word in ("x", "y"):
                    word = reads["xy".index(word)]
                elif word == "d":
                    word = into
                words.append(word)
            e.line(" ".join(words).replace("out = ", "out="))

    return Step(write, in_place)


def _quotient(
    e: Emitter, dtype: Any, square: str, top: Sequence[float], bottom: Sequence[float], into: str
) -> None:
    """``into * top(square) / bottom(square)``, polynomials by Horner's rule, lowest power first."""
    slot = e.take(dtype)
    b = f"s{slot}"
    multiply, add = e.bind(np.multiply), e.bind(np.add)
    for coefficients, run in ((bottom, e.bind(np.divide)), (top, multiply)):
        e.line(f"{multiply}({square}, {e.number(coefficients[-1], dtype)}, out={b})")
        for c in coefficients[-2:0:-1]:
            e.line(f"{add}({b}, {e.number(c, dtype)}, out={b})")
            e.line(f"{multiply}({b}, {square}, out={b})")
        e.line(f"{add}({b}, {e.number(coefficients[0], dtype)}, out={b})")
        e.line(f"{run}({into}, {b}, out={into})")
    e.give(slot)


def _clamped_square(e: Emitter, dtype: Any, x: str, limit: float, into: str) -> int:
    """`x` within the limit, in `into`; its square in a scratch array, whose number is returned."""
    slot = e.take(dtype)
    e.line(f"{e.bind(np.minimum)}({x}, {e.number(limit, dtype)}, out={into})")
    e.line(f"{e.bind(np.maximum)}({into}, {e.number(-limit, dtype)}, out={into})")
    e.line(f"{e.bind(np.multiply)}({into}, {into}, out=s{slot})")
    return slot


def _erf(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    """The quotient of polynomials of `ops.special`, clamped where it is 1 to all digits."""
    dtype = node.outputs[0].dtype.np
    top, bottom, one = erf_coefficients()
    square = _clamped_square(e, dtype, reads[0], one, into)
    _quotient(e, dtype, f"s{square}", top, bottom, into)
    e.give(square)


def _gelu(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    dtype = node.outputs[0].dtype.np
    slots = e.take(dtype), e.take(dtype)
    e.line(f"{e.bind(gelu)}({reads[0]}, {into}, s{slots[0]}, s{slots[1]})")
    for slot in slots:
        e.give(slot)


def _layer_norm(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    dtype = node.outputs[0].dtype.np
    x, scale, offset = reads
    width = e.number(fixed(node.outputs[0].shape)[-1], dtype)
    multiply, r = e.bind(np.multiply), f"m{len(e.lines)}"
    e.line(f"{e.bind(np.subtract)}({x}, {e.row_sums(node, x, True)}, out={into})")
    e.line(f"{r} = {e.bind(_squares)}({into}) / {width}")
    e.line(
        f"{r} = {e.bind(np.reciprocal)}({e.bind(np.sqrt)}({r} + {e.number(node.attrs['epsilon'], dtype)}))"
    )
    e.line(f"{multiply}({into}, {r}.reshape(-1, 1), out={into})")
    e.line(f"{multiply}({into}, {scale}, out={into})")
    e.line(f"{e.bind(np.add)}({into}, {offset}, out={into})")


def _squares(x: Any) -> Any:
    """The sum of the squares of each row."""
    return np.einsum("ij,ij->i", x, x)


def _softmax(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    out = node.outputs[0]
    ones = e.bind(np.ones(fixed(out.shape)[-1], out.dtype.np))
    e.line(f"{e.bind(softmax)}({reads[0]}, {into}, {ones})")


def _select(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    e.line(f"{e.bind(np.copyto)}({into}, {reads[2]})")
    e.line(f"{e.bind(np.copyto)}({into}, {reads[1]}, where={reads[0]})")


_REDUCTIONS: dict[str, Any] = {
    "Max": np.maximum.reduce,
    "Min": np.minimum.reduce,
}
_PLAIN = Step(None)
_BY_ROW = Step(None, by_row=True)

STEPS: dict[str, Step] = {
    "_Gelu": Step(_gelu),
    "_LayerNorm": Step(_layer_norm, whole_rows=True),
    "Abs": _ufunc(np.absolute),
    "Add": _ufunc(np.add),
    "AddV2": _ufunc(np.add),
    "BiasAdd": _ufunc(np.add),
    "Elu": _PLAIN,
    "Equal": _ufunc(np.equal),
    "Erf": Step(_erf, in_place=False),
    "Erfc": _PLAIN,
    "Exp": _ufunc(np.exp),
    "Expm1": _ufunc(np.expm1),
    "Greater": _ufunc(np.greater),
    "GreaterEqual": _ufunc(np.greater_equal),
    "LeakyRelu": _PLAIN,
    "Less": _ufunc(np.less),
    "LessEqual": _ufunc(np.less_equal),
    "Log": _ufunc(np.log),
    "Log1p": _ufunc(np.log1p),
    "Max": _BY_ROW,
    "Maximum": _ufunc(np.maximum),
    "Mean": _BY_ROW,
    "Min": _BY_ROW,
    "Minimum": _ufunc(np.minimum),
    "Mul": _ufunc(np.multiply),
    "Neg": _ufunc(np.negative),
    "Pow": _ufunc(np.power),
    "RealDiv": _ufunc(np.divide),
    "Reciprocal": _ufunc(np.reciprocal),
    "Relu": _written("np.maximum(x, #0.0, out = d)"),
    "Relu6": _written("np.maximum(x, #0.0, out = d)", "np.minimum(d, #6.0, out = d)"),
    "Rsqrt": _written("np.sqrt(x, out = d)", "np.reciprocal(d, out = d)"),
    "SelectV2": Step(_select, in_place=False),
    "Selu": _PLAIN,
    "Sigmoid": _written(
        "np.negative(x, out = d)",
        "np.exp(d, out = d)",
        "np.add(d, #1.0, out = d)",
        "np.reciprocal(d, out = d)",
    ),
    "Softmax": Step(_softmax, in_place=False, whole_rows=True),
    "Softplus": _PLAIN,
    "Sqrt": _ufunc(np.sqrt),
    "Square": _ufunc(np.square),
    "SquaredDifference": _written("np.subtract(x, y, out = d)", "np.square(d, out = d)"),
    "Sub": _ufunc(np.subtract),
    "Sum": _BY_ROW,
    "Tanh": _ufunc(np.tanh),
}
