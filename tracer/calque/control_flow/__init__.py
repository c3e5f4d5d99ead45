"""Control flow as ops: conditionals and loops whose branches and bodies are functions of their own.

Eagerly all of it is plain Python. In a trace, each branch or body is traced as a function (`subgraph`), what it uses
from outside becomes an operand, and one node (If, Case, While) stands for the whole, laid out as TensorFlow lays it
out: so TensorFlow runs what is saved here, and one gradient rule serves both.
"""

from __future__ import annotations

from .branches import cond, switch_case
from .cases import case
from .loops import while_loop
from .mapping import foldl, foldr, map_fn, scan
from .vectorized import vectorized_map

__all__ = [
    "case",
    "cond",
    "foldl",
    "foldr",
    "map_fn",
    "scan",
    "switch_case",
    "vectorized_map",
    "while_loop",
]
