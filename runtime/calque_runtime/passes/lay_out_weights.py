"""Weights that a single row is multiplied by are laid out so that all processors work on the product.

before                                      after
  %y = MatMul(%x, %w)                         %k = _Columns(%w) {columns=592}
                                              %y = _RowProduct(%x, %k) {columns=512}

Such a product takes as long as the weights take to be read, and those of some MB fit the caches next to two processors
but not that of one. OpenBLAS shares it among threads from a certain size on, and each reads the columns it needs if
those are contiguous. Somewhat smaller weights get columns of zeros to reach that size: products with 784 x 512, then
512 x 512 numbers take 60 us so on two processors, and 92 without. Much smaller or larger matrices gain nothing.
"""

from __future__ import annotations

from ..environment import Environment
from ..ir import Function, Node, Value
from ..kernels import crew
from ..plan.weights import derived
from ..shapes import fixed, is_static
from .rewriting import Builder, rewrite

__all__ = ["run"]

_SHARED = 460_800  # elements beyond which OpenBLAS (0.3.29) uses threads to multiply a vector by a matrix
_LEAST = _SHARED * 3 // 4
_MOST = 1 << 20  # elements beyond which neither cache takes its part
_ALIGNED = 16  # columns


def run(function: Function, env: Environment) -> bool:
    """Lay out the weights of `function`."""
    if crew.processors() < 2:
        return False
    weights = set(derived(function))

    def visit(node: Node, builder: Builder) -> tuple[Value, ...] | None:
        return _laid_out(node, builder) if _fits(node, weights) else None

    return rewrite(function, visit)


def _fits(node: Node, weights: set[Node]) -> bool:
    if node.op.name != "MatMul" or node.attrs.get("transpose_a"):
        return False
    x, w = node.inputs
    if w.node not in weights or x.dtype.name != "float32" or not is_static(x.shape) or not is_static(w.shape):
        return False
    rows, columns = fixed(w.shape)
    return fixed(x.shape)[0] == 1 and _LEAST <= rows * columns <= _MOST


def _laid_out(node: Node, builder: Builder) -> tuple[Value, ...]:
    x, w = node.inputs
    transposed = bool(node.attrs.get("transpose_b"))
    columns, rows = fixed(w.shape) if transposed else fixed(w.shape)[::-1]
    least = _SHARED // rows + 1
    wide = max(columns, -(-least // _ALIGNED) * _ALIGNED)
    (laid_out,) = builder.add("_Columns", [w], node, {"columns": wide, "transpose": transposed})
    return builder.add("_RowProduct", [x, laid_out], node, {"columns": columns})
