"""How the ops of a group run on a tile: one or a few numpy calls that write into memory which is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir import Node, Value
from ..ops.special import erf_coefficients

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

    def _plainly(self, node: Node, step: Step, reads: Sequence[str]) -> str:
        """A call that makes its own array."""
        if step.by_row and node.op.name in _REDUCTIONS:
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


def _erf(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    """The quotient of polynomials of `ops.special`, by Horner's rule, clamped where it is 1 to all digits."""
    x, dtype = reads[0], node.outputs[0].dtype.np
    top, bottom, one = erf_coefficients()
    square, below = e.take(dtype), e.take(dtype)
    s, b = f"s{square}", f"s{below}"
    multiply, add, divide = e.bind(np.multiply), e.bind(np.add), e.bind(np.divide)
    e.line(f"{e.bind(np.minimum)}({x}, {e.number(one, dtype)}, out={into})")
    e.line(f"{e.bind(np.maximum)}({into}, {e.number(-one, dtype)}, out={into})")
    e.line(f"{multiply}({into}, {into}, out={s})")
    e.line(f"{multiply}({s}, {e.number(bottom[-1], dtype)}, out={b})")
    for c in bottom[-2:0:-1]:
        e.line(f"{add}({b}, {e.number(c, dtype)}, out={b})")
        e.line(f"{multiply}({b}, {s}, out={b})")
    e.line(f"{add}({b}, {e.number(bottom[0], dtype)}, out={b})")
    e.line(f"{divide}({into}, {b}, out={into})")
    e.line(f"{multiply}({s}, {e.number(top[-1], dtype)}, out={b})")
    for c in top[-2:0:-1]:
        e.line(f"{add}({b}, {e.number(c, dtype)}, out={b})")
        e.line(f"{multiply}({b}, {s}, out={b})")
    e.line(f"{add}({b}, {e.number(top[0], dtype)}, out={b})")
    e.line(f"{multiply}({into}, {b}, out={into})")
    e.give(square)
    e.give(below)


def _softmax(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    m = f"m{len(e.lines)}"
    e.line(f"{m} = {e.bind(np.maximum.reduce)}({reads[0]}, axis=1, keepdims=True)")
    e.line(f"{e.bind(np.subtract)}({reads[0]}, {m}, out={into})")
    e.line(f"{e.bind(np.exp)}({into}, out={into})")
    e.line(f"{m} = {e.bind(np.reciprocal)}({e.bind(np.add.reduce)}({into}, axis=1, keepdims=True))")
    e.line(f"{e.bind(np.multiply)}({into}, {m}, out={into})")


def _select(e: Emitter, node: Node, reads: Sequence[str], into: str) -> None:
    e.line(f"{e.bind(np.copyto)}({into}, {reads[2]})")
    e.line(f"{e.bind(np.copyto)}({into}, {reads[1]}, where={reads[0]})")


_REDUCTIONS: dict[str, Any] = {
    "Max": np.maximum.reduce,
    "Mean": np.mean,
    "Min": np.minimum.reduce,
    "Sum": np.add.reduce,
}
_PLAIN = Step(None)
_BY_ROW = Step(None, by_row=True)

STEPS: dict[str, Step] = {
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
    "Softmax": Step(_softmax, whole_rows=True),
    "Softplus": _PLAIN,
    "Sqrt": _ufunc(np.sqrt),
    "Square": _ufunc(np.square),
    "SquaredDifference": _written("np.subtract(x, y, out = d)", "np.square(d, out = d)"),
    "Sub": _ufunc(np.subtract),
    "Sum": _BY_ROW,
    "Tanh": _ufunc(np.tanh),
}
